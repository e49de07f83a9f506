"""Finding the lines of a drawing: clean ones, grey ones, and pencil on paper that was photographed.

A clean drawing has a background of one tone, and its lines are the pixels on the other side of middle
grey. Otherwise lines are what is darker (or, as chalk, lighter) than the paper around them, which a
median shows: shadows are paper. How much darker is decided by the lines' contrast and the paper's noise.
"""

import logging

import cv2
import numpy as np
from skimage.filters import apply_hysteresis_threshold

log = logging.getLogger("deepsim_jax")

_MIDDLE = 128
_UNEVEN = 48  # grey levels within the background above which it is no plain one
_SHADOW = 64  # level above which a dark area is a shadow and no ink
_THICK = 7  # pixels: wider dark areas may be shadows
_FAINT = 48  # grey levels that a stroke differs from a plain background at least
_PAPER = 8  # the median that estimates the paper spans the longer side divided by this
_LARGEST = 512  # pixels: of the picture on which paper is looked for
_CONTRAST = 0.08  # of the paper's brightness, that lines on it have at least
_NOISE = 5.0  # and in standard deviations of its noise


def find_lines(drawing: np.ndarray, *, white: bool | None = False, name: str = "drawing") -> np.ndarray:
    """The lines of a drawing, as thick as they were drawn.

    Args:
      drawing: uint8 (H, W, 3).
      white: whether the lines are white on black; otherwise they are black on white. None: they are the
        rarer of both; on paper that is not plain, what stands out more.
      name: what the line begins with that is logged where the drawing is not a clean one.

    Returns:
      bool (H, W); no pixel, if there is no line.
    """
    # Ink of any colour is ink: one dark channel makes a black line, one bright channel a white one.
    dark, light = 255 - drawing.min(axis=-1), drawing.max(axis=-1)
    if white is None and (_is_plain(dark) or _is_plain(light)):
        white = bool(np.median(drawing.mean(axis=-1)) < _MIDDLE)
    if white is None:
        lines = max((_lines_on_paper(ink) for ink in (dark, light)), key=np.count_nonzero)
    elif _is_plain(ink := light if white else dark):
        return _lines_on_plain(ink, name)
    else:
        lines = _lines_on_paper(ink)
    log.info(
        "%s: its background is not plain; lines are what stands out from the paper around them, "
        "%.1f %% of the picture",
        name,
        100 * lines.mean(),
    )
    return lines


def _is_plain(ink) -> bool:
    """Whether the background has one tone, and the lines are ink and not shadows."""
    lines = ink >= _MIDDLE
    if lines.mean() > 0.5:
        return bool(np.median(ink) >= 255 - _UNEVEN)  # clean, with lines of the other colour
    away = cv2.dilate(lines.astype(np.uint8), np.ones((_THICK, _THICK), np.uint8)) == 0
    paper = cv2.medianBlur(ink, 5)[away]  # without grey lines
    if paper.size > 0.1 * ink.size and np.ptp(np.percentile(paper, [2, 98])) > _UNEVEN:
        return False
    areas = (
        cv2.morphologyEx(lines.astype(np.uint8), cv2.MORPH_OPEN, np.ones((_THICK, _THICK), np.uint8)) > 0
    )
    return not areas.any() or bool(np.median(ink[areas]) >= 255 - _SHADOW)


def _lines_on_plain(ink, name) -> np.ndarray:
    """Lines beyond middle grey, and strokes that nowhere reach it, such as grey ones."""
    lines = ink >= _MIDDLE
    if lines.all():
        return lines
    paper = float(np.median(ink[~lines]))
    count, labels = cv2.connectedComponents((ink > paper + _FAINT).astype(np.uint8), connectivity=8)
    if count == 1:
        return lines
    sizes, reached = np.bincount(labels.ravel()), np.zeros(count, bool)
    reached[np.unique(labels[lines])] = True
    faint = ~reached & (sizes >= 8)
    faint[0] = False
    if not faint.any():
        return lines
    strongest = np.zeros(count)
    np.maximum.at(strongest, labels.ravel(), ink.ravel())
    grey = faint[labels] & (ink > (paper + strongest[labels]) / 2)
    log.info("%s: grey lines, %d pixels, are taken for lines", name, np.count_nonzero(grey))
    return lines | grey


def _lines_on_paper(ink) -> np.ndarray:
    """Lines that stand out from a local median of the paper."""
    bright = 255.0 - ink
    paper = np.maximum(_median(ink), 1.0)
    contrast = (paper - bright) / paper
    noise = 1.4826 * np.median(np.abs(contrast - np.median(contrast)))
    least = max(_CONTRAST, _NOISE * noise)
    strong = contrast > least
    if not strong.any():
        return strong
    typical = np.percentile(contrast[strong], 75)
    high = max(least, typical / 2)
    lines = apply_hysteresis_threshold(contrast, max(least, 0.7 * high), high)
    count, labels = cv2.connectedComponents(lines.astype(np.uint8), connectivity=8)
    specks = np.bincount(labels.ravel()) < 4
    return lines & ~specks[labels]


def _median(ink) -> np.ndarray:
    """float32 (H, W): the brightness of the paper, by a median over an eighth of the picture."""
    height, width = ink.shape
    scale = min(1.0, _LARGEST / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(255 - ink, size, interpolation=cv2.INTER_AREA)
    reach = max(9, max(size) // _PAPER) | 1
    return cv2.resize(
        cv2.medianBlur(small, reach).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR
    )
