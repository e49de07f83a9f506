"""What a workspace keeps on the disk, so that nothing is lost with the server.

<workdir>/editor/<id>/state.json        what is opened, the order of the documents, which one is current
                      actions/<id>.json what made a document of the one before; never rewritten
                      photo.png|jpg|webp as it was sent
                      pictures/         drawn or pasted pictures that actions name
                      run/, run-2/      its trainings
                      films/            films that were made

Every name is the server's own; files take their names when they are complete.
"""

import json
import pathlib
import re
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from deepsim_jax.editor.history import Entry
from deepsim_jax.errors import UserError, one_line
from deepsim_jax.images import io as image_io

FOLDER = "editor"
STATE = "state.json"
VERSION = 1
READONLY = "another editor has this folder; changes are not saved"
_ID = re.compile(r"[0-9a-f]{16}")


class Folder:
    """The folder of one workspace.

    Attributes:
      path: where it is.
      readonly: whether another editor has it, so that nothing is saved.
      problem: why the newest changes are not, or would not be saved, or None.
      is_behind: whether there are changes that are not saved.
    """

    def __init__(self, path: pathlib.Path, *, readonly: bool = False):
        """Of a workspace that exists, or is about to."""
        self.path, self.readonly = path, readonly
        self.problem: str | None = READONLY if readonly else None
        self.is_behind = False
        self._saved: set[int] = set()

    def read(self) -> tuple[dict[str, Any], list[Entry]]:
        """What was saved: the state, and the entries of the history.

        Raises:
          UserError: it is damaged. Actions that are lost end the history before them.
        """
        state, ids = self.read_state()
        entries = [Entry(ids[0])]
        for id_ in ids[1:]:
            try:
                actions = json.loads(self._action(id_).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                break
            entries.append(Entry(id_, tuple(actions)))
        self._saved = {entry.id for entry in entries}
        return state, entries

    def read_state(self) -> tuple[dict[str, Any], list[int]]:
        """The state, and the ids of the documents; raises as `read`."""
        try:
            state = json.loads((self.path / STATE).read_text(encoding="utf-8"))
            ids = [int(id_) for id_ in state["documents"]]
            if state["version"] != VERSION or not ids:
                raise ValueError(f"version {state['version']!r}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.path / STATE}: damaged ({error})") from error
        return state, ids

    def save(self, state: Mapping[str, Any], entries: list[Entry], dropped: Iterable[Entry] = ()) -> None:
        """Saves what has changed; where that fails, `problem` says why, and the next call tries anew."""
        self.is_behind = True
        if self.readonly:
            return
        try:
            for entry in entries:
                if entry.actions and entry.id not in self._saved:
                    self.write(self._action(entry.id), _text(entry.actions))
                    self._saved.add(entry.id)
            documents = [entry.id for entry in entries]
            self.write(self.path / STATE, _text({"version": VERSION, **state, "documents": documents}))
            for entry in dropped:
                self._action(entry.id).unlink(missing_ok=True)
                self._saved.discard(entry.id)
        except (UserError, OSError) as error:
            self.problem = f"not saved: {one_line(error)}"
        else:
            self.problem, self.is_behind = None, False

    def write(self, path: pathlib.Path, content: bytes) -> None:
        """Writes a file of the folder, atomically.

        Raises:
          UserError: the disk is full, or the like; or the editor may not write here.
        """
        if self.readonly:
            raise UserError("another editor has this folder; nothing can be saved")
        assert path.resolve().is_relative_to(self.path.resolve()), path
        image_io.write_bytes_atomic(path, content)

    def delete(self) -> None:
        """Deletes the workspace.

        Raises:
          UserError: the editor may not write here, or the system refuses.
        """
        if self.readonly:
            raise UserError("another editor has this folder; nothing can be deleted")
        try:
            if self.path.exists() and not self.path.is_symlink():
                shutil.rmtree(self.path)
        except OSError as error:
            raise UserError(f"cannot be deleted ({error.strerror})") from error

    def _action(self, id_: int) -> pathlib.Path:
        return self.path / "actions" / f"{id_:08d}.json"


def found(workdir: pathlib.Path) -> dict[str, pathlib.Path]:
    """id -> folder of the workspaces that were saved below a workdir, the newest first."""
    root = workdir / FOLDER
    if not root.is_dir() or root.is_symlink():
        return {}
    folders = [
        folder
        for folder in root.iterdir()
        if _ID.fullmatch(folder.name) and not folder.is_symlink() and (folder / STATE).is_file()
    ]
    folders.sort(key=lambda folder: (folder / STATE).stat().st_mtime, reverse=True)
    return {folder.name: folder for folder in folders}


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
