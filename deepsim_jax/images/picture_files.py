"""Finds the pictures of a folder, recognised by their content."""

import logging
import re
import warnings
from pathlib import Path

from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import formats

log = logging.getLogger("deepsim_jax")

# A file with such a name that holds no picture is damaged and must not be skipped silently.
_SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff"),
    *(".gif", ".avif", ".jp2", ".jpx", ".j2k", ".ppm", ".pgm", ".pbm"),
)
_OF_SYSTEMS = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "$recycle.bin", "@eadir")
_SHOWN = 5  # names in a message


def natural_order(name: str):
    """Sorting key by which numbers within names count as numbers: 2 stands before 10."""
    return [int(piece) if i % 2 else piece for i, piece in enumerate(re.split(r"(\d+)", name))], name


def find(folder: Path, *, label: str = "", quiet: bool = False) -> list[Path]:
    """The pictures directly in a folder, in natural order; one log line names the files left out.

    Args:
      folder: one that does not exist has no pictures.
      label: how messages call it; by default its path.
      quiet: whether to leave the line out.
    """
    pictures, skipped = look(folder)
    if skipped and not quiet:
        log.info("%s: left out %s", label or folder, listed(skipped))
    return pictures


def look(folder: Path) -> tuple[list[Path], dict[Path, str]]:
    """(pictures, files that are left out -> why) of a folder, both in natural order."""
    pictures: list[Path] = []
    skipped: dict[Path, str] = {}
    if not folder.is_dir():
        return pictures, skipped
    for path in sorted(folder.iterdir(), key=lambda path: natural_order(path.name)):
        if is_of_system(path):
            if path.is_file():
                skipped[path] = "hidden" if path.name.startswith(".") else "of the system"
        elif path.is_file():
            kind = _why_skipped(path)
            if kind is None:
                pictures.append(path)
            else:
                skipped[path] = kind
    return pictures, skipped


def is_of_system(path: Path) -> bool:
    """Whether a file or folder is hidden or one that systems put beside the user's own."""
    return path.name.startswith(".") or path.name.lower() in _OF_SYSTEMS


def is_picture(path: Path) -> bool:
    """Whether a file's content is a picture that is read, moving or not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=formats.read_by_pillow()):
                return True
    # Damaged headers make Pillow raise errors of many kinds.
    except Exception:
        return formats.is_tiff(_head(path))


def frames_of(path: Path) -> int:
    """How many pictures an animation has (GIF, WebP, PNG, AVIF); 1 for a still, 0 for no picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=formats.read_by_pillow()) as image:
                # Of an MPO and a TIFF the others are previews and pages.
                return 1 if image.format in ("MPO", "TIFF") else getattr(image, "n_frames", 1)
    except Exception:  # as above
        return 0


def is_film(path: Path) -> bool:
    """Whether a file's content is a film or an animation, and no single picture."""
    return frames_of(path) > 1 or (not is_picture(path) and formats.is_film(_head(path)))


def by_stem(folder: Path, *, quiet: bool = False) -> dict[str, Path]:
    """Name without suffix -> path of each picture of `find`.

    Raises:
      UserError: two differ in their suffixes only.
    """
    pictures: dict[str, Path] = {}
    for path in find(folder, quiet=quiet):
        if path.stem in pictures:
            raise UserError(
                f"{folder}: {pictures[path.stem].name} and {path.name} are one "
                "picture's name, suffixes aside; keep one of them"
            )
        pictures[path.stem] = path
    return pictures


def listed(left_out: dict[Path, str]) -> str:
    """The files left out, in words: "._a.png (hidden), notes.txt (no picture)"."""
    parts = [f"{path.name} ({reason})" for path, reason in left_out.items()]
    ending = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return ", ".join(parts[:_SHOWN]) + ending


def _why_skipped(path) -> str | None:
    """Why a file counts as no picture, None if it counts as one."""
    if path.suffix.lower() in _SUFFIXES or is_picture(path):
        return None
    description = formats.unread(_head(path))
    return description.split(";")[0] if description else "no picture"


def _head(path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(formats.HEAD)
    except OSError:
        return b""
