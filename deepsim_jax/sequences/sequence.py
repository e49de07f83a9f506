"""One video as the evaluation takes it: frames in order, one of which is trained on."""

import dataclasses
from collections.abc import Callable

import numpy as np

from deepsim_jax.errors import UserError

PARTS = ("segmentation", "edges")
"""Primitives that may come with the frames."""


@dataclasses.dataclass(frozen=True)
class Sequence:
    """Frames of one size with the primitives that were given for them, read when asked for.

    Two sequences are equal if all but their reader is; the pictures are not compared.

    Attributes:
      name: of the sequence, without a slash: it may name a folder of results.
      frames: the names of the frames in their order, each once.
      train: index of the frame that is trained on; all others are held out.
      parts: the given primitives, some of `PARTS` in that order.
      size: (height, width) of every frame and part, pixels.
      reader: (kind, index) -> array, where kind is "image" or one of `parts`.
    """

    name: str
    frames: tuple[str, ...]
    train: int
    parts: tuple[str, ...]
    size: tuple[int, int]
    reader: Callable[[str, int], np.ndarray] = dataclasses.field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def held_out(self) -> tuple[int, ...]:
        """Indices of all frames but the one that is trained on."""
        return tuple(i for i in range(len(self.frames)) if i != self.train)

    def image(self, index: int) -> np.ndarray:
        """The frame, (H, W, 3) uint8.

        Raises:
          UserError: its file cannot be read or has another size than the first frame.
          IndexError: there is no such frame.
        """
        return self._read("image", index)

    def part(self, name: str, index: int) -> np.ndarray:
        """A given primitive of a frame: "segmentation" (H, W, 3) uint8, "edges" (H, W) bool.

        Raises:
          UserError: no such primitive is given; or as in `image`.
          IndexError: there is no such frame.
        """
        if name not in self.parts:
            given = " and ".join(self.parts) or "no primitive"
            raise UserError(f"sequence {self.name}: {name} is not given with its frames, only {given}")
        return self._read(name, index)

    def _read(self, kind, index):
        if not 0 <= index < len(self.frames):
            raise IndexError(f"frame {index} of {len(self.frames)}")
        return self.reader(kind, index)


def select(frames, *, limit: int, train: int, label: str) -> tuple:
    """The frames that a sequence has, after checking that it can be trained and evaluated on.

    Args:
      frames: all that there are, in order.
      limit: at most so many are taken, from the first on; 0 for all.
      train: index of the frame to be trained on, counted from 0.
      label: what messages begin with.

    Raises:
      UserError: fewer than two frames, a limit below two, or no such frame to train on.
    """
    check_limit(limit)
    frames = tuple(frames[:limit] if limit else frames)
    if len(frames) < 2:
        raise UserError(
            f"{label}: {len(frames)} frame, at least two are needed: one to train on and "
            "one to compare with"
        )
    if not 0 <= train < len(frames):
        raise UserError(
            f"{label}: training frame {train}, but its {len(frames)} frames count from 0 to "
            f"{len(frames) - 1}"
        )
    return frames


def check_limit(limit: int) -> None:
    """Raises a UserError unless `limit` is 0 (all frames) or at least 2."""
    if limit < 0 or limit == 1:
        raise UserError(f"limit of frames {limit}: give at least 2, or 0 for all")
