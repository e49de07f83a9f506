"""Fields: for each pixel of a new drawing, where in the source it comes from.

A field is a (h, w, 2) float32 array of (x, y) in pixels of the source at the drawing's size, pixel
centres at whole numbers (see `geometry.grid`). What lies outside of the source is mirrored at the outer
pixels' centres, as everywhere in this package. A displacement is a field less `identity`.
"""

from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from deepsim_jax.ops.remap import remap

SPECK = 3
"""Side of a square, in pixels. Wrong labels that fill it are an edit; thinner ones are a border that the
field misses by about a pixel, and copying single pixels there would only fray it."""

_NEAR = 12  # pixels

RESTING = 0.1, 0.3
"""Pixels: an estimated movement below the first counts as none, one above the second in full."""


def identity(height: int, width: int) -> np.ndarray:
    """(height, width, 2) float32: every pixel comes from where it is."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([x, y], axis=-1)


def compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The field of two edits made one after the other.

    Args:
      second: field of the later edit; it leads into the picture that the earlier one made.
      first: smooth field of the earlier edit, which leads from there into the source.

    Returns:
      (h, w, 2) float32. Outside of its frame the earlier edit goes on as at its border.
    """
    height, width = first.shape[:2]
    moved = first - identity(height, width)
    return second + remap(moved, second, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)


def look_up(plane: np.ndarray, field: np.ndarray) -> np.ndarray:
    """The nearest pixels of an (H, W) or (H, W, C) plane of labels at a field; invents no label."""
    rounded = np.rint(field).astype(np.float32)  # OpenCV's own rounding is of 1/32 px positions
    return remap(plane, rounded, cv2.INTER_NEAREST)


def interpolate(planes: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Bilinear samples of (H, W, C) float32 or uint8 planes at a field, (h, w, C)."""
    groups = [
        remap(np.ascontiguousarray(planes[..., first : first + 4]), field, cv2.INTER_LINEAR)
        for first in range(0, planes.shape[-1], 4)
    ]
    return np.concatenate([group.reshape(*field.shape[:2], -1) for group in groups], axis=-1)


class Ruled(NamedTuple):
    """What the label rule made of a field.

    Attributes:
      field: (h, w, 2), redirected.
      wrong: (h, w) bool, the pixels that the given field copies from another label. Some of these stay as
        they are: those of a label that is rightly copied nowhere, and thin borders.
      reach: (h, w) float32, how many pixels away that one is whose source a redirected one takes:
        infinite where its label is rightly copied nowhere, 0 for all others.
    """

    field: np.ndarray
    wrong: np.ndarray
    reach: np.ndarray


def apply_label_rule(
    field: np.ndarray, source: np.ndarray, wanted: np.ndarray, wrong: np.ndarray | None = None
) -> Ruled:
    """Redirects pixels that would be copied from a wrong label to the nearest pixel of the right one.

    Args:
      field: (h, w, 2).
      source: (h, w) int32 labels of the source's drawing.
      wanted: (h, w) int32 labels of the new drawing.
      wrong: (h, w) bool, what would be copied from a wrong place; None: where labels differ.
    """
    if wrong is None:
        wrong = look_up(source, field) != wanted
    reach = np.zeros(wrong.shape, np.float32)
    if not wrong.any():
        return Ruled(field, wrong, reach)
    square = np.ones((SPECK, SPECK), np.uint8)
    areas = cv2.morphologyEx(wrong.astype(np.uint8), cv2.MORPH_OPEN, square) > 0
    ruled = field.copy()
    for label in np.unique(wanted[areas]):
        of_label = wanted == label
        right, redirected = of_label & ~wrong, of_label & areas
        if not right.any():
            reach[redirected] = np.inf
            continue
        rows, columns = nearest(right, redirected)
        ruled[redirected] = field[rows, columns]
        own_rows, own_columns = np.nonzero(redirected)
        reach[redirected] = np.hypot(rows - own_rows, columns - own_columns)
    return Ruled(ruled, wrong, reach)


def nearest(candidates: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the candidate that is nearest to each pixel.

    The search begins in a box around the pixels: a candidate nearer than the box's margin is the nearest
    of all.

    Args:
      candidates: bool (h, w), True somewhere.
      pixels: bool (h, w), True somewhere.
    """
    margin, (height, width) = _NEAR, pixels.shape
    places = [np.flatnonzero(pixels.any(axis)) for axis in (1, 0)]
    while True:
        top, left = (max(int(place[0]) - margin, 0) for place in places)
        bottom, end = (int(place[-1]) + margin + 1 for place in places)
        box = slice(top, bottom), slice(left, end)
        whole = top == 0 and left == 0 and bottom >= height and end >= width
        if candidates[box].any():
            distances, (rows, columns) = ndimage.distance_transform_edt(
                ~candidates[box], return_indices=True
            )
            inside = pixels[box]
            if whole or distances[inside].max() <= margin:
                return rows[inside] + top, columns[inside] + left
        margin *= 4


def settle(field: np.ndarray) -> np.ndarray:
    """Sets movements below an estimate's accuracy to exactly zero, and fades in larger ones.

    So a picture equals its photo, bit for bit, where nothing is edited, and joins it without a seam.
    """
    still = identity(*field.shape[:2])
    moved = field - still
    share = (np.linalg.norm(moved, axis=-1, keepdims=True) - RESTING[0]) / (RESTING[1] - RESTING[0])
    share = np.clip(share, 0, 1)
    return still + moved * (share * share * (3 - 2 * share))


def shrinking(field: np.ndarray) -> np.ndarray:
    """(h, w) float32: by how much a field shrinks the source, as the root of areas; below 1 it enlarges.

    The smaller of the steps to both neighbours counts, so that a jump of the field is no shrinking.
    """
    shrunk = np.ones(field.shape[:2], np.float32)
    moves = (field != identity(*field.shape[:2])).any(-1)
    if not moves.any():
        return shrunk
    # Where a pixel and its neighbours rest nothing shrinks.
    rows, columns = (np.flatnonzero(moves.any(axis)) for axis in (1, 0))
    top, left = max(rows[0] - 2, 0), max(columns[0] - 2, 0)
    part = field[top : rows[-1] + 3, left : columns[-1] + 3]
    across, down = (_shorter_steps(part, axis) for axis in (1, 0))
    shrunk[top : top + part.shape[0], left : left + part.shape[1]] = np.sqrt(
        np.abs(across[0] * down[1] - across[1] * down[0])
    )
    return shrunk


def _shorter_steps(field: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """(x, y), each (h, w): the shorter of the steps to the pixels before and after along an axis."""
    padding = [(0, 0), (0, 0)]
    padding[axis] = (1, 1)
    steps = [
        np.pad(np.diff(field[..., number], axis=axis), padding, constant_values=np.inf)
        for number in (0, 1)
    ]
    before, after = (
        [np.take(component, range(first, first + field.shape[axis]), axis) for component in steps]
        for first in (0, 1)
    )
    first = np.hypot(*before) <= np.hypot(*after)
    x, y = (np.where(first, *pair) for pair in zip(before, after, strict=True))
    return x, y


def distances(lines: np.ndarray) -> np.ndarray:
    """(h, w) float32 distances to the nearest of (h, w) bool lines; 10,000 if there are none."""
    if not lines.any():
        return np.full(lines.shape, 1e4, np.float32)
    return cv2.distanceTransform(1 - lines.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
