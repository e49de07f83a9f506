"""Decoding of every kind of user image, refusal of unusable ones, atomic writing, resizing."""

import errno
import io
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images import masks


def refused(call, *args, **kwargs) -> str:
    """The one-line message with which a call is refused."""
    with pytest.raises(UserError) as caught:
        call(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return message


def png(width, height, depth, color_type, rows=b""):
    """A PNG with the given header and raw rows, each preceded by its filter byte."""

    def chunk(kind, content):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (20, 28, 3), np.uint8)


def saved(tmp_path, image, name="image.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def test_rgb_file(tmp_path, rgb):
    assert np.array_equal(images.read_image(saved(tmp_path, Image.fromarray(rgb))), rgb)
    assert np.array_equal(images.read_image(str(tmp_path / "image.png")), rgb)


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_bilevel_and_palette_files(tmp_path, rgb, mode):
    image = Image.fromarray(rgb).convert(mode)
    expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(images.read_image(saved(tmp_path, image)), expected)


def test_cmyk_file(tmp_path):
    image = Image.new("CMYK", (20, 20), (0, 255, 255, 0))
    read = images.read_image(saved(tmp_path, image, "image.tif"))
    assert (read == (255, 0, 0)).all()


def test_transparency_is_composited_on_white(tmp_path, rgb):
    alpha = np.random.default_rng(1).integers(0, 256, (20, 28), np.uint8)
    rgba = np.dstack([rgb, alpha])
    share = alpha[..., None] / 255
    expected = np.round(rgb * share + 255 * (1 - share))
    for source in (rgba, saved(tmp_path, Image.fromarray(rgba))):
        assert np.array_equal(images.read_image(source), expected)


@pytest.mark.parametrize("alpha", [0, 253, 255])
def test_constant_alpha_is_dropped(tmp_path, rgb, alpha):
    rgba = np.dstack([rgb, np.full((20, 28), alpha, np.uint8)])
    assert np.array_equal(images.read_image(rgba), rgb)
    assert np.array_equal(images.read_image(saved(tmp_path, Image.fromarray(rgba))), rgb)


def test_transparent_palette_entry_and_grey_alpha(tmp_path):
    index = np.zeros((16, 16), np.uint8)
    index[:, 8:] = 1
    palette = Image.fromarray(index).convert("P")
    palette.putpalette([10, 20, 30, 200, 100, 50])
    read = images.read_image(saved(tmp_path, palette, transparency=0))
    assert (read[:, :8] == 255).all() and (read[:, 8:] == (200, 100, 50)).all()
    grey = Image.merge("LA", [Image.new("L", (16, 16), 40), Image.fromarray(index * 255)])
    read = images.read_image(saved(tmp_path, grey, "grey.png"))
    assert (read[:, :8] == 255).all() and (read[:, 8:] == 40).all()


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_are_scaled_not_cut(tmp_path, suffix, channels):
    deep = np.random.default_rng(2).integers(0, 65536, (16, 20, channels), dtype=np.uint16)
    if channels == 4:
        deep[..., 3] = 65535
    stored = deep[..., [2, 1, 0, 3][:channels]] if channels > 1 else deep
    path = tmp_path / f"deep{suffix}"
    path.write_bytes(cv2.imencode(suffix, stored)[1].tobytes())
    expected = np.floor(deep[..., :3] / 257 + 0.5)
    expected = np.broadcast_to(expected, (16, 20, 3))
    assert np.array_equal(images.read_image(path), expected)
    assert np.array_equal(images.read_image(deep), expected)


def test_16_bit_grey_with_alpha_and_pgm(tmp_path):
    deep = np.random.default_rng(3).integers(0, 65536, (16, 16, 2), dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    (tmp_path / "la.png").write_bytes(png(16, 16, 16, 4, rows))
    share = deep[..., 1] / 65535
    expected = (deep[..., 0] * share + 65535 * (1 - share)) / 257
    read = images.read_image(tmp_path / "la.png")
    assert np.abs(read - expected[..., None]).max() <= 0.51
    (tmp_path / "a.pgm").write_bytes(b"P5 16 16 65535\n" + deep[..., 0].astype(">u2").tobytes())
    expected = np.floor(deep[..., :1] / 257 + 0.5)
    assert (images.read_image(tmp_path / "a.pgm") == expected).all()


STORED = {
    # EXIF orientation -> how upright pixels are stored, from the tag's definition: which sides of
    # the picture the first stored row and column are, such as right and top for 6.
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1, :],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a[:, ::-1].transpose(1, 0, 2),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a[::-1].transpose(1, 0, 2),
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(tmp_path, orientation):
    # A bright corner at the top left, a half bright one at the top right.
    upright = np.zeros((24, 40, 3), np.uint8)
    upright[:8, :8], upright[:8, -8:] = 250, 120
    stored = np.ascontiguousarray(STORED[orientation](upright))
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("photo.jpg", "photo.png", "photo.tiff"):
        path = saved(tmp_path, Image.fromarray(stored), name, exif=exif)
        read = images.read_image(path)
        assert read.shape == upright.shape
        assert np.abs(read[2:6, 2:6] - 250.0).max() < 8, name
        assert np.abs(read[2:6, -6:-2] - 120.0).max() < 8, name


def test_exif_rotation_of_a_16_bit_file_agrees_with_8_bits(tmp_path, rgb):
    exif = Image.Exif()
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        eight = saved(tmp_path, Image.fromarray(rgb), exif=exif).read_bytes()
        # The same picture with 16 bits and the same EXIF chunk.
        start = eight.index(b"eXIf") - 4
        length = struct.unpack(">I", eight[start : start + 4])[0] + 12
        rows = b"".join(b"\0" + (row.astype(">u2") * 257).astype(">u2").tobytes() for row in rgb)
        deep = png(28, 20, 16, 2, rows)
        body = deep.index(b"IDAT") - 4
        (tmp_path / "deep.png").write_bytes(deep[:body] + eight[start : start + length] + deep[body:])
        expected = images.read_image(tmp_path / "image.png")
        assert np.array_equal(images.read_image(tmp_path / "deep.png"), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_of_a_16_bit_tiff(tmp_path, orientation):
    upright = np.random.default_rng(8).integers(0, 256, (20, 28), dtype=np.uint16) * 257
    stored = STORED[orientation](upright[..., None].repeat(3, -1))[..., 0]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, Image.fromarray(np.ascontiguousarray(stored)), "a.tiff", exif=exif)
    assert np.array_equal(images.read_image(path)[..., 0], upright // 257)


def test_first_frame_of_an_animation(tmp_path, rgb):
    frames = [Image.fromarray(rgb), Image.fromarray(255 - rgb)]
    path = saved(tmp_path, frames[0], "a.png", save_all=True, append_images=frames[1:])
    assert np.array_equal(images.read_image(path), rgb)


def test_arrays_of_every_accepted_shape(rgb):
    grey = rgb[..., 0]
    expected = np.repeat(grey[..., None], 3, axis=-1)
    for array in (grey, grey[..., None]):
        assert np.array_equal(images.read_image(array), expected)
    assert np.array_equal(images.read_image(rgb / 255.0), rgb)
    read = images.read_image(rgb)
    read[:] = 0
    assert rgb.any(), "the caller's array is not shared"


@pytest.mark.parametrize(
    "array, part",
    [
        (np.zeros((20, 20, 2), np.uint8), "shape"),
        (np.zeros((1, 20, 20, 3), np.uint8), "shape"),
        (np.zeros((20, 20, 3), np.int64), "int64"),
        (np.zeros((20, 20, 3), bool), "bool"),
        (np.full((20, 20, 3), -0.5), "floats from -0.5"),
        (np.full((20, 20, 3), 200.0), "to 200"),
        (np.full((20, 20, 3), np.nan), "NaN"),
        (np.full((20, 20), 255, np.uint16), "16-bit"),
        (np.zeros((15, 20, 3), np.uint8), "20x15"),
        (np.broadcast_to(np.uint8(0), (10_000, 10_001, 3)), "100 megapixels"),
    ],
)
def test_arrays_that_are_refused(array, part):
    message = refused(images.read_image, array, name="photo")
    assert message.startswith("photo") and part in message


@pytest.mark.parametrize("source", [None, 3, [[1, 2]], Image.new("RGB", (20, 20))])
def test_other_objects_are_refused(source):
    assert "give a path or an array" in refused(images.read_image, source)


def encoded(format_, **options):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(4).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, format=format_, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.9])
def test_truncated_files(tmp_path, format_, part):
    content = encoded(format_)
    path = tmp_path / "photo.png"
    path.write_bytes(content[: int(len(content) * part)])
    for read in (images.read_image, masks.read_mask):
        message = refused(read, path, name="photo")
        assert message.startswith(f"photo {path}: ")
        assert "damaged" in message or "not an image" in message


def test_truncated_16_bit_file(tmp_path):
    deep = np.random.default_rng(5).integers(0, 65536, (64, 64, 3), dtype=np.uint16)
    content = cv2.imencode(".png", deep)[1].tobytes()
    path = tmp_path / "deep.png"
    path.write_bytes(content[: len(content) // 2])
    assert "truncated" in refused(images.read_image, path)


@pytest.mark.parametrize(
    "content, part",
    [
        (b"", "0 bytes"),
        (b"just text", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "not an image"),
        (b"%PDF-1.4 something", "a PDF document"),
        (png(1, 1, 8, 2, b"\0\1\2\3"), "1x1"),
        (png(15, 400, 8, 0, b"\0" * 400 * 16), "15x400"),
        (png(20_000, 20_000, 8, 2), "100 megapixels"),
        # Within Pillow's own limit; refused as too large, not as damaged: nothing was decoded.
        (png(10_001, 10_000, 8, 2), "10001x10000"),
    ],
)
def test_files_that_are_refused(tmp_path, content, part):
    path = tmp_path / "me.png"
    path.write_bytes(content)
    for read in (images.read_image, masks.read_mask):
        message = refused(read, path, name="photo")
        assert message.startswith(f"photo {path}: ") and part in message


def test_missing_file_and_folder(tmp_path):
    assert "no such file" in refused(images.read_image, tmp_path / "none.png")
    assert "is a folder" in refused(images.read_image, tmp_path)
    (tmp_path / "file").write_bytes(b"x")
    assert "no such file" in refused(images.read_image, tmp_path / "file" / "photo.png")
    refused(images.read_image, tmp_path / ("long" * 100))


def test_float_tiff_is_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.zeros((20, 20), np.float32)), "f.tiff")
    assert "8 or 16 bits" in refused(images.read_image, path)


def test_png_round_trip_into_a_new_folder(tmp_path, rgb):
    path = tmp_path / "a" / "b" / "out.png"
    images.write_png(path, rgb)
    assert np.array_equal(images.read_image(path), rgb)
    images.write_png(path, rgb[..., 0])
    assert np.array_equal(images.read_image(path)[..., 1], rgb[..., 0])
    assert [p.name for p in path.parent.iterdir()] == ["out.png"]


def test_png_needs_its_suffix(tmp_path, rgb):
    assert ".png" in refused(images.write_png, tmp_path / "out.jpg", rgb)
    assert not list(tmp_path.iterdir())


def test_writing_below_a_file_or_over_a_folder(tmp_path, rgb):
    (tmp_path / "file").write_bytes(b"x")
    message = refused(images.write_png, tmp_path / "file" / "out.png", rgb)
    assert message.startswith(f"output {tmp_path / 'file' / 'out.png'}: cannot be written")
    (tmp_path / "folder.png").mkdir()
    refused(images.write_png, tmp_path / "folder.png", rgb)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.png"]


@pytest.mark.parametrize(
    "function, number", [("fsync", errno.ENOSPC), ("replace", errno.EROFS), ("replace", errno.EACCES)]
)
def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch, function, number):
    path = tmp_path / "metrics.json"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, function, fail)
    message = refused(images.write_bytes_atomic, path, b"new")
    assert os.strerror(number) in message and "nothing was changed" in message
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        images.write_bytes_atomic(tmp_path / "a", b"new")
    assert not list(tmp_path.iterdir())


def test_written_file_has_ordinary_permissions(tmp_path):
    images.write_bytes_atomic(tmp_path / "a", b"1")
    (tmp_path / "b").write_bytes(b"1")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize(
    "shape, limit, expected",
    [
        ((300, 451), 256, (170, 256)),
        ((3000, 4000), 480, (360, 480)),
        ((400, 20), 320, (320, 16)),
        ((64, 64), 64, (64, 64)),
    ],
)
def test_size_limit(shape, limit, expected):
    image = np.full((*shape, 3), 77, np.uint8)
    limited = images.resize_to_limit(image, limit)
    assert limited.shape == (*expected, 3) and (limited == 77).all()
    assert (limited is image) == (shape == expected)


def test_shrinking_averages_areas():
    image = np.random.default_rng(6).integers(0, 256, (64, 96, 3), np.uint8)
    expected = image.reshape(32, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.abs(images.resize_to_limit(image, 48) - expected).max() <= 0.5


def test_size_limits_that_are_refused():
    image = np.zeros((400, 20, 3), np.uint8)
    assert "13x256" in refused(images.resize_to_limit, image, 256)
    assert "at least 16" in refused(images.resize_to_limit, image, 8)


def test_labels_keep_their_colors_and_places():
    labels = np.zeros((90, 120, 3), np.uint8)
    labels[:, 60:] = (10, 200, 30)
    small = images.resize_labels(labels, 30, 40)
    assert small.shape == (30, 40, 3)
    assert (small[:, :20] == 0).all() and (small[:, 20:] == (10, 200, 30)).all()
    assert images.resize_labels(labels, 90, 120) is labels


@pytest.mark.parametrize("multiple", [1, 16, 32, 100])
@pytest.mark.parametrize("shape", [(16, 30, 3), (33, 64, 3), (17, 19)])
def test_padding_reflects_and_crops_back(shape, multiple):
    array = np.random.default_rng(7).integers(0, 256, shape, np.uint8)
    padded, size = images.pad_to_multiple(array, multiple)
    assert padded.shape[0] % multiple == padded.shape[1] % multiple == 0
    assert padded.shape[0] < shape[0] + multiple and padded.shape[1] < shape[1] + multiple
    assert np.array_equal(images.crop(padded, size), array)

    def source(i, n):
        i %= 2 * (n - 1)
        return i if i < n else 2 * (n - 1) - i

    rows = [source(i, shape[0]) for i in range(padded.shape[0])]
    columns = [source(j, shape[1]) for j in range(padded.shape[1])]
    assert np.array_equal(padded, array[rows][:, columns])
