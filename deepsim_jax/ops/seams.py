"""Evens out the colours of what was copied from elsewhere in a photo with what it was laid beside.

The light of a sky or of a table changes slowly over a photo; a part of it that is laid elsewhere shows as
a patch. The difference along the patch's border, as far as it looks like one of light and not like
the border of two things, is spread over the patch smoothly, and so its texture stays (the idea of Perez
et al., Poisson Image Editing, 2003, with a membrane that is found by averaging over halves of the size).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from deepsim_jax.ops.sampling import JUMP

LIGHT = 20.0
"""Levels of 0 to 255: a border's difference of this size counts .6 of none, a larger one soon nothing."""

_LEAST = 0.3  # a weight below which a border is one of two things

_SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0))  # (rows, columns) to a neighbour


def find_correction(
    image: np.ndarray, field: np.ndarray, patches: Sequence[np.ndarray]
) -> np.ndarray | None:
    """What has to be added to a copy so that it joins what stays in its place.

    Args:
      image: (h, w, 3) uint8, the source.
      field: (h, w, 2), along which it is copied.
      patches: (h, w) bool each, disjoint; each is evened out with what is in none of them around it.

    Returns:
      (h, w, 3) float32 levels, exactly 0 outside of the patches; None if nothing is to be added.
    """
    ground, found = ~np.logical_or.reduce(patches), None
    for patch in patches:
        levels = _correction_of(image, field, patch, ground) if patch.any() else None
        if levels is not None:
            found = levels if found is None else found + levels
    return found


def _correction_of(
    image: np.ndarray, field: np.ndarray, patch: np.ndarray, ground: np.ndarray
) -> np.ndarray | None:
    """What is to be added to one patch."""
    height, width = ground.shape
    rows, columns = (np.flatnonzero(patch.any(axis)) for axis in (1, 0))
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    box = slice(top, rows[-1] + 2), slice(left, columns[-1] + 2)
    inner, patch = field[box], patch[box]
    shape = patch.shape
    total, weights = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
    beyond, fields_beyond = np.pad(ground[box], 1), np.pad(inner, ((1, 1), (1, 1), (0, 0)))
    for row, column in _SIDES:
        side = slice(1 + row, 1 + row + shape[0]), slice(1 + column, 1 + column + shape[1])
        step, there = np.array([column, row], np.float32), fields_beyond[side]
        # Where what is copied goes on beyond the border there is none.
        here = patch & beyond[side] & (np.abs(there - inner - step).max(-1) > JUMP)
        if not here.any():
            continue
        difference = _at(image, there[here]).astype(np.float32) - _at(image, inner[here] + step)
        weight = np.exp(-0.5 * np.square(difference / LIGHT).sum(-1))
        weight[weight < _LEAST] = 0
        total[here] += difference * weight[:, None]
        weights[here] += weight
    if not weights.any():
        return None
    correction = np.zeros((height, width, 3), np.float32)
    correction[box] = np.where(patch[..., None], _spread(total, weights), 0)
    return correction


def even_out(picture: np.ndarray, correction: np.ndarray) -> np.ndarray:
    """Adds a correction to a picture of the same or a larger size, (H, W, 3) uint8, where it is not 0."""
    height, width = picture.shape[:2]
    changes = (correction != 0).any(-1).astype(np.uint8)
    # What rests at the photo's size stays as it is, also where a moving pixel is near.
    where = cv2.resize(changes, (width, height), interpolation=cv2.INTER_NEAREST) > 0
    enlarged = cv2.resize(correction, (width, height), interpolation=cv2.INTER_LINEAR)
    result = picture.copy()
    result[where] = np.clip(np.rint(picture[where] + enlarged[where]), 0, 255).astype(np.uint8)
    return result


def _at(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n, 3): the nearest pixels at (n, 2) points (x, y)."""
    height, width = image.shape[:2]
    columns, rows = np.rint(points).astype(int).T
    return image[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]


def _spread(total: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted means, spread to where no weight is, from ever coarser ones; 0 where none is near."""
    height, width = weights.shape
    known = np.minimum(weights, 1)[..., None]
    mean = total / np.maximum(weights, 1e-6)[..., None]
    if max(height, width) == 1:
        return mean * known
    half = ((width + 1) // 2, (height + 1) // 2)
    padded = [
        np.pad(plane, ((0, height % 2), (0, width % 2)) + ((0, 0),) * (plane.ndim - 2))
        for plane in (mean * known, known[..., 0])
    ]
    coarse = [plane.reshape(half[1], 2, half[0], 2, *plane.shape[2:]).sum((1, 3)) for plane in padded]
    below = cv2.resize(_spread(*coarse), (2 * half[0], 2 * half[1]), interpolation=cv2.INTER_LINEAR)
    return mean * known + (1 - known) * below[:height, :width]
