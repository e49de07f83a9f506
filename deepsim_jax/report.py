"""The report page of a run: photo, primitive, edited primitives and results, side by side."""

import json
import pathlib
import re

import numpy as np

from deepsim_jax import pages, plots
from deepsim_jax.data import images
from deepsim_jax.training import progress

LOSSES = {"g_gan": "generator, adversarial", "g_features": "generator, feature matching",
          "g_perceptual": "generator, perceptual", "d": "discriminator"}
"""Loss terms that are plotted, with what they are called."""


def add_edit(workdir: pathlib.Path, name: str, primitive: np.ndarray, result: np.ndarray):
    """Keeps an edit in the run's folder, under a running number, for the report.

    Args:
      workdir: the run's folder.
      name: what the edit is called, e.g. the input's file name.
      primitive: uint8 (h, w, 3), the edited primitive.
      result: uint8 (H, W, 3).
    """
    folder = workdir / "edits"
    clean = "".join(c if c.isalnum() or c in "-_" else "-" for c in name[:60]) or "edit"
    taken = [re.match(r"(\d+)-", p.name) for p in folder.glob("*.result.png")]
    number = 1 + max((int(found[1]) for found in taken if found), default=0)
    images.write_png(folder / f"{number:03d}-{clean}.primitive.png", primitive)
    images.write_png(folder / f"{number:03d}-{clean}.result.png", result)


def write(workdir: pathlib.Path) -> pathlib.Path:
    """Writes the self-contained page `report.html` of a run and returns its path."""
    pair = workdir / "pair"
    height, width = images.read_image(pair / "photo.png").shape[:2]
    config = json.loads((workdir / "config.json").read_text(encoding="utf-8"))["config"]
    rows = progress.read_metrics(workdir / "metrics.jsonl")
    original = [pages.figure(pair / "photo.png", "photo"),
                pages.figure(pair / "primitive.png", "its primitive")]
    parts = []
    edits = sorted((workdir / "edits").glob("[0-9]*-*.result.png"), reverse=True)
    for result in edits:
        drawn = result.with_name(result.name.replace(".result.", ".primitive."))
        title = result.name.removesuffix(".result.png").split("-", 1)[1]
        parts += [pages.heading(title), pages.row_of_figures(
            [*original, pages.figure(drawn, "edited primitive"), pages.figure(result, "result")])]
    if not edits:
        parts += [pages.heading("The training pair"), pages.row_of_figures(original)]
    samples = sorted((workdir / "samples").glob("*.png"))
    if samples:
        parts += [pages.heading("Reconstruction at the end of training"),
                  pages.figure(samples[-1], "primitive, generated from it, photo")]
    if len(rows) > 1:
        parts += [pages.heading("Losses"), plots.row_of_plots(_curves(rows))]
    page = pages.document(
        workdir.name, parts, subtitle=f"DeepSIM on a photo of {width}×{height} px, "
        f"{rows[-1]['step'] if rows else 0} of {config['train.steps']} steps")
    images.write_bytes_atomic(workdir / "report.html", page.encode())
    return workdir / "report.html"


def _curves(rows):
    """A plot over steps of each loss term that the rows have."""
    plotted = []
    for color, (name, about) in enumerate(LOSSES.items()):
        line = [(row["step"], row.get(name)) for row in rows]
        plotted.append(plots.line_plot([plots.Series("", [line], color)], x_label="step",
                                       y_label=f"{about} ({name})"))
    return plotted
