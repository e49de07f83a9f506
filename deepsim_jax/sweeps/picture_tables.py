"""Tables in which every picture has a training of its own: made picture by picture, and resumable.

<workdir>/table.json, report.html      the table so far, rewritten after every picture
<workdir>/settings.json                what it is a table of
<workdir>/<picture>/figures.json       the rows of a finished picture, beside its pictures and runs
"""

import dataclasses
import functools
import json
import logging
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deepsim_jax.config.flat import differences
from deepsim_jax.errors import UserError, one_line
from deepsim_jax.images import io as images
from deepsim_jax.reports import picture_table_page
from deepsim_jax.runtime import machine
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.sweeps import runner

log = logging.getLogger("deepsim_jax")

FIGURES = "figures.json"
SETTINGS = "settings.json"


@dataclasses.dataclass(frozen=True)
class Printed:
    """A table that a paper prints, for comparison.

    Attributes:
      title: what it shows.
      columns: headings of its columns.
      rows: label and figures of each row; None where it has none.
      digits: after the decimal point.
      where: it stands.
      note: why its figures can or cannot be compared with ours.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    digits: int
    where: str
    note: str = ""


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
    """The result of a picture.

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
    """A table to be made: its title, columns and settings.

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
    workdir = user_path(workdir).absolute()
    runner.claim(workdir / SETTINGS, table.settings, differences, sweep="table")
    failed: dict[str, str] = {}

    def write():
        return _write(workdir, table, makers, failed)

    def make(name):
        return _make(workdir / name, table, makers[name])

    def fail(name, error):
        failed[name] = one_line(error)

    runner.make_all(
        [
            runner.Cell(name, make=functools.partial(make, name), fail=functools.partial(fail, name))
            for name in makers
            if not _finished(workdir / name, table)
        ],
        noun="picture",
        sweep="table",
        after_each=write,
    )
    return write()


def _make(folder, table, maker) -> bool:
    """Makes one picture's rows; False if it was stopped."""
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    result = maker(folder)
    if result is None:
        return False
    record = {
        **dataclasses.asdict(result),
        "columns": list(table.columns),
        "seconds": round(time.monotonic() - begun, 1),
        "machine": machine.describe(),
    }
    images.write_bytes_atomic(folder / FIGURES, json.dumps(record, indent=1).encode())
    return True


def _finished(folder, table):
    return _figures(folder).get("columns") == list(table.columns)


def _figures(folder):
    """The stored figures of a picture; {} if there are none."""
    path = folder / FIGURES
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}); delete it and start the table again") from error


def _write(workdir, table, makers, failed):
    """Writes table.json and report.html from the finished pictures on disk."""
    finished = {name: _figures(workdir / name) for name in makers if _finished(workdir / name, table)}
    averages = _averages(list(finished.values()), table.columns)
    content = {
        "title": table.title,
        "note": table.note,
        "columns": list(table.columns),
        "absent": dict(table.absent),
        "settings": dict(table.settings),
        "pictures": [{"name": name, **record} for name, record in finished.items()],
        "averages": averages,
        "findings": table.findings({row["key"]: row["figures"] for row in averages}) if finished else [],
        "published": [dataclasses.asdict(printed) for printed in table.published],
        "pending": [name for name in makers if name not in finished and name not in failed],
        "failed": failed,
        "machine": next(iter(finished.values()))["machine"] if finished else {},
    }
    images.write_bytes_atomic(workdir / "table.json", json.dumps(content, indent=1).encode())
    picture_table_page.write(workdir)
    return content


def _averages(records, columns):
    """The means, over the finished pictures, of the rows that all of them have."""
    averages = []
    for row in records[0]["rows"] if records else ():
        matching = [
            candidate
            for record in records
            for candidate in record["rows"]
            if candidate["key"] == row["key"]
        ]
        if len(matching) == len(records):
            averages.append(
                {
                    **row,
                    "figures": {
                        key: statistics.fmean(match["figures"][key] for match in matching)
                        for key in columns
                        if all(key in match["figures"] for match in matching)
                    },
                }
            )
    return averages
