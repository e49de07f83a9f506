"""A trained collection in an editor's hands: three brushes, candidates, a photo to give the edit to."""

import dataclasses
import time
from collections.abc import Mapping
from typing import Any, Literal

import cv2
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import ranges
from deepsim_jax.images.original import Original
from deepsim_jax.systems import actions
from deepsim_jax.systems.contract import Canvas, Progress, Rendering, tell_nobody
from deepsim_jax.systems.igan import brush_actions, constraints, editing, morph, transfer
from deepsim_jax.systems.igan.later import Later
from deepsim_jax.systems.igan.model import Edited, IganModel, Projected
from deepsim_jax.systems.igan.tools import SIDE, TOOLS

STEPS = 40
"""Of Adam, after each stroke."""

RATE = 10.0
"""Frames a second of what "play" shows."""

_GROUND = 255  # of a drawing that begins with nothing
_LINE, _NO_LINE = (40, 40, 40), (215, 215, 215)  # edges that are asked for, and places without any


@dataclasses.dataclass(frozen=True)
class Document:
    """What was done so far; never changed.

    Attributes:
      actions: in order.
      projected: the photo, or None from scratch.
      origin: (latent,) z from which the candidates are held; None from scratch.
      strokes: those that count, as data.
      candidate, amount: what is chosen.
      search: the candidates, made when they are looked at.
      frames: of the film that is shown; 0: none is.
    """

    actions: tuple[Mapping[str, Any], ...]
    projected: Projected | None
    origin: np.ndarray | None
    strokes: tuple[Mapping[str, Any], ...]
    candidate: int
    amount: float
    search: Later
    frames: int = 0


class IganSession:
    """A `Session` on a model of iGAN: `Drawn`, `Photographed`, `Recorded`, `Interpolating`, `Quick` and
    `Stepwise`.

    Attributes:
      canvas: a square drawing; drafts are the generator's pictures, enlarged to it. The output's size is
        the drawing's where no photo is opened, else the photo's: see `output_size`.
      tools: `TOOLS`.
    """

    tools = TOOLS

    def __init__(self, model: IganModel, *, count: int = 16):
        """Opens it; `count` candidates are tried (published: 64, which is for a GPU)."""
        self._model, self._count = model, count
        side = model.size[0] * -(-SIDE // model.size[0])
        layers = "photo", "picture", "strokes"
        self.canvas = Canvas(size=(side, side), output_size=(side, side), layers=layers)

    def begin(self) -> Document:
        """The document from scratch: its candidates are random."""
        return self._from(None, None, 0)

    def apply(self, document: Document, action: Mapping[str, Any]) -> Document:
        """A new document, changed by an action; the old one stays what it was.

        A photo is projected at once; candidates are looked for when a document is rendered.

        Raises:
          UserError: an action that is not understood, or a photo that cannot be used.
        """
        tool, options = self._understood(action)
        changed = self._applied(document, tool, options, steps=STEPS)
        return dataclasses.replace(changed, actions=(*document.actions, dict(action)))

    def preview(self, document: Document, action: Mapping[str, Any]) -> Rendering:
        """The draft after an action, of candidates on their way; raises as `apply`."""
        tool, options = self._understood(action)
        if tool in brush_actions.BRUSHES and not document.search.is_made:
            # Given up, or not looked at since it was opened: what was waiting is not made here.
            begun = self._from(document.projected, document.origin, 0)
            made = document.search.newest_made() or begun.search
            document = dataclasses.replace(document, search=made)
        return self.render(self._applied(document, tool, options, steps=editing.CHUNK))

    def warm(self) -> None:
        """Compiles what strokes need."""
        search = editing.begin(None, self._model.learned.sizes.latent, self._count)
        editing.advance(self._model.learned, search, constraints.empty(self._model.size), steps=1)
        editing.pictures(self._model.learned, search, [0])

    def photo(self, document: Document) -> np.ndarray:
        """The photo, at its full size; an empty ground from scratch."""
        if document.projected is not None:
            return document.projected.photo
        return np.full((*self.canvas.size, 3), _GROUND, np.uint8)

    def original(self, document: Document) -> Original | None:
        """The photo as its file has it; None from scratch, or where it came as an array."""
        return None if document.projected is None else document.projected.original

    def output_size(self, document: Document) -> tuple[int, int]:
        """(height, width) of the photo, or from scratch of the drawing."""
        if document.projected is None:
            return self.canvas.output_size
        height, width = document.projected.photo.shape[:2]
        return height, width

    def drawing(self, document: Document) -> np.ndarray:
        """What the strokes ask for, over the picture that they change: uint8 of the canvas' size."""
        strokes = self.layer(document, "strokes")
        return np.where(strokes[..., 3:] > 0, strokes[..., :3], self._ground(document))

    def layer(self, document: Document, name: str) -> np.ndarray:
        """The "picture" that is changed, the "strokes", or what is seen of the "photo"."""
        if name == "photo":
            return self._seen(document)
        if name == "picture":
            return np.dstack([self._ground(document), np.full(self.canvas.size, 255, np.uint8)])
        asked = constraints.draw(self._parsed(document.strokes), self.canvas.size, self._ground(document))
        colored, sketched = np.asarray(asked.color_mask) > 0, np.asarray(asked.sketch_mask) > 0
        lines = sketched & (np.asarray(asked.sketch)[..., 0] > 0)
        layer = np.zeros((*self.canvas.size, 4), np.uint8)
        layer[colored, :3] = ranges.to_uint8(np.asarray(asked.color)[None])[0][colored]
        layer[sketched, :3] = _NO_LINE
        layer[lines, :3] = _LINE
        layer[colored | sketched, 3] = 255
        return layer

    def recipe(self, document: Document) -> dict[str, Any]:
        """The strokes since the last fix, as `edit --strokes=` and `transfer --strokes=` take them.

        It does not hold the photo, its box and what of it counts, what was fixed, the seed of a restart,
        or which candidate was chosen and how far. The command line searches once for all strokes, not
        after each of them.
        """
        return constraints.to_json(self._parsed(document.strokes))

    def actions(self, recipe: Any) -> list[dict[str, Any]]:
        """The actions that ask for the same as a recipe's strokes, in pixels of this canvas.

        Raises:
          UserError: it is not understood, see `constraints.parse`.
        """
        drawn = constraints.parse(recipe)
        own, size = self.canvas.size[::-1], drawn.size or self._model.size[::-1]
        scale = (own[0] / size[0], own[1] / size[1])
        return [brush_actions.action_of(stroke, scale) for stroke in drawn.strokes]

    def _ground(self, document):
        """What a drawing begins with: the picture that candidates are held at, or nothing."""
        if document.origin is None:
            return np.full((*self.canvas.size, 3), _GROUND, np.uint8)
        return self._enlarged(self._picture(document.origin))

    def _seen(self, document):
        """The square of the photo that is projected, as a layer; nothing from scratch."""
        of = document.projected
        if of is None:
            return np.zeros((*self.canvas.size, 4), np.uint8)
        part = transfer.cut(of.photo, of.framed.box)
        kernel = cv2.INTER_AREA if len(part) > self.canvas.size[0] else cv2.INTER_CUBIC
        part = cv2.resize(part, self.canvas.size[::-1], interpolation=kernel)
        return np.dstack([part, np.full(self.canvas.size, 255, np.uint8)])

    def _picture(self, latent):
        return ranges.to_uint8(self._model.generate(latent[None])[0])

    def _parsed(self, strokes):
        height, width = self.canvas.size
        return constraints.parse({"size": [width, height], "strokes": list(strokes)})

    def _understood(self, action):
        """(name of the tool, its options), checked."""
        tool = actions.chosen_tool(self.tools, action)
        options = {name: value for name, value in action.items() if name != "tool" and value is not None}
        actions.check_options(tool, options)
        for name in ("points", "from", "to"):
            if name in tool.takes and name not in options:
                raise UserError(f"action: {tool.name} needs {name!r}")
        return tool.name, options

    def render(self, document: Document, quality: Literal["draft", "full"] = "draft") -> Rendering:
        """The candidates of a document, or the chosen one as it is saved.

        Args:
          document: of this session.
          quality: "draft": the best nine at the drawing's size, as far as the chosen amount goes; "full":
            the chosen one, given to the photo at its full size, or from scratch enlarged. Of a film its
            frames.

        Raises:
          UserError: as the photo's transfer.
        """
        return self.render_stepwise(document, quality, tell_nobody)

    def render_stepwise(
        self, document: Document, quality: Literal["draft", "full"], progress: Progress
    ) -> Rendering:
        """As `render`; the parts are some steps of the search for candidates, and a film's frames."""
        begun = time.perf_counter()
        edited = self.edited(document, progress)
        doubts: tuple[str, ...] = ()
        candidate = min(document.candidate, len(edited.latents) - 1)
        if candidate != document.candidate:
            doubts = (
                f"candidate {document.candidate}: only {candidate + 1} are good enough to be shown",
            )
        rate, chosen = None, 0
        if document.frames:
            images, rate = [], RATE
            for picture in self._film(document, edited.latents[candidate], quality):
                images.append(picture)
                progress(len(images), document.frames)
        elif quality == "draft":
            images = [self._enlarged(picture) for picture in self._between(document, edited)]
            chosen = candidate
        elif document.projected is None:
            images = [self._enlarged(edited.pictures[candidate])]
        elif not document.strokes and document.origin is document.projected.latent:
            images = [document.projected.photo.copy()]
        else:
            images = [self._model.transferred(edited, candidate=candidate, amount=document.amount)]
        milliseconds = 1000 * (time.perf_counter() - begun)
        return Rendering(tuple(images), None, milliseconds, doubts, rate, chosen)

    def between(self, first: Document, second: Document, share: float) -> Document:
        """The document at a share of the way from what is chosen in one to what is chosen in another.

        Raises:
          UserError: they are not of the same photo.
        """
        if not _is_same(first.projected, second.projected):
            raise UserError(
                "a film goes between states of one photo, and another one was opened between these"
            )
        latent = (1 - share) * self._chosen(first) + share * self._chosen(second)
        projected, other = first.projected, second.projected
        if projected is not None and other is not None and other is not projected:
            # Projected by other parts of the photo, which is what both would be without an edit.
            origin = (1 - share) * projected.latent + share * other.latent
            projected = dataclasses.replace(projected, latent=np.asarray(origin, np.float32))
        return self._from(projected, np.asarray(latent, np.float32), 0)

    def _chosen(self, document):
        """(latent,) z of the chosen candidate, as far as the chosen amount goes."""
        latents = self.edited(document).latents
        latent = latents[min(document.candidate, len(latents) - 1)]
        if document.projected is None:
            return latent
        return (1 - document.amount) * document.projected.latent + document.amount * latent

    def edited(self, document: Document, progress: Progress = tell_nobody) -> Edited:
        """The candidates of a document, the best first."""
        search = document.search.value(progress)
        if not search.steps:  # nothing is asked for: there is nothing to choose by
            numbers = [0] if search.origin is not None else list(range(min(editing.SHOWN, self._count)))
            pictures = editing.pictures(self._model.learned, search, numbers)
            return Edited(search.latents[numbers], pictures, search.costs[numbers], document.projected)
        return self._model.edited(search, document.projected)

    def _applied(self, document, tool, options, steps):
        document = dataclasses.replace(document, frames=0)
        if tool == "open":
            box = options.get("box")
            projected = self._model.project(
                options["picture"], box=None if box is None else _numbers(box, 4)
            )
            return self._from(projected, projected.latent, 0)
        if tool == "match":
            if document.projected is None:
                raise UserError("match: there is no photo of which a part could count: open one")
            projected = self._model.matched(document.projected, options["mask"])
            begun = self._from(projected, projected.latent, 0)
            return self._drawn(begun, document.strokes, steps) if document.strokes else begun
        if tool == "choose":
            return dataclasses.replace(
                document, candidate=options.get("candidate", 0), amount=options.get("amount", 1.0)
            )
        if tool == "play":
            if document.origin is None:
                raise UserError("play: there is no original yet: open a photo, or fix a candidate")
            return dataclasses.replace(document, frames=options.get("frames", 16))
        if tool == "fix":
            latents = self.edited(document).latents
            chosen = latents[min(options.get("candidate", document.candidate), len(latents) - 1)]
            return self._from(document.projected, chosen, 0)
        if tool == "restart":
            begun = self._from(document.projected, document.origin, options.get("seed", 1))
            return self._drawn(begun, document.strokes, steps) if document.strokes else begun
        return self._drawn(document, (*document.strokes, *brush_actions.strokes_of(tool, options)), steps)

    def _from(self, projected, origin, seed):
        """A document without strokes, around a z; None for anywhere."""
        latent = self._model.learned.sizes.latent
        search = Later(lambda *_: editing.begin(origin, latent, self._count, seed=seed))
        return Document((), projected, origin, (), 0, 1.0, search)

    def _drawn(self, document, strokes, steps):
        """A document with other strokes, whose candidates go on from where they are.

        The best is chosen again: the candidates get another order.
        """
        origin, parsed = document.origin, self._parsed(strokes)
        if document.origin is None and any(stroke["brush"] == "warp" for stroke in strokes):
            raise UserError("warp: there is nothing to grab yet: open a photo, or fix a candidate")

        def search(before, progress):
            picture = None if origin is None else self._picture(origin)
            wanted = constraints.draw(parsed, self._model.size, picture)
            return editing.advance(self._model.learned, before, wanted, steps=steps, progress=progress)

        later = Later(search, document.search)
        return dataclasses.replace(document, strokes=tuple(strokes), candidate=0, search=later)

    def _between(self, document, edited):
        """The candidates, as far as the chosen amount goes."""
        if document.projected is None or document.amount == 1:
            return list(edited.pictures)
        share = document.amount
        latents = (1 - share) * document.projected.latent + share * edited.latents
        return list(ranges.to_uint8(self._model.generate(latents)))

    def _film(self, document, latent, quality):
        """The pictures on the way from the original to a candidate; in full those of the photo."""
        of = document.projected
        if of is None or quality == "draft":
            start = document.origin if of is None else of.latent
            share = np.linspace(0, 1, document.frames)[:, None]
            pictures = self._model.generate((1 - share) * start + share * latent)
            return map(self._enlarged, ranges.to_uint8(pictures))
        return morph.morph(
            self._model.generate, of.latent, latent, of.photo, box=of.framed.box, frames=document.frames
        )

    def _enlarged(self, picture):
        return cv2.resize(picture, self.canvas.size[::-1], interpolation=cv2.INTER_CUBIC)


def open_session(model: IganModel) -> IganSession:
    """A session on a model."""
    return IganSession(model)


def _is_same(one: Projected | None, other: Projected | None) -> bool:
    """Whether two projections are of the same photo; of one that was opened again, too."""
    if one is None or other is None or one is other:
        return one is other
    return one.framed.box == other.framed.box and np.array_equal(one.photo, other.photo)


def _numbers(value: Any, count: int) -> tuple[int, ...]:
    is_list = isinstance(value, list | tuple) and len(value) == count
    if not is_list or not all(isinstance(v, int) and not isinstance(v, bool) for v in value):
        raise UserError(f"action: {value!r:.60}: a list of {count} whole numbers is needed")
    return tuple(value)
