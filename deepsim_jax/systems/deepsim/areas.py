"""The areas and colours of a primitive that a step of a recipe names."""

import dataclasses
import functools

import cv2
import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives


def points_in(points, unit) -> np.ndarray:
    """(N, 2) float64, points [x, y] of a recipe in pixels of the primitive; centres are whole in both."""
    return _pairs(points) * unit + (np.asarray(unit) - 1) / 2


def shift_in(by, unit) -> np.ndarray:
    """(2,) float64, a movement [x, y] of a recipe in pixels of the primitive."""
    return _pairs(by)[0] * unit


def _pairs(points):
    array = np.atleast_2d(np.asarray(points, np.float64))
    if array.ndim != 2 or array.shape[1] != 2 or not np.all(np.abs(array) < 1e6):
        raise ValueError("points are lists of [x, y] in pixels")
    return array


def inside(polygon, unit, shape) -> np.ndarray:
    """bool (H, W): the inside of a polygon of a recipe."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(points_in(polygon, unit)).astype(np.int32)], 1)
    return mask > 0


def area(layers: primitives.Layers, unit, *, polygon=None, at=None, points=None, radius=None):
    """bool (H, W): a polygon, the region at a point, or a stroke; exactly one of them is given."""
    shape = layers.regions.shape[:2]
    if sum(selector is not None for selector in (polygon, at, points)) != 1:
        raise ValueError('an area is one of "polygon", "at" and "points"')
    if polygon is not None:
        mask = inside(polygon, unit, shape)
    elif at is not None:
        mask = region_at(layers, pixel_at(at, unit, shape, "at"))
    else:
        width = max(1, round(2 * positive(radius, "radius") * unit.mean()))
        stroke, path = np.zeros(shape, np.uint8), np.rint(points_in(points, unit)).astype(np.int32)
        cv2.polylines(stroke, [path], False, 1, width)
        cv2.circle(stroke, path[0].tolist(), width // 2, 1, -1)
        mask = stroke > 0
    if not mask.any():
        raise ValueError("the area lies outside of the primitive")
    return mask


def pixel_at(point, unit, shape, name):
    """(x, y) of the pixel at a point."""
    x, y = np.rint(points_in(point, unit)[0]).astype(int).tolist()
    if not (0 <= y < shape[0] and 0 <= x < shape[1]):
        raise ValueError(f'"{name}" lies outside of the primitive')
    return x, y


def region_at(layers, pixel):
    """bool (H, W): the connected pixels of a pixel's colour; in a drawing of lines, what they enclose.

    Not to be written to: while a hand drags a region, its place is asked for again and again.
    """
    return _found_region(_Same(layers), *pixel)


class _Same:
    """Layers, which never change, as a key: the very same ones are equal."""

    def __init__(self, layers):
        self.layers = layers

    def __hash__(self):
        return id(self.layers)

    def __eq__(self, other):
        return self.layers is other.layers


@functools.lru_cache(maxsize=2)
def _found_region(same, x, y):
    layers = same.layers
    alike = (layers.regions == layers.regions[y, x]).all(-1)
    if layers.edges is not None and alike.all():
        alike = ~layers.edges
    parts = cv2.connectedComponents(alike.astype(np.uint8), connectivity=4)[1]
    if not parts[y, x]:
        raise ValueError("there is a line at this point; choose one beside it")
    found = parts == parts[y, x]
    found.setflags(write=False)
    return found


def positive(value, name: str) -> float:
    """A number above 0, checked."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ValueError(f'"{name}" must be a positive number')
    return float(value)


def color_of(layers, unit, color, like):
    """The colour that is given, or found at a point."""
    if (color is None) == (like is None):
        raise ValueError('give either "color" or "like"')
    if color is None:
        x, y = pixel_at(like, unit, layers.regions.shape[:2], "like")
        color = layers.regions[y, x]
    return _checked(color)


def _checked(color):
    color = np.asarray(color)
    if color.shape != (3,) or not np.isin(color, np.arange(256)).all():
        raise ValueError("a color is [red, green, blue], whole numbers from 0 to 255")
    return color


def spared(layers, colors):
    """bool (H, W): what has one of the colours of a step's "spare", also where lines lie over it."""
    if not isinstance(colors, list | tuple):
        raise ValueError('"spare" is a list of colors')
    found = np.zeros(layers.regions.shape[:2], bool)
    for color in colors:
        found |= (layers.regions == _checked(color)).all(-1)
    return found


def coloured(layers, mask, color, *, edges_too=True):
    """The layers with a colour in a mask, and without the lines there."""
    regions = layers.regions.copy()
    regions[mask] = color
    keeps_lines = layers.edges is None or not edges_too
    return dataclasses.replace(
        layers, regions=regions, edges=layers.edges if keeps_lines else layers.edges & ~mask
    )


def moved(field: np.ndarray) -> np.ndarray:
    """bool (h, w): what moves by more than half a pixel along a field (h, w, 2) float32."""
    return np.linalg.norm(field - fields.identity(*field.shape[:2]), axis=-1) > 0.5


def moved_with(changed: np.ndarray, field: np.ndarray) -> np.ndarray:
    """The pixels that move together with an edit.

    Args:
      changed: bool (h, w), the edit.
      field: (h, w, 2) float32, where each pixel comes from (`ops.field`).

    Returns:
      bool (h, w): the connected parts of what changed or moves that hold some of what changed.
    """
    parts = cv2.connectedComponents((changed | moved(field)).astype(np.uint8), connectivity=8)[1]
    return np.isin(parts, np.unique(parts[changed])) & (parts > 0)
