"""Shared parts of the pages of evaluations and tables: rows of networks beside those without one."""

from collections.abc import Sequence

from deepsim_jax.evaluate.columns import FRAME_COLUMNS
from deepsim_jax.reports import measured, plots, table
from deepsim_jax.reports.blocks import Block, Heading, Note
from deepsim_jax.systems.deepsim.evaluation.held_out import TRUE_FRAMES
from deepsim_jax.systems.deepsim.evaluation.protocol import UNTRAINED

LEAK = (
    "Where edges are marked with “leak”, they were drawn from the true test frames: the drawing "
    "then holds outlines of the very picture that is to be predicted. Compare such figures only "
    "with others that were given the same."
)


def means(row: dict, results: dict) -> list:
    """A row's cells: means, with their ranges where there are several seeds."""
    spread = row.get("spread", {}) if row.get("seeds", 1) > 1 else {}
    return [
        (row["mean"][key], *spread[key]) if key in spread and key in row["mean"] else row["mean"].get(key)
        for key in measured.shown(results)
    ]


def is_unchanged(row: dict) -> bool:
    """Whether a row is that of the training frame, to which trained networks are compared."""
    return row["key"] == "unchanged"


def is_trained(row: dict) -> bool:
    """Whether a row is that of a trained network, neither of the unchanged frame nor of its copies."""
    return row["key"] not in UNTRAINED


def unchanged(rows: Sequence[dict]) -> list[int]:
    """The numbers of those rows."""
    return [number for number, row in enumerate(rows) if is_unchanged(row)]


def leaks(row: dict) -> bool:
    """Whether what made the pictures was given edges of the true test frames."""
    return not is_unchanged(row) and TRUE_FRAMES in row["edges_from"]


def primitive_cell(row: dict) -> str | table.Cell:
    """The kind of primitive of a row's test frames, and where their edges came from."""
    if is_unchanged(row):
        return "none"
    if not row["edges_from"]:
        return row["primitive"]
    badge = "leak" if leaks(row) else ""
    return table.Cell(row["primitive"], badge, (f"edges: {row['edges_from']}",))


def titled(key: str) -> str:
    """A column's name and direction."""
    column = FRAME_COLUMNS[key]
    return f"{column.label}, {'lower' if column.lower else 'higher'} is better"


def heldout_plots(curves: Sequence[dict], title: str) -> list[Block]:
    """Held-out quality over steps and seconds, below a heading; nothing if none was measured.

    Args:
      curves: of "label", "color" (a number) and "lines": a list of points for each seed.
      title: of the heading.
    """
    row = []
    for key in FRAME_COLUMNS:
        for over, label in (("step", "step"), ("seconds", "training time, seconds")):
            series = [
                plots.Series(
                    curve["label"],
                    [
                        [(point[over], point[key]) for point in points if key in point and over in point]
                        for points in curve["lines"]
                    ],
                    curve["color"],
                )
                for curve in curves
            ]
            row.append(plots.Plot(series, x_label=label, y_label=f"Held-out {titled(key)}"))
    row = [plot for plot in row if plot]
    if not row:
        return []
    several = max(len(curve["lines"]) for curve in curves) > 1
    legend = [Note("Thin: each seed. Thick: their median. Band: from the lowest to the highest.")]
    return [Heading(title, 3), *(legend if several else []), plots.PlotRow(row)]
