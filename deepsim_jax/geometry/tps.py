"""Thin-plate splines: smooth maps of the plane that interpolate scattered points.

For points x_i with targets t_i the spline is

    f(x) = sum_i w_i U(|x - x_i|) + a_0 + a_1 x + a_2 y,    U(r) = r^2 log r,

the minimiser of sum |t_i - f(x_i)|^2 + lambda * (bending energy), which is equation 4 of "Deep
Single Image Manipulation" (Vinker et al. 2020) and the smoothing spline of Donato and Belongie
("Approximate thin plate spline mappings", 2002). Its coefficients solve

    [K + s I  P] [w]   [t]
    [P^T      0] [a] = [0],    K_ij = U(|x_i - x_j|),  P_i = (1, x_i, y_i),

with s the `smoothing`; s = 0 interpolates. The same s means the same spline as in
`scipy.interpolate.RBFInterpolator(kernel="thin_plate_spline", smoothing=s)`.

In raw pixels that system has a condition number near 1e10, hopeless in float32. It is therefore
always solved with the points centred and scaled to unit extent. Scaling x = c + L u multiplies K by
L^2, up to terms that the side condition P^T w = 0 makes part of the polynomial, so that the
smoothing becomes s / L^2 and nothing else changes.
"""

import math
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax.scipy import linalg
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from deepsim_jax.errors import UserError
from deepsim_jax.geometry import grid
from deepsim_jax.geometry.grid import AnyArray

# Coordinates need all their bits: the default of some accelerators keeps ten of them.
_PRECISION = jax.lax.Precision.HIGHEST


@struct.dataclass
class Spline:
    """A solved spline from the plane to d dimensions, or a batch of them.

    Attributes:
      centre: (..., 2), subtracted from a point before anything else.
      scale: (...,), divides the centred point.
      points: (..., n, 2) the control points in these centred and scaled units.
      weights: (..., n, d) of the radial terms.
      polynomial: (..., 3, d) of 1, x and y, in the same units.
    """

    centre: jax.Array
    scale: jax.Array
    points: jax.Array
    weights: jax.Array
    polynomial: jax.Array


def solve(
    points: Real[AnyArray, "*batch n 2"],
    targets: Real[AnyArray, "*batch n d"],
    *,
    smoothing: Real[ArrayLike, "*#batch"] = 0.0,
) -> Spline:
    """Fits a spline that maps `points` to `targets`.

    Args:
      points: (..., n, 2) with n >= 3, in any units; leading dimensions are a batch.
      targets: (..., n, d), in any units.
      smoothing: s of the module's docstring, in the units of `points` squared; a scalar, or an
        array over the batch.

    Returns:
      The spline, for `evaluate`. float32 or float64 as the inputs are; integers become floats.

    Raises:
      UserError: for shapes that do not fit and, unless the values are traced under `jit`, for
        points that determine no spline: all on one line, or doubled without any smoothing.
    """
    points, targets, smoothing = jnp.asarray(points), jnp.asarray(targets), jnp.asarray(smoothing)
    _check_shapes(points.shape, targets.shape)
    if smoothing.ndim and smoothing.shape != points.shape[:-2]:
        raise UserError(f"spline smoothing of shape {smoothing.shape}: a number, or one per spline")
    if not any(isinstance(x, jax.core.Tracer) for x in (points, targets, smoothing)):
        _check_values(np.asarray(points), np.asarray(targets), np.asarray(smoothing))
    dtype = jnp.result_type(points, targets, jnp.float32)
    return _fit(*(x.astype(dtype) for x in (points, targets, smoothing)))


def evaluate(spline: Spline, points: Real[AnyArray, "*#shape 2"]) -> Float[Array, "*#shape d"]:
    """The spline's values (..., d) at `points` (..., 2), given in the units that it was fitted in.

    The points of a batch of splines begin with the batch's dimensions, where 1 is stretched: a
    batch of 8 splines takes (8, H, W, 2), or (1, H, W, 2) for the same points in each.
    """
    points = jnp.asarray(points)
    _check_query(points.shape, spline.points.shape[:-2])
    return _values(spline, points.astype(jnp.result_type(points, spline.weights)))


def basis(
    control: Real[np.ndarray, "n 2"], points: Real[np.ndarray, "*shape 2"], *, smoothing: float = 0.0
) -> Float[np.ndarray, "*shape n"]:
    """The matrix that evaluates any spline over fixed control points as one product.

    A spline is linear in its targets: `evaluate(solve(control, t, smoothing=s), points)` equals
    `basis(control, points, smoothing=s) @ t`. Computed on the host in float64.

    Args:
      control: (n, 2) control points; concrete, never traced.
      points: (..., 2) where the splines will be evaluated, in the same units.
      smoothing: as in `solve`.

    Returns:
      (..., n) float32.

    Raises:
      UserError: as `solve`.
    """
    control, points = np.asarray(control, np.float64), np.asarray(points, np.float64)
    _check_shapes(control.shape, control.shape)
    _check_query(points.shape, ())
    if control.ndim != 2:
        raise UserError(f"control points of shape {control.shape}: one set, (n, 2), is allowed")
    _check_values(control, control, np.asarray(smoothing))
    centre = (control.min(0) + control.max(0)) / 2
    scale = np.ptp(control, axis=0).max() / 2
    control, points = (control - centre) / scale, (points - centre) / scale
    system = np.asarray(_system(control, np.asarray(smoothing / scale**2), np))
    coefficients = np.linalg.solve(system, np.eye(len(system), len(control)))
    radial = _kernel(_squared_distances(points[..., None, :], control, np), np)
    result = radial @ coefficients[:-3] + points @ coefficients[-2:] + coefficients[-3]
    return result.astype(np.float32)


def control_grid(n_x: int, n_y: int, height: int, width: int) -> Float[np.ndarray, "{n_y*n_x} 2"]:
    """(n_y * n_x, 2) normalised points of a regular grid, row by row.

    The outer points lie on the image's borders, half a pixel outside the outer pixel centres.
    """
    if n_x < 2 or n_y < 2:
        raise UserError(f"control grid of {n_x} x {n_y} points: at least 2 x 2 are needed")
    right, bottom = grid.half_extent(height, width)
    x, y = np.meshgrid(np.linspace(-right, right, n_x), np.linspace(-bottom, bottom, n_y))
    return np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)


# Compiled as a whole: run eagerly, each of their small operations would be compiled by itself.
@jax.jit
def _fit(
    points: Float[Array, "*batch n 2"],
    targets: Float[Array, "*batch n d"],
    smoothing: Float[Array, "*#batch"],
) -> Spline:
    low, high = points.min(-2), points.max(-2)
    centre, scale = (low + high) / 2, (high - low).max(-1) / 2
    points = (points - centre[..., None, :]) / scale[..., None, None]
    # The spline of a constant is that constant: without their mean the targets keep more digits.
    mean = targets.mean(-2, keepdims=True)
    coefficients = _solve_system(points, targets - mean, smoothing / scale**2)
    weights, polynomial = coefficients[..., :-3, :], coefficients[..., -3:, :]
    polynomial = polynomial.at[..., :1, :].add(mean)
    return Spline(centre, scale, points, weights, polynomial)


@jax.jit
def _values(spline: Spline, points: Float[Array, "*#shape 2"]) -> Float[Array, "*#shape d"]:
    batch = spline.points.ndim - 2
    inner = points.shape[batch:-1]
    points = points.reshape(*points.shape[:batch], math.prod(inner), 2)
    points = (points - spline.centre[..., None, :]) / spline.scale[..., None, None]
    radial = _kernel(_squared_distances(points[..., :, None, :], spline.points[..., None, :, :]))
    constant, along_x, along_y = jnp.split(spline.polynomial, 3, axis=-2)
    value = jnp.matmul(radial, spline.weights, precision=_PRECISION)
    value += constant + points[..., :1] * along_x + points[..., 1:] * along_y
    return value.reshape(*value.shape[:batch], *inner, value.shape[-1])


def _squared_distances(a: AnyArray, b: AnyArray, xp: ModuleType = jnp) -> AnyArray:
    # Of differences, not by multiplying out: near points would lose all their digits.
    if xp is np:  # for which a sum over two numbers each is slow
        across, down = a[..., 0] - b[..., 0], a[..., 1] - b[..., 1]
        return across * across + down * down
    return xp.square(a - b).sum(-1)


def _kernel(r_squared: AnyArray, xp: ModuleType = jnp) -> AnyArray:
    """r^2 log r from r^2, with value and gradient 0 at 0."""
    positive = r_squared > 0
    return 0.5 * r_squared * xp.log(xp.where(positive, r_squared, 1))


def _system(
    points: Float[AnyArray, "*batch n 2"], smoothing: Float[AnyArray, "*batch"], xp: ModuleType = jnp
) -> Float[AnyArray, "*batch n+3 n+3"]:
    """The (..., n + 3, n + 3) matrix of the module's docstring."""
    n = points.shape[-2]
    k = _kernel(_squared_distances(points[..., :, None, :], points[..., None, :, :], xp), xp)
    k = k + smoothing[..., None, None] * xp.eye(n, dtype=points.dtype)
    p = xp.concatenate([xp.ones_like(points[..., :1]), points], axis=-1)
    zero = xp.zeros((*points.shape[:-2], 3, 3), points.dtype)
    upper = xp.concatenate([k, p], axis=-1)
    lower = xp.concatenate([xp.swapaxes(p, -1, -2), zero], axis=-1)
    return xp.concatenate([upper, lower], axis=-2)


def _solve_system(
    points: Float[Array, "*batch n 2"],
    targets: Float[Array, "*batch n d"],
    smoothing: Float[Array, "*#batch"],
) -> Float[Array, "*batch n+3 d"]:
    """(..., n + 3, d) coefficients. One step of iterative refinement, for float32's sake."""
    smoothing = jnp.broadcast_to(smoothing, points.shape[:-2])
    system = _system(points, smoothing)
    zeros = jnp.zeros((*targets.shape[:-2], 3, targets.shape[-1]), targets.dtype)
    right = jnp.concatenate([targets, zeros], axis=-2)
    factors = linalg.lu_factor(system)
    first = linalg.lu_solve(factors, right)
    residual = right - jnp.matmul(system, first, precision=_PRECISION)
    return first + linalg.lu_solve(factors, residual)


def _check_shapes(points: tuple[int, ...], targets: tuple[int, ...]) -> None:
    if len(points) < 2 or points[-1] != 2 or points[-2] < 3:
        raise UserError(f"spline points of shape {points}: (..., n, 2) with n >= 3 is needed")
    if len(targets) != len(points) or targets[:-1] != points[:-1]:
        expected = ", ".join(map(str, points[:-1]))
        raise UserError(f"spline targets of shape {targets}: ({expected}, d) is needed here")


def _check_query(points: tuple[int, ...], batch: tuple[int, ...]) -> None:
    fits = len(points) > len(batch) and points[-1] == 2
    if not fits or any(p not in (1, b) for p, b in zip(points, batch, strict=False)):
        expected = ", ".join([*map(str, batch), "..."])
        raise UserError(f"evaluation points of shape {points}: ({expected}, 2) is needed")


def _check_values(
    points: Real[np.ndarray, "*batch n 2"],
    targets: Real[np.ndarray, "*batch n d"],
    smoothing: Real[np.ndarray, "*#batch"],
) -> None:
    """Refuses points that determine no spline."""
    if not (np.isfinite(points).all() and np.isfinite(targets).all()):
        raise UserError("spline points or targets with NaN or infinity: they must be finite")
    if not (np.isfinite(smoothing).all() and (smoothing >= 0).all()):
        raise UserError(f"spline smoothing {smoothing}: it must be finite and not negative")
    points = points.astype(np.float64)
    centred = points - points.mean(-2, keepdims=True)
    widths = np.linalg.svd(centred, compute_uv=False)
    if (widths[..., 1] <= 1e-6 * widths[..., 0]).any():
        raise UserError("spline points that all lie on one line: spread them over the plane")
    gaps = _squared_distances(points[..., :, None, :], points[..., None, :, :], np)
    gaps[..., np.arange(gaps.shape[-1]), np.arange(gaps.shape[-1])] = np.inf
    doubled = gaps.min((-1, -2)) <= (1e-6 * widths[..., 0]) ** 2
    if (doubled & (smoothing == 0)).any():
        raise UserError("spline points that coincide: drop the doubles or set smoothing above 0")
