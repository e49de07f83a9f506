"""Where the modules for files were; each is found under its old name, with a `DeprecationWarning`."""

import importlib
import warnings

_MOVED = {
    "edges": "primitives.edges",
    "frames": "sequences.frames",
    "images": "images.io",
    "landmarks": "primitives.landmarks",
    "masks": "images.masks",
    "pair": "systems.deepsim.pair",
    "palettes": "primitives.palettes",
    "photos": "images.collections",
    "primitives": "primitives.make",
    "segmentation": "primitives.segmentation",
    "sequence": "sequences.sequence",
    "videos": "sequences.videos",
}


def __getattr__(name: str):
    if name not in _MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = f"deepsim_jax.{_MOVED[name]}"
    warnings.warn(f"{__name__}.{name} is {place} now", DeprecationWarning, stacklevel=2)
    return importlib.import_module(place)
