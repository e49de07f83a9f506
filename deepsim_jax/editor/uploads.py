"""Pictures that a browser sends: looked at before anything of them is decoded."""

import io
import warnings

from PIL import Image

from deepsim_jax.errors import UserError, one_line
from deepsim_jax.images import decode

PIXELS = 50_000_000
KINDS = {"PNG": "png", "JPEG": "jpg", "MPO": "jpg", "WEBP": "webp"}
"""Pillow's names of what is read -> suffixes."""

_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"))


class NoPicture(UserError):
    """Not a PNG, JPEG or WebP."""


class TooLarge(UserError):
    """More pixels than are taken."""


def kind_of(content: bytes) -> str:
    """The suffix of a picture, "png", "jpg" or "webp", from its first bytes and its header alone.

    Raises:
      NoPicture: another kind, whatever its name or type says, or a damaged header.
      TooLarge: more than `PIXELS`.
      UserError: too few pixels.
    """
    kind = next((name for start, name in _SIGNATURES if content.startswith(start)), None)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "WEBP"
    if kind is None:
        raise NoPicture("not a PNG, JPEG or WebP; export the picture as one of these")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, which are checked here
            with Image.open(io.BytesIO(content), formats=[kind]) as image:
                width, height, found = image.width, image.height, image.format
    except Image.DecompressionBombError as error:
        raise TooLarge(f"more than {PIXELS // 10**6} megapixels; shrink it first") from error
    except Exception as error:  # damaged headers make Pillow raise errors of many kinds
        raise NoPicture(f"damaged ({one_line(error)[:80]}); save it again") from error
    if width * height > PIXELS:
        raise TooLarge(
            f"{width}x{height} pixels are more than {PIXELS // 10**6} megapixels; shrink it first"
        )
    decode.check_size(width, height, "picture")
    return KINDS[str(found)]
