"""Sampling the photo along a field at its own size."""

import numpy as np
import pytest

from deepsim_jax.ops import field as fields
from deepsim_jax.ops import sampling


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)


def test_the_photo_returns_bit_for_bit_where_nothing_moves(photo):
    assert np.array_equal(sampling.sample(photo, fields.identity(24, 32)), photo)
    field = fields.identity(24, 32)
    field[6:10, 20:26] += 1.3
    moved = sampling.sample(photo, field)
    assert np.array_equal(moved[:, :70], photo[:, :70]) and not np.array_equal(moved, photo)


@pytest.mark.parametrize("size", [(96, 128), (24, 32)])
def test_whole_pixels_are_moved_without_loss(photo, size):
    shift = np.float32([3 * size[1] / 128, -2 * size[0] / 96])
    moved = sampling.sample(photo, fields.identity(*size) + shift)
    assert np.array_equal(moved[10:80, 10:100], photo[8:78, 13:103])


def test_a_picture_that_shrinks_is_averaged():
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255
    field = (fields.identity(32, 32) - 15.5) * 4 + 15.5
    inner = sampling.sample(stripes, field)[56:72, 56:72]
    assert np.abs(inner.astype(int) - 127).max() < 40
    assert sampling.sample(stripes, fields.identity(32, 32) + 0.25).std() > 100


def test_a_jump_follows_the_enlarged_border():
    labels = np.zeros((16, 16), np.int32)
    labels[:, 8:] = 1
    moved = np.zeros((16, 16, 2), np.float32)
    moved[:, 8:] = 5
    plain = sampling.enlarge(moved, (128, 128))
    separate = sampling.enlarge(moved, (128, 128), labels)
    between = [(np.abs(x - 20) < 19).sum() for x in (plain[..., 0], separate[..., 0])]
    assert between[0] > 128 and between[1] == 0


def test_only_what_is_wanted_is_sampled_and_is_the_same():
    photo = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    field = fields.identity(30, 40)
    field[8:20, 10:25] += np.float32([2.25, -1.5])
    field[14:18, 12:20] = field[14:18, 12:20] * 2 - field[16, 16]
    whole = sampling.sample(photo, field)
    within = np.zeros((30, 40), bool)
    within[10:16, 5:15] = True
    part = sampling.sample(photo, field, within=within)
    np.testing.assert_array_equal(part[30:48, 15:45], whole[30:48, 15:45])
    np.testing.assert_array_equal(part[:, 60:], photo[:, 60:])
    assert (whole != photo).any() and (part != whole).any()
    np.testing.assert_array_equal(sampling.sample(photo, field, within=np.zeros((30, 40), bool)), photo)
