"""The noise of the scales: random maps and their amplitudes (§2.2).

Noise maps are (N, H, W, C), standard normal; the amplitude is applied by the generator.
"""

import jax
import jax.numpy as jnp


def draw(
    key: jax.Array, size: tuple[int, int], *, coarsest: bool = False, samples: int = 1, channels: int = 3
) -> jax.Array:
    """Noise maps of a (height, width): (samples, height, width, channels) float32.

    Args:
      key: a random key.
      size: the scale's, or that plus `2 * networks.PADDING` for noise in the generator's margin.
      coarsest: one map is drawn and repeated in all channels, as the published program does at scale
        0, whose noise is thus grey.
      samples: how many.
      channels: of the pictures.
    """
    noise_maps = jax.random.normal(key, (samples, *size, 1 if coarsest else channels))
    return jnp.broadcast_to(noise_maps, (samples, *size, channels))


def amplitude(real: jax.Array, upsampled: jax.Array | None, *, weight: float = 0.1) -> jax.Array:
    """The standard deviation of a scale's noise, a scalar.

    The weight times the root mean square error of what the coarser scales make of the reconstruction
    noise: how much detail this scale has to add.

    Args:
      real: the photo at this scale.
      upsampled: the reconstruction of the scale below at this size, or None at scale 0, whose
        amplitude is 1.
      weight: of the error.
    """
    if upsampled is None:
        return jnp.ones((), real.dtype)
    return weight * jnp.sqrt(jnp.square(upsampled - real).mean())
