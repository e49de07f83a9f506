"""DeepSIM in JAX: train a generator on one photo, edit the photo by editing a drawing of it.

    import deepsim_jax

    model = deepsim_jax.train("me.jpg", workdir="runs/me")
    drawing = model.primitive          # uint8 (H, W, 3), to be edited
    picture = model.edit(drawing, keep="auto")
"""

from deepsim_jax import version
from deepsim_jax.api import Model, import_torch, load, make_primitive, train
from deepsim_jax.errors import UserError

__all__ = ["Model", "UserError", "import_torch", "load", "make_primitive", "train"]
__version__ = version.__version__
