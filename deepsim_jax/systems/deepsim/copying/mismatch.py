"""Finds the pixels at which a copy does not show the drawing, and what the photo has nothing for."""

import cv2
import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.systems.deepsim.copying.channels import Parts

TOLERANCE = 2.0
"""Pixels of a side of 192 by which lines, and the ways there and back, may miss each other."""

FAR = 0.25
"""By this share of the way, the way back may miss in addition: inside of regions both are guesses."""

REACH = 4.0
"""Pixels of a side of 192 over which a label's texture is copied on beyond an area's edge. On held-out
frames a network paints what is farther away nearer to the truth, also with two and three times the reach;
the rest of a mismatch is better copied (see `results/`)."""

NEW_LINE = 8.0
"""Pixels of a side of 192 beyond which a drawn line is none of those that are copied. Where nearer ones
are painted as well, drawings are followed more closely, and pictures look less like the true frames."""


FEW = 8
"""So few connected pixels are a slip of a hand, or of the estimation, of which nothing is told."""


def in_reach(mask: np.ndarray) -> np.ndarray:
    """(h, w) bool: what is no farther than `REACH` from a mask's pixels."""
    return fields.distances(mask) <= REACH * max(mask.shape) / 192


def find_lacking(
    new: Parts,
    source: Parts,
    ruled: fields.Ruled,
    *,
    reach: float = REACH,
    new_line: float = NEW_LINE,
) -> np.ndarray:
    """The (h, w) bool pixels of a drawing with labels for which the photo has nothing near.

    Elsewhere the copy has a texture of the right label, even where it is not the right place's. A drawing
    without labels has nothing of the kind to go by; there the whole mismatch is lacking.

    Args:
      new, source: the wanted primitive and the photo's own, taken apart.
      ruled: what the label rule made of the field.
      reach, new_line: as `REACH` and `NEW_LINE`.
    """
    scale = max(ruled.reach.shape) / 192
    lacking = ruled.reach > reach * scale
    if new.lines is not None:
        missing = _missing_lines(new.lines, source.lines, ruled.field, new_line * scale)
        lacking |= _broadened(missing, TOLERANCE * scale)
    return lacking


def find_ignored(new: Parts, source: Parts, ruled: fields.Ruled, changed: np.ndarray) -> np.ndarray:
    """The (h, w) bool pixels of what was drawn that change nothing in a copy.

    These are lines that the photo has none for; and edited pixels of a wrong label far from all that
    rightly has their label (nearer ones belong to a border that the field misses by a little), in
    connected parts that nowhere fill a square of `fields.SPECK` pixels. Parts of fewer than `FEW` pixels
    are specks.

    Args:
      new, source: the wanted primitive and the photo's own, taken apart.
      ruled: what the label rule made of the field.
      changed: (h, w) bool, where the new primitive differs from the source's own.
    """
    found, scale = _find_thin(new, ruled.wrong, changed), max(ruled.wrong.shape) / 192
    if new.lines is not None:
        missing = _missing_lines(new.lines, source.lines, ruled.field, TOLERANCE * scale)
        found |= _without_specks(missing & changed)[0]
    return found


def describe_ignored(ignored: np.ndarray) -> str:
    """What is said of the pixels of `find_ignored`."""
    return (
        f"{np.count_nonzero(ignored)} pixels of what was drawn change nothing: lines that the photo has "
        f"none for, or parts thinner than {fields.SPECK} pixels; draw them as areas, or broader"
    )


def _find_thin(new, wrong, changed) -> np.ndarray:
    edited = wrong & changed
    if not edited.any():
        return edited
    far = np.zeros_like(edited)
    for label in np.unique(new.labels[edited]):
        of_label = new.labels == label
        far |= edited & of_label & ~in_reach(of_label & ~wrong)
    large, parts = _without_specks(far)
    return large & ~np.isin(parts, np.unique(parts[_areas(wrong)]))


def _without_specks(mask) -> tuple[np.ndarray, np.ndarray]:
    """(h, w) bool, a mask without its connected parts of fewer than `FEW` pixels; the parts' numbers."""
    parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)[1]
    return mask & (np.bincount(parts.ravel()) >= FEW)[parts], parts


def find(
    new: Parts,
    source: Parts,
    ruled: fields.Ruled,
    filled: np.ndarray,
    back: np.ndarray | None = None,
) -> np.ndarray:
    """The (h, w) bool pixels of a copy that disagree with the drawing, or cannot be trusted.

    These are areas of a wrong label, which the label rule can only patch; drawn lines that the copy lacks
    and copied lines that the drawing lacks, as broad as the tolerance; and, if the way back is known,
    pixels to which it does not return.

    Args:
      new, source: the wanted primitive and the photo's own, taken apart.
      ruled: what the label rule made of the field.
      filled: (h, w) bool, where the photo is completed: lines that come along need not be drawn.
      back: (h, w, 2) field from the new drawing to the source's own pixels, or None.
    """
    field, tolerance = ruled.field, TOLERANCE * max(filled.shape) / 192
    mismatched = _areas(ruled.wrong)
    if new.lines is not None:
        lone = _missing_lines(new.lines, source.lines, field, tolerance)
        lone |= _extra_lines(new.lines, source.lines, field, tolerance) & ~filled
        mismatched |= _broadened(lone, tolerance)
    if back is not None:
        points = fields.compose(field, back)
        still = fields.identity(*field.shape[:2])
        away, far = (np.linalg.norm(points - still, axis=-1) for points in (points, field))
        mismatched |= away > tolerance + FAR * far
    return mismatched


def _areas(wrong) -> np.ndarray:
    square = np.ones((fields.SPECK, fields.SPECK), np.uint8)
    return cv2.morphologyEx(wrong.view(np.uint8), cv2.MORPH_OPEN, square) > 0


def _extra_lines(new_lines, lines, field, tolerance) -> np.ndarray:
    copied = fields.look_up(lines.view(np.uint8), field) > 0
    return copied & (fields.distances(new_lines) > tolerance)


def _missing_lines(new_lines, lines, field, tolerance) -> np.ndarray:
    distance = fields.interpolate(fields.distances(lines)[..., None], field)[..., 0]
    return new_lines & (distance > tolerance)


def _broadened(lines, tolerance) -> np.ndarray:
    radius = int(np.ceil(tolerance))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(lines.view(np.uint8), disk) > 0
