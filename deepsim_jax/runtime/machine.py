"""What every measured figure is written down with: processor, devices, versions, date."""

import datetime
import os
import pathlib
import platform

import jax

from deepsim_jax import version


def describe() -> dict:
    """JSON values: date (UTC), processor, cores, devices, Python and jax versions."""
    file = pathlib.Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "devices": [f"{device.device_kind} {device.id}" for device in jax.devices()],
        "deepsim_jax": version.__version__,
        "python": platform.python_version(),
        "jax": jax.__version__,
    }
