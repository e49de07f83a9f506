"""What is kept of a photo has its own numbers and looks as it did."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from deepsim_jax.images import compositing, profiles
from deepsim_jax.images import io as images

WIDE = {
    "Display P3": profiles.make("Display P3", profiles.DISPLAY_P3),
    "Adobe RGB": profiles.make("Adobe RGB", profiles.ADOBE_RGB, gamma=profiles.ADOBE_GAMMA),
    "ProPhoto": profiles.make(
        "ProPhoto", [(0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)], gamma=1.8
    ),
}


@pytest.fixture(params=WIDE)
def photo(request, tmp_path, shot):
    """(sRGB pixels, original, profile) of a photo with colours that sRGB lacks."""
    vivid = shot.copy()
    vivid[:8, :16], vivid[24:, 32:] = (255, 0, 0), (0, 255, 30)
    Image.fromarray(vivid).save(tmp_path / "photo.png", icc_profile=WIDE[request.param])
    return *images.read_photo(tmp_path / "photo.png"), WIDE[request.param], vivid


def shown(path):
    """A file's colours as a program that knows profiles shows them, in Lab of 8 bits."""
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        lab = ImageCms.createProfile("LAB")
        found = ImageCms.profileToProfile(image.convert("RGB"), profile, lab, outputMode="LAB")
    return np.asarray(found).astype(int)


def test_kept_pixels_are_the_file_s_own_and_the_edit_is_in_its_colours(tmp_path, photo):
    picture, original, profile, vivid = photo
    keep = np.ones(picture.shape[:2], bool)
    keep[10:22, 8:40] = False
    edited = np.full_like(picture, (60, 120, 200))
    result = compositing.composite(picture, edited, keep)
    images.write_photo(tmp_path / "out.png", result, original)
    with Image.open(tmp_path / "out.png") as image:
        numbers = np.asarray(image)
        assert image.info["icc_profile"] == profile
    np.testing.assert_array_equal(numbers[keep], vivid[keep])
    # Read again, the edit has the colour that was meant.
    middle = images.read_image(tmp_path / "out.png")[14:18, 20:28].astype(int)
    assert np.abs(middle - (60, 120, 200)).max() <= 2
    assert np.abs(shown(tmp_path / "out.png") - shown(tmp_path / "photo.png"))[keep].max() == 0


def test_colours_that_srgb_lacks_leave_no_seam(photo):
    picture, original, _, vivid = photo
    ramp = np.arange(0, 40)
    row = np.repeat(picture[2:3, 2:3], 40, 1).astype(int)
    row[0, :, 2] = np.clip(row[0, :, 2] + ramp, 0, 255)  # away from the photo, a level at a time
    made = np.array(picture)
    made[:1, :40] = row
    wide = np.array(vivid)
    wide[:] = vivid[2, 2]
    whole = type(original)(wide, np.repeat(np.repeat(picture[2:3, 2:3], 32, 0), 48, 1), original.profile)
    numbers = whole.own_numbers(made)[0, :40].astype(int)
    np.testing.assert_array_equal(numbers[0], vivid[2, 2])
    assert np.abs(np.diff(numbers, axis=0)).max() <= 16


def test_a_smaller_result_is_converted(tmp_path, photo):
    picture, original, profile, _ = photo
    small = np.ascontiguousarray(picture[::2, ::2])
    images.write_photo(tmp_path / "small.png", small, original)
    with Image.open(tmp_path / "small.png") as image:
        assert image.info["icc_profile"] == profile
    # In the darkest shades of a wide space one of 255 levels is several of sRGB's.
    assert np.abs(images.read_image(tmp_path / "small.png").astype(int) - small).mean() < 1


def test_a_photo_survives_being_written_and_read(tmp_path, photo):
    picture, original, profile, vivid = photo
    images.write_photo(tmp_path / "again.png", picture, original)
    again, its = images.reread_photo(tmp_path / "again.png")
    np.testing.assert_array_equal(again, picture)
    np.testing.assert_array_equal(its.pixels, vivid)
    assert its.profile == profile


def test_a_photo_in_srgb_and_an_array_are_written_as_they_are(tmp_path, shot):
    Image.fromarray(shot).save(tmp_path / "a.png")
    picture, original = images.read_photo(tmp_path / "a.png")
    assert original.own_numbers(picture) is picture and original.profile is None
    images.write_photo(tmp_path / "b.png", picture, original)
    array, nothing = images.read_photo(shot)
    assert nothing is None
    images.write_photo(tmp_path / "c.png", array, nothing)
    for name in "bc":
        with Image.open(tmp_path / f"{name}.png") as image:
            assert "icc_profile" not in image.info and (np.asarray(image) == shot).all()


def test_large_photos_go_through_in_pieces(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (700, 20, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png", icc_profile=WIDE["Display P3"])
    srgb, original = images.read_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(original.own_numbers(srgb), picture)
