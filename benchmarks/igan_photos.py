"""A folder of colour photos of one kind, from training to an edited photo, by the commands of the README.

    python benchmarks/igan_photos.py --folder=runs/vases [--pictures=500] [--output=igan_photos.json]
        [--config=igan_quickstart] [--sheet=igan_photos.png]

The photos are rendered: vases of all colours and shapes, of glazed bands and fine grain, before blurred
photos (`skimage.data`), 72 to 320 px long, as PNG and JPEG, most of them not square. What is measured, on
vases that are not in the folder:

  train_s             seconds of `deepsim_jax train`, to the report (of the rest, if it was stopped)
  rmse, psnr          of projections of 24 vases, beside the difference from the nearest training picture
  stroke_before,      of one vase of 1,000 px: distance of the mean colour in a stroke from the asked one
  stroke_generated,   (root mean square of the channels, of 255) in the photo, in the best candidate, and
  stroke_photo        in the photo that was given the edit
  changed_inside,     mean difference of that photo from what it was, of 255, on the vase and elsewhere
  changed_outside
  octave_percent      its finest octave's energy, in percent of the photo's, beside the generated picture
                      enlarged
  transfer_s          seconds of `deepsim_jax transfer`, with starting, projection and search
"""

import argparse
import colorsys
import json
import pathlib
import time

import cv2
import numpy as np
import record
import skimage.data

import deepsim_jax
from deepsim_jax import evaluate, main
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate.sharpness import finest_octave
from deepsim_jax.images import io as images
from deepsim_jax.systems.igan import projection

ASKED = (200, 40, 40)
SIDE = 1000  # px of the photo that is edited
HELD_OUT = 10_000  # numbers from here on are not in the folder

_GROUNDS = ("coffee", "chelsea", "rocket", "astronaut")


def measure(folder: pathlib.Path, *, pictures: int, config: str, sheet: str = "") -> dict:
    """Renders, trains, projects, edits and transfers; the figures of the module's docstring.

    Args:
      folder: for the photos and the run; what is there already is gone on with.
      pictures: how many are trained on.
      config: of iGAN.
      sheet: a picture of samples, projections and the edit to be written; "": none.

    Raises:
      UserError: a command ended with an error, which it has printed, or the training was stopped.
    """
    photos, run = folder / "photos", folder / "run"
    if not photos.is_dir():
        write_photos(photos, pictures)
    begun = time.perf_counter()
    _command("train", f"--config={config}", f"--config.data.pictures={photos}", f"--workdir={run}")
    seconds = time.perf_counter() - begun
    model = deepsim_jax.load(run)
    if not model.finished:
        raise UserError(f"{run}: the training was stopped; the same command goes on with it")
    held_out = np.stack([_reduced(vase(HELD_OUT + n, 256)[0], model.size[0]) for n in range(24)])
    rebuilt = projection.project(model.learned, model.perception, held_out).pictures
    figures = {
        "train_s": round(seconds, 1),
        "rmse": _mean(evaluate.rmse, rebuilt, held_out),
        "psnr": _mean(evaluate.psnr, rebuilt, held_out),
        "nearest_rmse": _mean(evaluate.rmse, model.nearest(held_out), held_out),
    }
    edit, shown = _edit(folder, run, model)
    if sheet:
        rows = [model.sample(8), held_out[:8], rebuilt[:8]]
        rows = [np.concatenate([_shown(one) for one in row], 1) for row in rows]
        shown = np.concatenate([_shown(one, rows[0].shape[1] // len(shown)) for one in shown], 1)
        images.write_png(pathlib.Path(sheet), np.concatenate([*rows, shown]))
    return {"pictures": pictures, "config": config, "figures": figures | edit}


def _edit(folder, run, model):
    """Figures of a red stroke across a vase, and (photo, projection, candidate, result)."""
    photo, there = vase(HELD_OUT, SIDE)
    images.write_png(folder / "photo.png", photo)
    rows, columns = np.nonzero(there > 0.5)
    middle = round(float(np.median(rows)))
    across = columns[rows == middle]
    ends = [round(float(np.quantile(across, share))) for share in (0.3, 0.7)]
    stroke = {
        "brush": "color",
        "points": [[end, middle] for end in ends],
        "width": SIDE // 16,
        "color": list(ASKED),
    }
    strokes = {"size": [SIDE, SIDE], "strokes": [stroke]}
    (folder / "strokes.json").write_text(json.dumps(strokes))
    begun = time.perf_counter()
    _command(
        "transfer",
        f"--workdir={run}",
        f"--input={folder / 'photo.png'}",
        f"--strokes={folder / 'strokes.json'}",
        f"--output={folder / 'edited.png'}",
    )
    seconds = time.perf_counter() - begun
    edited = images.read_image(folder / "edited.png")
    projected = model.project(photo)
    generated = model.edit(strokes, projected)
    enlarged = cv2.resize(generated, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    line = np.zeros((SIDE, SIDE), np.uint8)
    cv2.line(line, (ends[0], middle), (ends[1], middle), 1, SIDE // 16)
    change = np.abs(edited.astype(np.float64) - photo).mean(-1)
    whole = finest_octave(photo)
    figures = {
        "stroke_before": _off(photo, line),
        "stroke_generated": _off(enlarged, line),
        "stroke_photo": _off(edited, line),
        "changed_inside": round(float(change[there > 0.5].mean()), 2),
        "changed_outside": round(float(change[there <= 0.5].mean()), 2),
        "octave_percent": round(100 * finest_octave(edited) / whole, 2),
        "enlarged_octave_percent": round(100 * finest_octave(enlarged) / whole, 2),
        "transfer_s": round(seconds, 2),
    }
    return figures, (photo, projected.picture, generated, edited)


def write_photos(folder: pathlib.Path, count: int) -> None:
    """Writes rendered photos of all sizes, every third one as a JPEG."""
    folder.mkdir(parents=True)
    for number in range(count):
        rng = np.random.default_rng([1, number])
        photo, _ = vase(number, int(rng.integers(72, 321)), aspect=float(rng.choice([1, 1, 1.25, 1.5])))
        name = folder / f"{number:04d}.{'png' if number % 3 else 'jpg'}"
        cv2.imwrite(str(name), photo[..., ::-1])


def vase(number: int, side: int, *, aspect: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A rendered photo of a vase, and where in it the vase is.

    Args:
      number: another one, another vase.
      side: height of the photo, px.
      aspect: its width by its height, 1 or more.

    Returns:
      uint8 (side, round(aspect * side), 3), and float32 (side, round(aspect * side)) from 0 to 1.
    """
    rng = np.random.default_rng([0, number])
    width = round(aspect * side)
    y, x = np.mgrid[:side, :width].astype(np.float32)
    y, x = (y + 0.5) / side, (x + 0.5 - width / 2) / side
    top, bottom = rng.uniform(0.1, 0.3), rng.uniform(0.8, 0.9)
    foot, belly, shoulder, neck, lip = (
        rng.uniform(*of) for of in ((0.1, 0.2), (0.18, 0.34), (0.14, 0.3), (0.05, 0.14), (0.07, 0.18))
    )
    along = np.clip((y - top) / (bottom - top), 0, 1)
    knots = np.array([0, 0.08, 0.25, 0.45, 0.7, 1])
    radii = np.array([lip, neck, (neck + shoulder) / 2, shoulder, belly, foot])
    fine = np.linspace(0, 1, 201)
    profile = np.convolve(
        np.pad(np.interp(fine, knots, radii), 12, mode="edge"), np.ones(25) / 25, "valid"
    )
    radius = np.interp(along, fine, profile).astype(np.float32)
    within = np.minimum(radius - np.abs(x), np.minimum(y - top, bottom - y))
    there = np.clip(side * within + 0.5, 0, 1)
    across = np.clip(x / radius, -1, 1)
    light = rng.uniform(-0.7, 0.7)
    depth = np.sqrt(1 - across**2)
    shading = 0.3 + 0.7 * np.clip(light * across + np.sqrt(1 - light**2) * depth, 0, 1)
    gloss = 0.5 * np.exp(-(((across - light) / 0.12) ** 2)) * (depth > 0.2)
    glaze = _color(rng, (0.4, 0.95), (0.45, 0.95))
    band = _color(rng, (0.2, 0.9), (0.3, 0.95))
    low = rng.uniform(0.3, 0.7)
    on_band = ((along > low) & (along < low + rng.uniform(0.05, 0.2)))[..., None]
    thing = np.where(on_band, band, glaze) * shading[..., None] + gloss[..., None]
    ground = _ground(rng, side, width) * (1 - 0.35 * (y > bottom - 0.05))[..., None]
    photo = ground + there[..., None] * (thing - ground)
    grain = np.random.default_rng([2, number]).normal(0, 0.02, (side, width, 1))
    return np.rint(255 * np.clip(photo + grain, 0, 1)).astype(np.uint8), there


def _ground(rng, height, width):
    """A blurred part of a photo, pale: float (height, width, 3)."""
    photo = getattr(skimage.data, _GROUNDS[rng.integers(len(_GROUNDS))])()
    tall = int(rng.integers(100, min(photo.shape[:2]) // 2))
    top, left = (int(rng.integers(length - tall + 1)) for length in photo.shape[:2])
    part = cv2.resize(photo[top : top + tall, left : left + tall], (width, height))
    return 0.4 + 0.6 * cv2.GaussianBlur(part, (0, 0), height / 20).astype(np.float32) / 255


def _color(rng, saturation, value):
    drawn = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(*saturation), rng.uniform(*value))
    return np.array(drawn, np.float32)


def _command(*words):
    if main.main(["deepsim_jax", *map(str, words)]):
        raise UserError(f"deepsim_jax {' '.join(words)}: ended with an error")


def _off(photo, line):
    """How far the mean colour of a stroke is from the asked one."""
    mean = photo[line > 0].mean(0)
    return round(float(np.sqrt(np.square(mean - ASKED).mean())), 2)


def _mean(measured, made, pictures):
    return round(float(np.mean([measured(a, b) for a, b in zip(made, pictures, strict=True)])), 2)


def _reduced(photo, side):
    return cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)


def _shown(picture, side=128):
    kernel = cv2.INTER_AREA if len(picture) > side else cv2.INTER_NEAREST
    return cv2.resize(picture, (side, side), interpolation=kernel)


def run():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--config", default="igan_quickstart")
    parser.add_argument("--output", default="")
    parser.add_argument("--sheet", default="")
    options = parser.parse_args()
    found = measure(options.folder, pictures=options.pictures, config=options.config, sheet=options.sheet)
    record.write(options.output, found)


if __name__ == "__main__":
    run()
