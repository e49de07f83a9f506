"""The outputs of a run, kept in a folder of it: numbered picture files, with a record of each.

    edits/007-cat.primitive.png, 007-cat.result.png     the pictures
    edits/007-cat.result.preview.jpg                    what a page shows of one that is too large for it
    edits/007-cat.json                                  {"name", "time", "files", "previews"}

Keeping one more writes its own files and opens no earlier one. A folder of an earlier version holds the
pictures alone; these are found by their names.
"""

import dataclasses
import datetime
import json
import pathlib
import re
from collections.abc import Mapping

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.reports import pictures
from deepsim_jax.reports.blocks import SHOWN

_NUMBERED = re.compile(r"(\d+)-")
_PICTURE = re.compile(r"(?P<stem>\d+-(?P<name>[^.]+))(?:\.(?P<role>[^.]+))?\.png")


@dataclasses.dataclass(frozen=True)
class Output:
    """One output: its pictures and its record.

    Attributes:
      stem: of its files' names, with the number.
      name: what it is called, e.g. the input's file name.
      time: when, ISO 8601 in UTC; "" where it was not recorded.
      files: role ("primitive", "result", ...; "" for an only picture) -> path.
      previews: role -> path of a smaller picture, for those that are too large for a page.
    """

    stem: str
    name: str
    time: str
    files: dict[str, pathlib.Path]
    previews: dict[str, pathlib.Path]

    def shown(self, role: str) -> pathlib.Path:
        """The picture of a role that a page shows."""
        return self.previews.get(role, self.files[role])


def keep_made(workdir: pathlib.Path, name: str, picture: np.ndarray) -> None:
    """`keep` for a picture that a run's network made of nothing that is kept: in `made`, for its page."""
    keep(workdir / "made", name, {"": picture})


def read_made(workdir: pathlib.Path) -> list[Output]:
    """What `keep_made` kept, newest first; raises as `read`."""
    return [output for output in read(workdir / "made") if "" in output.files]


def keep(folder: pathlib.Path, name: str, made: Mapping[str, np.ndarray]) -> None:
    """Keeps pictures under the next number, and a record of them.

    Args:
      folder: such as `edits` in a run's folder; made if it is not there.
      name: what they are called.
      made: role -> uint8 (H, W, 3); the role "" for an only picture.

    Raises:
      UserError: a file cannot be written.
    """
    clean = "".join(c if c.isalnum() or c in "-_" else "-" for c in name[:60]) or "edit"
    stem = f"{_next_number(folder):03d}-{clean}"
    files, previews = {}, {}
    for role, picture in made.items():
        base = f"{stem}.{role}" if role else stem
        files[role] = f"{base}.png"
        images.write_png(folder / files[role], picture)
        if max(picture.shape) > SHOWN:
            kind, content = pictures.encode(picture, lossy=True)
            previews[role] = f"{base}.preview.{'jpg' if kind == 'jpeg' else kind}"
            images.write_bytes_atomic(folder / previews[role], content)
    time = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    record = {"name": name, "time": time, "files": files, "previews": previews}
    images.write_bytes_atomic(folder / f"{stem}.json", json.dumps(record, indent=1).encode())


def read(folder: pathlib.Path) -> list[Output]:
    """Reads the outputs kept in a folder, the newest first.

    Raises:
      UserError: a damaged record.
    """
    recorded = {p.stem: _recorded(p) for p in folder.glob("*.json") if _NUMBERED.match(p.name)}
    earlier: dict[str, Output] = {}
    for path in folder.glob("*.png"):
        match = _PICTURE.fullmatch(path.name)
        if match and (stem := match["stem"]) not in recorded:
            output = earlier.setdefault(stem, Output(stem, match["name"], "", {}, {}))
            output.files[match["role"] or ""] = path
    return sorted([*recorded.values(), *earlier.values()], key=lambda o: _order(o.stem), reverse=True)


def _recorded(path):
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        files, previews = (
            {str(role): path.with_name(name) for role, name in record[key].items()}
            for key in ("files", "previews")
        )
        return Output(path.stem, str(record["name"]), str(record["time"]), files, previews)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path}: damaged ({error}); delete it, the pictures beside it are shown without it"
        ) from error


def _next_number(folder):
    return 1 + max((_order(path.name)[0] for path in folder.glob("*")), default=0)


def _order(name):
    match = _NUMBERED.match(name)
    return (int(match[1]) if match else 0), name
