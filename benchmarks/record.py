"""How every benchmark writes its figures down: beside the machine's data."""

import json
import os
import pathlib
import re
import sys

from deepsim_jax import machine

CHANGE = re.compile(r",(?=[a-z_]+(?:\.\w+)?=)")
"""What divides a config's name from its changed keys and these from each other, on the command line."""


def write(path: str, figures: dict):
    """Prints the figures as JSON, with the benchmark's name and the machine's data.

    They are written to a file too if one is named. "glibc_tunables" tells the use of large pages, see
    `deepsim_jax.hugepages`.
    """
    about = {"benchmark": pathlib.Path(sys.argv[0]).stem, **machine.describe(),
             "glibc_tunables": os.environ.get("GLIBC_TUNABLES", "")}
    text = json.dumps(about | figures, indent=1)
    print(text)
    if path:
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).write_text(text + "\n")
