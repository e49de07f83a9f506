"""Affine maps of points."""

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from deepsim_jax.geometry import affine, grid

POINTS = np.random.default_rng(0).uniform(-1, 1, (4, 5, 2)).astype(np.float32)


def test_a_quarter_turn_takes_right_to_down():
    turned = affine.apply(affine.rotation(np.pi / 2), jnp.array([[1.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(turned, [[0, 1], [-1, 0]], atol=1e-6)


def test_a_rotation_keeps_pixel_distances_on_an_image_that_is_not_square():
    height, width = 20, 50
    field = affine.apply(affine.rotation(0.4), grid.pixel_grid(height, width))
    pixels = np.asarray(grid.to_pixels(field, height, width))
    np.testing.assert_allclose(np.linalg.norm(np.diff(pixels, axis=0), axis=-1), 1, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(np.diff(pixels, axis=1), axis=-1), 1, atol=1e-4)
    np.testing.assert_allclose(pixels.mean((0, 1)), [(width - 1) / 2, (height - 1) / 2], atol=1e-4)


def test_shear_translation_and_flip():
    x, y = POINTS[..., 0], POINTS[..., 1]
    sheared = affine.apply(affine.shear(0.3, -0.2), POINTS)
    np.testing.assert_allclose(sheared, np.stack([x + 0.3 * y, y - 0.2 * x], -1), atol=1e-6)
    np.testing.assert_allclose(
        affine.apply(affine.translation(0.5, -2), POINTS), POINTS + [0.5, -2], atol=1e-6
    )
    np.testing.assert_allclose(affine.apply(affine.flip_x(), POINTS), POINTS * [-1, 1])


def test_compose_applies_the_last_first():
    first, second, third = affine.translation(1, 2), affine.shear(0.5, 0), affine.rotation(1)
    stepwise = affine.apply(third, affine.apply(second, affine.apply(first, POINTS)))
    composed = affine.apply(affine.compose(third, second, first), POINTS)
    np.testing.assert_allclose(composed, stepwise, atol=1e-5)
    np.testing.assert_allclose(affine.compose(third), third)


def test_inverses():
    matrix = affine.compose(
        affine.rotation(0.7),
        affine.translation(0.1, 0.2),
        affine.flip_x(),
        affine.flip_x(),
        affine.translation(-0.1, -0.2),
        affine.rotation(-0.7),
    )
    np.testing.assert_allclose(matrix, np.eye(3), atol=1e-6)


def test_traced_batched_and_differentiable():
    angles = jnp.array([0.0, 0.3, -1.0])
    batch = jax.jit(jax.vmap(lambda a: affine.apply(affine.rotation(a), POINTS)))(angles)
    for angle, points in zip(angles, batch, strict=True):
        single = affine.apply(affine.rotation(float(angle)), POINTS)
        np.testing.assert_allclose(points, single, atol=1e-6)
    slope = jax.jacobian(lambda a: affine.apply(affine.rotation(a), jnp.array([1.0, 0.0])))(0.0)
    np.testing.assert_allclose(slope, [0, 1], atol=1e-6)


def test_shapes_of_the_signatures_are_checked_in_tests():
    with pytest.raises(jaxtyping.TypeCheckError, match="matrix"):
        affine.apply(jnp.eye(4), jnp.zeros((5, 2)))
    with pytest.raises(jaxtyping.TypeCheckError, match="points"):
        affine.apply(jnp.eye(3), jnp.zeros((5, 3)))
