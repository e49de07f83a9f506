"""Seconds until the package is imported and until --help of each verb is printed, in fresh processes.

    python benchmarks/start.py [--runs 5] [--output start.json]

"python" is what the interpreter alone takes. Figures are medians; compiled bytecode is there from a first
run that is not counted.
"""

import argparse
import statistics
import subprocess
import sys
import time

import record

from deepsim_jax.commands import verbs


def seconds(command: list[str]) -> float:
    """How long a process runs that must succeed."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    commands = {
        "python": ["-c", ""],
        "import deepsim_jax": ["-c", "import deepsim_jax"],
        "--help": ["-m", "deepsim_jax", "--help"],
        **{f"{name} --help": ["-m", "deepsim_jax", name, "--help"] for name in verbs.names()},
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(options.runs + 1):
        for name, command in commands.items():  # in turn, so that a busy moment meets all alike
            measured = seconds(command)
            if run:
                times[name].append(measured)
    figures = {name: round(statistics.median(values), 3) for name, values in times.items()}
    record.write(options.output, {"runs": options.runs, "seconds": figures})


if __name__ == "__main__":
    main()
