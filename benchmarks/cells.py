"""Cells and tables of the page of the benchmarks."""

from deepsim_jax.reports.table import Cell, Column, Table


def shown(value: float | None) -> str:
    """A figure to three digits, with none in front of the point lost."""
    if value is None:
        return "–"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def spread(of: dict):
    """A median with its range below, where there is one."""
    if of["low"] == of["high"]:
        return shown(of["median"])
    return Cell(shown(of["median"]), below=(f"{shown(of['low'])}–{shown(of['high'])}",))


def table(labels, rows) -> Table:
    """A table of cells that are text already; the first column names the rows."""
    return Table([Column(labels[0]), *(Column(label, 0) for label in labels[1:])], rows)
