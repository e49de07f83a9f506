"""Reading any user image as uint8 RGB, writing files atomically, resizing and padding.

Arrays are (H, W, 3) uint8 RGB images, (H, W) bool masks, or label images whose colours stand for
regions. "Size" in messages is width x height, as image programs write it.
"""

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import depth, profiles
from deepsim_jax.images.decode import MAX_PIXELS, MIN_SIDE, Decoded, check_size, decode, described
from deepsim_jax.images.original import Original, png_bytes
from deepsim_jax.runtime.paths import user_path

__all__ = ["MAX_PIXELS", "MIN_SIDE", "png_bytes"]

log = logging.getLogger("deepsim_jax")


def read_image(source, *, name: str = "image", quiet: bool = False) -> np.ndarray:
    """Reads a picture from a file or an array as 8-bit RGB.

    Files: grey, palette, CMYK, Lab, RGB, with or without transparency, 8 to 16 bits per channel; the
    first frame of an animation. EXIF rotation is applied, and colours are converted from the file's
    profile to sRGB. 16-bit values v become round(v / 257); numbers of fewer bits in 16 are stretched
    (`depth.significant_bits`). Transparency is composited on white; an alpha channel with the same value
    everywhere carries no shape and is dropped. What is unusual about a file is logged as a warning.

    Args:
      source: a path, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8 0..255, uint16
        0..65535, or floats within 0..1.
      name: what the picture is to the user ("photo", "edited primitive"); messages begin with it.
      quiet: whether to leave the warnings out, because they were given for its like before.

    Returns:
      (H, W, 3) uint8 in sRGB, with sides of at least `MIN_SIDE` and at most `MAX_PIXELS` pixels. A fresh
      array that the caller may change.

    Raises:
      UserError: no such file, a folder, empty, truncated, not an image or of a kind that is not read
        (camera raw, HEIC, a TIFF of several pictures, ...), too small, too large (known from the header,
        before anything is decoded), or an array of another shape or type.
    """
    original, label = _read_original(source, name, quiet=quiet)
    return np.array(original.srgb) if original.pixels is original.srgb else original.srgb


def read_photo(source, *, name: str = "image") -> tuple[np.ndarray, Original | None]:
    """Reads a photo as `read_image` does, with its profile and EXIF data, for pictures made of it.

    Logs whether results will have the photo's own colour profile, or fewer bits than the photo.

    Returns:
      The picture, (H, W, 3) uint8 in sRGB, and what to write results with; None for an array.

    Raises:
      UserError: as `read_image`.
    """
    original, label = _read_original(source, name, quiet=False, facts=True)
    is_file = isinstance(source, str | os.PathLike)
    return np.array(original.srgb), original if is_file else None


def reread_photo(path) -> tuple[np.ndarray, Original | None]:
    """`read_photo` of a file that `write_photo` wrote, without repeating the warnings."""
    original, _ = _read_original(path, "photo", quiet=True)
    return np.array(original.srgb), original


def _read_original(source, name, *, quiet, facts=False) -> tuple[Original, str]:
    decoded, label = _decode_source(source, name)
    if decoded.pixels.dtype.kind == "f":
        decoded = decoded._replace(pixels=_from_floats(decoded.pixels, label), bits=8)
    if decoded.pixels.dtype not in (np.uint8, np.uint16):
        raise UserError(
            f"{label}: an array of {decoded.pixels.dtype}; give uint8 0..255, uint16 0..65535 or floats "
            "0..1 (for example with .astype('uint8'))"
        )
    if (
        isinstance(source, np.ndarray)
        and decoded.pixels.dtype == np.uint16
        and 0 < decoded.pixels.max() < 256
    ):
        raise UserError(
            f"{label}: a 16-bit array without a value above 255 would be black; if it holds 8-bit "
            "values give .astype('uint8')"
        )
    for remark in () if quiet else decoded.remarks:
        log.warning("%s: %s", label, remark)
    for fact in decoded.facts if facts else ():
        log.info("%s: %s", label, fact)
    return _in_srgb(decoded, label, facts=facts), label


def _in_srgb(decoded: Decoded, label, *, facts) -> Original:
    """The decoded picture in its own colours and in sRGB."""
    own = flatten(decoded.pixels, bits=decoded.bits)
    if decoded.profile is None:
        return Original(own, own, None, decoded.exif)
    space = profiles.Space(decoded.profile)
    if space.is_srgb:
        return Original(own, own, decoded.profile, decoded.exif)
    srgb = space.to_srgb(own)
    if not space.is_reversible:
        return Original(srgb, srgb, None, decoded.exif)
    if facts:
        log.info(
            "%s: converted from %s to sRGB; results are written in %s again",
            label,
            space.name,
            space.name,
        )
    return Original(own, srgb, decoded.profile, decoded.exif)


def read_pixels(source, *, name: str = "image") -> np.ndarray:
    """The pixels of a picture as they are stored, upright: (H, W, 1 | 3 | 4) uint8 or uint16.

    In the file's own numbers, as drawings and label maps are meant: no colour profile is applied.

    Args:
      source, name: as for `read_image`, which composites and rounds these pixels.

    Raises:
      UserError: as in `read_image`.
    """
    pixels, label = load(source, name)
    if pixels.dtype.kind == "f":
        pixels = _from_floats(pixels, label)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UserError(
            f"{label}: an array of {pixels.dtype}; give uint8 0..255, uint16 0..65535 or floats "
            "0..1 (for example with .astype('uint8'))"
        )
    return pixels


def write_png(path, image: np.ndarray) -> None:
    """Writes a uint8 (H, W, 3) or (H, W) image as PNG, atomically; see `write_bytes_atomic`.

    Raises:
      UserError: the name does not end in .png (another format would lose bits or, under that name,
        mislead), or the file cannot be written.
    """
    assert image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2:] == (3,)), image.shape
    check_png_name(path)
    write_bytes_atomic(path, png_bytes(image))


def write_photo(path, picture: np.ndarray, original: Original | None) -> None:
    """Writes a picture made of a photo, or the photo itself, as PNG, atomically, in the photo's colours.

    Args:
      path: ending in .png.
      picture: uint8 (h, w, 3) in sRGB.
      original: of the photo; None: it is written as it is.

    Raises:
      UserError: as `write_png`.
    """
    check_png_name(path)
    write_bytes_atomic(path, png_bytes(picture) if original is None else original.png(picture))


def check_png_name(path) -> None:
    """Refuses the name of a single picture that does not end in .png."""
    if Path(path).suffix.lower() != ".png":
        raise UserError(f"output {path}: pictures are written as PNG; give a name ending in .png")


def write_bytes_atomic(path, data: bytes) -> None:
    """Writes a file so that at any moment `path` holds the old content or the new, never a part.

    The bytes go to a temporary file in the same folder, are flushed to the disk and take the name
    in one step. Missing folders are made. What was there before is kept if anything fails.

    Raises:
      UserError: the file or a folder cannot be made (read-only, disk full, a folder of that name).
    """
    path = Path(path)
    temporary = path.parent / f".{secrets.token_hex(6)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise UserError(
            f"output {path}: cannot be written ({error.strerror or error}); nothing was changed; "
            "choose another place or free some space"
        ) from error


def resize_to_limit(image: np.ndarray, limit: int) -> np.ndarray:
    """Shrinks an image so that its long side is at most `limit` pixels, averaging over areas.

    Args:
      image: (H, W, 3) or (H, W) uint8.
      limit: pixels, at least `MIN_SIDE`.

    Returns:
      The image with the same aspect (to the nearest pixel), or `image` itself if it is within.

    Raises:
      UserError: the limit is too small, or the short side would fall below `MIN_SIDE`.
    """
    if limit < MIN_SIDE:
        raise UserError(f"size limit {limit}: at least {MIN_SIDE} pixels are needed")
    height, width = image.shape[:2]
    if max(height, width) <= limit:
        return image
    scale = limit / max(height, width)
    size = round(width * scale), round(height * scale)
    if min(size) < MIN_SIDE:
        raise UserError(
            f"size limit {limit}: an image of {width}x{height} would become {size[0]}x{size[1]}, "
            f"but each side needs {MIN_SIDE} pixels; raise the limit or crop the image"
        )
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def resize_labels(labels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes an image of region colours, (H, W, 3) or (H, W) uint8, inventing no colour.

    Each pixel takes the nearest one. `labels` itself is returned if it has that size already.
    """
    if labels.shape[:2] == (height, width):
        return labels
    return cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def pad_to_multiple(array: np.ndarray, multiple: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Extends an array at the bottom and right by reflection to whole multiples of `multiple`.

    Args:
      array: (H, W, ...), any type; reflected more than once where the padding exceeds the side.
      multiple: pixels.

    Returns:
      The padded array and (H, W), with which `crop` undoes the padding.
    """
    height, width = array.shape[:2]
    padding = [(0, -height % multiple), (0, -width % multiple)] + [(0, 0)] * (array.ndim - 2)
    return np.pad(array, padding, mode="reflect"), (height, width)


def crop(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The top left (height, width) part of an (H, W, ...) array: the inverse of padding."""
    return array[: size[0], : size[1]]


def load(source, name: str) -> tuple[np.ndarray, str]:
    """(H, W, 1 | 3 | 4) pixels of a path or an array, of any type, and how messages name it.

    Raises:
      UserError: as in `read_image`, but for the array's type.
    """
    decoded, label = _decode_source(source, name)
    return decoded.pixels, label


def _decode_source(source, name: str) -> tuple[Decoded, str]:
    """Decodes a path or wraps an array; also returns the label that messages begin with."""
    if isinstance(source, str | os.PathLike):
        path = user_path(source)
        label = f"{name} {path}"
        return decode(path, label), label
    if isinstance(source, Image.Image) or not hasattr(source, "__array__"):
        raise UserError(f"{name}: given as {type(source).__name__}; give a path or an array of (H, W, 3)")
    pixels = np.asarray(source)
    label = f"{name} (array of shape {pixels.shape})"
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise UserError(f"{label}: the shape must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)")
    check_size(pixels.shape[1], pixels.shape[0], label)
    return described(pixels), label


def _from_floats(pixels: np.ndarray, label: str) -> np.ndarray:
    if not np.isfinite(pixels).all():
        raise UserError(f"{label}: holds NaN or infinite values; give uint8 0..255 or floats 0..1")
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > 1:
        raise UserError(
            f"{label}: floats from {low:.4g} to {high:.4g} could mean anything; give uint8 0..255 "
            "or floats 0..1"
        )
    return np.round(pixels * 255).astype(np.uint8)


def shape_of(pixels: np.ndarray) -> np.ndarray | None:
    """float32 (H, W, 1) from 0 to 1, the alpha channel; None if there is none or it is constant."""
    if pixels.shape[2] != 4 or np.ptp(pixels[..., 3]) == 0:
        return None
    return pixels[..., 3:] / np.float32(np.iinfo(pixels.dtype).max)


def flatten(pixels: np.ndarray, background=255, *, bits: int | None = None) -> np.ndarray:
    """Pixels of `read_pixels` as (H, W, 3) uint8, with a background behind what is transparent.

    Args:
      pixels: (H, W, 1 | 3 | 4) uint8 or uint16.
      background: a level or a colour 0..255, or an (H, W, 3) uint8 picture.
      bits: significant ones of the pixels; None: all of their type.
    """
    bits = 8 * pixels.dtype.itemsize if bits is None else bits
    color, full = pixels[..., :3], 2**bits - 1
    if pixels.shape[2] == 4 and np.ptp(pixels[..., 3]) > 0:
        alpha = pixels[..., 3:] / np.float32(full if pixels[..., 3].max() <= full else 65535)
        behind = np.asarray(background, np.float32) * np.float32(full / 255)
        color = np.round((color * alpha + behind * (1 - alpha)) * (255 / full)).astype(np.uint8)
    return np.array(np.broadcast_to(depth.to_8_bits(color, bits), (*color.shape[:2], 3)))
