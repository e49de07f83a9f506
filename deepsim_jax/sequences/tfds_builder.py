"""A TensorFlow Datasets builder for sequences of pictures; imported only where it is used.

It needs the extra `tfds` and runs without TensorFlow: the records are array_records, and pictures go
in and come out as the bytes of PNG files.
"""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from deepsim_jax.images.io import png_bytes
from deepsim_jax.sequences.sequence import Sequence

NAME = "picture_sequences"
SPLIT = "train"  # the customary name of the only split
FORMAT = "array_record"


class PictureSequences(tfds.core.GeneratorBasedBuilder):
    """Sequences, one record for each picture.

    A record holds the names of the sequence and the frame, what the picture is ("image",
    "segmentation" or "edges") and the picture. Records stand in the order of sequences, kinds and
    frames. The metadata of the set lists the sequences, so that a picture is found without a search.
    """

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, sequences: tuple[Sequence, ...] = (), **options):
        """`sequences` are needed to prepare a set, not to read one; the rest is TFDS's own."""
        self._sequences = tuple(sequences)
        super().__init__(**options)

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description="Frames of videos with the primitives that are given for them.",
            features=tfds.features.FeaturesDict(
                {
                    "sequence": tfds.features.Text(),
                    "frame": tfds.features.Text(),
                    "kind": tfds.features.Text(),
                    "picture": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                }
            ),
            metadata=tfds.core.MetadataDict(
                sequences=[
                    {
                        "name": s.name,
                        "frames": list(s.frames),
                        "train": s.train,
                        "parts": list(s.parts),
                        "size": list(s.size),
                    }
                    for s in self._sequences
                ]
            ),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return {SPLIT: self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        number = 0
        for sequence in self._sequences:
            for kind in ("image", *sequence.parts):
                for index, frame in enumerate(sequence.frames):
                    if kind == "image":
                        picture = sequence.image(index)
                    else:
                        picture = sequence.part(kind, index)
                    yield (
                        number,
                        {
                            "sequence": sequence.name,
                            "frame": frame,
                            "kind": kind,
                            "picture": to_png(picture),
                        },
                    )
                    number += 1


def to_png(picture: np.ndarray) -> bytes:
    """A PNG file of a (H, W, 3) uint8 picture or of a (H, W) bool mask, which is stored as 0 and 255."""
    if picture.dtype == bool:
        picture = np.where(picture, np.uint8(255), np.uint8(0))[..., None].repeat(3, axis=-1)
    return png_bytes(picture)


def from_png(data: bytes, kind: str) -> np.ndarray:
    """Undoes `to_png`: (H, W) bool for the kind "edges", else (H, W, 3) uint8."""
    with Image.open(BytesIO(data), formats=["PNG"]) as image:
        picture = np.array(image.convert("RGB"))
    return picture[..., 0] > 127 if kind == "edges" else picture
