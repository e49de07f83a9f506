"""The one place that defines coordinates.

Points are (x, y): x grows to the right, y downwards. In *pixel* coordinates the pixel in column i
and row j has its centre at (i, j), so an image of width W spans -0.5 to W - 0.5. *Normalised*
coordinates have their origin at the middle of the image and the same scale on both axes, so that a
rotation is a rotation whatever the aspect:

    normalised = (pixel - (size - 1) / 2) / (max(height, width) / 2)

The longer axis spans -1 to 1 from border to border, the shorter one proportionally less.
"""

import jax
import jax.numpy as jnp
import numpy as np


def half_extent(height: int, width: int) -> np.ndarray:
    """The normalised (x, y) of the image's lower right border: the longer axis has 1."""
    return np.array([width, height], np.float64) / max(height, width)


def to_pixels(points: jax.Array, height: int, width: int) -> jax.Array:
    """Normalised points (..., 2) as pixel coordinates of a height x width image."""
    points = jnp.asarray(points)
    middle = jnp.array([(width - 1) / 2, (height - 1) / 2], points.dtype)
    return points * (max(height, width) / 2) + middle


def to_normalised(points: jax.Array, height: int, width: int) -> jax.Array:
    """Pixel coordinates (..., 2) of a height x width image as normalised points."""
    points = jnp.asarray(points)
    points = points.astype(jnp.result_type(points, jnp.float32))
    middle = jnp.array([(width - 1) / 2, (height - 1) / 2], points.dtype)
    return (points - middle) / (max(height, width) / 2)


def pixel_grid(height: int, width: int, dtype: jax.typing.DTypeLike = jnp.float32) -> jax.Array:
    """(height, width, 2) normalised points of all pixel centres."""
    columns, rows = jnp.meshgrid(jnp.arange(width, dtype=dtype), jnp.arange(height, dtype=dtype))
    return to_normalised(jnp.stack([columns, rows], axis=-1), height, width)
