"""What the command line makes with a trained SinGAN: one mode for each application.

    sample     random pictures like the photo
    retarget   the photo in another size and aspect
    paint      a drawing with the photo's patches
    edit       an edited photo made seamless
    harmonise  a pasted object in the photo's colours and texture
    enlarge    the photo, larger
    animate    the photo, moving
    inpaint    a damaged picture with its hole filled

Each writes its output, and keeps a copy in the run's folder for the report page. `MODES` has the flags
that each takes. And the tables of SinGAN: `samples`, `enlarging`, `inpainting`.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from deepsim_jax import api, applications, editing, report, sheets, singan_tables
from deepsim_jax.data import images, videos
from deepsim_jax.errors import UserError
from deepsim_jax.models.singan import pyramid

RATE = 10
"""Frames per second of animations."""

TABLES = ("samples", "enlarging", "inpainting")
"""What tables compare, see `singan_tables`."""

_IN_A_ROW = 5
_TIMES = 4  # of the table of enlarged photos, as published


@dataclasses.dataclass(frozen=True)
class Options:
    """The flags; None where one was not given.

    Attributes:
      input: the drawing, the edited photo, the damaged picture, the picture to enlarge.
      output: a .png file; for several pictures a folder or a .png with all of them; for animations a
        suffix of `videos.WRITTEN`.
      mask, reference: see `api.SinganModel`.
      count, seed, start_scale, colors, times, frames, alpha, beta: numbers.
      size: (height, width).
      sheet: whether to show what each start scale makes, as one picture.
    """

    input: str | None = None
    output: str | None = None
    mask: str | None = None
    reference: str | None = None
    count: int | None = None
    seed: int | None = None
    start_scale: int | None = None
    colors: int | None = None
    size: tuple[int, int] | None = None
    times: float | None = None
    frames: int | None = None
    alpha: float | None = None
    beta: float | None = None
    sheet: bool | None = None


_PICTURES = ("output", "seed", "start_scale", "sheet")

MODES = {
    "sample": (*_PICTURES, "count", "size"),
    "retarget": (*_PICTURES, "count", "size"),
    "paint": (*_PICTURES, "count", "input", "colors"),
    "edit": (*_PICTURES, "input", "mask"),
    "harmonise": (*_PICTURES, "input", "mask"),
    "enlarge": ("output", "seed", "input", "times"),
    "animate": (*_PICTURES, "frames", "alpha", "beta"),
    "inpaint": (*_PICTURES, "input", "mask", "reference"),
}
"""The modes and the options that each takes."""

NEEDED = {"retarget": ("size",), "paint": ("input",), "edit": ("input",), "harmonise": ("input",),
          "enlarge": ("times",), "inpaint": ("mask",)}
"""The options that a mode cannot do without; "output" is one for all modes."""


def run(mode: str, model: api.SinganModel, options: Options) -> pathlib.Path:
    """Does what a mode is for and returns the output.

    Raises:
      UserError: an option that is missing, that the mode does not take or that is out of range.
    """
    given = {name: value for name, value in dataclasses.asdict(options).items() if value is not None}
    for name in given:
        if name not in MODES[mode]:
            takes = ", ".join(f"--{option}" for option in MODES[mode])
            raise UserError(f"--{name} is not for --mode={mode} of a SinGAN, which takes {takes}")
    for name in ("output", *NEEDED.get(mode, ())):
        if name not in given:
            raise UserError(f"--{name} is needed for --mode={mode}")
    output, sheet = pathlib.Path(given.pop("output")), given.pop("sheet", False)
    if mode == "animate":
        _animate(model, output, given, sheet)
        return output
    if "input" in given:
        given[_INPUT[mode]] = given.pop("input")
    if sheet:
        pictures = [_sheet(mode, model, given)]
    else:
        made = getattr(model, mode)(**given)
        pictures = list(made) if made.ndim == 4 else [made]
    _write(output, pictures)
    report.keep_made(model.workdir, mode, _together(pictures))
    return output


def table(rows: str, workdir, specs: Sequence[str], config, settings: dict, *, inception=None) -> dict:
    """Trains on every photo, and measures what is made.

    Args:
      rows: one of `TABLES`.
      workdir: the table's folder.
      specs: photos, see `data.photos.find`; none for "inpainting", which has pictures of its own.
      config: of a SinGAN; enlarging changes it (`for_enlarging`).
      settings: the same, flat.
      inception: see `singan_tables.samples`.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: another system's config, or unusable photos.
    """
    if config.system != "singan":
        raise UserError(f"--rows={rows} is a table of SinGAN, the config is for {config.system}; take "
                        "one such as singan_quickstart")
    if rows == "inpainting" and specs:
        raise UserError("--rows=inpainting has damaged pictures of its own: leave --input out")
    trained = for_enlarging(config, _TIMES) if rows == "enlarging" else config

    def train(photo, folder):
        model = api.train(photo, config=trained, workdir=folder)
        return model.learned if model.finished else None

    common = {"settings": settings, "seed": config.seed}
    if rows == "inpainting":
        return singan_tables.inpainted(workdir, train, side=config.pyramid.max_size, **common)
    if rows == "enlarging":
        return singan_tables.enlarging(workdir, specs, train, times=_TIMES, **common)
    return singan_tables.samples(workdir, specs, train, inception=inception, **common)


def for_enlarging(config, times: float):
    """A copy of a config with the pyramid and the weights that are published for super-resolution."""
    step, _ = pyramid.enlarging_steps(times)
    config = config.copy_and_resolve_references()
    with config.unlocked():
        config.pyramid.factor, config.pyramid.min_size = 1 / step, 18
        config.pyramid.steps, config.loss.reconstruction = "published_sr", 100.0
    return config


_INPUT = {"paint": "drawing", "edit": "edited", "harmonise": "pasted", "enlarge": "picture",
          "inpaint": "picture"}


def _sheet(mode, model, given):
    """A row for each start scale, the photo and what was put in at its beginning."""
    if "start_scale" in given:
        raise UserError("--sheet shows all start scales: leave --start_scale out")
    put_in = mode in ("paint", "edit", "harmonise", "inpaint")
    shown = [applications.training_picture(model.learned, model.photo)]

    def make(start):
        made = getattr(model, mode)(**given, start_scale=start)
        return list(made) if made.ndim == 4 else [made]

    return applications.start_scale_sheet(make, model.learned, least=int(put_in), given=shown)


def _animate(model, output, given, sheet):
    if output.suffix.lower() not in videos.WRITTEN:
        raise UserError(f"output {output}: moving pictures are written as {' or '.join(videos.WRITTEN)}")
    if sheet:
        if {"beta", "start_scale"} & given.keys():
            raise UserError("--sheet shows several betas and start scales: leave --beta and "
                            "--start_scale out")
        scales = [s for s in applications.ANIMATION_START_SCALES if s < model.scales]
        frames = applications.animation_sheet(model.learned, start_scales=scales, **given)
    else:
        frames = model.animate(**given)
    first = []

    def passing():
        for frame in frames:
            first[:] = first or [frame]
            yield frame

    videos.write_video(output, passing(), RATE)
    report.keep_made(model.workdir, "animate", first[0])


def _write(output, pictures: Sequence[np.ndarray]):
    if output.suffix:
        editing.write_picture(output, _together(pictures))
        return
    for number, picture in enumerate(pictures):
        images.write_png(output / f"{number:03d}.png", picture)


def _together(pictures):
    """Several pictures as one, in rows."""
    if len(pictures) == 1:
        return pictures[0]
    rows = [pictures[i: i + _IN_A_ROW] for i in range(0, len(pictures), _IN_A_ROW)]
    return sheets.contact_sheet([
        (f"{_IN_A_ROW * i} to {_IN_A_ROW * i + len(row) - 1}", row) for i, row in enumerate(rows)])
