"""The verbs of iGAN: each writes its output, and keeps a copy in the run's folder for the report."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import contact_sheet as sheets
from deepsim_jax.images import io as images
from deepsim_jax.reports import outputs
from deepsim_jax.sequences import film_files
from deepsim_jax.systems import runs
from deepsim_jax.systems.contract import Call
from deepsim_jax.systems.igan import framing, report
from deepsim_jax.systems.igan.model import Edited, IganModel, Projected
from deepsim_jax.systems.igan.training import TRAINING

RATE = 12
"""Frames per second of films."""

_SAMPLES, _ROW = 32, 8
_SHOWN = 128  # px to which pictures on a sheet are enlarged


def run(call: Call) -> None:
    """Does what a verb is for and writes the report page.

    Raises:
      UserError: an option that is out of range, or unusable files.
    """
    options = {name: value for name, value in call.options.items() if value is not None}
    output = pathlib.Path(options.pop("output"))
    _check_output(call.verb, output)
    if "box" in options:
        options["box"] = framing.parse_box(options["box"])
    model: Any = runs.load(TRAINING, _workdir(call))
    shown = _VERBS[call.verb](model, output, options)
    outputs.keep_made(_workdir(call), call.verb, shown)
    print(output)
    print(report.write(_workdir(call)))


def enlarged(picture: np.ndarray, side: int = _SHOWN) -> np.ndarray:
    """A small picture as often doubled, tripled, ... as it takes to have at least this side."""
    times = -(-side // picture.shape[0])
    return picture.repeat(times, 0).repeat(times, 1)


def _workdir(call: Call) -> pathlib.Path:
    assert call.workdir is not None  # no verb of iGAN does without
    return call.workdir


def _check_output(verb, output):
    suffix = output.suffix.lower()
    if verb == "morph":
        if suffix not in film_files.WRITTEN:
            raise UserError(f"output {output}: films are written as {film_files.WRITTEN_IN_WORDS}")
    elif verb not in ("samples", "candidates") or suffix:
        images.check_png_name(output)


def _samples(model: IganModel, output, options) -> np.ndarray:
    count, beside = options.get("count", _SAMPLES), options.get("nearest", True)
    made = model.sample(count, seed=options.get("seed", 0))
    if not output.suffix:
        _write_each(model, output, list(made))
    sheet = samples_sheet(model, made) if beside else _grid(made)
    if output.suffix:
        model.write(output, sheet)
    return sheet


def samples_sheet(model: IganModel, made: np.ndarray) -> np.ndarray:
    """Samples in rows, below each the nearest training picture: copies of these would be seen."""
    near = model.nearest(made)
    rows: list[tuple[str, Sequence[np.ndarray]]] = []
    for start in range(0, len(made), _ROW):
        part = slice(start, start + _ROW)
        rows.append((f"samples {start} to {start + len(made[part]) - 1}", _large(made[part])))
        rows.append(("the nearest training pictures", _large(near[part])))
    return sheets.contact_sheet(rows)


def _project(model: IganModel, output, options) -> np.ndarray:
    found = model.project(options.pop("input"), **options)
    print(f"difference from the photo: RMSE {found.rmse:.1f} of 255")
    model.write(output, found.picture)
    return sheets.contact_sheet([("photo, projection", _large([found.framed.picture, found.picture]))])


def _edit(model: IganModel, output, options) -> np.ndarray:
    edited = _edited(model, options)
    model.write(output, edited.pictures[0])
    return _compared(edited)


def _candidates(model: IganModel, output, options) -> np.ndarray:
    edited = _edited(model, options)
    sheet = _compared(edited)
    if output.suffix:
        model.write(output, sheet)
    else:
        _write_each(model, output, list(edited.pictures))
    return sheet


def _transfer(model: IganModel, output, options) -> np.ndarray:
    given = {name: options.pop(name) for name in ("candidate", "amount") if name in options}
    edited = _edited(model, options)
    photo = model.transferred(edited, **given)
    model.write(output, photo, edited.projected)
    return photo


def _morph(model: IganModel, output, options) -> np.ndarray:
    frames = model.morph(options.pop("input"), options.pop("other"), **options)
    last: list[np.ndarray] = []

    def passing():
        for frame in frames:
            last[:] = [frame]
            yield frame

    film_files.write(output, passing(), RATE)
    return last[0]


def _edited(model: IganModel, options) -> Edited:
    renamed = {"input": "photo", "iterations": "steps"}
    return model.candidates(**{renamed.get(name, name): value for name, value in options.items()})


def _compared(edited: Edited) -> np.ndarray:
    """Photo and projection, if there are any, and the candidates below them."""
    rows: list[tuple[str, Sequence[np.ndarray]]] = [
        ("candidates, the best first", _large(edited.pictures))
    ]
    of: Projected | None = edited.projected
    if of is not None:
        rows.insert(0, ("photo, projection", _large([of.framed.picture, of.picture])))
    return sheets.contact_sheet(rows)


def _grid(pictures):
    starts = range(0, len(pictures), _ROW)
    return sheets.contact_sheet(
        [
            (f"samples {i} to {i + len(pictures[i : i + _ROW]) - 1}", _large(pictures[i : i + _ROW]))
            for i in starts
        ]
    )


def _large(pictures):
    return [enlarged(picture) for picture in pictures]


def _write_each(model, folder, pictures):
    for number, picture in enumerate(pictures):
        model.write(folder / f"{number:03d}.png", picture)


_VERBS = {
    "samples": _samples,
    "project": _project,
    "edit": _edit,
    "candidates": _candidates,
    "transfer": _transfer,
    "morph": _morph,
}
