"""Photos by name: files, folders of them, and photos that every installation has."""

import logging
from pathlib import Path

import numpy as np
import skimage.data

from deepsim_jax.errors import UserError
from deepsim_jax.images import formats, picture_files
from deepsim_jax.images import io as images
from deepsim_jax.images.picture_files import natural_order
from deepsim_jax.runtime.paths import user_path

__all__ = ["INSTALLED", "find", "in_folder", "natural_order", "read"]

log = logging.getLogger("deepsim_jax")

INSTALLED = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field", "retina")
"""Colour photos inside scikit-image's wheel, named skimage:astronaut."""

_PREFIX = "skimage:"


def find(specs) -> dict[str, str | Path]:
    """The photos that a user names: a name for each -> what `read` takes, in order.

    Args:
      specs: paths of files and folders and names of installed photos, or one of them.

    Raises:
      UserError: no such thing, no photos in a folder, or two of one name.
    """
    photos: dict[str, str | Path] = {}
    for spec in [specs] if isinstance(specs, str | Path) else specs:
        matches: dict[str, str | Path]
        if str(spec).startswith(_PREFIX):
            matches = {str(spec).removeprefix(_PREFIX): str(spec)}
            _check_installed(spec)
        elif (path := user_path(spec)).is_dir():
            matches = {path.name: path for path in in_folder(path)[0]}
        elif path.is_file():
            matches = {path.name: path}
        else:
            raise UserError(f"{spec}: no such photo or folder; give one, or {_choices()}")
        double = [name for name in matches if name in photos]
        if double:
            raise UserError(f"{spec}: a second photo called {double[0]}; rename one of them")
        photos |= matches
    return photos


def in_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """(photos, other files) of a folder in natural order, by their content (`picture_files`).

    Hidden files, those of systems and folders are left aside. A warning names all that is no photo.

    Raises:
      UserError: there are no photos.
    """
    photos, other_files = picture_files.look(folder)
    words = picture_files.listed(other_files)
    if not photos:
        remark = f" (only {words})" if words else ""
        raise UserError(f"{folder}: no photos there{remark}; give a folder with {formats.IN_WORDS}")
    if other_files:
        log.warning("%s: not read: %s", folder, words)
    return photos, [path for path in other_files if not picture_files.is_of_system(path)]


def read(source: str | Path) -> np.ndarray:
    """A photo, uint8 (H, W, 3): "skimage:coffee", or as `images.io.read_image` takes it.

    Raises:
      UserError: there is no such photo.
    """
    if str(source).startswith(_PREFIX):
        _check_installed(source)
        return images.read_image(getattr(skimage.data, str(source).removeprefix(_PREFIX))())
    return images.read_image(source, name="photo")


def _check_installed(source):
    if str(source).removeprefix(_PREFIX) not in INSTALLED:
        raise UserError(f"{source}: no such photo; give one of {_choices()}")


def _choices():
    return ", ".join(_PREFIX + name for name in INSTALLED)
