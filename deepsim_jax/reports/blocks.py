"""The blocks of a page, as data; `page` shows them.

All text is plain text: it is escaped when the page is made. A block that is a plain string is a
paragraph. Larger blocks have modules of their own: `table.Table`, `plots.Plot`.
"""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

SHOWN = 1000
"""Longest side in px of a picture on a page; larger ones are shrunk, or the page would be huge."""

Block = Any
"""A string or an instance of a class with `kind`, the name of its macro in templates/blocks.html."""


@dataclasses.dataclass(frozen=True)
class Heading:
    """A heading within the page, of level 2 or 3."""

    kind: ClassVar[str] = "heading"
    text: str
    level: int = 2


@dataclasses.dataclass(frozen=True)
class Note:
    """A paragraph in smaller, paler type."""

    kind: ClassVar[str] = "note"
    text: str


@dataclasses.dataclass(frozen=True)
class Warn:
    """A paragraph that is not to be missed."""

    kind: ClassVar[str] = "warn"
    text: str


@dataclasses.dataclass(frozen=True)
class Bullets:
    """A bulleted list of texts."""

    kind: ClassVar[str] = "bullets"
    items: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Definitions:
    """A list of (name, what it means)."""

    kind: ClassVar[str] = "definitions"
    pairs: Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Folded:
    """Blocks that are shown after a click on the summary."""

    kind: ClassVar[str] = "folded"
    summary: str
    blocks: Sequence[Block]


@dataclasses.dataclass(frozen=True)
class Beside:
    """Blocks, and to their left what they are compared with, which stays in view while they scroll."""

    kind: ClassVar[str] = "beside"
    reference: Sequence[Block]
    blocks: Sequence[Block]


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture with its caption, which is its alternative text too, inside the page.

    Attributes:
      picture: a path or a uint8 array (H, W, 3).
      caption: below it.
      longest: longest side in px, at least 16; larger pictures are shrunk.
      lossy: whether a JPEG may stand for a shrunk picture where that is smaller, as for photographs.
    """

    kind: ClassVar[str] = "figure"
    picture: pathlib.Path | np.ndarray
    caption: str
    longest: int = SHOWN
    lossy: bool = False


@dataclasses.dataclass(frozen=True)
class MissingFigure:
    """Stands where a picture would be and says why it is not there."""

    kind: ClassVar[str] = "missing_figure"
    reason: str
    caption: str


def figure_or_reason(path: pathlib.Path, caption: str, name: str = "", **options) -> Block:
    """The picture of a file; if it is missing, a block that says so of `name` (default: the file's)."""
    if path.is_file():
        return Figure(path, caption, **options)
    return MissingFigure(f"{name or path.name}: not there", caption)


@dataclasses.dataclass(frozen=True)
class FigureRow:
    """Figures side by side.

    Attributes:
      figures: of `Figure` and `MissingFigure`.
      columns: how many a row has; None: at least four, so that the rows of a page match, at most seven.
    """

    kind: ClassVar[str] = "figure_row"
    figures: Sequence[Figure | MissingFigure]
    columns: int | None = None

    def __post_init__(self):
        if self.columns is None:
            rows = max(1, math.ceil(len(self.figures) / 7))
            object.__setattr__(self, "columns", max(4, math.ceil(len(self.figures) / rows)))


def machine_note(machine: Mapping[str, Any]) -> list[Note]:
    """A note on the machine of a measurement (`machine.describe`); nothing if it is not known."""
    facts = (
        f"{name} {', '.join(value) if isinstance(value, list) else value}"
        for name, value in machine.items()
    )
    return [Note(f"Machine: {', '.join(facts)}.")] if machine else []
