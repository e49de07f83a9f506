"""Changes of what a discriminator sees, which keep a small collection from being learnt by heart.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", with the policy "color,
translation, cutout" of its program: every picture gets its own draw of all of them.
"""

import jax
import jax.numpy as jnp

SMALL = 5000
"""Pictures below which "auto" augments."""

_SHIFT = 8  # a translation is up to an 8th of the side
_HOLE = 2  # a cutout's side is half the picture's


def diffaugment(keys: jax.Array, pictures: jax.Array) -> jax.Array:
    """Brightness, saturation, contrast, translation, cutout: (N, H, W, 3) in [-1, 1] -> the same shape.

    Differentiable in the pictures; `keys` (N,) are one for each. Brightness moves by up to .5, saturation
    is multiplied by 0 to 2, contrast by .5 to 1.5; what a translation by up to an eighth leaves empty,
    and a hole of half the side, is 0. Values may leave the range.
    """
    return jax.vmap(_changed)(keys, pictures)


def mirrored(keys: jax.Array, pictures: jax.Array) -> jax.Array:
    """Each picture of (N, H, W, C), or with a probability of one half its mirror image; keys (N,)."""
    swapped = jax.vmap(jax.random.bernoulli)(keys)
    return jnp.where(swapped[:, None, None, None], pictures[:, :, ::-1], pictures)


def _changed(key, x):
    """One picture (H, W, 3), changed."""
    height, width, _ = x.shape
    keys = jax.random.split(key, 7)

    def uniform(number, low, high):
        return jax.random.uniform(keys[number], (), x.dtype, low, high)

    def whole(number, low, high):
        return jax.random.randint(keys[number], (), low, high + 1)

    x = x + uniform(0, -0.5, 0.5)
    grey = x.mean(2, keepdims=True)
    x = (x - grey) * uniform(1, 0.0, 2.0) + grey
    mean = x.mean()
    x = (x - mean) * uniform(2, 0.5, 1.5) + mean
    by = whole(3, -(height // _SHIFT), height // _SHIFT), whole(4, -(width // _SHIFT), width // _SHIFT)
    room = (height // _SHIFT, width // _SHIFT)
    padded = jnp.pad(x, ((room[0], room[0]), (room[1], room[1]), (0, 0)))
    x = jax.lax.dynamic_slice(padded, (room[0] - by[0], room[1] - by[1], 0), x.shape)

    def hole(length, number):
        positions = jnp.arange(length)
        first = whole(number, -(length // (2 * _HOLE)), length - length // (2 * _HOLE))
        return (positions >= first) & (positions < first + length // _HOLE)

    covered = hole(height, 5)[:, None] & hole(width, 6)[None, :]
    return jnp.where(covered[..., None], 0.0, x)
