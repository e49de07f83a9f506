"""Edits given back to photos: flows and colours that are known, and what becomes of the photo."""

import cv2
import moving_pictures
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import sharpness
from deepsim_jax.ops import color_change
from deepsim_jax.ops import field as fields
from deepsim_jax.systems.igan import transfer


def followed(pictures):
    return transfer.follow(2 * pictures - 1)


def color_error(found, change, pictures, field):
    """Mean difference, of 255, between what two changes make of what truly comes to a place."""
    seen = fields.interpolate(pictures[0], field)
    colors = [np.clip(color_change.apply(each, seen), 0, 1) for each in (found, change)]
    return 255 * np.abs(colors[0] - colors[1]).mean()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", list(moving_pictures.KINDS))
def test_known_warps_and_changes_of_color_are_found_along_a_path(kind, seed):
    pictures, field, change, there = moving_pictures.draw(kind, seed)
    found = followed(pictures)
    still = fields.identity(64, 64)
    wrong = np.median(np.linalg.norm(found.fields[-1] - field, axis=-1)[there])
    length = np.median(np.linalg.norm(field - still, axis=-1)[there])
    assert wrong < 0.75 and wrong < 0.5 * length, (wrong, length)
    assert color_error(found.colors[-1], change, pictures, field) < 4
    assert color_error(np.zeros_like(change), change, pictures, field) > 8


@pytest.mark.parametrize("kind", list(moving_pictures.KINDS))
def test_known_warps_and_changes_of_color_are_found_between_two_pictures(kind):
    pictures, field, change, there = moving_pictures.draw(kind, 3, count=2)
    found = followed(pictures)
    assert np.median(np.linalg.norm(found.fields[-1] - field, axis=-1)[there]) < 0.75
    assert color_error(found.colors[-1], change, pictures, field) < 4


@pytest.mark.parametrize("colors", [((0.8, 0.2, 0.2), (0.2, 0.3, 0.8)), ((0.15,) * 3, (0.75, 0.7, 0.6))])
def test_what_only_takes_on_another_color_hardly_moves(colors):
    shares = np.linspace(0, 1, 10)[:, None]
    pictures = np.stack(
        [moving_pictures.tinted(color) for color in shares * np.diff(colors, axis=0) + colors[0]]
    )
    found = followed(pictures)
    moved = np.linalg.norm(found.fields[-1] - fields.identity(64, 64), axis=-1)
    assert np.median(moved) < 0.75
    rest = color_change.apply(found.colors[-1], pictures[0]) - pictures[-1]
    assert 255 * np.abs(rest).mean() < 4 < 12 < 255 * np.abs(pictures[0] - pictures[-1]).mean()


def test_a_path_of_equal_pictures_changes_nothing():
    picture = moving_pictures.draw("photo", 0, count=2)[0][0]
    found = followed(np.stack([picture] * 3))
    assert np.abs(found.fields - fields.identity(64, 64)).max() < 1e-3
    assert np.abs(found.colors).max() < 1e-4
    photo = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    same = transfer.Changes(np.stack([fields.identity(8, 8)] * 2), np.zeros((2, 8, 8, 3, 4), np.float32))
    assert np.array_equal(transfer.apply(same, photo), photo)


def large_photo(pictures, side=320):
    """The first picture enlarged, with details that it does not have."""
    photo = cv2.resize(pictures[0], (side, side), interpolation=cv2.INTER_CUBIC)
    photo += np.random.default_rng(0).normal(0, 0.06, photo.shape)
    return np.clip(np.rint(photo * 255), 0, 255).astype(np.uint8)


def test_the_photo_changes_as_the_pictures_did_and_stays_sharp():
    pictures, *_ = moving_pictures.draw("shoe", 4)
    photo = large_photo(pictures)
    changes = followed(pictures)
    edited = transfer.apply(changes, photo)
    generated = cv2.resize(pictures[-1], (320, 320), interpolation=cv2.INTER_CUBIC)
    small, wanted = (
        cv2.resize(np.float32(p), (64, 64), interpolation=cv2.INTER_AREA) for p in (edited, photo)
    )
    assert np.abs(small - 255 * pictures[-1]).mean() < 4 < np.abs(wanted - 255 * pictures[-1]).mean()
    energy = [
        sharpness.finest_octave(p) for p in (edited, photo, np.uint8(np.clip(255 * generated, 0, 255)))
    ]
    assert energy[0] > 0.6 * energy[1] and energy[2] < 0.1 * energy[1], energy


def test_the_slider_goes_from_the_photo_to_the_edit():
    pictures, *_ = moving_pictures.draw("blobs", 5, count=4)
    photo = large_photo(pictures, 128)
    changes = followed(pictures)
    assert np.array_equal(transfer.apply(changes, photo, 0.0), photo)
    ends = transfer.apply(changes, photo, 1.0)
    away = [
        np.abs(transfer.apply(changes, photo, a) - np.float32(ends)).mean() for a in (0, 0.25, 0.5, 0.9)
    ]
    assert away == sorted(away, reverse=True) and away[-1] < 0.25 * away[0]
    field, colors = changes.at(1.0)
    np.testing.assert_allclose(field, changes.fields[-1], atol=1e-5)
    np.testing.assert_allclose(colors, changes.colors[-1], atol=1e-5)
    shape = transfer.apply(changes, photo, color=False)
    assert np.abs(np.float32(shape).mean((0, 1)) - np.float32(photo).mean((0, 1))).max() < 6
    assert not np.array_equal(shape, photo)


def test_what_the_pictures_do_not_show_stays_as_it_is():
    pictures, *_ = moving_pictures.draw("blobs", 6, count=3)
    photo = np.random.default_rng(1).integers(0, 256, (150, 200, 3)).astype(np.uint8)
    photo[20:120, 60:170] = cv2.resize(np.uint8(255 * pictures[0]), (110, 100))
    edited = transfer.apply(followed(pictures), photo, box=(60, 20, 110, 100))
    outside = np.ones(photo.shape[:2], bool)
    outside[20:120, 60:170] = False
    assert np.array_equal(edited[outside], photo[outside])
    steps = np.abs(np.float32(edited) - photo)[20:120, 60:170].mean(-1)
    assert steps[40:60, 40:70].mean() > 8 and steps[:1].max() <= 3 and steps[:, -1].max() <= 3


def test_a_box_may_reach_beyond_the_photo():
    pictures, *_ = moving_pictures.draw("blobs", 6, count=3)
    changes = followed(pictures)
    square = np.full((128, 128, 3), 255, np.uint8)
    square[20:100] = np.random.default_rng(2).integers(0, 256, (80, 128, 3))
    edited = transfer.apply(changes, square[20:100], box=(0, -20, 128, 128))
    assert np.array_equal(edited, transfer.apply(changes, square)[20:100])


@pytest.mark.parametrize("size", [(40, 30), (1300, 30)])
def test_photos_of_any_size_are_taken(size):
    pictures, *_ = moving_pictures.draw("blobs", 7, count=2)
    photo = cv2.resize(np.uint8(255 * pictures[0]), size)
    edited = transfer.apply(followed(pictures), photo)
    wanted = cv2.resize(255 * pictures[-1], size, interpolation=cv2.INTER_AREA)
    assert edited.shape == photo.shape and edited.dtype == np.uint8
    assert np.abs(edited - wanted).mean() < 0.4 * np.abs(photo - wanted).mean()


def test_a_path_is_a_straight_line_between_both_latents():
    asked = []

    def generate(latents):
        asked.append(np.asarray(latents))
        return np.broadcast_to(latents[:, :1, None, None], (len(latents), 8, 8, 3))

    frames = transfer.path(generate, [0.0, 1.0], [0.9, 1.0], between=8)
    np.testing.assert_allclose(asked[0], np.stack([np.linspace(0, 0.9, 10), np.ones(10)], 1), atol=1e-6)
    assert frames.shape == (10, 8, 8, 3)
    with pytest.raises(UserError, match=r"box 0,8 of 9x8 px: it must meet the photo of 8x8 px"):
        transfer.transfer(generate, [0.0], [1.0], np.zeros((8, 8, 3), np.uint8), box=(0, 8, 9, 8))
    with pytest.raises(UserError, match=r"\(H, W, 3\) uint8 is needed"):
        transfer.transfer(generate, [0.0], [1.0], np.zeros((8, 8, 3)))
    with pytest.raises(UserError, match=r"\(2 or more, h, w, 3\)"):
        transfer.follow(frames[:1])
