"""What every benchmark writes down beside its figures."""

import datetime
import json
import os
import pathlib
import platform

import jax


def machine() -> dict:
    """Processor, cores, versions and date."""
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo")
             if line.startswith("model name")]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "devices": [str(device) for device in jax.devices()],
        "python": platform.python_version(),
        "jax": jax.__version__,
    }


def _lines(path):
    file = pathlib.Path(path)
    return file.read_text().splitlines() if file.is_file() else []


def write(path: str, figures: dict):
    """Prints the figures with the machine's data as JSON, and writes them to a file if one is named."""
    text = json.dumps({**machine(), **figures}, indent=1)
    print(text)
    if path:
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).write_text(text + "\n")
