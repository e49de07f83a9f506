"""Colour profiles: converts pictures to sRGB and back.

Little CMS converts (through Pillow), relative to the white point and with black point compensation, as
image programs do by default. Profiles are the bytes of an ICC profile.
"""

import functools
import struct
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

# (x, y) of red, green and blue; all with the white of daylight, D65.
REC_709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
REC_2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
D65 = (0.3127, 0.3290)

ADOBE_GAMMA = 563 / 256

# Numbers that differ from sRGB's by no more than this, of 255, are taken as they are: profiles of sRGB
# itself differ by so much from one vendor to the next.
_SAME = 2

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

# Bradford's cone responses, with which profiles adapt a white to D50, to which they are all relative.
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])


class Space:
    """The colours of one profile.

    Attributes:
      name: the profile's own, such as "Display P3".
      colors: "RGB", "GRAY", "CMYK", "LAB", ...: of what its numbers are.
    """

    def __init__(self, profile: bytes):
        """Opens an ICC profile, given as bytes.

        Raises:
          ValueError: it is damaged.
        """
        try:
            self._profile = ImageCms.ImageCmsProfile(BytesIO(profile))
            self.colors = self._profile.profile.xcolor_space.strip()
            self.name = " ".join((self._profile.profile.profile_description or "").split()) or "unnamed"
        # Pillow lets errors of several kinds through.
        except Exception as error:
            raise ValueError(f"damaged ({error})") from error

    def to_srgb(self, picture: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3) in these colours, RGB or grey in all channels -> in sRGB.

        Raises:
          ValueError: the profile has no way to colours.
        """
        if self.colors == "GRAY":
            return np.asarray(self._apply(Image.fromarray(np.ascontiguousarray(picture[..., 0]))))
        return np.asarray(self._apply(Image.fromarray(np.ascontiguousarray(picture))))

    def image_to_srgb(self, image: Image.Image) -> Image.Image:
        """A CMYK or Lab picture -> RGB; raises as `to_srgb`."""
        return self._apply(image)

    def from_srgb(self, picture: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3) in sRGB -> in these colours, RGB; raises as `to_srgb`."""
        transform = _transform(_SRGB, self._profile, "RGB", "RGB")
        return np.asarray(transform.apply(Image.fromarray(np.ascontiguousarray(picture))))

    @functools.cached_property
    def is_srgb(self) -> bool:
        """Whether its numbers are as good as sRGB's. Raises as `to_srgb`."""
        steps = np.linspace(0, 255, 18).round().astype(np.uint8)
        grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(18, -1, 3)
        return self.colors == "RGB" and bool(
            np.abs(self.to_srgb(grid).astype(np.int16) - grid).max() <= _SAME
        )

    @functools.cached_property
    def is_reversible(self) -> bool:
        """Whether sRGB can be written in these colours: profiles of scanners lead one way only."""
        if self.colors != "RGB":
            return False
        try:
            self.from_srgb(np.zeros((1, 1, 3), np.uint8))
        except ValueError:
            return False
        return True

    def _apply(self, image):
        return _transform(self._profile, _SRGB, image.mode, "RGB").apply(image)


def _transform(source, target, mode, into):
    try:
        return ImageCms.buildTransform(
            source,
            target,
            mode,
            into,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError as error:
        raise ValueError(f"of no use here ({error})") from error


def lab_to_srgb(image: Image.Image) -> Image.Image:
    """A picture of Pillow's mode LAB (relative to D50) -> RGB."""
    return _transform(ImageCms.createProfile("LAB"), _SRGB, "LAB", "RGB").apply(image)


def srgb_profile() -> bytes:
    """A profile of sRGB."""
    return _SRGB.tobytes()


def make(name: str, primaries=REC_709, *, gamma: float | None = None, white=D65) -> bytes:
    """An ICC profile (version 4) of colours that a file names without one.

    Args:
      name: that users see.
      primaries: (x, y) of red, green and blue.
      gamma: of the curve from numbers to light; None: sRGB's curve.
      white: (x, y).

    Raises:
      ValueError: primaries or a white that span no colours.
    """
    try:
        columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries], np.float64).T
        light = np.array([white[0] / white[1], 1, (1 - sum(white)) / white[1]])
        to_xyz = columns * np.linalg.solve(columns, light)
        gains = (_BRADFORD @ _D50) / (_BRADFORD @ light)
        adapted = np.linalg.inv(_BRADFORD) @ (gains[:, None] * _BRADFORD) @ to_xyz
    except (ZeroDivisionError, np.linalg.LinAlgError) as error:
        raise ValueError("primaries that span no colours") from error
    kind, numbers = (0, (gamma,)) if gamma else (3, _SRGB_CURVE)
    curve = b"para" + struct.pack(">IHH", 0, kind, 0) + _fixed(*numbers)
    tags = {b"desc": _text(name), b"cprt": _text("No copyright"), b"wtpt": _xyz(_D50)}
    tags |= {key + b"XYZ": _xyz(adapted[:, i]) for i, key in enumerate((b"r", b"g", b"b"))}
    tags |= {key + b"TRC": curve for key in (b"r", b"g", b"b")}
    table, data, offset = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for key, value in tags.items():
        table += key + struct.pack(">II", offset + len(data), len(value))
        data += value + b"\0" * (-len(value) % 4)
    return _header(len(table) + len(data) + 128) + table + data


def _header(size):
    created = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    start = struct.pack(">I4sI", size, b"\0\0\0\0", 0x04300000) + b"mntrRGB XYZ " + created + b"acsp"
    return (start.ljust(68, b"\0") + _fixed(*_D50)).ljust(128, b"\0")


def _fixed(*numbers):
    try:
        return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))
    except (struct.error, ValueError, OverflowError) as error:
        raise ValueError("primaries that span no colours") from error


def _xyz(values):
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _text(text):
    coded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(coded), 28) + coded


def named_by_codes(primaries: int, transfer: int) -> bytes | None:
    """The profile that the codes of H.273 name (a PNG's cICP, an AVIF's nclx); None for sRGB.

    Raises:
      ValueError: codes of pictures with more than an SDR range, or unknown ones.
    """
    if transfer in (16, 18):
        raise ValueError("HDR (PQ or HLG)")
    primaries_by_code = {1: REC_709, 2: REC_709, 9: REC_2020, 12: DISPLAY_P3}
    # 1, 6, 14 and 15 are cameras' curves, which are shown by sRGB's; 2 says nothing.
    curves = {1: None, 2: None, 6: None, 13: None, 14: None, 15: None, 4: 2.2, 5: 2.8, 8: 1.0}
    if primaries not in primaries_by_code or transfer not in curves:
        raise ValueError(f"unknown (primaries {primaries}, transfer {transfer})")
    gamma = curves[transfer]
    if primaries_by_code[primaries] is REC_709 and gamma is None:
        return None
    names = {9: "Rec. 2020", 12: "Display P3"}
    return make(names.get(primaries, "Rec. 709"), primaries_by_code[primaries], gamma=gamma)
