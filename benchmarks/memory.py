"""Peak resident memory of training, from the start of the process to the third step.

    python benchmarks/memory.py [--config paper] [--sizes 256 480] [--output memory.json]

Each figure comes from a process of its own; "saving" includes a checkpoint after the third step.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import record

from deepsim_jax.runtime import hugepages


def measure(config_name: str, size: int, saving: bool):
    """Runs three steps and prints peak memory in GiB and seconds of the last step."""
    import jax
    import numpy as np

    from deepsim_jax import api, settings
    from deepsim_jax.systems.deepsim import pair
    from deepsim_jax.training import checkpoint
    from deepsim_jax.training import state as states

    photo = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    source = pair.prepare(photo, kind="edges")
    with tempfile.TemporaryDirectory() as folder:
        run = api.build_run(source, settings.load(config_name), pathlib.Path(folder))
        stage = run.stages[-1]  # at the full size
        state, step = stage.begin(), run.compiled(stage)
        pair_, frozen = (step.place(tree) for tree in stage.inputs())
        for _ in range(3):
            start = time.perf_counter()
            state, metrics = step(state, pair_, frozen)
            jax.block_until_ready((state, metrics))
            seconds = time.perf_counter() - start
        if saving:
            saver = checkpoint.Checkpoints(run.checkpoint_folder)
            saver.save(3, states.to_trees(state))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{peak:.3f} {seconds:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="paper")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 480])
    parser.add_argument("--output", default="")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.config, int(options.measure[0]), options.measure[1] == "saving")
        return
    figures = {}
    for size in options.sizes:
        for what in ("training", "saving"):
            command = [sys.executable, __file__, "--config", options.config, "--measure", str(size), what]
            peak, seconds = subprocess.run(
                command, check=True, capture_output=True, text=True
            ).stdout.split()
            figures[f"{size}x{size} {what}"] = {"peak_GiB": float(peak), "third_step_s": float(seconds)}
    record.write(options.output, {"config": options.config, "memory": figures})


if __name__ == "__main__":
    hugepages.restart()  # as the command line
    main()
