"""Seconds and GFLOP/s of a config's training step, whole and by part, beside the machine's peak.

    python benchmarks/step.py [--config paper] [--sizes 256 480] [--dtype bfloat16] [--batch 1] \\
        [--runs 7] [--output step.json]

Each size is measured in a process of its own that starts with an empty compile cache: the way to the end
of the first step, as the trainer goes it, which compiles the step while the initial state is made; the
following steps, medians; the peak of resident memory until then; then each part alone. The feature
network is VGG19-shaped with random weights, which take the same time. Only the arithmetic of the leanest
step is counted (see `arithmetic.py`), over the whole step's time, optimiser included. The peak is the
fastest matrix product before and after, in float32 on a CPU, else in the dtype used.

The parts, each a program of its own, hold some work twice or not at all, so that their sum is near the
step's time and does not equal it: the generator's gradient includes its forward pass; the
discriminator's includes both networks' losses of it and the gradient to the picture.
"""

import argparse
import dataclasses
import functools
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

import arithmetic
import jax
import jax.numpy as jnp
import matmul
import numpy as np
import record

from deepsim_jax import api
from deepsim_jax.runtime import hugepages
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.training import step as steps

_IN_FLIGHT = 10  # steps that are dispatched before one waits, where an accelerator runs them


def build(name: str, size: int, dtype: str, batch: int, devices: int = 1):
    """(run, frozen weights) of a config for a square picture of noise."""
    photo = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    config = record.config(*record.read(name))
    with config.unlocked():
        perceptual = config.loss.perceptual != "none" and config.loss.perceptual_weight > 0
        config.loss.perceptual = "none"  # random weights stand in: no file is needed
        config.data.max_side, config.train.measure_every, config.train.coarse_steps = 0, 0, 0
        config.train.batch, config.train.devices = batch, devices
        config.model.dtype = dtype or config.model.dtype
    run = api.build_run(pair.prepare(photo, kind="edges"), config, pathlib.Path())
    if not perceptual:
        return run, None
    draw = np.random.default_rng(1)
    (stage,) = run.stages
    return run, jax.tree.map(
        lambda s: (
            jnp.asarray(draw.normal(0, np.sqrt(2 / np.prod(s.shape[:3])), s.shape), s.dtype)
            if len(s.shape) == 4
            else jnp.zeros(s.shape, s.dtype)
        ),
        arithmetic.vgg19_shapes(stage.task.perceptual_depth),
    )


def median_seconds(function, *args, runs: int) -> float:
    """Of one call, after a first one that compiles."""
    jax.block_until_ready(function(*args))
    flight, seconds = 1 if jax.default_backend() == "cpu" else _IN_FLIGHT, []
    for _ in range(runs):
        start = time.perf_counter()
        jax.block_until_ready([function(*args) for _ in range(flight)][-1])
        seconds.append((time.perf_counter() - start) / flight)
    return statistics.median(seconds)


def threaded(function, state):
    """A function of no arguments that replaces a donated state at each call."""
    held = [state]

    def call():
        held[0], rest = function(held[0])
        return held[0], rest

    return call


def alternately(functions: dict, runs: int) -> dict[str, dict[str, list[float]]]:
    """Wall and CPU seconds of each call, the functions in turn, after a first call of each."""
    times: dict = {name: {"seconds": [], "cpu_seconds": []} for name in functions}
    for function in functions.values():
        function()
    for _ in range(runs):
        for name, function in functions.items():
            wall, cpu = time.perf_counter(), time.process_time()
            function()
            times[name]["seconds"].append(time.perf_counter() - wall)
            times[name]["cpu_seconds"].append(time.process_time() - cpu)
    return times


def parts(run, state, frozen) -> dict:
    """Name -> function of no arguments that does this part of the step once."""
    (stage,), keys = run.stages, jax.random.split(jax.random.key(0), run.batch)
    task = stage.task
    batch = jax.jit(task.batch)
    inputs = jax.block_until_ready(batch(keys, stage.pair))
    primitives, photos, places = inputs
    module = task.architecture.generator()

    @jax.jit
    def generator(params, x):
        return module.apply({"params": params}, x)

    fake = jax.block_until_ready(generator(state.params["generator"], primitives))

    @jax.jit
    def generator_gradient(params, x, slope):
        return jax.vjp(lambda p: generator(p, x), params)[1](slope)[0]

    judging = dataclasses.replace(task, architecture=_GivenPicture(task.architecture.dtype))

    @jax.jit
    def discriminator(picture, params, inputs):
        _, pull, terms = jax.vjp(
            lambda g, d: judging.losses(g, d, inputs, None), picture, params, has_aux=True
        )
        one, zero = jnp.ones(()), jnp.zeros(())
        return pull((one, zero))[0], pull((zero, one))[1], terms

    found = {
        "augmentation": lambda: batch(keys, stage.pair),
        "generator forward": lambda: generator(state.params["generator"], primitives),
        "generator": lambda: generator_gradient(state.params["generator"], primitives, fake),
        "discriminator": lambda: discriminator(fake, state.params["discriminator"], inputs),
    }
    if frozen is not None:
        perceptual = jax.jit(jax.value_and_grad(task.perceptual))
        found["features"] = functools.partial(perceptual, fake, photos, places, frozen)
    return found


@dataclasses.dataclass(frozen=True)
class _GivenPicture:
    """Stands for a generator whose parameters are the picture that it returns."""

    dtype: str

    def generator(self):
        return self

    def apply(self, variables, _):
        return variables["params"]


def updates(run, state):
    """A function of no arguments that does the optimiser's part alone, its state donated."""

    def losses_of(generator, discriminator, _, gradients):
        def product(params, slopes):
            return sum(map(jnp.vdot, jax.tree.leaves(params), jax.tree.leaves(slopes)))

        return (product(generator, gradients[0]), product(discriminator, gradients[1])), {}

    step = jax.jit(
        steps.make_step(lambda keys, _: None, losses_of, run.stages[0].updates, seed=0), donate_argnums=0
    )
    gradients = jax.tree.map(jnp.ones_like, (state.params["generator"], state.params["discriminator"]))
    return threaded(lambda s: step(s, jnp.arange(run.batch), None, gradients), state)


def resident_gib() -> float:
    """Peak of this process so far; `ru_maxrss` counts bytes on macOS, else KiB."""
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure(options) -> dict:
    """The figures of one size, in a fresh process."""
    (size,) = options.sizes
    run, frozen = build(options.config, size, options.dtype, options.batch)
    way = {"imports_and_building": time.time() - options.begun}
    start = time.perf_counter()
    (stage,) = run.stages
    compiled = run.compiled(stage)
    compiled.prepare(jax.eval_shape(stage.begin), stage.pair, frozen)
    state = jax.block_until_ready(stage.begin())
    way["initial_state"] = time.perf_counter() - start
    start = time.perf_counter()
    on_device = compiled.place(stage.pair), compiled.place(frozen)
    state, _ = jax.block_until_ready(compiled(compiled.place(state), *on_device))
    way["waiting_and_first_step"] = time.perf_counter() - start
    way["compiling"] = compiled.seconds
    since_start = time.time() - options.begun
    step = threaded(lambda s: compiled(s, *on_device), state)
    del state
    seconds = median_seconds(step, runs=options.runs)
    resident = resident_gib()
    stats = jax.devices()[0].memory_stats() or {}

    on_cpu = jax.default_backend() == "cpu"
    dtype = "float32" if on_cpu else stage.task.architecture.dtype
    sizes = (2048, 4096) if on_cpu else (2048, 4096, 8192)
    peak = matmul.peak(dtype, sizes=sizes)
    state, _ = step()
    by_part = {
        name: median_seconds(part, runs=options.runs) for name, part in parts(run, state, frozen).items()
    }
    by_part["updates"] = median_seconds(updates(run, state), runs=options.runs)
    peak = max(peak, matmul.peak(dtype, sizes=sizes))
    gmac = arithmetic.lean_step(stage.task, (size, size), options.batch, frozen)
    return rounded(
        {
            "seconds_per_step": seconds,
            "gmac": gmac["step"],
            **speed(gmac["step"], seconds, peak),
            "peak": {"gflops": peak, "dtype": dtype},
            "parts": {
                name: {"seconds": s, "share_of_step": s / seconds}
                | (speed(gmac[name], s, peak) if name in gmac else {})
                for name, s in by_part.items()
            },
            "memory_gib": {"resident": resident}
            | ({"device": stats["peak_bytes_in_use"] / 2**30} if "peak_bytes_in_use" in stats else {}),
            "seconds_from_start_to_first_step": since_start,
            "of_these": way,
        }
    )


def speed(gmac: float, seconds: float, peak: float) -> dict:
    """GFLOP/s of that many 10^9 multiplications, two FLOP each, and as a share of the peak."""
    gflops = 2 * gmac / seconds
    return {"gflops": gflops, "share_of_peak": gflops / peak}


def rounded(figures):
    """Figures in nested dicts, to five digits."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    return float(f"{figures:.5g}") if isinstance(figures, float) else figures


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="paper", help="a config, changed keys after commas")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 480])
    parser.add_argument("--dtype", default="", choices=("", "float32", "bfloat16"))
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--output", default="")
    parser.add_argument("--begun", type=float, default=0.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.begun:
        print(json.dumps(measure(options)))
        return
    figures = {}
    for size in options.sizes:
        command = [sys.executable, __file__, *sys.argv[1:], "--sizes", str(size), "--begun"]
        found = subprocess.run(
            [*command, repr(time.time())],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "JAX_COMPILATION_CACHE_DIR": ""},
        ).stdout
        figures[f"{size}x{size}"] = json.loads(found.splitlines()[-1])
    record.write(
        options.output,
        {
            "config": options.config,
            "dtype": options.dtype or "the config's",
            "batch": options.batch,
            "runs": options.runs,
            "sizes": figures,
        },
    )


if __name__ == "__main__":
    hugepages.restart()  # as the command line
    main()
