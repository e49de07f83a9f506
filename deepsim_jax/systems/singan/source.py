"""The photo that SinGAN is trained on; it needs no primitive."""

import dataclasses
import hashlib
import pathlib

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images.original import Original
from deepsim_jax.systems.singan.config import SCHEMA


@dataclasses.dataclass(frozen=True)
class Photo:
    """The photo of a run.

    Attributes:
      photo: (H, W, 3) uint8, at the size that the user gave.
      original: the photo as its file has it, or None where it came as an array.
    """

    photo: np.ndarray
    original: Original | None = None

    def hash(self) -> str:
        """SHA-256 over the picture."""
        digest = hashlib.sha256(repr(self.photo.shape).encode())
        digest.update(np.ascontiguousarray(self.photo).tobytes())
        return digest.hexdigest()

    def save(self, folder: pathlib.Path):
        """Writes the photo to `photo.png` in the folder."""
        images.write_photo(folder / "photo.png", self.photo, self.original)

    @classmethod
    def load(cls, folder: pathlib.Path) -> "Photo":
        """Reads what `save` wrote.

        Raises:
          UserError: the file is missing or damaged.
        """
        return cls(*images.reread_photo(folder / "photo.png"))


def read(config, image=None, primitive=None) -> Photo:
    """The photo that a config names; `image` replaces its path.

    Raises:
      UserError: no photo is named, it cannot be used, or a primitive is given.
    """
    image = config.data.image if image is None else image
    if primitive is not None:
        raise UserError(
            "primitive: SinGAN learns from a photo alone; leave it out, or take a config for "
            "deepsim, such as quickstart"
        )
    if isinstance(image, str) and not image:
        raise UserError("no photo: give --config.data.image=photo.jpg")
    return Photo(*images.read_photo(image, name="image"))


def without_path(config):
    """A validated copy of a config whose photo is handed over as an array."""
    config = config.copy_and_resolve_references()
    with config.unlocked():
        config.data.image = ""
    return SCHEMA.validate(config)
