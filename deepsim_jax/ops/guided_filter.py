"""The guided filter: smooths a picture and keeps the edges of another one.

He, Sun and Tang, "Guided image filtering", 2013 (TPAMI 35). Around each pixel the result is a linear
function of the guide's channels that fits the source best; so it has edges where the guide has. The
functions change slowly, which is what enlarging uses: they are found at the small size, enlarged, and
asked with the large guide (He and Sun, "Fast guided filter", 2015).
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_PRECISION = jax.lax.Precision.HIGHEST


def guided_filter(
    guide: Float[Array | np.ndarray, "*batch height width guides"],
    source: Float[Array | np.ndarray, "*batch height width channels"],
    *,
    radius: int,
    epsilon: float,
) -> Float[Array, "*batch height width channels"]:
    """Filters a source of any number of channels, beyond whose borders all is mirrored.

    Args:
      guide: of one channel or several, of any values.
      source: of the same size.
      radius: of the square windows, in pixels: they are 2 radius + 1 wide; 0 or more.
      epsilon: above 0, in the guide's squared units: edges of the guide whose variance within a window
        is far below it are smoothed away.

    Raises:
      ValueError: different sizes, or a radius or epsilon out of range.
    """
    guide = jnp.asarray(guide)
    slope, offset = _fit(guide, jnp.asarray(source), radius, epsilon)
    return _ask(guide, slope, offset)


def enlarge(
    source: Float[Array | np.ndarray, "*batch height width channels"],
    guide: Float[Array | np.ndarray, "*batch tall wide guides"],
    *,
    radius: int,
    epsilon: float,
    small_guide: Float[Array | np.ndarray, "*batch height width guides"] | None = None,
) -> Float[Array, "*batch tall wide channels"]:
    """Enlarges a source to the size of a guide, whose edges it takes on.

    Args:
      source: at the small size; pixels of both sizes cover the same picture.
      guide: at the large size.
      radius, epsilon: as for `guided_filter`, at the small size.
      small_guide: the guide at the small size; None: its means over the small pixels' areas.

    Raises:
      ValueError: as for `guided_filter`, or a guide smaller than the source.
    """
    source, guide = jnp.asarray(source), jnp.asarray(guide)
    small, large = source.shape[-3:-1], guide.shape[-3:-1]
    if large[0] < small[0] or large[1] < small[1]:
        raise ValueError(f"guided enlarging of {small[::-1]} px by a smaller guide of {large[::-1]}")
    if small_guide is None:
        small_guide = _resized(guide, small, _shrinking)
    slope, offset = _fit(jnp.asarray(small_guide), source, radius, epsilon)
    channels = source.shape[-1]
    flat = slope.reshape(*slope.shape[:-2], -1)
    both = _resized(jnp.concatenate([flat, offset], axis=-1), large, _enlarging)
    slope = both[..., :-channels].reshape(*both.shape[:-1], -1, channels)
    return _ask(guide, slope, both[..., -channels:])


def _fit(
    guide: Array, source: Array, radius: int, epsilon: float
) -> tuple[
    Float[Array, "*batch height width guides channels"], Float[Array, "*batch height width channels"]
]:
    """The linear functions of the guide, averaged over the windows that a pixel lies in."""
    if guide.shape[:-1] != source.shape[:-1]:
        raise ValueError(f"guided filter of {source.shape} by a guide of {guide.shape}: sizes differ")
    if radius < 0 or not epsilon > 0:
        raise ValueError(f"guided filter: radius {radius} must be 0 or more, epsilon {epsilon} above 0")
    # Both less their means: products of what is far from 0 lose the digits that their difference needs.
    middle = guide.mean((-3, -2), keepdims=True)
    level = source.mean((-3, -2), keepdims=True)
    guide, source = guide - middle, source - level
    mean = _box(guide, radius)
    mean_source = _box(source, radius)
    squares = guide[..., :, None] * guide[..., None, :]
    covariance = _box_last(squares, radius) - mean[..., :, None] * mean[..., None, :]
    covariance = covariance + epsilon * jnp.eye(guide.shape[-1], dtype=guide.dtype)
    products = guide[..., :, None] * source[..., None, :]
    products = _box_last(products, radius) - mean[..., :, None] * mean_source[..., None, :]
    slope = _solve(covariance, products)
    offset = mean_source - jnp.einsum("...gc,...g->...c", slope, mean, precision=_PRECISION)
    slope, offset = _box_last(slope, radius), _box(offset, radius)
    shift = jnp.einsum(
        "...gc,...g->...c", slope, jnp.broadcast_to(middle, mean.shape), precision=_PRECISION
    )
    return slope, offset + level - shift


def _solve(matrices: Array, columns: Array) -> Array:
    """(..., g, g) positive definite and (..., g, c) -> (..., g, c), by Cholesky's factors written out."""
    count = matrices.shape[-1]
    factor: dict[tuple[int, int], Array] = {}
    for i in range(count):
        for j in range(i + 1):
            rest = matrices[..., i, j] - sum(factor[i, k] * factor[j, k] for k in range(j))
            factor[i, j] = jnp.sqrt(rest) if i == j else rest / factor[j, j]
    found: dict[int, Array] = {}
    for i in range(count):
        rest = columns[..., i, :] - sum(factor[i, k][..., None] * found[k] for k in range(i))
        found[i] = rest / factor[i, i][..., None]
    for i in reversed(range(count)):
        rest = found[i] - sum(factor[k, i][..., None] * found[k] for k in range(i + 1, count))
        found[i] = rest / factor[i, i][..., None]
    return jnp.stack([found[i] for i in range(count)], axis=-2)


def _ask(guide: Array, slope: Array, offset: Array) -> Array:
    return jnp.einsum("...gc,...g->...c", slope, guide, precision=_PRECISION) + offset


def _box_last(values: Array, radius: int) -> Array:
    """`_box` of values whose last two axes are channels."""
    flat = _box(values.reshape(*values.shape[:-2], -1), radius)
    return flat.reshape(values.shape)


def _box(values: Array, radius: int) -> Array:
    """Means over windows of a picture that is mirrored at its borders, the outer pixels twice."""
    rows, columns = (_window(side, radius) for side in values.shape[-3:-1])
    return _along(values, rows, columns)


def _resized(values: Array, size: tuple[int, ...], how: Callable[[int, int], np.ndarray]) -> Array:
    rows, columns = (how(old, new) for old, new in zip(values.shape[-3:-1], size, strict=True))
    return _along(values, rows, columns)


def _along(values: Array, rows: np.ndarray, columns: np.ndarray) -> Array:
    values = jnp.einsum("oi,...iwc->...owc", rows.astype(values.dtype), values, precision=_PRECISION)
    return jnp.einsum("oi,...hic->...hoc", columns.astype(values.dtype), values, precision=_PRECISION)


@functools.lru_cache(maxsize=64)
def _window(length: int, radius: int) -> np.ndarray:
    """(length, length) weights of the windows' means. Read-only."""
    taps = np.arange(length)[:, None] + np.arange(-radius, radius + 1)
    taps %= 2 * length
    taps = np.minimum(taps, 2 * length - 1 - taps)
    matrix = np.zeros((length, length))
    np.add.at(matrix, (np.arange(length)[:, None], taps), 1 / (2 * radius + 1))
    matrix.setflags(write=False)
    return matrix


@functools.lru_cache(maxsize=64)
def _enlarging(length: int, new_length: int) -> np.ndarray:
    """(new_length, length) weights of linear interpolation. Read-only."""
    places = np.clip((np.arange(new_length) + 0.5) * length / new_length - 0.5, 0, length - 1)
    matrix = np.maximum(1 - np.abs(places[:, None] - np.arange(length)), 0)
    matrix.setflags(write=False)
    return matrix


@functools.lru_cache(maxsize=64)
def _shrinking(length: int, new_length: int) -> np.ndarray:
    """(new_length, length) weights of means over areas. Read-only."""
    edges = np.arange(new_length + 1) * length / new_length
    low, high = edges[:-1, None], edges[1:, None]
    pixels = np.arange(length)
    matrix = np.maximum(np.minimum(high, pixels + 1) - np.maximum(low, pixels), 0)
    matrix = matrix / matrix.sum(axis=1, keepdims=True)
    matrix.setflags(write=False)
    return matrix
