"""What the steps of a recipe do: to the layers of a drawing, and to the places of what is drawn.

The kinds of step and their options are those of `recipes`.
"""

import dataclasses
import functools
from collections.abc import Callable

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError, one_line
from deepsim_jax.geometry import grid
from deepsim_jax.images import ranges
from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import areas, pair
from deepsim_jax.systems.deepsim import warp as resample
from deepsim_jax.systems.deepsim.copying import mismatch, moves

_RIM = 2 / 256
"""Share of the longer side by which a hole is wider than what was taken away: a photo mixes the colours
of what touches, and labels are not exact."""


def apply_step(
    step: dict,
    layers: primitives.Layers,
    original: primitives.Layers,
    spec: primitives.PrimitiveSpec,
    *,
    number: int = 1,
    unit=(1.0, 1.0),
) -> primitives.Layers:
    """Applies one step of a recipe; the layers that are given stay as they are.

    Args:
      step: {kind: options}, a kind of `STEPS`, or "restore".
      layers: of the primitive, as edited so far.
      original: of the primitive before all edits, which "restore" brings back.
      spec: how it is drawn.
      number: of the step, for messages.
      unit: pixels (x, y) of the layers for each of the step's own.

    Raises:
      UserError: naming the step, if it is not understood.
    """
    return _applied(number, step, layers.regions.shape[:2], unit, _kinds(original), layers, spec)


def _kinds(original):
    """The kinds of step on a drawing."""
    return {**STEPS, "restore": functools.partial(_restore, original)}


def edit_of(
    step: dict,
    layers: primitives.Layers,
    fill: Callable[[primitives.Layers, np.ndarray], moves.Fill] | None = None,
    *,
    number: int = 1,
    unit=(1.0, 1.0),
) -> moves.Edit | None:
    """What a step does to the places of what is drawn; None for what is painted or drawn anew.

    Args:
      step, number, unit: as for `apply_step`.
      layers: before the step.
      fill: makes what is seen in a mask (h, w) where something is taken away, of the layers without it;
        only a step that can take nothing away needs none.

    Raises:
      UserError: as `apply_step`.
    """
    if not set(step) & set(_EDITS):
        return None
    return _applied(number, step, layers.regions.shape[:2], unit, _EDITS, layers, fill)


def kept_by(step: dict, layers: primitives.Layers, *, number: int = 1, unit=(1.0, 1.0)):
    """bool (h, w): what a step "keep" protects of the photo; None for others. Raises as `edit_of`."""
    if "keep" not in step:
        return None
    return _applied(number, step, layers.regions.shape[:2], unit, {"keep": _kept}, layers)


def _applied(number, step, shape, unit, kinds, *to):
    """What a step of some kind makes of what it is applied to."""
    try:
        ((kind, options),) = step.items()
        apply_kind = kinds[kind]
        if not isinstance(options, dict):
            raise TypeError(f"its options are {options!r:.40}, an object is needed")
        return apply_kind(*to, shape, np.asarray(unit), **options)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, cv2.error) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else one_line(error)
        raise UserError(
            f"recipe: step {number} ({step!r:.80}) is not understood ({reason}); the "
            f"steps are {', '.join((*STEPS, 'restore'))}"
        ) from error


def chosen_by(
    step: dict, layers: primitives.Layers, *, unit=(1.0, 1.0)
) -> tuple[np.ndarray, np.ndarray] | None:
    """What a step takes hold of, and the part of it that is pointed at; None if it chooses nothing.

    Args:
      step, unit: as for `apply_step`.
      layers: of a drawing in which the step is understood.

    Returns:
      Two (h, w) bool: a region and the pixel by which it is chosen, or an area, twice.

    Raises:
      ValueError: there is nothing.
    """
    ((kind, options),) = step.items()
    where = {name: options[name] for name in ("polygon", "at", "points", "radius") if name in options}
    unit = np.asarray(unit)
    if kind not in ("move", "copy", "delete", "fill"):
        if options.get("like") is None:
            return None
        where = {"at": options["like"]}
    area = areas.area(layers, unit, **where)
    if "at" not in where:
        return area, area
    pixel = np.zeros_like(area)
    x, y = areas.pixel_at(where["at"], unit, area.shape, "at")
    pixel[y, x] = True
    return area, pixel


_warp_pair = jax.jit(resample.warp)  # op by op it would be compiled 76 times


def _warp(layers, spec, shape, unit, **options):
    field = grid.to_normalised(
        jnp.asarray(moves.field_of([_drag(shape, unit, **options)], *shape)), *shape
    )
    drawn = pair.Source(
        photo=layers.regions, image=layers.regions, spec=spec, primitive=primitives.compose(layers, spec)
    )
    moved, _ = _warp_pair(pair.to_device(drawn, multiple=1), field)
    return primitives.decompose(ranges.to_uint8(moved), spec)


def _drag(shape, unit, *, fixed=(), reach=None, **ends) -> moves.Move:
    """Moves points of the drawing; the border and the fixed points stay, the rest bends along.

    With `reach`, a distance in pixels, nothing moves that is farther than this from a moved point.
    """
    start, end = areas.points_in(ends.pop("from"), unit), areas.points_in(ends.pop("to"), unit)
    if ends or len(start) != len(end):
        raise ValueError('"from" and "to" need the same number of points')
    if reach is not None:
        if not float(reach) > 0:
            raise ValueError('"reach" must be above 0')
        reach = float(reach) * unit.mean()
    fixed = areas.points_in(fixed, unit) if len(fixed) else ()
    return moves.drag(start, end, *shape, fixed=fixed, reach=reach)


def _paint(layers, spec, shape, unit, *, polygon, color=None, like=None, spare=()):
    """Fills a polygon with a colour, or the colour found at a point, and removes the lines in it."""
    color = areas.color_of(layers, unit, color, like)
    return areas.coloured(
        layers, areas.inside(polygon, unit, shape) & ~areas.spared(layers, spare), color
    )


def _stroke(layers, spec, shape, unit, *, points, radius, color=None, like=None, spare=()):
    """Paints along a polyline, and removes the lines there."""
    color = areas.color_of(layers, unit, color, like)
    return areas.coloured(layers, _changed(layers, unit, spare, points=points, radius=radius), color)


def _fill(layers, spec, shape, unit, *, at, color=None, like=None, spare=()):
    """Gives the connected region at a point another colour; its lines stay."""
    color = areas.color_of(layers, unit, color, like)
    return areas.coloured(layers, _changed(layers, unit, spare, at=at), color, edges_too=False)


def _changed(layers, unit, spare, **area):
    """An area without what a step spares in it; nothing may be left."""
    return areas.area(layers, unit, **area) & ~areas.spared(layers, spare)


def _restore(original, layers, spec, shape, unit, *, spare=(), **area):
    """Brings back, in an area, what was there before all edits."""
    mask = _changed(layers, unit, spare, **area)
    regions = np.where(mask[..., None], original.regions, layers.regions)
    edges = None if layers.edges is None else np.where(mask, original.edges, layers.edges)
    return dataclasses.replace(layers, regions=regions, edges=edges)


def _delete(layers, spec, shape, unit, *, spare=(), **area):
    """Takes away what is in an area: what surrounds it grows together."""
    mask = _changed(layers, unit, spare, **area)
    if mask.all():
        raise ValueError("nothing would be left")
    if not mask.any():
        return layers
    regions = layers.regions.copy()
    regions[mask] = regions[fields.nearest(~mask, mask)]
    edges = layers.edges
    if edges is not None:
        # A region's own outline goes with it.
        outlined = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        edges = edges & ~(outlined & ~areas.spared(layers, spare))
    return dataclasses.replace(layers, regions=regions, edges=edges)


def _move(layers, spec, shape, unit, *, by=(0, 0), flip=False, scale=1.0, rotate=0.0, **area):
    """Moves what is in an area, scaled and turned about its centre; its old place grows together."""
    placing = {"by": by, "flip": flip, "scale": scale, "rotate": rotate}
    inside, matrix = _place(shape, unit, layers=layers, **placing, **area)
    if _stays(matrix):
        return layers
    left = _delete(layers, spec, shape, unit, **area)
    return _laid(layers, left, inside, matrix, with_outline="at" in area)


def _line(layers, spec, shape, unit, *, points, closed=False, spare=()):
    """Draws an edge along a polyline."""
    if layers.edges is None:
        raise ValueError(f"a {spec.kind} primitive has no lines")
    drawn = np.zeros(shape, np.uint8)
    cv2.polylines(drawn, [np.rint(areas.points_in(points, unit)).astype(np.int32)], bool(closed), 1)
    return dataclasses.replace(layers, edges=layers.edges | (drawn > 0) & ~areas.spared(layers, spare))


def _copy(layers, spec, shape, unit, **options):
    """Copies what is in an area to another place, scaled and turned about its centre."""
    inside, matrix = _place(shape, unit, layers=layers, **options)
    return _laid(layers, layers, inside, matrix, with_outline="at" in options)


def _laid(source, onto, inside, matrix, *, with_outline):
    """Layers with what a mask shows of the source laid onto another place."""
    shape = inside.shape

    def moved(array):
        return cv2.warpAffine(array, matrix, shape[::-1], flags=cv2.INTER_NEAREST)

    mask = moved(inside.astype(np.uint8)) > 0
    regions = np.where(mask[..., None], moved(source.regions), onto.regions)
    edges = onto.edges
    if edges is not None:
        near = inside.astype(np.uint8)
        if with_outline:  # a region's own, which `_delete` takes away with it
            near = cv2.dilate(near, np.ones((3, 3), np.uint8))
        laid = moved(source.edges * near) > 0
        edges = np.where(mask, laid, edges | laid)
    return dataclasses.replace(onto, regions=regions, edges=edges)


def _place(shape, unit, *, by, layers=None, flip=False, scale=1.0, rotate=0.0, polygon=None, **area):
    """What a copy takes, (h, w) bool, and the (2, 3) matrix that takes it to its new place."""
    factor, angle = areas.positive(scale, "scale"), np.deg2rad(float(rotate))
    if polygon is not None and not area:
        # A polygon turns about the mean of its corners, as recipes have it since they began.
        inside, centre = areas.inside(polygon, unit, shape), areas.points_in(polygon, unit).mean(0)
    elif layers is None:
        raise ValueError("without the drawing only the place of a polygon is known")
    else:
        inside = areas.area(layers, unit, polygon=polygon, **area)
        rows, columns = np.nonzero(inside)
        centre = np.array([columns.mean(), rows.mean()])
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turn = spin @ np.diag([-factor if flip else factor, factor])
    shift = areas.shift_in(by, unit)
    return inside, np.column_stack([turn, centre + shift - turn @ centre])


def _stays(matrix):
    return np.allclose(matrix, np.eye(2, 3), atol=1e-6)


def _keep(layers, spec, shape, unit, **area):
    """Protects the photo in an area; the drawing stays as it is."""
    areas.area(layers, unit, **area)
    return layers


def _kept(layers, shape, unit, **area) -> np.ndarray:
    return areas.area(layers, unit, **area)


def _with_rim(mask):
    grown = cv2.dilate(mask.astype(np.uint8), _disk(mask.shape)) > 0
    return mask if grown.all() else grown


def _disk(shape, *, times=1):
    side = 2 * times * max(1, round(_RIM * max(shape))) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


STEPS = {
    "warp": _warp,
    "paint": _paint,
    "line": _line,
    "copy": _copy,
    "move": _move,
    "delete": _delete,
    "stroke": _stroke,
    "fill": _fill,
    "keep": _keep,
}
"""The kinds of step, beside "restore": name -> function on the primitive's layers."""


def _dragged(layers, fill, shape, unit, **options) -> moves.Move:
    return _drag(shape, unit, **options)


def _copied(layers, fill, shape, unit, *, by, **options) -> moves.Move:
    return moves.Shift(*_place(shape, unit, layers=layers, by=by, **options))


def _deleted(layers, fill, shape, unit, *, spare=(), **area) -> moves.Fill | None:
    left = _delete(layers, None, shape, unit, spare=spare, **area)
    gone = _with_rim(_changed(layers, unit, spare, **area)) & ~areas.spared(layers, spare)
    return fill(left, gone) if gone.any() else None


def _moved(layers, fill, shape, unit, *, by=(0, 0), flip=False, scale=1.0, rotate=0.0, **area):
    """Where the area was, all of it is filled, so that this does not change with how far it moves."""
    placing = {"by": by, "flip": flip, "scale": scale, "rotate": rotate}
    inside, matrix = _place(shape, unit, layers=layers, **placing, **area)
    if _stays(matrix):
        return None
    return moves.Shift(inside, matrix, left=_deleted(layers, fill, shape, unit, **area))


def _painted(layers, fill, shape, unit, *, color=None, like=None, spare=(), **area) -> moves.Fill | None:
    """Lines that are painted over are taken away, with what lies between two that are close together."""
    if layers.edges is None:
        return None
    mask = _changed(layers, unit, spare, **area)
    erased = (layers.edges & mask).astype(np.uint8)
    erased = cv2.morphologyEx(erased, cv2.MORPH_CLOSE, _disk(erased.shape, times=3)) > 0
    color = areas.color_of(layers, unit, color, like)
    # Far from its label, what is painted is something new, which the drawing itself asks for.
    has_label = (layers.regions == color).all(-1)
    erased = _with_rim(erased & mask) & (mismatch.in_reach(has_label) | ~mask)
    erased &= ~areas.spared(layers, spare)
    if not erased.any() or erased.all():
        return None
    return fill(areas.coloured(layers, mask, color), erased)


def _rested(layers, fill, shape, unit, *, spare=(), **area) -> moves.Rest:
    return moves.Rest(_changed(layers, unit, spare, **area))


_EDITS: dict[str, Callable[..., moves.Edit | None]] = {
    "warp": _dragged,
    "copy": _copied,
    "move": _moved,
    "delete": _deleted,
    "stroke": _painted,
    "paint": _painted,
    "restore": _rested,
}
"""The steps after which something comes from another place than before."""
