"""Models from generators that the published PyTorch program saved."""

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.primitives import make as primitives
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.systems.deepsim import task as deepsim
from deepsim_jax.systems.deepsim.model import Model
from deepsim_jax.weights import convert, torch_zip


def import_torch(generator_path, *, image=None, primitive=None) -> Model:
    """A model from a generator that the published PyTorch program saved (`latest_net_G.pth`).

    The architecture, global generator or local enhancer, is read off the weights. Without torch for
    the zip format; files of older PyTorch versions need the extra `torch`.

    Args:
      generator_path: the .pth file.
      image: path or array of the photo, for `Model.edit(..., keep=...)`.
      primitive: path or array of the primitive that it was trained on; with an image and without
        this, black Canny edges with sigma 0.5 as the published program makes them.

    Raises:
      UserError: not such a file, or refused because it could run code.
    """
    state_dict = torch_zip.read_state_dict(user_path(generator_path))
    try:
        architecture = convert.generator_architecture(state_dict)
        params = jax.tree.map(jnp.asarray, convert.generator_params(state_dict, architecture))
    except UserError as error:
        raise UserError(f"{generator_path}: {error}") from error
    sizes = deepsim.Architecture(
        kind=architecture["kind"],
        filters=architecture["filters"],
        downsamplings=architecture["n_down"],
        blocks=architecture["n_blocks"],
        local_blocks=architecture.get("n_blocks_local", 0),
    )
    photo, original = (None, None) if image is None else images.read_photo(image, name="image")
    primitive_image: np.ndarray | None = None
    if primitive is not None:
        primitive_image = images.read_image(primitive, name="primitive")
    elif photo is not None:
        primitive_image = primitives.make_primitive(photo, "edges", sigma=0.5)
    return Model(sizes, params, photo=photo, primitive=primitive_image, original=original)
