"""Label maps: drawings whose grey levels are the numbers of classes, not colours to look at.

Annotation tools and data sets store 0, 1, 2, ... (also times a factor, counted from 1, or with 255 for
"void") with 8 or 16 bits. Nobody can tell such greys apart, so each number is shown in a colour of its
own, always the same one: that of Pascal VOC's colour map, kept away from black and white, which lines may
have. The colours lead back to the numbers.
"""

import functools
import logging

import numpy as np

from deepsim_jax.primitives.palettes import MAX_COLORS, Palette

log = logging.getLogger("deepsim_jax")

DISTINCT = 6
"""Greys of which each is at least this far from the next are colours, as in published segmentations."""

_DARKEST, _BRIGHTEST = 48, 207  # channels of the colours that are shown
_FULL = 252  # largest channel of the colour map with 16 bits
_EVEN = 0.6  # share of neighbouring pixels of one number in a map; noise has a third
_LONELY = 0.3  # share of equal neighbours below which a level is that of thin lines, borders or noise
_FEW, _LEVELS = 0.01, 0.25  # such levels have at most this share of a map's pixels, and of its levels
_SHADES, _STEPS = 12, 0.9  # this many levels, mostly beside the next one, are a gradient


def numbers_in(levels: np.ndarray) -> tuple[int, ...] | None:
    """The class numbers in a grey picture, ascending; None if it is not a label map.

    A label map has few levels, some closer together than `DISTINCT` of 256 (otherwise they are colours),
    in flat areas without soft borders, noise or gradients.

    Args:
      levels: (H, W) uint8 or uint16.
    """
    distinct, index = np.unique(levels, return_inverse=True)
    if not 2 <= len(distinct) <= MAX_COLORS:
        return None
    scale = 257 if levels.dtype == np.uint16 else 1
    if np.diff(distinct.astype(np.int64)).min() >= DISTINCT * scale:
        return None
    index = index.reshape(levels.shape)
    pairs = np.concatenate(
        [
            np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()]),
            np.stack([index[:-1].ravel(), index[1:].ravel()]),
        ],
        axis=1,
    )
    equal = pairs[0] == pairs[1]
    neighbours = np.bincount(pairs.ravel(), minlength=len(distinct))
    lonely = 2 * np.bincount(pairs[0][equal], minlength=len(distinct)) < _LONELY * neighbours
    if (
        equal.mean() < _EVEN
        or neighbours[lonely].sum() > _FEW * neighbours.sum()
        or lonely.mean() > _LEVELS
    ):
        return None
    steps = np.abs(np.diff(pairs[:, ~equal], axis=0))
    if len(distinct) >= _SHADES and (steps == 1).mean() > _STEPS:
        return None
    return tuple(int(number) for number in distinct)


def to_numbers(levels: np.ndarray) -> np.ndarray:
    """16-bit levels that are shifted or repeated 8-bit numbers become these; others stay unchanged."""
    if levels.dtype == np.uint16 and levels.any():
        for factor in (257, 256):
            if not (levels % factor).any():
                return levels // factor
    return levels


def to_colors(levels: np.ndarray) -> np.ndarray:
    """A label map in the colours of its numbers: (H, W) uint8 or uint16 -> (H, W, 3) uint8."""
    return _colors()[levels]


def numbers_of(palette: Palette | None) -> tuple[int, ...] | None:
    """The class numbers that a palette shows, in its order; None if it is not one of a label map."""
    numbers = [_numbers().get(tuple(color)) for color in palette or ()]
    return tuple(numbers) if numbers and None not in numbers else None


@functools.cache
def _colors():
    """(65536, 3) uint8: VOC's colour map, whose bits go to red, green and blue in turn, for 16 bits."""
    number, colors = np.arange(2**16), np.zeros((2**16, 3), np.int64)
    for bit in range(16):
        colors[:, bit % 3] |= ((number >> bit) & 1) << (7 - bit // 3)
    span = (_BRIGHTEST - _DARKEST) / _FULL
    return np.rint(_DARKEST + colors * span).astype(np.uint8)


@functools.cache
def _numbers():
    return {tuple(color): number for number, color in enumerate(_colors().tolist())}
