import io
import itertools
import logging
import struct

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from deepsim_jax.errors import UserError
from deepsim_jax.sequences import film_files

UNEVEN = (1.0, 0.05, 0.05, 0.12, 0.7)
"""Seconds, each a whole number of hundredths."""


def picture(number, shape=(64, 96)):
    """An even ground with a block that moves; the ground's level tells the number."""
    frame = np.full((*shape, 3), 30 * number, np.uint8)
    frame[10:30, 5 * number : 5 * number + 25] = 200, 60, 40
    return frame


def uneven():
    return [(picture(number), seconds) for number, seconds in enumerate(UNEVEN)]


def seconds_of(path):
    return [seconds for _, seconds in film_files.shown(path)]


def numbers_of(path):
    return [round(float(frame[40:, :, 1].mean()) / 30) for frame, _ in film_files.shown(path)]


@pytest.mark.parametrize("suffix", film_files.WRITTEN)
def test_each_frame_is_shown_as_long_as_before(tmp_path, suffix, caplog):
    path = tmp_path / "new" / f"film{suffix}"
    assert film_files.write_shown(path, iter(uneven())) == 5
    np.testing.assert_allclose(seconds_of(path), UNEVEN, atol=1e-3)
    assert numbers_of(path) == [0, 1, 2, 3, 4]
    assert film_files.is_film(path) and not caplog.records
    # Once more from that file, through each kind, the last frame's time included.
    for other in film_files.WRITTEN:
        again = tmp_path / f"again{other}"
        film_files.write_shown(again, film_files.shown(path))
        np.testing.assert_allclose(seconds_of(again), UNEVEN, atol=2e-3)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".apng", ".webp"])
def test_lossless_animations(tmp_path, suffix):
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, (33, 41, 3), np.uint8) for _ in range(3)]
    film_files.write(tmp_path / f"a{suffix}", frames, 12.5)
    for frame, found in zip(frames, film_files.decode(tmp_path / f"a{suffix}"), strict=True):
        np.testing.assert_array_equal(found, frame)


@pytest.mark.parametrize("rate", [10, 25, 30000 / 1001, 60])
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_constant_rate(tmp_path, suffix, rate):
    path = tmp_path / f"film{suffix}"
    assert film_files.write(path, (picture(n, (63, 95)) for n in range(7)), rate) == 7
    reader = cv2.VideoCapture(str(path))
    assert reader.get(cv2.CAP_PROP_FPS) == pytest.approx(rate, rel=2e-2)
    code = int(reader.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").lower()
    assert code in (b"vp09", b"vp90")
    found = list(film_files.shown(path))
    assert sum(seconds for _, seconds in found) == pytest.approx(7 / rate, abs=2e-3)
    for number, (frame, _) in enumerate(found):
        assert frame.shape == (64, 96, 3)  # an odd side is repeated
        assert np.abs(frame[:63, :95].astype(int) - picture(number, (63, 95))).mean() < 3
        assert np.abs(frame[63].astype(int) - frame[62]).mean() < 3


def test_a_gif_of_a_quick_video_lasts_as_long(tmp_path, caplog):
    """Browsers show frames of 10 ms for 100: so many frames are left that none is so short."""
    caplog.set_level(logging.INFO, "deepsim_jax")
    frames = [(picture(n % 7), 1 / 60) for n in range(60)]
    count = film_files.write_shown(tmp_path / "quick.gif", frames)
    seconds = seconds_of(tmp_path / "quick.gif")
    assert sum(seconds) == pytest.approx(1) and min(seconds) >= 0.02
    assert count == len(seconds) and 33 <= count <= 50
    (record,) = caplog.records
    assert f"{60 - count} frames that would be shown for too short a time are left out" in record.message


def test_frames_that_are_alike_keep_their_time(tmp_path):
    """A writer may join them."""
    frames = [(picture(n), 0.1) for n in (1, 1, 1, 2, 2)]
    for suffix in film_files.WRITTEN:
        film_files.write_shown(tmp_path / f"a{suffix}", frames)
        found = list(film_files.shown(tmp_path / f"a{suffix}"))
        assert sum(seconds for _, seconds in found) == pytest.approx(0.5, abs=2e-3)
        assert found[0][1] in (pytest.approx(0.1, abs=1e-3), pytest.approx(0.3, abs=1e-3))


def test_a_gif_has_one_palette_and_repeats(tmp_path):
    photo = cv2.resize(data.chelsea(), (200, 120), interpolation=cv2.INTER_AREA)
    frames = [photo[8:72, 6 * n : 6 * n + 96] for n in range(17)]
    assert film_files.write(tmp_path / "cat.gif", iter(frames), 12.5) == 17
    with Image.open(tmp_path / "cat.gif") as found:
        assert found.n_frames == 17 and found.info["loop"] == 0 and found.info["duration"] == 80
        for number in (0, 7, 16):
            found.seek(number)
            shown = np.asarray(found.convert("RGB")).astype(int)
            assert shown.shape == (64, 96, 3) and np.abs(shown - frames[number]).mean() < 5


def test_animations_that_say_no_time(tmp_path):
    """As browsers show them, a tenth of a second each."""
    first, *others = (Image.fromarray(picture(n)) for n in range(3))
    for name in ("a.gif", "a.webp"):
        first.save(tmp_path / name, save_all=True, append_images=others, duration=0)
        assert seconds_of(tmp_path / name) == [0.1] * 3


def test_the_picture_beside_a_png_s_animation_is_not_part_of_it(tmp_path):
    first, *others = (Image.fromarray(picture(n)) for n in range(4))
    options = {"save_all": True, "append_images": others, "default_image": True}
    first.save(tmp_path / "a.png", duration=[50, 60, 70], **options)
    assert numbers_of(tmp_path / "a.png") == [1, 2, 3]
    assert seconds_of(tmp_path / "a.png") == [0.05, 0.06, 0.07]


def test_transparent_frames(tmp_path):
    frames = [np.dstack([picture(n), np.full((64, 96), 255, np.uint8)]) for n in range(3)]
    frames[1][:20] = 0
    first, *others = map(Image.fromarray, frames)
    first.save(tmp_path / "a.webp", save_all=True, append_images=others, duration=40, lossless=True)
    found = [frame for frame, _ in film_files.shown(tmp_path / "a.webp")]
    assert [frame.shape[2] for frame in found] == [3, 4, 3]
    assert (found[1][:20, :, 3] == 0).all() and (found[1][20:, :, 3] == 255).all()
    white = list(film_files.decode(tmp_path / "a.webp"))[1]
    assert (white[:20] == 255).all() and (white[20:] == frames[1][20:, :, :3]).all()


def boxes(content, *names):
    """Offset of the content of an MP4's box, by the names of those around it."""
    place, end = 0, len(content)
    for name in names:
        while content[place + 4 : place + 8] != name:
            place += struct.unpack(">I", content[place : place + 4])[0]
            assert place < end, name
        place += 8
    return place


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_film_that_is_stored_sideways(tmp_path, angle):
    """As phones do: the header's matrix turns it clockwise."""
    turns = angle // 90
    upright = [picture(n, (64, 48)) for n in range(3)]
    film_files.write(tmp_path / "in.mp4", [np.ascontiguousarray(np.rot90(f, turns)) for f in upright], 8)
    content = bytearray((tmp_path / "in.mp4").read_bytes())
    c, s = [(1, 0), (0, 1), (-1, 0), (0, -1)][turns]
    matrix = [c << 16, s << 16, 0, -s << 16, c << 16, 0, 0, 0, 1 << 30]
    place = boxes(content, b"moov", b"trak", b"tkhd") + 40
    content[place : place + 36] = struct.pack(">9i", *matrix)
    (tmp_path / "turned.mp4").write_bytes(content)
    found = list(film_files.shown(tmp_path / "turned.mp4"))
    np.testing.assert_allclose([seconds for _, seconds in found], 1 / 8, atol=1e-6)
    for frame, original in zip(found, upright, strict=True):
        assert frame[0].shape == original.shape
        assert np.abs(frame[0].astype(int) - original).mean() < 3


def ebml(ident, content):
    """An element of a WebM file."""
    return ident + struct.pack(">Q", 1 << 56 | len(content)) + content


def recorded(path, times):
    """A WebM as browsers' recorders write it: no rate, no duration, blocks without their lengths."""
    film_files.write(path.with_suffix(".tmp.mp4"), (picture(n) for n in range(len(times))), 10)
    import av

    with av.open(str(path.with_suffix(".tmp.mp4"))) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.pts is not None]
    path.with_suffix(".tmp.mp4").unlink()
    number = bytes.fromhex
    video = ebml(number("E0"), ebml(number("B0"), b"\0\x60") + ebml(number("BA"), b"\0\x40"))
    track = [
        ebml(number(i), c) for i, c in (("D7", b"\1"), ("73C5", b"\1"), ("83", b"\1"), ("86", b"V_VP9"))
    ]
    blocks = b"".join(
        ebml(number("A3"), b"\x81" + struct.pack(">hB", time, 0x80 * (n == 0)) + packet)
        for n, (time, packet) in enumerate(zip(times, packets, strict=True))
    )
    cluster = ebml(number("1F43B675"), ebml(number("E7"), b"\0") + blocks)
    info = ebml(number("1549A966"), ebml(number("2AD7B1"), struct.pack(">I", 1_000_000)))
    tracks = ebml(number("1654AE6B"), ebml(number("AE"), b"".join(track) + video))
    head = ebml(number("1A45DFA3"), ebml(number("4282"), b"webm") + ebml(number("4287"), b"\4"))
    path.write_bytes(head + ebml(number("18538067"), info + tracks + cluster))


@pytest.mark.parametrize(
    "times, last",
    [
        ((0, 117, 200, 317, 400), 100),  # an end that is not said: the middle of the other lengths
        ((0, 33, 1500, 1533), 33),
        ((250, 350, 450, 550), 100),
    ],
)
def test_a_browser_s_recording(tmp_path, times, last):
    recorded(tmp_path / "r.webm", times)
    expected = [b - a for a, b in itertools.pairwise(times)] + [last]
    np.testing.assert_allclose(seconds_of(tmp_path / "r.webm"), np.array(expected) / 1000, atol=1e-3)
    film_files.write_shown(tmp_path / "out.mp4", film_files.shown(tmp_path / "r.webm"))
    np.testing.assert_allclose(seconds_of(tmp_path / "out.mp4"), np.array(expected) / 1000, atol=1e-3)


def test_a_video_without_any_times(tmp_path):
    """Pictures one after the other in a file: the rate that is assumed of it."""
    buffer = io.BytesIO()
    for n in range(5):
        Image.fromarray(picture(n)).save(buffer, format="JPEG", quality=95)
    (tmp_path / "bare.mjpeg").write_bytes(buffer.getvalue())
    assert seconds_of(tmp_path / "bare.mjpeg") == pytest.approx([0.04] * 5)


def test_a_damaged_film_gives_what_can_be_read(tmp_path):
    film_files.write(tmp_path / "a.webm", (picture(n) for n in range(6)), 10)
    content = (tmp_path / "a.webm").read_bytes()
    (tmp_path / "half.webm").write_bytes(content[: len(content) // 2])
    found = seconds_of(tmp_path / "half.webm")
    assert len(found) < 6 and all(0 < seconds <= 1 for seconds in found)
    (tmp_path / "none.webm").write_bytes(content[:100])
    assert seconds_of(tmp_path / "none.webm") == []


def test_a_full_disk_is_told_and_the_old_film_stays(tmp_path):
    resource = pytest.importorskip("resource", reason="limits of files are POSIX's")
    random = np.random.default_rng(2)
    frames = [random.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(6)]
    for suffix in film_files.WRITTEN:
        path = tmp_path / f"out{suffix}"
        path.write_bytes(b"the film of yesterday")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        try:
            with pytest.raises(UserError, match="free some space"):
                film_files.write(path, frames, 10)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert path.read_bytes() == b"the film of yesterday"
    assert len(list(tmp_path.iterdir())) == len(film_files.WRITTEN)


def test_times_that_a_file_cannot_say(tmp_path):
    for suffix, long in ((".apng", 70), (".gif", 700)):
        with pytest.raises(
            UserError, match=rf"a frame is shown for {long} s, a {suffix} can say .*\.mp4"
        ):
            film_files.write_shown(tmp_path / f"a{suffix}", [(picture(0), long), (picture(1), 1)])
    film_files.write_shown(tmp_path / "a.mp4", [(picture(0), 700), (picture(1), 1)])
    assert seconds_of(tmp_path / "a.mp4") == pytest.approx([700, 1])


def test_other_moving_pictures_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"cat.avi: .* as .mp4, .webm, .gif, .webp or .apng"):
        film_files.write(tmp_path / "cat.avi", [picture(0)], 10)
    (tmp_path / "file").write_text("")
    for suffix in film_files.WRITTEN:
        with pytest.raises(UserError, match="cannot be written"):
            film_files.write(tmp_path / "file" / f"cat{suffix}", [picture(0), picture(1)], 10)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_content_says_what_a_film_is(tmp_path):
    film_files.write(tmp_path / "a.webm", [picture(0), picture(1)], 10)
    (tmp_path / "a.webm").rename(tmp_path / "a.png")
    Image.fromarray(picture(0)).save(tmp_path / "still.mp4", format="GIF")
    (tmp_path / "broken.mov").write_bytes(b"hello")
    assert film_files.is_film(tmp_path / "a.png") and film_files.is_film(tmp_path / "broken.mov")
    assert not film_files.is_film(tmp_path / "still.mp4")
