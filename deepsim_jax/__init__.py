"""DeepSIM and SinGAN in JAX: train on one photo, edit it by a drawing, make pictures like it.

import deepsim_jax

model = deepsim_jax.train("me.jpg", workdir="runs/me")
drawing = model.primitive          # uint8 (H, W, 3), to be edited
picture = model.edit(drawing, keep="auto")

model = deepsim_jax.train("me.jpg", config="singan_quickstart", workdir="runs/s")
pictures = model.sample(10)        # uint8 (10, h, w, 3)
"""

import importlib
import typing
import warnings

from deepsim_jax.errors import UserError
from deepsim_jax.version import __version__ as __version__

if typing.TYPE_CHECKING:
    from deepsim_jax import api as api
    from deepsim_jax import errors as errors
    from deepsim_jax import evaluate as evaluate
    from deepsim_jax import geometry as geometry
    from deepsim_jax import settings as settings
    from deepsim_jax.api import load, train
    from deepsim_jax.api import open as open
    from deepsim_jax.editor.serving import serve
    from deepsim_jax.primitives.make import make_primitive
    from deepsim_jax.systems.deepsim.model import Model
    from deepsim_jax.systems.deepsim.torch_import import import_torch
    from deepsim_jax.systems.igan.model import IganModel
    from deepsim_jax.systems.singan.model import SinganModel
    from deepsim_jax.systems.singan.restoration import inpaint

# Without `open`, which would hide Python's own after `from deepsim_jax import *`.
__all__ = [
    "IganModel",
    "Model",
    "SinganModel",
    "UserError",
    "import_torch",
    "inpaint",
    "load",
    "make_primitive",
    "serve",
    "train",
]

# Imported when first used: that takes two seconds, which the command line can do without until it knows
# that this process is the one that stays.
_PLACES = {
    "IganModel": "systems.igan.model",
    "Model": "systems.deepsim.model",
    "SinganModel": "systems.singan.model",
    "import_torch": "systems.deepsim.torch_import",
    "inpaint": "systems.singan.restoration",
    "load": "api",
    "make_primitive": "primitives.make",
    "open": "api",
    "serve": "editor.serving",
    "train": "api",
}
_MODULES = ("api", "errors", "evaluate", "geometry", "settings")
_MOVED = {
    "analysis": "systems.deepsim.study.nearest_patches",
    "editing": "images.compositing",
    "recipes": "systems.deepsim.recipes",
    "singan_commands": "systems.singan.commands",
    "tables": "systems.deepsim.study.tables",
}


def __getattr__(name: str) -> typing.Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _MOVED:
        place = f"{__name__}.{_MOVED[name]}"
        warnings.warn(f"deepsim_jax.{name} is {place} now", DeprecationWarning, stacklevel=2)
        return importlib.import_module(place)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES, *_MODULES})
