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

from deepsim_jax import version
from deepsim_jax.errors import UserError

if typing.TYPE_CHECKING:
    from deepsim_jax.api import Model, SinganModel, import_torch, load, make_primitive, train
    from deepsim_jax.restoration import inpaint

_PLACES = {"Model": "api", "SinganModel": "api", "import_torch": "api", "load": "api",
           "make_primitive": "api", "train": "api", "inpaint": "restoration"}

__all__ = ["Model", "SinganModel", "UserError", "import_torch", "inpaint", "load", "make_primitive",
           "train"]
__version__ = version.__version__


def __getattr__(name: str):
    # Imported when first used: two seconds, which the command line can do without until it knows that
    # this process is the one that stays. Modules are attributes as if all were imported.
    try:
        module = importlib.import_module(f"{__name__}.{_PLACES.get(name, name)}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(module, name) if name in _PLACES else module


def __dir__():
    return sorted({*globals(), *__all__})
