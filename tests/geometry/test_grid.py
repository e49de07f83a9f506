"""The definition of coordinates."""

import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.geometry import grid

SIZES = [(256, 256), (320, 640), (37, 20), (1, 5)]


@pytest.mark.parametrize("height, width", SIZES)
def test_a_pixel_centre_is_at_its_column_and_row(height, width):
    pixels = grid.to_pixels(grid.pixel_grid(height, width), height, width)
    assert pixels.shape == (height, width, 2)
    rows, columns = np.mgrid[:height, :width]
    np.testing.assert_allclose(pixels[..., 0], columns, atol=1e-4)
    np.testing.assert_allclose(pixels[..., 1], rows, atol=1e-4)


@pytest.mark.parametrize("height, width", SIZES)
def test_both_axes_have_one_scale_and_the_origin_is_the_middle(height, width):
    points = np.asarray(grid.pixel_grid(height, width))
    step = 2 / max(height, width)
    np.testing.assert_allclose(np.diff(points[..., 0], axis=1), step, atol=1e-6)
    np.testing.assert_allclose(np.diff(points[..., 1], axis=0), step, atol=1e-6)
    np.testing.assert_allclose(points.mean((0, 1)), 0, atol=1e-6)


def test_known_points_of_a_wide_image():
    # 4 wide, 2 high: the borders are at x = -1 and 1, y = -0.5 and 0.5.
    np.testing.assert_allclose(grid.half_extent(2, 4), [1, 0.5])
    np.testing.assert_allclose(grid.to_normalised(jnp.array([-0.5, -0.5]), 2, 4), [-1, -0.5])
    np.testing.assert_allclose(grid.to_normalised(jnp.array([3.5, 1.5]), 2, 4), [1, 0.5])
    np.testing.assert_allclose(grid.to_normalised(jnp.array([0, 0]), 2, 4), [-0.75, -0.25])
    np.testing.assert_allclose(grid.to_pixels(jnp.array([0.0, 0.0]), 2, 4), [1.5, 0.5])


@pytest.mark.parametrize("height, width", SIZES)
def test_round_trip(height, width):
    pixels = np.random.default_rng(0).uniform(-50, 700, (3, 11, 2)).astype(np.float32)
    there = grid.to_normalised(pixels, height, width)
    np.testing.assert_allclose(grid.to_pixels(there, height, width), pixels, atol=2e-3)
