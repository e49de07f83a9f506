"""Warps a pair: samples every layer of photo and primitive at a coordinate field.

- The photograph is sampled bilinearly;
- flat colour regions at the nearest pixel, so that no colour appears that was not there;
- edges are drawn anew, one pixel thick as the edges that a user draws later, wherever the warped
  edge line crosses a pixel.

Outside of the image everything continues mirrored at the outer pixels' centres, as in the
networks' reflection padding; a line along the border is thus not doubled.
"""

import functools

import jax
import jax.numpy as jnp

from deepsim_jax.geometry import grid
from deepsim_jax.systems.deepsim.device_pair import Pair


def warp(pair: Pair, field: jax.Array, edge_layer: int | jax.Array = 0) -> tuple[jax.Array, jax.Array]:
    """Samples every layer of a pair at a smooth field.

    Args:
      pair: the pair, (H, W).
      field: (H, W, 2) normalised points of the pair at which the result's pixels look.
      edge_layer: which of the pair's edge layers is drawn.

    Returns:
      (primitive, image), both (H, W, 3) float32 in [-1, 1].
    """
    height, width = pair.image.shape[:2]
    positions = grid.to_pixels(field, height, width)
    x, x_sign = _reflect(positions[..., 0], width)
    y, y_sign = _reflect(positions[..., 1], height)
    layers = [pair.image]
    if pair.smooth_regions:
        layers.append(pair.regions)
    if pair.edges is not None:
        layers.append(pair.edges[edge_layer])
    # One set of gathers serves all interpolated layers.
    corners, across, down = _corners(jnp.concatenate(layers, axis=-1), x, y)
    sampled = _bilinear(corners, across, down)
    image = sampled[..., :3]
    primitive = sampled[..., 3:6] if pair.smooth_regions else _nearest(pair.regions, x, y)
    if pair.edges is not None:
        edge_mask = _crosses_edge(
            offset=(sampled[..., -2] * x_sign, sampled[..., -1] * y_sign),
            corner_offsets=[[(c[..., -2], c[..., -1]) for c in row] for row in corners],
            across=across,
            down=down,
            steps=_steps(positions),
        )
        primitive = jnp.where(edge_mask[..., None], pair.edge_value, primitive)
    return primitive, image


def render(pair: Pair, edge_layer: int | jax.Array = 0) -> jax.Array:
    """The (H, W, 3) primitive of a pair as it is, without any augmentation."""
    if pair.edges is None:
        return pair.regions
    edge_mask = (pair.edges[edge_layer] == 0).all(axis=-1, keepdims=True)
    return jnp.where(edge_mask, pair.edge_value, pair.regions)


def _reflect(position: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
    """Mirrors pixel positions at the outer pixel centres, which are not repeated.

    Returns the position within [0, size - 1] and, 1 or -1, whether it now runs backwards.
    """
    period = 2 * (size - 1)
    folded = jnp.mod(position, period)
    forward = folded <= size - 1
    return jnp.where(forward, folded, period - folded), jnp.where(forward, 1.0, -1.0)


def _take(layer: jax.Array, column: jax.Array, row: jax.Array) -> jax.Array:
    """The pixels of an (H, W, C) layer at whole positions within it."""
    _, width, channels = layer.shape
    flat = row.astype(jnp.int32) * width + column.astype(jnp.int32)
    return jnp.take(layer.reshape(-1, channels), flat, axis=0, mode="clip")


def _nearest(layer: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    return _take(layer, jnp.floor(x + 0.5), jnp.floor(y + 0.5))


def _corners(
    layer: jax.Array, x: jax.Array, y: jax.Array
) -> tuple[list[list[jax.Array]], jax.Array, jax.Array]:
    """The four pixels around each position, and how far across and down it lies among them.

    Returns ([[top left, top right], [bottom left, bottom right]], (...) and (...) in [0, 1]).
    """
    height, width = layer.shape[:2]
    left, top = jnp.clip(jnp.floor(x), 0, width - 2), jnp.clip(jnp.floor(y), 0, height - 2)
    corners = [[_take(layer, left + i, top + j) for i in (0, 1)] for j in (0, 1)]
    return corners, x - left, y - top


def _bilinear(corners: list[list[jax.Array]], across: jax.Array, down: jax.Array) -> jax.Array:
    across, down = across[..., None], down[..., None]
    top, bottom = (left + (right - left) * across for left, right in corners)
    return top + (bottom - top) * down


# Drawing edges is arithmetic on vector fields. They are kept as pairs of (H, W) planes, on which a
# CPU is several times faster than on (H, W, 2) arrays.
_Vector = tuple[jax.Array, jax.Array]


def _dot(a: _Vector, b: _Vector) -> jax.Array:
    return a[0] * b[0] + a[1] * b[1]


def _steps(positions: jax.Array) -> tuple[_Vector, _Vector]:
    """How far the pixel positions (H, W, 2) move per pixel along the result's x and y axes."""
    x_steps, y_steps = (jnp.gradient(positions[..., i], axis=(1, 0)) for i in (0, 1))
    return (x_steps[0], y_steps[0]), (x_steps[1], y_steps[1])


def _crosses_edge(
    offset: _Vector,
    corner_offsets: list[list[_Vector]],
    across: jax.Array,
    down: jax.Array,
    steps: tuple[_Vector, _Vector],
) -> jax.Array:
    """Whether the edge line runs through each pixel of the result, (H, W) bool.

    A line is drawn one pixel thick and without gaps if, wherever it crosses the segment between two
    neighbouring pixel centres, it marks the nearer one. Two tests find these pixels. On a straight
    stretch, with phi the distance to the line in the pair's pixels and n the direction to it, the
    distance changes by g = J^T n from pixel to pixel of the result: phi <= max(|g_x|, |g_y|) / 2.
    At bends, ends and single points the offsets of two neighbours point at each other.

    Interpolated offsets are exact beside a line but cancel halfway between two lines. There, the
    line points that the four corner pixels name are all far away, which tells the two apart.

    Args:
      offset: interpolated offset to the line.
      corner_offsets: the offsets of the four pixels around, as from `_corners`.
      across: (H, W) position among these four pixels.
      down: (H, W).
      steps: the columns of J, the change of position per pixel of the result along x and y.
    """
    distance = jnp.sqrt(_dot(offset, offset))
    # g times the distance, and the comparison likewise: no division by a distance of 0.
    slope = jnp.maximum(*(jnp.abs(_dot(step, offset)) for step in steps))
    on_line = (distance <= 1e-4) | (distance * distance <= 0.5 * slope)
    for step, axis in zip(steps, (1, 0), strict=True):
        on_line |= _meets_neighbour(offset, distance, step, axis)
    gaps = []
    for j, row in enumerate(corner_offsets):
        for i, (x, y) in enumerate(row):
            gap = (x + (i - across), y + (j - down))
            gaps.append(_dot(gap, gap))
    # Named points are half a pixel or less from the foot of the perpendicular; 1e-3 for rounding.
    reach = 0.25 * jnp.maximum(*(_dot(step, step) for step in steps))
    return on_line & (functools.reduce(jnp.minimum, gaps) <= reach + 0.25 + 1e-3)


def _meets_neighbour(offset: _Vector, distance: jax.Array, step: _Vector, axis: int) -> jax.Array:
    """Whether the line passes between a pixel and its neighbour, and closer to this pixel.

    Args:
      offset: offset to the line.
      distance: (H, W) its length.
      step: from a pixel to the next along `axis`.
      axis: 1 for the neighbours left and right, 0 for those above and below.
    """

    def shorten(plane: jax.Array, start: int) -> jax.Array:
        return jax.lax.slice_in_dim(plane, start, start + plane.shape[axis] - 1, axis=axis)

    def shortened(vector: _Vector, start: int) -> _Vector:
        return shorten(vector[0], start), shorten(vector[1], start)

    own_offset, neighbour_offset = shortened(offset, 0), shortened(offset, 1)
    near, far = shorten(distance, 0), shorten(distance, 1)
    step = shortened(step, 0)
    change = (own_offset[0] - neighbour_offset[0], own_offset[1] - neighbour_offset[1])
    # If both offsets lead to one stretch of line, the change is the part of the step that crosses
    # it, or the whole step if they lead to one point.
    alike = _dot(change, change) <= 1.5 * _dot(step, step)
    is_crossed = alike & (_dot(own_offset, neighbour_offset) <= 0) & (_dot(change, step) > 0)

    def pad(mask: jax.Array, before: int) -> jax.Array:
        sides = [(0, 0), (0, 0)]
        sides[axis] = (before, 1 - before)
        return jnp.pad(mask, sides)

    return pad(is_crossed & (near <= far), 0) | pad(is_crossed & (far < near), 1)
