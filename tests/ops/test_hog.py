import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.feature

from deepsim_jax.ops import hog


def written_out(picture, orientations, block):
    """The descriptor of an (H, W, C) picture, pixel by pixel."""
    grey = (np.asarray(picture, np.float64).mean(-1) + 1) / 2
    height, width = grey.shape
    found = np.zeros((height // block, width // block, orientations))
    near = math.cos(math.pi / orientations)

    def at(y, x):
        return grey[min(max(y, 0), height - 1), min(max(x, 0), width - 1)]

    for y in range(height):
        for x in range(width):
            gx = sum(w * (at(y + d, x + 1) - at(y + d, x - 1)) for d, w in ((-1, 1), (0, 2), (1, 1))) / 4
            gy = sum(w * (at(y + 1, x + d) - at(y - 1, x + d)) for d, w in ((-1, 1), (0, 2), (1, 1))) / 4
            length = math.sqrt(gx * gx + gy * gy + 1e-3)
            for k in range(orientations):
                angle = math.pi * k / orientations
                along = abs(math.cos(angle) * gx + math.sin(angle) * gy)
                share = max(0, along / (1 - near) - near * length / (1 - near))
                for row in range(height // block):
                    for column in range(width // block):
                        dy = abs(y - (row * block + (block - 1) / 2)) / block
                        dx = abs(x - (column * block + (block - 1) / 2)) / block
                        found[row, column, k] += share * max(0, 1 - dy) * max(0, 1 - dx)
    return found


@pytest.mark.parametrize("orientations, block", [(8, 8), (8, 4), (5, 2)])
def test_equals_the_formula(orientations, block):
    picture = np.random.default_rng(0).uniform(-1, 1, (16, 24, 3))
    with jax.enable_x64(True):
        got = hog.hog(jnp.asarray(picture), orientations=orientations, block=block)
    np.testing.assert_allclose(got, written_out(picture, orientations, block), atol=1e-9)


def ramp(degrees, side=24):
    """Grey that rises in a direction; a constant gradient."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    angle = math.radians(degrees)
    return 0.1 * (math.cos(angle) * x + math.sin(angle) * y)


@pytest.mark.parametrize("number", range(8))
def test_agrees_with_scikit_image_on_gradients_in_the_middle_of_an_orientation(number):
    """Its orientation k begins where ours has its middle, and it counts pixels hard and evenly."""
    degrees = 180 / 8 * number
    ours = hog.hog(2 * ramp(degrees)[..., None].astype(np.float32), block=8)[1, 1]
    theirs = skimage.feature.hog(
        ramp(degrees + 180 / 16),
        orientations=8,
        pixels_per_cell=(8, 8),
        cells_per_block=(1, 1),
        block_norm="L1",
        feature_vector=False,
    )[1, 1, 0, 0]
    assert int(np.argmax(ours)) == number and int(np.argmax(theirs)) == number
    assert np.asarray(ours)[np.arange(8) != number].max() < 1e-6 and theirs[number] > 0.99
    # A gradient g counts as much as its length says, less what the constant under the root takes.
    near, length = math.cos(math.pi / 8), 0.2
    share = (length - near * math.sqrt(length**2 + 1e-3)) / (1 - near)
    weights = sum(1 - abs(d) / 8 for d in np.arange(-7.5, 8)) ** 2
    assert float(ours[number]) == pytest.approx(max(share, 0) * weights, rel=1e-4)


def test_strong_edges_fall_into_the_same_orientations_as_scikit_images():
    picture = np.kron(np.random.default_rng(3).uniform(-1, 1, (3, 3)), np.ones((16, 16)))
    picture = 0.5 * (picture + picture.T)  # vertical and horizontal edges
    ours = np.asarray(hog.hog(picture[..., None].astype(np.float32), block=8)).sum((0, 1))
    theirs = skimage.feature.hog(
        picture, orientations=8, pixels_per_cell=(8, 8), cells_per_block=(1, 1), feature_vector=False
    ).sum((0, 1, 2, 3))
    assert set(np.argsort(ours)[-2:]) == set(np.argsort(theirs)[-2:]) == {0, 4}


def test_one_picture_a_batch_and_a_compiled_call_are_the_same():
    pictures = np.random.default_rng(1).uniform(-1, 1, (2, 3, 16, 16, 3)).astype(np.float32)
    got = hog.hog(pictures)
    assert got.shape == (2, 3, 2, 2, 8) and got.dtype == jnp.float32
    np.testing.assert_allclose(got, jax.jit(hog.hog)(pictures), atol=1e-5)
    np.testing.assert_allclose(got, jax.vmap(jax.vmap(hog.hog))(pictures), atol=1e-5)
    np.testing.assert_allclose(got[1, 2], hog.hog(pictures[1, 2]), atol=1e-5)


@pytest.mark.slow
def test_the_slope_is_right_and_finite_where_all_is_flat():
    picture = np.random.default_rng(2).uniform(-1, 1, (8, 8, 3))

    def energy(x):
        return jnp.sum(hog.hog(x, block=4) ** 2)

    with jax.enable_x64(True):
        slope = jax.grad(energy)(jnp.asarray(picture))
        step = np.zeros_like(picture)
        step[3, 4, 1] = 1e-6
        numeric = (energy(picture + step) - energy(picture - step)) / 2e-6
    assert float(slope[3, 4, 1]) == pytest.approx(float(numeric), rel=1e-4)
    flat = jax.grad(energy)(jnp.full((8, 8, 3), 0.3))
    assert not np.asarray(flat).any()
    assert not np.asarray(hog.hog(np.full((8, 8, 3), 1, np.float32))).any()  # no edge at the border


def test_what_makes_no_sense_is_refused():
    picture = np.zeros((12, 16, 3), np.float32)
    with pytest.raises(ValueError, match="16x12 px: no whole number of blocks of 8"):
        hog.hog(picture)
    with pytest.raises(ValueError, match="2 or more"):
        hog.hog(picture, orientations=1, block=4)
