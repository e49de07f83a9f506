"""Exact fields of edits that are known: dragged points, moved and deleted regions, several in a row.

An edit is a `Move`: a function from points of the new drawing to the points of the old one that they
come from. Functions compose exactly, also where a field jumps, and are asked at the pixels only once.
"""

import dataclasses
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

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


class Fill:
    """A `Move` that completes places of the old drawing with what is elsewhere in it.

    Attributes:
      mask: bool (h, w), the places.
    """

    def __init__(self, mask: np.ndarray, find: Callable[[], tuple[np.ndarray, np.ndarray]]):
        """Finds nothing yet.

        Args:
          mask: bool (h, w), True somewhere.
          find: gives rows and columns of what is copied, in the order of `np.nonzero(mask)`; asked once,
            when the first point comes from there.
        """
        self.mask = mask
        self._find: Callable[[], tuple[np.ndarray, np.ndarray]] | None = find
        self._shifts: np.ndarray | None = None
        self._lock = threading.Lock()

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Where points come from."""
        result = points.copy()
        covered, x, y = _covered(self.mask, points)
        if covered.any():
            result[covered] += self._displacements()[y, x]
        return result

    def _displacements(self):
        with self._lock:
            if self._find is not None:
                rows, columns = np.nonzero(self.mask)
                found_rows, found_columns = self._find()
                self._shifts = np.zeros((*self.mask.shape, 2), np.int32)
                self._shifts[self.mask] = np.stack([found_columns - columns, found_rows - rows], -1)
                self._find = None  # what it needs of the earlier drawing may go
        return self._shifts


class Shift:
    """A `Move` that copies a region to another place, over what is there, and may leave a `Fill`."""

    def __init__(self, mask: np.ndarray, matrix, left: Fill | None = None):
        """Checks the matrix.

        Args:
          mask: (h, w) bool, the region in the old drawing.
          matrix: (2, 3), takes points (x, y, 1) of the old drawing to the new one.
          left: what is seen where the region was, as far as it does not lie there again; None: itself.

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
        self.left = left
        self._mask, self._matrix, self._inverse = mask, matrix, np.linalg.inv(matrix[:, :2])
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        self._reached = None
        if len(rows):
            corners = np.array([[x, y] for x in columns[[0, -1]] for y in rows[[0, -1]]]) + 0.0
            around = np.array([corners + shift for shift in ((-1, -1), (1, 1), (-1, 1), (1, -1))])
            around = around.reshape(-1, 2) @ matrix[:, :2].T + matrix[:, 2]
            self._reached = around.min(0), around.max(0)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Where points come from."""
        laid, origins = self.laid(points)
        result = points.copy() if self.left is None else self.left(points)
        result[laid] = origins
        return result

    def laid(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(...) bool: which points the region covers at its new place; (n, 2): where these come from."""
        if self._reached is None:
            return np.zeros(points.shape[:-1], bool), np.zeros((0, 2))
        low, high = self._reached
        near = ((points >= low) & (points <= high)).all(-1)
        origins = (points[near] - self._matrix[:, 2]) @ self._inverse.T
        inside, _, _ = _covered(self._mask, origins)
        near[near] = inside
        return near, origins[inside]


def _covered(mask, points) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(...) bool: which points lie in a mask; the columns and rows of those that do."""
    height, width = mask.shape
    x, y = np.moveaxis(np.rint(points).astype(int), -1, 0)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    inside[inside] = mask[y[inside], x[inside]]
    return inside, x[inside], y[inside]


Edit = Move | Rest
"""What the edits of a drawing are."""


class Traced(NamedTuple):
    """Where the pixels of an edited drawing come from.

    Attributes:
      field: (h, w, 2) float32, in pixels of the source, see `ops.field`.
      filled: (h, w) bool, where a `Fill` is seen.
    """

    field: np.ndarray
    filled: np.ndarray


class Trace:
    """Edits made one after the other; never changed.

    What is traced is found when it is asked for, since a `Fill` may take its time.

    Attributes:
      edits: the first one first.
    """

    def __init__(self, height: int, width: int):
        """No edits of a drawing of this size."""
        self.edits: tuple[Edit, ...] = ()
        still, nowhere = fields.identity(height, width), np.zeros((height, width), bool)
        self._found: Traced | None = _read_only(still, nowhere)
        self._earlier: Trace | None = None
        self._lock = threading.RLock()

    def followed_by(self, edit: Edit) -> "Trace":
        """The same edits, and one more."""
        later = object.__new__(Trace)
        later.edits, later._earlier, later._found = (*self.edits, edit), self, None
        later._lock = self._lock
        return later

    @property
    def found(self) -> Traced:
        """Where the pixels come from; not to be written to."""
        with self._lock:
            pending = list[Trace]()
            trace, found = self, self._found
            while found is None:
                assert trace._earlier is not None
                pending.append(trace)
                trace = trace._earlier
                found = trace._found
            for trace in reversed(pending):
                found = trace._found = _read_only(*_extended(found, trace.edits))
                trace._earlier = None  # only what is asked for again is held
            return found


def field_of(edits: Iterable[Edit], height: int, width: int) -> np.ndarray:
    """The (height, width, 2) float32 field of edits made one after the other, the first one first."""
    trace = Trace(height, width)
    for edit in edits:
        trace = trace.followed_by(edit)
    return trace.found.field


def _read_only(*arrays) -> Traced:
    for array in arrays:
        array.setflags(write=False)
    return Traced(*arrays)


def _extended(traced: Traced, edits: Sequence[Edit]) -> Traced:
    """What was traced through all edits but the last one, with that, too.

    Where it moves nothing, the field stays unchanged to the last bit.
    """
    *before, edit = edits
    still = fields.identity(*traced.filled.shape)
    field, filled = traced.field.copy(), traced.filled.copy()
    if isinstance(edit, Rest):
        field[edit.mask], filled[edit.mask] = still[edit.mask], False
        return Traced(field, filled)
    points = edit(still.astype(np.float64))
    changed = (points != still).any(-1)
    origins, fills = _trace_back(points[changed], before)
    origins, fills = origins.astype(np.float32), fills | _fills(edit, still[changed])
    # Differences from rounding do not count as a movement.
    field[changed] = np.where(np.abs(origins - still[changed]) < 1e-3, still[changed], origins)
    filled[changed] = fills
    return Traced(field, filled)


def _trace_back(points: np.ndarray, edits: Sequence[Edit]) -> tuple[np.ndarray, np.ndarray]:
    """Traces (n, 2) points back through edits, as far as the last `Rest` that covers them.

    Returns:
      (n, 2) where they come from, and (n,) bool whether through a `Fill`.
    """
    points, is_moving, fills = points.copy(), np.ones(len(points), bool), np.zeros(len(points), bool)
    for edit in reversed(edits):
        if isinstance(edit, Rest):
            is_moving &= ~_covered(edit.mask, points)[0]
            continue
        fills[is_moving] |= _fills(edit, points[is_moving])
        points[is_moving] = edit(points[is_moving])
    return points, fills


def _fills(edit: Move, points: np.ndarray) -> np.ndarray:
    """(n,) bool: which points an edit takes from what it completes."""
    if isinstance(edit, Fill):
        return _covered(edit.mask, points)[0]
    if isinstance(edit, Shift) and edit.left is not None:
        return _covered(edit.left.mask, points)[0] & ~edit.laid(points)[0]
    return np.zeros(len(points), bool)


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
