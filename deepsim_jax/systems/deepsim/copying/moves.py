"""Exact fields of edits that are known: dragged points, moved regions, and several after each other.

An edit is a `Move`: a function from points of the new drawing to the points of the old one that they
come from. Functions compose exactly, also where a field jumps, and are asked at the pixels only once.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.geometry import tps
from deepsim_jax.ops import field as fields

_TOGETHER = 0.5
"""Pixels within which a given point takes the place of one that holds the border."""

Move = Callable[[np.ndarray], np.ndarray]
"""(..., 2) float points of the new drawing -> (..., 2) of the old one; (x, y) in pixels."""


@dataclasses.dataclass(frozen=True)
class Rest:
    """Places of the new drawing that get back their state from before all edits.

    Attributes:
      mask: bool (h, w).
    """

    mask: np.ndarray


def field_of(edits: Iterable[Move | Rest], height: int, width: int) -> np.ndarray:
    """The (height, width, 2) float32 field of edits made one after the other, the first one first."""
    field, earlier = fields.identity(height, width), list[Move | Rest]()
    for edit in edits:
        field = extended(field, earlier, edit)
        earlier.append(edit)
    return field


def extended(field: np.ndarray, before: Sequence[Move | Rest], edit: Move | Rest) -> np.ndarray:
    """Adds an edit to the field of earlier ones; where it moves nothing, the field stays unchanged.

    Args:
      field: (h, w, 2) float32, of `before`.
      before: the edits so far, the first one first.
      edit: made after them.
    """
    still = fields.identity(*field.shape[:2])
    result = field.copy()
    if isinstance(edit, Rest):
        result[edit.mask] = still[edit.mask]
        return result
    points = edit(still.astype(np.float64))
    changed = (points != still).any(-1)
    origins = _trace_back(points[changed], before).astype(np.float32)
    # Differences from rounding do not count as a movement.
    result[changed] = np.where(np.abs(origins - still[changed]) < 1e-3, still[changed], origins)
    return result


def _trace_back(points: np.ndarray, edits: Sequence[Move | Rest]) -> np.ndarray:
    """Traces (n, 2) points back through the edits, as far as the last `Rest` that covers them."""
    points, is_moving = points.copy(), np.ones(len(points), bool)
    for edit in reversed(edits):
        if isinstance(edit, Rest):
            height, width = edit.mask.shape
            x, y = np.rint(points).astype(int).T
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            inside[inside] = edit.mask[y[inside], x[inside]]
            is_moving &= ~inside
        else:
            points[is_moving] = edit(points[is_moving])
    return points


def drag(start, end, height: int, width: int, *, fixed=(), reach: float | None = None) -> Move:
    """Drags points; the border and the fixed points stay, everything else bends along.

    A thin-plate spline. With several points and fixed ones, all are met exactly. The border is held at
    its corners and at the centres of its sides, where nothing else is given.

    Args:
      start, end: (n, 2) points in pixels before and after.
      height, width: pixels of the drawing.
      fixed: (m, 2) points that stay.
      reach: distance in pixels from every dragged point's end beyond which nothing moves; half of it
        moves fully. None: the whole picture bends.

    Raises:
      UserError: different numbers of points, points that coincide, or a reach that is not above 0.
    """
    start, end = (np.asarray(points, np.float64).reshape(-1, 2) for points in (start, end))
    if len(start) != len(end):
        raise UserError(f"{len(start)} points to drag to {len(end)} places: one place each is needed")
    if reach is not None and not reach > 0:
        raise UserError(f"reach {reach}: a distance above 0 pixels is needed")
    pinned = np.array(
        [
            [x, y]
            for x in (0, (width - 1) / 2, width - 1)
            for y in (0, (height - 1) / 2, height - 1)
            if (x, y) != ((width - 1) / 2, (height - 1) / 2)
        ]
    )
    fixed = np.asarray(fixed, np.float64).reshape(-1, 2)
    given = np.concatenate([end, fixed])
    apart = np.linalg.norm(pinned[:, None] - given[None], axis=-1) > _TOGETHER
    pinned = np.concatenate([pinned[apart.all(-1)], fixed])
    control = np.concatenate([end, pinned])
    moved = np.concatenate([start - end, np.zeros_like(pinned)])

    def move(points):
        if reach is None:
            return points + tps.basis(control, points) @ moved
        nearest = np.min([np.square(points - place).sum(-1) for place in end], axis=0)
        near = nearest < reach**2
        share = np.clip(2.0 * (1.0 - np.sqrt(nearest[near]) / reach), 0.0, 1.0)
        share = share * share * (3.0 - 2.0 * share)
        result = points.copy()
        result[near] += share[:, None] * (tps.basis(control, points[near]) @ moved)
        return result

    return move


def shift_region(mask: np.ndarray, matrix) -> Move:
    """Copies a region to another place, over what is there.

    Args:
      mask: (h, w) bool, the region in the old drawing.
      matrix: (2, 3), takes points (x, y, 1) of the old drawing to the new one.

    Raises:
      UserError: a matrix of another shape, or one that cannot be undone.
    """
    matrix = np.asarray(matrix, np.float64)
    if (
        matrix.shape != (2, 3)
        or not np.isfinite(matrix).all()
        or abs(np.linalg.det(matrix[:, :2])) < 1e-9
    ):
        raise UserError("move of a region: a (2, 3) matrix that can be undone is needed")
    inverse = np.linalg.inv(matrix[:, :2])
    height, width = mask.shape

    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if len(rows):
        corners = np.array([[x, y] for x in columns[[0, -1]] for y in rows[[0, -1]]]) + 0.0
        reached = np.array([corners + shift for shift in ((-1, -1), (1, 1), (-1, 1), (1, -1))])
        reached = reached.reshape(-1, 2) @ matrix[:, :2].T + matrix[:, 2]
        low, high = reached.min(0), reached.max(0)

    def move(points):
        result = points.copy()
        if not len(rows):
            return result
        x, y = points[..., 0], points[..., 1]
        near = (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1])
        origin = (points[near] - matrix[:, 2]) @ inverse.T
        x, y = np.rint(origin).astype(int).T
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        inside[inside] = mask[y[inside], x[inside]]
        near[near] = inside
        result[near] = origin[inside]
        return result

    return move
