import numpy as np

from deepsim_jax.ops import smoothness


def penalty(values):
    return sum(np.square(np.diff(values, axis=axis)).sum() for axis in (0, 1))


def test_roughness_is_half_the_slope_of_the_squared_differences():
    random = np.random.default_rng(0)
    values, step = random.normal(size=(2, 5, 7, 3))
    slope = (penalty(values + 1e-5 * step) - penalty(values - 1e-5 * step)) / 2e-5
    np.testing.assert_allclose(2 * np.vdot(smoothness.roughness(values), step), slope, rtol=1e-6)
    assert not smoothness.roughness(np.ones((4, 3, 2))).any()


def test_neighbours_are_its_diagonal():
    own = np.zeros((4, 5))
    for place in np.ndindex(4, 5):
        unit = np.zeros((4, 5))
        unit[place] = 1
        own[place] = smoothness.roughness(unit)[place]
    np.testing.assert_array_equal(smoothness.neighbours(4, 5), own)
    np.testing.assert_array_equal(smoothness.neighbours(1, 3), [[1, 2, 1]])


def test_a_system_is_solved():
    random = np.random.default_rng(1)
    data = random.uniform(0.5, 2, (6, 4))

    def product(x):
        return data * x + 0.7 * smoothness.roughness(x)

    truth = random.normal(size=(6, 4))
    own = data + 0.7 * smoothness.neighbours(6, 4)
    start = np.zeros((6, 4))
    found = smoothness.solve(
        product, product(truth), precondition=lambda r: r / own, start=start, steps=40
    )
    np.testing.assert_allclose(found, truth, atol=1e-5)
    same = smoothness.solve(product, product(truth), precondition=lambda r: r / own, start=truth, steps=5)
    np.testing.assert_array_equal(same, truth)
