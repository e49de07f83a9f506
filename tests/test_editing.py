import cv2
import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from deepsim_jax import editing
from deepsim_jax.data import images
from deepsim_jax.errors import UserError

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


def test_auto_keep_frees_the_surroundings_of_what_changed():
    before = grey(200, (100, 120))
    after = before.copy()
    after[50, 40:60] = 0
    keep = editing.auto_keep(before, after)
    assert keep.dtype == bool and keep.shape == (100, 120)
    assert not keep[48:53, 38:62].any()
    assert keep[:40].all() and keep[60:].all() and keep[:, :30].all() and keep[:, 70:].all()
    assert editing.auto_keep(before, before).all()
    assert not editing.auto_keep(before, 255 - before).any()


def test_auto_keep_frees_what_lies_between_the_lines_that_changed():
    before = grey(200, (200, 200))
    after = before.copy()
    after[95, 90:110] = after[103, 90:110] = after[95:103, 90] = after[95:103, 109] = 0
    assert not editing.auto_keep(before, after)[95:104, 90:110].any()


@pytest.mark.parametrize("share", [1, 3])
def test_where_kept_the_result_is_the_photo_bit_for_bit(share):
    photo, edited = noise((90, 120)), noise((90 // share, 120 // share), 1)
    keep = np.zeros((90, 120), bool)
    keep[:, :60] = keep[20:30] = True
    keep[::7, ::5] = True
    result = editing.composite(photo, edited, keep)
    assert result.dtype == np.uint8 and result.shape == photo.shape
    np.testing.assert_array_equal(result[keep], photo[keep])
    assert (result[~keep] != photo[~keep]).mean() > 0.5


def test_the_seam_lies_on_the_edited_side():
    photo, edited = grey(0, (100, 200)), grey(200, (100, 200))
    keep = np.zeros((100, 200), bool)
    keep[:, :100] = True
    row = editing.composite(photo, edited, keep)[50, :, 0].astype(int)
    assert (row[:100] == 0).all() and 0 < row[100] < 200
    assert (np.diff(row) >= 0).all() and (row[110:] == 200).all()
    assert 3 <= np.count_nonzero((row > 0) & (row < 200)) <= 8


def test_all_or_nothing_kept():
    photo, edited = noise((40, 50)), noise((40, 50), 1)
    everything = np.ones((40, 50), bool)
    np.testing.assert_array_equal(editing.composite(photo, edited, everything), photo)
    np.testing.assert_array_equal(editing.composite(photo, edited, ~everything), edited)


def test_a_small_mask_keeps_at_least_its_own_pixels_in_a_large_photo():
    photo, edited = noise((120, 160)), noise((30, 40), 1)
    keep = np.random.default_rng(2).random((30, 40)) < 0.2
    result = editing.composite(photo, edited, keep)
    grown = keep.repeat(4, 0).repeat(4, 1)
    np.testing.assert_array_equal(result[grown], photo[grown])
    assert (result != photo).any()


def test_a_large_mask_over_a_smaller_photo_keeps_every_touched_pixel():
    photo, edited = noise((30, 40)), noise((60, 80), 1)
    keep = np.zeros((60, 80), bool)
    keep[21, 33] = keep[40:, 60] = True
    result = editing.composite(photo, edited, keep)
    assert result.shape == photo.shape
    np.testing.assert_array_equal(result[10, 16], photo[10, 16])
    np.testing.assert_array_equal(result[20:, 30], photo[20:, 30])


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
        f"frame{n}.png" for n in range(12))
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
    video.write_bytes(content[:at] + b"\xec\x89" + bytes(9) + content[at + 11:])
    assert cv2.VideoCapture(str(video)).get(cv2.CAP_PROP_FRAME_COUNT) < 1
    editing.edit_path(invert, video, tmp_path / "out.webm", size=SHAPE)
    assert len(frames(tmp_path / "out.webm")[0]) == 12


@pytest.mark.parametrize("name, output, message", [
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
    ("one", "o.avi", "o.avi: give a folder or a .mp4 or .webm"),
    ("one", "good.png/o.mp4", "o.mp4: cannot be written"),
    ("one", "good.png/o", "cannot be written"),
    ("good.png", "good.png/o.png", "cannot be written"),
    ("mixed", "o.webm", "wrong size"),
    ("good.png", "good.png", "good.png: is the input itself"),
    ("one", "one", "one: is the input itself"),
])
def test_problems_are_told_and_nothing_is_left(tmp_path, name, output, message):
    for path, picture in {"good.png": grey(9), "small.png": grey(9, (16, 16)), "one/1.png": grey(9),
                          "mixed/1.png": grey(9), "mixed/2.png": grey(9, (16, 16)),
                          "twice/a.png": grey(9)}.items():
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


def test_an_incomplete_video_does_not_take_the_name(tmp_path, folder, monkeypatch):
    class Full:
        """OpenCV's writer on a disk that fills up: the first frames only, and no word of it."""

        def __init__(self, *given):
            self._real, self._left = real(*given), 5

        def write(self, frame):
            self._left -= 1
            if self._left >= 0:
                self._real.write(frame)

        def __getattr__(self, name):
            return getattr(self._real, name)

    real = cv2.VideoWriter
    (tmp_path / "out.mp4").write_bytes(b"the video of yesterday")
    monkeypatch.setattr(cv2, "VideoWriter", Full)
    with pytest.raises(UserError, match="out.mp4: could not be written completely"):
        editing.edit_path(invert, folder, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"the video of yesterday"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out.mp4"]


@pytest.mark.parametrize("dilation, feather", [(7, 5), (3, 1.5)])
def test_a_mask_is_dilated_by_a_disk_and_blurred(dilation, feather):
    mask = np.zeros((70, 90), bool)
    mask[30:38, 40:60] = mask[50, 20] = True
    y, x = np.mgrid[-dilation: dilation + 1, -dilation: dilation + 1]
    wide = scipy.ndimage.binary_dilation(mask, x * x + y * y <= dilation**2)
    blurred = scipy.ndimage.gaussian_filter(wide.astype(float), feather, mode="nearest")
    blurred -= blurred.min()
    weights = editing.soften(mask, dilation=dilation, feather=feather)
    np.testing.assert_allclose(weights, blurred / blurred.max(), atol=1e-12)
    far = scipy.ndimage.distance_transform_edt(~mask) > dilation + 1.5 * (4 * feather + 1)
    assert far.any() and (weights[far] == 0).all() and weights[mask].min() > 0.5


def test_masks_of_all_or_nothing_stay_what_they_are():
    for value in (True, False):
        mask = np.full((9, 8), value)
        assert (editing.soften(mask, dilation=2, feather=1) == value).all()


def test_a_blend_keeps_the_photo_where_the_weight_is_zero():
    rng = np.random.default_rng(0)
    photo, made = rng.integers(0, 256, (2, 20, 30, 3), np.uint8)
    weights = np.zeros((20, 30))
    weights[5:10, 5:10], weights[10:15, 5:10] = 1, 0.25
    got = editing.blend(photo, made, weights)
    np.testing.assert_array_equal(got[weights == 0], photo[weights == 0])
    np.testing.assert_array_equal(got[weights == 1], made[weights == 1])
    expected = np.rint(0.25 * made.astype(float) + 0.75 * photo)
    np.testing.assert_array_equal(got[weights == 0.25], expected[weights == 0.25])
    small = editing.blend(photo, grey(77, (10, 15)), weights)
    assert small.shape == photo.shape and (small[weights == 1] == 77).all()


def test_a_strip_has_drawings_above_and_results_below():
    ends = [(grey(10 * n, (20, 25)), grey(100 + 10 * n, (40, 50))) for n in range(3)]
    shown = editing.strip(ends)
    assert shown.shape == (40 + 2 + 40, 3 * 50 + 2 * 2, 3)
    for n in range(3):
        column = shown[:, n * 52: n * 52 + 50]
        assert (column[:40] == 10 * n).all() and (column[42:] == 100 + 10 * n).all()
        assert (column[40:42] == 255).all()
