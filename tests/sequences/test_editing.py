import logging

import cv2
import numpy as np
import pytest
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.sequences import editing, film_files

SHAPE = 41, 51


def invert(primitive):
    """Stands for a model."""
    if primitive.shape[:2] != SHAPE:
        raise UserError(f"primitive: {primitive.shape[1]}x{primitive.shape[0]}: wrong size")
    return 255 - primitive


def grey(level, shape=SHAPE):
    return np.full((*shape, 3), level, np.uint8)


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def frames(path):
    """All frames of a video as RGB, and its rate."""
    reader, found = cv2.VideoCapture(str(path)), []
    rate = reader.get(cv2.CAP_PROP_FPS)
    while True:
        there, frame = reader.read()
        if not there:
            return found, rate
        found.append(frame[..., ::-1])


@pytest.fixture
def folder(tmp_path):
    """Twelve frames, numbered without leading zeros."""
    for n in range(12):
        images.write_png(tmp_path / "in" / f"frame{n}.png", grey(20 * n))
    (tmp_path / "in" / "notes.txt").write_text("not a frame")
    return tmp_path / "in"


def test_a_picture_gives_a_picture(tmp_path):
    images.write_png(tmp_path / "in.png", noise(SHAPE))
    output = tmp_path / "new" / "out.png"
    ((primitive, picture),) = editing.edit_path(invert, tmp_path / "in.png", output)
    np.testing.assert_array_equal(primitive, noise(SHAPE))
    np.testing.assert_array_equal(picture, 255 - noise(SHAPE))
    np.testing.assert_array_equal(np.asarray(Image.open(output)), picture)


def test_a_folder_gives_a_folder_of_the_same_names(tmp_path, folder):
    ends = editing.edit_path(invert, folder, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(
        f"frame{n}.png" for n in range(12)
    )
    for n in range(12):
        read = np.asarray(Image.open(tmp_path / "out" / f"frame{n}.png"))
        np.testing.assert_array_equal(read, grey(255 - 20 * n))
    assert [(int(a[0, 0, 0]), int(b[0, 0, 0])) for a, b in ends] == [(0, 255), (220, 35)]


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_folder_gives_a_video_in_the_order_of_the_numbers(tmp_path, folder, suffix):
    output = tmp_path / "new" / f"out{suffix}"
    ends = editing.edit_path(invert, folder, output)
    found, rate = frames(output)
    # Video has even sizes.
    assert len(found) == 12 and rate == 10 and found[0].shape == (42, 52, 3)
    levels = [int(f.mean()) for f in found]
    assert np.abs(np.array(levels) - (255 - 20 * np.arange(12))).max() < 6
    assert len(ends) == 2 and ends[1][1].shape == (*SHAPE, 3)
    assert [p.name for p in output.parent.iterdir()] == [output.name]
    codec = cv2.VideoCapture(str(output)).get(cv2.CAP_PROP_FOURCC)
    assert int(codec).to_bytes(4, "little").lower() in (b"vp09", b"vp90")


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_video_gives_a_video_or_a_folder(tmp_path, folder, suffix):
    video = tmp_path / f"in{suffix}"
    editing.edit_path(lambda primitive: primitive, folder, video)
    editing.edit_path(invert, video, tmp_path / "out.mp4", size=SHAPE)
    found, rate = frames(tmp_path / "out.mp4")
    assert len(found) == 12 and rate == 10 and abs(found[-1].mean() - 35) < 6
    editing.edit_path(invert, video, tmp_path / "out", size=SHAPE)
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == [f"{n:05d}.png" for n in range(12)]
    assert images.read_image(tmp_path / "out" / "00003.png").shape == (*SHAPE, 3)


def test_only_the_row_and_column_that_video_adds_are_cropped(tmp_path, folder):
    video = tmp_path / "in.mp4"
    editing.edit_path(lambda primitive: primitive, folder, video)
    with pytest.raises(UserError, match="52x42: wrong size"):
        editing.edit_path(invert, video, tmp_path / "out.mp4")
    for size in ((40, 50), (43, 51), (42, 52)):
        with pytest.raises(UserError, match="52x42: wrong size"):
            editing.edit_path(invert, video, tmp_path / "out.mp4", size=size)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "in.mp4"]


def test_a_video_of_unknown_length_is_read(tmp_path, folder):
    video = tmp_path / "in.webm"
    editing.edit_path(lambda primitive: primitive, folder, video)
    content = video.read_bytes()
    at = content.index(b"\x44\x89\x88")  # its duration, replaced by nothing of the same length
    video.write_bytes(content[:at] + b"\xec\x89" + bytes(9) + content[at + 11 :])
    assert cv2.VideoCapture(str(video)).get(cv2.CAP_PROP_FRAME_COUNT) < 1
    editing.edit_path(invert, video, tmp_path / "out.webm", size=SHAPE)
    assert len(frames(tmp_path / "out.webm")[0]) == 12


@pytest.mark.parametrize(
    "name, output, message",
    [
        ("none.png", "o.png", "none.png: no such file"),
        ("broken.png", "o.png", "broken.png"),
        ("broken.mp4", "o.mp4", "broken.mp4: not a video"),
        ("zero.webm", "o.webm", "zero.webm: not a video"),
        ("empty", "o", "empty: no pictures in it"),
        ("twice", "o", "twice: two pictures differ only in their suffix"),
        ("good.png", "o.jpg", "o.jpg: a .png file is needed"),
        ("good.png", "o", "a .png file is needed"),
        ("good.png", "o.mp4", "a .png file is needed"),
        ("small.png", "o.png", "16x16: wrong size"),
        ("one", "o.avi", "o.avi: give a folder or a .mp4, .webm, .gif, .webp or .apng file"),
        ("one", "good.png/o.mp4", "o.mp4: cannot be written"),
        ("one", "good.png/o", "cannot be written"),
        ("good.png", "good.png/o.png", "cannot be written"),
        ("mixed", "o.webm", "wrong size"),
        ("good.png", "good.png", "good.png: is the input itself"),
        ("one", "one", "one: is the input itself"),
    ],
)
def test_problems_are_told_and_nothing_is_left(tmp_path, name, output, message):
    for path, picture in {
        "good.png": grey(9),
        "small.png": grey(9, (16, 16)),
        "one/1.png": grey(9),
        "mixed/1.png": grey(9),
        "mixed/2.png": grey(9, (16, 16)),
        "twice/a.png": grey(9),
    }.items():
        images.write_png(tmp_path / path, picture)
    Image.fromarray(grey(9)).save(tmp_path / "twice" / "a.jpg")
    (tmp_path / "broken.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    (tmp_path / "broken.mp4").write_bytes(b"hello" * 99)
    (tmp_path / "zero.webm").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    before = {p: p.is_file() and p.read_bytes() for p in tmp_path.rglob("*")}
    with pytest.raises(UserError, match=message) as found:
        editing.edit_path(invert, tmp_path / name, tmp_path / output)
    assert "\n" not in str(found.value)
    assert {p: p.is_file() and p.read_bytes() for p in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("suffix", film_files.WRITTEN)
@pytest.mark.parametrize("output", ["out.mp4", "out.webm", "out.gif", "out.webp", "out.apng"])
def test_a_film_s_results_are_shown_as_long_as_its_frames(tmp_path, suffix, output):
    seconds = (0.5, 0.05, 0.12, 0.3)
    frames = [(grey(40 * n), length) for n, length in enumerate(seconds)]
    film_files.write_shown(tmp_path / f"in{suffix}", frames)
    ends = editing.edit_path(invert, tmp_path / f"in{suffix}", tmp_path / output, size=SHAPE)
    found = list(film_files.shown(tmp_path / output))
    np.testing.assert_allclose([length for _, length in found], seconds, atol=2e-3)
    for n, (frame, _) in enumerate(found):
        assert abs(frame.mean() - (255 - 40 * n)) < 3
    assert abs(ends[0][1].mean() - 255) < 3 and abs(ends[1][1].mean() - 135) < 3


def test_frames_with_transparent_parts_are_read_as_drawings_are(tmp_path):
    frames = [np.dstack([grey(50 * n), np.full(SHAPE, 255, np.uint8)]) for n in range(2)]
    frames[1][:, 20:] = 0
    first, second = map(Image.fromarray, frames)
    options = {"save_all": True, "append_images": [second], "duration": 70, "blend": 0}
    first.save(tmp_path / "in.png", **options)
    read = []

    def on_green(frame):
        read.append(frame)
        return np.where(frame[..., 3:] > 0, frame[..., :3], np.uint8([0, 255, 0]))

    editing.edit_path(invert, tmp_path / "in.png", tmp_path / "out", read=on_green, size=SHAPE)
    assert len(read) == 1 and read[0].shape == (*SHAPE, 4)
    written = images.read_image(tmp_path / "out" / "00001.png")
    assert (written[:, :20] == 205).all() and (written[:, 20:] == (255, 0, 255)).all()


def test_a_still_picture_by_a_film_s_name(tmp_path):
    Image.fromarray(grey(90)).save(tmp_path / "still.mp4", format="GIF")
    editing.edit_path(invert, tmp_path / "still.mp4", tmp_path / "out.png")
    assert (images.read_image(tmp_path / "out.png") == 165).all()


def test_what_is_said_of_every_frame_is_said_once(tmp_path, folder, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    log = logging.getLogger("deepsim_jax")

    def edit(primitive):
        log.warning("primitive: %d pixels were snapped", primitive[0, 0, 0])
        if primitive[0, 0, 0] > 100:
            log.info("primitive: rather light")
        return primitive

    (folder / "notes.txt").unlink()
    editing.edit_path(edit, folder, tmp_path / "out")
    assert caplog.messages == ["primitive: 0 pixels were snapped", "primitive: rather light"]
    with pytest.raises(UserError, match="wrong size"):
        editing.edit_path(
            invert, tmp_path / "out", tmp_path / "film.mp4", read=lambda path: grey(0, (16, 16))
        )
    for _ in range(2):
        edit(grey(0))
    assert len(caplog.messages) == 4  # outside of a film all is said
