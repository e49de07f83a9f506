"""Reads a picture file's data on the shot (EXIF) and cleans them for pictures made of it."""

from PIL import ExifTags, Image

_BASE = ExifTags.Base

# Tags of the main directory: who, when, with what. The others describe how the pixels are stored.
_KEPT = (
    _BASE.ImageDescription,
    _BASE.Make,
    _BASE.Model,
    _BASE.XResolution,
    _BASE.YResolution,
    _BASE.ResolutionUnit,
    _BASE.Software,
    _BASE.DateTime,
    _BASE.Artist,
    _BASE.Copyright,
    _BASE.Rating,
    *(_BASE.XPTitle, _BASE.XPComment, _BASE.XPAuthor, _BASE.XPKeywords, _BASE.XPSubject),
)

# A camera's own notes hold offsets that are valid at their old place only, and previews of the
# old picture.
_LEFT_OUT = (_BASE.MakerNote, _BASE.ExifInteroperabilityOffset)


def orientation(image: Image.Image) -> int:
    """The EXIF orientation of the stored rows and columns, 1 to 8; 1 where the tag has no such value."""
    value = image.getexif().get(_BASE.Orientation, 1)
    return value if value in range(1, 9) else 1


def says_adobe_rgb(image: Image.Image) -> bool:
    """Whether a camera marked the picture as Adobe RGB, which many do without a colour profile."""
    exif = image.getexif()
    interoperability = exif.get_ifd(ExifTags.IFD.Interop).get(1, "")
    return str(interoperability).startswith("R03") or exif.get_ifd(ExifTags.IFD.Exif).get(0xA001) == 2


def kept(image: Image.Image, size: tuple[int, int]) -> bytes | None:
    """The EXIF block for upright pictures made of this one, or None if it has none.

    Args:
      image: opened, before it is turned upright.
      size: (width, height) of the upright picture.

    Returns:
      Its descriptions with an orientation of 1, without thumbnail and the camera maker's own notes.

    Raises:
      Exception: of any kind, if the block is damaged.
    """
    source, clean = image.getexif(), Image.Exif()
    for tag in _KEPT:
        if tag in source:
            clean[tag] = source[tag]
    if _BASE.Orientation in source:
        clean[_BASE.Orientation] = 1
    shot = {
        tag: value for tag, value in source.get_ifd(ExifTags.IFD.Exif).items() if tag not in _LEFT_OUT
    }
    for side_tag, side in zip((0xA002, 0xA003), size, strict=True):  # if they are told
        if side_tag in shot:
            shot[side_tag] = side
    place = dict(source.get_ifd(ExifTags.IFD.GPSInfo))
    for directory, tags in ((ExifTags.IFD.Exif, shot), (ExifTags.IFD.GPSInfo, place)):
        if tags:
            clean[directory] = tags
    return clean.tobytes() if len(clean) else None
