import numpy as np
import pytest

pytest.importorskip("tensorflow_datasets", reason="the extra tfds is not installed")

from deepsim_jax.sequences import tfds_builder  # noqa: E402
from deepsim_jax.sequences.sequence import Sequence  # noqa: E402


@pytest.mark.parametrize("kind", ["image", "segmentation", "edges"])
def test_pictures_come_back_as_they_were(kind):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (17, 23, 3), np.uint8)
    if kind == "edges":
        picture = picture[..., 0] > 30  # more edge than background
    back = tfds_builder.from_png(tfds_builder.to_png(picture), kind)
    assert back.dtype == picture.dtype and (back == picture).all()


def test_a_set_is_readable_by_any_reader_of_tfds(tmp_path):
    sequence = Sequence(
        name="walk",
        frames=("a", "b"),
        train=1,
        parts=("segmentation",),
        size=(16, 20),
        reader=lambda kind, i: np.full((16, 20, 3), 2 * (kind != "image") + i, np.uint8),
    )
    builder = tfds_builder.PictureSequences(
        sequences=(sequence,), data_dir=str(tmp_path), file_format=tfds_builder.FORMAT
    )
    builder.download_and_prepare()
    source = tfds_builder.tfds.data_source("picture_sequences", split="train", data_dir=str(tmp_path))
    assert len(source) == 4
    records = [source[i] for i in range(4)]
    assert [(r["sequence"], r["frame"], r["kind"]) for r in records] == [
        (b"walk", b"a", b"image"),
        (b"walk", b"b", b"image"),
        (b"walk", b"a", b"segmentation"),
        (b"walk", b"b", b"segmentation"),
    ]
    assert all((r["picture"] == i).all() for i, r in enumerate(records))
    assert source.dataset_info.metadata["sequences"] == [
        {"name": "walk", "frames": ["a", "b"], "train": 1, "parts": ["segmentation"], "size": [16, 20]}
    ]
