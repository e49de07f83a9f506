"""Inspects TIFF files, and decodes the kinds that Pillow reads wrongly or not at all.

A TIFF may hold a document, a stack, a preview before the picture (as most camera raw files do), and any
number of channels of any depth. `inspect` finds out which. `decode` reads pictures of 9 to 16 bits and of
unusual channels by tifffile, or by OpenCV where tifffile lacks the compression.
"""

import contextlib
import logging
import os
import threading
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import tifffile
from PIL import Image

from deepsim_jax.images import depth
from deepsim_jax.images.formats import Refused

# tifffile's own remarks about unusual files; what matters is refused or said here.
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)

_PHOTOMETRIC = tifffile.PHOTOMETRIC
_PREVIEW, _MASK = 1, 4  # bits of NewSubfileType
_OLD_SUBFILE_TYPE, _ORIENTATION, _INK_SET, _PROFILE, _DNG_VERSION = 255, 274, 332, 34675, 50706

# Channels of colour of each kind that is decoded here.
_COLORS: dict[int, int] = {
    _PHOTOMETRIC.MINISWHITE: 1,
    _PHOTOMETRIC.MINISBLACK: 1,
    _PHOTOMETRIC.RGB: 3,
    _PHOTOMETRIC.SEPARATED: 4,
}

TRUNCATED = "image file is truncated"

_STDERR = threading.RLock()


@contextlib.contextmanager
def complaints_silenced():
    """Keeps stderr silent meanwhile: libtiff, inside of Pillow, writes to it directly."""
    with _STDERR:
        try:
            stderr_copy = os.dup(2)
        except OSError:  # a program without stderr
            yield
            return
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 2)
        try:
            yield
        finally:
            os.dup2(stderr_copy, 2)
            os.close(stderr_copy)
            os.close(devnull)


class Layout(NamedTuple):
    """The layout of a TIFF's picture, from its tags.

    Attributes:
      width, height: as stored.
      bits: of a channel.
      colors: channels of colour; 4 for CMYK.
      alpha: index of the channel that is transparency, or None.
      left_out: how many channels are neither colour nor transparency.
      guessed: whether the transparency is not named as such.
      profile: the ICC profile, or None.
      orientation: as of EXIF.
    """

    width: int
    height: int
    bits: int
    colors: int
    alpha: int | None
    left_out: int
    guessed: bool
    profile: bytes | None
    orientation: int


def inspect(path: Path) -> Layout:
    """Finds the picture of a TIFF.

    Raises:
      Refused: it is a camera raw file, begins with a preview, has several pictures, or numbers of
        another kind than whole ones from 0 on.
      Exception: of many kinds, if it is damaged.
    """
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        further_pages = _further_pages(file, page)
        _check_raw(page, further_pages)
        _check_alone(file, page, further_pages)
        if page.sampleformat not in (1, 4):  # unsigned, untyped
            kind = {2: "signed whole", 3: "floating point"}.get(int(page.sampleformat), "unusual")
            raise Refused(f"a TIFF of {kind} numbers; save it with 8 or 16 bits per channel")
        bits = page.bitspersample
        if not isinstance(bits, int):
            raise Refused(f"a TIFF of channels of {bits} bits; save it with 8 or 16 bits per channel")
        if bits > 16:
            raise Refused(f"a TIFF of {bits} bits per channel; save it with 8 or 16 bits per channel")
        colors = _COLORS.get(page.photometric, min(page.samplesperpixel, 3))
        extra = [int(kind) for kind in page.extrasamples]
        # A fourth channel without a word about it is transparency to every program.
        guessed = not extra and page.photometric == _PHOTOMETRIC.RGB and page.samplesperpixel == 4
        alpha = next((colors + i for i, kind in enumerate(extra) if kind in (1, 2)), None)
        return Layout(
            page.imagewidth,
            page.imagelength,
            bits,
            colors,
            3 if guessed else alpha,
            max(0, page.samplesperpixel - colors - (alpha is not None or guessed)),
            guessed,
            page.tags.valueof(_PROFILE),
            _tag(page, _ORIENTATION, 1),
        )


def decode(path: Path, layout: Layout) -> np.ndarray:
    """The pixels of a TIFF that `inspect` accepts, as stored: not yet turned upright.

    Returns:
      (H, W, 1 | 3 | 4), uint16, or uint8 for up to 8 bits: grey, RGB, RGB with transparency, or the
      four inks.

    Raises:
      Refused: colours or compressions that cannot be read.
      Exception: of many kinds, if it is damaged.
    """
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        if layout.bits < 8:
            raise Refused(f"a TIFF of {layout.bits} bits per channel; save it with 8")
        inks = page.photometric == _PHOTOMETRIC.SEPARATED
        if page.photometric not in _COLORS or (inks and _tag(page, _INK_SET, 1) != 1):
            name = getattr(page.photometric, "name", page.photometric)
            raise Refused(f"a TIFF of {layout.bits} bits in colours of the kind {name}; save it as RGB")
        end = max(o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True))
        if end > file.filehandle.size:
            raise ValueError(TRUNCATED)
        pixels = _decode_page(path, page)
        if pixels.ndim != 3 or pixels.shape[2] < layout.colors:
            raise Refused("a TIFF of an unusual arrangement; save it as an ordinary RGB picture")
        color = pixels[..., : layout.colors]
        if page.photometric == _PHOTOMETRIC.MINISWHITE:
            color = 2 ** depth.significant_bits(color, layout.bits) - 1 - color
        if layout.alpha is None or inks:
            return color
        kind = 2 if layout.guessed else int(page.extrasamples[layout.alpha - layout.colors])
        return _with_alpha(color, pixels[..., layout.alpha], multiplied=kind == 1)


def _further_pages(file, page):
    """All pictures but the first: those inside it (SubIFDs) and those after it."""
    sub_pages = list(page.pages) if page.subifds else []
    return sub_pages + [file.pages[i] for i in range(1, len(file.pages))]


def _tag(page, code, default=0):
    tag = page.tags.get(code)
    value = default if tag is None else tag.value
    return value if isinstance(value, int) else default


def _is_preview(page):
    return bool(int(page.subfiletype) & _PREVIEW) or _tag(page, _OLD_SUBFILE_TYPE) == 2


def _check_raw(page, further_pages):
    sensors = (_PHOTOMETRIC.CFA, _PHOTOMETRIC.LINEAR_RAW)
    if page.tags.get(_DNG_VERSION) or any(
        candidate.photometric in sensors for candidate in (page, *further_pages)
    ):
        kind = " (DNG)" if page.tags.get(_DNG_VERSION) else ""
        raise Refused(
            f"a camera raw file{kind}, which is not read; develop it and export it as JPEG, PNG or "
            "16-bit TIFF"
        )


def _check_alone(file, page, further_pages):
    pixels = page.imagewidth * page.imagelength
    largest = max(
        further_pages, key=lambda candidate: candidate.imagewidth * candidate.imagelength, default=page
    )
    if largest.imagewidth * largest.imagelength > pixels and (
        _is_preview(page) or not _is_preview(largest)
    ):
        size, real = (f"{p.imagewidth}x{p.imagelength}" for p in (page, largest))
        raise Refused(
            f"a TIFF that begins with a preview of {size} px, as camera raw files do; its picture of "
            f"{real} px is not read; export it as JPEG, PNG or a TIFF of one picture"
        )
    # Smaller copies and masks are no pictures of their own, whether they are marked as such or not.
    pages = 1 + sum(
        not (_is_preview(candidate) or int(candidate.subfiletype) & _MASK)
        and 2 * candidate.imagewidth > page.imagewidth
        and 2 * candidate.imagelength > page.imagelength
        for candidate in further_pages
    )
    stack = (file.imagej_metadata or {}).get("images", 1) if file.is_imagej else 1
    pages = max(pages, stack, page.imagedepth)
    if pages > 1:
        raise Refused(f"a TIFF of {pages} pictures; save the one that is meant as a file of its own")


def _decode_page(path, page):
    """Decodes a page to (H, W, channels), by tifffile or else by OpenCV."""
    try:
        pixels = page.asarray()
    except (ValueError, RuntimeError) as error:  # it has no decoder for the compression, or the depth
        if "imagecodecs" not in str(error) and not isinstance(error, RuntimeError):
            raise
        pixels = _decode_by_opencv(path, page)
    if page.planarconfig == 2 and pixels.ndim == 3 and pixels.shape[0] == page.samplesperpixel:
        pixels = np.moveaxis(pixels, 0, -1)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _decode_by_opencv(path, page):
    """Decodes interleaved channels in compressions for which tifffile has no decoder."""
    name = getattr(page.compression, "name", page.compression)
    refusal = Refused(
        f"a TIFF of an unusual arrangement ({page.samplesperpixel} channels of {page.bitspersample} "
        f"bits, compression {name}); save it without compression, or with 8 bits per channel"
    )
    if page.samplesperpixel not in (1, 3, 4) or (page.planarconfig == 2 and page.samplesperpixel > 1):
        raise refusal
    with Image.open(path) as image:
        image.load()  # Pillow refuses truncated files, OpenCV fills them up
    content = np.fromfile(path, np.uint8)
    orientation = page.tags.get(_ORIENTATION)
    if orientation is not None and orientation.value in range(2, 9):
        # OpenCV turns some pictures by itself.
        place, little = orientation.valueoffset, page.parent.byteorder == "<"
        content[place : place + 2] = (1, 0) if little else (0, 1)
    pixels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape[:2] != (page.imagelength, page.imagewidth):
        raise refusal
    if pixels.ndim == 3 and pixels.shape[2] != page.samplesperpixel:
        raise refusal
    return pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]


def _with_alpha(color, alpha, *, multiplied):
    """(H, W, 4): colours and transparency; undoes the multiplication that some files apply."""
    color = np.broadcast_to(color, (*color.shape[:2], 3))
    if multiplied:
        full = np.iinfo(color.dtype).max
        divided = color * np.float64(full) / np.maximum(alpha, 1)[..., None]
        color = np.clip(np.rint(divided), 0, full).astype(color.dtype)
    return np.dstack([color, alpha])
