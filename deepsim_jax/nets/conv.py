"""Convolutions over NHWC images."""

import jax
from jax import lax

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def conv2d(x, kernel, *, stride=1, padding=0):
    """Correlates x (N, H, W, C) with kernel (KH, KW, C, D), zero padding."""
    if isinstance(padding, int):
        padding = ((padding, padding), (padding, padding))
    out = lax.conv_general_dilated(
        x, kernel.astype(x.dtype), (stride, stride), padding, dimension_numbers=_DIMENSIONS)
    return out


def conv_transpose2d(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """3x3, stride 2, padding 1, output padding 1: (N, H, W, C) -> (N, 2H, 2W, D)."""
    return lax.conv_general_dilated(
        x, kernel.astype(x.dtype), (1, 1), [(1, 2), (1, 2)], lhs_dilation=(2, 2),
        dimension_numbers=_DIMENSIONS)
