"""Colours of profiles, against the definition of their spaces in float64."""

import io
import logging
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from deepsim_jax.images import io as images
from deepsim_jax.images import profiles

# To XYZ relative to D65, as the standards print them.
TO_XYZ = {
    "sRGB": [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]],
    "Display P3": [[0.48657, 0.26567, 0.19822], [0.22897, 0.69174, 0.07929], [0.0, 0.04511, 1.04394]],
    "Adobe RGB": [[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]],
    "Rec. 2020": [[0.63696, 0.14462, 0.16888], [0.2627, 0.678, 0.0593], [0.0, 0.02807, 1.06099]],
}
SPACES = {
    "Display P3": (profiles.DISPLAY_P3, None),
    "Adobe RGB": (profiles.ADOBE_RGB, profiles.ADOBE_GAMMA),
    "Rec. 2020": (profiles.REC_2020, None),
    "sRGB": (profiles.REC_709, 1.8),
}


def in_srgb(picture, space, gamma):
    """uint8 of a space -> float sRGB, 0 to 255, colours outside of sRGB cut."""
    value = picture / 255
    light = (
        value**gamma
        if gamma
        else np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    )
    light = light @ (np.linalg.inv(TO_XYZ["sRGB"]) @ TO_XYZ[space]).T
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def save(path, picture, profile, **options):
    Image.fromarray(picture).save(path, icc_profile=profile, **options)
    return path


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jp2"])
def test_colours_are_converted(tmp_path, shot, name, suffix):
    primaries, gamma = SPACES[name]
    profile = profiles.make(name, primaries, gamma=gamma)
    if suffix == ".jp2":
        (tmp_path / "a.jp2").write_bytes(_jp2(shot, profile))
    else:
        save(tmp_path / f"a{suffix}", shot, profile, **({"lossless": True} if suffix == ".webp" else {}))
    read = images.read_image(tmp_path / f"a{suffix}")
    assert np.abs(read - in_srgb(shot, name, gamma)).max() < 1.6


def _jp2(picture, profile):
    """Pillow writes no profiles into JPEG 2000: its colour box is replaced by one with a profile."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG2000")
    content = buffer.getvalue()
    box = struct.pack(">I4sBBB", 11 + len(profile), b"colr", 2, 0, 0) + profile
    begin = content.index(b"colr") - 4
    (length,) = struct.unpack(">I", content[begin : begin + 4])
    header = content.index(b"jp2h") - 4
    (whole,) = struct.unpack(">I", content[header : header + 4])
    content = content[:begin] + box + content[begin + length :]
    return content[:header] + struct.pack(">I", whole + len(box) - length) + content[header + 4 :]


def test_a_jpeg_and_a_photo_of_16_bits(tmp_path, shot, png_16):
    profile = profiles.make("Display P3", profiles.DISPLAY_P3)
    save(tmp_path / "a.jpg", shot, profile, quality=100, subsampling=0)
    stored = np.asarray(Image.open(tmp_path / "a.jpg"))
    assert np.abs(images.read_image(tmp_path / "a.jpg") - in_srgb(stored, "Display P3", None)).max() < 1.6
    import zlib

    chunk = (b"iCCP", b"P3\0\0" + zlib.compress(profile))
    (tmp_path / "a.png").write_bytes(png_16(shot.astype(np.uint16) * 257, chunk))
    assert np.abs(images.read_image(tmp_path / "a.png") - in_srgb(shot, "Display P3", None)).max() < 1.6


def test_numbers_of_srgb_stay_as_they_are(tmp_path, shot):
    """The hash of a run's photo is that of its numbers: old runs go on."""
    for number, profile in enumerate(
        (profiles.srgb_profile(), profiles.make("another sRGB"), profiles.make("near", gamma=None))
    ):
        photo, original = images.read_photo(save(tmp_path / f"{number}.png", shot, profile))
        assert (photo == shot).all() and original.profile == profile
    assert not profiles.Space(profiles.make("gamma", gamma=2.2)).is_srgb


def test_grey_profiles(tmp_path, shot, caplog):
    caplog.set_level(logging.INFO)
    grey = shot[..., 1]
    profile = grey_profile(1.8)
    save(tmp_path / "a.png", grey, profile)
    photo, original = images.read_photo(tmp_path / "a.png")
    expected = in_srgb(np.repeat(grey[..., None], 3, -1), "sRGB", 1.8)
    assert np.abs(photo - expected).max() < 1.6
    assert original.profile is None and "grey with a profile of its own" in caplog.text
    # A grey picture may have a profile of colours, too: then its numbers are of all three.
    save(tmp_path / "b.png", grey, profiles.make("linear", gamma=1.0))
    expected = in_srgb(np.repeat(grey[..., None], 3, -1), "sRGB", 1.0)
    assert np.abs(images.read_image(tmp_path / "b.png") - expected).max() < 1.6


def grey_profile(gamma):
    """As `profiles.make`, of one channel."""
    colour = profiles.make("grey", gamma=gamma)
    content = bytearray(colour)
    content[16:20] = b"GRAY"
    place = content.index(b"rTRC")
    content[place : place + 4] = b"kTRC"
    return bytes(content)


def test_cmyk_with_and_without_a_profile(tmp_path, shot, caplog):
    inks = Image.fromarray(255 - shot).convert("RGB")
    c, m, y = inks.split()
    picture = Image.merge("CMYK", (c, m, y, Image.new("L", c.size, 0)))
    picture.save(tmp_path / "a.jpg", quality=100, subsampling=0)
    assert np.abs(images.read_image(tmp_path / "a.jpg").astype(int) - shot).mean() < 2
    assert "CMYK without a colour profile, so that its colours are a guess" in caplog.text
    caplog.clear()
    picture.save(tmp_path / "b.tif", icc_profile=cmyk_profile())
    assert np.abs(images.read_image(tmp_path / "b.tif").astype(int) - 170).max() <= 2  # all that it knows
    assert "guess" not in caplog.text


def cmyk_profile():
    """The smallest table of four inks: every mixture of them is one grey, L* = 69.6."""
    lab = struct.pack(">3H", round(69.6 / 100 * 65280), 0x8000, 0x8000)
    table = (
        b"mft2\0\0\0\0"
        + bytes([4, 3, 2, 0])
        + struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    )
    line = struct.pack(">2H", 0, 65535)
    table += struct.pack(">HH", 2, 2) + line * 4 + lab * 16 + line * 3
    head = struct.pack(">I4sI", 0, b"\0\0\0\0", 0x02400000) + b"prtrCMYKLab " + bytes(12) + b"acsp"
    head = (head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0")
    tags = struct.pack(">I4sII", 1, b"A2B0", 144, len(table))
    content = head + tags + table
    return struct.pack(">I", len(content)) + content[4:]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: b"no profile at all" * 20, "colour profile is damaged"),
        (lambda: profiles.make("cut")[:300], "colour profile is "),
        (cmyk_profile, "for colours of the kind CMYK, which the picture has not"),
        (lambda: grey_profile(2.2), "for colours of the kind GRAY, which the picture has not"),
    ],
)
def test_profiles_of_no_use_are_told(tmp_path, shot, caplog, make, message):
    photo, original = images.read_photo(save(tmp_path / "a.png", shot, make()))
    assert (photo == shot).all() and original.profile is None
    assert message in caplog.text and "taken for sRGB" in caplog.text


def test_what_cameras_and_png_files_say_without_a_profile(tmp_path, shot, png_16):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif[0x8769] = {0xA001: 65535, 0xA005: {1: "R03"}}
    Image.fromarray(shot).save(tmp_path / "adobe.png", exif=exif)
    read, original = images.read_photo(tmp_path / "adobe.png")
    expected = in_srgb(shot, "Adobe RGB", profiles.ADOBE_GAMMA)
    assert np.abs(read - expected).max() < 1.6
    assert profiles.Space(original.profile).name == "Adobe RGB (1998)"
    deep = shot.astype(np.uint16) * 257
    chunks = {
        "P3 by code": ((b"cICP", bytes([12, 13, 0, 1])), in_srgb(shot, "Display P3", None)),
        "sRGB by code": ((b"cICP", bytes([1, 13, 0, 1])), shot),
        "linear": ((b"gAMA", struct.pack(">I", 100000)), in_srgb(shot, "sRGB", 1.0)),
        "as always": ((b"gAMA", struct.pack(">I", 45455)), shot),
    }
    for name, (chunk, expected) in chunks.items():
        (tmp_path / "a.png").write_bytes(png_16(deep, chunk))
        assert np.abs(images.read_image(tmp_path / "a.png") - expected).max() < 1.6, name


def test_codes_that_are_refused_or_unknown():
    assert profiles.named_by_codes(1, 13) is None
    for codes, message in (((9, 16), "HDR"), ((77, 13), "unknown")):
        with pytest.raises(ValueError, match=message):
            profiles.named_by_codes(*codes)
    with pytest.raises(ValueError, match="span no colours"):
        profiles.make("flat", [(0.3, 0.3)] * 3)


def test_a_scanner_s_profile_leads_one_way(tmp_path, shot):
    assert profiles.Space(profiles.make("P3", profiles.DISPLAY_P3)).is_reversible
    assert not profiles.Space(grey_profile(2.2)).is_reversible
    assert ImageCms.Intent.RELATIVE_COLORIMETRIC == 1  # as Little CMS counts
