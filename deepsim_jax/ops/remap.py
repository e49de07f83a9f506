"""Samples a picture at positions, as OpenCV does, for pictures of every length."""

import cv2
import numpy as np

LIMIT = 32766
"""Longest side, in pixels, that `cv2.remap` takes."""

_TAPS = 5  # pixels around a position that a kernel may read


def remap(
    picture: np.ndarray, positions: np.ndarray, kernel: int, border: int = cv2.BORDER_REFLECT_101
) -> np.ndarray:
    """Samples at every position; in tiles where a side is longer than OpenCV allows.

    Args:
      picture: (H, W) or (H, W, C) with C <= 4.
      positions: (h, w, 2) float32 of (x, y) pixels, centres at whole numbers.
      kernel: `cv2.INTER_NEAREST`, `INTER_LINEAR`, `INTER_CUBIC` or `INTER_LANCZOS4`.
      border: `cv2.BORDER_REFLECT_101`, or `BORDER_REPLICATE` for `INTER_LINEAR`.

    Returns:
      (h, w) or (h, w, C) of the picture's type.
    """
    if max(*picture.shape[:2], *positions.shape[:2]) <= LIMIT:
        return cv2.remap(picture, positions[..., 0], positions[..., 1], kernel, borderMode=border)
    folded = fold(positions, picture.shape[:2], border)
    result = np.empty((*positions.shape[:2], *picture.shape[2:]), picture.dtype)
    whole = slice(0, positions.shape[0]), slice(0, positions.shape[1])
    _fill(result, picture, folded, kernel, border, whole)
    return result


def _fill(
    result: np.ndarray,
    picture: np.ndarray,
    positions: np.ndarray,
    kernel: int,
    border: int,
    tile: tuple[slice, slice],
) -> None:
    """Fills a tile of the result, in halves while it, or where it comes from, is too long."""
    sides = [part.stop - part.start for part in tile]
    at = positions[tile]
    low = np.maximum(np.floor(at.min((0, 1))).astype(int) - _TAPS, 0)
    high = np.ceil(at.max((0, 1))).astype(int) + _TAPS + 1
    if max(*sides, *(np.minimum(high, picture.shape[1::-1]) - low)) <= LIMIT:
        part = picture[low[1] : high[1], low[0] : high[0]]
        at = at - low.astype(np.float32)
        result[tile] = cv2.remap(part, at[..., 0], at[..., 1], kernel, borderMode=border)
        return
    axis = int(np.argmax(sides))
    middle = tile[axis].start + sides[axis] // 2
    for half in (slice(tile[axis].start, middle), slice(middle, tile[axis].stop)):
        _fill(
            result, picture, positions, kernel, border, (half, tile[1]) if axis == 0 else (tile[0], half)
        )


def fold(
    positions: np.ndarray, shape: tuple[int, int], border: int = cv2.BORDER_REFLECT_101
) -> np.ndarray:
    """The positions (..., 2) within a picture that goes on beyond its borders, of the same pixels.

    Args:
      positions: (x, y) in pixels.
      shape: (height, width) of the picture.
      border: as for `remap`.
    """
    last = np.array(shape[::-1], np.float32) - 1
    if border == cv2.BORDER_REPLICATE:
        return np.clip(positions, 0, last)
    turned = np.mod(positions, np.maximum(2 * last, 1))
    return np.minimum(turned, np.abs(2 * last - turned))
