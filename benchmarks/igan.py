"""What edits of a trained iGAN do, and how long they take.

    python benchmarks/igan.py --workdir=runs/shoes [--pictures 8] [--output igan.json] [--sheet igan.png]

Of some held-out pictures of the collection, each a thing on a white ground that lies on its side, as
shoes do: projected, edited by a stroke of each brush with 16 candidates of 40 steps, and given back to a
photo of 1,000 px (the picture, enlarged, with a fine weave). Means over the pictures of

  color     how far the mean colour in the stroke is from the asked one, in levels of 255, as root mean
            square over the channels, and IoU of the silhouette with the projected one's
  sketch    by how many pixels the silhouette's top rises where a line was drawn above its right end
  warp      by how many pixels the middle of its left end rises with a drag, and how far that was
  transfer  seconds, and the energy of the finest octave in percent of the photo's, beside the generated
            picture enlarged

and seconds of 40 steps of 16 candidates, compiled.
"""

import argparse
import pathlib
import statistics
import time

import cv2
import numpy as np
import record

import deepsim_jax
from deepsim_jax.evaluate.sharpness import finest_octave
from deepsim_jax.images import io as images

ASKED = (200, 40, 40)
PHOTO = 1000  # px


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--output", default="")
    parser.add_argument("--sheet", default="", help="a picture of all edits")
    options = parser.parse_args()
    model = deepsim_jax.load(options.workdir)
    held_out = model.collection.held_out
    chosen = np.linspace(0, len(held_out) - 1, options.pictures).astype(int)
    found, rows = [], []
    for picture in np.asarray(held_out)[chosen]:
        figures, row = edits(model, picture)
        found.append(figures)
        rows.append(row)
    means = {key: round(statistics.fmean(one[key] for one in found), 3) for key in found[0]}
    measured = {"means": means, "each": found, "forty_steps_of_16_s": round(seconds_of_steps(model), 3)}
    if options.sheet:
        images.write_png(pathlib.Path(options.sheet), np.concatenate(rows))
    record.write(options.output, measured)


def edits(model, picture: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """The figures of one picture, and it with all that was made of it side by side."""
    photo = textured(picture)
    projected = model.project(photo)
    before = silhouette(projected.picture)
    side = len(picture)
    columns = np.nonzero(before.any(0))[0]
    left, right = columns.min(), columns.max()
    middle = int(np.median(np.nonzero(before[:, (left + right) // 2])[0]))

    def changed(stroke):
        """(the best candidate's picture, the photo with the edit, seconds of giving it back)"""
        edited = model.candidates({"size": [side, side], "strokes": [stroke]}, projected)
        begun = time.perf_counter()
        given = model.transferred(edited)
        return edited.pictures[0], given, time.perf_counter() - begun

    line = [[left + 0.35 * (right - left), middle], [left + 0.65 * (right - left), middle]]
    color = {"brush": "color", "points": line, "width": 3 * side / 32, "color": list(ASKED)}
    colored, colored_photo, seconds = changed(color)
    stroke = np.zeros(before.shape, np.uint8)
    ends = [tuple(int(round(v)) for v in point) for point in line]
    cv2.line(stroke, *ends, 1, max(1, round(3 * side / 32)))
    inside = colored[stroke > 0].mean(0)
    after = silhouette(colored)

    end = slice(max(left, right - side // 6), right + 1)  # the columns of the heel
    heel = int(np.nonzero(before[:, end].any(1))[0].min())
    rise = max(2, min(side // 6, heel - 1))
    raised, raised_photo, _ = changed(
        {
            "brush": "sketch",
            "points": [[end.start, heel - rise], [right, heel - rise]],
            "width": max(1.0, side / 64),
        }
    )
    new_heel = silhouette(raised)[:, end].any(1)
    tip, tip_end = _middle(before), left + side // 8
    lift = min(side // 8, tip - 1)
    dragged, dragged_photo, _ = changed(
        {"brush": "warp", "from": [tip_end, tip], "to": [tip_end, tip - lift], "width": side * 3 // 8}
    )
    enlarged = cv2.resize(colored, (PHOTO, PHOTO), interpolation=cv2.INTER_CUBIC)
    whole = finest_octave(photo)
    figures = {
        "rmse": projected.rmse,
        "color_distance": float(np.sqrt(np.square(inside - ASKED).mean())),
        "color_iou": float((before & after).sum() / (before | after).sum()),
        "sketch_asked_px": float(rise),
        "sketch_rose_px": float(heel - np.nonzero(new_heel)[0].min()) if new_heel.any() else float("nan"),
        "warp_asked_px": float(lift),
        "warp_moved_px": float(tip - _middle(silhouette(dragged))),
        "transfer_s": seconds,
        "transfer_octave_percent": 100 * finest_octave(colored_photo) / whole,
        "enlarged_octave_percent": 100 * finest_octave(enlarged) / whole,
    }
    shown = [picture, projected.picture, colored, raised, dragged]
    shown = [cv2.resize(one, (192, 192), interpolation=cv2.INTER_NEAREST) for one in shown]
    shown += [
        cv2.resize(one, (192, 192), interpolation=cv2.INTER_AREA)
        for one in (photo, colored_photo, raised_photo, dragged_photo)
    ]
    return {key: round(value, 4) for key, value in figures.items()}, np.concatenate(shown, axis=1)


def _middle(shape: np.ndarray) -> float:
    """The mean row of the left eighth of a silhouette."""
    left = np.nonzero(shape.any(0))[0].min()
    return float(np.nonzero(shape[:, left : left + max(1, len(shape) // 8)])[0].mean())


def silhouette(picture: np.ndarray) -> np.ndarray:
    """(h, w) bool: what is not the white ground, without specks."""
    dark = (picture.min(-1) < 225).astype(np.uint8)
    count, labels, about, _ = cv2.connectedComponentsWithStats(dark)
    if count < 2:
        return dark > 0
    return labels == 1 + np.argmax(about[1:, cv2.CC_STAT_AREA])


def textured(picture: np.ndarray) -> np.ndarray:
    """A picture as a photo of `PHOTO` px, with a weave of some pixels on the thing."""
    large = cv2.resize(picture, (PHOTO, PHOTO), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    ground = (large.min(-1, keepdims=True) > 235).astype(np.float32)
    y, x = np.mgrid[:PHOTO, :PHOTO]
    noise = np.random.default_rng(0).normal(0, 1, (PHOTO, PHOTO))
    weave = 10 * np.sin(x * 1.9) * np.sin(y * 1.7) + 6 * noise
    return np.clip(large + (1 - ground) * weave[..., None], 0, 255).astype(np.uint8)


def seconds_of_steps(model) -> float:
    """The median time of 40 steps of 16 candidates, once they are compiled."""
    side = model.size[0]
    strokes = {
        "size": [side, side],
        "strokes": [{"brush": "color", "points": [[side / 2, side / 2]], "color": list(ASKED)}],
    }
    seconds = []
    for _ in range(4):
        begun = time.perf_counter()
        model.candidates(strokes)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[1:])


if __name__ == "__main__":
    main()
