"""Seconds per picture of the network after the first call: `Model.edit`, from array to array.

    python benchmarks/edit_latency.py [--runs 9] [--output latency.json]

The networks are untrained; their arithmetic is the same.
"""

import argparse
import statistics
import time

import jax
import numpy as np
import record

from deepsim_jax import settings
from deepsim_jax.runtime import hugepages
from deepsim_jax.systems.deepsim import build
from deepsim_jax.systems.deepsim.model import Model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    figures = {}
    for name in ("quickstart", "paper"):
        sizes = build.architecture(settings.load(name))
        shapes = sizes.abstract_params()
        draw = np.random.default_rng(0)
        params = jax.tree.map(
            lambda s, draw=draw: jax.device_put(draw.normal(0, 0.02, s.shape).astype(np.float32)), shapes
        )
        picture = draw.integers(0, 256, (options.size, options.size, 3)).astype(np.uint8)
        model = Model(sizes, params)
        start = time.perf_counter()
        model.edit(picture, engine="network")
        first, seconds = time.perf_counter() - start, []
        for _ in range(options.runs):
            start = time.perf_counter()
            model.edit(picture, engine="network")
            seconds.append(time.perf_counter() - start)
        figures[name] = {
            "first": round(first, 3),
            "median": round(statistics.median(seconds), 4),
            "least": round(min(seconds), 4),
            "most": round(max(seconds), 4),
        }
    record.write(options.output, {"size": options.size, "seconds_per_edit": figures})


if __name__ == "__main__":
    hugepages.restart()  # as the command line
    main()
