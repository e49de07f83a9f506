"""Photos by name: files, folders of them, and photos that every installation has."""

from pathlib import Path

import numpy as np
import skimage.data

from deepsim_jax.data import images, pair
from deepsim_jax.data.sequence import natural_order
from deepsim_jax.errors import UserError

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
    found: dict[str, str | Path] = {}
    for spec in [specs] if isinstance(specs, str | Path) else specs:
        if str(spec).startswith(_PREFIX):
            named = {str(spec).removeprefix(_PREFIX): str(spec)}
            _check_installed(spec)
        elif Path(spec).is_dir():
            named = {path.name: path for path in in_folder(Path(spec))[0]}
        elif Path(spec).is_file():
            named = {Path(spec).name: Path(spec)}
        else:
            raise UserError(f"{spec}: no such photo or folder; give one, or {_choices()}")
        double = [name for name in named if name in found]
        if double:
            raise UserError(f"{spec}: a second photo called {double[0]}; rename one of them")
        found |= named
    return found


def in_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """(photos, other files) of a folder in natural order; hidden files and folders are left aside.

    Raises:
      UserError: there are no photos.
    """
    files = sorted((path for path in folder.iterdir()
                    if path.is_file() and not path.name.startswith(".")),
                   key=lambda path: natural_order(path.name))
    found = [path for path in files if path.suffix.lower() in pair.SUFFIXES]
    if not found:
        raise UserError(f"{folder}: no photos there; give a folder with {' '.join(pair.SUFFIXES)}")
    return found, [path for path in files if path not in found]


def read(source: str | Path) -> np.ndarray:
    """A photo, uint8 (H, W, 3): "skimage:coffee", or as `images.read_image` takes it.

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
