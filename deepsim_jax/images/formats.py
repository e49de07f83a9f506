"""Kinds of picture files, told by their first bytes and never by their names."""

import re

from PIL import Image

READ = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
"""Pillow's formats that are read. Of its others some start programs (EPS) or hold no photograph."""

IN_WORDS = "PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF or JPEG 2000"

HEAD = 2**14
"""How many bytes from a file's start are enough to recognise its kind."""

_EXPORT = "export it as PNG or JPEG"
_DEVELOP = "develop it and export it as JPEG, PNG or 16-bit TIFF"
_SHOT = "a camera raw file"

# First bytes -> what such a file is, and what to do with it.
_WORDS = (
    (rb"....ftyp(heic|heix|heim|heis|hevc|hevx|hevm|hevs|mif1|msf1)", "a HEIC photo", _EXPORT),
    (rb"....ftypcrx ", f"{_SHOT} (CR3)", _DEVELOP),
    (rb"II\*\0....CR\x02", f"{_SHOT} (CR2)", _DEVELOP),
    (rb"FUJIFILMCCD-RAW", f"{_SHOT} (RAF)", _DEVELOP),
    (rb"II(RO|RS)|MMOR", f"{_SHOT} (ORF)", _DEVELOP),
    (rb"IIU\0", f"{_SHOT} (RW2)", _DEVELOP),
    (rb"FOVb", f"{_SHOT} (X3F)", _DEVELOP),
    (rb"\0MRM", f"{_SHOT} (MRW)", _DEVELOP),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture", _EXPORT),
    (rb"II\xbc\x01", "a JPEG XR picture", _EXPORT),
    (rb"8BPS", "a Photoshop document (PSD)", _EXPORT),
    (rb"gimp xcf", "a GIMP document (XCF)", _EXPORT),
    (rb"CSFCHUNK", "a Clip Studio document", _EXPORT),
    (rb"PK\x03\x04", "a zip archive, as Krita, OpenRaster and office documents are", _EXPORT),
    (rb"%PDF", "a PDF document", _EXPORT),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript document", _EXPORT),
    (
        rb"\xef?\xbb?\xbf?\s*(<\?xml.*?)?(<!--.*?-->\s*)*(<!DOCTYPE svg.*?)?<svg",
        "an SVG drawing",
        _EXPORT,
    ),
    (rb"\s*<(!doctype html|html)", "a web page", "save the picture on it"),
    (rb"\x76\x2f\x31\x01", "an OpenEXR picture (floating point)", "save it as 16-bit TIFF or PNG"),
    (rb"#\?(RADIANCE|RGBE)", "a Radiance picture (floating point)", "save it as 16-bit TIFF or PNG"),
    (rb"SIMPLE  =", "a FITS file", "save it as 16-bit TIFF or PNG"),
    (rb".{128}DICM", "a DICOM file", "save it as 16-bit TIFF or PNG"),
    (rb"\0\0\x01\0", "an icon", _EXPORT),
    (rb"qoif", "a QOI picture", _EXPORT),
    (rb"DDS ", "a DirectDraw surface (DDS)", _EXPORT),
    (rb"\0\x05\x16\x07", "a Mac's companion of a file and not the file", "give the one without ._"),
    (rb"version https://git-lfs", "a pointer of Git LFS and not the file", "fetch it with git lfs pull"),
)
_SIGNATURES = tuple((re.compile(pattern, re.S | re.I), what, advice) for pattern, what, advice in _WORDS)

_FILM = re.compile(
    rb"....(ftyp(?!avi[fs]|jp2|jpx)|moov|mdat|wide|free)|\x1a\x45\xdf\xa3|RIFF....AVI "
    rb"|\0\0\x01[\xb0-\xbf]|FLV\x01|OggS|\x30\x26\xb2\x75\x8e\x66\xcf\x11|(G.{187}){3}",
    re.S,
)


class Refused(ValueError):
    """A file that is whole, but not of a kind that is read: what it is, and what to do."""


def read_by_pillow() -> list[str]:
    """Those of `READ` that this Pillow can decode."""
    Image.init()
    return [name for name in READ if name in Image.OPEN]


def unread(head: bytes) -> str | None:
    """Describes a file of a known kind that is not read, with advice: "a HEIC photo, ...; export it ...".

    Args:
      head: its first `HEAD` bytes.
    """
    for pattern, kind, advice in _SIGNATURES:
        if pattern.match(head):
            return f"{kind}, which is not read; {advice}"
    if is_film(head):
        return "a film, which is no picture; give one picture of it"
    return None


def is_film(head: bytes) -> bool:
    """Whether a file begins as containers of films do (MP4, MOV, WebM, MKV, AVI, MPEG, FLV, Ogg, WMV)."""
    return bool(_FILM.match(head)) and not any(pattern.match(head) for pattern, *_ in _SIGNATURES)


def bits(head: bytes) -> int:
    """Bits per channel of an AVIF or JPEG 2000, which are decoded to 8; 8 for other files."""
    place = head.find(b"av1C")
    if b"ftypavi" in head[:12] and 0 <= place < len(head) - 6:
        flags = head[place + 6]
        return 12 if flags & 0x20 else 10 if flags & 0x40 else 8
    place = head.find(b"ihdr")
    if head[4:8] == b"jP  " and 0 <= place < len(head) - 14:
        return (head[place + 14] & 0x7F) + 1
    return 8


def is_tiff(head: bytes) -> bool:
    """Whether a file begins as a TIFF or BigTIFF does, which many camera raw files do, too."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
