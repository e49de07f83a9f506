"""An album: a folder of photos, one network each.

    <workdir>/album.json        a row for every photo, rewritten after each of them
    <workdir>/<file name>/      a run like any other, with its report page

A killed album continues where it was: a finished photo is skipped, a half-trained one goes on. The
runs are called by the photos' whole file names, so that `cat.jpg` and `cat.png` are two, and a photo
that is added later takes no other one's place.
"""

import ast
import dataclasses
import json
import logging
import pathlib
import time

import absl.logging
import ml_collections

from deepsim_jax import api, compilation, machine, report, rundir, settings, sources
from deepsim_jax.data import images, pair
from deepsim_jax.data.photos import in_folder
from deepsim_jax.errors import UserError
from deepsim_jax.training import checkpoint

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
    photos, workdir = pathlib.Path(photos).absolute(), pathlib.Path(workdir).absolute()
    config = settings.load(config)
    named = [key for key, value in settings.flatten(config).items()
             if key in settings.SOURCE_KEYS and value]
    if named:
        raise UserError(f"{named[0]} names one source, but every photo of a folder is one; leave it out")
    if not photos.is_dir():
        raise UserError(f"{photos}: no such folder; give the folder that the photos are in")
    if workdir.resolve() == photos.resolve():
        raise UserError(f"{workdir}: the photos are in it; choose another workdir for their networks")
    found, others = in_folder(photos)
    other = tuple(path.name for path in others)
    if other:
        log.warning("%s: %s not read: %s", photos, "files" if len(other) > 1 else "a file",
                    ", ".join(other))
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
      UserError: as `open_album`; a photo's own mistakes do not end the album.
    """
    album, rows = open_album(photos, workdir, config), {}
    for number, path in enumerate(album.photos, 1):
        log.info("photo %d of %d: %s", number, len(album.photos), path.name)
        rows[path.name] = train_photo(path, album.workdir, album.config, extend=extend)
        write_summary(album, rows)
        compilation.forget_programs()
        if rows[path.name]["state"] == "stopped":
            log.warning("stopped; the same command continues the album")
            break
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
        source = sources.read_source(config, path)
        if _finished(folder, config, source):
            row["state"] = "already trained"
        else:
            model = api.train_source(source, config, folder, extend=extend)
            report.write(folder)
            row["state"] = "trained" if model.finished else "stopped"
        row["machine"] = machine.describe()
    except UserError as error:
        row["reason"] = " ".join(str(error).split())
    except KeyboardInterrupt:
        row["state"] = "stopped"
    # Whatever a photo makes a library raise (no memory, ...), the others are still worth training.
    except Exception as error:
        log.warning("%s:", path.name, exc_info=True)
        row["reason"] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if row["reason"]:
        log.warning("%s: failed: %s", path.name, row["reason"])
    return {**row, "steps": _saved(folder), "seconds": round(time.monotonic() - begun, 2)}


def _finished(folder, config, source) -> bool:
    """Whether this very training is complete; other settings are left to the start of the run to tell."""
    if not rundir.is_run(folder) or not (folder / "report.html").is_file():
        return False
    return not rundir.differences(folder, config, source) and (
        _saved(folder) >= api.total_steps(config, source))


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
    changes = settings.differences(settings.keys(album.config.system), settings.flatten(album.config))
    summary = {"photos": of_all, "counts": {s: states.count(s) for s in STATES if s in states},
               "other": list(album.other), "config": changes}
    images.write_bytes_atomic(album.workdir / ALBUM, json.dumps(summary, indent=1).encode())
    return summary


def describe(summary: dict) -> str:
    """The summary as lines of text: a table, the reasons of failures, the counts."""
    rows = [("photo", "state", "steps", "seconds")]
    rows += [(name, row["state"], str(row["steps"]), f"{row['seconds']:.1f}")
             for name, row in summary["photos"].items()]
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join([row[0].ljust(wide[0]), row[1].ljust(wide[1]), row[2].rjust(wide[2]),
                        row[3].rjust(wide[3])]) for row in rows]
    lines += [f"failed: {name}: {row['reason']}" for name, row in summary["photos"].items()
              if row["state"] == "failed"]
    if summary["other"]:
        lines.append(f"not read, because they are no {' '.join(pair.SUFFIXES)}: "
                     f"{', '.join(summary['other'])}")
    counts = ", ".join(f"{count} {state}" for state, count in summary["counts"].items())
    number = len(summary["photos"])
    return "\n".join([*lines, f"{number} photo{'s' * (number > 1)}: {counts}"])


def exit_code(summary: dict) -> int:
    """130 if photos are left to train, else 1 if one has failed, else 0."""
    if {"stopped", "not begun"} & set(summary["counts"]):
        return 130
    return 1 if "failed" in summary["counts"] else 0


def choose_config(name: str, changes: dict[str, str]) -> ml_collections.ConfigDict:
    """A config with single keys changed, as a command line gives them.

    Args:
      name: as for `deepsim_jax.train`.
      changes: "train.steps" -> "500".

    Raises:
      UserError: no such config or key, or a value of another kind.
    """
    flat = settings.flatten(settings.load(name))
    settings.unknown_key(changes, flat)
    return settings.unflatten({**flat, **{key: _value(text, flat[key])
                                          for key, text in changes.items()}})


def _value(text, standard):
    """The text as a value of the standard one's kind; one that is none stays text and is refused."""
    if isinstance(standard, str):
        return text
    if isinstance(standard, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    if isinstance(standard, int) and isinstance(value, float) and value.is_integer():
        return int(value)
    return list(value) if isinstance(value, tuple) else value


def start_console(prefix: str = ""):
    """Sends progress to stderr and keeps compiled programs, as the command line does.

    Args:
      prefix: before every line.
    """
    form = prefix.replace("%", "%%") + "%(message)s"
    logging.basicConfig(level=logging.WARNING, format=form, force=True)
    log.setLevel(logging.INFO)
    # Orbax logs what it raises as well, in its own words.
    absl.logging.set_verbosity(absl.logging.FATAL)
    compilation.use_cache()
