"""What the page of a run of iGAN shows: what was made with it, its samples, how they came about."""

import pathlib
from typing import Any

import numpy as np

from deepsim_jax.reports import outputs, plots, run_page
from deepsim_jax.reports.blocks import Block, Figure, Heading, Note, figure_or_reason
from deepsim_jax.reports.run_page import RunReport
from deepsim_jax.systems import runs
from deepsim_jax.systems.igan import collection, measuring
from deepsim_jax.systems.igan.config import SCHEMA
from deepsim_jax.systems.igan.training import TRAINING
from deepsim_jax.training import progress, run_folder

LOSSES = {
    "g_loss": "generator",
    "d_loss": "discriminator",
    "diversity": "spread of a batch's samples, share of the pictures'",
    "cost": "encoder, cost of its projections",
    "rmse": "encoder, difference of pixels, of 255",
}

_SAMPLES, _COLUMNS = 24, 12


def write(workdir: pathlib.Path) -> pathlib.Path:
    """Writes the page of a run, `report.html`, and returns its path; raises as `describe`."""
    return run_page.write(workdir, describe(workdir, run_folder.read_config(workdir, SCHEMA)))


def describe(workdir: pathlib.Path, config: Any) -> RunReport:
    """The report of the run in a folder; `config` is the run's.

    Raises:
      UserError: a picture, a record or the newest checkpoint is missing or damaged.
    """
    rows = progress.read_metrics(workdir / "metrics.jsonl")
    found = collection.load(workdir / "pair")
    side, done = config.data.size, rows[-1]["step"] if rows else 0
    summary = (
        f"iGAN on {len(found.pictures)} pictures of {side}×{side} px, {len(found.held_out)} held out; "
        f"{done} of {config.train.steps} + {config.encoder.steps} steps (generator, then encoder)"
    )
    return RunReport(
        summary,
        [*_made(workdir), *_samples(workdir, found), *_measured(workdir), *_progress(workdir)],
        LOSSES,
    )


def _made(workdir) -> list[Block]:
    blocks: list[Block] = []
    for output in outputs.read_made(workdir):
        blocks += [Heading(output.name), figure_or_reason(output.shown(""), output.stem, lossy=True)]
    return blocks


def _samples(workdir, found) -> list[Block]:
    """Random samples, each above the nearest training picture."""
    model: Any = runs.load(TRAINING, workdir)
    made = model.sample(_SAMPLES)
    near = model.nearest(made)
    rows = [
        np.concatenate([made[i : i + _COLUMNS], near[i : i + _COLUMNS]])
        for i in range(0, _SAMPLES, _COLUMNS)
    ]
    return [
        Heading("Samples"),
        Note("Below each row the nearest training pictures, by pixels: a copy of one would be seen."),
        Figure(
            measuring.tiled(np.concatenate(rows), _COLUMNS), "random samples, and what is nearest to them"
        ),
    ]


def _measured(workdir) -> list[Block]:
    rows = progress.read_metrics(workdir / "heldout.jsonl")
    if len(rows) < 2:
        return []
    curves = [
        plots.Plot(
            [plots.Series("", [[(row["step"], row.get(name)) for row in rows]], color)],
            x_label="step",
            y_label=about,
        )
        for color, (name, about) in enumerate(
            {
                "frechet": "Fréchet distance, VGG16 (frechet)",
                "diversity": "diversity of the fixed samples (diversity)",
            }.items()
        )
    ]
    return [
        Heading("Against pictures that are held out"),
        plots.PlotRow(curves),
        Note(
            "The distance is of VGG16's relu3_3, averaged over each picture: comparable with other runs "
            "on the same collection, and with no published FID. The diversity is a share of the "
            "collection's."
        ),
    ]


def _progress(workdir) -> list[Block]:
    newest = sorted((workdir / "samples").glob("*.png"))
    if not newest:
        return []
    return [
        Heading("During the training"),
        *(Figure(path, f"after {int(path.stem)} steps") for path in (newest[0], newest[-1])),
        Note("Samples; beside them, once there is an encoder, pictures and its projections, in pairs."),
    ]
