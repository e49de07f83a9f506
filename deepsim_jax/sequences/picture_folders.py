"""Sequences from folders of pictures: plain ones, and the layout of the DeepSIM authors."""

import dataclasses
import logging
from pathlib import Path

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import formats, picture_files
from deepsim_jax.images.collections import natural_order
from deepsim_jax.images.io import read_image
from deepsim_jax.primitives import drawings
from deepsim_jax.primitives.edges import read_edges
from deepsim_jax.sequences.sequence import PARTS, Sequence, select

log = logging.getLogger("deepsim_jax")

_SHOWN = 5  # names in a message


@dataclasses.dataclass(frozen=True)
class PictureFiles:
    """Reads frames and their parts from files and sees that all have one size.

    Attributes:
      files: "image" and parts -> path of each frame.
      size: (height, width).
      numbered: whether the segmentations are label maps of class numbers, shown in their colours.
    """

    files: dict[str, tuple[Path, ...]]
    size: tuple[int, int]
    numbered: bool = False

    def __call__(self, kind: str, index: int) -> np.ndarray:
        """(H, W, 3) uint8, or (H, W) bool for "edges"; a UserError for files that do not fit."""
        path = self.files[kind][index]
        if kind == "edges":
            picture = read_edges(path)
        elif kind == "segmentation":
            picture = drawings.read(path, "seg", name=kind, numbered=self.numbered)
        else:
            # What is unusual about the first frame was told when the sequence was opened.
            picture = read_image(path, name="frame", quiet=index > 0)
        if picture.shape[:2] != self.size:
            height, width = picture.shape[:2]
            raise UserError(
                f"{path}: {width}x{height} px, but the first frame ({self.files['image'][0].name}) has "
                f"{self.size[1]}x{self.size[0]}; one size is needed"
            )
        return picture


def from_files(name: str, frames, files: dict[str, list[Path]], *, train: int) -> Sequence:
    """A sequence of picture files.

    Args:
      name: of the sequence.
      frames: names of the frames.
      files: "image" and some of `PARTS` -> one path for each frame.
      train: index of the training frame.

    Raises:
      UserError: the first frame cannot be read. Others are read and checked when they are used.
    """
    first = read_image(files["image"][0], name="frame")
    return Sequence(
        name=name,
        frames=tuple(frames),
        train=train,
        size=first.shape[:2],
        parts=tuple(p for p in PARTS if p in files),
        reader=PictureFiles(
            {kind: tuple(paths) for kind, paths in files.items()},
            first.shape[:2],
            _is_numbered(files, train),
        ),
    )


def _is_numbered(files, train):
    """Whether segmentations are label maps; asked once, as a frame with few classes may not show it."""
    segmentations = files.get("segmentation", ())
    paths = {segmentations[0], segmentations[train]} if segmentations else ()
    numbered = any(drawings.is_label_map(path, name="segmentation") for path in paths)
    if numbered:
        log.info("segmentation: label maps of class numbers, each shown in a colour of its own")
    return numbered


def open_folder(root: Path, *, limit: int = 0, train: int = 0) -> list[Sequence]:
    """The sequence in a folder, or the sequences in its subfolders.

    A folder is one of

    - the DeepSIM authors' layout: `train_B` with the training frame (the first picture there, index
      0), `test_B` with the others; for each primitive `train_seg` and `test_seg`, or `train_edges` and
      `test_edges`, with the frames' names (a single one in `train_...` may have any name);
    - pictures, in the folder itself or in `frames`; primitives of the same names in `segmentation`
      and `edges` beside them;
    - folders of either kind, one for each sequence.

    Names are compared without their suffixes, and numbers in them sorted as numbers. Folders of
    primitives may be empty; they then count as absent.

    Args:
      root: the folder.
      limit, train: see `sequence.select`.

    Raises:
      UserError: no pictures, fewer than two, or names that do not match.
    """
    sequence = _sequence(root, limit, train)
    if sequence:
        return [sequence]
    folders = sorted(
        (p for p in root.iterdir() if p.is_dir() and not picture_files.is_of_system(p)),
        key=lambda p: natural_order(p.name),
    )
    if not folders:
        raise UserError(
            f"{root}: no pictures there; give a folder of frames ({formats.IN_WORDS}), or "
            "one with train_B and test_B, or a folder of such folders"
        )
    sequences = [_sequence(folder, limit, train) for folder in folders]
    for folder, found in zip(folders, sequences, strict=True):
        if not found:
            raise UserError(
                f"{folder}: no pictures there, neither directly nor in frames or train_B; "
                "every folder beside it must be a sequence of frames"
            )
    return sequences


def pictures(folder: Path, *, quiet: bool = False) -> dict[str, Path]:
    """Name without suffix -> path of each picture directly in a folder, in natural order.

    Args:
      folder: one that does not exist has no pictures.
      quiet: whether not to tell which files are left out.

    Raises:
      UserError: two pictures differ in their suffixes only.
    """
    found = picture_files.by_stem(folder, quiet=quiet)
    return {name: found[name] for name in sorted(found, key=natural_order)}


def _sequence(root, limit, train):
    """The sequence in one folder, or None."""
    if any((root / name).is_dir() for name in ("train_B", "test_B")):
        return _authors_layout(root, limit, train)
    plain = next((f for f in (root, root / "frames") if pictures(f, quiet=True)), None)
    return plain and _plain_layout(root, plain, limit, train)


def _plain_layout(root, folder, limit, train):
    found = pictures(folder)
    names = select(list(found), limit=limit, train=train, label=f"sequence {root}")
    files = {"image": [found[n] for n in names]}
    for part in PARTS:
        drawn = pictures(root / part)
        if drawn:
            _check_names(drawn, names, folder, root / part, complete=not limit)
            files[part] = [drawn[n] for n in names]
    return from_files(root.resolve().name, names, files, train=train)


def _authors_layout(root, limit, train):
    trained, tested = pictures(root / "train_B"), pictures(root / "test_B")
    for folder, found in (("train_B", trained), ("test_B", tested)):
        if not found:
            raise UserError(
                f"{root}: no picture in {folder}; the training frame belongs into train_B, "
                "the other true frames into test_B"
            )
    first = next(iter(trained))
    if first in tested:
        raise UserError(
            f"{root}: frame {first} stands in train_B and in test_B; a frame that is trained "
            "on is not held out, remove or rename it in test_B"
        )
    names = select([first, *tested], limit=limit, train=train, label=f"sequence {root}")
    files = {"image": [trained[first], *(tested[n] for n in names[1:])]}
    for part, suffix in (("segmentation", "seg"), ("edges", "edges")):
        own, drawn = (pictures(root / f"{phase}_{suffix}") for phase in ("train", "test"))
        if not own and not drawn:
            continue
        start = own.get(first) or (next(iter(own.values())) if len(own) == 1 else None)
        if start is None:
            raise UserError(
                f"{root}: train_{suffix} lacks {first}, the training frame in train_B; give "
                f"it, or remove train_{suffix} and test_{suffix} to have primitives made"
            )
        _check_names(drawn, names[1:], root / "test_B", root / f"test_{suffix}", complete=not limit)
        files[part] = [start, *(drawn[n] for n in names[1:])]
    return from_files(root.resolve().name, names, files, train=train)


def _check_names(drawn, names, frames_folder, folder, *, complete):
    """Checks that each frame has a drawing of its name and, if `complete`, that there are no others."""
    missing = [n for n in names if n not in drawn]
    other = [n for n in drawn if n not in names] if complete else []
    problems = [
        f"{text} {_listed(names)}" for text, names in (("lacks", missing), ("has", other)) if names
    ]
    if problems:
        raise UserError(
            f"{folder}: {' and '.join(problems)}{', not a frame' if other else ''}; it must "
            f"have the names of {frames_folder}, suffixes aside, or be removed"
        )


def _listed(names):
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
