"""How soon a copied edit is there, and what it keeps of a large photo's detail; nothing is trained.

    python benchmarks/copy_latency.py [--runs 9] [--output copy-latency.json]

Each figure but the command's comes from a process of its own, in which OpenCV has one thread, and which
keeps to one core where the system lets it (Linux). In seconds:

  opened    from a photo's file to its first edited picture, in a process that edited another photo before
  command   the same by `deepsim_jax edit`, from the start of the process to its end
  preview   of a point that is dragged, and of a brush's stroke, by the editor's session
  large     a photo of 4000x3000 px, its middle dragged by a 64th and by a 16th of the width,
            keep="auto"; "gib" is the peak of the process's memory, and "octave" the energy of the finest
            octave in percent of the photo's, in the box of what changed, beside the best that a network
            at the size of the training could do: the photo itself, shrunk to it and enlarged again

The photos are parts of scikit-image's cat and coffee, mirrored until they have the size.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import record
import skimage.data
from PIL import Image

from deepsim_jax.runtime import hugepages

LARGE = (3000, 4000)
"""Height and width of a photo of 12 megapixels."""


def tiled(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture, beside it its mirrored self, and so on, uint8 (height, width, 3)."""
    down, right = (max(0, size - had) for size, had in zip((height, width), picture.shape, strict=False))
    return np.pad(picture, ((0, down), (0, right), (0, 0)), "symmetric")[:height, :width]


def dragged(height: int, width: int, share: float = 1 / 16) -> dict:
    """A recipe that drags the middle by a share of the width; what is within a quarter bends along."""
    middle = [width / 2, height / 2]
    step = {"from": [middle], "to": [[middle[0] + share * width, middle[1]]], "reach": width / 4}
    return {"size": [width, height], "steps": [{"warp": step}]}


def first_edits(folder: pathlib.Path, size: int, runs: int) -> dict:
    """Median seconds from a file of that size to the first edited picture, in a warm process."""
    import deepsim_jax

    seconds = []
    for number in range(runs + 1):  # the first one warms the process
        photo = tiled(np.roll(skimage.data.cat(), 7 * number, 1), size, size)
        Image.fromarray(photo).save(path := folder / f"{number}.png")
        begun = time.perf_counter()
        model = deepsim_jax.open(path, config="quickstart")
        model.edit(**model.follow_recipe(dragged(size, size))._asdict(), keep="auto")
        seconds.append(time.perf_counter() - begun)
    return {"median": round(statistics.median(seconds[1:]), 3), "first": round(seconds[0], 3)}


def previews(folder: pathlib.Path, size: int, runs: int) -> dict:
    """Median milliseconds of a preview by each of two tools, at that size of the primitive."""
    import deepsim_jax
    from deepsim_jax.systems.deepsim.session import DeepsimSession

    photo = tiled(skimage.data.cat(), size, size)
    model = deepsim_jax.open(photo, config=record.config("quickstart", {"data.max_side": size}))
    session = DeepsimSession(model)
    session.warm()
    document, found = session.begin(), {}
    color = session.canvas.palette[0].tolist()

    def drag(number):
        return {"tool": "warp", "from": [[size / 2, size / 2]], "to": [[size / 2 + number, size / 2]]}

    def stroke(number):
        points = [[size / 2, size / 2], [size / 2 + number, size / 2]]
        return {"tool": "stroke", "points": points, "radius": 4, "color": color}

    for name, action in (("drag", drag), ("stroke", stroke)):
        times = []
        for number in range(runs + 1):
            begun = time.perf_counter()
            session.preview(document, action(1 + number % 20))
            times.append(1000 * (time.perf_counter() - begun))
        found[name] = round(statistics.median(times[1:]), 1)
    return found


def large(folder: pathlib.Path, size: int, runs: int) -> dict:
    """Of a photo of 12 megapixels with a primitive of `size` px: seconds, GiB, share of detail."""
    import resource

    import deepsim_jax
    from deepsim_jax.evaluate.sharpness import finest_octave
    from deepsim_jax.images import io as images

    photo = tiled(skimage.data.coffee(), *LARGE)
    Image.fromarray(photo).save(path := folder / "large.jpg", quality=92)
    begun = time.perf_counter()
    model = deepsim_jax.open(path, config=record.config("quickstart", {"data.max_side": size}))
    opened = time.perf_counter()
    photo, (height, width) = model.photo, model.primitive.shape[:2]
    shrunk = images.resize_to_limit(photo, size)
    enlarged = np.asarray(Image.fromarray(shrunk).resize(LARGE[::-1], Image.Resampling.BICUBIC))
    found = {"opened": round(opened - begun, 2)}
    for name, share in (("a 64th", 1 / 64), ("a 16th", 1 / 16)):
        begun = time.perf_counter()
        recipe = model.follow_recipe(dragged(height, width, share))
        edited = model.edit(**recipe._asdict(), keep="auto")
        seconds = time.perf_counter() - begun
        changed = (edited != photo).any(-1)
        box = tuple(
            slice(places.min(), places.max() + 1)
            for places in (np.flatnonzero(changed.any(axis)) for axis in (1, 0))
        )
        octave = {
            kind: round(100 * finest_octave(picture[box]) / finest_octave(photo[box]), 2)
            for kind, picture in (("copied", edited), ("enlarged", enlarged))
        }
        found[name] = {"seconds": round(seconds, 2), "octave": octave}
    return found | {"gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)}


def commanded(runs: int) -> float:
    """Median seconds of the whole command, from the process's start to its end, at 256 px."""
    seconds = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        Image.fromarray(tiled(skimage.data.cat(), 256, 256)).save(folder / "photo.png")
        (folder / "recipe.json").write_text(json.dumps(dragged(256, 256)))
        command = [sys.executable, "-P", "-m", "deepsim_jax.main", "--mode=edit", "--config=quickstart"]
        command += [f"--config.data.image={folder / 'photo.png'}", "--keep=auto"]
        command += [f"--input={folder / 'recipe.json'}", f"--output={folder / 'edited.png'}"]
        for _ in range(runs):
            begun = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - begun)
    return round(statistics.median(seconds), 2)


MEASURES = {"opened": first_edits, "preview": previews, "large": large}


def measure_alone(name: str, size: int, runs: int) -> dict:
    """One of `MEASURES` in a process of its own."""
    command = [sys.executable, *sys.argv[:1], "--measure", name, str(size), "--runs", str(runs)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--output", default="")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        import cv2

        cv2.setNumThreads(1)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        with tempfile.TemporaryDirectory() as folder:
            name, size = options.measure
            print(json.dumps(MEASURES[name](pathlib.Path(folder), int(size), options.runs)))
        return
    figures = {
        "opened": {size: measure_alone("opened", size, options.runs) for size in (256, 480)},
        "command": commanded(min(5, options.runs)),
        "preview": {size: measure_alone("preview", size, 5 * options.runs) for size in (256, 480)},
        "large": {size: measure_alone("large", size, 1) for size in (256, 480)},
    }
    record.write(options.output, figures)


if __name__ == "__main__":
    hugepages.restart()  # as the command line
    main()
