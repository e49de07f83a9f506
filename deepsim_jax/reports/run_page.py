"""The page of a run: its system's blocks, and the losses."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

from deepsim_jax.reports import page, plots
from deepsim_jax.reports.blocks import Block, Heading
from deepsim_jax.training import progress


@dataclasses.dataclass(frozen=True)
class RunReport:
    """A system's contribution to the page of one of its runs.

    Attributes:
      summary: one line below the heading: the system, what it is trained on, how far it has come.
      blocks: what is shown above the losses.
      losses: names of figures in `metrics.jsonl` -> what they are called; those are plotted.
    """

    summary: str
    blocks: Sequence[Block]
    losses: Mapping[str, str]


def write(workdir: pathlib.Path, report: RunReport) -> pathlib.Path:
    """Writes the self-contained page `report.html` of a run and returns its path.

    Raises:
      UserError: a picture of the report cannot be read, or the page cannot be written.
    """
    blocks, rows = list(report.blocks), progress.read_metrics(workdir / "metrics.jsonl")
    if len(rows) > 1:
        blocks += [Heading("Losses"), plots.PlotRow(_curves(rows, report.losses))]
    return page.write(workdir / "report.html", workdir.name, blocks, subtitle=report.summary)


def _curves(rows, losses):
    """A plot over steps of each figure that the rows have."""
    return [
        plots.Plot(
            [plots.Series("", [[(row["step"], row.get(name)) for row in rows]], color)],
            x_label="step",
            y_label=f"{about} ({name})",
        )
        for color, (name, about) in enumerate(losses.items())
    ]
