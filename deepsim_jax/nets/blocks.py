"""Building blocks of generators and discriminators.

Images and features are (N, H, W, C). Parameters are float32 whatever type a network computes in;
`dtype` is the type of the convolutions' operands and of what a block returns.
"""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from deepsim_jax.nets.conv import conv2d, conv_transpose2d

_FOLDS = 16
_FOLDED = range(513, 8193)  # pixels whose sum a GPU folds; XLA splits a larger one by itself


def _uniform(bound: float) -> nn.initializers.Initializer:
    """Initialiser that draws from U(-bound, bound)."""

    def init(key, shape, dtype=jnp.float32):
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


class Conv(nn.Module):
    """Square convolution with zero padding: (N, H, W, C) -> (N, H', W', features).

    Parameters: "kernel" (k, k, C, features) from N(0, init_scale^2) and "bias" (features,) from
    U(-b, b) with b = 1 / sqrt(k * k * C). H' = (H + 2 * padding - k) // stride + 1.

    Where `normed`, an instance normalisation follows, which takes any bias away again: it is a parameter,
    as in the published networks, but zero and not added.
    """

    features: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    dtype: DTypeLike = jnp.float32
    init_scale: float = 0.02
    normed: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        size, channels = self.kernel_size, x.shape[-1]
        kernel = self.param(
            "kernel", nn.initializers.normal(self.init_scale), (size, size, channels, self.features)
        )
        initial = (
            nn.initializers.zeros if self.normed else _uniform(1 / math.sqrt(size * size * channels))
        )
        bias = self.param("bias", initial, (self.features,))
        x, kernel = x.astype(self.dtype), kernel.astype(self.dtype)
        x = conv2d(x, kernel, stride=self.stride, padding=self.padding)
        return x if self.normed else x + bias.astype(self.dtype)


class ConvTranspose(nn.Module):
    """Doubles the size: 3x3 transposed convolution, (N, H, W, C) -> (N, 2H, 2W, features).

    Parameters: "kernel" (3, 3, C, features), already flipped (see `conv_transpose2d`), from
    N(0, init_scale^2), and "bias" (features,), zero and not added, as in a `Conv` that is `normed`: an
    instance normalisation follows wherever this is used.
    """

    features: int
    dtype: DTypeLike = jnp.float32
    init_scale: float = 0.02

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = self.param(
            "kernel", nn.initializers.normal(self.init_scale), (3, 3, x.shape[-1], self.features)
        )
        self.param("bias", nn.initializers.zeros, (self.features,))
        return conv_transpose2d(x.astype(self.dtype), kernel.astype(self.dtype))


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def instance_norm(x: jax.Array, eps: float = 1e-5) -> jax.Array:
    """Zero mean and unit variance over H and W, for each sample and channel of (N, H, W, C).

    The variance is the biased one and there are no affine parameters. Statistics and division are
    computed in float32 at least; the result has x's type (Ulyanov et al. 2016).

    Both directions read x once for their sums and once for the result, and the backward pass keeps x
    alone: written out, it would be twice as many passes, over arrays in float32.
    """
    return _instance_norm_forward(x, eps)[0]


def _instance_norm_forward(x, eps):
    centred = _about_pivot(x)
    mean, square = _means(centred, jnp.square(centred))
    scale = jax.lax.rsqrt(jnp.maximum(square - jnp.square(mean), 0) + eps)
    return ((centred - mean) * scale).astype(x.dtype), (x, mean, scale)


def _instance_norm_backward(eps, residuals, g):
    x, mean, scale = residuals
    centred, dtype = _about_pivot(x), x.dtype
    g = g.astype(centred.dtype)
    level, product = _means(g, g * centred)
    slope = (product - level * mean) * scale
    return (((g - level - (centred - mean) * scale * slope) * scale).astype(dtype),)


def _about_pivot(x):
    """x in float32 at least, less a value of each channel.

    Or a small variance would be lost beside the square of a large mean; 16 bits cannot hold such an x.
    """
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    if x.dtype.itemsize < 4:
        return wide
    return wide - wide[:, x.shape[1] // 2, x.shape[2] // 2][:, None, None]


def _means(*arrays):
    """The mean over H and W of each (N, H, W, C) array, (N, 1, 1, C)."""

    def plain(*arrays):
        return [x.mean((1, 2), keepdims=True) for x in arrays]

    def folded(*arrays):
        return [x.sum((1, 2), keepdims=True) / pixels for x in _folded(arrays)]

    pixels = arrays[0].shape[1] * arrays[0].shape[2]
    if pixels not in _FOLDED:
        return plain(*arrays)
    return jax.lax.platform_dependent(*arrays, cuda=folded, rocm=folded, default=plain)


def _folded(arrays):
    """Arrays of fewer rows, then of fewer columns, with the same sums over both.

    A sum over rows and columns uses a tenth of a GPU's memory bandwidth, an addition of arrays all of it.
    The barrier keeps the compiler from making one sum of both.
    """
    for axis in (1, 2):
        size = arrays[0].shape[axis]
        if arrays[0].shape[1] * arrays[0].shape[2] >= _FOLDED.start:
            padding = [(0, 0)] * 4
            padding[axis] = 0, -size % _FOLDS
            arrays = jax.lax.optimization_barrier(
                tuple(sum(jnp.split(jnp.pad(x, padding), _FOLDS, axis)) for x in arrays)
            )
    return arrays


instance_norm.defvjp(_instance_norm_forward, _instance_norm_backward)


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
        y = Conv(channels, 3, dtype=self.dtype, normed=True, name="conv_0")(reflect_pad(x, 1))
        y = nn.relu(instance_norm(y))
        y = Conv(channels, 3, dtype=self.dtype, normed=True, name="conv_1")(reflect_pad(y, 1))
        return x + instance_norm(y)
