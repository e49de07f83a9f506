"""An album: a folder of photos, one network each.

    <workdir>/album.json        a row for every photo, rewritten after each of them
    <workdir>/<file name>/      a run like any other, with its report page

A killed album continues where it was: a finished photo is skipped, a half-trained one goes on. The
runs are called by the photos' whole file names, so that `cat.jpg` and `cat.png` are two, and a photo
that is added later takes no other one's place.
"""

import dataclasses
import functools
import json
import logging
import pathlib
import time

import ml_collections

from deepsim_jax import api, registry, settings
from deepsim_jax.commands.console import INTERRUPTED
from deepsim_jax.errors import UserError, one_line
from deepsim_jax.images import formats
from deepsim_jax.images import io as images
from deepsim_jax.images.collections import in_folder
from deepsim_jax.runtime import locks, machine
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.sweeps import runner
from deepsim_jax.systems.contract import Call
from deepsim_jax.training import checkpoint
from deepsim_jax.training import run_folder as rundir

log = logging.getLogger("deepsim_jax")

ALBUM = "album.json"
STATES = ("trained", "already trained", "failed", "stopped", "not begun")
"""What a row's "state" may be, in the order in which they are counted."""


@dataclasses.dataclass(frozen=True)
class Album:
    """What is to be trained.

    Attributes:
      photos: their paths, in natural order of their names.
      other: names of the files beside them that are of no kind that is read.
      workdir: the folder of all runs.
      config: validated, without a source.
    """

    photos: tuple[pathlib.Path, ...]
    other: tuple[str, ...]
    workdir: pathlib.Path
    config: ml_collections.ConfigDict


def open_album(photos, workdir, config="quickstart") -> Album:
    """Finds what is to be trained, and makes the folder of the runs.

    Args:
      photos: the folder with the photos; folders in it and hidden files are left aside.
      workdir: another folder, which may not exist yet.
      config: name, path or ConfigDict, as for `deepsim_jax.train`.

    Raises:
      UserError: no photos there, a config that names a source of its own, or an unusable workdir.
    """
    photos, workdir = user_path(photos).absolute(), user_path(workdir).absolute()
    config = settings.load(config)
    flat = settings.flatten(config)
    named = [key for key in registry.get(config.system).schema.source_keys if flat[key]]
    if named:
        raise UserError(f"{named[0]} names one source, but every photo of a folder is one; leave it out")
    if not photos.is_dir():
        raise UserError(f"{photos}: no such folder; give the folder that the photos are in")
    if workdir.resolve() == photos.resolve():
        raise UserError(f"{workdir}: the photos are in it; choose another workdir for their networks")
    found, others = in_folder(photos)
    other = tuple(path.name for path in others)
    album = Album(photos=tuple(found), other=other, workdir=workdir, config=config)
    write_summary(album, {})
    return album


def train_folder(photos, workdir, config="quickstart", *, extend: bool = False) -> dict:
    """Trains one network after the other, each with all that this machine has.

    Args:
      photos, workdir, config: as for `open_album`.
      extend: lets existing runs go on to a larger `train.steps`.

    Returns:
      The content of `album.json`; what became of each photo stands in its "photos".

    Raises:
      UserError: as `open_album`, or another process works in the folder; a photo's own mistakes do not
        end the album.
    """
    with locks.held(user_path(workdir).absolute(), doing="trains a folder of photos"):
        return _train_album(open_album(photos, workdir, config), extend=extend)


def _train_album(album: Album, *, extend: bool) -> dict:
    rows: dict[str, dict] = {}

    def train(path):
        rows[path.name] = train_photo(path, album.workdir, album.config, extend=extend)
        return rows[path.name]["state"] != "stopped"

    runner.make_all(
        [
            # What goes wrong with a photo is its row; `train_photo` raises nothing.
            runner.Cell(path.name, make=functools.partial(train, path), fail=lambda error: None)
            for path in album.photos
        ],
        noun="photo",
        sweep="album",
        after_each=lambda: write_summary(album, rows),
        forgiven=(),
    )
    return write_summary(album, rows)


def train_photo(path, workdir, config, *, extend: bool = False) -> dict:
    """Trains, continues or skips one photo of an album; its failure is an answer too.

    Args:
      path: of the photo.
      workdir: the album's, made by `open_album`.
      config: the album's.
      extend: as for `train_folder`.

    Returns:
      JSON values: "state" (one of `STATES`), "steps" that are saved, "seconds" of this start, "folder" in
      the album's, "reason" of a failure, and the "machine".
    """
    path, workdir = pathlib.Path(path), pathlib.Path(workdir)
    folder, begun = workdir / path.name, time.monotonic()
    row = {"state": "failed", "folder": path.name, "reason": "", "machine": {}}
    try:
        if not (workdir / ALBUM).is_file():
            raise UserError(f"{workdir}: is not seen here; all machines need one folder that they share")
        source = api.read_source(config, path)
        if _finished(folder, config, source):
            row["state"] = "already trained"
        else:
            model = api.train_source(source, config, folder, extend=extend)
            api.write_report(folder)
            row["state"] = "trained" if model.finished else "stopped"
        row["machine"] = machine.describe()
    except UserError as error:
        row["reason"] = one_line(error)
    except KeyboardInterrupt:
        row["state"] = "stopped"
    # Whatever a photo makes a library raise (no memory, ...), the others are still worth training.
    except Exception as error:
        log.warning("%s:", path.name, exc_info=True)
        row["reason"] = f"{type(error).__name__}: {one_line(error)[:300]}"
    if row["reason"]:
        log.warning("%s: failed: %s", path.name, row["reason"])
    return {**row, "steps": _saved(folder), "seconds": round(time.monotonic() - begun, 2)}


def _finished(folder, config, source) -> bool:
    """Whether this very training is complete; other settings are left to the start of the run to tell."""
    if not rundir.is_run(folder) or not (folder / "report.html").is_file():
        return False
    return not rundir.run_differences(folder, config, source, registry.get(config.system).schema) and (
        _saved(folder) >= api.total_steps(config, source)
    )


def _saved(folder) -> int:
    """The newest step that is saved, 0 if the folder holds no run."""
    if not rundir.is_run(folder):
        return 0
    saver = checkpoint.Checkpoints(folder / "checkpoints", read_only=True)
    try:
        return saver.latest() or 0
    finally:
        saver.close()


def write_summary(album: Album, rows: dict[str, dict]) -> dict:
    """Writes `album.json`.

    Args:
      album: see `open_album`.
      rows: file name -> what `train_photo` says; photos without one are "not begun".

    Returns:
      Its content: "photos" (file name -> row), "counts" of the states, "other" files and what the
      "config" changes.
    """
    blank = {"state": "not begun", "steps": 0, "seconds": 0.0, "reason": ""}
    of_all = {path.name: rows.get(path.name, {**blank, "folder": path.name}) for path in album.photos}
    states = [row["state"] for row in of_all.values()]
    changes = settings.differences(
        registry.get(album.config.system).schema.flat(), settings.flatten(album.config)
    )
    summary = {
        "photos": of_all,
        "counts": {s: states.count(s) for s in STATES if s in states},
        "other": list(album.other),
        "config": changes,
    }
    images.write_bytes_atomic(album.workdir / ALBUM, json.dumps(summary, indent=1).encode())
    return summary


def describe(summary: dict) -> str:
    """The summary as lines of text: a table, the reasons of failures, the counts."""
    rows = [("photo", "state", "steps", "seconds")]
    rows += [
        (name, row["state"], str(row["steps"]), f"{row['seconds']:.1f}")
        for name, row in summary["photos"].items()
    ]
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(
            [row[0].ljust(wide[0]), row[1].ljust(wide[1]), row[2].rjust(wide[2]), row[3].rjust(wide[3])]
        )
        for row in rows
    ]
    lines += [
        f"failed: {name}: {row['reason']}"
        for name, row in summary["photos"].items()
        if row["state"] == "failed"
    ]
    if summary["other"]:
        lines.append(f"not read, because they are no {formats.IN_WORDS}: {', '.join(summary['other'])}")
    counts = ", ".join(f"{count} {state}" for state, count in summary["counts"].items())
    number = len(summary["photos"])
    return "\n".join([*lines, f"{number} photo{'s' * (number > 1)}: {counts}"])


def exit_code(summary: dict) -> int:
    """130 if photos are left to train, else 1 if one has failed, else 0."""
    if {"stopped", "not begun"} & set(summary["counts"]):
        return INTERRUPTED
    return 1 if "failed" in summary["counts"] else 0


def run(call: Call) -> int:
    """The verb "train_folder": trains the folder and shows what became of each photo.

    Raises:
      UserError: as `open_album`.
    """
    summary = train_folder(call.input, call.workdir, call.needed_config, extend=call.extend)
    print(describe(summary))
    return exit_code(summary)
