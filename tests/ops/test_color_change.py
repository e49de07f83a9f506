import numpy as np
import pytest

from deepsim_jax.ops import color_change


@pytest.fixture
def picture():
    return np.random.default_rng(0).uniform(0.2, 0.8, (24, 20, 3)).astype(np.float32)


def test_no_change_leaves_colors_alone(picture):
    assert np.array_equal(color_change.apply(color_change.none(24, 20), picture), picture)


def test_composition_applies_the_first_change_first(picture):
    first, second = np.random.default_rng(1).normal(0, 0.2, (2, 24, 20, 3, 4)).astype(np.float32)
    both = color_change.apply(color_change.compose(second, first), picture)
    wanted = color_change.apply(second, color_change.apply(first, picture))
    np.testing.assert_allclose(both, wanted, atol=1e-5)


def test_a_change_of_the_whole_picture_is_found(picture):
    change = color_change.none(24, 20) + np.random.default_rng(2).normal(0, 0.1, (3, 4)).astype(
        np.float32
    )
    new = color_change.apply(change, picture)
    found = color_change.estimate(new, picture, steps=100)
    np.testing.assert_allclose(color_change.apply(found, picture), new, atol=2e-3)
    np.testing.assert_allclose(found, change, atol=0.02)


def test_a_change_that_varies_is_followed_smoothly(picture):
    x = np.linspace(-1, 1, 20, dtype=np.float32)
    change = color_change.none(24, 20)
    change[..., 0, 3] = 0.2 * x
    new = color_change.apply(change, picture)
    found, stiff = (color_change.estimate(new, picture, stiffness=s, steps=200) for s in (0.3, 1e4))
    errors = [np.abs(color_change.apply(each, picture) - new)[..., 0].mean() for each in (found, stiff)]
    assert errors[0] < 0.01 < 0.05 < errors[1]
    assert np.ptp(stiff, axis=(0, 1)).max() < 0.02


def test_what_colors_leave_open_stays_small():
    """From one grey to a lighter one: any gain would do."""
    old, new = np.full((8, 8, 3), 0.25, np.float32), np.full((8, 8, 3), 0.75, np.float32)
    found = color_change.estimate(new, old, steps=50)
    np.testing.assert_allclose(color_change.apply(found, old), new, atol=1e-3)
    assert 0.3 < found[4, 4, 0, 3] < 0.5 and np.abs(found[4, 4, 0, :3]).max() < 0.15


def test_a_start_that_is_right_is_kept(picture):
    change = color_change.none(24, 20)
    change[..., 3] = 0.1
    new = color_change.apply(change, picture)
    found = color_change.estimate(new, picture, start=change, steps=1)
    np.testing.assert_allclose(found, change, atol=1e-3)
