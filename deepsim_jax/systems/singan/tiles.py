"""A generator's work on a picture whose layers would take too much memory at once, tile by tile.

A pixel of a layer depends on the few around it, so that tiles which overlap by what the convolutions take
away give the whole picture's values. The norms alone ask for all of it: where they use the picture's own
mean and variance, these are found first, a layer after the other, which takes three times the
arithmetic. What results differs from the whole picture's in a float's last digits.
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.systems.singan import networks
from deepsim_jax.systems.singan.learned import Learned

MOST_AT_ONCE = 2**27
"""Values of a layer (pixels times channels) that are computed at once: 512 MiB in float32."""

_IN_A_TILE = 2**25
_NORMS = 4
_MARGIN = 2 * networks.PADDING


class _Tile(NamedTuple):
    """A part of the result.

    Attributes:
      corner: its first row and column.
      fresh: (rows, columns), each (first, end), that no earlier tile has; the end is None where the
        picture ends, whose inner layers are larger.
    """

    corner: tuple[int, int]
    fresh: tuple[tuple[int, int | None], tuple[int, int | None]]


def are_needed(learned: Learned, scale: int, size: tuple[int, int]) -> bool:
    """Whether a scale's layers are too large at once for pictures of a (height, width)."""
    return math.prod(size) * learned.pyramid.widths[scale] > MOST_AT_ONCE


def count_parts(learned: Learned, scale: int, size: tuple[int, int]) -> int:
    """How often `generate` tells that a part is done, for a picture of a (height, width)."""
    passes = 1 if learned.statistics[scale].get("stack") else _NORMS + 1
    return passes * len(list(_tiles(size, _tile_shape(learned, scale, size))))


def generate(
    learned: Learned,
    scale: int,
    noise: jax.Array,
    previous: jax.Array,
    *,
    done: Callable[[], None] = lambda: None,
) -> jax.Array:
    """`Learned.apply` for one picture, clipped to [-1, 1]: (1, H, W, C).

    Args:
      learned: the trained scales.
      scale: 0 is the coarsest.
      noise: (1, H + margin, W + margin, C).
      previous: (1, H, W, C).
      done: told after each of `count_parts` parts of the work; what it raises ends it.
    """
    entered = _enter(learned, noise, previous, scale=scale)
    _, height, width, _ = previous.shape
    size = height, width
    shape = _tile_shape(learned, scale, size)
    statistics = learned.statistics[scale].get("stack") or _statistics(
        learned, scale, entered, size, shape, done
    )
    made = np.empty(previous.shape, previous.dtype)
    for tile in _tiles(size, shape):
        (top, left), (rows, columns) = tile.corner, shape
        made[:, top : top + rows, left : left + columns] = _make(
            learned, statistics, entered, previous, tile.corner, scale=scale, shape=shape
        )
        done()
    return jnp.asarray(made)


def _tile_shape(learned, scale, size):
    side = math.isqrt(_IN_A_TILE // learned.pyramid.widths[scale])
    return min(side, size[0]), min(side, size[1])


def _tiles(size: tuple[int, int], shape: tuple[int, int]) -> Iterator[_Tile]:
    for top, *rows in _spans(size[0], shape[0]):
        for left, *columns in _spans(size[1], shape[1]):
            yield _Tile((top, left), (tuple(rows), tuple(columns)))


def _spans(length, part):
    """(begin, first that is fresh, end of it) of parts of a length; the last one begins earlier."""
    done = 0
    while done + part < length:
        yield done, done, done + part
        done += part
    yield length - part, done, None


def _statistics(learned, scale, entered, size, shape, done):
    """The mean and the variance of all pixels before each norm, as `networks.BatchNorm` keeps them."""
    width = learned.pyramid.widths[scale]
    found = {f"norm_{i}": {"mean": jnp.zeros(width), "var": jnp.ones(width)} for i in range(_NORMS)}
    for layer in range(_NORMS):
        parts = []
        for tile in _tiles(size, shape):
            parts.append(
                _moments(
                    learned,
                    found,
                    entered,
                    tile.corner,
                    # Beyond any pixel, where the picture ends.
                    [(first, 2**30 if end is None else end) for first, end in tile.fresh],
                    scale=scale,
                    shape=shape,
                    layer=layer,
                )
            )
            parts[-1][0].block_until_ready()
            done()
        counts, means, squares = (np.asarray(part, np.float64) for part in zip(*parts, strict=True))
        counts = counts[:, None]
        mean = (counts * means).sum(0) / counts.sum()
        squares = squares.sum(0) + (counts * np.square(means - mean)).sum(0)
        found[f"norm_{layer}"] = {
            "mean": jnp.asarray(mean, jnp.float32),
            "var": jnp.asarray(squares / counts.sum(), jnp.float32),
        }
    return found


@functools.partial(jax.jit, static_argnames="scale")
def _enter(learned, noise, previous, *, scale):
    """What the first convolution sees, (1, H + 10, W + 10, C)."""
    padding = networks.PADDING
    pad = lambda x, by: jnp.pad(x, ((0, 0), (by, by), (by, by), (0, 0)))  # noqa: E731
    return learned.amplitudes[scale] * pad(noise, padding - learned.margin // 2) + pad(previous, padding)


@functools.partial(jax.jit, static_argnames=("scale", "shape", "layer"))
def _moments(learned, statistics, entered, corner, fresh, *, scale, shape, layer):
    """(count, means, sums of squared differences from them) of a tile's fresh pixels before a norm."""
    stack, variables = _stack(learned, statistics, scale)
    # What follows the layer is not used, and the compiler leaves it out.
    _, state = stack.apply(
        variables,
        _cut(entered, corner, shape, _MARGIN),
        train=False,
        capture_intermediates=lambda module, _: module.name == f"conv_{layer}",
        mutable=["intermediates"],
    )
    (values,) = state["intermediates"][f"conv_{layer}"]["__call__"]
    values = values[0].astype(jnp.promote_types(values.dtype, jnp.float32))
    rows, columns = (
        (first <= begin + jnp.arange(length)) & (begin + jnp.arange(length) < end)
        for begin, (first, end), length in zip(corner, fresh, values.shape[:2], strict=True)
    )
    counted = (rows[:, None] & columns)[..., None]
    count = counted.sum()
    mean = jnp.where(counted, values, 0).sum((0, 1)) / count
    return count, mean, jnp.where(counted, jnp.square(values - mean), 0).sum((0, 1))


@functools.partial(jax.jit, static_argnames=("scale", "shape"))
def _make(learned, statistics, entered, previous, corner, *, scale, shape):
    stack, variables = _stack(learned, statistics, scale)
    details = stack.apply(variables, _cut(entered, corner, shape, _MARGIN), train=False)
    return jnp.clip(_cut(previous, corner, shape, 0) + jnp.tanh(details), -1, 1)


def _stack(learned, statistics, scale):
    stack = networks.Stack(
        learned.pyramid.widths[scale], learned.channels, running=True, dtype=jnp.dtype(learned.dtype)
    )
    return stack, {"params": learned.generators[scale]["stack"], "batch_stats": statistics}


def _cut(picture, corner, shape, margin):
    sizes = (1, shape[0] + margin, shape[1] + margin, picture.shape[-1])
    return jax.lax.dynamic_slice(picture, (0, *corner, 0), sizes)
