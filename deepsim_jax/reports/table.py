"""Tables of figures: digits, the best of each column, ranges over seeds, reasons for what is missing."""

import dataclasses
import math
import typing
from collections.abc import Collection, Sequence

_ARROWS = {None: "", True: "\N{NO-BREAK SPACE}↓", False: "\N{NO-BREAK SPACE}↑"}


class Column(typing.NamedTuple):
    """The head of a table's column.

    Attributes:
      label: what the column is called.
      digits: after the decimal point; None for a column of text.
      lower: whether a lower figure is better; None where figures are not compared.
      absent: why a figure may be missing, one sentence.
      group: a heading over neighbouring columns of the same group.
    """

    label: str
    digits: int | None = None
    lower: bool | None = None
    absent: str = "Not measured."
    group: str = ""


class Cell(typing.NamedTuple):
    """A cell of text that has more than one line or a mark.

    Attributes:
      text: the first line.
      badge: a short mark behind it.
      below: further short lines, smaller.
    """

    text: str
    badge: str = ""
    below: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Table:
    """A table with the best figure of each column in bold.

    Where figures have a range over seeds, those whose range overlaps the best one's are bold too, and
    nothing is bold where all do: no row is then the better one.

    Attributes:
      columns: the first one names the rows.
      rows: lists of cells: text, `Cell`, a number, (mean, low, high) over seeds, or None for a missing
        figure: a dash with a footnote, which is the column's `absent`.
      competing: numbers of the rows that the best figure is looked for in; None: all.
      muted: numbers of the rows that are set in paler type.
    """

    kind: typing.ClassVar[str] = "table"
    columns: Sequence[Column]
    rows: Sequence[Sequence]
    competing: Collection[int] | None = None
    muted: Collection[int] = ()


def layout(table: Table) -> dict:
    """The data for a table's template: the texts, marks and classes of its cells, and the notes.

    Returns:
      "groups": (label, number of columns, whether a group begins there), none if no column has one;
      "heads": (label without its last word, last word with an arrow, classes);
      "rows": (name, whether muted, cells), where a cell is a dict of "text", "badge", "below", "strong",
      "note" (its letter), "breaks" (whether lines may be broken) and "classes";
      "notes": (letter or "", text).
    """
    columns, rows = table.columns, table.rows
    competing = range(len(rows)) if table.competing is None else table.competing
    best = [_best([row[i] for row in rows], column, competing) for i, column in enumerate(columns)]
    starts = {i for i in range(1, len(columns)) if columns[i].group != columns[i - 1].group}
    reasons: dict[str, str] = {}
    lines = []
    for number, (name, *cells) in enumerate(rows):
        row_cells = [
            _cell(cell, column, number in marked, reasons)
            | {"classes": _classes(number=column.digits is not None, first=i in starts)}
            for i, (cell, column, marked) in enumerate(
                zip(cells, columns[1:], best[1:], strict=True), start=1
            )
        ]
        lines.append((name, number in table.muted, row_cells))
    spreads = any(isinstance(cell, tuple) and not isinstance(cell, Cell) for row in rows for cell in row)
    return {
        "groups": _groups(columns, starts),
        "heads": [_head(column, i in starts) for i, column in enumerate(columns)],
        "rows": lines,
        "notes": [
            *_legend(columns, marked=any(best), spreads=spreads),
            *((letter, reason) for reason, letter in reasons.items()),
        ],
    }


def _head(column, first):
    start, space, end = column.label.rpartition(" ")
    return (
        start + space,
        end + _ARROWS[column.lower],
        _classes(number=column.digits is not None, first=first),
    )


def _groups(columns, starts):
    if not any(column.group for column in columns):
        return []
    edges = [0, *sorted(starts), len(columns)]
    return [
        (columns[start].group, end - start, start in starts)
        for start, end in zip(edges, edges[1:], strict=False)
    ]


def _legend(columns, *, marked, spreads):
    words = []
    if any(column.lower is not None for column in columns):
        words.append("↓ lower is better, ↑ higher is better.")
    if spreads:
        words.append("Below a mean stands its range over the seeds.")
    if marked and spreads:
        words.append(
            "Bold: the best of its column, with all whose range overlaps its range; nothing is bold "
            "where all do."
        )
    elif marked:
        words.append("Bold: the best of its column.")
    return [("", " ".join(words))] if words else []


def _cell(cell, column, best, reasons):
    """A cell without its classes; a reason for a dash that has no letter yet gets the next one."""
    base = {"badge": "", "below": (), "strong": False, "note": "", "breaks": True}
    if isinstance(cell, Cell):
        return base | {"text": cell.text, "badge": cell.badge, "below": cell.below, "breaks": False}
    if column.digits is None or isinstance(cell, str):
        return base | {"text": str(cell)}
    span = _span(cell)
    if span is None:
        return base | {"text": "–", "note": reasons.setdefault(column.absent, _letter(len(reasons)))}
    mean, low, high = (_number(value, column.digits) for value in span)
    below = (f"{low}–{high}",) if isinstance(cell, tuple) else ()
    return base | {"text": mean, "below": below, "strong": best}


def _letter(number):
    return chr(ord("a") + number)


def _classes(**names):
    """The CSS classes, separated by spaces, whose arguments are true."""
    return " ".join(name for name, is_set in names.items() if is_set)


def _number(value, digits):
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}f}"


def _span(cell):
    """(mean, low, high) of a cell, or None where there is no figure."""
    span = cell if isinstance(cell, tuple) else (cell,) * 3
    return None if any(value is None or math.isnan(value) for value in span) else span


def _best(cells, column, competing):
    """Numbers of the rows to be marked in a column."""
    if column.lower is None or column.digits is None:
        return set()
    sign = 1 if column.lower else -1
    spans = {
        i: [sign * round(value, column.digits) for value in span]
        for i in competing
        if not isinstance(cells[i], str | Cell) and (span := _span(cells[i])) is not None
    }
    if not spans:
        return set()
    reach = max(min(spans.values(), key=lambda span: span[0]))
    marked = {i for i, span in spans.items() if min(span) <= reach}
    return marked if len(marked) < len(spans) else set()
