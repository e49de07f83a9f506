"""The verbs of SinGAN: each writes its output, and keeps a copy in the run's folder for the report."""

import pathlib
from collections.abc import Sequence

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import compositing as editing
from deepsim_jax.images import contact_sheet as sheets
from deepsim_jax.images import io as images
from deepsim_jax.reports import outputs
from deepsim_jax.sequences import film_files
from deepsim_jax.systems import runs
from deepsim_jax.systems.contract import Call
from deepsim_jax.systems.singan import applications, report, restoration
from deepsim_jax.systems.singan.training import TRAINING

RATE = 10
"""Frames per second of animations."""

_IN_A_ROW = 5


def run(call: Call):
    """Does what a verb is for and writes the report page.

    Raises:
      UserError: an option that is out of range, or unusable files.
    """
    options = {name: value for name, value in call.options.items() if value is not None}
    output = pathlib.Path(options.pop("output"))
    _check_name(call.verb, output, is_single=call.verb == "inpaint" and call.config is not None)
    if call.verb == "inpaint" and call.config is not None:
        _train_and_inpaint(call, output)
    else:
        for name in ("grow", "trained_on"):
            if name in options:
                raise UserError(
                    f"--{name} is for a training on the damaged picture: give a --config, too"
                )
        _make(call, runs.load(TRAINING, call.folder), output, options)
    print(output)
    print(report.write(call.folder))


def _make(call, model, output, options):
    """Calls the model's method of the verb's name and writes its result."""
    sheet = options.pop("sheet", False)
    if call.verb == "animate":
        _animate(model, output, options, sheet)
        return
    if "input" in options:
        options[_INPUT[call.verb]] = options.pop("input")
    if sheet:
        pictures = [_sheet(call.verb, model, options)]
    else:
        result = getattr(model, call.verb)(**options)
        pictures = list(result) if result.ndim == 4 else [result]
    _write(output, pictures, None if sheet else _original(call.verb, model, options))
    outputs.keep_made(model.workdir, call.verb, _together(pictures))


def _train_and_inpaint(call, output):
    """Trains on the whole parts of a picture first, then fills its hole."""
    # Said before anything is trained.
    if call.sheet:
        raise UserError("--sheet shows what a trained run makes: leave --config out")
    config = call.needed_config
    image = call.input or (config.data.image if "image" in config.data else "")
    if not image:
        raise UserError("no picture: give --config.data.image=damaged.png")
    result = restoration.inpaint(
        image,
        call.mask,
        call.reference,
        config=config,
        workdir=call.folder,
        grow=call.grow or 0,
        trained_on=call.trained_on or "filled",
        start_scale=call.start_scale,
        seed=call.seed or 0,
    )
    editing.write_picture(output, result.picture, images.reread_photo(image)[1])
    outputs.keep_made(call.folder, "inpaint", result.picture)


_INPUT = {
    "paint": "drawing",
    "edit": "edited",
    "harmonise": "pasted",
    "enlarge": "picture",
    "inpaint": "picture",
}


def _sheet(mode, model, options):
    """A contact sheet with a row for each start scale, which begins with the photo."""
    if "start_scale" in options:
        raise UserError("--sheet shows all start scales: leave --start_scale out")
    takes_picture = mode in ("paint", "edit", "harmonise", "inpaint")
    row_start = [applications.training_picture(model.learned, model.photo)]

    def make(start):
        result = getattr(model, mode)(**options, start_scale=start)
        return list(result) if result.ndim == 4 else [result]

    return applications.start_scale_sheet(make, model.learned, least=int(takes_picture), given=row_start)


def _check_name(verb, output, *, is_single):
    """Refuses a name that the result cannot be written under, before anything is read or computed."""
    suffix = output.suffix.lower()
    if verb == "animate":
        if suffix not in film_files.WRITTEN:
            raise UserError(
                f"output {output}: moving pictures are written as {film_files.WRITTEN_IN_WORDS}"
            )
    elif suffix or is_single:
        editing.check_name(output)


def _animate(model, output, options, sheet):
    if sheet:
        if {"beta", "start_scale"} & options.keys():
            raise UserError(
                "--sheet shows several betas and start scales: leave --beta and --start_scale out"
            )
        scales = [s for s in applications.ANIMATION_START_SCALES if s < model.scales]
        frames = applications.animation_sheet(model.learned, start_scales=scales, **options)
    else:
        frames = model.animate(**options)
    first = []

    def keeping_first():
        for frame in frames:
            first[:] = first or [frame]
            yield frame

    film_files.write(output, keeping_first(), RATE)
    outputs.keep_made(model.workdir, "animate", first[0])


def _original(verb, model, options):
    """The file whose colours and EXIF data a result gets: the input picture's, or else the photo's."""
    if verb in ("enlarge", "inpaint") and "picture" in options:
        return images.read_photo(options["picture"], name="picture")[1]
    return model.original


def _write(output, pictures: Sequence[np.ndarray], original):
    if output.suffix:
        # A sheet of several pictures has nothing of the photo's file.
        editing.write_picture(output, _together(pictures), original if len(pictures) == 1 else None)
        return
    for number, picture in enumerate(pictures):
        editing.write_picture(output / f"{number:03d}.png", picture, original)


def _together(pictures):
    """Several pictures as one, in rows."""
    if len(pictures) == 1:
        return pictures[0]
    rows = [pictures[i : i + _IN_A_ROW] for i in range(0, len(pictures), _IN_A_ROW)]
    return sheets.contact_sheet(
        [(f"{_IN_A_ROW * i} to {_IN_A_ROW * i + len(row) - 1}", row) for i, row in enumerate(rows)]
    )
