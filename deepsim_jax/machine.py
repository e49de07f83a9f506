"""What every measured figure is written down with: processor, devices, versions, date."""

import datetime
import os
import pathlib
import platform

import jax


def describe() -> dict:
    """JSON values: date (UTC), processor, cores, devices, Python and jax versions."""
    file = pathlib.Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "devices": [str(device) for device in jax.devices()],
        "python": platform.python_version(),
        "jax": jax.__version__,
    }
