"""DeepSIM and SinGAN in JAX: train on one photo, edit it by a drawing, make pictures like it.

    import deepsim_jax

    model = deepsim_jax.train("me.jpg", workdir="runs/me")
    drawing = model.primitive          # uint8 (H, W, 3), to be edited
    picture = model.edit(drawing, keep="auto")

    model = deepsim_jax.train("me.jpg", config="singan_quickstart", workdir="runs/s")
    pictures = model.sample(10)        # uint8 (10, h, w, 3)
"""

from deepsim_jax import version
from deepsim_jax.api import Model, SinganModel, import_torch, load, make_primitive, train
from deepsim_jax.errors import UserError
from deepsim_jax.restoration import inpaint

__all__ = ["Model", "SinganModel", "UserError", "import_torch", "inpaint", "load", "make_primitive",
           "train"]
__version__ = version.__version__
