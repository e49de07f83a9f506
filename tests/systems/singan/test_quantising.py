import jax
import numpy as np

from deepsim_jax.systems.singan import quantising


def test_the_nearest_colour():
    centres = np.float32([[0, 0, 0], [1, 1, 1], [-1, 0, 0]])
    picture = np.float32([[[0.4, 0.4, 0.4], [0.9, 0.2, 0.9]], [[-0.6, 0, 0], [-0.5, 0, 0]]])
    got = jax.jit(quantising.quantise)(picture, centres)
    np.testing.assert_array_equal(got, centres[np.array([[0, 1], [2, 0]])])


def test_one_scale_is_replaced_by_the_finest_of_others(untrained_pyramid):
    learned = untrained_pyramid()
    other = jax.tree.map(lambda leaf: leaf + 1, quantising.below(learned, 2))
    assert other.scales == 2
    mixed = quantising.with_scale(learned, other)
    assert mixed.scales == 3 and mixed.amplitudes == (1, other.amplitudes[1], learned.amplitudes[2])
    for scale, source in enumerate((learned, other, learned)):
        jax.tree.map(np.testing.assert_array_equal, mixed.generators[scale], source.generators[scale])
