"""Every arrangement of depths and channels gives the picture, or says what it is."""

import logging
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import decode
from deepsim_jax.images import io as images


def deep(shot, *more):
    """The picture in 16 bits, with further channels."""
    return np.dstack([shot.astype(np.uint16) * 257, *more])


def infrared(shot):
    return 65535 - shot[..., 0].astype(np.uint16) * 257


def planes(pixels):
    return pixels.transpose(2, 0, 1)


RGB = {"photometric": "rgb"}
SEPARATE = {**RGB, "planarconfig": "separate"}
OTHER = {"extrasamples": ["unspecified"]}

TIFFS = {
    "chunky": lambda s: (deep(s), RGB),
    "planes": lambda s: (planes(deep(s)), SEPARATE),
    "planes, deflated": lambda s: (planes(deep(s)), {**SEPARATE, "compression": "zlib"}),
    "predicted": lambda s: (deep(s), {**RGB, "compression": "zlib", "predictor": 2}),
    "tiles": lambda s: (deep(s), {**RGB, "tile": (16, 16)}),
    "BigTIFF of the other byte order": lambda s: (deep(s), {**RGB, "byteorder": ">", "bigtiff": True}),
    "infrared": lambda s: (deep(s, infrared(s)), RGB | OTHER),
    "infrared in planes": lambda s: (planes(deep(s, infrared(s))), SEPARATE | OTHER),
    "two further bands": lambda s: (
        deep(s, infrared(s), infrared(s)),
        {**RGB, "extrasamples": ["unspecified"] * 2},
    ),
    "infrared before transparency": lambda s: (
        deep(s, infrared(s), np.full(s.shape[:2], 65535, np.uint16)),
        {**RGB, "extrasamples": ["unspecified", "unassalpha"]},
    ),
    "12 bits": lambda s: (deep(s) >> 4, RGB),
    "14 bits": lambda s: (deep(s) >> 2, RGB),
    "8 bits in 16": lambda s: (s.astype(np.uint16), RGB),
    "infrared, 8 bits": lambda s: (np.dstack([s, 255 - s[..., 0]]), RGB | OTHER),
    "five channels, 8 bits": lambda s: (
        np.dstack([s, 255 - s[..., :2]]),
        {**RGB, "extrasamples": ["unspecified"] * 2},
    ),
    "inks": lambda s: (
        65535 - deep(s, np.full(s.shape[:2], 65535, np.uint16)),
        {"photometric": "separated"},
    ),
    "inks, 8 bits": lambda s: (
        255 - np.dstack([s, np.full(s.shape[:2], 255, np.uint8)]),
        {"photometric": "separated"},
    ),
}


@pytest.mark.parametrize("kind", TIFFS)
def test_colour_tiffs(tmp_path, shot, kind):
    pixels, options = TIFFS[kind](shot)
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    assert np.abs(images.read_image(tmp_path / "a.tif").astype(int) - shot).max() <= 1


GREY = {
    "white is zero": lambda g: (65535 - g * 257, {"photometric": "miniswhite"}),
    "white is zero, 12 bits": lambda g: (4095 - (g * 257 >> 4), {"photometric": "miniswhite"}),
    "white is zero, 8 bits": lambda g: ((255 - g).astype(np.uint8), {"photometric": "miniswhite"}),
    "10 bits": lambda g: (g * 257 >> 6, {"photometric": "minisblack"}),
    "another band": lambda g: (
        np.dstack([g * 257, 65535 - g * 257]),
        {"photometric": "minisblack", "planarconfig": "contig", **OTHER},
    ),
}


@pytest.mark.parametrize("kind", GREY)
def test_grey_tiffs(tmp_path, shot, kind):
    grey = shot[..., 1].astype(np.uint16)
    pixels, options = GREY[kind](grey)
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    read = images.read_image(tmp_path / "a.tif").astype(int)
    assert np.abs(read - grey[..., None]).max() <= 1


def test_compressions_that_tifffile_leaves_to_others(tmp_path, shot):
    cv2.imwrite(str(tmp_path / "rgb.tif"), np.ascontiguousarray(deep(shot)[..., ::-1]))
    assert tifffile.TiffFile(tmp_path / "rgb.tif").pages[0].compression == tifffile.COMPRESSION.LZW
    assert (images.read_image(tmp_path / "rgb.tif") == shot).all()
    grey = Image.fromarray(deep(shot)[..., 1])
    for orientation in (1, 3, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        grey.save(tmp_path / "grey.tif", compression="tiff_lzw", exif=exif)
        upright = np.rot90(shot[..., 1], {1: 0, 3: 2, 6: -1}[orientation])
        assert (images.read_image(tmp_path / "grey.tif")[..., 0] == upright).all()


def test_transparency_apart_from_and_inside_of_the_colours(tmp_path, shot):
    alpha = np.linspace(0, 65535, shot.shape[0] * shot.shape[1]).reshape(shot.shape[:2]).astype(np.uint16)
    share = alpha[..., None] / 65535
    expected = shot * share + 255 * (1 - share)
    for name, kind, color in (("a", "unassalpha", deep(shot)), ("b", "assocalpha", deep(shot) * share)):
        pixels = np.dstack([color.astype(np.uint16), alpha])
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels, **RGB, extrasamples=[kind])
        assert np.abs(images.read_image(tmp_path / f"{name}.tif") - expected).max() <= 1


@pytest.mark.parametrize(
    "shift, bits, significant",
    [(4, None, 12), (6, None, 10), (8, None, 8), (4, 12, 12), (6, 10, 10), (6, 12, 10), (0, 12, 16)],
)
def test_numbers_of_fewer_bits_in_16(tmp_path, shot, png_16, shift, bits, significant, caplog):
    """What the file says (PNG's sBIT) is believed, else the smallest depth is taken, with a word."""
    chunks = [] if bits is None else [(b"sBIT", bytes([bits] * 3))]
    (tmp_path / "a.png").write_bytes(png_16(deep(shot) >> shift, *chunks))
    read = images.read_image(tmp_path / "a.png").astype(int)
    expected = shot * (1.0 if bits != 12 or shift != 6 else 0.25)
    assert np.abs(read - expected).max() <= 1
    told = [r for r in caplog.records if r.levelno == logging.WARNING and "taken for" in r.message]
    assert len(told) == (bits is None)
    if told:
        assert f"of {significant} bits in 16" in told[0].message


def test_12_bits_packed(tmp_path, shot):
    grey = shot[..., 1].astype(np.uint32) * 257 >> 4
    a, b = grey[:, ::2], grey[:, 1::2]
    data = np.dstack([a >> 4, (a & 15) << 4 | b >> 8, b & 255]).astype(np.uint8).tobytes()
    height, width = grey.shape
    tags = [
        *((256, 3, width), (257, 3, height), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8)),
        *((277, 3, 1), (278, 3, height), (279, 4, len(data))),
    ]
    content = b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags))
    content += b"".join(struct.pack("<HHII", code, kind, 1, value) for code, kind, value in tags)
    (tmp_path / "a.tif").write_bytes(content + bytes(4))
    assert np.abs(images.read_image(tmp_path / "a.tif")[..., 0].astype(int) - shot[..., 1]).max() <= 1


def test_dark_arrays_of_16_bits_are_stretched_like_files(shot, caplog):
    assert np.abs(images.read_image(deep(shot) >> 4).astype(int) - shot).max() <= 1
    assert "taken for a picture of 12 bits" in caplog.text
    assert np.abs(images.read_image(deep(shot)).astype(int) - shot).max() == 0


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda s: (s.astype(np.float32) / 255, RGB),
            "floating point numbers; save it with 8 or 16 bits",
        ),
        (lambda s: (s.astype(np.uint32), RGB), "32 bits per channel; save it"),
        (lambda s: (s.astype(np.int16), RGB), "signed whole numbers; save it"),
        (
            lambda s: (deep(s), {"photometric": "cielab"}),
            "16 bits in colours of the kind CIELAB; save it as RGB",
        ),
    ],
)
def test_numbers_that_are_refused(tmp_path, shot, make, message):
    pixels, options = make(shot)
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    with pytest.raises(UserError, match=message):
        images.read_image(tmp_path / "a.tif")


def test_what_is_left_out_is_told(tmp_path, shot, caplog):
    caplog.set_level(logging.INFO)
    tifffile.imwrite(tmp_path / "a.tif", deep(shot, infrared(shot)), **RGB, **OTHER)
    images.read_photo(tmp_path / "a.tif", name="photo")
    path = tmp_path / "a.tif"
    assert (
        f"photo {path}: 1 channel beside the colours, which is no transparency, left out" in caplog.text
    )
    assert f"photo {path}: 16 bits per channel, reduced to 8; results have 8" in caplog.text
    caplog.clear()
    images.read_image(tmp_path / "a.tif", quiet=True)
    assert not caplog.text


def test_an_animation_is_told(tmp_path, shot, caplog):
    frames = [Image.fromarray(shot), Image.fromarray(shot[::-1])]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert (images.read_image(tmp_path / "a.webp") == shot).all()
    assert "an animation of 2 pictures, of which the first is taken" in caplog.text


def test_the_libraries_keep_their_remarks_to_themselves(tmp_path, shot, png_16):
    """OpenCV, libpng, libtiff, Pillow and tifffile write to stderr by themselves."""
    profile = (b"iCCP", b"x\0\0" + zlib.compress(b"no profile" * 20))
    (tmp_path / "a.png").write_bytes(png_16(deep(shot), profile))
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:900])
    cv2.imwrite(str(tmp_path / "c.tif"), deep(shot))
    broken = bytearray((tmp_path / "c.tif").read_bytes())
    broken[300:340] = bytes(40)
    (tmp_path / "d.tif").write_bytes(broken)
    (tmp_path / "e.tif").write_bytes(bytes(broken[:-60]))
    tifffile.imwrite(tmp_path / "f.tif", 65535 - deep(shot, infrared(shot)), photometric="separated")
    Image.fromarray(shot).save(tmp_path / "g.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x09\0" + b"\xff" * 50)
    code = f"""
import pathlib
from deepsim_jax.errors import UserError
from deepsim_jax.images import decode
for path in sorted(pathlib.Path({str(tmp_path)!r}).iterdir()):
    try:
        decode.decode(path, "photo")
    except UserError:
        pass
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_lab_and_jpeg_2000(tmp_path, shot):
    from PIL import ImageCms

    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    picture = ImageCms.profileToProfile(Image.fromarray(shot), srgb, lab, outputMode="LAB")
    picture.save(tmp_path / "lab.tif")
    assert np.abs(images.read_image(tmp_path / "lab.tif").astype(int) - shot).mean() < 2
    Image.fromarray(deep(shot)[..., 1]).save(tmp_path / "a.jp2")
    found = decode.decode(tmp_path / "a.jp2", "photo")
    assert found.bits == 16 and (found.pixels == deep(shot)[..., 1:2]).all()
