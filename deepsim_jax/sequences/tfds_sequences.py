"""Sequences as a set of TensorFlow Datasets: preparing and reading one, without TensorFlow."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deepsim_jax.errors import UserError, one_line
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.sequences.sequence import Sequence, select

_FOLDER = "picture_sequences"  # TFDS names it after the builder


@dataclasses.dataclass(frozen=True)
class Records:
    """Reads the pictures of one sequence of a prepared set.

    Attributes:
      folder: of the set.
      source: index of a record -> its content, the picture as the bytes of a PNG file.
      first: "image" and parts -> index of the record of the first frame.
    """

    folder: Path
    source: Any
    first: Mapping[str, int]

    def __call__(self, kind: str, index: int) -> np.ndarray:
        """(H, W, 3) uint8, or (H, W) bool for "edges"; a UserError if it cannot be read."""
        from deepsim_jax.sequences.tfds_builder import from_png

        try:
            return from_png(self.source[self.first[kind] + index]["picture"], kind)
        except Exception as error:
            raise _damaged(self.folder, error) from error


def prepare(sequences: list[Sequence], folder) -> list[Sequence]:
    """Writes sequences into a set that `tensorflow_datasets.data_source` reads anywhere.

    Pictures are stored losslessly, with their names, the given primitives and the training frame. An
    interrupted preparation leaves nothing that counts as a set.

    Args:
      sequences: what is stored, e.g. of `frames.open_sequences`.
      folder: where the set goes; it must not hold one. TFDS calls this its `data_dir`.

    Returns:
      The sequences, read from the set.

    Raises:
      UserError: a picture cannot be read, a set there already, or the extra `tfds` is not installed.
    """
    builder, folder = _builder(), user_path(folder)
    if _prepared(folder):
        raise UserError(
            f"output {folder}: holds a set of sequences already; give another folder, or "
            f"remove {folder / _FOLDER}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        builder.PictureSequences(
            sequences=sequences, data_dir=str(folder), file_format=builder.FORMAT
        ).download_and_prepare()
    except OSError as error:
        raise UserError(f"output {folder}: cannot be written ({error.strerror or error})") from error
    return read(folder)


def read(folder: Path, *, limit: int = 0, train: int = 0) -> list[Sequence]:
    """The sequences of a prepared set, read with `tensorflow_datasets.data_source`.

    Args:
      folder: what `prepare` was given.
      limit: at most so many frames of each.
      train: index of the frame to be trained on, 0: the one that the set was prepared with.

    Raises:
      UserError: no set there, a damaged one, or the extra `tfds` is not installed.
    """
    builder = _builder()
    if not _prepared(folder):
        raise UserError(
            f"tfds:{folder}: no set of sequences there; make one with "
            "deepsim_jax prepare --input=... --output=..."
        )
    try:
        source = builder.tfds.data_source(
            builder.NAME,
            split=builder.SPLIT,
            data_dir=str(folder),
            decoders={"picture": builder.tfds.decode.SkipDecoding()},
        )
        listed = source.dataset_info.metadata["sequences"]
    except Exception as error:
        raise _damaged(folder, error) from error
    sequences, record = [], 0
    for entry in listed:
        first_records = {}
        for kind in ("image", *entry["parts"]):
            first_records[kind], record = record, record + len(entry["frames"])
        train_frame = train or entry["train"]
        label = f"tfds:{folder}, sequence {entry['name']}"
        names = select(entry["frames"], limit=limit, train=train_frame, label=label)
        sequences.append(
            Sequence(
                name=entry["name"],
                frames=names,
                train=train_frame,
                parts=tuple(entry["parts"]),
                size=tuple(entry["size"]),
                reader=Records(folder, source, first_records),
            )
        )
    if not sequences or record != len(source):
        raise _damaged(folder, f"{len(source)} pictures, {record} listed")
    return sequences


def _prepared(folder):
    """Whether a complete set is there; TFDS gives it this name when all is written."""
    return any((folder / _FOLDER).glob("[0-9]*/dataset_info.json"))


def _damaged(folder, error):
    # TFDS's readers raise nearly anything for files that were cut or removed.
    reason = one_line(error) or type(error).__name__
    return UserError(f"tfds:{folder}: the set is damaged ({reason}); prepare it again")


def _builder():
    """The module with the builder, which needs an extra."""
    try:
        from deepsim_jax.sequences import tfds_builder
    except ImportError as error:
        raise UserError(
            f"TensorFlow Datasets cannot be used ({error}); pip install 'deepsim_jax[tfds]'"
        ) from error
    return tfds_builder
