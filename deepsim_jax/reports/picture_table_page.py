"""The page of a table in which every picture has a training of its own (`table.json`)."""

import pathlib

from deepsim_jax.evaluate.columns import PICTURE_COLUMNS
from deepsim_jax.reports import measured, page, table
from deepsim_jax.reports.blocks import (
    Block,
    Bullets,
    Definitions,
    Folded,
    Heading,
    Note,
    Warn,
    machine_note,
)


def write(folder: pathlib.Path) -> pathlib.Path:
    """Writes `report.html` from a folder's `table.json`, finished or not, and returns its path.

    Raises:
      UserError: the file is missing, damaged or has unknown columns.
    """
    folder = pathlib.Path(folder)
    results = measured.read(folder / "table.json", PICTURE_COLUMNS, needed="pictures")
    pictures = results["pictures"]
    blocks = _warnings(results)
    if len(pictures) > 1:
        blocks += [Heading(f"Mean over {len(pictures)} pictures"), _table(results, results["averages"])]
    for picture in pictures:
        about = [Note(picture["about"])] if picture.get("about") else []
        blocks += [Heading(picture["name"]), *about, _table(results, picture["rows"])]
        if picture.get("strip"):
            blocks.append(measured.strip(folder / picture["name"], picture["strip"]))
    for printed in results["published"]:
        blocks += _printed(printed)
    blocks += measured.about_columns(results, PICTURE_COLUMNS)
    if results["settings"]:
        settings = [f"{key}: {value}" for key, value in results["settings"].items()]
        blocks.append(Folded("Settings", [Bullets(settings)]))
    blocks += machine_note(results["machine"])
    return page.write(folder / "report.html", results["title"], blocks, subtitle=results["note"])


def _warnings(results) -> list[Block]:
    """The pending and failed pictures, and the findings."""
    blocks: list[Block] = []
    if results["pending"]:
        blocks.append(Warn(f"Not finished, still to come: {', '.join(results['pending'])}."))
    if results["failed"]:
        blocks += [Warn("Some pictures failed:"), Definitions(list(results["failed"].items()))]
    if results["findings"]:
        blocks += [Heading("Findings"), Bullets(results["findings"])]
    return blocks


def _table(results, rows):
    # A row for comparison, such as the true picture, cannot be the best.
    muted = [n for n, row in enumerate(rows) if row.get("muted")]
    keys = measured.shown(results, PICTURE_COLUMNS)
    return table.Table(
        [table.Column(""), *measured.heads(results, PICTURE_COLUMNS)],
        [[row["label"], *(row["figures"].get(key) for key in keys)] for row in rows],
        competing=[n for n in range(len(rows)) if n not in muted],
        muted=muted,
    )


def _printed(printed) -> list[Block]:
    columns = [
        table.Column(""),
        *(table.Column(label, printed["digits"], None, "Not printed.") for label in printed["columns"]),
    ]
    return [
        Heading(printed["title"]),
        table.Table(columns, [[label, *figures] for label, figures in printed["rows"]]),
        Note(f"Not ours: {printed['where']}. {printed['note']}".strip()),
    ]
