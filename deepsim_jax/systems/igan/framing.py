"""Which square of a photo a generator sees."""

import dataclasses

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.systems.igan.collection import placed, resized

_GROUND = 255


@dataclasses.dataclass(frozen=True)
class Framed:
    """The square of a photo that is projected.

    Attributes:
      picture: (size, size, 3) uint8.
      mask: (size, size) float32 from 0 to 1: what of it counts.
      box: (left, top, width, height) of the square in the photo's pixels; it may reach beyond the photo,
        where the picture is white.
    """

    picture: np.ndarray
    mask: np.ndarray
    box: tuple[int, int, int, int]


def framed(
    photo: np.ndarray,
    size: int,
    *,
    fit: str = "crop",
    box: tuple[int, int, int, int] | None = None,
    mask: np.ndarray | None = None,
) -> Framed:
    """A photo of any size as a generator sees it.

    Args:
      photo: (H, W, 3) uint8.
      size: of the generator's pictures, px.
      fit: "crop": the square in the middle of the box; "pad": the square around it.
      box: (left, top, width, height) in the photo's pixels; None: all of it.
      mask: bool (H, W), True where the photo is to be matched; None: everywhere.

    Raises:
      UserError: the box does not lie within the photo, the mask has another size, or nothing in the
        square counts.
    """
    height, width = photo.shape[:2]
    left, top, wide, high = box or (0, 0, width, height)
    if not (
        left >= 0 and top >= 0 and wide > 0 and high > 0 and left + wide <= width and top + high <= height
    ):
        raise UserError(
            f"box {left},{top},{wide},{high}: it must lie within the photo of {width}x{height}"
        )
    side = max(wide, high) if fit == "pad" else min(wide, high)
    left, top = left + (wide - side) // 2, top + (high - side) // 2
    if mask is not None and mask.shape != (height, width):
        raise UserError(
            f"mask of {mask.shape[1]}x{mask.shape[0]} for a photo of {width}x{height}: they differ"
        )
    rows, columns = _overlap(top, side, height), _overlap(left, side, width)
    place = side, rows.start - top, columns.start - left
    square = placed(photo[rows, columns], *place, ground=_GROUND)
    counts = np.ones((height, width), bool) if mask is None else mask
    shown = placed(counts[rows, columns].astype(np.float32), *place, ground=1)
    return Framed(resized(square, size), _counted(shown, size), (left, top, side, side))


def counting(seen: Framed, mask: np.ndarray) -> Framed:
    """The same square, of which another part counts.

    Args:
      seen: the square.
      mask: bool (n, n) of any size, over the square: True where the photo is to be matched.

    Raises:
      UserError: the mask is not square, or nothing counts.
    """
    if mask.shape[0] != mask.shape[1]:
        raise UserError(
            f"mask of {mask.shape[1]}x{mask.shape[0]}: what is seen of the photo is a square; give one"
        )
    return dataclasses.replace(seen, mask=_counted(mask.astype(np.float32), len(seen.picture)))


def parse_box(text: str) -> tuple[int, int, int, int]:
    """ "left,top,width,height" in pixels.

    Raises:
      UserError: not four whole numbers.
    """
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError as error:
        raise UserError(f"box {text!r}: LEFT,TOP,WIDTH,HEIGHT in pixels, four whole numbers") from error
    return left, top, width, height


def _counted(shown, size):
    """What counts of a square, at the generator's size."""
    small = np.clip(resized(shown, size), 0, 1)
    if not small.any():
        raise UserError("mask: nothing of what the generator sees counts; mark more, or give another box")
    return small


def _overlap(first, side, length):
    return slice(max(first, 0), min(first + side, length))
