import jax
import numpy as np

from deepsim_jax.models.singan import quantising


def test_the_nearest_colour():
    centres = np.float32([[0, 0, 0], [1, 1, 1], [-1, 0, 0]])
    picture = np.float32([[[0.4, 0.4, 0.4], [0.9, 0.2, 0.9]], [[-0.6, 0, 0], [-0.5, 0, 0]]])
    got = jax.jit(quantising.quantise)(picture, centres)
    np.testing.assert_array_equal(got, centres[np.array([[0, 1], [2, 0]])])
