"""Finds the pixels that an edit changed, apart from the changes that a file format made.

Pictures come back from paint programs with more than the edit in them: saved as JPEG, or rounded by one.
Two explanations are tried. Either the file is lossless (some detailed blocks are equal, bit for bit), and
every difference above rounding is an edit. Or it was compressed: then the old picture is compressed in
the same way, at the strength that explains most of the new one. This shows how much each place may differ
without an edit: much near sharp borders, nearly nothing on flat ground.
"""

import logging
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

log = logging.getLogger("deepsim_jax")

ROUNDING = 2
"""Grey levels by which a program may round what it does not edit."""

MUCH = 0.5
"""If more than this share of a picture counts as changed or as masked, the user is warned."""

_BLOCK = 8  # pixels: JPEG's own
_REACH = 2 * _BLOCK  # how far compression with halved colours carries a border
_DETAIL = 8  # grey levels within a block above which compression cannot leave it as it is
_UNTOUCHED = 0.1  # share of equal detailed blocks that a compression hardly leaves
_SURELY = 0.6  # and that it never leaves
_EXPLAINED = 0.25  # share of detailed blocks that shows that the very same encoder was at work
_SEARCHED = 512  # pixels: side of what the strength is searched on
_QUALITIES = (50, 60, 70, 75, 80, 85, 90, 95, 98, 100)
_SUBSAMPLINGS = (2, 1, 0)  # colours halved in both directions, in one, in none
_CLIPPED = 20  # grey levels: an edit must not decide which strength explains the rest
_SMALLEST = 1e-5  # part of the picture: smaller spots of a compressed one are noise


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where a picture was edited, whatever file format it went through.

    It misses differences of up to `ROUNDING` grey levels; in a compressed file also edits that are weaker
    than the compression's own noise in that place, and spots of less than four pixels.

    Args:
      before: uint8 (H, W, 3).
      after: uint8 (H, W, 3), the same picture, edited.

    Returns:
      bool (H, W).
    """
    difference = _difference(before, after)
    strength = _strength(before, after, difference)
    if strength is None:
        return difference > ROUNDING
    return _beyond_compression(before, after, difference, strength)


def redrawn(
    before: np.ndarray, after: np.ndarray, cleaned_before: np.ndarray, cleaned_after: np.ndarray
) -> np.ndarray:
    """Where a drawing of few colours was edited: `changed`, and of another colour of the palette too.

    Args:
      before, after: uint8 (H, W, 3), as they were given.
      cleaned_before, cleaned_after: the same in the colours of the palette.

    Returns:
      bool (H, W).
    """
    differing = (cleaned_before != cleaned_after).any(axis=-1)
    if not differing.any() or _has_colors_of(after, cleaned_before, cleaned_after):
        return differing  # no colour but the palette's: nothing was compressed
    difference = _difference(before, after)
    strength = _strength(before, after, difference)
    if strength is None:
        return differing
    return differing & _beyond_compression(before, after, difference, strength)


def _has_colors_of(picture, *references) -> bool:
    """Whether a picture has no colour that the others have not."""
    colors = np.unique(np.concatenate([np.unique(_packed(reference)) for reference in references]))
    return bool(np.isin(_packed(picture), colors).all())


def _packed(picture):
    """(H, W) uint32: colours as numbers."""
    red, green, blue = np.moveaxis(picture.astype(np.uint32), -1, 0)
    return red << 16 | green << 8 | blue


def solid(found: np.ndarray) -> np.ndarray:
    """The connected parts of a mask, bool (H, W), that are somewhere two pixels thick.

    Where a noisy drawing was shrunk, borders and lines wander by a pixel.
    """
    core = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0
    _, labels = cv2.connectedComponents(found.astype(np.uint8), connectivity=8)
    return found & np.isin(labels, np.unique(labels[core]))


def warn_of_much(mask: np.ndarray, what: str, advice: str) -> None:
    """Says in a warning where a mask covers more of a picture than an edit usually does."""
    share = float(mask.mean())
    if share > MUCH:
        log.warning("%s: %.1f %% of the picture; %s", what, 100 * share, advice)


def _detailed(picture):
    grey = _largest(picture)
    return _blocks(grey, np.max).astype(int) - _blocks(grey, np.min) > _DETAIL


def _blocks(plane, statistic):
    """A statistic of every block of (H, W); incomplete ones at the border are filled by repetition."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % _BLOCK), (0, -width % _BLOCK)), mode="edge")
    rows, columns = padded.shape[0] // _BLOCK, padded.shape[1] // _BLOCK
    return statistic(padded.reshape(rows, _BLOCK, columns, _BLOCK), axis=(1, 3))


def _beyond_compression(before, after, difference, strength):
    alike = _compressed(before, *strength)
    residual = _difference(alike, after)
    detailed = _detailed(before)
    explained = (_blocks(residual, np.max) <= ROUNDING)[detailed]
    exactly = explained.size and explained.mean() >= _EXPLAINED
    gain, floor = 1.0, ROUNDING + 1
    if not exactly:  # another encoder: only the amount of noise is known, which may match no quality
        gain, floor = 1.5, floor + min(4 * float(np.median(difference)), _CLIPPED)
        strength = _as_noisy(before, _blocks(difference, np.max)[detailed], detailed)
        alike = _compressed(before, *strength)
    noise = _difference(alike, before)
    edited = difference > floor + gain * _around(noise)
    # A border that the edit added has noise of its own.
    pasted = np.where(edited[..., None], after, before)
    recompressed = _compressed(pasted, *strength)
    noise = np.maximum(noise, _difference(recompressed, pasted))
    edited = difference > floor + gain * _around(noise)
    # Weak but even changes: compression leaves the means of blocks alone.
    shift = _mean(np.where(edited[..., None], before, after), before)
    least = ROUNDING + (floor - ROUNDING) / 8 + 1.5 * _around(_mean(recompressed, pasted))
    edited |= (shift > least) & (difference > ROUNDING)
    if exactly:
        edited &= cv2.dilate((residual > ROUNDING).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return _without_specks(edited)


def _as_noisy(before, noise_levels, detailed):
    """The highest quality, with halved colours, whose noise in most detailed blocks is as large."""
    for quality in reversed(_QUALITIES):
        noise = _difference(_compressed(before, quality, 2), before)
        if not noise_levels.size or np.median(_blocks(noise, np.max)[detailed]) >= np.median(
            noise_levels
        ):
            break
    return quality, 2


def _around(noise):
    """The largest noise within the distance to which compression spreads it."""
    return cv2.dilate(noise.astype(np.float32), np.ones((_REACH + 1, _REACH + 1), np.uint8))


def _mean(a, b):
    """The mean difference of two pictures around each pixel, in the channel where it is largest."""
    signed = cv2.blur(a.astype(np.float32) - b.astype(np.float32), (_BLOCK + 1, _BLOCK + 1))
    return np.abs(signed).max(axis=-1)


def _without_specks(mask):
    smallest = max(4, round(_SMALLEST * mask.size))
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    large = statistics[:, cv2.CC_STAT_AREA] >= smallest
    large[0] = False
    return mask & large[labels]


def _strength(before, after, difference) -> tuple[int, int] | None:
    """The JPEG quality and subsampling that explain most of the difference; None: a lossless file.

    It is lossless if detailed blocks (any blocks, if none has details) are equal bit for bit.
    """
    equal, detailed = _blocks(difference, np.max) == 0, _detailed(before)
    share = (equal[detailed] if detailed.any() else equal).mean()
    if share >= _SURELY:
        return None
    before, after = _samples(before), _samples(after)

    def unexplained(setting):
        return _unexplained(_compressed(before, *setting), after)

    coarse = min(((q, s) for q in _QUALITIES for s in _SUBSAMPLINGS), key=unexplained)
    near = range(max(30, coarse[0] - 5), min(100, coarse[0] + 5) + 1)
    best = min(((q, coarse[1]) for q in near), key=unexplained)
    # Straight borders survive a weak compression; it then explains more than no compression does.
    if share >= _UNTOUCHED and _unexplained(before, after) <= unexplained(best):
        return None
    return best


def _difference(a, b):
    """(H, W) uint8, by how much two pictures differ in the channel where they do most."""
    return _largest(cv2.absdiff(a, b))


def _largest(picture):
    return cv2.max(cv2.max(picture[..., 0], picture[..., 1]), picture[..., 2])


def _unexplained(expected, actual) -> float:
    return np.minimum(_difference(expected, actual), _CLIPPED).mean()


def _samples(picture):
    """The picture, or if it is large tiles from all over it that begin where its blocks begin."""
    height, width = picture.shape[:2]
    if height * width <= _SEARCHED**2:
        return picture
    count, side = 4, _SEARCHED // 4
    rows, columns = (
        np.linspace(0, max(0, length - side), count).astype(int) // _REACH * _REACH
        for length in (height, width)
    )
    return np.block([[[picture[y : y + side, x : x + side]] for x in columns] for y in rows])


def _compressed(picture, quality, subsampling):
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(buffer))
