"""A photo's trained scales in an editor's hands: each action asks for a picture, and is rendered."""

import dataclasses
import time
from collections.abc import Mapping
from typing import Any, Literal

import cv2
import numpy as np

from deepsim_jax.images import io as image_io
from deepsim_jax.images import masks
from deepsim_jax.systems import actions
from deepsim_jax.systems.contract import Canvas, Label, Option, Progress, Rendering, Tool, tell_nobody
from deepsim_jax.systems.singan import applications, enlarging, inpainting, sampling
from deepsim_jax.systems.singan.model import SinganModel

_SEED = Option(
    "seed",
    "int",
    "of the noise; another one, other pictures",
    0,
    low=0,
    high=2**31 - 1,
    label=Label(end=999),
)
_PICTURE = Option("picture", "picture", "path or uint8 array of the picture", is_needed=True)
_MASK = Option(
    "mask",
    "picture",
    "path or array, its lighter part = changed; without it, the difference to the photo",
)
RATE = 10.0
"""Frames a second of animations."""

_TIMES = 2.0
_DRAFT_TIMES = 2.0  # more is not to be seen in a draft
_FRAMES = 30
_PIXELS_AT_ONCE = 2**17
"""Between so many pixels of samples and frames others have a turn: some tenths of a second on a CPU."""


def _start_scale(about: str, coarsest: int, finest: int, label: Label | None = None) -> Option:
    """The option, which a person begins with in the middle, unless the label says something else."""
    middle = Label(suggested=(coarsest + finest + 1) // 2)
    return Option("start_scale", "int", about, low=coarsest, high=finest, label=label or middle)


def _shape(side: str) -> Option:
    title = Label(title=f"{side.capitalize()}, times the photo’s")
    return Option(side, "float", "of the new pictures", default=1.0, low=0.25, high=4.0, label=title)


def _tools(scales: int) -> tuple[Tool, ...]:
    """The tools of a model with this number of scales."""
    finest = scales - 1
    return (*_asking_tools(finest), *(_composing_tools(finest) if finest >= 1 else ()))


def _asking_tools(finest: int) -> list[Tool]:
    """Tools that need no hand; `finest` is the number of the finest scale, from 0."""
    sampled = _start_scale("0: a new layout; higher: the photo's", 0, finest)
    each, from_one = Label("One from each start scale"), {"each_scale": (False,)}
    return [
        Tool(
            "sample",
            "random pictures like the photo",
            "none",
            (
                _SEED,
                Option("each_scale", "bool", "instead of several from one", False, label=each),
                dataclasses.replace(
                    sampled, label=dataclasses.replace(sampled.label, only_with=from_one)
                ),
                Option("count", "int", "how many", 1, low=1, high=64, label=Label(only_with=from_one)),
                _shape("height"),
                _shape("width"),
            ),
            key="s",
            title="New pictures",
            icon="dice",
        ),
        Tool(
            "enlarge",
            "the photo, larger",
            "none",
            (
                _SEED,
                Option(
                    "times",
                    "float",
                    "by what factor",
                    default=_TIMES,
                    low=1.01,
                    high=8.0,
                    label=Label(end=4),
                ),
            ),
            title="Enlarge",
            icon="enlarge",
            help="The photo gets more pixels, with fine texture of its own; the saved picture has all.",
        ),
        Tool(
            "animate",
            "a moving picture of the photo",
            "none",
            (
                _SEED,
                sampled,
                Option("frames", "int", "how many, 10 a second", default=_FRAMES, low=1, high=300),
                Option(
                    "alpha",
                    "float",
                    "how close to the photo",
                    default=0.1,
                    low=0.0,
                    high=1.0,
                    label=Label("Closeness to the photo"),
                ),
                Option(
                    "beta",
                    "float",
                    "how smooth and slow",
                    default=0.9,
                    low=0.0,
                    high=1.0,
                    label=Label("Smoothness"),
                ),
            ),
            title="Animate",
            icon="film",
            help="The photo comes alive, and plays here; “Make a film” above saves it.",
        ),
    ]


def _composing_tools(finest: int) -> list[Tool]:
    """Tools with which a picture or a hole is put into a scale from 1 to the finest."""
    start = _start_scale("where the picture enters; 1 is coarse", 1, finest)
    hole = Option("mask", "picture", "path or array, its lighter part = the hole", is_needed=True)
    suitable = _start_scale("without it, the one that suits", 1, finest, Label())
    reference = Option("reference", "picture", "a picture that resembles the undamaged one")
    composite_options = (_PICTURE, _MASK, start, _SEED)
    return [
        Tool(
            "paint",
            "a drawing with the photo's patches",
            "picture",
            (_PICTURE, start, _SEED),
            takes=("picture",),
            key="b",
            title="Paint",
            icon="brush",
            help="Paint roughly, over the photo or on plain ground: it becomes a picture made of "
            "the photo’s own patches.",
        ),
        Tool(
            "edit",
            "a changed photo made seamless",
            "picture",
            composite_options,
            takes=("picture", "mask"),
            title="Change",
            icon="pen",
            help="Paint, take pieces of the photo elsewhere, paste pictures: seams are made to vanish.",
        ),
        Tool(
            "harmonise",
            "a pasted object blended in",
            "picture",
            composite_options,
            takes=("picture", "mask"),
            title="Paste in",
            icon="paste",
            help="Paste a picture and move it into place: it takes on the photo’s look.",
        ),
        Tool(
            "inpaint",
            "a hole filled",
            "region",
            (hole, reference, suitable, _SEED),
            takes=("mask",),
            key="f",
            title="Fill a hole",
            icon="mask",
            help="Mark what is to vanish: it is filled with what the photo is made of, or with what "
            "a reference shows there: a picture of the photo’s size, such as a film’s next frame.",
        ),
    ]


@dataclasses.dataclass(frozen=True)
class Document:
    """The requested actions, the newest last; immutable. Without any, the document is the photo."""

    actions: tuple[Mapping[str, Any], ...] = ()


class SinganSession:
    """A `Session` on a model of SinGAN.

    Attributes:
      canvas: documents have the training size; composites the photo's.
      tools: what this many scales can make.
    """

    def __init__(self, model: SinganModel):
        """Opens a session on a trained model."""
        self._model, self._photo = model, model.photo
        self.tools = _tools(model.scales)
        self._newest: tuple[Document, bool, tuple[list[np.ndarray], np.ndarray | None]] | None = None
        self.canvas = Canvas(size=model.size, output_size=self._photo.shape[:2], layers=("picture",))

    def begin(self) -> Document:
        """The document in which nothing is asked for."""
        return Document()

    def apply(self, document: Document, action: Mapping[str, Any]) -> Document:
        """A new document that asks for a picture; the old one stays what it was.

        Args:
          document: of this session.
          action: {"tool": name, ...} with the tool's options; pictures and masks as paths or arrays.

        Raises:
          UserError: an action that is not understood, an option out of its range, or a picture or a mask
            that cannot be used.
        """
        tool = actions.chosen_tool(self.tools, action)
        options = {name: value for name, value in action.items() if name != "tool"}
        actions.check_options(tool, options)
        self._check_makable(tool.name, **options)
        return Document((*document.actions, dict(action)))

    def render(self, document: Document, quality: Literal["draft", "full"] = "draft") -> Rendering:
        """The picture of what was asked for last.

        Args:
          document: of this session.
          quality: "draft" is at most as large as the training; "full" has the photo's size, and is the
            photo, bit for bit, where the mask does not reach. Samples come at the training size, or at
            the one that was asked for.

        Raises:
          UserError: a file of a picture that is gone since.
        """
        return self.render_stepwise(document, quality, tell_nobody)

    def render_stepwise(
        self, document: Document, quality: Literal["draft", "full"], progress: Progress
    ) -> Rendering:
        """As `render`; the parts are samples, frames, and what an enlarged photo is made in."""
        begun = time.perf_counter()
        is_draft = quality == "draft"
        images, mask = self._newest_images(document, progress, is_draft=is_draft)
        if is_draft:
            images = [_fitted(image, self.canvas.size) for image in images]
        moving = bool(document.actions) and document.actions[-1]["tool"] == "animate"
        milliseconds = 1000 * (time.perf_counter() - begun)
        return Rendering(tuple(images), mask, milliseconds, rate=RATE if moving else None)

    def warm(self) -> None:
        """Compiles what makes samples as a front end asks for them first."""
        given = {one.name: one.default for one in self.tools[0].options if one.default is not None}
        given |= {one.name: one.label.suggested for one in self.tools[0].options if one.label.suggested}
        self.preview(self.begin(), {"tool": self.tools[0].name, **given})

    def preview(self, document: Document, action: Mapping[str, Any]) -> Rendering:
        """What an action would show first: of several samples one, of an animation its first frame.

        An enlarged photo looks at the training size as the photo does, and is not made.

        Raises:
          UserError: as `apply` and `render`.
        """
        newest = dict(self.apply(document, action).actions[-1])
        if newest["tool"] == "enlarge":
            return self.render(self.begin())
        if newest["tool"] == "sample":
            newest |= {"count": 1, "each_scale": False}
        elif newest["tool"] == "animate":
            newest["frames"] = 1
        return self.render(Document((newest,)))

    def _check_makable(self, tool, picture=None, mask=None, reference=None, **options):
        """Refuses what could not be rendered, before it is a step of a history."""
        given = {name: value for name, value in options.items() if value is not None}
        if tool == "sample":
            sampling.scale_sizes(self._model.learned, self._sample_size(**given))
        elif tool == "enlarge":
            enlarging.check(self._photo.shape[:2], given.get("times", _TIMES))
        elif tool == "inpaint":
            masks.read(self._hole(mask), self._photo)
            if reference is not None:
                inpainting.read_reference(reference, self._photo, self.canvas.size)
        elif tool in ("edit", "harmonise"):
            applications.read_edited(self._model.learned, self._photo, picture, mask)
        elif picture is not None:
            image_io.read_image(picture, name="picture")

    def output_size(self, document: Document) -> tuple[int, int]:
        """(height, width) of the pictures of what was asked for last."""
        if not document.actions:
            return self.canvas.output_size
        action = document.actions[-1]
        given = {name: value for name, value in action.items() if value is not None}
        height, width = self.canvas.output_size
        if action["tool"] == "enlarge":
            times = given.get("times", _TIMES)
            return round(height * times), round(width * times)
        if action["tool"] == "sample":
            return self._sample_size(**given)
        return self.canvas.size if action["tool"] in ("animate", "paint") else (height, width)

    def _sample_size(self, height=1.0, width=1.0, **_):
        return applications.stretched(self._model.learned, height, width)

    def _newest_images(self, document, progress, *, is_draft):
        """`_make_images`, once for both qualities where they are made of the same."""
        # Only the draft of an enlarged photo is made of another picture, a small one.
        is_small = is_draft and bool(document.actions) and document.actions[-1]["tool"] == "enlarge"
        if self._newest is None or self._newest[0] is not document or self._newest[1] != is_small:
            images = self._make_images(document, progress, is_small=is_small)
            self._newest = document, is_small, images
        return self._newest[2]

    def _make_images(self, document, progress, *, is_small):
        """(pictures, mask or None) of the newest action."""
        if not document.actions:
            return [self._photo.copy()], np.zeros(self._photo.shape[:2], bool)
        options = dict(document.actions[-1])
        tool, picture = options.pop("tool"), options.pop("picture", None)
        options = {name: value for name, value in options.items() if value is not None}
        if tool == "sample":
            return self._samples(progress, **options), None
        if tool == "animate":
            return self._frames(progress, **options), None
        if tool == "enlarge":
            return [self._enlarged(progress, is_small, **options)], None
        if tool == "paint":
            return list(self._model.paint(picture, **options)), None
        if tool == "inpaint":
            image = self._model.inpaint(self._hole(options.pop("mask")), **options)
        else:
            image = getattr(self._model, tool)(image_io.read_image(picture, name="picture"), **options)
        return [image], (image != self._photo).any(-1)

    def _hole(self, mask):
        """A hole as the model takes it: one that was drawn on the canvas gets the photo's size."""
        if not isinstance(mask, np.ndarray) or mask.shape[:2] != self.canvas.size:
            return mask
        height, width = self._photo.shape[:2]
        hole = masks.read_mask(mask).astype(np.uint8)
        return cv2.resize(hole, (width, height), interpolation=cv2.INTER_NEAREST)

    def _enlarged(self, progress, is_small, *, times=_TIMES, **options):
        """The larger photo; for a draft the photo at the training size, which is shrunk again anyway."""
        learned, picture = self._model.learned, self._photo
        if is_small:
            picture, times = applications.training_picture(learned, picture), min(times, _DRAFT_TIMES)
        return applications.enlarge(learned, picture, times, progress=progress, **options)

    def _samples(
        self, progress, *, height=1.0, width=1.0, each_scale=False, start_scale=0, count=1, seed=0
    ):
        """The pictures of "sample": several samples, or one from each start scale."""
        learned = self._model.learned
        size = applications.stretched(learned, height, width)
        asked = {"seed": seed, "size": size, "batch": _at_once(size)}
        if not each_scale:
            return list(
                applications.sample(learned, count, start_scale=start_scale, progress=progress, **asked)
            )
        pictures = []
        for scale in range(learned.scales):
            pictures.append(applications.sample(learned, 1, start_scale=scale, **asked)[0])
            progress(len(pictures), learned.scales)
        return pictures

    def _frames(self, progress, *, frames=_FRAMES, **options):
        """The pictures of "animate"."""
        learned, batch = self._model.learned, _at_once(self.canvas.size)
        pictures = []
        for picture in applications.animate(learned, frames=frames, batch=batch, **options):
            pictures.append(picture)
            progress(len(pictures), frames)
        return pictures


def _at_once(size: tuple[int, int]) -> int:
    return max(1, min(32, _PIXELS_AT_ONCE // (size[0] * size[1])))


def _fitted(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture, shrunk in its own aspect to lie within the training size where it is larger."""
    factor = min(allowed / side for allowed, side in zip(size, image.shape[:2], strict=True))
    if factor >= 1:
        return image
    fitted = [side * factor for side in image.shape[:2]]
    if all(abs(side - allowed) < 1 for side, allowed in zip(fitted, size, strict=True)):
        fitted = list(size)  # the same aspect, but for the rounding
    height, width = (max(1, round(side)) for side in fitted)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
