"""Sampling the photo along a field at its own size."""

import cv2
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


@pytest.mark.parametrize("size", [(150, 200), (97, 143), (30, 40)])
def test_labels_are_separated_in_their_boxes_as_in_the_whole_picture(size):
    random = np.random.default_rng(0)
    small = cv2.resize(random.integers(0, 9, (6, 8)).astype(np.float32), (40, 30))
    labels = small.astype(np.int32)
    moved = random.normal(0, 4, (9, 2)).astype(np.float32)[labels]
    moved[:, :12] = 0
    jumps = sampling._jumps(moved)
    assert 0.3 < jumps.mean() < 0.9
    found, expected = np.zeros((2, *size, 2), np.float32)
    sampling._separate(found, moved, labels, jumps)
    near = cv2.resize(jumps.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST) > 0
    best, names = np.full(size, -np.inf), np.zeros(size, int)
    for name in np.unique(labels[jumps]):
        soft = cv2.GaussianBlur((labels == name).astype(np.float32), (0, 0), 0.7)
        soft = cv2.resize(soft, size[::-1], interpolation=cv2.INTER_CUBIC)
        names[soft > best + 1e-6] = name
        best = np.maximum(best, soft)
    for name in np.unique(labels[jumps]):
        mask = (labels == name).astype(np.float32)
        share, total = (
            cv2.resize(plane, size[::-1], interpolation=cv2.INTER_LINEAR)
            for plane in (mask, moved * mask[..., None])
        )
        ours = near & (names == name) & (share > 1e-3)
        expected[ours] = total[ours] / share[ours][:, None]
    differing = np.abs(found - expected).max(-1) > 1e-3
    assert differing.mean() < 2e-3  # where two labels are as likely
    assert found.any()


def test_a_box_is_enlarged_to_the_last_bit_as_the_whole(photo):
    plane = photo[:30, :40].astype(np.float32)
    for kernel, flag in ((sampling._linear, cv2.INTER_LINEAR), (sampling._cubic, cv2.INTER_CUBIC)):
        whole = sampling._resized(plane, (97, 143), (slice(0, 97), slice(0, 143)), kernel)
        part = sampling._resized(plane, (97, 143), (slice(20, 50), slice(31, 143)), kernel)
        np.testing.assert_array_equal(part, whole[20:50, 31:])
        np.testing.assert_allclose(whole, cv2.resize(plane, (143, 97), interpolation=flag), atol=2e-3)
