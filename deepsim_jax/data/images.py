"""Reading any user image as uint8 RGB, writing files atomically, resizing and padding.

Arrays are (H, W, 3) uint8 RGB images, (H, W) bool masks, or label images whose colours stand for
regions. "Size" in messages is width x height, as image programs write it.
"""

import os
import secrets
import warnings
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from deepsim_jax.errors import UserError

MIN_SIDE = 16
MAX_PIXELS = 100_000_000

# Pillow knows more formats, but some start other programs (EPS) or carry no photograph.
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
_FORMATS_IN_WORDS = "PNG, JPEG, WebP, TIFF, BMP or GIF"

_ORIENTATION_TAG = 0x0112
# EXIF orientation -> how the stored rows and columns are turned upright.
_UPRIGHT = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


def read_image(source, *, name: str = "image") -> np.ndarray:
    """Reads a picture from a file or an array as 8-bit RGB.

    Files: grey, palette, CMYK, RGB, with or without transparency, 8 or 16 bits per channel; the
    first frame of an animation. EXIF rotation is applied. 16-bit values v become round(v / 257).
    Transparency is composited on white; an alpha channel with the same value everywhere carries no
    shape and is dropped.

    Args:
      source: a path, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8 0..255, uint16
        0..65535, or floats within 0..1.
      name: what the picture is to the user ("photo", "edited primitive"); messages begin with it.

    Returns:
      (H, W, 3) uint8, with sides of at least `MIN_SIDE` and at most `MAX_PIXELS` pixels. A fresh
      array that the caller may change.

    Raises:
      UserError: no such file, a folder, empty, truncated, not an image, too small, too large (known
        from the header, before anything is decoded), or an array of another shape or type.
    """
    pixels, label = _load(source, name)
    if pixels.dtype.kind == "f":
        pixels = _from_floats(pixels, label)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UserError(
            f"{label}: an array of {pixels.dtype}; give uint8 0..255, uint16 0..65535 or floats "
            "0..1 (for example with .astype('uint8'))"
        )
    if isinstance(source, np.ndarray) and pixels.dtype == np.uint16 and 0 < pixels.max() < 256:
        raise UserError(
            f"{label}: a 16-bit array without a value above 255 would be black; if it holds 8-bit "
            "values give .astype('uint8')"
        )
    return _flatten(pixels)


def read_mask(source, *, name: str = "mask") -> np.ndarray:
    """Reads a mask from a file or an array: True where any colour channel is not zero.

    Transparent pixels count as zero, unless the alpha channel is constant; it is then ignored. A
    JPEG's compression noise is not zero: masks are best kept as PNG.

    Args:
      source: a path, or a bool or numeric array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).
      name: what messages begin with.

    Returns:
      (H, W) bool.

    Raises:
      UserError: as in `read_image`; arrays may have any bool or numeric type.
    """
    pixels, label = _load(source, name)
    if pixels.dtype.kind not in "buif":
        raise UserError(f"{label}: an array of {pixels.dtype}; give bool or numbers")
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3]
        visible = (alpha != 0) if np.ptp(alpha) else np.ones(alpha.shape, bool)
        return pixels[..., :3].any(axis=-1) & visible
    return pixels.any(axis=-1)


def write_png(path, image: np.ndarray) -> None:
    """Writes a uint8 (H, W, 3) or (H, W) image as PNG, atomically; see `write_bytes_atomic`.

    Raises:
      UserError: the name does not end in .png (another format would lose bits or, under that name,
        mislead), or the file cannot be written.
    """
    assert image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2:] == (3,)), image.shape
    if Path(path).suffix.lower() != ".png":
        raise UserError(f"output {path}: pictures are written as PNG; give a name ending in .png")
    write_bytes_atomic(path, png_bytes(image))


def png_bytes(image: np.ndarray) -> bytes:
    """The content of a PNG file of a uint8 (H, W, 3) or (H, W) image."""
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, format="PNG")
    return buffer.getvalue()


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


def _load(source, name: str) -> tuple[np.ndarray, str]:
    """(H, W, 1 | 3 | 4) pixels of a path or an array, and how messages name it."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        label = f"{name} {path}"
        return _decode(path, label), label
    if isinstance(source, Image.Image) or not hasattr(source, "__array__"):
        raise UserError(
            f"{name}: given as {type(source).__name__}; give a path or an array of (H, W, 3)"
        )
    pixels = np.asarray(source)
    label = f"{name} (array of shape {pixels.shape})"
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise UserError(f"{label}: the shape must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)")
    _check_size(pixels.shape[1], pixels.shape[0], label)
    return pixels, label


def _check_size(width: int, height: int, label: str) -> None:
    if min(width, height) < MIN_SIDE:
        raise UserError(
            f"{label}: {width}x{height} pixels are too few; each side needs at least {MIN_SIDE}"
        )
    if width * height > MAX_PIXELS:
        raise UserError(
            f"{label}: {width}x{height} pixels are more than {MAX_PIXELS // 10**6} megapixels; "
            "shrink it first"
        )


def _decode(path: Path, label: str) -> np.ndarray:
    """The upright pixels of an image file, (H, W, 1 | 3 | 4) uint8 or uint16."""
    Image.init()
    formats = [known for known in _FORMATS if known in Image.OPEN]
    try:
        _check_file(path, label)
        with warnings.catch_warnings():
            # Pillow warns of large images; the limit here is `MAX_PIXELS`.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=formats) as image:
                _check_size(*image.size, label)
                return _pixels(image, path)
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(
            f"{label}: more than {MAX_PIXELS // 10**6} megapixels; shrink it first"
        ) from error
    except UnidentifiedImageError as error:
        raise UserError(
            f"{label}: not an image that can be read; give {_FORMATS_IN_WORDS}"
        ) from error
    except Exception as error:
        # Broken files make Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error,
        # zlib.error and more; to the user they are all one thing.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"{label}: damaged, truncated or of an unknown kind ({reason}); save or copy it again"
        ) from error


def _check_file(path: Path, label: str) -> None:
    if path.is_dir():
        raise UserError(f"{label}: is a folder; give one image file")
    if not path.is_file():
        raise UserError(f"{label}: no such file; check the name")
    if path.stat().st_size == 0:
        raise UserError(f"{label}: the file is empty (0 bytes); save or copy it again")


def _pixels(image: Image.Image, path: Path) -> np.ndarray:
    # Pillow forgets the stored format while decoding, which reading a PNG's EXIF starts.
    is_16_bit = any(";16" in str(tile[3]) for tile in image.tile)
    orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    if image.format == "PPM" and image.mode == "I":
        return np.asarray(image).astype(np.uint16)[..., None]
    if is_16_bit:
        if image.format == "TIFF":
            # OpenCV turns TIFF files by itself, but not by a quarter.
            if orientation > 4:
                raise ValueError("a 16-bit TIFF stored sideways, save it as PNG")
            orientation = 1
        image.load()  # Pillow refuses truncated files, OpenCV fills them up
        return _UPRIGHT.get(orientation, lambda a: a)(_decode_16_bit(path))
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise ValueError(f"pixels of kind {image.mode}, save as 8 or 16 bits per channel")
    # The exact alpha values are needed, so Pillow must not drop or premultiply them.
    image = ImageOps.exif_transpose(image)
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return np.asarray(image)


def _decode_16_bit(path: Path) -> np.ndarray:
    """16-bit pixels by OpenCV, because Pillow cuts colour images to their high bytes."""
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError("an unusual 16-bit format, save as 8 bits per channel")
    if pixels.ndim == 2:
        return pixels[..., None]
    return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]


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


def _flatten(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 1 | 3 | 4) uint8 or uint16 -> (H, W, 3) uint8, transparency on white."""
    full = np.iinfo(pixels.dtype).max
    has_shape = pixels.shape[2] == 4 and np.ptp(pixels[..., 3]) > 0
    color = pixels[..., :3]
    if has_shape:
        alpha = pixels[..., 3:] / np.float32(full)
        color = np.round((color * alpha + full * (1 - alpha)) * (255 / full)).astype(np.uint8)
    elif full > 255:
        color = np.round(color / np.float32(257)).astype(np.uint8)
    return np.array(np.broadcast_to(color, (*color.shape[:2], 3)))
