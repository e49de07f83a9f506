"""The page of a table in which every picture has a training of its own (`table.json`)."""

import json
import pathlib

from deepsim_jax import pages
from deepsim_jax.data import images
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate.columns import PICTURE_COLUMNS

SHOWN = 320
"""Longest side in px of pictures on a page."""


def write(folder: pathlib.Path) -> pathlib.Path:
    """Writes `report.html` from a folder's `table.json`, finished or not, and returns its path.

    Raises:
      UserError: the file is missing, damaged or has unknown columns.
    """
    folder = pathlib.Path(folder)
    found = _read(folder / "table.json")
    parts = []
    if found["pending"]:
        parts.append(pages.warning(f"Not finished, still to come: {', '.join(found['pending'])}."))
    if found["failed"]:
        parts += [pages.warning("Some pictures failed:"), pages.definitions(found["failed"].items())]
    if found["findings"]:
        parts += [pages.heading("Findings"), pages.bullets(found["findings"])]
    done = found["pictures"]
    if len(done) > 1:
        parts += [pages.heading(f"Mean over {len(done)} pictures"), _table(found, found["averages"])]
    for picture in done:
        parts += [pages.heading(picture["name"]), *([pages.soft(picture["about"])]
                                                    if picture.get("about") else []),
                  _table(found, picture["rows"])]
        if picture.get("strip"):
            parts.append(pages.row_of_figures(_figures(folder / picture["name"], picture["strip"])))
    for printed in found["published"]:
        parts += _printed(printed)
    parts += [pages.heading("The columns"), pages.definitions(
        (PICTURE_COLUMNS[key].label, PICTURE_COLUMNS[key].about) for key in _keys(found))]
    if found["settings"]:
        parts.append(pages.folded("Settings", [pages.bullets(
            f"{key}: {value}" for key, value in found["settings"].items())]))
    if found["machine"]:
        parts.append(pages.soft("Machine: " + ", ".join(
            f"{name} {', '.join(value) if isinstance(value, list) else value}"
            for name, value in found["machine"].items()) + "."))
    page = pages.document(found["title"], parts, subtitle=found["note"])
    images.write_bytes_atomic(folder / "report.html", page.encode())
    return folder / "report.html"


def _read(path):
    if not path.is_file():
        raise UserError(f"{path}: no such file; a page is made from the results of a table")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        unknown = [key for key in (*found["columns"], *found["absent"]) if key not in PICTURE_COLUMNS]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: damaged ({error}); delete it and make the table again") from error
    if unknown:
        raise UserError(f"{path}: unknown column {unknown[0]!r}, known are {', '.join(PICTURE_COLUMNS)}; "
                        "make the table again with this version")
    return found


def _keys(found):
    return [key for key in PICTURE_COLUMNS if key in found["columns"] or key in found["absent"]]


def _table(found, rows):
    headings = [pages.Heading("")]
    for key in _keys(found):
        column = PICTURE_COLUMNS[key]
        headings.append(pages.Heading(column.label, column.digits, column.lower,
                                      found["absent"].get(key, "Not measured.")))
    # What is no answer, as the true picture, is not the best of them.
    muted = [n for n, row in enumerate(rows) if row.get("muted")]
    return pages.table(
        headings, [[row["label"], *(row["figures"].get(key) for key in _keys(found))] for row in rows],
        competing=[n for n in range(len(rows)) if n not in muted], muted=muted)


def _figures(folder, strip):
    for caption, name in strip:
        if (folder / name).is_file():
            yield pages.figure(folder / name, caption, longest=SHOWN)
        else:
            yield pages.missing_figure(f"{name}: not there", caption)


def _printed(printed):
    headings = [pages.Heading(""), *(pages.Heading(label, printed["digits"], None, "Not printed.")
                                     for label in printed["columns"])]
    note = f"Not ours: {printed['where']}. {printed['note']}".strip()
    return [pages.heading(printed["title"]),
            pages.table(headings, [[label, *figures] for label, figures in printed["rows"]]),
            pages.soft(note)]
