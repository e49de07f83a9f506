"""The report page of a run: what was trained on, what was made of it, and the losses."""

import json
import pathlib
import re

import numpy as np

from deepsim_jax import pages, plots
from deepsim_jax.data import images
from deepsim_jax.training import progress

LOSSES = {
    "deepsim": {"g_gan": "generator, adversarial", "g_features": "generator, feature matching",
                "g_perceptual": "generator, perceptual", "d": "discriminator"},
    "singan": {"psnr": "reconstruction, dB", "g_adversarial": "generator, adversarial",
               "d_real": "critic's score of the photo", "d_penalty": "critic, gradient penalty"}}
"""What is plotted of each system's figures, with what it is called."""


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
    number = _next_number(folder, "*.result.png")
    images.write_png(folder / f"{number:03d}-{clean}.primitive.png", primitive)
    images.write_png(folder / f"{number:03d}-{clean}.result.png", result)


def keep_made(workdir: pathlib.Path, name: str, picture: np.ndarray):
    """Keeps a picture that SinGAN has made, uint8 (H, W, 3), under a running number, for the report."""
    folder = workdir / "made"
    images.write_png(folder / f"{_next_number(folder, '*.png'):03d}-{name}.png", picture)


def _next_number(folder, pattern):
    taken = [re.match(r"(\d+)-", path.name) for path in folder.glob(pattern)]
    return 1 + max((int(found[1]) for found in taken if found), default=0)


def write(workdir: pathlib.Path) -> pathlib.Path:
    """Writes the self-contained page `report.html` of a run and returns its path."""
    height, width = images.read_image(workdir / "pair" / "photo.png").shape[:2]
    config = json.loads((workdir / "config.json").read_text(encoding="utf-8"))["config"]
    rows = progress.read_metrics(workdir / "metrics.jsonl")
    singan = config["system"] == "singan"
    parts = _scales(workdir, rows) if singan else _edits(workdir)
    if len(rows) > 1:
        parts += [pages.heading("Losses"), plots.row_of_plots(_curves(rows, LOSSES[config["system"]]))]
    step, of = rows[-1]["step"] if rows else 0, config["train.steps"]
    each = f"{of} for the coarsest scale" if config.get("train.decline") else f"{of} for each scale"
    done = f"{step} iterations, {each}" if singan else f"{step} of {of} steps"
    page = pages.document(workdir.name, parts, subtitle=f"{'SinGAN' if singan else 'DeepSIM'} on a photo "
                          f"of {width}×{height} px, {done}")
    images.write_bytes_atomic(workdir / "report.html", page.encode())
    return workdir / "report.html"


def _edits(workdir):
    """DeepSIM's pictures: the pair, and every edit beside it."""
    pair = workdir / "pair"
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
    return parts


def _scales(workdir, rows):
    """SinGAN's pictures: what was made with it, the photo, and how far each scale has come."""
    parts = []
    for made in sorted((workdir / "made").glob("[0-9]*-*.png"), reverse=True):
        height, width = images.read_image(made).shape[:2]
        parts += [pages.heading(made.stem.split("-", 1)[1]),
                  pages.figure(made, f"{made.stem}, {width}×{height} px")]
    parts += [pages.heading("The photo"), pages.figure(workdir / "pair" / "photo.png", "photo")]
    newest = {_scale_at(int(path.stem), rows): path
              for path in sorted((workdir / "samples").glob("*.png")) if rows}
    psnr = {row["scale"]: row["psnr"] for row in rows if row.get("psnr") is not None}
    if newest:
        parts += [pages.heading("The scales, finest first"), pages.soft(
            "Photo, reconstruction from the fixed noise, random samples from the coarsest scale on.")]
    for scale, path in sorted(newest.items(), reverse=True):
        quality = f", reconstruction {psnr[scale]:.1f} dB" if scale in psnr else ""
        parts.append(pages.figure(path, f"scale {scale}{quality}"))
    return parts


def _scale_at(step, rows):
    """The scale that was in training; the last step of each has a row."""
    return next((row["scale"] for row in rows if row["step"] >= step), rows[-1]["scale"])


def _curves(rows, terms):
    """A plot over steps of each term that the rows have."""
    plotted = []
    for color, (name, about) in enumerate(terms.items()):
        line = [(row["step"], row.get(name)) for row in rows]
        plotted.append(plots.line_plot([plots.Series("", [line], color)], x_label="step",
                                       y_label=f"{about} ({name})"))
    return plotted
