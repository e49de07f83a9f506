"""Samples the photo's own pixels along a field, at the photo's own size."""

from collections.abc import Callable

import cv2
import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.ops.remap import remap

JUMP = 1.5
"""Neighbours of a field whose sources differ by this many pixels more than they should have jumped."""

_LEVELS = 5  # the photo's halves that are made at most, for where a field shrinks
_SOFT = 6  # pixels that a label's rounded border reaches: 3 of a blur, 2 of the cubic kernel
_GENTLE = 1.3  # shrinking by less than this is left to the kernel


def sample(
    photo: np.ndarray,
    field: np.ndarray,
    labels: np.ndarray | None = None,
    within: np.ndarray | None = None,
) -> np.ndarray:
    """Samples a photo along a field (Lanczos), averaging over areas where the field shrinks it.

    Where nothing moves the photo returns bit for bit.

    Args:
      photo: (H, W, 3) uint8.
      field: (h, w, 2) in pixels of an h x w source of the photo's aspect.
      labels: (h, w) int32 labels of the new drawing, or None. Where the field jumps at their border,
        the enlarged field jumps at the enlarged border instead of running from one to the other.
      within: (h, w) bool, where the result is wanted; None: everywhere. Elsewhere it may be the photo.

    Returns:
      (H, W, 3) uint8.
    """
    height, width = photo.shape[:2]
    moved = enlarge(field - fields.identity(*field.shape[:2]), (height, width), labels)
    moves = np.asarray(moved.any(-1))
    if within is not None:
        wanted = np.zeros((height, width), bool)
        wanted[_box(within, height, width)] = True
        moves &= wanted
    if not moves.any():
        return photo.copy()
    box = _box(moves, height, width)
    top, left = box[0].start, box[1].start
    shape = moves[box].shape
    where = moved[box] + (fields.identity(*shape) + np.array([left, top], np.float32))
    sampled = remap(photo, where, cv2.INTER_LANCZOS4)
    shrunk = fields.shrinking(field)
    if shrunk.max() > _GENTLE:
        level = np.log2(np.maximum(shrunk / _GENTLE, 1)).astype(np.float32)
        large = cv2.resize(level, (width, height), interpolation=cv2.INTER_LINEAR)[box]
        if (large > 0).any():
            sampled = _average(sampled, photo, where, large)
    result = photo.copy()
    result[box] = np.where(moves[box][..., None], sampled, result[box])
    if field.shape[:2] != (height, width):
        _fade_over_jumps(result, photo, field - fields.identity(*field.shape[:2]), labels, moves)
    return result


def _fade_over_jumps(
    result: np.ndarray,
    photo: np.ndarray,
    moved: np.ndarray,
    labels: np.ndarray | None,
    wanted: np.ndarray,
) -> None:
    """Between pixels of one label whose sources jump, fades from one's picture to the other's.

    There is nothing in the photo between their sources that should be shown. Changes `result`.

    Args:
      result, photo: (H, W, 3) uint8.
      moved: (h, w, 2) displacement.
      labels: as for `sample`.
      wanted: (H, W) bool, the pixels that may change.
    """
    if min(moved.shape[:2]) < 2:
        return
    if labels is None:
        labels = np.zeros(moved.shape[:2], np.int32)
    cells = _cells_of_jumps(moved, labels)
    if not cells.any():
        return
    (height, width), (h, w) = photo.shape[:2], moved.shape[:2]
    scale = np.array([width / w, height / h], np.float32)
    y, x = ((np.arange(n) + 0.5) * (m / n) - 0.5 for n, m in ((height, h), (width, w)))
    top, left = (np.clip(np.floor(at).astype(int), 0, m - 2) for at, m in ((y, h), (x, w)))
    rows, columns = np.nonzero(cells[np.ix_(top, left)] & wanted)
    down, right = np.clip(y - top, 0, 1)[rows], np.clip(x - left, 0, 1)[columns]
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    places = [(top[rows] + row, left[columns] + column) for row, column in corners]
    shares = np.stack(
        [np.abs(1 - row - down) * np.abs(1 - column - right) for row, column in corners], -1
    )
    names = np.stack([labels[place] for place in places], -1)
    # The label of the largest share is shown.
    alike = names[:, :, None] == names[:, None, :]
    best = (alike * shares[:, None, :]).sum(-1).argmax(-1)
    shares = shares * np.take_along_axis(alike, best[:, None, None], 1)[:, 0]
    shares /= shares.sum(-1, keepdims=True)
    own = np.stack([columns, rows], -1).astype(np.float32)
    total = np.zeros((len(rows), 3), np.float32)
    for number, place in enumerate(places):
        where = np.flatnonzero(shares[:, number] > 0)
        if len(where):
            positions = own[where] + moved[tuple(axis[where] for axis in place)] * scale
            total[where] += shares[where, number, None] * _remap_points(photo, positions)
    result[rows, columns] = np.clip(np.rint(total), 0, 255).astype(np.uint8)


def _cells_of_jumps(moved: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(h - 1, w - 1) bool: squares of four pixels, two neighbours of which have one label and jump."""
    down = _jumping_steps(moved, labels)
    across = _jumping_steps(moved.swapaxes(0, 1), labels.T).T
    return down[:, :-1] | down[:, 1:] | across[:-1] | across[1:]


def _jumping_steps(moved: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(h - 1, w) bool: steps downwards within a label that are long, and unlike the next ones.

    Where a field shrinks the source much, steps are long, too, but alike.
    """
    steps = np.diff(moved, axis=0)
    longest = np.abs(steps).max(-1)
    turns = np.abs(np.diff(steps, axis=0)).max(-1)
    unlike = np.pad(turns, ((1, 1), (0, 0)), constant_values=np.inf)
    least = np.minimum(unlike[:-1], unlike[1:])
    return (labels[1:] == labels[:-1]) & (longest > JUMP) & (least > 0.5 * longest)


def _remap_points(photo: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """(n, 3) samples at (n, 2) positions; OpenCV wants pictures, of fewer than 2^15 rows."""
    width = 4096
    padded = np.pad(positions, ((0, -len(positions) % width), (0, 0)))
    sampled = remap(photo, padded.reshape(-1, width, 2), cv2.INTER_LANCZOS4)
    return sampled.reshape(-1, 3)[: len(positions)]


def _box(mask: np.ndarray, height: int, width: int) -> tuple[slice, slice]:
    """The rows and columns of a picture of this size that a mask's pixels touch, with one around them."""
    if not mask.any():
        return slice(0, 0), slice(0, 0)
    slices = []
    for axis, length in ((1, height), (0, width)):
        places, scale = np.flatnonzero(mask.any(axis)), length / mask.shape[1 - axis]
        first, last = int((places[0] - 1) * scale), int(np.ceil((places[-1] + 2) * scale))
        slices.append(slice(max(first, 0), min(last, length)))
    return slices[0], slices[1]


def enlarge(
    moved: np.ndarray,
    size: tuple[int, int],
    labels: np.ndarray | None = None,
) -> np.ndarray:
    """A (h, w, 2) displacement at another size, as (H, W, 2) float32 in pixels of that size.

    Args:
      moved: the displacement.
      size: (H, W).
      labels: as for `sample`.
    """
    height, width = size
    if moved.shape[:2] == (height, width):
        return moved.astype(np.float32)
    scale = np.array([width / moved.shape[1], height / moved.shape[0]], np.float32)
    large = cv2.resize(moved, (width, height), interpolation=cv2.INTER_CUBIC)
    still = cv2.resize((moved != 0).any(-1).astype(np.uint8), (width, height)) == 0
    large[still] = 0  # the cubic kernel reaches where the nearest pixels all rest
    if labels is not None:
        jumps = _jumps(moved)
        if jumps.any():
            _separate(large, moved, labels, jumps)
    return large * scale


def _jumps(moved: np.ndarray) -> np.ndarray:
    """(h, w) bool: pixels on either side of a jump of the displacement, and their neighbours."""
    jumps = np.zeros(moved.shape[:2], np.uint8)
    across = np.abs(np.diff(moved, axis=1)).max(-1) > JUMP
    down = np.abs(np.diff(moved, axis=0)).max(-1) > JUMP
    jumps[:, 1:] |= across
    jumps[:, :-1] |= across
    jumps[1:] |= down
    jumps[:-1] |= down
    return cv2.dilate(jumps, np.ones((3, 3), np.uint8)) > 0


def _separate(
    large: np.ndarray,
    moved: np.ndarray,
    labels: np.ndarray,
    jumps: np.ndarray,
) -> None:
    """Enlarges the displacement of each label separately near jumps; changes `large`."""
    size = large.shape[1::-1]
    near = cv2.resize(jumps.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    around = cv2.dilate(jumps.astype(np.uint8), np.ones((2 * _SOFT + 1, 2 * _SOFT + 1), np.uint8)) > 0
    masks = {int(name): labels == name for name in np.unique(labels[jumps])}
    boxes = {name: _wider_box(mask & around, _SOFT) for name, mask in masks.items()}
    full_labels = _labels_near_jumps(masks, boxes, large.shape[:2])
    for name, mask in masks.items():
        where = _enlarged_box(boxes[name], labels.shape, large.shape[:2])
        share = _resized(mask.astype(np.float32), large.shape[:2], where, _linear)
        ours = near[where] & (full_labels[where] == name) & (share > 1e-3)
        total = _resized(moved * mask[..., None], large.shape[:2], where, _linear)
        large[where][ours] = total[ours] / share[ours][:, None]


def _labels_near_jumps(
    masks: dict[int, np.ndarray],
    boxes: dict[int, tuple[slice, slice]],
    size: tuple[int, int],
) -> np.ndarray:
    """The likeliest label at each pixel of a larger size, with rounded borders; only near jumps.

    Args:
      masks: name -> bool (h, w).
      boxes: name -> rows and columns of that mask outside of which it does not count.
      size: (H, W).
    """
    best, result = np.full(size, -np.inf, np.float32), np.zeros(size, np.int32)
    for name, mask in masks.items():
        where = _enlarged_box(boxes[name], mask.shape, size)
        soft = _resized(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7), size, where, _cubic)
        better = soft > best[where]
        best[where][better], result[where][better] = soft[better], name
    return result


def _wider_box(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return (
        slice(max(rows[0] - margin, 0), min(rows[-1] + margin + 1, mask.shape[0])),
        slice(max(columns[0] - margin, 0), min(columns[-1] + margin + 1, mask.shape[1])),
    )


def _enlarged_box(
    box: tuple[slice, slice], small: tuple[int, int], size: tuple[int, int]
) -> tuple[slice, slice]:
    """All pixels of another size that a box reaches."""
    rows, columns = (
        slice(
            max(int(part.start * full / side) - 1, 0),
            min(int(np.ceil(part.stop * full / side)) + 1, full),
        )
        for part, side, full in zip(box, small, size, strict=True)
    )
    return rows, columns


def _resized(
    plane: np.ndarray,
    size: tuple[int, int],
    box: tuple[slice, slice],
    kernel: Callable[[np.ndarray], list[np.ndarray]],
) -> np.ndarray:
    """A box of a float32 plane at another size, to the last bit as if all of it had been resized."""
    for axis, (part, full) in enumerate(zip(box, size, strict=True)):
        side = plane.shape[axis]
        at = ((np.arange(part.start, part.stop) + 0.5) * (side / full) - 0.5).astype(np.float32)
        first = np.floor(at)
        shares = kernel(at - first)
        places = first.astype(int) + 1 - len(shares) // 2
        shape = (-1, *[1] * (plane.ndim - 1 - axis))
        plane = sum(
            np.take(plane, np.clip(places + number, 0, side - 1), axis) * share.reshape(shape)
            for number, share in enumerate(shares)
        )
    return plane


def _linear(t: np.ndarray) -> list[np.ndarray]:
    return [1 - t, t]


def _cubic(t: np.ndarray) -> list[np.ndarray]:
    """Shares of four neighbours, as of OpenCV's cubic kernel."""
    sharp = np.float32(-0.75)
    outer, inner = t + 1, 1 - t
    shares = [
        ((sharp * outer - 5 * sharp) * outer + 8 * sharp) * outer - 4 * sharp,
        ((sharp + 2) * t - (sharp + 3)) * t * t + 1,
        ((sharp + 2) * inner - (sharp + 3)) * inner * inner + 1,
    ]
    return [*shares, 1 - shares[0] - shares[1] - shares[2]]


def _average(
    result: np.ndarray, photo: np.ndarray, positions: np.ndarray, level: np.ndarray
) -> np.ndarray:
    """Blends in the photo's halves, quarters and so on where a field shrinks it by so much."""
    rows, columns = np.nonzero(level > 0)
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    positions, level = positions[box], np.minimum(level[box], _LEVELS)
    mixed = result[box] * np.maximum(1 - level, 0)[..., None]
    for number in range(1, int(np.ceil(level.max())) + 1):
        if min(photo.shape[:2]) < 4:
            break
        size = photo.shape[:2]
        photo = cv2.resize(photo, ((size[1] + 1) // 2, (size[0] + 1) // 2), interpolation=cv2.INTER_AREA)
        scale = np.array([photo.shape[1] / size[1], photo.shape[0] / size[0]], np.float32)
        positions = (positions + np.float32(0.5)) * scale - np.float32(0.5)
        weight = np.maximum(1 - np.abs(level - number), 0)
        mixed += remap(photo, positions, cv2.INTER_CUBIC) * weight[..., None]
    result[box] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return result
