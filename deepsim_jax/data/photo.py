"""A photo that is trained on as it is, without a drawing of it."""

import dataclasses
import hashlib
import pathlib

import numpy as np

from deepsim_jax.data import images


@dataclasses.dataclass(frozen=True)
class Photo:
    """What a run is trained on.

    Attributes:
      photo: (H, W, 3) uint8, at the size that the user gave.
    """

    photo: np.ndarray

    def hash(self) -> str:
        """SHA-256 over the picture."""
        digest = hashlib.sha256(repr(self.photo.shape).encode())
        digest.update(np.ascontiguousarray(self.photo).tobytes())
        return digest.hexdigest()

    def save(self, folder: pathlib.Path):
        """Writes photo.png."""
        images.write_png(folder / "photo.png", self.photo)

    @classmethod
    def load(cls, folder: pathlib.Path) -> "Photo":
        """Reads what `save` wrote.

        Raises:
          UserError: the file is missing or damaged.
        """
        return cls(images.read_image(folder / "photo.png", name="photo"))
