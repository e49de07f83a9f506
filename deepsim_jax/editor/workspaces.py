"""What is opened and edited: a session, a history, and a folder in which both are saved.

Everything here is called in the worker's thread, one after the other.
"""

import collections
import datetime
import hashlib
import logging
import pathlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from deepsim_jax import registry, settings
from deepsim_jax.editor import autosave, messages, opening, uploads
from deepsim_jax.editor.history import History
from deepsim_jax.editor.opening import Opened
from deepsim_jax.editor.renderings import Renderings
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as image_io
from deepsim_jax.systems import contract
from deepsim_jax.systems.contract import Rendering
from deepsim_jax.training import run_folder

log = logging.getLogger("deepsim_jax")

READ_BYTES = 128 * 2**20
PICTURES = 500
"""So many drawn or pasted pictures a workspace may have."""


class Stale(Exception):
    """Somebody else has edited meanwhile."""


class Edited(Exception):
    """What is asked for would lose edits, or a training.

    Attributes:
      trained: whether a training would be lost.
    """

    def __init__(self, words: str, *, trained: bool):
        """Of one line for the person."""
        super().__init__(words)
        self.trained = trained


class Workspace:
    """An opened photo or run.

    Attributes:
      id: 16 letters, the name of its folder.
      name: for people.
      config_name: of the shipped config with which the photo was opened; None for a run.
      opened: what is open.
      history: its documents.
      folder: where all of it is saved.
      run: the folder of the training in use, or None.
      begun: the folder of another training that was begun, as long as it has saved nothing, or None; the
        next time that anything is opened it takes the place of `run`, if it has saved something by then.
      renderings: its documents' pictures.
    """

    def __init__(
        self,
        id_: str,
        folder: autosave.Folder,
        workdir: pathlib.Path,
        *,
        name: str,
        config_name: str | None,
        photo: str | None = None,
        run: pathlib.Path | None = None,
    ):
        """One that is new; `restore` reads one that was saved."""
        self.id, self.folder, self.name, self.config_name = id_, folder, name, config_name
        self._workdir, self._photo, self.run = workdir, photo, run
        self.begun: pathlib.Path | None = None
        self._values: dict[str, Any] = {}
        self._pictures: dict[str, str] = {}
        self._read: collections.OrderedDict[str, np.ndarray] = collections.OrderedDict()
        self.renderings = Renderings()
        self.changed = datetime.datetime.now(datetime.UTC)
        self.opened = self._open()
        self.history = self._new_history()

    @classmethod
    def restore(cls, id_: str, folder: autosave.Folder, workdir: pathlib.Path) -> "Workspace":
        """One that was saved, with its history.

        Raises:
          UserError: it is damaged, or its run is gone.
        """
        state, entries = folder.read()
        self = cls.__new__(cls)
        try:
            self.id, self.folder, self.name = id_, folder, str(state["name"])
            self.config_name, self._workdir = state["config"], workdir
            if self.config_name is not None:
                opening.choose_config(self.config_name)
            self._photo = None if state["photo"] is None else _file_name(state["photo"])
            self._values = dict(state["values"])
            self._pictures = {str(key): _file_name(name) for key, name in state["pictures"].items()}
            self.run = self._run_of(state["run"])
            self.begun = self._run_of(state.get("begun"))
            position, next_id = int(state["position"]), int(state["next_id"])
            self.changed = datetime.datetime.fromisoformat(state["changed"])
        except (KeyError, TypeError, ValueError, UserError) as error:
            raise UserError(f"{folder.path / autosave.STATE}: damaged ({error})") from error
        self._read, self.renderings = collections.OrderedDict(), Renderings()
        self.opened = self._open()
        self.history = self._new_history(entries=entries, position=position, next_id=next_id)
        return self

    def _run_of(self, name: str | None) -> pathlib.Path | None:
        """The folder of a run that is saved; raises ValueError for one outside of the workdir."""
        if name is None:
            return None
        folder = self._workdir / name
        if not folder.resolve().is_relative_to(self._workdir.resolve()):
            raise ValueError("a run outside of the folder")
        return folder

    def _new_history(self, **saved):
        return History(self.opened.session, resolve=self.resolve, **saved)

    def _open(self) -> Opened:
        if self._has_saved:
            self.run, self.begun = self.begun, None
        if self.run is not None and run_folder.is_run(self.run):
            return opening.open_run(self.run)
        if self._photo is None:
            raise UserError(f"{self.name}: its run is gone")
        self.run = None
        return opening.open_photo(self.folder.path / self._photo, self.config())

    @property
    def _has_saved(self) -> bool:
        """Whether the training that was begun last has saved something."""
        return self.begun is not None and run_folder.is_run(self.begun)

    def config(self, train_values: Mapping[str, Any] | None = None):
        """The config with which the photo is opened, or would be trained.

        Raises:
          UserError: a key that may not be changed, or a value that is not allowed.
        """
        assert self.config_name is not None
        config = settings.load(self.config_name)
        system = registry.get(config.system)
        keys = (*(system.opening.keys if system.opening else ()), *system.train_keys)
        return opening.changed(config, {**self._values, **(train_values or {})}, keys)

    @property
    def photo_path(self) -> pathlib.Path | None:
        """The photo's file as it was sent; None for a run."""
        return None if self._photo is None else self.folder.path / self._photo

    def save(self, dropped=()) -> None:
        """Saves what has changed, see `autosave.Folder.save`."""
        self.changed = datetime.datetime.now(datetime.UTC)
        run, begun = (
            None if folder is None else folder.relative_to(self._workdir).as_posix()
            for folder in (self.run, self.begun)
        )
        state = {
            "name": self.name,
            "system": self.opened.system.name,
            "config": self.config_name,
            "photo": self._photo,
            "run": run,
            "begun": begun,
            "values": self._values,
            "pictures": self._pictures,
            "position": self.history.position,
            "next_id": self.history.next_id,
            "changed": self.changed.isoformat(timespec="seconds"),
        }
        self.folder.save(state, self.history.entries, dropped)

    def save_behind(self) -> None:
        """Tries once more to save what could not be saved; there may be space again."""
        if self.folder.is_behind and not self.folder.readonly:
            self.save()

    def reopen(self) -> None:
        """Opens what was trained in the place of what is open; the same edits are made in it.

        Raises:
          UserError: there is no run, or a damaged file; what is open stays.
        """
        before = self.run, self.begun
        try:
            self.opened = self._open()
        except UserError:
            self.run, self.begun = before
            raise
        self.renderings.clear()
        self.history.session = self.opened.session
        self.save()

    def change_opening(self, values: Mapping[str, Any], *, discard: bool) -> None:
        """Opens the photo anew, with another primitive.

        Raises:
          Edited: something is edited or trained, and that is not to be discarded.
          UserError: a key or value that is not allowed, or a run that has no photo of its own.
        """
        if self.photo_path is None or self.opened.system.opening is None:
            raise UserError("the drawing of a run is what it was trained on, and stays")
        trained, edited = self.run is not None or self._has_saved, len(self.history.entries) > 1
        if (trained or edited) and not discard:
            lost = ["the training"] * trained + ["what was edited"] * edited
            raise Edited(f"changing the drawing discards {' and '.join(lost)}", trained=trained)
        before = self._values, self.run, self.begun
        self._values, self.run, self.begun = {**self._values, **values}, None, None
        try:
            opened = self._open()
        except UserError:
            self._values, self.run, self.begun = before
            raise
        self.opened, dropped = opened, self.history.clear()
        self.renderings.clear()
        self.history.session = opened.session
        self.save(dropped)

    def act(self, base: int, *actions: Mapping[str, Any]) -> list[str]:
        """Adds a document, the current one after some actions; returns what a person should know.

        Raises:
          Stale: `base` is not the current document.
          UserError: an action is not understood; nothing has changed.
        """
        self._check_base(base)
        _, dropped = self.history.act(*actions)
        self.save(dropped)
        return [self.folder.problem] if self.folder.problem else []

    def _check_base(self, base):
        if base != self.history.current.id:
            raise Stale("somebody has edited meanwhile")

    def move(self, position: int) -> None:
        """Makes another document the current one; raises LookupError where there is none."""
        self.history.move(position)
        self.save()

    def add_picture(self, content: bytes) -> tuple[str, tuple[int, int]]:
        """Keeps a picture that actions may name: its id, and (width, height).

        Raises:
          UserError: no picture, too many of them, or it cannot be saved.
        """
        kind = uploads.kind_of(content)
        id_ = hashlib.sha256(content).hexdigest()[:16]
        if id_ not in self._pictures:
            if len(self._pictures) >= PICTURES:
                raise UserError(
                    f"{PICTURES} pictures are the most; start from this result as a new photo"
                )
            path = self.folder.path / "pictures" / f"{id_}.{kind}"
            self.folder.write(path, content)
            try:
                self._decoded(id_, path)
            except UserError as error:  # in which a file is named that nobody knows
                path.unlink(missing_ok=True)
                raise UserError(str(error).replace(f" {path}", "")) from error
            self._pictures[id_] = path.name
        height, width = self._picture(id_).shape[:2]
        return id_, (width, height)

    def resolve(self, action: Mapping[str, Any]) -> Mapping[str, Any]:
        """An action as the session takes it: pictures by their pixels, possible photos by their files.

        Raises:
          UserError: a key that its tool does not take, or a picture that was not sent.
        """
        session = self.opened.session
        tool = next((t for t in session.tools if t.name == action.get("tool")), None) if session else None
        if tool is None:
            raise UserError(f"action: no tool {str(action.get('tool'))!r:.40} here")
        kinds = {option.name: option.kind for option in tool.options}
        found = {}
        for name, value in action.items():
            if name not in ("tool", *kinds, *tool.takes):
                raise UserError(f"action: {tool.name} has no option {name!r:.40}")
            if value is not None and (
                kinds.get(name) in ("picture", "path") or name in ("picture", "mask")
            ):
                may_be_photo = isinstance(session, contract.Photographed) and name not in tool.takes
                value = self._picture_path(value) if may_be_photo else self._picture(value)
            found[name] = value
        return found

    def _picture_path(self, id_):
        name = self._pictures.get(id_) if isinstance(id_, str) else None
        if name is None:
            raise UserError("action: a picture that was not sent")
        return self.folder.path / "pictures" / name

    def _picture(self, id_):
        path = self._picture_path(id_)
        if id_ in self._read:
            self._read.move_to_end(id_)
            return self._read[id_]
        return self._decoded(id_, path)

    def _decoded(self, id_, path):
        picture = image_io.read_image(path, name="picture", quiet=True)
        self._read[id_] = picture
        while len(self._read) > 1 and sum(p.nbytes for p in self._read.values()) > READ_BYTES:
            self._read.popitem(last=False)
        return picture

    def rendering(self, id_: int | None, quality: Literal["draft", "full"], actions=()) -> Rendering:
        """The picture of a document, or its draft after some provisional actions.

        Raises:
          LookupError: no such document.
          UserError: an action that is not understood.
        """
        session = self.opened.session
        if session is None:
            photo = self.opened.source.photo
            return Rendering((photo,), np.zeros(photo.shape[:2], bool), 0.0)
        id_ = self.history.entries[self.history.index(id_)].id
        if actions:
            document = self.history.applied(self.history.document(id_), actions[:-1])
            last = self.resolve(actions[-1])
            if isinstance(session, contract.Quick):
                return session.preview(document, last)
            return self.renderings.render(session, session.apply(document, last), "draft")
        return self.renderings.of(session, id_, lambda: self.history.document(id_), quality)

    def thumbnail(self, id_: int | None) -> np.ndarray | None:
        """What stands for a document in a list; None: its picture may take long, and is not kept.

        Raises:
          LookupError: no such document.
        """
        index, session = self.history.index(id_), self.opened.session
        id_ = self.history.entries[index].id
        if index and isinstance(session, contract.Stepwise) and not isinstance(session, contract.Drawn):
            kept = self.renderings.kept(id_)
            return None if kept is None else kept.image
        return self.drawing(id_)

    def result(self, id_: int | None, candidate: int | None) -> tuple[bytes, Rendering]:
        """A document's picture in full quality, as a PNG in the photo's colours, as files are written.

        Args:
          id_: of the document; None: the current one.
          candidate: which of its pictures; None: the chosen one.

        Raises:
          LookupError: no such document or candidate.
        """
        rendering = self.rendering(id_, "full")
        picture, session = _candidate(rendering, candidate), self.opened.session
        original = self.opened.source.original
        if isinstance(session, contract.Photographed):
            original = session.original(self.history.document(id_))
        png = image_io.png_bytes(picture) if original is None else original.png(picture)
        return png, rendering

    def preview(self, id_: int | None, actions, candidate: int | None) -> tuple[bytes, Rendering]:
        """A document's draft after some provisional actions as a WebP; otherwise as `result`."""
        rendering = self.rendering(id_, "draft", actions)
        return messages.webp(_candidate(rendering, candidate)), rendering

    def drawing(self, id_: int | None, actions=()) -> np.ndarray:
        """A document's drawing, uint8 (h, w, 3); of a session without drawings its draft."""
        session = self.opened.session
        if not isinstance(session, contract.Drawn):
            return self.rendering(id_, "draft", actions).image
        return session.drawing(self.history.applied(self.history.document(id_), actions))

    def layer(self, id_: int | None, name: str) -> np.ndarray:
        """One of a document's layers, uint8 (h, w, 4).

        Raises:
          LookupError: no such layer or document.
        """
        session = self.opened.session
        if not isinstance(session, contract.Drawn) or name not in session.canvas.layers:
            raise LookupError("no such layer")
        return session.layer(self.history.document(id_), name)

    def region(self, id_: int | None, point: tuple[float, float]) -> np.ndarray:
        """bool (h, w): what a click at a point takes.

        Raises:
          LookupError: the session has no regions.
          UserError: a point outside, or on a line.
        """
        session = self.opened.session
        if not isinstance(session, contract.Regional):
            raise LookupError("there are no regions here")
        return session.region(self.history.document(id_), point)

    def photo(self, id_: int | None) -> np.ndarray:
        """The photo of a document, uint8 (H, W, 3); raises LookupError where there is none of that id."""
        session = self.opened.session
        if isinstance(session, contract.Photographed):
            return session.photo(self.history.document(id_))
        return self.opened.source.photo

    def output_size(self, id_: int | None = None) -> tuple[int, int] | None:
        """(height, width) of a document's result; None where nothing can be edited.

        Where the document cannot be made it is the canvas' own: what is wrong is said when it is shown.

        Raises:
          LookupError: no such document.
        """
        session = self.opened.session
        if isinstance(session, contract.Sized):
            try:
                return session.output_size(self.history.document(id_))
            except UserError as error:
                log.info("%s: size of the result unknown (%s)", self.name, error)
        return None if session is None else session.canvas.output_size

    def mismatch(self, id_: int | None) -> np.ndarray:
        """uint8 (h, w): where the picture could not be known; raises LookupError as `region`."""
        session = self.opened.session
        if not isinstance(session, contract.Doubting):
            raise LookupError("no mismatch is known here")
        return session.mismatch(self.history.document(id_))

    def changed_pixels(self, id_: int | None) -> np.ndarray:
        """bool (H, W): where a document's result may differ from the photo."""
        rendering = self.rendering(id_, "full")
        if rendering.mask is not None:
            return rendering.mask
        return np.ones(rendering.images[0].shape[:2], bool)

    def recipe(self, id_: int | None) -> dict[str, Any]:
        """What was done, as JSON that the command line repeats; raises LookupError as `region`."""
        session = self.opened.session
        if not isinstance(session, contract.Recorded):
            raise LookupError("there are no recipes of this")
        return session.recipe(self.history.document(id_))

    def import_recipe(self, recipe: Mapping[str, Any], base: int | None = None) -> None:
        """Appends what a recipe tells, all of it or nothing.

        Raises:
          Stale: `base` is given and is not the current document.
          UserError: it is not understood, or this session has no recipes.
        """
        if base is not None:
            self._check_base(base)
        session = self.opened.session
        if not isinstance(session, contract.Recorded):
            raise UserError("there are no recipes of this")
        actions = session.actions(recipe)
        document = self.history.document()
        for action in actions:
            document = session.apply(document, self.resolve(action))
        dropped = []
        for action in actions:
            dropped += self.history.act(action)[1]
        self.save(dropped)


def _candidate(rendering: Rendering, number: int | None) -> np.ndarray:
    if number is None:
        return rendering.image
    if not 0 <= number < len(rendering.images):
        raise LookupError("no such picture")
    return rendering.images[number]


def _file_name(name: object) -> str:
    """A name of a file in the workspace's own folder; raises ValueError for anything else."""
    if not isinstance(name, str) or name != pathlib.PurePath(name).name or "\\" in name:
        raise ValueError(f"{name!r:.60} is no file of the folder")
    return name
