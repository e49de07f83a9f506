"""The paper's configuration on one GPU: seconds for 16,000 steps, and the share of the matrix peak.

    python benchmarks/gpu.py [--config paper] [--sizes 256 480] [--dtype bfloat16] \\
        [--batches 1 2 4 8 16 32] [--steps 500] [--output gpu.json]

Every size and batch is measured in a process of its own: it compiles, warms up, then times --steps
steps, as many per dispatch as a training does, without waiting for any but the last, three times; the
median counts, compilation does not. Seconds for 16,000 steps are that many times a step's, with batch 1.
The share is that of the leanest step's arithmetic (see `arithmetic.py`) in the fastest matrix product of
the same process and dtype; larger batches are tried until memory ends. The features are VGG19-shaped with
random weights. Where there is no GPU nothing is measured, and the file says so.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import arithmetic
import jax
import matmul
import record
import step

STEPS = 16_000
ABSENT = "Not yet measured: no GPU"
_PEAK_SIZES = 4096, 8192, 16384
_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"


def measure(options) -> dict:
    """The figures of one size and batch, in a fresh process."""
    (size,), (batch,) = options.sizes, options.batches
    run, frozen = step.build(options.config, size, options.dtype, batch)
    (stage,) = run.stages
    compiled = run.compiled(stage)
    on_device = compiled.place(stage.pair), compiled.place(frozen)
    start = time.perf_counter()
    state, _ = jax.block_until_ready(compiled(compiled.place(stage.begin()), *on_device))
    first, seconds = time.perf_counter() - start, []
    call = step.threaded(lambda s: compiled(s, *on_device, compiled.most), state)
    del state
    for dispatches in (1, *[-(-options.steps // compiled.most)] * 3):
        start = time.perf_counter()
        for _ in range(dispatches):
            end = call()
        jax.block_until_ready(end)
        seconds.append((time.perf_counter() - start) / (dispatches * compiled.most))
    stats = jax.devices()[0].memory_stats() or {}
    del call, end
    median = statistics.median(seconds[1:])
    peak = matmul.peak(options.dtype, sizes=_PEAK_SIZES)
    gmac = arithmetic.lean_step(stage.task, (size, size), batch, frozen)["step"]
    return {
        "seconds_per_step": median,
        "samples_per_second": batch / median,
        "first_step_seconds": first,
        **step.speed(gmac, median, peak),
        "peak_gflops": peak,
        "device_memory_gib": stats.get("peak_bytes_in_use", 0) / 2**30,
    }


def over_batches(size: int, options):
    """(batch, figures) of each, until memory ends."""
    for batch in sorted(options.batches):
        command = [
            sys.executable,
            __file__,
            *sys.argv[1:],
            "--sizes",
            str(size),
            "--batches",
            str(batch),
            "--child",
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode and _OUT_OF_MEMORY in done.stderr:
            yield str(batch), {"not_measured": "more memory than the GPU has"}
            return
        if done.returncode:
            sys.exit(f"{size}x{size}, batch {batch}:\n{done.stderr}")
        yield str(batch), json.loads(done.stdout.splitlines()[-1])


def of_size(by_batch: dict) -> dict:
    """The two figures that count, with those of each batch."""
    measured = {batch: of for batch, of in by_batch.items() if "share_of_peak" in of}
    found: dict = {"batches": by_batch}
    if "1" in measured:
        found[f"seconds_for_{STEPS}_steps"] = STEPS * measured["1"]["seconds_per_step"]
    if measured:
        best = max(measured, key=lambda batch: measured[batch]["share_of_peak"])
        found["best_batch"] = int(best)
        found["share_of_peak_at_the_best_batch"] = measured[best]["share_of_peak"]
    return found


def has_gpu() -> bool:
    """Asked in another process: this one would keep the GPU's memory."""
    return subprocess.run(
        [sys.executable, "-c", "import jax; print(jax.default_backend())"], capture_output=True, text=True
    ).stdout.split()[-1:] == ["gpu"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="paper", help="a config, changed keys after commas")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 480])
    parser.add_argument("--dtype", default="bfloat16", choices=("float32", "bfloat16"))
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--output", default="")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options)))
        return
    figures: dict = {"config": options.config, "dtype": options.dtype}
    if not has_gpu():
        print(ABSENT, file=sys.stderr)
        record.write(options.output, figures | {"not_measured": ABSENT})
        return
    figures["sizes"] = {}
    for size in options.sizes:
        by_batch = {}
        for batch, found in over_batches(size, options):
            by_batch[batch] = found
            figures["sizes"][f"{size}x{size}"] = of_size(by_batch)
            # After each: time on a GPU can end at any moment.
            record.write(options.output, step.rounded(figures))


if __name__ == "__main__":
    main()
