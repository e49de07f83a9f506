"""Seconds of a SinGAN's iteration at each scale, beside the machine's matrix-product peak.

    python benchmarks/singan.py [--config singan_quickstart] [--size 96 96] [--runs 5] \\
        [--output singan.json]

Each scale's iteration is the trainer's own, with the untrained scales below it, whose arithmetic is that
of trained ones. Only the arithmetic of the leanest iteration is counted (see `arithmetic.py`). The peak
is the fastest matrix product before and after.
"""

import argparse
import pathlib
import time

import arithmetic
import jax
import matmul
import numpy as np
import record
import step

from deepsim_jax import api, settings
from deepsim_jax.runtime import hugepages
from deepsim_jax.systems.singan import source as photo


def measure(run, runs: int, peak: float) -> dict:
    """ "scale 0: 25x25 px" -> its figures."""
    found, previous = {}, None
    for stage in run.stages:
        begun = time.perf_counter()
        state = jax.block_until_ready(stage.begin(previous))
        compiled = run.compiled(stage)
        exported = jax.block_until_ready(stage.export(previous, state))
        inputs = [compiled.place(tree) for tree in stage.inputs(previous)]
        prepared = time.perf_counter() - begun
        begun = time.perf_counter()
        state, _ = jax.block_until_ready(compiled(compiled.place(state), *inputs))
        first = time.perf_counter() - begun
        call = step.threaded(lambda s, c=compiled, g=inputs: c(s, *g), state)
        seconds = step.median_seconds(call, runs=runs)
        gmac = arithmetic.lean_iteration(stage.task, stage.generator_updates, stage.slopes)
        height, width = stage.task.size
        found[f"scale {stage.number}: {width}x{height} px"] = {
            "channels": stage.task.pyramid.widths[stage.number],
            "seconds_per_iteration": seconds,
            **step.speed(gmac["iteration"], seconds, peak),
            "gmac": gmac,
            "seconds_before_the_first": prepared,
            "first_seconds": first,
        }
        previous = exported
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="singan_quickstart", help="a shipped config or a path")
    parser.add_argument("--size", type=int, nargs=2, default=[96, 96], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    width, height = options.size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    config = settings.load(options.config)
    run = api.build_run(photo.Photo(noise), config, pathlib.Path())
    dtype = "float32" if jax.default_backend() == "cpu" else config.model.dtype
    peak = matmul.peak(dtype)
    scales = measure(run, options.runs, peak)
    after = matmul.peak(dtype)
    share = peak / max(peak, after)
    for figures in scales.values():
        figures["share_of_peak"] *= share
    seconds = sum(
        figures["seconds_per_iteration"] * stage.steps
        for figures, stage in zip(scales.values(), run.stages, strict=True)
    )
    record.write(
        options.output,
        {
            "benchmark": "singan",
            "config": options.config,
            "size": f"{width}x{height}",
            "runs": options.runs,
            "peak": {"gflops": max(peak, after), "dtype": dtype},
            "scales": step.rounded(scales),
            "hours_of_training": round(seconds / 3600, 3),
        },
    )


if __name__ == "__main__":
    hugepages.restart()  # as the command line
    main()
