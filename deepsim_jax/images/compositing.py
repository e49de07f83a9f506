"""Compositing of edits with the photo."""

import pathlib

import cv2
import numpy as np
import scipy.ndimage

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images.original import Original

FEATHER = 0.02
"""Width of the seam between edited and kept pixels, as a fraction of the longer side."""

AUTO_REACH = 0.03
"""How far around a changed line or region `auto_keep` lets the picture change, same unit."""


def auto_keep(changed: np.ndarray) -> np.ndarray:
    """The mask of the pixels that an edit leaves alone: everything outside the dilated difference.

    Args:
      changed: bool (H, W), where the edited primitive differs from the original (`images.changes`).

    Returns:
      bool (H, W), True where the photo is to be kept.
    """
    radius = max(2, round(AUTO_REACH * max(changed.shape)))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    # Closing first joins the scattered pixels of moved lines into the region that they describe.
    closed = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, disk)
    return cv2.dilate(closed, disk) == 0


def composite(photo: np.ndarray, edited: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Lays the edited picture over the photo where it is not to be kept.

    The seam is feathered wholly on the edited side: where `keep` is True the result is the photo,
    bit for bit.

    Args:
      photo: uint8 (H, W, 3).
      edited: uint8 (h, w, 3) of the same aspect; enlarged to the photo's size if it is smaller.
      keep: bool of either size, True = kept.

    Returns:
      uint8 (H, W, 3).
    """
    height, width = photo.shape[:2]
    if keep.shape != (height, width):
        # A pixel that touches a kept one is kept: nearest resizing alone could free part of it.
        mode = cv2.INTER_AREA if keep.size > height * width else cv2.INTER_LINEAR
        keep = cv2.resize(keep.astype(np.float32), (width, height), interpolation=mode) > 0
    if keep.all():
        return photo.copy()
    if edited.shape != photo.shape:
        edited = cv2.resize(edited, (width, height), interpolation=cv2.INTER_CUBIC)
    # What is free, with the pixels around it: of those that are kept the nearest one is always there.
    rows, columns = (np.flatnonzero(~keep.all(axis)) for axis in (1, 0))
    box = (
        slice(max(rows[0] - 1, 0), rows[-1] + 2),
        slice(max(columns[0] - 1, 0), columns[-1] + 2),
    )
    kept = keep[box]
    distance = scipy.ndimage.distance_transform_edt(~kept) if kept.any() else np.inf
    weights = np.clip(distance / (FEATHER * max(height, width) + 1.0), 0.0, 1.0)
    result = photo.copy()
    result[box] = blend(photo[box], edited[box], np.broadcast_to(weights, kept.shape))
    return result


def soften(mask: np.ndarray, *, dilation: float, feather: float) -> np.ndarray:
    """Widens a mask by a disk and blurs its border, as SinGAN's edits are laid over the photo.

    Args:
      mask: bool (H, W), True = changed.
      dilation: radius of the disk in pixels.
      feather: standard deviation of the Gaussian blur in pixels.

    Returns:
      float64 (H, W), from 0 to 1: 1 where it is highest, and exactly 0 where the blur does not reach,
      which is 4 * feather far along rows and columns.
    """
    if mask.all() or not mask.any():
        return mask.astype(np.float64)
    wide = scipy.ndimage.distance_transform_edt(~mask) <= dilation
    soft = scipy.ndimage.gaussian_filter(wide.astype(np.float64), feather, mode="nearest", truncate=4.0)
    low, high = soft.min(), soft.max()
    return (soft - low) / (high - low) if low < high else wide.astype(np.float64)


def blend(photo: np.ndarray, made: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """weights * made + (1 - weights) * photo, rounded: the photo, bit for bit, where the weight is 0.

    Args:
      photo: uint8 (H, W, 3).
      made: uint8 (h, w, 3) of the same aspect; enlarged to the photo's size if it is smaller.
      weights: float (H, W) from 0 to 1.

    Returns:
      uint8 (H, W, 3).
    """
    if made.shape != photo.shape:
        made = cv2.resize(made, photo.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    mixed = photo + weights[..., None] * (made.astype(np.float64) - photo)
    return np.where(weights[..., None] == 0, photo, np.rint(mixed).astype(np.uint8))


def strip(ends: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Edits side by side: the drawings in the upper row, their results below.

    Args:
      ends: (drawing, result) pairs, uint8 (h, w, 3) and (H, W, 3); results of one size.

    Returns:
      uint8, rows of the results' size with white gaps.
    """
    height, width = ends[0][1].shape[:2]
    gap = max(2, width // 64)
    columns = []
    for drawing, result in ends:
        drawing = cv2.resize(drawing, (width, height), interpolation=cv2.INTER_NEAREST)
        parts = np.concatenate([drawing, np.full((gap, width, 3), 255, np.uint8), result])
        columns += [np.full((len(parts), gap, 3), 255, np.uint8), parts]
    return np.concatenate(columns[1:], axis=1)


def write_picture(output: pathlib.Path, picture: np.ndarray, original: Original | None = None):
    """Writes a single result, losslessly, so that kept pixels stay what they are.

    Args:
      output: ending in .png.
      picture: uint8 (H, W, 3) in sRGB.
      original: of the photo that it was made of, whose colours, profile and EXIF the file gets.

    Raises:
      UserError: the name does not end in .png, or it cannot be written.
    """
    check_name(output)
    images.write_photo(output, picture, original)


def check_name(output: pathlib.Path) -> None:
    """Refuses a name that `write_picture` does not write, before a picture is made.

    Raises:
      UserError: the name does not end in .png.
    """
    if output.suffix.lower() != ".png":
        raise UserError(f"output {output}: a .png file is needed for a single picture")
