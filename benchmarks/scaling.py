"""Seconds per step and samples per second over the devices of this machine, and whether they agree.

    python benchmarks/scaling.py [--config paper] [--size 256] [--dtype bfloat16] [--devices 1 2 4 8] \\
        [--batch 8] [--runs 5] [--output scaling.json]

Weak scaling: one sample per device. Strong scaling: --batch samples, whatever the number of devices.
Each figure comes from a process of its own. "efficiency" is samples per second against those of as many
single devices. With the global batch the first step's losses must not depend on the number of devices:
the largest relative difference from those on one device is written down.

On a CPU the devices are simulated ones that share its cores: the losses are compared, but the seconds say
nothing about scaling, and no efficiency is computed. There a small case is enough:

    python benchmarks/scaling.py --config quickstart:tiny --size 64 --runs 2
"""

import argparse
import json
import os
import subprocess
import sys

import jax
import record
import step

from deepsim_jax.runtime import hugepages

TOLERANCE = {"float32": 1e-5, "bfloat16": 2e-2}
"""Relative differences of losses that are rounding: sums in another order, in the dtype's digits."""

SHARED_CORES = "simulated devices, which share the cores: no scaling figure"


def measure(options) -> dict:
    """The figures for one number of devices and one batch, in a fresh process."""
    (count,) = options.devices
    found = {"backend": jax.default_backend(), "available": jax.device_count()}
    if count > jax.device_count():
        return found
    run, frozen = step.build(options.config, options.size, options.dtype, options.batch, count)
    (stage,) = run.stages
    compiled = run.compiled(stage)
    on_device = compiled.place(stage.pair), compiled.place(frozen)
    state, metrics = compiled(compiled.place(stage.begin()), *on_device)
    # The contrast is each device's own, averaged: it is no loss.
    losses = {
        name: float(value)
        for name, value in jax.device_get(metrics).items()
        if name not in ("contrast", "rate")
    }
    held = step.threaded(lambda s: compiled(s, *on_device), state)
    del state
    seconds = step.median_seconds(held, runs=options.runs)
    return found | {
        "dtype": stage.task.architecture.dtype,
        "seconds_per_step": seconds,
        "samples_per_second": options.batch / seconds,
        "first_losses": losses,
    }


def in_a_process(options, count: int, batch: int) -> dict:
    """`measure` in a process of its own."""
    command = [
        sys.executable,
        __file__,
        *sys.argv[1:],
        "--devices",
        str(count),
        "--batch",
        str(batch),
        "--child",
    ]
    # The number of devices that a CPU pretends to have; others do not look at it.
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(count)}
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    return json.loads(found.splitlines()[-1])


def over_devices(options, batch_of) -> dict:
    """Number of devices -> figures, the batch being a function of the number."""
    found, alone = {}, None
    for count in options.devices:
        batch = batch_of(count)
        of = in_a_process(options, count, batch)
        if "seconds_per_step" not in of:
            found[str(count)] = {"batch": batch, "not_measured": f"this machine has {of['available']}"}
            continue
        speed = of["samples_per_second"]
        alone = speed if count == 1 else alone
        found[str(count)] = {"batch": batch, **of}
        if alone and of["backend"] != "cpu":
            found[str(count)]["efficiency"] = speed / (count * alone)
    return found


def agreement(strong: dict) -> dict:
    """The largest relative difference of first losses from those on the fewest devices."""
    measured = {count: of for count, of in strong.items() if "first_losses" in of}
    if len(measured) < 2:
        return {"not_measured": "fewer than two numbers of devices"}
    first, *others = measured.values()
    largest = max(
        abs(of["first_losses"][name] - value) / max(abs(value), 1e-12)
        for of in others
        for name, value in first["first_losses"].items()
    )
    return {
        "devices": [int(count) for count in measured],
        "largest_relative_difference": largest,
        "tolerance": TOLERANCE[first["dtype"]],
        "equal": largest <= TOLERANCE[first["dtype"]],
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="paper", help="a config, changed keys after commas")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--dtype", default="", choices=("", "float32", "bfloat16"))
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--batch", type=int, default=8, help="samples per step in strong scaling")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--output", default="")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options)))
        return
    weak = over_devices(options, lambda count: count)
    strong = over_devices(options, lambda _: options.batch)
    simulated = any(of.get("backend") == "cpu" for of in weak.values())
    record.write(
        options.output,
        step.rounded(
            {
                "config": options.config,
                "size": options.size,
                "runs": options.runs,
                "note": SHARED_CORES if simulated else "",
                "weak": weak,
                "strong": strong,
                "first_losses": agreement(strong),
            }
        ),
    )


if __name__ == "__main__":
    hugepages.restart()  # as the command line
    main()
