"""Edits are found through every format, and nothing else is; what is too weak to be found."""

import io
import logging

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from deepsim_jax.images import changes


def saved(picture, kind="PNG", **options):
    """The picture after a round through a file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


def rounded(picture):
    noise = np.random.default_rng(5).integers(-1, 2, picture.shape)
    return np.clip(picture.astype(int) + noise, 0, 255).astype(np.uint8)


WAYS = {
    "png": saved,
    "rounded": rounded,
    "jpeg 75": lambda p: saved(p, "JPEG", quality=75),
    "jpeg 85": lambda p: saved(p, "JPEG", quality=85),
    "jpeg 95": lambda p: saved(p, "JPEG", quality=95),
    "jpeg 90, full colours": lambda p: saved(p, "JPEG", quality=90, subsampling=0),
    "jpeg 85, half colours": lambda p: saved(p, "JPEG", quality=85, subsampling=1),
    "webp 80": lambda p: saved(p, "WEBP", quality=80),
    "jpeg twice": lambda p: saved(saved(p, "JPEG", quality=92), "JPEG", quality=80),
}


@pytest.fixture(scope="module")
def photo():
    return cv2.resize(data.astronaut(), (192, 192), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def painting():
    """Smooth, as a blurred drawing: 96x64 px."""
    drawn = np.full((64, 96, 3), (90, 150, 220), np.uint8)
    drawn[42:] = 60, 140, 50
    drawn[22:51, 19:53] = 180, 70, 50
    cv2.circle(drawn, (80, 12), 7, (250, 220, 60), -1)
    return cv2.GaussianBlur(drawn, (0, 0), 2)


@pytest.mark.parametrize("way", WAYS)
def test_a_pasted_object_is_found_in_a_photo(photo, way):
    pasted = photo.copy()
    pasted[100:140, 20:70] = data.coffee()[100:140, 100:150]
    drawn = (photo != pasted).any(-1)
    found = changes.changed(photo, WAYS[way](pasted))
    assert found[100:140, 20:70].mean() > 0.9
    assert (found & ~drawn).mean() < 0.015, "of 5.4 % that were pasted"
    assert not changes.changed(photo, WAYS[way](photo)).any(), "nothing, where nothing was edited"


@pytest.mark.parametrize("way", WAYS)
def test_an_edit_of_a_painting_is_found(painting, way):
    edited = painting.copy()
    edited[3:13, 4:20] = 200, 40, 40
    found = changes.changed(painting, WAYS[way](edited))
    assert found[3:13, 4:20].mean() > 0.97
    assert 0.02 < found.mean() < 0.045, "of 2.6 % that were painted"


def test_weak_edits_of_a_lossless_file_are_found(photo):
    edited = photo.copy()
    edited[20:60, 100:140] = np.clip(photo[20:60, 100:140].astype(int) + 6, 0, 255)
    edited[150, 30] = photo[150, 30] ^ 64  # a single pixel
    found = changes.changed(photo, saved(edited))
    expected = cv2.absdiff(photo, edited).max(-1) > changes.ROUNDING
    np.testing.assert_array_equal(found, expected)
    assert found[20:60, 100:140].mean() > 0.99 and found[150, 30]
    # Rounded by one, the even shift is still found, and the lone pixel too, if it is strong.
    found = changes.changed(photo, rounded(edited))
    assert found[20:60, 100:140].mean() > 0.75
    assert found.mean() < 0.05


def test_a_recoloured_region_is_found_in_a_weak_compression(photo):
    edited = photo.copy()
    edited[20:84, 100:164] = np.clip(photo[20:84, 100:164].astype(int) + 12, 0, 255)
    found = changes.changed(photo, saved(edited, "JPEG", quality=92))
    assert found[20:84, 100:164].mean() > 0.8
    outside = found.copy()
    outside[20:84, 100:164] = False
    assert outside.mean() < 0.01


@pytest.mark.parametrize("quality", [75, 95])
def test_a_moved_line_and_a_thin_stroke_are_found_in_a_jpeg(quality):
    rng = np.random.default_rng(3)
    before = np.full((128, 192, 3), (120, 170, 230), np.uint8)
    for _ in range(12):
        cv2.circle(
            before, tuple(int(n) for n in rng.integers(0, 190, 2)), 9, rng.integers(0, 255, 3).tolist(), 2
        )
    after = before.copy()
    cv2.line(before, (20, 20), (60, 30), (0, 0, 0), 1)
    cv2.line(after, (24, 20), (64, 30), (0, 0, 0), 1)
    cv2.line(after, (100, 110), (130, 112), (250, 30, 30), 1)
    drawn = (before != after).any(-1)
    found = changes.changed(before, saved(after, "JPEG", quality=quality))
    near = cv2.dilate(np.uint8(found), np.ones((5, 5), np.uint8)) > 0
    assert near[drawn].mean() > 0.95
    far = cv2.dilate(np.uint8(drawn), np.ones((33, 33), np.uint8)) == 0
    assert not (found & far).any()


def test_straight_borders_that_survive_compression_do_not_make_it_lossless():
    """Blocks of a grey drawing are often equal bit for bit after a weak compression."""
    rng = np.random.default_rng(3)
    before = np.full((128, 192, 3), 120, np.uint8)
    for _ in range(25):
        y, x = rng.integers(0, 120), rng.integers(0, 180)
        before[y : y + rng.integers(5, 40), x : x + rng.integers(5, 60)] = rng.integers(0, 8) * 36
    after = before.copy()
    after[30:50, 30:60] = 200
    drawn = (before != after).any(-1)
    for quality in (75, 90, 95, 100):
        found = changes.changed(before, saved(after, "JPEG", quality=quality))
        assert found[drawn].all() and (found & ~drawn).mean() < 0.001, quality


def test_flat_pictures_without_details():
    flat = np.full((40, 60, 3), 90, np.uint8)
    edited = flat.copy()
    edited[10:20, 10:30] = 96
    np.testing.assert_array_equal(changes.changed(flat, edited), (flat != edited).any(-1))
    assert changes.changed(flat, 255 - flat).all()
    assert not changes.changed(flat, flat + 2).any(), "rounding"


def test_redrawn_needs_another_colour_and_more_than_noise(painting):
    cleaned = np.where(painting.mean(-1, keepdims=True) > 120, np.uint8(200), np.uint8(60)).repeat(3, -1)
    edited = cleaned.copy()
    edited[5:20, 10:30] = 60
    lossy = saved(edited, "JPEG", quality=75)
    snapped = np.where(lossy[..., :1] > 130, np.uint8(200), np.uint8(60)).repeat(3, -1)
    snapped[50, ::7] = 200 - snapped[50, ::7] + 60  # snapped to the other colour by noise
    found = changes.redrawn(cleaned, lossy, cleaned, snapped)
    np.testing.assert_array_equal(found, (cleaned != edited).any(-1))
    assert not changes.redrawn(cleaned, lossy, cleaned, cleaned).any()


def test_a_large_picture_is_searched_in_parts():
    large = cv2.resize(data.astronaut(), (1200, 900), interpolation=cv2.INTER_CUBIC)
    edited = large.copy()
    edited[200:300, 500:640] = 255 - edited[200:300, 500:640]
    found = changes.changed(large, saved(edited, "JPEG", quality=80))
    assert found[200:300, 500:640].mean() > 0.9
    found[180:320, 480:660] = False
    assert found.mean() < 0.001


def test_solid_parts():
    found = np.zeros((20, 30), bool)
    found[3, 2:28] = found[10:14, 5:9] = found[14:18, 8] = True
    kept = changes.solid(found)
    assert not kept[3].any() and kept[10:14, 5:9].all() and kept[14:18, 8].all()


def test_much_is_told_in_a_warning(caplog):
    mask = np.zeros((10, 10), bool)
    mask[:5] = True
    changes.warn_of_much(mask, "keep", "check")
    assert not caplog.records
    mask[5] = True
    changes.warn_of_much(mask, "keep", "check")
    assert caplog.messages == ["keep: 60.0 % of the picture; check"]
    assert caplog.records[0].levelno == logging.WARNING
