"""Edge maps: finding them in a photo, reading drawn ones, thinning, and their offset field.

An edge map is a (H, W) bool array, True on an edge. Which colour an edge has in a primitive is the
business of `primitives`.
"""

import cv2
import numpy as np
from scipy import ndimage
from skimage.color import rgb2gray
from skimage.feature import canny
from skimage.morphology import skeletonize

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.primitives.line_drawings import find_lines

NO_EDGE = 1e4
"""Offset in pixels, in x and in y, that stands for "there is no edge anywhere"."""

_FEW = 8  # pixels: fewer of a tone are no drawing in it


def canny_edges(image: np.ndarray, *, sigma: float) -> np.ndarray:
    """Canny edges of a photo (scikit-image's detector and thresholds, on the luminance).

    Args:
      image: (H, W, 3) uint8.
      sigma: width in pixels of the Gaussian that smooths the photo first, above 0. More gives
        fewer, longer and rounder lines.

    Returns:
      (H, W) bool, lines about one pixel wide.
    """
    if not (np.isfinite(sigma) and sigma > 0):
        raise UserError(f"edge sigma {sigma}: give a number of pixels above 0, for example 2.0")
    return canny(rgb2gray(image), sigma=sigma)


def read_edges(source, *, name: str = "edges") -> np.ndarray:
    """Reads a drawn edge map from a path or an array; the rarer of dark and light is the line.

    So black lines on white and white lines on black are both understood, and lines on paper that is not
    plain (`line_drawings`). Transparency is the background: behind lines of one tone alone, and where a
    part of a drawing was erased. A bool array is taken as it is, True on an edge.

    Returns:
      (H, W) bool, as thick as it was drawn.

    Raises:
      UserError: as in `images.io.read_image`.
    """
    if isinstance(source, np.ndarray) and source.dtype == bool and source.ndim == 2:
        return source
    pixels = images.read_pixels(source, name=name)
    return find_lines(images.flatten(pixels, _background(pixels)), white=None, name=name)


def _background(pixels) -> int:
    """The tone behind what is transparent: the commoner one of what is painted, or the other of one."""
    alpha = images.shape_of(pixels)
    if alpha is None:
        return 255
    light = rgb2gray(images.flatten(pixels[..., :3]))[alpha[..., 0] > 0.5] >= 0.5
    bright, dark = np.count_nonzero(light), np.count_nonzero(~light)
    if min(bright, dark) < _FEW:
        bright, dark = dark, bright
    return 255 if bright >= dark else 0


def thin_edges(mask: np.ndarray) -> np.ndarray:
    """Reduces (H, W) bool lines of any thickness to one pixel, keeping what is connected.

    Thinning a thinned map changes nothing. (Zhang and Suen, "A fast parallel algorithm for thinning
    digital patterns", 1984, by scikit-image.)
    """
    return skeletonize(mask)


def resize_edges(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Shrinks an edge map without breaking its lines, which are thinned.

    The nearest-pixel rule would lose most of a thin line. Here a pixel is an edge if lines pass
    through a good part of it.

    Args:
      mask: (H, W) bool; returned as it is if it has that size already.
      height, width: pixels, not more than H and W.
    """
    if mask.shape == (height, width):
        return mask
    coverage = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    # A line of one old pixel through a new one covers `scale` of it, or half that where it runs
    # along the border of two.
    scale = max(height / mask.shape[0], width / mask.shape[1])
    return thin_edges(coverage > 0.4 * scale)


def edge_offsets(mask: np.ndarray) -> np.ndarray:
    """Offset from each pixel's centre to the nearest point of the line through the edge pixels.

    The line joins the centres of neighbouring edge pixels, diagonal neighbours only where no edge
    pixel joins them at a right angle. Its distance from a pixel's centre is attained at a pixel's
    centre or half way between two of them, so that a distance transform at twice the resolution is
    exact.

    Args:
      mask: (H, W) bool.

    Returns:
      (H, W, 2) float32, (x, y) in pixels; 0 on an edge; `NO_EDGE` everywhere if there is none.
    """
    if not mask.any():
        return np.full((*mask.shape, 2), NO_EDGE, np.float32)
    line = _doubled(mask)
    nearest = ndimage.distance_transform_edt(~line, return_distances=False, return_indices=True)[
        :, ::2, ::2
    ]
    rows, columns = np.indices(mask.shape)
    return np.stack([nearest[1] / 2 - columns, nearest[0] / 2 - rows], axis=-1).astype(np.float32)


def _doubled(mask: np.ndarray) -> np.ndarray:
    """(2H-1, 2W-1) map of the edge pixels and the midpoints between linked ones."""
    height, width = mask.shape
    line = np.zeros((2 * height - 1, 2 * width - 1), bool)
    line[::2, ::2] = mask
    line[1::2, ::2] = mask[1:] & mask[:-1]
    line[::2, 1::2] = mask[:, 1:] & mask[:, :-1]
    top_left, top_right = mask[:-1, :-1], mask[:-1, 1:]
    bottom_left, bottom_right = mask[1:, :-1], mask[1:, 1:]
    falling = top_left & bottom_right & ~(top_right | bottom_left)
    rising = top_right & bottom_left & ~(top_left | bottom_right)
    full = top_left & bottom_right & top_right & bottom_left
    line[1::2, 1::2] = falling | rising | full
    return line
