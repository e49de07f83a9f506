"""What there is in a workdir, and what is open of it."""

import contextlib
import hashlib
import os
import pathlib
import secrets
from typing import Any

from deepsim_jax import api
from deepsim_jax.editor import autosave, opening, uploads
from deepsim_jax.editor.workspaces import Workspace
from deepsim_jax.errors import UserError
from deepsim_jax.images import collections as photos
from deepsim_jax.images import io as image_io
from deepsim_jax.runtime import locks
from deepsim_jax.training import run_folder

OPEN = 4
"""So many workspaces are in memory at once; others are read again when they are asked for."""

NAME = 120


class Catalogue:
    """Runs and workspaces of a workdir.

    Attributes:
      workdir: below which everything is written.
      readonly: whether another editor has it, so that nothing is saved here.
    """

    def __init__(self, workdir: pathlib.Path):
        """Takes the workdir's lock, if it is free; raises `UserError` where it cannot be written."""
        self.workdir = workdir.absolute()
        self.readonly, self._lock = False, contextlib.ExitStack()
        folder = self.workdir / autosave.FOLDER
        try:
            self._lock.enter_context(locks.held(folder, doing="edits"))
        except locks.Held:
            self.readonly = True
        if not self.readonly and not os.access(folder, os.W_OK):
            raise UserError(f"{folder}: cannot be written")
        self._open: dict[str, Workspace] = {}
        self.busy: set[str] = set()
        """Ids of workspaces that must stay in memory: of those that are trained."""

    def save_behind(self) -> None:
        """Tries once more to save what could not be saved."""
        for workspace in self._open.values():
            workspace.save_behind()

    @property
    def unsaved(self) -> list[str]:
        """What is not saved, and why, a line for each workspace."""
        return [
            f"{one.name}: {one.folder.problem or 'its newest changes are not saved'}"
            for one in self._open.values()
            if one.folder.is_behind
        ]

    def close(self) -> None:
        """Lets other editors have the workdir."""
        self._lock.close()

    def runs(self) -> dict[str, pathlib.Path]:
        """id -> folder of the runs in the workdir."""
        found = opening.runs(self.workdir, autosave.FOLDER)
        return {hashlib.sha256(name.encode()).hexdigest()[:12]: path for name, path in found.items()}

    def described_runs(self) -> list[dict[str, Any]]:
        """The runs as the page lists them; those that cannot be read are left out."""
        described = []
        for id_, folder in self.runs().items():
            with contextlib.suppress(UserError):
                config = api.read_config(folder)
                described.append({"run": id_, "name": folder.name, "system": config.system})
        return described

    def described_workspaces(self) -> list[dict[str, Any]]:
        """The workspaces as the page lists them, the newest first."""
        described = [_described(one) for one in self._open.values()]
        for id_, path in autosave.found(self.workdir).items():
            if id_ not in self._open:
                with contextlib.suppress(UserError, KeyError, TypeError):
                    state, _ = autosave.Folder(path).read_state()
                    described.append(
                        {
                            "workspace": id_,
                            "name": str(state["name"]),
                            "system": str(state["system"]),
                            "changed": str(state["changed"]),
                        }
                    )
        return sorted(described, key=lambda one: one["changed"], reverse=True)

    def is_open(self, id_: str) -> bool:
        """Whether a workspace is in memory."""
        return id_ in self._open

    def has(self, id_: str) -> bool:
        """Whether there is a workspace of that id, in memory or saved."""
        return self.is_open(id_) or id_ in autosave.found(self.workdir)

    def get(self, id_: str) -> Workspace:
        """A workspace, read again where it is not in memory.

        Raises:
          LookupError: there is none of that id.
          UserError: it is damaged.
        """
        if id_ not in self._open:
            path = autosave.found(self.workdir).get(id_)
            if path is None:
                raise LookupError("no such workspace")
            folder = autosave.Folder(path, readonly=self.readonly)
            self._keep(Workspace.restore(id_, folder, self.workdir))
        workspace = self._open.pop(id_)
        self._open[id_] = workspace  # the last one is the newest
        return workspace

    def open_photo(self, content: bytes, name: str, config: str | None, values=None) -> Workspace:
        """A new workspace of a photo's file.

        Args:
          content: PNG, JPEG or WebP.
          name: for people.
          config: name of a shipped config; None: see `opening.default_config`.

        Raises:
          UserError: no such config, an unusable photo, or it cannot be saved.
        """
        config = opening.choose_config(config)
        kind = uploads.kind_of(content)
        id_, folder = self._new_folder()
        path = folder.path / f"photo.{kind}"
        try:
            folder.write(path, content)
            return self._begin(id_, folder, name=name, config_name=config, photo=path.name)
        except BaseException as error:
            with contextlib.suppress(UserError):
                folder.delete()
            if isinstance(error, UserError):  # in which a file would be named that nobody knows
                raise UserError(str(error).replace(f"image {path}", _shown(name))) from error
            raise

    def reopen_photo(self, content: bytes, name: str, config: str | None) -> Workspace:
        """The newest workspace of the same file and config, or a new one; as `open_photo`."""
        config = opening.choose_config(config)
        photo = f"photo.{uploads.kind_of(content)}"
        for id_, path in autosave.found(self.workdir).items():
            with contextlib.suppress(UserError, KeyError, OSError):
                state, _ = autosave.Folder(path).read_state()
                is_like = state["config"] == config and state["photo"] == photo
                if is_like and _holds(path / photo, content):
                    return self.get(id_)
        return self.open_photo(content, name, config)

    def open_run(self, run: str) -> Workspace:
        """A new workspace of a run; raises LookupError where there is none of that id."""
        if run not in self.runs():
            raise LookupError("no such run")
        path = self.runs()[run]
        id_, folder = self._new_folder()
        return self._begin(id_, folder, name=path.name, config_name=None, run=path)

    def workspace_of_its_run(self) -> str | None:
        """The id of a workspace of the run that the workdir itself is; None where it is none."""
        if self.readonly or not run_folder.is_run(self.workdir):
            return None
        for id_, path in autosave.found(self.workdir).items():
            with contextlib.suppress(UserError):
                if autosave.Folder(path).read_state()[0]["run"] == ".":
                    return id_
        return self.open_run(next(iter(self.runs()))).id

    def open_example(self, name: str, config: str | None) -> Workspace:
        """A new workspace of one of the installed photos; raises LookupError where there is none."""
        if name not in photos.INSTALLED:
            raise LookupError("no such example")
        picture = photos.read(f"skimage:{name}")
        return self.open_photo(image_io.png_bytes(picture), name, config)

    def open_result(
        self, source: Workspace, id_: int | None, candidate: int | None, config: str | None
    ) -> Workspace:
        """A new workspace of what a document of another one looks like."""
        content, _ = source.result(id_, candidate)
        return self.open_photo(content, source.name, config or source.config_name)

    def delete(self, id_: str) -> None:
        """Deletes a workspace and its trainings.

        Raises:
          LookupError: there is none of that id.
          UserError: it is being trained, or cannot be deleted.
        """
        if id_ in self.busy:
            raise UserError("it is being trained; pause that first")
        path = autosave.found(self.workdir).get(id_)
        if path is None and id_ not in self._open:
            raise LookupError("no such workspace")
        self._open.pop(id_, None)
        if path is not None:
            autosave.Folder(path, readonly=self.readonly).delete()

    def _new_folder(self):
        if self.readonly:
            raise UserError("another editor has this folder; close it, or give another --workdir")
        id_ = secrets.token_hex(8)
        return id_, autosave.Folder(self.workdir / autosave.FOLDER / id_)

    def _begin(self, id_, folder, *, name, **what) -> Workspace:
        workspace = Workspace(id_, folder, self.workdir, name=_shown(name), **what)
        workspace.save()
        self._keep(workspace)
        return workspace

    def _keep(self, workspace):
        self._open[workspace.id] = workspace
        for id_ in list(self._open):
            if len(self._open) <= OPEN:
                break
            if id_ not in self.busy and id_ != workspace.id and not self._open[id_].folder.is_behind:
                del self._open[id_]


def _shown(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:NAME] or "photo"


def _holds(path: pathlib.Path, content: bytes) -> bool:
    return path.stat().st_size == len(content) and path.read_bytes() == content


def _described(workspace: Workspace) -> dict[str, Any]:
    return {
        "workspace": workspace.id,
        "name": workspace.name,
        "system": workspace.opened.system.name,
        "changed": workspace.changed.isoformat(timespec="seconds"),
    }
