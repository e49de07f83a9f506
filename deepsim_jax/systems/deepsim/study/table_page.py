"""The page of a table of trainings on sequences (`table.json`), finished or not."""

import functools
import pathlib

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
from deepsim_jax.reports.measured import counted
from deepsim_jax.systems.deepsim.evaluation import comparison

_PRINTED = {"lpips": "LPIPS", "sifid": "SIFID"}


def write(folder: pathlib.Path) -> pathlib.Path:
    """Writes `report.html` from a folder's `table.json` and returns its path.

    Raises:
      UserError: the file is missing, damaged or has unknown columns.
    """
    folder = pathlib.Path(folder)
    results = measured.read(folder / "table.json")
    blocks = [
        *_warnings(results),
        *([] if len(results["sequences"]) == 1 else _averages(results)),
        *(block for name in results["sequences"] for block in _sequence(name, results)),
        *_strips(folder, results),
        *measured.about_columns(results),
        *([Note(measured.SHRUNK)] if results.get("strips") else []),
        *machine_note(results.get("machine", {})),
        *_settings(results),
    ]
    return page.write(folder / "report.html", results["title"], blocks, subtitle=results.get("note", ""))


def _warnings(results) -> list[Block]:
    """The pending and failed trainings, a warning of leaks, and the findings."""
    blocks: list[Block] = []
    if results.get("pending"):
        blocks += [
            Warn(f"Not finished: {counted(len(results['pending']), 'training')} to come."),
            Folded("Which ones", [Bullets(results["pending"])]),
        ]
    if any(comparison.leaks(row) for row in results["rows"]):
        blocks.append(Warn(comparison.LEAK))
    if results.get("failed"):
        blocks += [Warn("Some trainings failed:"), Definitions(sorted(results["failed"].items()))]
    if results.get("findings"):
        blocks += [Heading("Findings"), Bullets(results["findings"])]
    return blocks


def _sequence(name, results) -> list[Block]:
    """The table of a sequence, and what was measured on it during the trainings."""
    rows = [row for row in results["rows"] if row["sequence"] == name]
    curves = [curve for curve in results.get("curves", ()) if curve["sequence"] == name]
    colors = _colors(results)
    series = [
        {
            "label": next(curve["label"] for curve in curves if curve["key"] == key),
            "color": colors[key],
            "lines": [curve["points"] for curve in curves if curve["key"] == key],
        }
        for key in dict.fromkeys(curve["key"] for curve in curves)
    ]
    return [
        Heading(name),
        *(_sequence_table(rows, results) if rows else [Note("Nothing is measured yet.")]),
        *comparison.heldout_plots(series, f"{name} during training"),
    ]


def _colors(results):
    """Key of a row -> number of its colour, the same in all plots of the page."""
    keyed = (*results["rows"], *results.get("curves", ()))
    return {
        key: n
        for n, key in enumerate(
            dict.fromkeys(row["key"] for row in keyed if not comparison.is_unchanged(row))
        )
    }


def _strips(folder, results) -> list[Block]:
    blocks: list[Block] = []
    for strip in results.get("strips", ()):
        blocks += [Heading(strip["title"], 3), measured.strip(folder, strip["pictures"])]
    return [Heading("Pictures"), *blocks] if blocks else []


def _settings(results) -> list[Block]:
    """What each row draws, the config, and the runs' folders."""
    blocks: list[Block] = []
    if results.get("draws"):
        blocks += [
            Heading("What each row draws (probabilities)"),
            Definitions(list(results["draws"].items())),
        ]
    if results.get("config"):
        title = "The base config: what differs from the defaults (default -> here)"
        blocks.append(Folded(title, [Bullets(results["config"])]))
    folders = [
        f"{row['label']}, {row['sequence']}: {', '.join(row['folders'])}"
        for row in results["rows"]
        if row.get("folders") and comparison.is_trained(row)
    ]
    if folders:
        blocks.append(Folded("Folders of the runs", [Bullets(folders)]))
    return blocks


def _competing(rows):
    """Numbers of the rows that compete for the best: those without a leak, unless all leak."""
    trained = sum(not comparison.is_unchanged(row) for row in rows)
    all_leak = sum(comparison.leaks(row) for row in rows) == trained
    return [n for n, row in enumerate(rows) if all_leak or not comparison.leaks(row)]


def _sequence_table(rows, results) -> list[Block]:
    """The table of one sequence; facts that all trained rows share stand above it, not in columns."""
    trained = [row for row in rows if comparison.is_trained(row)] or rows
    facts = {
        "size": lambda r: "{1}×{0} px".format(*r["size"]),
        "steps": lambda r: str(r["steps"]),
        "seeds": lambda r: str(r["seeds"]),
        "frames": lambda r: str(r["frames"]),
    }
    differing = [name for name, tell in facts.items() if len({tell(row) for row in trained}) > 1]
    shared = ", ".join(
        f"{name}: {tell(trained[0])}" for name, tell in facts.items() if name not in differing
    )

    def cell(name, row):
        return facts[name](row) if comparison.is_trained(row) or name not in ("steps", "seeds") else ""

    told = {name.capitalize(): functools.partial(cell, name) for name in differing}
    columns, cells = _first_cells(rows, told)
    notes = [Note(f"Mean over the frames that were not trained on; {shared}.")] if shared else []
    competing = _competing(rows)
    if len(competing) < len(rows):
        notes.append(Note("Rows that leak are left out when the best is marked."))
    single = len(results["sequences"]) == 1
    return [*notes, *_table(results, rows, columns, cells, competing, published=single)]


def _first_cells(rows, facts):
    """What stands before the figures: (columns, a row's key -> its cells).

    Args:
      rows: of the table.
      facts: a column's title -> what a row's cell says.
    """
    columns = [table.Column(title) for title in ("", "Test primitive", *facts)]
    cells = {
        row["key"]: [
            row["label"],
            comparison.primitive_cell(row),
            *(tell(row) for tell in facts.values()),
        ]
        for row in rows
    }
    return columns, cells


def _averages(results) -> list[Block]:
    """The table of averages over sequences, with the published figures."""
    rows = [_with_primitives(row, results) for row in results.get("averages", [])]
    if not rows and not results.get("published", {}).get("rows"):
        return []
    most_sequences = max((row["sequences"] for row in rows), default=0)
    competing = [n for n in _competing(rows) if rows[n]["sequences"] == most_sequences]
    counts = len({row["sequences"] for row in rows}) > 1
    columns, cells = _first_cells(
        rows, {"Sequences": lambda row: str(row["sequences"])} if counts else {}
    )
    notes = []
    if len(competing) < len(rows):
        notes.append(
            Note("Rows that leak, or that lack sequences, are left out when the best is marked.")
        )
    if not rows:
        notes.append(Note("No row is measured on every sequence yet."))
    return [
        Heading(
            f"Mean over {counted(most_sequences, 'sequence') if most_sequences else 'the sequences'}"
        ),
        *notes,
        *_table(results, rows, columns, cells, competing, published=True),
    ]


def _with_primitives(row, results):
    """A row of averages with the primitives, and the sources of edges, of all its sequences."""
    matching = [match for match in results["rows"] if match["key"] == row["key"]]
    merged = {
        name: " / ".join(dict.fromkeys(match[name] for match in matching if match[name]))
        for name in ("primitive", "edges_from")
    }
    return {**row, **merged}


def _table(results, rows, columns, cells, competing, *, published) -> list[Block]:
    """Rows with their figures; with `published`, the published figures too, also of missing rows."""
    source = results.get("published", {}) if published else {}
    printed = source.get("rows", {})
    names = [
        name for name in source.get("columns", ()) if any(name in entry for entry in printed.values())
    ]
    if not rows:
        columns = columns[:1]
    own = measured.heads(results, group="measured here" if printed else "") if rows else []
    digits = {
        name: max(_decimals(entry[name]) for entry in printed.values() if name in entry) for name in names
    }
    labels = {
        **results.get("published", {}).get("labels", {}),
        **{entry["key"]: entry["label"] for entry in (*results["rows"], *results.get("curves", ()))},
    }
    lines = {row["key"]: [*cells[row["key"]], *comparison.means(row, results)] for row in rows}
    for key in printed:
        blank = [""] * (len(columns) - 1) + [None] * len(own)
        lines.setdefault(key, [labels.get(key, key), *blank])
    for key, line in lines.items():
        line += [printed.get(key, {}).get(name) for name in names]
    columns = [
        *columns,
        *own,
        *(
            table.Column(
                _PRINTED.get(name, name), digits[name], None, "Not published.", "published, not ours"
            )
            for name in names
        ),
    ]
    block = table.Table(
        columns, list(lines.values()), competing=competing, muted=comparison.unchanged(rows)
    )
    if not names:
        return [block]
    note = source.get("note", "")
    remark = f" {note}" if note != results.get("note") else ""
    return [block, Note(f"Published: {source['where']}.{remark}")]


def _decimals(value):
    return len(str(value).partition(".")[2])
