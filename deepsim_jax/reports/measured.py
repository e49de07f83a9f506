"""Shared parts of the pages of measured results: reading them, strips, the columns' meanings."""

import json
import pathlib
from collections.abc import Mapping, Sequence

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate.columns import FRAME_COLUMNS, Column
from deepsim_jax.reports import table
from deepsim_jax.reports.blocks import Block, Definitions, FigureRow, Heading, figure_or_reason

SHRUNK = (
    "Large pictures are shrunk and compressed on this page; the files beside it are what was measured."
)

_STRIP_SIDE = 320  # longest side in px of a strip's pictures on a page


def read(
    path: pathlib.Path, known: Mapping[str, Column] = FRAME_COLUMNS, *, needed: str = "rows"
) -> dict:
    """The results in a file.

    Args:
      path: of `evaluation.json` or `table.json`.
      known: the columns that it may have.
      needed: what it holds beside "columns".

    Raises:
      UserError: the file is missing, damaged or has unknown columns.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; a page is made from what an evaluation or a table wrote")
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}); delete it and measure again") from error
    if not isinstance(results, dict) or not {"columns", needed} <= set(results):
        raise UserError(f"{path}: damaged (no columns or {needed}); delete it and measure again")
    results.setdefault("absent", {})
    unknown = [key for key in (*results["columns"], *results["absent"]) if key not in known]
    if unknown:
        raise UserError(
            f"{path}: unknown column {unknown[0]!r}, known are {', '.join(known)}; "
            "measure again with this version"
        )
    return results


def shown(results: dict, known: Mapping[str, Column] = FRAME_COLUMNS) -> list[str]:
    """The columns of a page: the measured ones and the absent ones, in the usual order."""
    return [key for key in known if key in results["columns"] or key in results["absent"]]


def heads(
    results: dict, known: Mapping[str, Column] = FRAME_COLUMNS, *, group: str = ""
) -> list[table.Column]:
    """The heads of the columns that are shown."""
    return [
        table.Column(
            known[key].label,
            known[key].digits,
            known[key].lower,
            results["absent"].get(key, "Not measured."),
            group,
        )
        for key in shown(results, known)
    ]


def strip(folder: pathlib.Path, pictures: Sequence[tuple[str, str]]) -> FigureRow:
    """Pictures (caption, path in the folder) side by side, shrunk; a note stands for a missing one."""
    return FigureRow(
        [
            figure_or_reason(folder / path, caption, path, longest=_STRIP_SIDE, lossy=True)
            for caption, path in pictures
        ]
    )


def about_columns(results: dict, known: Mapping[str, Column] = FRAME_COLUMNS) -> list[Block]:
    """The meanings of the columns, with a remark at the absent ones."""
    absent = " Absent here; the tables' notes say why."
    return [
        Heading("The columns"),
        Definitions(
            [
                (known[key].label, known[key].about + (absent if key in results["absent"] else ""))
                for key in shown(results, known)
            ]
        ),
    ]


def counted(number: int, thing: str) -> str:
    """ "1 frame", "2 frames"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
