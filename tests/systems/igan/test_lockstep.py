"""Many minimisations in lockstep."""

import numpy as np
import pytest
import scipy.optimize

from deepsim_jax.systems.igan import lockstep


def valley(points):
    """Rosenbrock's function of each row."""
    costs = np.array([scipy.optimize.rosen(row) for row in points])
    return costs, np.stack([scipy.optimize.rosen_der(row) for row in points])


def test_each_start_goes_its_own_way_in_calls_of_one_shape():
    starts = np.array([[-1.2, 1.0], [1.0, 1.0], [3.0, -2.0]])
    shapes = []

    def function(points):
        shapes.append(points.shape)
        return valley(points)

    points, costs = lockstep.minimise(function, starts, iterations=200)
    np.testing.assert_allclose(points, 1, atol=1e-4)
    assert (costs < 1e-8).all() and set(shapes) == {(3, 2)}
    alone, _ = lockstep.minimise(valley, starts[2:], iterations=200)
    np.testing.assert_array_equal(alone[0], points[2])
    by_scipy = scipy.optimize.minimize(
        lambda p: (scipy.optimize.rosen(p), scipy.optimize.rosen_der(p)),
        starts[0],
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 200, "ftol": 1e-12, "gtol": 1e-6},
    )
    np.testing.assert_array_equal(points[0], by_scipy.x)


def test_a_failing_function_ends_all_of_them():
    def function(points):
        raise FloatingPointError("overflow")

    with pytest.raises(FloatingPointError, match="overflow"):
        lockstep.minimise(function, np.zeros((3, 2)), iterations=5)


def test_iterations_are_bounded():
    _, some = lockstep.minimise(valley, np.array([[-1.2, 1.0]]), iterations=3)
    _, more = lockstep.minimise(valley, np.array([[-1.2, 1.0]]), iterations=10)
    assert more < some < valley(np.array([[-1.2, 1.0]]))[0]
