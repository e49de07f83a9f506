"""Blocks that generators and discriminators are made of.

Images and features are (N, H, W, C). Parameters are float32 whatever type a network computes in;
`dtype` is the type of the convolutions' operands and of what a block returns.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from deepsim_jax.nets.conv import conv2d, conv_transpose2d


def _uniform(bound: float) -> nn.initializers.Initializer:
    """Initialiser that draws from U(-bound, bound)."""

    def init(key, shape, dtype=jnp.float32):
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


class Conv(nn.Module):
    """Square convolution with zero padding: (N, H, W, C) -> (N, H', W', features).

    Parameters: "kernel" (k, k, C, features) from N(0, init_scale^2) and "bias" (features,) from
    U(-b, b) with b = 1 / sqrt(k * k * C). H' = (H + 2 * padding - k) // stride + 1.
    """

    features: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    dtype: DTypeLike = jnp.float32
    init_scale: float = 0.02

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        size, channels = self.kernel_size, x.shape[-1]
        bound = 1 / math.sqrt(size * size * channels)
        kernel = self.param(
            "kernel", nn.initializers.normal(self.init_scale), (size, size, channels, self.features)
        )
        bias = self.param("bias", _uniform(bound), (self.features,))
        x, kernel = x.astype(self.dtype), kernel.astype(self.dtype)
        x = conv2d(x, kernel, stride=self.stride, padding=self.padding)
        return x + bias.astype(self.dtype)


class ConvTranspose(nn.Module):
    """Doubles the size: 3x3 transposed convolution, (N, H, W, C) -> (N, 2H, 2W, features).

    Parameters: "kernel" (3, 3, C, features), already flipped (see `conv_transpose2d`), from
    N(0, init_scale^2), and "bias" (features,) from U(-b, b) with b = 1 / sqrt(9 * features):
    PyTorch counts the fan-in of a transposed convolution over its outputs.
    """

    features: int
    dtype: DTypeLike = jnp.float32
    init_scale: float = 0.02

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        bound = 1 / math.sqrt(9 * self.features)
        kernel = self.param(
            "kernel", nn.initializers.normal(self.init_scale), (3, 3, x.shape[-1], self.features)
        )
        bias = self.param("bias", _uniform(bound), (self.features,))
        x = conv_transpose2d(x.astype(self.dtype), kernel.astype(self.dtype))
        return x + bias.astype(self.dtype)


def instance_norm(x: jax.Array, eps: float = 1e-5) -> jax.Array:
    """Zero mean and unit variance over H and W, for each sample and channel of (N, H, W, C).

    The variance is the biased one and there are no affine parameters. Statistics and division are
    computed in float32 at least; the result has x's type (Ulyanov et al. 2016).
    """
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    centred = wide - wide.mean((1, 2), keepdims=True)
    variance = jnp.square(centred).mean((1, 2), keepdims=True)
    return (centred * jax.lax.rsqrt(variance + eps)).astype(x.dtype)


def reflect_pad(x: jax.Array, n: int) -> jax.Array:
    """Pads H and W of (N, H, W, C) by n on each side, mirrored about the border pixels."""
    return jnp.pad(x, ((0, 0), (n, n), (n, n), (0, 0)), mode="reflect")


def avg_pool_3x3_s2(x: jax.Array) -> jax.Array:
    """Halves the size by a 3x3 mean: (N, H, W, C) -> (N, ceil(H / 2), ceil(W / 2), C).

    Windows hang over the border by one pixel; what lies outside is not counted in the mean.
    """
    return nn.avg_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)), count_include_pad=False)


class ResnetBlock(nn.Module):
    """x + f(x) with f = two reflected 3x3 convolutions, each normalised, a ReLU between them.

    There is no activation after the sum (He et al. 2016, as modified by Johnson et al. 2016).
    """

    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1]
        y = Conv(channels, 3, dtype=self.dtype, name="conv_0")(reflect_pad(x, 1))
        y = nn.relu(instance_norm(y))
        y = Conv(channels, 3, dtype=self.dtype, name="conv_1")(reflect_pad(y, 1))
        return x + instance_norm(y)
