"""Masks of what is to be painted over: read from a file, or made from pictures, colours and polygons.

A mask in words, as the command line takes it (`read`):

    mask.png                     non-zero = masked (an alpha channel counts too)
    outline.json                 polygons, see `by_polygons`
    difference:clean.png         where the picture differs from another one
    color:255,255,0              pixels of a colour; color:255,255,0,60 within 60 grey levels of it
    bright  bright:220           subtitles: the bright pixels, by Otsu's threshold or from a level on
    dark  dark:40                the dark ones
    bright:220&lower.json        what both masks have

Masks are bool (H, W), True = masked.
"""

import json
import os
from pathlib import Path

import cv2
import numpy as np

from deepsim_jax.data import images
from deepsim_jax.errors import UserError

TOLERANCE = 40
"""Grey levels by which a channel may differ from a colour, or from the other picture."""

_WORDS = "difference:PICTURE, color:R,G,B, bright, bright:LEVEL, dark, dark:LEVEL"


def read(source, picture: np.ndarray, *, grow: int = 0) -> np.ndarray:
    """The mask that a user names for a picture, checked.

    Args:
      source: an array as `images.read_mask` takes it, a path, or words as in the module's docstring.
      picture: uint8 (H, W, 3).
      grow: pixels by which it is widened in the end, because letters have soft borders.

    Returns:
      bool (H, W) of the picture's size, with masked and unmasked pixels.

    Raises:
      UserError: it cannot be read or understood, has another size, masks nothing or everything.
    """
    if isinstance(source, str | os.PathLike):
        parts = str(source).split("&")
        mask = np.logical_and.reduce([_checked_size(_named(part, picture), part, picture)
                                      for part in parts])
        label = f"mask {source}"
    else:
        label = "mask"
        mask = _checked_size(images.read_mask(source, name=label), label, picture)
    if not mask.any():
        raise UserError(f"{label}: no pixel is masked, so that there is nothing to do; mark what is to "
                        "be painted over with non-zero values")
    if grow < 0:
        raise UserError(f"grow={grow}: pixels, 0 or more")
    mask = widened(mask, grow)
    if mask.all():
        raise UserError(f"{label}: every pixel is masked, so that nothing is left to learn from; "
                        "unmasked pixels are zero")
    return mask


def by_difference(picture: np.ndarray, other: np.ndarray, *, tolerance: float = TOLERANCE) -> np.ndarray:
    """Where two pictures, uint8 (H, W, 3) of one size, differ by more than `tolerance` in a channel.

    Raises:
      UserError: their sizes differ.
    """
    if picture.shape != other.shape:
        raise UserError(f"mask by difference: pictures of {_size(picture)} and {_size(other)} px; both "
                        "need the same size")
    return (cv2.absdiff(picture, other) > tolerance).any(axis=-1)


def by_color(picture: np.ndarray, color, *, tolerance: float = TOLERANCE) -> np.ndarray:
    """Pixels all of whose channels are within `tolerance` of (red, green, blue), each 0 to 255.

    Raises:
      UserError: no such colour.
    """
    color = np.asarray(color)
    if color.shape != (3,) or not np.isin(color, np.arange(256)).all():
        raise UserError(f"mask by colour: {color.tolist()}; give red,green,blue, each 0 to 255")
    return (np.abs(picture.astype(np.int16) - color.astype(np.int16)) <= tolerance).all(axis=-1)


def by_level(picture: np.ndarray, *, dark: bool = False, level: int | None = None) -> np.ndarray:
    """Binarisation of a picture's luminance, as the report on SinGAN inpainting finds subtitles.

    Args:
      picture: uint8 (H, W, 3).
      dark: whether the dark pixels are masked instead of the bright ones.
      level: 0 to 255; pixels at it or beyond it are masked. None: by Otsu's method (1979), which
        separates the two best and needs a picture in which nothing else is as bright.

    Raises:
      UserError: no such level.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if level is None:
        level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        level += not dark  # Otsu's threshold itself belongs to the dark pixels.
    if not 0 <= level <= 255:
        raise UserError(f"mask by level: {level}; give 0 to 255")
    return grey <= level if dark else grey >= level


def by_polygons(source, height: int, width: int) -> np.ndarray:
    """The inside of polygons, borders included.

    Args:
      source: path of a JSON file, or its content: {"size": [640, 480], "polygons": [[[10, 10], [90, 10],
        [50, 60]]]}, points (x, y) in pixels of a picture of that size, by default of the mask's.
      height, width: of the mask in pixels.

    Returns:
      bool (height, width).

    Raises:
      UserError: no such file, not JSON, or not as above.
    """
    label, content = "polygons", source
    if not isinstance(source, dict):
        label = f"polygons {source}"
        try:
            content = json.loads(Path(source).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{label}: cannot be read ({error})") from error
    try:
        size = np.array(content.get("size", [width, height]), np.float64)
        polygons = [np.array(polygon, np.float64) for polygon in content["polygons"]]
        fits = size.shape == (2,) and (size > 0).all() and polygons and all(
            p.ndim == 2 and p.shape[1] == 2 and len(p) >= 3 and (np.abs(p) < 1e6).all()
            for p in polygons)
    except (AttributeError, KeyError, TypeError, ValueError):
        fits = False
    if not fits or set(content) - {"size", "polygons"}:
        raise UserError(f'{label}: not understood; it is {{"size": [width, height], "polygons": [[[x, '
                        "y], [x, y], [x, y]]]}, each polygon of at least three points in pixels")
    drawn = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        points = (polygon + 0.5) * ([width, height] / size) - 0.5
        cv2.fillPoly(drawn, [np.rint(points).astype(np.int32)], 1)
    return drawn > 0


def widened(mask: np.ndarray, radius: int) -> np.ndarray:
    """The mask and all pixels up to `radius` px from it."""
    if not radius:
        return mask
    y, x = np.mgrid[-radius:radius + 1, -radius:radius + 1]
    disk = (x * x + y * y <= radius * radius).astype(np.uint8)
    return cv2.dilate(mask.astype(np.uint8), disk) > 0


def _named(words, picture):
    """The mask of one part of what the user wrote."""
    kind, _, rest = words.partition(":")
    try:
        if kind == "difference":
            return by_difference(picture, images.read_image(rest, name="difference"))
        if kind == "color":
            color, tolerance = (numbers := [int(n) for n in rest.split(",")])[:3], numbers[3:]
            return by_color(picture, color, tolerance=tolerance[0] if tolerance else TOLERANCE)
        if kind in ("bright", "dark"):
            return by_level(picture, dark=kind == "dark", level=int(rest) if rest else None)
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"mask {words}: not understood; give {_WORDS}") from error
    if Path(words).suffix.lower() == ".json":
        return by_polygons(words, *picture.shape[:2])
    if not Path(words).exists():
        raise UserError(f"mask {words}: no such file; give a mask, a .json of polygons, or {_WORDS}")
    return images.read_mask(words, name="mask")


def _checked_size(mask, label, picture):
    if mask.shape != picture.shape[:2]:
        raise UserError(f"{label}: {_size(mask)} px, the picture has {_size(picture)}; give a mask of "
                        "the picture's size")
    return mask


def _size(array):
    return f"{array.shape[1]}x{array.shape[0]}"
