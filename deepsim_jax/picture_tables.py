"""Tables in which every picture has a training of its own: made picture by picture, and resumable.

    <workdir>/table.json, report.html      the table so far, rewritten after every picture
    <workdir>/settings.json                what it is a table of
    <workdir>/<picture>/figures.json       the rows of a finished picture, beside its pictures and runs
"""

import dataclasses
import json
import logging
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deepsim_jax import compilation, machine
from deepsim_jax.data import images
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import picture_page
from deepsim_jax.evaluate.published_singan import Printed

log = logging.getLogger("deepsim_jax")

FIGURES = "figures.json"
SETTINGS = "settings.json"


@dataclasses.dataclass(frozen=True)
class Row:
    """One answer for a picture.

    Attributes:
      key: the same for all pictures.
      label: what a page calls it.
      figures: key of `evaluate.columns.PICTURE_COLUMNS` -> figure.
      muted: whether it is no answer, but shown for comparison.
    """

    key: str
    label: str
    figures: dict[str, float]
    muted: bool = False


@dataclasses.dataclass(frozen=True)
class Result:
    """What was found for a picture.

    Attributes:
      rows: its answers.
      about: a sentence for the page.
      strip: (caption, file name in the picture's folder) of pictures to be shown.
    """

    rows: Sequence[Row]
    about: str = ""
    strip: Sequence[tuple[str, str]] = ()


@dataclasses.dataclass(frozen=True)
class Table:
    """What is measured.

    Attributes:
      title, note: of the page.
      columns: keys of `evaluate.columns.PICTURE_COLUMNS`.
      absent: column that cannot be measured here -> why.
      published: printed figures to be shown beside ours.
      settings: JSON values that a table must not mix.
      findings: means (row key -> column -> figure) -> sentences.
    """

    title: str
    note: str
    columns: Sequence[str]
    absent: Mapping[str, str]
    published: Sequence[Printed]
    settings: Mapping[str, Any]
    findings: Callable[[dict], list[str]] = lambda means: []


def run(workdir, table: Table, makers: Mapping[str, Callable[[pathlib.Path], Result | None]]) -> dict:
    """Makes a table, or goes on with it.

    Args:
      workdir: its folder.
      table: what is measured.
      makers: name of each picture, which names its folder -> function of that folder, which exists; None
        as its result means that it was stopped. A `UserError` is that picture's failure and does not end
        the table.

    Returns:
      The content of `table.json`; "pending" names what is left to do.

    Raises:
      UserError: the folder has a table with other settings.
    """
    workdir = pathlib.Path(workdir).absolute()
    _claim(workdir, table)
    failed: dict[str, str] = {}
    left = [name for name in makers if not _finished(workdir / name, table)]
    for number, name in enumerate(left, 1):
        log.info("picture %d of %d: %s", number, len(left), name)
        folder, begun = workdir / name, time.monotonic()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            result = makers[name](folder)
        except UserError as error:
            failed[name] = " ".join(str(error).split())
            log.warning("%s: failed: %s", name, failed[name])
            continue
        if result is None:
            log.warning("stopped; the same command continues the table")
            break
        record = {**dataclasses.asdict(result), "columns": list(table.columns),
                  "seconds": round(time.monotonic() - begun, 1), "machine": machine.describe()}
        images.write_bytes_atomic(folder / FIGURES, json.dumps(record, indent=1).encode())
        _write(workdir, table, makers, failed)
        compilation.forget_programs()
    return _write(workdir, table, makers, failed)


def _claim(workdir, table):
    """Makes the folder this table's, or checks that it is."""
    path, ours = workdir / SETTINGS, json.loads(json.dumps(dict(table.settings)))
    if path.is_file():
        theirs = json.loads(path.read_text(encoding="utf-8"))
        differing = [f"{key}: {theirs.get(key)!r} -> {ours.get(key)!r}" for key in {**theirs, **ours}
                     if theirs.get(key) != ours.get(key)]
        if differing:
            raise UserError(f"{workdir}: holds a table with other settings ({'; '.join(differing)}); "
                            "choose another workdir or repeat the old settings")
    images.write_bytes_atomic(path, json.dumps(ours, indent=1).encode())


def _finished(folder, table):
    return _figures(folder).get("columns") == list(table.columns)


def _figures(folder):
    """What is stored of a picture; {} if nothing is."""
    path = folder / FIGURES
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}); delete it and start the table again") from error


def _write(workdir, table, makers, failed):
    """table.json and report.html from what is on disk."""
    done = {name: _figures(workdir / name) for name in makers if _finished(workdir / name, table)}
    averages = _averages(list(done.values()), table.columns)
    found = {
        "title": table.title, "note": table.note, "columns": list(table.columns),
        "absent": dict(table.absent), "settings": dict(table.settings),
        "pictures": [{"name": name, **of} for name, of in done.items()], "averages": averages,
        "findings": table.findings({row["key"]: row["figures"] for row in averages}) if done else [],
        "published": [dataclasses.asdict(printed) for printed in table.published],
        "pending": [name for name in makers if name not in done and name not in failed],
        "failed": failed, "machine": next(iter(done.values()))["machine"] if done else {}}
    images.write_bytes_atomic(workdir / "table.json", json.dumps(found, indent=1).encode())
    picture_page.write(workdir)
    return found


def _averages(records, columns):
    """Means of the rows that all finished pictures have, over these."""
    averages = []
    for row in records[0]["rows"] if records else ():
        same = [other for record in records for other in record["rows"] if other["key"] == row["key"]]
        if len(same) == len(records):
            averages.append({**row, "figures": {
                key: statistics.fmean(of["figures"][key] for of in same) for key in columns
                if all(key in of["figures"] for of in same)}})
    return averages
