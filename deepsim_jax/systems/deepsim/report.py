"""The report of a DeepSIM run: the pair, every edit beside it, the reconstruction."""

import pathlib

import numpy as np

from deepsim_jax.reports import outputs, pictures, run_page
from deepsim_jax.reports.blocks import Beside, Figure, FigureRow, Heading, Note, figure_or_reason
from deepsim_jax.reports.run_page import RunReport
from deepsim_jax.systems.deepsim.config import SCHEMA
from deepsim_jax.systems.deepsim.copying.engine import Copied
from deepsim_jax.training import progress, run_folder

LOSSES = {
    "g_gan": "generator, adversarial",
    "g_features": "generator, feature matching",
    "g_perceptual": "generator, perceptual",
    "d": "discriminator",
}


CAPTIONS = {
    "primitive": "edited primitive",
    "result": "result",
    "copied": "copied from the photo, nothing trained",
    "mismatch": "red: where a copy does not show what was drawn, or may be wrong",
}
"""Role of an edit's picture -> what is written below it."""

_RED = np.array([230, 30, 30], np.uint8)


def keep_edit(
    workdir: pathlib.Path,
    name: str,
    primitive: np.ndarray,
    result: np.ndarray,
    copied: Copied | None = None,
) -> None:
    """Keeps an edit in the run's folder, for its page.

    Args:
      workdir: the run's folder.
      name: what the edit is called, e.g. the input's file name.
      primitive: uint8 (h, w, 3), the edited primitive.
      result: uint8 (H, W, 3).
      copied: what copying made of the primitive, to be shown beside; None: nothing is.
    """
    made = {"primitive": primitive, "result": result}
    if copied is not None:
        made["copied"] = copied.picture
        if copied.mismatch.any():
            made["mismatch"] = np.where(copied.mismatch[..., None], _RED, copied.picture // 2 + 127)
    outputs.keep(workdir / "edits", name, made)


def write(workdir: pathlib.Path) -> pathlib.Path:
    """Writes the page of a run, `report.html`, and returns its path; raises as `describe`."""
    return run_page.write(workdir, describe(workdir, run_folder.read_config(workdir, SCHEMA)))


def describe(workdir: pathlib.Path, config) -> RunReport:
    """The report of the run in a folder; `config` is the run's.

    Raises:
      UserError: a picture or a record is missing or damaged.
    """
    rows = progress.read_metrics(workdir / "metrics.jsonl")
    width, height = pictures.size(workdir / "pair" / "photo.png")
    step = rows[-1]["step"] if rows else 0
    blocks = _edits(workdir)
    samples = sorted((workdir / "samples").glob("*.png"))
    if samples:
        blocks += [
            Heading("Reconstruction at the end of training"),
            Figure(samples[-1], "primitive, generated from it, photo"),
        ]
    return RunReport(
        f"DeepSIM on a photo of {width}×{height} px, {step} of {config.train.steps} steps", blocks, LOSSES
    )


def _edits(workdir):
    pair = workdir / "pair"
    original = [Figure(pair / "photo.png", "photo"), Figure(pair / "primitive.png", "its primitive")]
    edits = [edit for edit in outputs.read(workdir / "edits") if "result" in edit.files]
    if not edits:
        return [Heading("The training pair"), FigureRow(original)]
    blocks = []
    for edit in edits:
        figures = [
            figure_or_reason(edit.shown(role), caption, lossy=True)
            for role, caption in CAPTIONS.items()
            if role in edit.files
        ]
        blocks += [Heading(edit.name), *_time_note(edit), FigureRow(figures, columns=2)]
    return [Beside([Heading("The training pair"), *original], blocks)]


def _time_note(edit):
    return [Note(edit.time.replace("T", " ").replace("+00:00", " UTC"))] if edit.time else []
