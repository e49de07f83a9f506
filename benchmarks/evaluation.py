"""Seconds for evaluating 49 held-out frames at 256x256: drawings, edits, LPIPS, and all columns.

    python benchmarks/evaluation.py [--frames 49] [--size 256] [--output evaluation.json]

The frames are a shifted photo. The network has the quickstart's sizes and random weights; its
arithmetic is a trained one's. Compilation is included; nothing is taken from a cache.
"""

import argparse
import functools
import pathlib
import tempfile
import time

import cv2
import jax
import numpy as np
import record
from skimage import data

from deepsim_jax import evaluate, settings
from deepsim_jax.primitives import make as primitives
from deepsim_jax.sequences.sequence import Sequence
from deepsim_jax.systems.deepsim import build
from deepsim_jax.systems.deepsim.evaluation import protocol
from deepsim_jax.systems.deepsim.evaluation.held_out import HeldOut
from deepsim_jax.systems.deepsim.model import Model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=49)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    photo = cv2.resize(data.astronaut(), (options.size,) * 2, interpolation=cv2.INTER_AREA)
    sequence = Sequence(
        name="shifted",
        frames=tuple(map(str, range(options.frames + 1))),
        train=0,
        parts=(),
        size=photo.shape[:2],
        reader=lambda kind, index: np.roll(photo, 2 * index, axis=1),
    )
    spec = primitives.PrimitiveSpec("edges")
    sizes = build.architecture(settings.load("quickstart"))
    draw = np.random.default_rng(0)
    params = jax.tree.map(
        lambda s: jax.device_put(draw.normal(0, 0.02, s.shape).astype(np.float32)),
        sizes.abstract_params(),
    )
    model = Model(sizes, params, primitive=primitives.make_primitive(photo), spec=spec, photo=photo)
    paint = functools.partial(model.edit, engine="network")
    network = protocol.Method("network", "trained network", paint)
    held_out = HeldOut(sequence, spec, photo.shape[:2])

    start = time.perf_counter()
    frames = [held_out.frame(i) for i in sequence.held_out]
    drawn = time.perf_counter()
    pictures = np.stack([paint(drawing) for drawing, _ in frames])
    edited = time.perf_counter()
    evaluate.lpips(pictures, np.stack([truth for _, truth in frames]), net="alex")
    measured = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        protocol.measure([network], held_out, pathlib.Path(folder), about={})
    everything = time.perf_counter()
    seconds = {
        "drawings": drawn - start,
        "edits": edited - drawn,
        "lpips_alex": measured - edited,
        "drawings, edits and lpips_alex": measured - start,
        "whole evaluation: all columns, both rows, pictures": everything - measured,
    }
    record.write(
        options.output,
        {
            "frames": options.frames,
            "size": options.size,
            "columns": evaluate.available()[0],
            "seconds": {name: round(value, 2) for name, value in seconds.items()},
        },
    )


if __name__ == "__main__":
    main()
