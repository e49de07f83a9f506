"""What the benchmarks share: how a config is named on the command line, and how figures are written."""

import ast
import json
import os
import pathlib
import re
import sys

from deepsim_jax import settings
from deepsim_jax.runtime import machine

CHANGE = re.compile(r",(?=[a-z_]+(?:\.\w+)?=)")
"""What divides a config's name from its changed keys and these from each other, on the command line."""


def read(text: str) -> tuple[str, dict[str, object]]:
    """ "file.py,train.steps=400" -> the config's name or path, and its changed keys."""
    name, *changes = CHANGE.split(text)
    return name, {key: _value(value) for key, value in (change.split("=", 1) for change in changes)}


def config(name: str, changes: dict[str, object]):
    """The validated config of that name or path, with these keys changed."""
    return settings.unflatten({**settings.flatten(settings.load(name)), **changes})


def _value(text):
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return list(value) if isinstance(value, tuple) else value


def write(path: str, figures: dict):
    """Prints the figures as JSON, with the benchmark's name and the machine's data.

    They are written to a file too if one is named. "glibc_tunables" tells the use of large pages, see
    `deepsim_jax.runtime.hugepages`.
    """
    about = {
        "benchmark": pathlib.Path(sys.argv[0]).stem,
        **machine.describe(),
        "glibc_tunables": os.environ.get("GLIBC_TUNABLES", ""),
    }
    text = json.dumps(about | figures, indent=1)
    print(text)
    if path:
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).write_text(text + "\n")
