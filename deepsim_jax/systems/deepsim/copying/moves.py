"""Exact fields of edits that are known: dragged points, moved and deleted regions, several in a row.

An edit is a `Move`: a function from points of the new drawing to the points of the old one that they
come from. Functions compose exactly, also where a field jumps, and are asked at the pixels only once.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.geometry import tps
from deepsim_jax.ops import field as fields
from deepsim_jax.ops.remap import fold

_TOGETHER = 0.5
"""Pixels within which a given point takes the place of one that holds the border."""

_MOST_WAITING = 16
"""So many edits wait at most to be traced: they hold the drawings that they were made in."""

Move = Callable[[np.ndarray], np.ndarray]
"""(..., 2) float points of the new drawing -> (..., 2) of the old one; (x, y) in pixels."""


class Area:
    """Pixels of a drawing, held as no more than the box around them.

    Attributes:
      box: the rows and the columns of the box, as slices.
      inside: bool, of the box' size.
    """

    def __init__(self, mask: np.ndarray):
        """Takes the True pixels of a mask, bool (h, w)."""
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        sides = [(int(of[0]), int(of[-1]) + 1) if len(of) else (0, 0) for of in (rows, columns)]
        self.box = slice(*sides[0]), slice(*sides[1])
        self.inside = mask[self.box].copy()

    def covers(self, points: np.ndarray) -> np.ndarray:
        """(...) bool: which of (..., 2) points (x, y) lie in one of the pixels."""
        return self.find(points)[0]

    def find(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which points lie in the area, (...) bool, and their rows and columns in the box, (n,) each."""
        height, width = self.inside.shape
        x, y = np.moveaxis(np.rint(points).astype(int), -1, 0)
        rows, columns = y - self.box[0].start, x - self.box[1].start
        found = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        found[found] = self.inside[rows[found], columns[found]]
        return found, rows[found], columns[found]


class Rest:
    """Places of the new drawing that get back their state from before all edits.

    Attributes:
      area: the places.
    """

    def __init__(self, mask: np.ndarray):
        """The True pixels of a mask, bool (h, w)."""
        self.area = Area(mask)


class Fill:
    """A `Move` that completes places of the old drawing with what is elsewhere in it.

    Attributes:
      area: the places.
      key: the same for all of the same places.
    """

    def __init__(self, mask: np.ndarray, find: Callable[[], tuple[np.ndarray, np.ndarray]]):
        """Finds nothing yet.

        Args:
          mask: bool (h, w), True somewhere.
          find: gives rows and columns of what is copied, in the order of `np.nonzero(mask)`; asked once,
            when the first point comes from there.
        """
        self.area, self.key = Area(mask), key_of(mask)
        self._find: Callable[[], tuple[np.ndarray, np.ndarray]] | None = find
        self._donors: np.ndarray | None = None  # (rows, columns, 2): less their own places
        self._lock = threading.Lock()

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Where points come from."""
        result = points.copy()
        covered, rows, columns = self.area.find(points)
        if covered.any():
            result[covered] += self._shifts()[rows, columns]
        return result

    def donors(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of what is copied, as `find` gave them."""
        rows, columns = np.nonzero(self.area.inside)
        x, y = self._shifts()[rows, columns].T
        return rows + self.area.box[0].start + y, columns + self.area.box[1].start + x

    def _shifts(self):
        find = self._find
        if find is not None:
            # Outside of the lock, since it may wait for other fills: two threads may find the same.
            rows, columns = np.nonzero(self.area.inside)
            found_rows, found_columns = find()
            across = found_columns - columns - self.area.box[1].start
            down = found_rows - rows - self.area.box[0].start
            donors = np.zeros((*self.area.inside.shape, 2), np.int32)
            donors[rows, columns] = np.stack([across, down], -1)
            with self._lock:
                if self._find is not None:
                    self._donors, self._find = donors, None  # what it needs of the drawing may go
        assert self._donors is not None
        return self._donors


def key_of(mask: np.ndarray) -> bytes:
    """The same for equal masks."""
    return hashlib.blake2b(np.packbits(mask).tobytes() + repr(mask.shape).encode()).digest()


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
        self._area, self._matrix, self._inverse = Area(mask), matrix, np.linalg.inv(matrix[:, :2])
        rows, columns = self._area.box
        corners = np.array(
            [[x, y] for x in (columns.start, columns.stop) for y in (rows.start, rows.stop)]
        )
        around = (corners[:, None] + [(-1, -1), (1, 1), (-1, 1), (1, -1)]).reshape(-1, 2)
        reached = around @ matrix[:, :2].T + matrix[:, 2]
        self._reached = reached.min(0), reached.max(0)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Where points come from."""
        laid, origins = self.laid(points)
        result = points.copy() if self.left is None else self.left(points)
        result[laid] = origins
        return result

    @property
    def way(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest (x, y) of the region's box at its old and its new place together."""
        rows, columns = self._area.box
        low, high = self._reached
        return np.minimum(low, [columns.start, rows.start]), np.maximum(high, [columns.stop, rows.stop])

    def laid(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(...) bool: which points the region covers at its new place; (n, 2): where these come from."""
        low, high = self._reached
        near = ((points >= low) & (points <= high)).all(-1)
        origins = (points[near] - self._matrix[:, 2]) @ self._inverse.T
        inside = self._area.covers(origins)
        near[near] = inside
        return near, origins[inside]


Edit = Move | Rest
"""What the edits of a drawing are."""


FILLED, LAID = 1, 2


class Traced(NamedTuple):
    """Where the pixels of an edited drawing come from.

    Attributes:
      field: (h, w, 2) float32, in pixels of the source, see `ops.field`.
      pieces: (h, w) uint8, `FILLED` where something completes the photo, `LAID` where something was laid
        from elsewhere, their sum where what was laid is of what completes; 0 elsewhere.
    """

    field: np.ndarray
    pieces: np.ndarray


class Trace:
    """Edits made one after the other; never changed.

    What is traced is found when it is asked for, since a `Fill` may take its time.

    Attributes:
      edits: the first one first.
    """

    def __init__(self, height: int, width: int):
        """No edits of a drawing of this size."""
        self.edits: tuple[Edit, ...] = ()
        self._waiting = 0
        still, nowhere = fields.identity(height, width), np.zeros((height, width), np.uint8)
        self._found: Traced | None = _read_only(still, nowhere)
        self._earlier: Trace | None = None
        self._lock = threading.RLock()

    def followed_by(self, edit: Edit) -> "Trace":
        """The same edits, and one more."""
        if self._waiting >= _MOST_WAITING:
            _ = self.found
        later = object.__new__(Trace)
        later.edits, later._earlier, later._found = (*self.edits, edit), self, None
        later._lock, later._waiting = self._lock, self._waiting + 1
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
            while pending:  # what nobody asks for again goes as soon as the next one is found
                trace = pending.pop()
                found = trace._found = _read_only(*_extended(found, trace.edits))
                trace._earlier, trace._waiting = None, 0
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
    still = fields.identity(*traced.pieces.shape)
    field, pieces = traced.field.copy(), traced.pieces.copy()
    if isinstance(edit, Rest):
        box, inside = edit.area.box, edit.area.inside
        field[box][inside], pieces[box][inside] = still[box][inside], 0
        return Traced(field, pieces)
    points = edit(still.astype(np.float64))
    changed = (points != still).any(-1)
    origins, kinds = _trace_back(points[changed], before, pieces.shape)
    origins, kinds = origins.astype(np.float32), kinds | _kinds_of(edit, still[changed])
    # Differences from rounding do not count as a movement.
    field[changed] = np.where(np.abs(origins - still[changed]) < 1e-3, still[changed], origins)
    pieces[changed] = kinds
    return Traced(field, pieces)


def _trace_back(points, edits, shape) -> tuple[np.ndarray, np.ndarray]:
    """Traces (n, 2) points back through edits, as far as the last `Rest` that covers them.

    What lies outside of a drawing of this shape is what is mirrored there, as wherever one is looked at.

    Returns:
      (n, 2) where they come from, and (n,) uint8 of what pieces, as `Traced` has them.
    """
    points, is_moving, kinds = points.copy(), np.ones(len(points), bool), np.zeros(len(points), np.uint8)
    for edit in reversed(edits):
        outside = is_moving & ((points < 0) | (points > np.array(shape[::-1]) - 1)).any(-1)
        if outside.any():
            points[outside] = fold(points[outside], shape)
        if isinstance(edit, Rest):
            is_moving &= ~edit.area.covers(points)
            continue
        kinds[is_moving] |= _kinds_of(edit, points[is_moving])
        points[is_moving] = edit(points[is_moving])
    return points, kinds


def _kinds_of(edit: Move, points: np.ndarray) -> np.ndarray:
    """(n,) uint8: of what pieces of an edit points are, as `Traced` has them."""
    if isinstance(edit, Fill):
        return edit.area.covers(points) * np.uint8(FILLED)
    if not isinstance(edit, Shift):
        return np.zeros(len(points), np.uint8)
    laid, _ = edit.laid(points)
    if edit.left is None:
        return laid * np.uint8(LAID)
    return np.where(laid, np.uint8(LAID), edit.left.area.covers(points) * np.uint8(FILLED))


def may_pass(edits: Sequence[Edit]) -> bool:
    """Whether a region, on its way, may cover what a later fill is made of, or where that is."""
    for number, edit in enumerate(edits):
        if not isinstance(edit, Shift):
            continue
        low, high = edit.way
        for fill in fills_of(edits[number + 1 :]):
            rows, columns = fill.donors()
            points = np.stack([columns, rows], -1)
            if ((points >= low) & (points <= high)).all(-1).any():
                return True
    return False


def fills_of(edits: Iterable[Edit]) -> list[Fill]:
    """Those that complete something, alone or where something was moved from."""
    found = [edit.left if isinstance(edit, Shift) else edit for edit in edits]
    return [edit for edit in found if isinstance(edit, Fill)]


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
