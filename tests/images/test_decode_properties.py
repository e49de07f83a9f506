"""The decoder over random depths, profiles and EXIF, and over files that are damaged anywhere."""

import io
import time
import warnings

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import decode, profiles
from deepsim_jax.images import io as images

COMMON = {
    "derandomize": True,
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}

# As `test_profiles.TO_XYZ`, of primaries and white in general.
_WHITE = np.array([0.3127 / 0.329, 1, (1 - 0.3127 - 0.329) / 0.329])
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
SPACES = {
    "none": (SRGB, None),
    "P3": (profiles.DISPLAY_P3, None),
    "Adobe": (profiles.ADOBE_RGB, 2.19921875),
}
SPACES |= {"2020": (profiles.REC_2020, None), "linear": (SRGB, 1.0), "Apple": (SRGB, 1.8)}

# Turns an upright picture into the one that is stored with each orientation.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


def to_xyz(primaries):
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    return columns * np.linalg.solve(columns, _WHITE)


def in_srgb(value, space):
    """Numbers from 0 to 1 in a space -> float sRGB from 0 to 255."""
    primaries, gamma = SPACES[space]
    light = (
        value**gamma
        if gamma
        else np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    )
    light = np.clip(light @ (np.linalg.inv(to_xyz(SRGB)) @ to_xyz(primaries)).T, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def profile_of(space):
    primaries, gamma = SPACES[space]
    return None if space == "none" else profiles.make(space, primaries, gamma=gamma)


def a_picture(seed, height, width):
    """Smooth, with some noise, from black to white."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    weights = random.dirichlet([1, 1], 3)
    picture = np.stack([a * x + b * y for a, b in weights], -1) + random.normal(
        0, 0.03, (height, width, 3)
    )
    picture = np.clip(picture, 0, 1)
    picture[0, 0], picture[-1, -1] = 0, 1
    return picture


@settings(max_examples=40, **COMMON)
@given(
    seed=st.integers(0, 99),
    height=st.integers(16, 40),
    width=st.integers(16, 40),
    space=st.sampled_from(sorted(SPACES)),
    orientation=st.sampled_from([None, *range(1, 9)]),
    kind=st.sampled_from(["png", "tif", "webp", "png 16", "tif 16", "tif 16 planes", "tif 12 in 16"]),
    tags=st.dictionaries(
        st.sampled_from([0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298]),
        st.text("abc Ж'\"\\", max_size=9),
    ),
)
def test_the_picture_is_the_same_in_every_container(
    tmp_path, png_16, seed, height, width, space, orientation, kind, tags
):
    value = a_picture(seed, height, width)
    stored = np.ascontiguousarray(STORED[orientation or 1](value))
    path = tmp_path / "photo"
    write(path, stored, kind, space, orientation, tags, png_16)
    photo, original = images.read_photo(path)
    levels = {"tif 12 in 16": 4095}.get(kind, 65535 if "16" in kind else 255)
    # Depths are reduced to 8 bits first: results have those numbers.
    eight = np.rint(np.rint(value * levels) * (255 / levels)) / 255
    assert photo.shape == value.shape
    assert np.abs(photo - in_srgb(eight, space)).max() <= 2
    assert np.abs(original.pixels / 255 - eight).max() <= 1 / 255
    images.write_photo(tmp_path / "out.png", photo, original)
    with Image.open(tmp_path / "out.png") as written:
        np.testing.assert_array_equal(np.asarray(written), original.pixels)
        assert written.getexif().get(0x0112, 1) == 1
        assert written.info.get("icc_profile") == original.profile == profile_of(space)


def write(path, stored, kind, space, orientation, tags, png_16):
    eight, deep = (np.rint(stored * n).astype(t) for n, t in ((255, np.uint8), (65535, np.uint16)))
    exif, profile = Image.Exif(), profile_of(space)
    exif.update(tags)
    if orientation is not None:
        exif[0x0112] = orientation
    container, _, depth = kind.partition(" ")
    if not depth:
        options = {"format": {"tif": "TIFF"}.get(container, container.upper()), "exif": exif.tobytes()}
        options |= {"icc_profile": profile} if profile else {}
        options |= {"lossless": True} if container == "webp" else {}
        Image.fromarray(eight).save(path, **options)
    elif container == "png":
        buffer = io.BytesIO()
        Image.new("RGB", (1, 1)).save(buffer, "PNG", exif=exif.tobytes(), icc_profile=profile)
        path.write_bytes(png_16(deep, *chunks(buffer.getvalue())))
    else:
        extra = [(274, 3, 1, orientation, True)] if orientation else []
        extra += [(34675, 7, len(profile), profile, True)] if profile else []
        planes = depth == "16 planes"
        pixels = np.rint(stored * 4095).astype(np.uint16) if depth.startswith("12") else deep
        tifffile.imwrite(
            path,
            pixels.transpose(2, 0, 1) if planes else pixels,
            photometric="rgb",
            planarconfig="separate" if planes else "contig",
            extratags=extra,
        )


def chunks(content):
    """(kind, content) of a PNG's profile and EXIF."""
    place, found = 8, []
    while place < len(content):
        size, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        if kind in (b"iCCP", b"eXIf"):
            found.append((kind, content[place + 8 : place + 8 + size]))
        place += 12 + size
    return found


@pytest.fixture(scope="module")
def whole():
    """Small files of all kinds that are read: name -> content."""
    picture = (a_picture(1, 24, 32) * 255).astype(np.uint8)
    image, found = Image.fromarray(picture), {}
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    profile = profiles.make("P3", profiles.DISPLAY_P3)
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF"):
        buffer = io.BytesIO()
        described = kind in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")
        options = {"exif": exif.tobytes(), "icc_profile": profile} if described else {}
        image.save(buffer, format=kind, **options)
        found[kind] = buffer.getvalue()
    deep = picture.astype(np.uint16) * 257
    for name, options in (
        ("16", {}),
        ("deflated", {"compression": "zlib", "predictor": 2}),
        ("tiled", {"tile": (16, 16), "bigtiff": True}),
    ):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, deep, photometric="rgb", **options)
        found[name] = buffer.getvalue()
    buffer = io.BytesIO()
    image.convert("CMYK").save(buffer, format="TIFF", compression="tiff_lzw")
    return found | {"inks": buffer.getvalue()}


@pytest.mark.parametrize("count", [200, pytest.param(550, marks=pytest.mark.slow)])
def test_a_damaged_file_gives_a_picture_or_one_clear_line_soon(tmp_path, whole, count):
    @settings(max_examples=count, **COMMON)
    @given(data=st.data())
    def damaged(data):
        name = data.draw(st.sampled_from(sorted(whole)))
        content = bytearray(whole[name])
        # Most of what matters stands near the beginning.
        places = st.one_of(st.integers(0, min(200, len(content) - 1)), st.integers(0, len(content) - 1))
        for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
            content[place] = value
        if data.draw(st.booleans()):
            content = content[: data.draw(st.integers(0, len(content)))]
        path = tmp_path / "photo"
        path.write_bytes(content)
        begun = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                photo, original = images.read_photo(path)
            except UserError as error:
                assert str(error).startswith(f"image {path}: ") and "\n" not in str(error)
                return
            finally:
                # Of this process's own time, so that a busy machine does not count.
                assert time.process_time() - begun < 2
        assert photo.dtype == np.uint8 and photo.ndim == 3 and photo.shape[2] == 3
        assert min(photo.shape[:2]) >= decode.MIN_SIDE
        images.write_photo(tmp_path / "out.png", photo, original)
        again, _ = images.reread_photo(tmp_path / "out.png")
        np.testing.assert_array_equal(again, photo)

    damaged()
