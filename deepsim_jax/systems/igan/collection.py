"""What a run is trained on: many pictures of one kind, decoded once into memory-mapped files of the run.

pair/pictures.u8, held_out.u8    (N, size, size, 3) uint8 each, one after the other, without a header
pair/collection.json             their numbers, size and digest; written last
"""

import concurrent.futures
import dataclasses
import hashlib
import itertools
import json
import logging
import os
import pathlib
import shutil
import time

import cv2
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.systems.igan import listings
from deepsim_jax.systems.igan.config import classes
from deepsim_jax.systems.igan.listings import Listing

log = logging.getLogger("deepsim_jax")

LONGEST = 7000
"""Side, px, up to which a square is made in full: 49 megapixels; a longer one is shrunk first."""

FEWEST = 16
"""Pictures that a collection has at least."""

RECORD = "collection.json"
"""The file that makes a folder a collection; written last."""

_PICTURES, _HELD_OUT = "pictures.u8", "held_out.u8"
_AHEAD = 64  # pictures that are being decoded
_NAMED = 5  # broken ones in a message
_SECONDS = 5.0  # between lines of progress


@dataclasses.dataclass(frozen=True)
class Collection:
    """The decoded pictures of a run, in its folder; they are read when they are looked at.

    Attributes:
      pictures: (N, size, size, 3) uint8, memory-mapped: those that are trained on.
      held_out: (M, size, size, 3) uint8, likewise: of the same collection, not trained on; M may be 0.
      digest: of the files that they come from and of how they were prepared.
      folder: where they lie.
    """

    pictures: np.ndarray
    held_out: np.ndarray
    digest: str
    folder: pathlib.Path

    @property
    def photo(self) -> np.ndarray:
        """The first picture: a collection has no photo, and this is what stands for it."""
        return np.array(self.pictures[0])

    @property
    def original(self) -> None:
        """None: no picture of a collection is the photo whose file a result would resemble."""
        return None

    def hash(self) -> str:
        """The digest."""
        return self.digest

    def save(self, folder: pathlib.Path) -> None:
        """Copies the files into another run's folder."""
        if folder.resolve() != self.folder.resolve():
            shutil.copytree(self.folder, folder, dirs_exist_ok=True)


def load(folder: pathlib.Path) -> Collection:
    """The collection in the folder of a run.

    Raises:
      UserError: a file is missing or damaged.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        size, digest = int(record["size"]), str(record["digest"])
        pictures, held_out = (
            _mapped(folder / file, (int(record[name]), size, size, 3))
            for file, name in ((_PICTURES, "pictures"), (_HELD_OUT, "held_out"))
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder}: the collection is damaged ({error}); restore it from a copy"
        ) from error
    return Collection(pictures, held_out, digest=digest, folder=folder)


@dataclasses.dataclass(frozen=True)
class Unread:
    """A collection that is yet to be decoded, by `save`.

    Attributes:
      listing: its pictures.
      size: side that they are to have, px.
      fit: "crop" or "pad", see `fitted`.
      most: at most so many of them; 0: all.
      held_out: how many are kept from the training, a tenth at most.
    """

    listing: Listing
    size: int
    fit: str = "crop"
    most: int = 0
    held_out: int = 0

    @property
    def original(self) -> None:
        """None, as `Collection.original`."""
        return None

    @property
    def photo(self) -> np.ndarray:
        """The first of its pictures that can be read, as `Collection.photo`."""
        for index in range(len(self.listing)):
            try:
                return self._read(index)
            except UserError:
                continue
        raise UserError(f"none of {len(self.listing)} pictures can be read")

    def hash(self) -> str:
        """Of the files and of how they are prepared; nothing is decoded."""
        prepared = self.listing.digest(), self.size, self.fit, self.most, self.held_out
        return hashlib.sha256(repr(prepared).encode()).hexdigest()

    def save(self, folder: pathlib.Path) -> None:
        """Decodes all pictures into a run's folder; those that cannot be are named in one warning.

        Raises:
          UserError: fewer than 16 are left, or the files cannot be written.
        """
        chosen = np.random.default_rng(0).permutation(len(self.listing))[: self.most or None]
        kept = min(self.held_out, len(chosen) // 10)
        broken: list[str] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            written = [
                self._decode(folder / file, np.sort(part), broken)
                for file, part in ((_PICTURES, chosen[kept:]), (_HELD_OUT, chosen[:kept]))
            ]
        except OSError as error:
            raise UserError(f"{folder}: cannot be written ({error.strerror or error})") from error
        if written[0] < FEWEST:
            raise UserError(_too_few(written[0], broken))
        if broken:
            log.warning("left out %d of %d pictures: %s", len(broken), len(chosen), _listed(broken))
        record = {
            "pictures": written[0],
            "held_out": written[1],
            "size": self.size,
            "digest": self.hash(),
        }
        images.write_bytes_atomic(folder / RECORD, json.dumps(record, indent=1).encode())

    def _decode(self, path, indices, broken) -> int:
        """Writes the pictures of some numbers one after the other; how many could be read."""
        count, told = 0, time.monotonic()
        with open(path, "wb") as file:
            for done, (index, picture) in enumerate(self._in_order(indices), 1):
                if isinstance(picture, UserError):
                    broken.append(f"{self.listing.name(index)} ({picture})")
                else:
                    file.write(picture.tobytes())
                    count += 1
                if time.monotonic() - told > _SECONDS:
                    told = time.monotonic()
                    log.info("read %d of %d pictures", done, len(indices))
        return count

    def _in_order(self, indices):
        """(number, picture or what is wrong with it) in order, decoded by threads a few ahead."""

        def attempt(index):
            try:
                return self._read(index)
            except UserError as error:
                return error

        waiting = iter(indices)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            running = [(int(i), pool.submit(attempt, int(i))) for i in itertools.islice(waiting, _AHEAD)]
            while running:
                index, future = running.pop(0)
                yield index, future.result()
                running += [(int(i), pool.submit(attempt, int(i))) for i in itertools.islice(waiting, 1)]

    def _read(self, index):
        return fitted(self.listing.read(index), self.size, self.fit)


def fitted(picture: np.ndarray, size: int, fit: str = "crop") -> np.ndarray:
    """A picture (H, W, 3) uint8 as a square (size, size, 3).

    Args:
      picture: of any size.
      size: px.
      fit: "crop": the square in its middle; "pad": all of it, in the middle of a white square.
    """
    height, width = picture.shape[:2]
    if fit == "pad":
        side = max(height, width)
        square = placed(picture, side, (side - height) // 2, (side - width) // 2, ground=255)
    else:
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = picture[top : top + side, left : left + side]
    return resized(square, size)


def evenly(pictures: np.ndarray, most: int) -> np.ndarray:
    """At most so many of (N, ...) pictures, evenly spread: files may be in an order of kinds."""
    count = min(most, len(pictures))
    return np.asarray(pictures[np.arange(count) * len(pictures) // max(count, 1)])


def placed(part: np.ndarray, side: int, top: int, left: int, *, ground: float) -> np.ndarray:
    """A picture or mask (H, W, ...) on a square of a ground, shrunk to `LONGEST` where that is larger.

    Args:
      part: lies within the square.
      side: of the square, px.
      top, left: where in it the part lies.
      ground: what is around it.

    Returns:
      (s, s, ...) of the part's type, s = min(side, LONGEST).
    """
    if side > LONGEST:
        scale, side = LONGEST / side, LONGEST
        height, width = (max(1, round(length * scale)) for length in part.shape[:2])
        part = cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=cv2.INTER_AREA)
        top, left = min(round(top * scale), side - height), min(round(left * scale), side - width)
    square = np.full((side, side, *part.shape[2:]), ground, part.dtype)
    square[top : top + part.shape[0], left : left + part.shape[1]] = part
    return square


def resized(square: np.ndarray, size: int) -> np.ndarray:
    """A square uint8 picture with sides of `size`: averaged over areas, or interpolated where larger."""
    if square.shape[0] == size:
        return np.ascontiguousarray(square)
    kind = cv2.INTER_AREA if square.shape[0] > size else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(square), (size, size), interpolation=kind)


def read(config, image=None, primitive=None) -> Unread:
    """The collection that a config names; `image` replaces its path.

    Args:
      config: validated.
      image: what `listings.find` takes.
      primitive: None.

    Raises:
      UserError: no collection is named, it has too few pictures, or a primitive is given.
    """
    if primitive is not None:
        raise UserError("primitive: iGAN learns from pictures alone; leave it out")
    source = config.data.pictures if image is None else image
    if isinstance(source, str) and not source:
        raise UserError("no collection: give --config.data.pictures=FOLDER")
    listing = listings.find(source, classes(config))
    if len(listing) < FEWEST:
        raise UserError(_too_few(len(listing), []))
    data = config.data
    return Unread(listing, data.size, data.fit, data.most, data.held_out)


def _mapped(path, shape):
    if path.stat().st_size != np.prod(shape):
        raise ValueError(f"{path.name} has another length")
    if not shape[0]:
        return np.zeros(shape, np.uint8)
    return np.memmap(path, np.uint8, "r", shape=shape)


def _too_few(count, broken):
    found = "one picture" if count == 1 else f"{count or 'no'} pictures"
    why = f"; {len(broken)} cannot be read: {_listed(broken)}" if broken else ""
    return (
        f"a collection of {found}{why}: iGAN needs {FEWEST} at least, and some hundreds to show variety; "
        "for a single photo take a config for deepsim or singan"
    )


def _listed(broken):
    more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
    return ", ".join(broken[:_NAMED]) + more
