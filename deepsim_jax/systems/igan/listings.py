"""Where a collection's pictures come from: folders, MNIST-family files, TensorFlow Datasets, arrays."""

import colorsys
import functools
import gzip
import hashlib
import logging
import pathlib
import zlib
from collections.abc import Sequence
from typing import Any, Protocol

import cv2
import numpy as np

from deepsim_jax.errors import UserError, one_line
from deepsim_jax.images import collections
from deepsim_jax.images import io as images
from deepsim_jax.runtime.paths import user_path

log = logging.getLogger("deepsim_jax")

_TFDS = "tfds:"
_IDX_IMAGES, _IDX_LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
_MAGIC = {3: b"\x00\x00\x08\x03", 1: b"\x00\x00\x08\x01"}  # of uint8 numbers in so many dimensions
_DAMAGES = (OSError, EOFError, zlib.error)  # that reading a packed file may raise
_SAMPLED, _HEAD = 1000, 4096  # files whose first bytes are in a folder's digest
_BACKGROUND = 8  # grey level up to which a pixel of a grey picture counts as its ground
_DARKEST = 0.25  # share of the colour that is left where a grey picture is black


class Listing(Protocol):
    """Pictures by number, none of which is read before it is asked for."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """How messages call a picture."""
        ...

    def read(self, index: int) -> np.ndarray:
        """A picture of any size, uint8 (H, W, 3) in sRGB.

        Raises:
          UserError: it cannot be used.
        """
        ...

    def digest(self) -> str:
        """Differs where the pictures do; made without reading all of them."""
        ...


class FolderListing:
    """The picture files of a folder.

    The digest is of all names and sizes in bytes and of the beginnings of up to 1,000 files: 200,000
    files need not be read to see that a run goes on with the same.
    """

    def __init__(self, folder: pathlib.Path):
        """Lists them; a `UserError` if there are none."""
        self._files, _ = collections.in_folder(folder)

    def __len__(self) -> int:
        return len(self._files)

    def name(self, index: int) -> str:
        """The file's name."""
        return self._files[index].name

    def read(self, index: int) -> np.ndarray:
        """The picture as `images.io.read_image` reads it."""
        path = self._files[index]
        try:
            return images.read_image(path, name="picture", quiet=True)
        except UserError as error:
            raise UserError(str(error).removeprefix(f"picture {path}: ")) from error

    def digest(self) -> str:
        """See above."""
        return self._digest

    @functools.cached_property
    def _digest(self):
        found = hashlib.sha256()
        for path in self._files:
            found.update(f"{path.name}\0{_bytes(path)}\0".encode(errors="surrogateescape"))
        for index in np.unique(np.linspace(0, len(self) - 1, _SAMPLED).astype(int)):
            found.update(_head(self._files[index]))
        return found.hexdigest()


def _bytes(path: pathlib.Path) -> int:
    """How long a file is; -1 where that cannot be told: it is named when it is to be decoded."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _head(path: pathlib.Path) -> bytes:
    """How a file begins; nothing where it cannot be read, as above."""
    try:
        with open(path, "rb") as file:
            return file.read(_HEAD)
    except OSError:
        return b""


class GreyListing:
    """Grey pictures, such as those of the MNIST family, in synthetic colours.

    What is drawn lies on black. Its filled silhouette gets one colour, drawn by the picture's number,
    times its own shading, on white: a colour brush needs colours. They are no property of the things.
    """

    def __init__(self, pictures: np.ndarray, names: str):
        """Of (N, h, w) uint8, white on black; `names`: of them all, in messages."""
        self._pictures, self._names = pictures, names

    def __len__(self) -> int:
        return len(self._pictures)

    def name(self, index: int) -> str:
        """The collection's name and the number."""
        return f"{self._names} {index}"

    def read(self, index: int) -> np.ndarray:
        """The coloured picture, padded to the next power of two with ground."""
        return tinted(self._pictures[index], index)

    def digest(self) -> str:
        """SHA-256 over the pictures."""
        return hashlib.sha256(np.ascontiguousarray(self._pictures).data).hexdigest()


class ArrayListing:
    """Pictures that a program hands over."""

    def __init__(self, pictures: np.ndarray):
        """Of (N, H, W, 3) uint8; a `UserError` for others."""
        if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8:
            raise UserError(
                f"a collection of shape {pictures.shape} of {pictures.dtype}: give (N, H, W, 3) of uint8"
            )
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def name(self, index: int) -> str:
        """The number."""
        return str(index)

    def read(self, index: int) -> np.ndarray:
        """One of them."""
        return self._pictures[index]

    def digest(self) -> str:
        """SHA-256 over the pictures."""
        return hashlib.sha256(np.ascontiguousarray(self._pictures).data).hexdigest()


class StoredListing:
    """Pictures of collections that are decoded already, one collection after the other."""

    def __init__(self, parts: Sequence[np.ndarray]):
        """Of (N, size, size, 3) uint8 each, which may be memory-mapped."""
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def name(self, index: int) -> str:
        """The number."""
        return str(index)

    def read(self, index: int) -> np.ndarray:
        """One of them."""
        part = int(np.searchsorted(self._ends, index, side="right"))
        return np.array(self._parts[part][index - self._ends[part]])

    def digest(self) -> str:
        """SHA-256 over the pictures."""
        found = hashlib.sha256()
        for part in self._parts:
            found.update(np.ascontiguousarray(part).data)
        return found.hexdigest()


class TfdsListing:
    """The training pictures of a set of TensorFlow Datasets, read without TensorFlow (extra tfds)."""

    def __init__(self, name: str, classes: Sequence[int]):
        """Opens it, and downloads it where it is not there yet; a `UserError` if that cannot be done."""
        self._name = name
        try:
            import tensorflow_datasets as tfds
        except ImportError as error:
            raise UserError(
                f"{_TFDS}{name}: needs the extra tfds: pip install 'deepsim_jax[tfds]'"
            ) from error
        try:
            self._source: Any = tfds.data_source(name, split="train")
        # TFDS raises errors of many kinds for what is not there and cannot be downloaded or prepared.
        except Exception as error:
            reason = one_line(error)[:200]
            raise UserError(
                f"{_TFDS}{name}: cannot be opened ({reason}); prepare it where there is a network, with "
                f"tensorflow_datasets.data_source({name!r}), or give a folder of pictures"
            ) from error
        self._chosen: Sequence[int] = range(len(self._source))
        if classes:
            self._chosen = [i for i in self._chosen if int(self._source[i].get("label", -1)) in classes]

    def __len__(self) -> int:
        return len(self._chosen)

    def name(self, index: int) -> str:
        """The set's name and the number in it."""
        return f"{self._name} {self._chosen[index]}"

    def read(self, index: int) -> np.ndarray:
        """The picture of a record; grey ones as `tinted` colours them."""
        try:
            picture = np.asarray(self._source[self._chosen[index]]["image"])
        except Exception as error:  # as above
            raise UserError(one_line(error)[:200] or type(error).__name__) from error
        if picture.ndim == 3 and picture.shape[2] == 1:
            return tinted(picture[..., 0], self._chosen[index])
        return images.read_image(picture, quiet=True)

    def digest(self) -> str:
        """Of the set's name and version and the numbers of the pictures."""
        info = getattr(self._source, "dataset_info", None)
        name = getattr(info, "full_name", self._name)
        return f"{name} {len(self._source)} {list(self._chosen)}"


def find(source: str | pathlib.Path | np.ndarray, classes: Sequence[int] = ()) -> Listing:
    """The pictures that a user names.

    Args:
      source: a folder of pictures; a folder of MNIST-family files, or one such file; "tfds:NAME"; or an
        array (N, H, W, 3) of uint8.
      classes: labels of what is taken from a labelled collection; empty: all.

    Raises:
      UserError: there are none, or labels are asked for where there are none.
    """
    if isinstance(source, np.ndarray):
        return _unlabelled(ArrayListing(source), "an array", classes)
    if str(source).startswith(_TFDS):
        return TfdsListing(str(source).removeprefix(_TFDS), classes)
    path = user_path(source)
    if path.is_file() and (_has_idx_name(path) or _is_idx(path)):
        return _idx([path], classes)
    if not path.is_dir():
        raise UserError(
            f"{source}: no such folder of pictures; give one, one of MNIST-family files, or {_TFDS}NAME"
        )
    files = sorted(
        file
        for file in path.iterdir()
        if _has_idx_name(file) or (_IDX_IMAGES in file.name and _is_idx(file))
    )
    if files:
        return _idx(files, classes)
    return _unlabelled(FolderListing(path), str(path), classes)


def _unlabelled(listing, name, classes):
    if classes:
        raise UserError(f"data.classes={','.join(map(str, classes))}: {name} has no labels; leave it out")
    return listing


def tinted(grey: np.ndarray, number: int) -> np.ndarray:
    """A grey picture (h, w) of something on black, in a synthetic colour on white.

    Args:
      grey: uint8, bright on black.
      number: another one, another colour.

    Returns:
      uint8 (s, s, 3), where s is the next power of two from the longer side on.
    """
    side = 1 << (max(grey.shape) - 1).bit_length()
    top, left = (side - grey.shape[0]) // 2, (side - grey.shape[1]) // 2
    square = np.zeros((side, side), np.uint8)
    square[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
    outlines, _ = cv2.findContours(
        (square > _BACKGROUND).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    silhouette = cv2.drawContours(np.zeros_like(square), outlines, -1, 1, cv2.FILLED)
    hue, saturation, value = np.random.default_rng([0, number]).uniform((0, 0.3, 0.5), (1, 1, 1))
    colour = 255 * np.array(colorsys.hsv_to_rgb(hue, saturation, value), np.float32)
    shading = _DARKEST + (1 - _DARKEST) / 255 * square.astype(np.float32)
    picture = np.where(silhouette[..., None] > 0, shading[..., None] * colour, 255)
    return np.rint(picture).astype(np.uint8)


def _idx(files: list[pathlib.Path], classes) -> GreyListing:
    """The pictures of MNIST-family files, one after the other."""
    found = []
    for path in files:
        pictures = _read_idx(path, 3)
        if classes:
            labels = path.with_name(path.name.replace(_IDX_IMAGES, _IDX_LABELS))
            if labels == path or not labels.is_file():
                raise UserError(
                    f"data.classes: {labels.name} is not beside {path}; leave data.classes out"
                )
            numbers = _read_idx(labels, 1)
            if len(numbers) != len(pictures):
                raise UserError(f"{labels}: {len(numbers)} labels for {len(pictures)} pictures")
            pictures = pictures[np.isin(numbers, classes)]
        found.append(pictures)
    if len({pictures.shape[1:] for pictures in found}) > 1:
        raise UserError(f"{files[0].parent}: files with pictures of several sizes; give one of them")
    together = np.concatenate(found)
    if not len(together):
        raise UserError(f"{files[0].parent}: no pictures with the labels {', '.join(map(str, classes))}")
    log.info("%s: grey pictures; their colours are synthetic", files[0].parent)
    return GreyListing(together, "picture")


def _has_idx_name(path: pathlib.Path) -> bool:
    """Whether a file is called as those of the MNIST family: one that is damaged must not be skipped."""
    is_called_so = path.name.removesuffix(".gz").endswith(_IDX_IMAGES)
    return is_called_so and not path.name.startswith(".") and path.is_file()


def _is_idx(path: pathlib.Path) -> bool:
    try:
        with _opened(path) as file:
            return file.read(4) == _MAGIC[3]
    except _DAMAGES:
        return False


def _read_idx(path: pathlib.Path, dimensions: int) -> np.ndarray:
    """The numbers of an idx file, which may be gzipped: uint8, of so many dimensions."""
    try:
        with _opened(path) as file:
            data = file.read()
    except _DAMAGES as error:
        raise UserError(f"{path}: damaged ({error}); take it from its source again") from error
    start = 4 + 4 * dimensions
    shape = tuple(np.frombuffer(data[4:start], ">u4").astype(int)) if len(data) >= start else ()
    if data[:4] != _MAGIC[dimensions] or len(data) - start != np.prod(shape):
        raise UserError(
            f"{path}: damaged: no idx file of {dimensions} dimensions, or one that is cut short; take it "
            "from its source again"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _opened(path: pathlib.Path):
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else open(path, "rb")
