"""The seam: the interface between a system and generic code, which does not know it by name.

A system lives in a folder of its own under `systems/` and has one line in the registry. Its `System` is
cheap to import, because `--help` and a mistyped flag need only declarations; references,
"package.module:name", name the code that trains and makes pictures, which is imported when it is used.
"""

import dataclasses
import pathlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from deepsim_jax.config.schema import Schema
from deepsim_jax.errors import UserError
from deepsim_jax.systems.training import Model as Model
from deepsim_jax.systems.training import Source as Source
from deepsim_jax.systems.training import Training as Training

if TYPE_CHECKING:
    import ml_collections
    import numpy as np

    from deepsim_jax.images.original import Original

Kind = Literal["text", "path", "int", "float", "bool", "word", "words", "size", "color", "picture", "box"]
"""What an option holds: "word" is one of its choices, "words" are several with commas between them,
"size" is (height, width), written WIDTHxHEIGHT; in a session also "color", [red, green, blue] from 0 to
255, "picture", a path or a uint8 array, and "box", [left, top, width, height] in the pixels of the tool's
"picture"."""

_Places = Literal["points", "polygon", "at", "by", "from", "to", "fixed"]
Taken = Literal[_Places, "like", "spare", "picture", "mask", "candidate"]
"""What a hand gives to an action, in pixels (x, y) of the canvas: the "points" of a stroke; the corners
of a "polygon"; a point "at" which the connected region is taken; "by" how far something is dragged; where
points are dragged "from" and "to", and those that stay "fixed"; a point that has a colour "like" the
wanted one; locked colours, which the action is to "spare"; a "picture" that was drawn or pasted, and a
"mask", whose lighter part counts; the number of a "candidate" among the document's pictures."""

Progress = Callable[[int, int], None]
"""Told how many parts of how many are made; what it raises ends what is being made."""


def tell_nobody(done: int, of: int) -> None:
    """The `Progress` of what nobody waits for in parts."""


Ink = Literal["none", "color", "edge", "sketch", "original", "keep"]
"""What a front end may show while the hand moves: a stamp of the option "color" and the option "radius",
a line one pixel wide, a dark line of that radius, the original, or a veil over what is protected."""


@dataclasses.dataclass(frozen=True)
class Label:
    """How a front end shows an option, or a key of a config, to people.

    Attributes:
      title: what it is called; "": its name, as words.
      end: where its slider ends, if its range goes farther or has no bound; None: at the bound.
      suggested: what a front end begins with where there is no default; None: nothing is set.
      titles: one of the choices -> what it is called; without one, its name, as words.
      hints: one of the choices -> a sentence that is shown while it is chosen.
      left_out: choices that are not offered, because they need more than a front end can give.
      only_with: another option -> its values with which this one means something; it is shown with one
        of them only.
    """

    title: str = ""
    end: float | None = None
    suggested: Any = None
    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    hints: Mapping[str, str] = dataclasses.field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    only_with: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a verb or a tool, declared once for the command line, its help, the docs, an editor.

    Attributes:
      name: as in --name=value.
      kind: what it holds.
      about: one phrase, with the unit.
      default: its value where nothing is given.
      choices: of a "word".
      low, high: the closed range of a number; None is no bound.
      is_needed: whether the verb cannot do without.
      label: how a front end shows it.
    """

    name: str
    kind: Kind
    about: str
    default: Any = None
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    is_needed: bool = False
    label: Label = Label()


@dataclasses.dataclass(frozen=True)
class Call:
    """A verb as it was called.

    Attributes:
      verb: its name.
      spelling: how the caller writes it, for messages.
      workdir: the run's folder, absolute; None for a verb that has none.
      options: name -> value of each option that was given or has a default.
      config: validated, or None if none was given.
    """

    verb: str
    spelling: str
    workdir: pathlib.Path | None
    options: Mapping[str, Any]
    config: "ml_collections.ConfigDict | None" = None

    @property
    def folder(self) -> pathlib.Path:
        """The run's folder, of a verb that needs one.

        Raises:
          UserError: none was given.
        """
        if self.workdir is None:
            raise UserError(f"--workdir is needed for {self.spelling}")
        return self.workdir

    @property
    def needed_config(self) -> "ml_collections.ConfigDict":
        """The config, of a verb that cannot do without.

        Raises:
          UserError: none was given.
        """
        if self.config is None:
            raise UserError(f"--config is needed for {self.spelling}")
        return self.config

    def __getattr__(self, name: str) -> Any:
        try:
            return self.options[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclasses.dataclass(frozen=True)
class Verb:
    """Something that can be done from the command line, or with a trained run.

    Attributes:
      name: the command's word.
      about: what it makes, in a phrase.
      options: what it is told beside workdir and config.
      run: reference to a function of a `Call` that does it, prints what was made and returns the exit
        code (None is 0).
      takes_config: whether a config may be given.
      default_config: the config where none is given; "" if there is none.
      needs_workdir: whether it cannot do without a folder.
      workdir_about: what that folder is; "" if it takes none.
      hints: flag that it does not take -> what to say where it is given all the same.
    """

    name: str
    about: str
    options: tuple[Option, ...]
    run: str
    takes_config: bool = False
    default_config: str = ""
    needs_workdir: bool = True
    workdir_about: str = "folder of the run"
    hints: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __call__(self, call: Call) -> int | None:
        """Runs the verb and returns its exit code."""
        return pkgutil.resolve_name(self.run)(call)


@dataclasses.dataclass(frozen=True)
class Table:
    """A comparison of many trainings, which the verb "table" makes.

    Attributes:
      name: for --rows.
      about: what is compared, in a phrase.
      run: reference to a function (call, inputs) -> {"findings": [...], "pending": [...], ...}, the
        content of table.json.
      needs_input: whether it cannot do without sequences or photos.
    """

    name: str
    about: str
    run: str
    needs_input: bool = True

    def __call__(self, call: Call, inputs: Sequence[str]) -> dict[str, Any]:
        """Makes the table, or goes on with it, and returns the content of its table.json."""
        return pkgutil.resolve_name(self.run)(call, inputs)


@dataclasses.dataclass(frozen=True)
class Tool:
    """A tool of a session, as data from which a front end draws its panel.

    A front end knows a few options by their names, because the hand gives them or they are shown where
    the hand is: "color" and "radius" of an ink, "reach" of dragged points, "scale", "rotate" and "flip"
    of what is placed, and "seed", of which another one is drawn at random. It knows the others by their
    kinds and labels.

    Attributes:
      name: of the action's "tool".
      about: in a phrase.
      gesture: what the hand does: "points", "stroke", "region", "picture" or "none".
      options: with choices and ranges.
      takes: the keys of the action that the hand gives, beside the options.
      ink: what may be shown of it before it is applied.
      ground: the layer of the canvas over which a "mask" is marked; "": what the canvas shows.
      key: the letter that chooses it, or "".
      title: what its button says; "": its name.
      help: how it is used, in a sentence for whoever has never seen it; "": the phrase.
      icon: a word for the button's picture, which a front end may know; "": one of the gesture.
    """

    name: str
    about: str
    gesture: Literal["points", "stroke", "region", "picture", "none"]
    options: tuple[Option, ...] = ()
    takes: tuple[Taken, ...] = ()
    ink: Ink = "none"
    ground: str = ""
    key: str = ""
    title: str = ""
    help: str = ""
    icon: str = ""


@dataclasses.dataclass(frozen=True)
class Canvas:
    """The canvas that documents are drawn on.

    Attributes:
      size: (height, width) in pixels of documents.
      output_size: (height, width) of a picture in full quality; of a `Sized` session, of one
        without a photo.
      layers: names, from the lowest up; "keep" is what tools of the ink "keep" protect.
      palette: the colours that a drawing may have, (N, 3) uint8, or None for any.
      line_color: (red, green, blue) that lines have in a drawing, or None where there are none.
    """

    size: tuple[int, int]
    output_size: tuple[int, int]
    layers: tuple[str, ...]
    palette: "np.ndarray | None" = None
    line_color: tuple[int, int, int] | None = None


@dataclasses.dataclass(frozen=True)
class Rendering:
    """The rendered images of a document.

    Attributes:
      images: uint8 (H, W, 3), one or several candidates.
      mask: bool (H, W), True where the picture may differ from the photo, or None for everywhere.
      milliseconds: that it took.
      doubts: what the person should be told, each one line.
      rate: frames a second, where the images are a film's.
      chosen: which of the images is the document's own, the one that is shown first.
    """

    images: "tuple[np.ndarray, ...]"
    mask: "np.ndarray | None"
    milliseconds: float
    doubts: tuple[str, ...] = ()
    rate: float | None = None
    chosen: int = 0

    @property
    def image(self) -> "np.ndarray":
        """The chosen one."""
        return self.images[self.chosen]


class Session(Protocol):
    """A run or a photo in an editor's hands, headless.

    A document is immutable; an action is a JSON-like dict with the key "tool" and the tool's options.
    What only some sessions can do is in `Drawn`, `Regional`, `Photographed`, `Sized`, `Doubting`,
    `Recorded`, `Interpolating`, `Quick` and `Stepwise`.
    """

    canvas: Canvas
    tools: Sequence[Tool]

    def begin(self) -> Any:
        """The document in which nothing is changed."""
        ...

    def apply(self, document: Any, action: Mapping[str, Any]) -> Any:
        """A new document, changed by an action.

        Raises:
          UserError: an action that is not understood; the old document stays what it was.
        """
        ...

    def render(self, document: Any, quality: Literal["draft", "full"] = "draft") -> Rendering:
        """Renders a document: as a quick, small draft, or in full quality."""
        ...


@runtime_checkable
class Drawn(Protocol):
    """A session whose documents are drawings."""

    def drawing(self, document: Any) -> "np.ndarray":
        """The drawing, uint8 (h, w, 3) of the canvas' size."""
        ...

    def layer(self, document: Any, name: str) -> "np.ndarray":
        """One of the canvas' layers, uint8 (h, w, 4): red, green, blue, and 0 where it has nothing."""
        ...


@runtime_checkable
class Regional(Protocol):
    """A session whose drawings consist of regions that can be taken."""

    def region(self, document: Any, point: Sequence[float]) -> "np.ndarray":
        """bool (h, w): what an action "at" a point (x, y) takes.

        Raises:
          UserError: a point outside, or on a line.
        """
        ...


@runtime_checkable
class Photographed(Protocol):
    """A session whose documents have photos of their own, which may be opened while it goes on.

    A picture that a tool's option asks for is given to it as a file, where there is one: it may become a
    photo, whose profile and EXIF data results have.
    """

    def photo(self, document: Any) -> "np.ndarray":
        """What the document begins with, uint8 (H, W, 3) of any size: the photo, or an empty ground."""
        ...

    def original(self, document: Any) -> "Original | None":
        """The document's photo as its file has it; None where there is none, or it came as an array."""
        ...


@runtime_checkable
class Sized(Protocol):
    """A session whose documents' pictures are of different sizes."""

    def output_size(self, document: Any) -> tuple[int, int]:
        """(height, width) of the document's picture in full quality; nothing is rendered for it."""
        ...


@runtime_checkable
class Doubting(Protocol):
    """A session that knows where its pictures may be wrong."""

    def mismatch(self, document: Any) -> "np.ndarray":
        """uint8 (h, w) of the canvas' size: 0 where the picture shows what is wanted, more where not."""
        ...


@runtime_checkable
class Recorded(Protocol):
    """A session whose documents can be written down and repeated from the command line."""

    def recipe(self, document: Any) -> dict[str, Any]:
        """The document's actions as a recipe, which JSON can hold."""
        ...

    def actions(self, recipe: Any) -> list[dict[str, Any]]:
        """The actions that a recipe tells, for a canvas of this size.

        Raises:
          UserError: it is not understood.
        """
        ...


@runtime_checkable
class Interpolating(Protocol):
    """A session that knows what lies between two documents."""

    def between(self, first: Any, second: Any, share: float) -> Any:
        """The document at a share of the way, 0 to 1, from one to the other."""
        ...


@runtime_checkable
class Quick(Protocol):
    """A session that shows an action while the hand moves in less time than it takes to apply it."""

    def warm(self) -> None:
        """Does once what takes long the first time; in any thread."""
        ...

    def preview(self, document: Any, action: Mapping[str, Any]) -> Rendering:
        """About what `render` would show as a draft of a document after an action; raises as `apply`."""
        ...


@runtime_checkable
class Stepwise(Protocol):
    """A session whose pictures may take long, and are made in parts, between which others have a turn."""

    def render_stepwise(
        self, document: Any, quality: Literal["draft", "full"], progress: Progress
    ) -> Rendering:
        """As `render`; `progress` is called after each part, and may raise to give the picture up."""
        ...


@dataclasses.dataclass(frozen=True)
class Opening:
    """How a system opens a photo that it can edit without any training.

    Attributes:
      open: reference to a function of a `Source` that returns a model for the system's session.
      keys: of the config, which a person may change before anything is edited.
    """

    open: str
    keys: tuple[str, ...] = ()

    def __call__(self, source: Any) -> Model:
        """A model of a source of its system, with nothing trained."""
        return pkgutil.resolve_name(self.open)(source)


@dataclasses.dataclass(frozen=True)
class System:
    """A system: one method of training and editing, as a declaration.

    Attributes:
      name: the value of a config's key "system".
      title: what a page or a message calls it.
      about: in a phrase.
      purpose: what it is for, in a few words, for whoever has never heard of it; "": the title.
      promise: the same in a sentence.
      schema: its keys.
      verbs: what can be done with its runs.
      tables: what can be compared.
      training: reference to its `Training`.
      report: reference to a function of a run's folder that writes its page and returns the path.
      session: reference to a class of `Session`, which takes a model, or to a function that makes one.
      opening: how it opens a photo with nothing trained; None: only what is trained can be edited.
      train_keys: of the config, which a person may change before a training.
      photo_key: of the config, the path of the photo that is learned; "": it learns from more than one.
      labels: key of the config -> how a front end shows it.
    """

    name: str
    title: str
    about: str
    schema: Schema
    verbs: tuple[Verb, ...]
    training: str
    report: str
    session: str
    tables: tuple[Table, ...] = ()
    opening: Opening | None = None
    train_keys: tuple[str, ...] = ("train.steps",)
    photo_key: str = ""
    purpose: str = ""
    promise: str = ""
    labels: Mapping[str, Label] = dataclasses.field(default_factory=dict)

    def load_training(self) -> Training[Any, Any, Any]:
        """Its `Training`, imported: two seconds, the first time."""
        return pkgutil.resolve_name(self.training)

    def write_report(self, workdir: pathlib.Path) -> pathlib.Path:
        """Writes the page of a run's folder and returns its path.

        Raises:
          UserError: no run there, or a damaged file.
        """
        return pkgutil.resolve_name(self.report)(workdir)

    def open_session(self, model: Any) -> Session:
        """A session on a model of this system."""
        return pkgutil.resolve_name(self.session)(model)
