"""Pictures of a few colours, for paint-to-image: a drawing has no shades (supplement to §4).

First find the photo's main colours at a scale, then train that scale's network again on the output of
the scale below, reduced to these colours; a drawing in the same colours is then familiar to it.
"""

import dataclasses

import jax
import jax.numpy as jnp

from deepsim_jax.systems.singan.learned import Learned


def quantise(picture: jax.Array, centres: jax.Array) -> jax.Array:
    """Gives each pixel the nearest of the centres.

    Args:
      picture: (..., C) of any values.
      centres: (k, C); of two that are equally near, the first.
    """
    distances = jnp.square(picture[..., None, :] - centres).sum(axis=-1)
    return centres[distances.argmin(axis=-1)].astype(picture.dtype)


def with_scale(learned: Learned, retrained: Learned) -> Learned:
    """Replaces one of the trained scales by the finest scale of another training.

    Args:
      learned: all scales.
      retrained: the scales up to the one that was trained again (`task.Task.centres`).
    """

    def replaced(values, replacements):
        return (*values[: len(replacements) - 1], replacements[-1], *values[len(replacements) :])

    return dataclasses.replace(
        learned,
        generators=replaced(learned.generators, retrained.generators),
        statistics=replaced(learned.statistics, retrained.statistics),
        amplitudes=replaced(learned.amplitudes, retrained.amplitudes),
    )


def below(learned: Learned, scale: int) -> Learned:
    """The scales below a given one, from which it can be trained again."""
    return dataclasses.replace(
        learned,
        generators=learned.generators[:scale],
        statistics=learned.statistics[:scale],
        amplitudes=learned.amplitudes[:scale],
    )
