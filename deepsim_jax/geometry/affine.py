"""Affine maps of normalised points as 3x3 matrices.

The matrices act on the column (x, y, 1). With y pointing down, a positive rotation turns points
clockwise as seen on the screen. A map used as a sampling field tells where each output pixel looks,
so the picture itself moves by the inverse. Arguments may be traced scalars.
"""

import functools

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from deepsim_jax.geometry.grid import AnyArray

Matrix = Float[Array, "3 3"]
Scalar = Real[ArrayLike, ""]

# Coordinates need all their bits: the default of some accelerators keeps ten of them.
_PRECISION = jax.lax.Precision.HIGHEST


def _matrix(rows: list[list[Scalar]]) -> Matrix:
    dtype = jnp.result_type(float)
    return jnp.stack([jnp.stack([jnp.asarray(v, dtype) for v in row]) for row in rows])


def rotation(angle_radians: Scalar) -> Matrix:
    """(3, 3) rotation about the middle of the image."""
    cos, sin = jnp.cos(angle_radians), jnp.sin(angle_radians)
    return _matrix([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def shear(sx: Scalar, sy: Scalar) -> Matrix:
    """(3, 3) shear x' = x + sx y, y' = y + sy x."""
    return _matrix([[1, sx, 0], [sy, 1, 0], [0, 0, 1]])


def translation(tx: Scalar, ty: Scalar) -> Matrix:
    """(3, 3) shift by (tx, ty) in normalised units."""
    return _matrix([[1, 0, tx], [0, 1, ty], [0, 0, 1]])


def flip_x() -> Matrix:
    """(3, 3) mirror image, left and right exchanged."""
    return _matrix([[-1, 0, 0], [0, 1, 0], [0, 0, 1]])


def compose(*matrices: Matrix) -> Matrix:
    """The product of (3, 3) maps; the last one acts on a point first."""
    return functools.reduce(functools.partial(jnp.matmul, precision=_PRECISION), matrices)


def apply(matrix: Matrix, points: Float[AnyArray, "*shape 2"]) -> Float[Array, "*shape 2"]:
    """The points (..., 2) mapped by one (3, 3) matrix."""
    x, y = points[..., 0], points[..., 1]
    rows = [matrix[i, 0] * x + matrix[i, 1] * y + matrix[i, 2] for i in range(2)]
    return jnp.stack(rows, axis=-1)
