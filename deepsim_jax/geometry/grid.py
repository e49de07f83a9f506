"""The one place that defines coordinates.

AnyArray are (x, y): x grows to the right, y downwards. In *pixel* coordinates the pixel in column i
and row j has its centre at (i, j), so an image of width W spans -0.5 to W - 0.5. *Normalised*
coordinates have their origin at the middle of the image and the same scale on both axes, so that a
rotation is a rotation whatever the aspect:

    normalised = (pixel - (size - 1) / 2) / (max(height, width) / 2)

The longer axis spans -1 to 1 from border to border, the shorter one proportionally less.
"""

import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Real

AnyArray = Array | np.ndarray  # on the device, or on the host


def half_extent(height: int, width: int) -> Float[np.ndarray, "2"]:
    """The normalised (x, y) of the image's lower right border: the longer axis has 1."""
    return np.array([width, height], np.float64) / max(height, width)


def to_pixels(points: Float[AnyArray, "*shape 2"], height: int, width: int) -> Float[Array, "*shape 2"]:
    """Normalised points (..., 2) as pixel coordinates of a height x width image."""
    points = jnp.asarray(points)
    middle = jnp.array([(width - 1) / 2, (height - 1) / 2], points.dtype)
    return points * (max(height, width) / 2) + middle


def to_normalised(
    points: Real[AnyArray, "*shape 2"], height: int, width: int
) -> Float[Array, "*shape 2"]:
    """Pixel coordinates (..., 2) of a height x width image as normalised points."""
    points = jnp.asarray(points)
    points = points.astype(jnp.result_type(points, jnp.float32))
    middle = jnp.array([(width - 1) / 2, (height - 1) / 2], points.dtype)
    return (points - middle) / (max(height, width) / 2)


def pixel_grid(
    height: int, width: int, dtype: DTypeLike = jnp.float32
) -> Float[Array, "{height} {width} 2"]:
    """(height, width, 2) normalised points of all pixel centres."""
    columns, rows = jnp.meshgrid(jnp.arange(width, dtype=dtype), jnp.arange(height, dtype=dtype))
    return to_normalised(jnp.stack([columns, rows], axis=-1), height, width)
