"""Thin-plate splines against SciPy, against the published program's numbers, and by property."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import RBFInterpolator

from deepsim_jax.errors import UserError
from deepsim_jax.geometry import grid, tps

GOLDEN = np.load(Path(__file__).parents[1] / "fixtures" / "tps_golden.npz")
SMOOTHINGS = [0.0, 1e-3, 0.1, 1.0]


def scipy_spline(points, targets, smoothing, where):
    """The definition: SciPy's spline, in float64."""
    points, targets, where = (np.asarray(a, np.float64) for a in (points, targets, where))
    spline = RBFInterpolator(points, targets, kernel="thin_plate_spline", smoothing=smoothing)
    return spline(where.reshape(-1, 2)).reshape(*where.shape[:-1], -1)


def jittered_grid(n, height, width, seed, jitter=0.1):
    """(points, targets): jittered points to a regular grid, the four corners held."""
    regular = tps.control_grid(n, n, height, width)
    corners = tps.control_grid(2, 2, height, width)
    reach = jitter * 2 * grid.half_extent(height, width)
    moved = regular + np.random.default_rng(seed).uniform(-reach, reach, regular.shape)
    points, targets = np.concatenate([moved, corners]), np.concatenate([regular, corners])
    return points.astype(np.float32), targets.astype(np.float32)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("height, width", [(256, 256), (320, 640), (90, 40)])
def test_float32_equals_scipy_on_warps(height, width, smoothing):
    where = np.asarray(grid.pixel_grid(30, 30)) * grid.half_extent(height, width)
    where = where.astype(np.float32)
    for n in (2, 3, 4, 5):
        for seed in range(3):
            points, targets = jittered_grid(n, height, width, seed)
            values = tps.evaluate(tps.solve(points, targets, smoothing=smoothing), where)
            assert values.dtype == jnp.float32
            expected = scipy_spline(points, targets, smoothing, where)
            np.testing.assert_allclose(values, expected, atol=2e-4)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("scale", [1.0, 30.0, 1000.0])
def test_float64_equals_scipy_in_any_units(scale, smoothing):
    rng = np.random.default_rng(1)
    points = rng.normal(size=(40, 2)) * [scale, 0.4 * scale] + 3 * scale
    targets = rng.normal(size=(40, 3))
    where = rng.normal(size=(100, 2)) * scale + 3 * scale
    with jax.enable_x64(True):
        values = tps.evaluate(tps.solve(points, targets, smoothing=smoothing), where)
        assert values.dtype == jnp.float64
    expected = scipy_spline(points, targets, smoothing, where)
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_float64_smoothing_that_matters_in_pixels():
    rng = np.random.default_rng(2)
    points, targets = rng.uniform(0, 640, (25, 2)), rng.uniform(0, 640, (25, 2))
    where = rng.uniform(-20, 660, (200, 2))
    for smoothing in (1e3, 1e6):
        with jax.enable_x64(True):
            spline = tps.solve(points, targets, smoothing=smoothing)
            values, at_points = tps.evaluate(spline, where), tps.evaluate(spline, points)
        np.testing.assert_allclose(values, scipy_spline(points, targets, smoothing, where), 1e-6)
        # It smooths, it does not interpolate.
        assert np.abs(np.asarray(at_points) - targets).max() > 1


@pytest.mark.parametrize("wide", [False, True])
def test_the_published_programs_field_in_pixels(wide):
    rows, columns = np.mgrid[:64, :48]
    where = np.stack([columns, rows], -1).astype(np.float64)
    with jax.enable_x64(wide):
        spline = tps.solve(jnp.asarray(GOLDEN["points"]), jnp.asarray(GOLDEN["targets"]))
        values = tps.evaluate(spline, jnp.asarray(where))
        assert values.dtype == (jnp.float64 if wide else jnp.float32)
    assert np.abs(np.asarray(values) - GOLDEN["field"]).max() < 1e-3


def test_interpolates_its_points_and_reproduces_affine_maps():
    points, _ = jittered_grid(3, 64, 64, seed=4)
    targets = np.random.default_rng(0).normal(size=(len(points), 2)).astype(np.float32)
    spline = tps.solve(points, targets)
    np.testing.assert_allclose(tps.evaluate(spline, points), targets, atol=1e-3)
    matrix, shift = np.array([[0.3, 1.0], [-2.0, 0.5]], np.float32), np.float32([5, -7])
    where = grid.pixel_grid(9, 9) * 3
    for smoothing in SMOOTHINGS:
        spline = tps.solve(points, points @ matrix.T + shift, smoothing=smoothing)
        values = tps.evaluate(spline, where)
        np.testing.assert_allclose(values, where @ matrix.T + shift, atol=2e-4)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_basis_equals_solve_and_evaluate(smoothing):
    height, width = 24, 40
    where = np.asarray(grid.pixel_grid(height, width))
    for control in (tps.control_grid(3, 4, height, width), jittered_grid(5, height, width, 0)[0]):
        targets = np.random.default_rng(0).normal(size=(len(control), 2)).astype(np.float32)
        matrix = tps.basis(control, where, smoothing=smoothing)
        assert matrix.shape == (height, width, len(control)) and matrix.dtype == np.float32
        values = tps.evaluate(tps.solve(control, targets, smoothing=smoothing), where)
        np.testing.assert_allclose(matrix @ targets, values, atol=1e-3)
        expected = scipy_spline(control, targets, smoothing, where)
        np.testing.assert_allclose(matrix @ targets, expected, atol=1e-4)
        np.testing.assert_allclose(matrix.sum(-1), 1, atol=1e-5)


def test_a_batch_equals_a_loop_and_broadcasts_points():
    pairs = [jittered_grid(3, 40, 60, seed) for seed in range(4)]
    points = np.stack([p for p, _ in pairs]).reshape(2, 2, 13, 2)
    targets = np.stack([t for _, t in pairs]).reshape(2, 2, 13, 2)
    smoothing = np.array([[0.0, 0.1], [1e-3, 1.0]], np.float32)
    where = np.asarray(grid.pixel_grid(7, 9))
    spline = tps.solve(points, targets, smoothing=smoothing)
    values = tps.evaluate(spline, where[None, None])
    assert values.shape == (2, 2, 7, 9, 2)
    stretched = np.broadcast_to(where, (2, 2, 7, 9, 2))
    np.testing.assert_allclose(tps.evaluate(spline, stretched), values, atol=1e-6)
    for i in range(2):
        for j in range(2):
            single = tps.solve(points[i, j], targets[i, j], smoothing=float(smoothing[i, j]))
            np.testing.assert_allclose(values[i, j], tps.evaluate(single, where), atol=1e-4)
    one_point = tps.evaluate(spline, points[:, :, 0])
    np.testing.assert_allclose(one_point[0, 0], targets[0, 0, 0], atol=1e-3)


def test_jit_vmap_and_gradients():
    points, targets = jittered_grid(3, 32, 32, seed=0)
    where = grid.pixel_grid(8, 8)

    def field(targets, points):
        return tps.evaluate(tps.solve(points, targets, smoothing=0.01), where)

    eager = field(targets, points)
    np.testing.assert_allclose(jax.jit(field)(targets, points), eager, atol=1e-4)
    batch = jax.vmap(field)(jnp.stack([targets, 2 * targets]), jnp.stack([points, points]))
    np.testing.assert_allclose(batch[1], 2 * eager, atol=1e-3)
    for gradient in jax.grad(lambda t, p: field(t, p).sum(), (0, 1))(targets, points):
        assert np.isfinite(gradient).all()
    # At a control point the kernel's square root and logarithm have no finite derivative.
    spline = tps.solve(points, targets)
    slope = jax.jacobian(lambda p: tps.evaluate(spline, p))(jnp.asarray(points[4]))
    step = 1e-2
    for axis in range(2):
        ahead, behind = points[4].copy(), points[4].copy()
        ahead[axis] += step
        behind[axis] -= step
        secant = (tps.evaluate(spline, ahead) - tps.evaluate(spline, behind)) / (2 * step)
        np.testing.assert_allclose(slope[:, axis], secant, atol=0.02)


def test_control_grid_runs_from_border_to_border_row_by_row():
    points = tps.control_grid(3, 2, height=20, width=40)
    expected = [[-1, -0.5], [0, -0.5], [1, -0.5], [-1, 0.5], [0, 0.5], [1, 0.5]]
    np.testing.assert_allclose(points, expected)
    with pytest.raises(UserError, match="1 x 3"):
        tps.control_grid(1, 3, 20, 20)


SQUARE = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)


@pytest.mark.parametrize(
    "points, targets, smoothing, message",
    [
        (SQUARE[:2], SQUARE[:2], 0.0, "n >= 3"),
        (SQUARE[..., :1], SQUARE, 0.0, "n >= 3"),
        (SQUARE, SQUARE[:3], 0.0, "targets of shape"),
        (SQUARE, SQUARE[None], 0.0, "targets of shape"),
        ([[0, 0], [1, 1], [2, 2], [5, 5]], SQUARE, 0.0, "one line"),
        (np.ones((4, 2)), SQUARE, 1.0, "one line"),
        (SQUARE[[0, 1, 2, 3, 3]], SQUARE[[0, 1, 2, 3, 0]], 0.0, "coincide"),
        (np.stack([SQUARE, SQUARE[[0, 1, 1, 2]]]), np.stack([SQUARE] * 2), 0.0, "coincide"),
        (SQUARE * np.nan, SQUARE, 0.0, "finite"),
        (SQUARE, SQUARE + np.inf, 0.0, "finite"),
        (SQUARE, SQUARE, -1.0, "not negative"),
    ],
)
@pytest.mark.usefixtures("unchecked_shapes")
def test_points_without_a_spline_are_refused(points, targets, smoothing, message):
    with pytest.raises(UserError, match=message):
        tps.solve(np.asarray(points), np.asarray(targets), smoothing=smoothing)


def test_doubled_points_are_allowed_with_smoothing():
    points, targets = SQUARE[[0, 1, 2, 3, 3]], SQUARE[[0, 1, 2, 3, 0]]
    values = tps.evaluate(tps.solve(points, targets, smoothing=0.1), SQUARE)
    np.testing.assert_allclose(values, scipy_spline(points, targets, 0.1, SQUARE), atol=1e-4)


@pytest.mark.usefixtures("unchecked_shapes")
def test_bad_points_are_refused_by_evaluate_and_basis():
    spline = tps.solve(np.stack([SQUARE] * 3), np.stack([SQUARE] * 3))
    for shape in [(5, 2), (2,), (3, 4, 3)]:
        with pytest.raises(UserError, match=r"\(3, \.\.\., 2\)"):
            tps.evaluate(spline, np.zeros(shape, np.float32))
    with pytest.raises(UserError, match="one line"):
        tps.basis(SQUARE[[0, 1, 1]], SQUARE)
    with pytest.raises(UserError, match="one set"):
        tps.basis(SQUARE[None], SQUARE)


@pytest.mark.usefixtures("unchecked_shapes")
def test_one_smoothing_per_spline_or_one_for_all():
    with pytest.raises(UserError, match=r"smoothing of shape \(2,\)"):
        tps.solve(np.stack([SQUARE] * 3), np.stack([SQUARE] * 3), smoothing=np.array([0.1, 0.2]))


def test_integers_become_floats():
    values = tps.evaluate(tps.solve(SQUARE.astype(int), 3 * SQUARE.astype(int)), np.array([[2, 5]]))
    assert values.dtype == jnp.float32
    np.testing.assert_allclose(values, [[6, 15]], atol=1e-4)
