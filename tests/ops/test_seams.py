"""Colours of a copied patch, evened out with what it is laid beside."""

import numpy as np
import pytest

from deepsim_jax.ops import field as fields
from deepsim_jax.ops import seams

PATCH = slice(20, 40), slice(60, 80)


@pytest.fixture
def slope():
    """A sky that darkens from left to right, with some grain."""
    light = np.linspace(160, 80, 96)[None, :, None] + np.random.default_rng(0).normal(0, 1, (64, 96, 1))
    return np.rint(np.repeat(light, 3, -1)).astype(np.uint8)


@pytest.fixture
def shifted():
    """A field that lays a square at (60, 20) that comes from 15 px further left."""
    field = fields.identity(64, 96)
    field[PATCH][..., 0] -= 15
    return field


def laid(image, field):
    return fields.look_up(image, field)


def test_a_patch_of_the_same_sky_joins_it(slope, shifted):
    patch = (shifted != fields.identity(64, 96)).any(-1)
    correction = seams.find_correction(slope, shifted, [patch])
    copied = laid(slope, shifted)
    evened = seams.even_out(copied, correction)
    wrong = np.abs(copied[patch].astype(int) - slope[patch]).mean()
    left = np.abs(evened[patch].astype(int) - slope[patch]).mean()
    assert wrong > 10 and left < 3
    np.testing.assert_array_equal(evened[~patch], copied[~patch])


def test_a_patch_joins_a_sky_that_moves_a_little_itself(slope, shifted):
    patch = (shifted != fields.identity(64, 96)).any(-1)
    shifted += 0.5 + 0.2 * np.sin(fields.identity(64, 96)[..., ::-1] / 20)
    evened = seams.even_out(laid(slope, shifted), seams.find_correction(slope, shifted, [patch]))
    assert np.abs(evened[patch].astype(int) - slope[patch]).mean() < 3
    np.testing.assert_array_equal(evened[~patch], laid(slope, shifted)[~patch])


def test_a_thing_keeps_its_colour_on_another_ground(slope, shifted):
    patch = (shifted != fields.identity(64, 96)).any(-1)
    shifted[PATCH][..., 0] -= 15
    slope[:, :55], slope[:, 55:] = [20, 200, 60], [10, 10, 10]
    slope[PATCH[0], 30:50] = [220, 40, 30]
    assert seams.find_correction(slope, shifted, [patch]) is None


def test_what_bends_smoothly_or_rests_is_left_alone(slope):
    still = fields.identity(64, 96)
    everything = np.ones((64, 96), bool)
    assert seams.find_correction(slope, still, [everything]) is None
    bent = still + 0.5 * np.sin(still[..., ::-1] / 20)
    bent[:, [0, -1]] = still[:, [0, -1]]
    assert seams.find_correction(slope, bent, [everything]) is None


def test_a_correction_is_enlarged_and_leaves_the_rest(slope, shifted):
    patch = (shifted != fields.identity(64, 96)).any(-1)
    correction = seams.find_correction(slope, shifted, [patch])
    large = np.full((192, 288, 3), 100, np.uint8)
    evened = seams.even_out(large, correction)
    changed = (evened != large).any(-1)
    inside = np.kron(patch, np.ones((3, 3), bool))
    assert changed[inside].mean() > 0.9 and not changed[~inside].any()
