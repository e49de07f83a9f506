"""Gives every command of the tour and writes down what comes of it.

Whether two states of the program do the same, bit for bit, on one machine: parameters, pictures, configs,
figures, what is said.

    PYTHONPATH=CHECKOUT python tests/golden/record.py --output=before.json     (of any commit)
    PYTHONPATH=CHECKOUT python tests/golden/record.py --output=after.json
    python tests/golden/record.py --compare before.json after.json

Whether it does what `transcript.json` says, within the tolerances of `facts.py`, and a new transcript,
whose changes are to be read before they are committed:

    python tests/golden/record.py --check
    python tests/golden/record.py --transcript

The checkout is the folder that holds the package `deepsim_jax` and `launch/`; without PYTHONPATH it is
the one that this file is in. With --legs=deepsim,old only these parts are done. It takes some minutes.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path

import facts
import tour
from console import Console

ROOT = Path(__file__).parents[2]
TRANSCRIPT = Path(__file__).parent / "transcript.json"


def main():
    """Does what the flags say."""
    flags = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    flags.add_argument("--output", type=Path, help="file for the bits")
    flags.add_argument("--compare", type=Path, nargs=2, help="two such files")
    flags.add_argument("--check", action="store_true", help="compares the facts with the transcript")
    flags.add_argument("--transcript", action="store_true", help="writes the facts as the transcript")
    flags.add_argument("--facts", type=Path, help="file for the facts")
    flags.add_argument("--legs", default=",".join(tour.LEGS), help="parts of the tour")
    flags = flags.parse_args()
    if flags.compare:
        _tell(facts.differences(*(json.loads(path.read_text())["legs"] for path in flags.compare)))
    legs = flags.legs.split(",")
    found, bits = walk_all(legs, checkout())
    if flags.output:
        versions = {name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "numpy", "flax")}
        record = {"python": sys.version, "versions": versions, "legs": bits}
        flags.output.write_text(json.dumps(record, indent=1))
    known = json.loads(TRANSCRIPT.read_text()) if TRANSCRIPT.exists() else {}
    if flags.transcript:
        TRANSCRIPT.write_text(in_lines(known | found))
    if flags.facts:
        flags.facts.write_text(in_lines(found))
    if flags.check:
        _tell(facts.differences({leg: known[leg] for leg in legs}, found))


def checkout() -> Path:
    """The folder that holds the package and its scripts."""
    if not os.environ.get("PYTHONPATH"):
        return ROOT
    return Path(importlib.util.find_spec("deepsim_jax").origin).parents[1]


def walk_all(legs, package: Path) -> tuple[dict, dict]:
    """Facts and bits of legs, by their names; see `tour.walk`."""
    found, bits = {}, {}
    with Console(package) as console:
        for leg in legs:
            with tempfile.TemporaryDirectory() as folder:
                print(f"{leg}: {len(tour.LEGS[leg])} commands of {package}", file=sys.stderr, flush=True)
                found[leg], bits[leg] = tour.walk(tour.LEGS[leg], Path(folder), console)
    return found, bits


def in_lines(legs: dict) -> str:
    """The transcript as JSON with a line for each line that was said and for each file."""

    def text(value, depth):
        margin = "\n" + " " * depth
        plain = json.dumps(value, ensure_ascii=False)
        if depth >= 4 or not value or not isinstance(value, dict | list):
            return plain
        if isinstance(value, list):
            return "[" + ",".join(margin + " " + text(item, depth + 1) for item in value) + margin + "]"
        items = (f"{margin} {json.dumps(key)}: {text(item, depth + 1)}" for key, item in value.items())
        return "{" + ",".join(items) + margin + "}"

    return text(legs, 0) + "\n"


def _tell(differing):
    """Ends with the differences."""
    print("\n".join(differing) or "no difference")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
