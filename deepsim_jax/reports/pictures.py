"""Pictures within a page, as data URIs."""

import base64
import io
import pathlib
import warnings

import cv2
import numpy as np
from PIL import Image

from deepsim_jax.images import io as images
from deepsim_jax.reports.blocks import SHOWN


def data_uri(picture: pathlib.Path | np.ndarray, *, longest: int = SHOWN, lossy: bool = False) -> str:
    """A picture as the source of an <img>.

    A PNG or a JPEG file that is small enough goes in as it is: it is neither decoded nor encoded again.

    Args:
      picture: a path or a uint8 array (H, W, 3).
      longest: longest side in px, at least 16; larger pictures are shrunk.
      lossy: whether what must be encoded may become a JPEG where that is smaller.

    Raises:
      UserError: the picture cannot be read.
    """
    if isinstance(picture, pathlib.Path) and picture.is_file():
        content = picture.read_bytes()
        kind, size = _header(content)
        if kind and max(size) <= longest:
            return _uri(kind, content)
    return _uri(*encode(images.read_image(picture), longest=longest, lossy=lossy))


def encode(pixels: np.ndarray, *, longest: int = SHOWN, lossy: bool = False) -> tuple[str, bytes]:
    """("png" or "jpeg", content of the file) of a uint8 picture (H, W, 3), shrunk; see `data_uri`."""
    share = min(1.0, longest / max(pixels.shape))
    if share < 1:
        pixels = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    # Level 9 takes ten times as long for a twentieth of the size.
    content = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()
    if lossy:
        full = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        options = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, full]
        smaller = cv2.imencode(".jpg", pixels, options)[1].tobytes()
        if len(smaller) < len(content):
            return "jpeg", smaller
    return "png", content


def size(path: pathlib.Path) -> tuple[int, int]:
    """(width, height) in px of a picture's file; a PNG's pixels are not decoded for it.

    Raises:
      UserError: the picture cannot be read.
    """
    if path.is_file():
        kind, dimensions = _header(path.read_bytes())
        if kind == "png":
            return dimensions
    height, width = images.read_image(path).shape[:2]  # a JPEG may be stored sideways
    return width, height


def _header(content: bytes) -> tuple[str, tuple[int, int]]:
    """("png" or "jpeg", (width, height)) of a file that has its end too; ("", (0, 0)) of others."""
    if content[-8:-4] != b"IEND" and content[-2:] != b"\xff\xd9":
        return "", (0, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
                # A phone's JPEG that holds a second picture is "MPO" to Pillow, a JPEG to a browser.
                return "png" if picture.format == "PNG" else "jpeg", picture.size
        # Whoever decodes it says what is wrong.
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return "", (0, 0)


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
