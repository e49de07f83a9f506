"""A photo as its file has it: its own numbers, colour profile and EXIF, for the pictures made of it."""

import dataclasses
import functools
from io import BytesIO

import numpy as np
from PIL import Image

from deepsim_jax.images import profiles

# Grey levels of difference to the photo over which a pixel's colours outside of sRGB fade out.
_FADE = 16

_ROWS = 256


@dataclasses.dataclass(frozen=True)
class Original:
    """A photo's file: its numbers, colour profile and EXIF data.

    Attributes:
      pixels: uint8 (H, W, 3), upright, the numbers of the file.
      srgb: uint8 (H, W, 3), the same in sRGB, which networks are trained on; `pixels` itself where the
        file is in sRGB.
      profile: the ICC profile of `pixels`, or None for sRGB.
      exif: the EXIF block, cleaned (`exif.kept`), or None.
    """

    pixels: np.ndarray
    srgb: np.ndarray
    profile: bytes | None = None
    exif: bytes | None = None

    def own_numbers(self, picture: np.ndarray) -> np.ndarray:
        """A picture made of the photo, uint8 (h, w, 3) in sRGB -> in the photo's colours.

        Where a picture of the photo's size has the photo's sRGB values it gets the photo's own numbers,
        bit for bit. Colours that sRGB lacks come back there, and fade out with the distance from the
        photo, so that no seam is seen where an edit begins.
        """
        if self.profile is None or self.pixels is self.srgb:
            return picture
        if picture.shape != self.srgb.shape:
            return self._space.from_srgb(picture)
        # Some rows at a time: a large photo's differences would take its size in memory several times.
        return np.concatenate(
            [
                self._with_lost(*(a[i : i + _ROWS] for a in (picture, self.srgb, self.pixels)))
                for i in range(0, len(picture), _ROWS)
            ]
        )

    def _with_lost(self, picture, srgb, pixels):
        """Converts some rows of a picture to the photo's colours; adds back those that sRGB lacks."""
        distance = np.abs(picture.astype(np.int16) - srgb).max(-1, keepdims=True)
        share = np.clip(1 - distance / np.float32(_FADE), 0, 1)
        lost = pixels.astype(np.int16) - self._space.from_srgb(srgb)
        numbers = self._space.from_srgb(picture) + share * lost
        return np.clip(np.rint(numbers), 0, 255).astype(np.uint8)

    def png(self, picture: np.ndarray) -> bytes:
        """The content of a PNG of a picture made of the photo.

        Args:
          picture: uint8 (h, w, 3) in sRGB. Of the photo's size, it gets the photo's EXIF, too.
        """
        exif = self.exif if picture.shape == self.srgb.shape else None
        return png_bytes(self.own_numbers(picture), profile=self.profile, exif=exif)

    @functools.cached_property
    def _space(self):
        return profiles.Space(self.profile)


def png_bytes(image: np.ndarray, *, profile: bytes | None = None, exif: bytes | None = None) -> bytes:
    """The content of a PNG file of a uint8 (H, W, 3) or (H, W) image."""
    buffer = BytesIO()
    options = {"icc_profile": profile} if profile else {}
    options |= {"exif": exif} if exif else {}
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, format="PNG", **options)
    return buffer.getvalue()
