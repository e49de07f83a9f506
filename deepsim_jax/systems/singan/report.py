"""The report of a SinGAN run: its outputs, the photo, the progress of each scale."""

import pathlib

from deepsim_jax.reports import outputs, pictures, run_page
from deepsim_jax.reports.blocks import Figure, Heading, Note, figure_or_reason
from deepsim_jax.reports.run_page import RunReport
from deepsim_jax.systems.singan.config import SCHEMA
from deepsim_jax.training import progress, run_folder

LOSSES = {
    "psnr": "reconstruction, dB",
    "g_adversarial": "generator, adversarial",
    "d_real": "critic's score of the photo",
    "d_penalty": "critic, gradient penalty",
}


def write(workdir: pathlib.Path) -> pathlib.Path:
    """Writes the page of a run, `report.html`, and returns its path; raises as `describe`."""
    return run_page.write(workdir, describe(workdir, run_folder.read_config(workdir, SCHEMA)))


def describe(workdir: pathlib.Path, config) -> RunReport:
    """The report of the run in a folder; `config` is the run's.

    Raises:
      UserError: a picture or a record is missing or damaged.
    """
    rows = progress.read_metrics(workdir / "metrics.jsonl")
    photo = workdir / "pair" / "photo.png"
    width, height = pictures.size(photo)
    iterations, steps = rows[-1]["step"] if rows else 0, config.train.steps
    planned = f"{steps} for the coarsest scale" if config.train.decline else f"{steps} for each scale"
    return RunReport(
        f"SinGAN on a photo of {width}×{height} px, {iterations} iterations, {planned}",
        [*_output_blocks(workdir), Heading("The photo"), Figure(photo, "photo"), *_scales(workdir, rows)],
        LOSSES,
    )


def _output_blocks(workdir):
    blocks = []
    for output in outputs.read_made(workdir):
        caption = output.stem
        if output.files[""].is_file():
            width, height = pictures.size(output.files[""])
            caption += f", {width}×{height} px"
        blocks += [Heading(output.name), figure_or_reason(output.shown(""), caption, lossy=True)]
    return blocks


def _scales(workdir, rows):
    """The newest preview of each scale."""
    newest = {
        _scale_at(int(path.stem), rows): path
        for path in sorted((workdir / "samples").glob("*.png"))
        if rows
    }
    if not newest:
        return []
    psnr = {row["scale"]: row["psnr"] for row in rows if row.get("psnr") is not None}
    blocks = [
        Heading("The scales, finest first"),
        Note("Photo, reconstruction, random samples from the coarsest scale on."),
    ]
    for scale, path in sorted(newest.items(), reverse=True):
        quality = f", reconstruction {psnr[scale]:.1f} dB" if scale in psnr else ""
        blocks.append(Figure(path, f"scale {scale}{quality}"))
    return blocks


def _scale_at(step, rows):
    """The scale that was in training; the last step of each has a row."""
    return next((row["scale"] for row in rows if row["step"] >= step), rows[-1]["scale"])
