"""Edits of a primitive written down as JSON, so that they can be repeated and shared.

    {"size": [451, 300],
     "steps": [{"warp": {"from": [[100, 80]], "to": [[100, 60]], "fixed": [[10, 10]],
                         "reach": 40}},
               {"paint": {"polygon": [[0, 0], [9, 0], [9, 9]], "color": [10, 200, 30]}},
               {"paint": {"polygon": [[0, 0], [9, 0], [9, 9]], "like": [40, 40]}},
               {"line": {"points": [[5, 5], [50, 60]]}},
               {"copy": {"polygon": [[0, 0], [9, 0], [9, 9]], "by": [30, 0], "scale": 1.2,
                         "flip": true}}]}

Coordinates are (x, y) pixels of a primitive of the given size and are scaled to the real one.
"""

import dataclasses
import json
import pathlib

import cv2
import jax.numpy as jnp
import numpy as np

from deepsim_jax import resample
from deepsim_jax.data import pair, primitives
from deepsim_jax.errors import UserError
from deepsim_jax.geometry import grid, tps


def read(path: pathlib.Path) -> dict:
    """Reads a recipe file.

    Raises:
      UserError: there is no such file, or it is not JSON.
    """
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"recipe {path}: cannot be read ({error})") from error
    return recipe


def apply(recipe: dict, primitive: np.ndarray, spec: primitives.PrimitiveSpec) -> np.ndarray:
    """Applies the steps of a recipe, in order, to a primitive.

    Args:
      recipe: as in the module's docstring.
      primitive: uint8 (H, W, 3).
      spec: how it is drawn.

    Returns:
      uint8 (H, W, 3).

    Raises:
      UserError: naming the step that is not understood.
    """
    if not isinstance(recipe, dict) or not isinstance(recipe.get("steps"), list):
        raise UserError('recipe: an object with "size" and a list "steps" is needed')
    height, width = primitive.shape[:2]
    size = recipe.get("size", [width, height])
    if not isinstance(size, list | tuple) or len(size) != 2 or not all(
            isinstance(side, int | float) and side > 0 for side in size):
        raise UserError(f'recipe: "size" is {size!r:.80}, [width, height] in pixels is needed')
    unit = np.array([width / size[0], height / size[1]])
    layers = primitives.decompose(primitive, spec)
    for number, step in enumerate(recipe["steps"], 1):
        try:
            (kind, options), = step.items()
            layers = STEPS[kind](layers, spec, unit, **options)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else error
            raise UserError(f"recipe: step {number} ({step!r:.80}) is not understood ({reason}); the "
                            f"steps are {', '.join(STEPS)}") from error
    return primitives.compose(layers, spec)


def scaled(recipe: dict, amount: float) -> dict:
    """A recipe whose movements are longer or shorter: 0 moves nothing, 1 is the recipe, 2 twice as far.

    Args:
      recipe: as for `apply`; "to" of its warps and "by" of its copies are scaled.
      amount: the factor.

    Raises:
      UserError: a warp or copy that is not understood.
    """
    steps = []
    for number, step in enumerate(recipe.get("steps", []) if isinstance(recipe, dict) else [], 1):
        try:
            step = dict(step)
            if "warp" in step:
                start, end = (np.asarray(step["warp"][k], np.float64) for k in ("from", "to"))
                step["warp"] = {**step["warp"], "to": (start + amount * (end - start)).tolist()}
            elif "copy" in step:
                by = np.asarray(step["copy"]["by"], np.float64)
                step["copy"] = {**step["copy"], "by": (amount * by).tolist()}
        except (LookupError, TypeError, ValueError) as error:
            raise UserError(
                f"recipe: step {number} ({step!r:.80}) is not understood ({error})") from error
        steps.append(step)
    return {**recipe, "steps": steps} if isinstance(recipe, dict) else recipe


def _points(points, unit):
    array = np.atleast_2d(np.asarray(points, np.float64))
    if array.ndim != 2 or array.shape[1] != 2 or not np.all(np.abs(array) < 1e6):
        raise ValueError("points are lists of [x, y] in pixels")
    return array * unit


def _inside(polygon, unit, shape):
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(_points(polygon, unit)).astype(np.int32)], 1)
    return mask > 0


def _warp(layers, spec, unit, *, fixed=(), reach=None, **ends):
    """Moves points of the drawing; the border and the fixed points stay, the rest bends along.

    With `reach`, a distance in pixels, nothing moves that is farther than this from a moved point.
    """
    height, width = layers.regions.shape[:2]
    start, end = _points(ends.pop("from"), unit), _points(ends.pop("to"), unit)
    if ends or len(start) != len(end):
        raise ValueError('"from" and "to" need the same number of points')
    pinned = [[x, y] for x in (0, (width - 1) / 2, width - 1) for y in (0, (height - 1) / 2, height - 1)
              if (x, y) != ((width - 1) / 2, (height - 1) / 2)]
    pinned = np.concatenate([np.array(pinned), _points(fixed, unit)]) if len(fixed) else np.array(pinned)
    # The spline tells for each pixel of the edited drawing where it comes from.
    to = grid.to_normalised(jnp.asarray(np.concatenate([end, pinned]), jnp.float32), height, width)
    come = grid.to_normalised(jnp.asarray(np.concatenate([start, pinned]), jnp.float32), height, width)
    pixels = grid.pixel_grid(height, width)
    field = tps.evaluate(tps.solve(to, come), pixels)
    if reach is not None:
        if not float(reach) > 0:
            raise ValueError('"reach" must be above 0')
        limit = float(reach) * unit.mean() / (max(height, width) / 2)
        nearest = jnp.min(jnp.linalg.norm(pixels[:, :, None] - to[: len(end)], axis=-1), axis=-1)
        share = jnp.clip(2.0 * (1.0 - nearest / limit), 0.0, 1.0)
        share = share * share * (3.0 - 2.0 * share)
        field = pixels + share[..., None] * (field - pixels)
    drawn = pair.Source(photo=layers.regions, image=layers.regions, spec=spec,
                        primitive=primitives.compose(layers, spec))
    moved, _ = resample.warp(pair.to_device(drawn, multiple=1), field)
    return primitives.decompose(pair.to_uint8(moved), spec)


def _paint(layers, spec, unit, *, polygon, color=None, like=None):
    """Fills a polygon with a colour, or the colour found at a point, and removes the lines in it."""
    mask = _inside(polygon, unit, layers.regions.shape[:2])
    if (color is None) == (like is None):
        raise ValueError('give either "color" or "like"')
    if color is None:
        x, y = np.rint(_points(like, unit)[0]).astype(int)
        if not (0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]):
            raise ValueError('"like" lies outside of the primitive')
        color = layers.regions[y, x]
    color = np.asarray(color)
    if color.shape != (3,) or not np.isin(color, np.arange(256)).all():
        raise ValueError("a color is [red, green, blue], whole numbers from 0 to 255")
    regions = layers.regions.copy()
    regions[mask] = color
    edges = None if layers.edges is None else layers.edges & ~mask
    return dataclasses.replace(layers, regions=regions, edges=edges)


def _line(layers, spec, unit, *, points, closed=False):
    """Draws an edge along a polyline."""
    if layers.edges is None:
        raise ValueError(f"a {spec.kind} primitive has no lines")
    drawn = layers.edges.astype(np.uint8)
    cv2.polylines(drawn, [np.rint(_points(points, unit)).astype(np.int32)], bool(closed), 1)
    return dataclasses.replace(layers, edges=drawn > 0)


def _copy(layers, spec, unit, *, polygon, by, flip=False, **size):
    """Copies what is inside a polygon to another place, scaled about the polygon's centre."""
    factor = float(size.pop("scale", 1.0))
    if size or factor <= 0:
        raise ValueError(f"unknown options {sorted(size)}" if size else "scale must be positive")
    height, width = layers.regions.shape[:2]
    outline = _points(polygon, unit)
    centre, shift = outline.mean(0), _points(by, unit)[0]
    turn = np.diag([-factor if flip else factor, factor])
    matrix = np.column_stack([turn, centre + shift - turn @ centre])

    def moved(array):
        return cv2.warpAffine(array, matrix, (width, height), flags=cv2.INTER_NEAREST)

    mask = moved(_inside(polygon, unit, (height, width)).astype(np.uint8)) > 0
    regions = np.where(mask[..., None], moved(layers.regions), layers.regions)
    edges = layers.edges
    if edges is not None:
        edges = np.where(mask, moved(edges.astype(np.uint8)) > 0, edges)
    return dataclasses.replace(layers, regions=regions, edges=edges)


STEPS = {"warp": _warp, "paint": _paint, "line": _line, "copy": _copy}
"""The kinds of step: name -> function on the primitive's layers."""
