"""Resizing by Matlab's rule, as two matrix products that run on the device; large ones tap by tap.

Cubic convolution with a = -1/2 (Keys 1981), stretched by 1 / factor where a picture shrinks, so that
nothing finer than the new pixels is left (antialiasing). Pixel i of the result lies at
(i + 1/2) / factor - 1/2 of the picture, which continues mirrored at its borders, the outer pixels
twice. The matrices depend on the sizes alone and are made once, on the host.

Factor and size are separate: a result with fewer pixels than the factor yields is cropped at the
right and below, one with more goes on into the mirrored picture. So the levels of a pyramid, whose
sizes are rounded up, keep their upper left corners in one place whatever was rounded.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_MOST_ENTRIES = 2**22  # of a matrix; larger ones are nearly all zeros, slow to compile and gigabytes
_MOST_TAPS = 64  # that are added up one by one
_ROUNDING = 1e-9  # sizes that are whole numbers but for the last bits of a float are not rounded up


def scaled_size(size: tuple[int, int], factor: float, *, exact: bool = False) -> tuple[int, int]:
    """The (height, width) of a picture times the factor, rounded up.

    `exact` rounds up what exceeds a whole number by a float's last bits, too, by the letter of the rule.
    """
    height, width = (math.ceil(length * factor - (0 if exact else _ROUNDING)) for length in size)
    return height, width


def resize(
    picture: Float[Array | np.ndarray, "*batch height width channels"],
    factor: float | tuple[float, float] | None = None,
    size: tuple[int, int] | None = None,
) -> Float[Array, "*batch new_height new_width channels"]:
    """Resizes (..., H, W, C) of any float type, which is also the result's.

    A linear map: values may leave the picture's range beside strong edges. Constants stay, and a
    factor of 1 returns the picture's own pixels. Factor and size must be known when jitted.

    Args:
      picture: of any values.
      factor: of height and width, above 0; (of the height, of the width) if they differ. By default
        what turns the picture's size into the wanted one.
      size: (height, width) of the result; by default the factor times the picture's, rounded up.

    Raises:
      ValueError: neither factor nor size is given, or one is not above 0.
    """
    picture = jnp.asarray(picture)
    height, width = shape = picture.shape[-3:-1]
    if factor is None:
        if size is None:
            raise ValueError("resize: give a factor, a size or both")
        factors = (size[0] / height, size[1] / width)
    else:
        factors = factor if isinstance(factor, tuple) else (factor, factor)
    if size is None:
        tall, wide = (scaled_size((height, width), factor) for factor in factors)
        size = tall[0], wide[1]
    if min(*factors, *size) <= 0:
        raise ValueError(f"resize by {factors} to {size}: both must be above 0")
    for axis, product in enumerate(("oi,...iwc->...owc", "oi,...hic->...hoc")):
        if (factors[axis], size[axis]) != (1, shape[axis]):
            stretch = shape[axis], size[axis], factors[axis]
            if math.prod(stretch[:2]) > _MOST_ENTRIES and _taps(*stretch)[0].shape[1] <= _MOST_TAPS:
                picture = _tap_by_tap(picture, axis - 3, *_taps(*stretch))
                continue
            matrix = weights(*stretch).astype(picture.dtype)
            picture = jnp.einsum(product, matrix, picture, precision=jax.lax.Precision.HIGHEST)
    return picture


def _tap_by_tap(picture: jax.Array, axis: int, taps: np.ndarray, values: np.ndarray) -> jax.Array:
    """The product with the matrix of these taps, (new length, taps) both, along an axis."""
    total = jnp.zeros((), picture.dtype)
    for tap, value in zip(taps.T, values.T, strict=True):
        value = np.expand_dims(value, tuple(range(1, -axis))).astype(picture.dtype)
        total = total + value * jnp.take(picture, tap, axis=axis)
    return total


@functools.lru_cache(maxsize=256)
def weights(length: int, new_length: int, factor: float) -> Float[np.ndarray, "{new_length} {length}"]:
    """The (new_length, length) float64 matrix that resizes one axis; its rows sum to 1. Read-only."""
    taps, values = _taps(length, new_length, factor)
    matrix = np.zeros((new_length, length))
    np.add.at(matrix, (np.arange(new_length)[:, None], taps), values)
    matrix.setflags(write=False)
    return matrix


def _taps(length: int, new_length: int, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """(new_length, taps) each: the pixels that new ones are made of, and their weights."""
    stretch = min(factor, 1.0)
    reach = 2 / stretch
    centres = (np.arange(new_length) + 0.5) / factor - 0.5
    offsets = np.arange(math.ceil(2 * reach) + 2)
    taps = np.floor(centres - reach).astype(int)[:, None] + offsets
    values = _cubic(stretch * (centres[:, None] - taps))
    values /= values.sum(axis=1, keepdims=True)
    taps %= 2 * length
    taps = np.minimum(taps, 2 * length - 1 - taps)  # mirrored
    return taps, values


def _cubic(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The cubic convolution kernel with a = -1/2, which is 0 beyond a distance of 2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((2.5 - 0.5 * x) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
