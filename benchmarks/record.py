"""How every benchmark writes its figures down: beside the machine's data."""

import json
import pathlib

from deepsim_jax import machine


def write(path: str, figures: dict):
    """Prints the figures with the machine's data as JSON, and writes them to a file if one is named."""
    text = json.dumps({**machine.describe(), **figures}, indent=1)
    print(text)
    if path:
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).write_text(text + "\n")
