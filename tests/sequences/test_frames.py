import cv2
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.sequences import frames, tfds_sequences, video_datasets


@pytest.fixture
def folder(tmp_path):
    for i in range(3):
        images.write_png(tmp_path / "walk" / f"{i}.png", np.full((20, 30, 3), i, np.uint8))
    return tmp_path / "walk"


def test_folders_and_videos_are_told_apart(folder, monkeypatch):
    (sequence,) = frames.open_sequences(folder, train=1)
    assert isinstance(sequence, frames.Sequence) and sequence.train == 1
    assert frames.open_sequences(str(folder), limit=2)[0].frames == ("0", "1")
    monkeypatch.chdir(folder)
    assert frames.open_sequences(".")[0].name == "walk"
    monkeypatch.setenv("HOME", str(folder.parent))
    assert frames.open_sequences("~/walk")[0].name == "walk"
    writer = cv2.VideoWriter(str(folder / "in.AVI"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (32, 32))
    for _ in range(3):
        writer.write(np.zeros((32, 32, 3), np.uint8))
    writer.release()
    (sequence,) = frames.open_sequences("in.AVI", limit=2)
    assert sequence.name == "in" and len(sequence) == 2


def test_a_colon_in_a_folder_is_no_data_set(folder):
    other = folder.rename(folder.parent / "at 10:30")
    assert frames.open_sequences(other)[0].name == "at 10:30"


@pytest.mark.parametrize(
    "kind, module, name",
    [
        ("cityscapes", video_datasets, "open_cityscapes"),
        ("lrs2", video_datasets, "open_lrs2"),
        ("clip", video_datasets, "open_clip"),
        ("tfds", tfds_sequences, "read"),
    ],
)
def test_data_sets_get_what_stands_behind_the_colon(folder, monkeypatch, kind, module, name):
    asked = []
    monkeypatch.setattr(module, name, lambda rest, **options: asked.append((str(rest), options)))
    frames.open_sequences(f"{kind}:{folder}", limit=5, train=2)
    assert asked == [(str(folder), {"limit": 5, "train": 2})]
    assert set(frames.DATASETS) == {"cityscapes", "lrs2", "clip", "tfds"}


@pytest.mark.parametrize(
    "spec, message",
    [
        ("absent", "sequence absent: no such folder or video; give one, or clip:carphone"),
        ("youtube:cats", "no data set 'youtube'; give .*cityscapes:FOLDER, lrs2:FOLDER, tfds:FOLDER"),
        ("cityscapes:absent", "cityscapes:absent: no such folder; give cityscapes:FOLDER"),
        ("lrs2:", "lrs2:: no such folder; give lrs2:FOLDER"),
        ("tfds:absent", "tfds:absent: no such folder; give tfds:FOLDER"),
        ("clip:cat", "choose clip:carphone or clip:bikes"),
        ("walk/0.png", "neither a folder nor a video"),
        ("C:walk", "sequence C:walk: no such folder or video"),
    ],
)
def test_what_is_not_there(folder, monkeypatch, spec, message):
    monkeypatch.chdir(folder.parent)
    with pytest.raises(UserError, match=message) as caught:
        frames.open_sequences(spec)
    assert "\n" not in str(caught.value)


def test_limits_are_checked_first(tmp_path):
    with pytest.raises(UserError, match="limit of frames 1"):
        frames.open_sequences(tmp_path / "absent", limit=1)
