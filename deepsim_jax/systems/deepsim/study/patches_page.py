"""The page of an analysis of nearest patches (`patches.json` and the pictures beside it)."""

import json
import pathlib

from deepsim_jax.errors import UserError
from deepsim_jax.reports import page, table
from deepsim_jax.reports.blocks import FigureRow, Heading, Note, Warn, figure_or_reason
from deepsim_jax.systems.deepsim.evaluation.held_out import TRUE_FRAMES
from deepsim_jax.systems.deepsim.study import patches


def write(folder: pathlib.Path) -> pathlib.Path:
    """Writes `report.html` from a folder's `patches.json` and returns its path.

    Raises:
      UserError: the file is missing or damaged.
    """
    folder = pathlib.Path(folder)
    path = folder / "patches.json"
    if not path.is_file():
        raise UserError(f"{path}: no such file; a page is made from what an analysis wrote")
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        copies, distance, correlation = (results[key] for key in ("copies", "distance", "correlation"))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: damaged ({error}); delete it and analyse again") from error

    def row(*pictures):
        return FigureRow(
            [figure_or_reason(folder / f"{name}.png", caption, lossy=True) for name, caption in pictures]
        )

    blocks = [
        *_leak(results),
        row(
            ("train-primitive", "training primitive"),
            ("train-photo", "training photo"),
            ("test-primitive", "test primitive"),
            ("result", "result"),
            ("truth", "true frame"),
        ),
        Heading("Distance of the test primitive's patches to the nearest training patch"),
        row(
            ("distance-without", "training drawing alone"),
            ("distance-with", f"with {copies} warped copies, same scale"),
            ("error", "prediction error (own scale)"),
        ),
        table.Table(
            [
                table.Column(""),
                table.Column("Mean distance to the nearest training patch", lower=True, digits=3),
                table.Column("Rank correlation with the prediction error", digits=2),
            ],
            [
                ["training drawing alone", distance["without"], correlation["without"]],
                [f"with {copies} warped copies", distance["with"], correlation["with"]],
            ],
        ),
        Note(
            f"{100 * results['fallen_by_a_tenth']:.0f} % of the positions come nearer by more than a "
            f"tenth. Distances: Euclidean, {results['layer']}, stride {patches.STRIDE}. Prediction "
            "error: mean absolute difference of the same layer between result and true frame."
        ),
    ]
    return page.write(
        folder / "report.html",
        f"{results['sequence']}, frame {results['frame']}: nearest patches",
        blocks,
        subtitle=(
            "After DeepSIM's Figure 7, which uses ResNet-50. Network trained for "
            f"{results['steps']} steps on the training pair shown."
        ),
    )


def _leak(results):
    if results["edges_from"] != TRUE_FRAMES:
        return []
    return [Warn("The test primitive's edges were drawn from the true frame: they leak.")]
