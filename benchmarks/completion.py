"""What is taken away from a drawing, and how the photo is completed there: patches, and simpler ways.

    python benchmarks/completion.py [--holes 8] [--size 256] [--pictures FOLDER] \\
        [--output completion.json]

Ellipses are deleted from the drawings of four of scikit-image's photos, at random places and with nothing
in them that had to go, so that the photo itself is the answer. Means over the holes, within them:

    unchanged   the photo as it is; what deleted nothing would show. It has the answer and is no rival
    nearest     the nearest pixels of what the drawing shows there: the label rule alone
    telea       `cv2.inpaint` by Telea's method
    stokes      the same by Navier and Stokes
    patches     what an edit shows

"lpips" (AlexNet) and "rmse" (0 to 255) are distances to the photo, which favour what is smooth;
"octave" is the finest octave's energy in percent of the photo's, the median; "seconds" are of one core.
"""

import argparse
import functools
import pathlib
import time

import cv2
import numpy as np
import record
import skimage.data

import deepsim_jax
from deepsim_jax.evaluate import edits
from deepsim_jax.evaluate.sharpness import finest_octave
from deepsim_jax.images import io as images
from deepsim_jax.ops import field as fields
from deepsim_jax.systems.deepsim.copying import channels
from deepsim_jax.systems.deepsim.model import Model

PHOTOS = ("astronaut", "cat", "coffee", "rocket")
RADII = 0.05, 0.12
"""Of the ellipses, as fractions of the longer side."""

_INPAINT = {"telea": cv2.INPAINT_TELEA, "stokes": cv2.INPAINT_NS}
_RADIUS = 4  # pixels around a hole that OpenCV's methods look at


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--holes", type=int, default=8, help="of each photo")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--pictures", default="", help="folder for a sheet of each photo")
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    found: dict[str, list[dict]] = {}
    for name in PHOTOS:
        photo = images.resize_to_limit(getattr(skimage.data, name)(), options.size)
        config = record.config("quickstart", {"data.max_side": options.size})
        model = deepsim_jax.open(photo, config=config)
        rows = []
        for number in range(options.holes):
            made, figures = complete(model, photo, np.random.default_rng(number))
            rows.append(np.concatenate(list(made.values()), axis=1))
            for row, of in figures.items():
                found.setdefault(row, []).append(of)
        if options.pictures:
            images.write_png(pathlib.Path(options.pictures) / f"{name}.png", np.concatenate(rows))
    means = {
        row: {
            key: round(float((np.median if key == "octave" else np.mean)([of[key] for of in each])), 4)
            for key in each[0]
        }
        for row, each in found.items()
    }
    record.write(
        options.output,
        {"photos": list(PHOTOS), "holes": options.holes, "size": options.size, "rows": means},
    )


def complete(model: Model, photo: np.ndarray, random: np.random.Generator):
    """(pictures, figures) of one hole, each with a value for every row."""
    height, width = photo.shape[:2]
    radii = random.uniform(*RADII, 2) * max(height, width)
    centre = random.uniform(radii, [width - 1, height - 1] - radii)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    polygon = (centre + radii * np.stack([np.cos(angles), np.sin(angles)], -1)).tolist()
    begun = time.process_time()
    recipe = model.follow_recipe({"size": [width, height], "steps": [{"delete": {"polygon": polygon}}]})
    searching, hole = time.process_time() - begun, recipe.pieces > 0
    spoilt = np.where(hole[..., None], np.uint8(255), photo)
    ways = {
        "nearest": functools.partial(by_nearest, model, recipe, spoilt),
        **{
            name: functools.partial(cv2.inpaint, spoilt, hole.astype(np.uint8), _RADIUS, flag)
            for name, flag in _INPAINT.items()
        },
        "patches": functools.partial(model.edit, **recipe._asdict()),
    }
    made, figures = {"unchanged": photo}, {}
    seconds = {"unchanged": 0.0}
    for name, way in ways.items():
        begun = time.process_time()
        picture = way()
        seconds[name] = time.process_time() - begun
        made[name] = np.where(hole[..., None], picture, photo)
    seconds["patches"] += searching
    rows, columns = (
        slice(places.min(), places.max() + 1)
        for places in (np.flatnonzero(hole.any(axis)) for axis in (1, 0))
    )
    whole = finest_octave(photo[rows, columns])
    for name, picture in made.items():
        difference = picture[hole].astype(float) - photo[hole]
        figures[name] = {
            "lpips": float(edits.region_lpips(picture, photo, hole)),
            "rmse": float(np.sqrt(np.square(difference).mean())),
            "octave": 100 * finest_octave(picture[rows, columns]) / whole,
            "seconds": seconds[name],
        }
    return {"spoilt": spoilt, **made}, figures


def by_nearest(model: Model, recipe, spoilt: np.ndarray) -> np.ndarray:
    """The nearest known pixels of the labels that are drawn in a hole."""
    labels, hole = channels.take_apart(recipe.primitive, model.spec).labels, recipe.pieces > 0
    result = spoilt.copy()
    for label in np.unique(labels[hole]):
        ours, known = hole & (labels == label), ~hole & (labels == label)
        result[ours] = spoilt[fields.nearest(known if known.any() else ~hole, ours)]
    return result


if __name__ == "__main__":
    main()
