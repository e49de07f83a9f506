"""Decodes all picture files by their content, whatever their names.

Every file is decoded correctly or refused with a reason: channels that are neither colour nor
transparency are dropped, white is white in every arrangement, CMYK and Lab become sRGB.
"""

import struct
import warnings
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from deepsim_jax.errors import UserError, one_line
from deepsim_jax.images import depth, exif, formats, profiles, tiff
from deepsim_jax.images.formats import Refused

MIN_SIDE = 16
MAX_PIXELS = 100_000_000

# OpenCV's remarks about unusual files; what matters is refused or said here.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

# EXIF orientation -> how the stored rows and columns are turned upright.
_UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}

_GREY = ("1", "L", "LA", "I;16", "I;16B", "I")
# Chunks of a PNG that make its pixels. OpenCV's PNG library complains on stderr about others.
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


class Decoded(NamedTuple):
    """A picture file, decoded.

    Attributes:
      pixels: (H, W, 1 | 3 | 4) uint8 or uint16, upright: grey, RGB or RGB with transparency, in the
        file's own numbers.
      bits: significant ones of `pixels`, see `depth.significant_bits`.
      profile: ICC profile of the colours, for RGB or grey numbers; None for sRGB.
      exif: the EXIF block to be kept, see `exif.kept`.
      remarks: what a user must be told of the file, in whole clauses.
      facts: what may be told.
    """

    pixels: np.ndarray
    bits: int
    profile: bytes | None
    exif: bytes | None
    remarks: tuple[str, ...]
    facts: tuple[str, ...]


def decode(path: Path, label: str) -> Decoded:
    """Decodes a picture file; the first frame of an animation.

    Args:
      path: the file.
      label: how messages call it.

    Raises:
      UserError: no such file, a folder, empty, truncated, not a picture, of a kind that is not read, too
        small or too large (known from the header, before anything is decoded).
    """
    try:
        head = _head(path, label)
        with warnings.catch_warnings():
            # Pillow warns of large images (the limit here is `MAX_PIXELS`) and of odd metadata.
            warnings.simplefilter("ignore")
            layout = _tiff_layout(path, head, label)
            with _open(path, layout) as image:
                check_size(image.width, image.height, label)
                return _decode_opened(image, path, layout, head)
    except UserError:
        raise
    except Refused as error:
        raise UserError(f"{label}: {error}") from error
    except Image.DecompressionBombError as error:
        raise UserError(
            f"{label}: more than {MAX_PIXELS // 10**6} megapixels; shrink it first"
        ) from error
    except UnidentifiedImageError as error:
        description = formats.unread(head)
        raise UserError(
            f"{label}: {description}"
            if description
            else f"{label}: not an image that can be read; give {formats.IN_WORDS}"
        ) from error
    except Exception as error:
        # Broken files make the decoders raise OSError, SyntaxError, ValueError, struct.error,
        # zlib.error and more; to the user they are all one thing.
        reason = one_line(error) or type(error).__name__
        raise UserError(
            f"{label}: damaged, truncated or of an unknown kind ({reason}); save or copy it again"
        ) from error


def described(pixels: np.ndarray) -> Decoded:
    """An array of (H, W, 1 | 3 | 4) as if it had been decoded."""
    remarks: list[str] = []
    bits = _bits(pixels, 16, remarks) if pixels.dtype == np.uint16 else 8
    return Decoded(pixels, bits, None, None, tuple(remarks), ())


def check_size(width: int, height: int, label: str) -> None:
    """Refuses pictures with a side below `MIN_SIDE` or more than `MAX_PIXELS`."""
    if min(width, height) < MIN_SIDE:
        raise UserError(
            f"{label}: {width}x{height} pixels are too few; each side needs at least {MIN_SIDE}"
        )
    if width * height > MAX_PIXELS:
        raise UserError(
            f"{label}: {width}x{height} pixels are more than {MAX_PIXELS // 10**6} megapixels; "
            "shrink it first"
        )


def _head(path, label):
    if path.is_dir():
        raise UserError(f"{label}: is a folder; give one image file")
    if not path.is_file():
        raise UserError(f"{label}: no such file; check the name")
    with open(path, "rb") as file:
        head = file.read(formats.HEAD)
    if not head:
        raise UserError(f"{label}: the file is empty (0 bytes); save or copy it again")
    return head


def _tiff_layout(path, head, label):
    """The layout of a TIFF (`tiff.inspect`); None for other files."""
    if not formats.is_tiff(head):
        return None
    raw = formats.unread(head)
    if raw:
        raise Refused(raw)
    layout = tiff.inspect(path)
    check_size(layout.width, layout.height, label)
    return layout


def _open(path, layout):
    """The file as Pillow opens it; for a TIFF that it does not know, a stand-in of its size."""
    try:
        return Image.open(path, formats=formats.read_by_pillow())
    except UnidentifiedImageError:
        if layout is None:
            raise
        mode = {1: "L", 4: "CMYK"}.get(layout.colors, "RGB")
        image = Image.new(mode, (layout.width, layout.height))
        image.info["icc_profile"] = layout.profile
        image.getexif()[0x112] = layout.orientation
        return image


def _decode_opened(image, path, layout, head):
    remarks: list[str] = []
    facts: list[str] = []
    stored_bits = layout.bits if layout and layout.colors == 4 else formats.bits(head)
    if image.format == "PPM" and image.mode == "RGB" and any(tile[3][-1] > 255 for tile in image.tile):
        stored_bits = 16
    # The further pictures of an MPO and a TIFF are previews, masks and copies.
    frames = 1 if layout or image.format == "MPO" else getattr(image, "n_frames", 1)
    if frames > 1:
        remarks.append(f"an animation of {frames} pictures, of which the first is taken")
    # Pillow forgets the stored format while decoding, which reading a PNG's EXIF starts.
    deep = image.format == "PNG" and any(";16" in str(tile[3]) for tile in image.tile)
    chunks = _png_chunks(path, pixels=deep) if image.format == "PNG" else {}
    profile = _profile(image, path, chunks, remarks)
    orientation = exif.orientation(image)
    size = (layout.width, layout.height) if layout else image.size
    block = _exif(image, size[::-1] if orientation > 4 else size, remarks)
    declared = 16
    if layout is not None:
        with tiff.complaints_silenced():
            pixels, profile, orientation = _from_tiff(image, path, layout, profile, orientation, remarks)
        declared = layout.bits
    elif deep:
        image.load()  # Pillow refuses truncated files, OpenCV fills them up
        pixels = _png_16_bit(chunks)
        declared = max(chunks.get(b"sBIT", b"\x10")[: min(3, pixels.shape[2])])
    elif image.mode in ("I", "I;16", "I;16B") and image.format in ("PPM", "JPEG2000"):
        pixels = np.asarray(image).astype(np.uint16)[..., None]
    else:
        pixels, profile = _decode_by_pillow(image, profile)
    pixels = np.ascontiguousarray(_UPRIGHT[orientation](pixels))
    bits = _bits(pixels, declared, remarks)
    if image.mode in ("CMYK", "LAB"):
        facts.append(f"{image.mode}, converted to sRGB, in which results are written")
    elif profile and profiles.Space(profile).colors == "GRAY":
        facts.append("grey with a profile of its own, converted to sRGB, in which results are written")
    used = max(min(bits, declared), stored_bits)
    if used > 8:
        facts.append(f"{used} bits per channel, reduced to 8; results have 8")
    return Decoded(pixels, bits, profile, block, tuple(remarks), tuple(facts))


def _bits(pixels, declared, remarks):
    bits = depth.significant_bits(pixels[..., :3], declared)
    if pixels.dtype == np.uint16 and bits < min(16, declared):
        remarks.append(
            f"its largest number is {pixels[..., :3].max()} of 65535; taken for a picture of {bits} bits "
            "in 16, and made brighter"
        )
    return bits


def _exif(image, size, remarks):
    try:
        return exif.kept(image, size)
    # Damaged blocks make Pillow raise errors of many kinds; the picture does not depend on them.
    except Exception:
        remarks.append("its EXIF data are damaged and are not kept")
        return None


def _decode_by_pillow(image, profile):
    """Pixels of up to 8 bits, and the profile that they are in."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise Refused(f"pixels of the kind {image.mode}; save it with 8 or 16 bits per channel")
    if image.mode == "CMYK":
        return _cmyk(image, profile), None
    if image.mode == "LAB":
        return np.asarray(profiles.lab_to_srgb(image)), None
    # The exact alpha values are needed, so Pillow must not drop or premultiply them.
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return np.asarray(image), profile


def _cmyk(image, profile):
    """RGB of a CMYK picture, by its profile or, without one, as if inks were ideal."""
    image.load()
    return np.asarray(profiles.Space(profile).image_to_srgb(image) if profile else image.convert("RGB"))


def _from_tiff(image, path, layout, profile, orientation, remarks):
    """(pixels, profile, orientation) of a TIFF, by the library that reads its kind correctly."""
    if layout.left_out:
        remarks.append(
            f"{layout.left_out} channel{'s' * (layout.left_out > 1)} beside the colours, which "
            f"{'are' if layout.left_out > 1 else 'is'} no transparency, left out"
        )
    is_opened_by_pillow = image.format == "TIFF"
    if layout.bits <= 8 and is_opened_by_pillow:
        pixels, profile = _decode_by_pillow(image, profile)
        orientation = 1  # Pillow turns TIFF files by itself
    else:
        pixels = tiff.decode(path, layout)
        if layout.colors == 4:
            inks = depth.to_8_bits(pixels, depth.significant_bits(pixels, layout.bits))
            pixels, profile = _cmyk(Image.fromarray(inks, "CMYK"), profile), None
    if layout.guessed and pixels.shape[2] == 4 and np.ptp(pixels[..., 3]):
        remarks.append("a fourth channel that is not named is taken for transparency")
    return pixels, profile, orientation


def _png_chunks(path, *, pixels):
    """Kind -> content of a PNG's colour chunks; with `pixels`, None -> a PNG of its pixels alone."""
    content, chunks, pixel_chunks, place = path.read_bytes(), {}, [], 8
    while place + 12 <= len(content):
        (length,), kind = struct.unpack(">I", content[place : place + 4]), content[place + 4 : place + 8]
        if pixels and kind in _PIXEL_CHUNKS:
            pixel_chunks.append(content[place : place + 12 + length])
        elif kind in (b"sBIT", b"cICP", b"gAMA", b"cHRM", b"sRGB"):
            chunks.setdefault(kind, content[place + 8 : place + 8 + length])
        place += 12 + length
    return chunks | {None: content[:8] + b"".join(pixel_chunks)}


def _png_16_bit(chunks):
    """16-bit pixels by OpenCV, because Pillow cuts colour images to their high bytes."""
    pixels = cv2.imdecode(np.frombuffer(chunks[None], np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise Refused("an unusual picture of 16 bits per channel; save it with 8")
    if pixels.ndim == 2:
        return pixels[..., None]
    return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]


def _profile(image, path, chunks, remarks):
    """The ICC profile of the numbers, None for sRGB. A remark tells of a profile that cannot be used."""
    try:
        profile = _named_profile(image, path, chunks)
        if profile is None:
            if image.mode == "CMYK":
                remarks.append("CMYK without a colour profile, so that its colours are a guess")
            return None
        space = profiles.Space(profile)
        fitting = {"RGB": "RGB", "GRAY": "GRAY", "CMYK": "CMYK"}.get(space.colors)
        grey = image.mode in _GREY
        if image.mode == "CMYK":
            fits = fitting == "CMYK"
        else:
            fits = fitting == "RGB" or (fitting == "GRAY" and grey)
        if image.mode == "LAB":
            return None
        if not fits:
            raise ValueError(f"for colours of the kind {space.colors}, which the picture has not")
        _test_profile(space, image.mode, grey)
        return profile
    except Refused:
        raise
    except ValueError as error:
        remarks.append(f"its colour profile is {error}; its numbers are taken for sRGB")
        return None


def _test_profile(space, mode, grey):
    if mode == "CMYK":
        space.image_to_srgb(Image.new("CMYK", (1, 1)))
    else:
        space.to_srgb(np.zeros((1, 1, 3), np.uint8))


def _named_profile(image, path, chunks):
    if b"cICP" in chunks and len(chunks[b"cICP"]) == 4:
        return _profile_by_codes(*chunks[b"cICP"][:2])
    if image.info.get("icc_profile"):
        return image.info["icc_profile"]
    if image.format in ("AVIF", "JPEG2000", "BMP"):
        with open(path, "rb") as file:
            return _profile_in_head(image.format, file.read(2**22))
    if b"sRGB" in chunks:
        return None
    if b"gAMA" in chunks:
        return _profile_by_gamma(chunks)
    try:
        adobe = exif.says_adobe_rgb(image)
    # As in `_exif`, which tells it.
    except Exception:
        adobe = False
    if adobe and image.mode != "CMYK":
        return profiles.make("Adobe RGB (1998)", profiles.ADOBE_RGB, gamma=profiles.ADOBE_GAMMA)
    return None


def _profile_in_head(kind, head):
    """The profile in a file's head, for the kinds in which Pillow does not look for one."""
    if kind == "BMP":
        if head[14:18] == struct.pack("<I", 124) and head[70:74] == b"DEBM":  # embedded, stored backwards
            begin, size = struct.unpack("<II", head[126:134])
            return head[14 + begin : 14 + begin + size]
        return None
    place = head.find(b"colr")
    if head[place + 4 : place + 8] == b"nclx":
        return _profile_by_codes(*struct.unpack(">HH", head[place + 8 : place + 12]))
    if place >= 4 and head[place + 4] == 2:
        (size,) = struct.unpack(">I", head[place - 4 : place])
        return head[place + 7 : place - 4 + size]
    return None


def _profile_by_codes(primaries, transfer):
    if transfer in (16, 18):
        raise Refused("an HDR picture (PQ or HLG); save it in sRGB or Display P3")
    return profiles.named_by_codes(primaries, transfer)


def _profile_by_gamma(chunks):
    """The colours that a PNG's gAMA and cHRM describe; None where they are sRGB's, as mostly."""
    if len(chunks[b"gAMA"]) != 4:
        return None
    gamma = struct.unpack(">I", chunks[b"gAMA"])[0] / 1e5
    primaries, white = profiles.REC_709, profiles.D65
    if len(chunks.get(b"cHRM", b"")) == 32:
        numbers = [n / 1e5 for n in struct.unpack(">8I", chunks[b"cHRM"])]
        white, *primaries = zip(numbers[::2], numbers[1::2], strict=True)
    is_srgb = np.abs(np.subtract([white, *primaries], [profiles.D65, *profiles.REC_709])).max() < 0.01
    if is_srgb and abs(gamma - 1 / 2.2) < 0.02:
        return None
    if not 0.1 <= gamma <= 10:
        raise ValueError(f"a gamma of {gamma:g}, which is none")
    return profiles.make(
        "PNG gamma", primaries, gamma=None if abs(gamma - 1 / 2.2) < 0.005 else 1 / gamma, white=white
    )
