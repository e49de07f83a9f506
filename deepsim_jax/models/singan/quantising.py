"""Pictures of a few colours, for paint-to-image: a drawing has no shades (supplement to §4).

The photo's main colours at a scale are found; the scale's network is trained again on what the scale
below makes, in these colours alone; then a drawing in the same colours is nothing new to it.
"""

import jax
import jax.numpy as jnp

from deepsim_jax.models.singan.learned import Learned


def quantise(picture: jax.Array, centres: jax.Array) -> jax.Array:
    """Gives each pixel the nearest of the centres.

    Args:
      picture: (..., C) of any values.
      centres: (k, C); of two that are equally near, the first.
    """
    distances = jnp.square(picture[..., None, :] - centres).sum(axis=-1)
    return centres[distances.argmin(axis=-1)].astype(picture.dtype)


def with_scale(learned: Learned, retrained: Learned) -> Learned:
    """The trained scales, of which one is replaced by the finest of others.

    Args:
      learned: all scales.
      retrained: the scales up to the one that was trained again (`task.Task.centres`).
    """
    def replaced(all_of, others):
        return (*all_of[: len(others) - 1], others[-1], *all_of[len(others):])

    return learned.replace(
        generators=replaced(learned.generators, retrained.generators),
        statistics=replaced(learned.statistics, retrained.statistics),
        amplitudes=replaced(learned.amplitudes, retrained.amplitudes))


def below(learned: Learned, scale: int) -> Learned:
    """The scales below one, with which it can be trained again."""
    return learned.replace(generators=learned.generators[:scale], statistics=learned.statistics[:scale],
                           amplitudes=learned.amplitudes[:scale])
