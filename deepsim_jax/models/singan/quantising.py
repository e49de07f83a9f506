"""Pictures of a few colours, for paint-to-image: a drawing has no shades (supplement to §4).

The photo's main colours at a scale are found; the scale's network is trained again on what the scale
below makes, in these colours alone; then a drawing in the same colours is nothing new to it.
"""

import jax
import jax.numpy as jnp


def quantise(picture: jax.Array, centres: jax.Array) -> jax.Array:
    """Gives each pixel the nearest of the centres.

    Args:
      picture: (..., C) of any values.
      centres: (k, C); of two that are equally near, the first.
    """
    distances = jnp.square(picture[..., None, :] - centres).sum(axis=-1)
    return centres[distances.argmin(axis=-1)].astype(picture.dtype)
