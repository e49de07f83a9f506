"""Generator and discriminator of one scale (§2.1, §2.2; layer sizes of the published program).

Both are five 3x3 convolutions without padding, so each output pixel sees 11x11 pixels; the first four
are followed by batch norm and a leaky ReLU. Parameters with w channels and RGB pictures: generator
27 w^2 + 66 w + 3, discriminator 27 w^2 + 48 w + 1.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from deepsim_jax.nets.blocks import Conv

_LAYERS = 5
_KERNEL = 3
_SLOPE = 0.2

PADDING = _LAYERS * (_KERNEL - 1) // 2
"""Pixels that a network's result is smaller than its input, on each side."""

RECEPTIVE_FIELD = 2 * PADDING + 1
"""Side of the square that one pixel of a result depends on."""


class BatchNorm(nn.Module):
    """Normalises each channel of (N, H, W, C) over H and W, then scales and shifts it.

    Parameters "scale" (C,) from N(1, 0.02^2) and "bias" (C,) of zeros. The published program's
    batches are one picture, so a sample's statistics are its own pixels': what else is in a batch
    has no influence, and real and generated pictures can share one. The variance is the biased one.

    Attributes:
      running: keep the mean and variance of the training, as a running average in the collection
        "batch_stats", and use them when `train` is false. Otherwise the picture's own statistics
        are always used and there is no collection. (The published program trains with the picture's
        own and uses the running ones of a scale when it is trained.)
      momentum: weight of the past in the running average.
      dtype: of the result; statistics are computed in float32 at least.
    """

    running: bool = False
    momentum: float = 0.9
    eps: float = 1e-5
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = True) -> jax.Array:
        channels = x.shape[-1]
        scale = self.param("scale", _normal_about_one, (channels,))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        mean = x.mean((1, 2), keepdims=True)
        variance = jnp.square(x - mean).mean((1, 2), keepdims=True)
        if self.running:
            running_mean = self.variable("batch_stats", "mean", jnp.zeros, (channels,), x.dtype)
            running_variance = self.variable("batch_stats", "var", jnp.ones, (channels,), x.dtype)
            if not train:
                mean, variance = running_mean.value, running_variance.value
            elif not self.is_initializing():
                for average, new in ((running_mean, mean), (running_variance, variance)):
                    new = jax.lax.stop_gradient(new.mean((0, 1, 2)))
                    average.value = self.momentum * average.value + (1 - self.momentum) * new
        normal = (x - mean) * (jax.lax.rsqrt(variance + self.eps) * scale) + bias
        return normal.astype(self.dtype)


class Stack(nn.Module):
    """The five convolutions: (N, H, W, C) -> (N, H - 10, W - 10, features), plain at the end."""

    filters: int
    features: int
    running: bool = False
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = True) -> jax.Array:
        for i in range(_LAYERS - 1):
            x = Conv(self.filters, _KERNEL, dtype=self.dtype, name=f"conv_{i}")(x)
            x = BatchNorm(self.running, dtype=self.dtype, name=f"norm_{i}")(x, train=train)
            x = nn.leaky_relu(x, _SLOPE)
        x = Conv(self.features, _KERNEL, dtype=self.dtype, name=f"conv_{_LAYERS - 1}")(x)
        return x.astype(jnp.promote_types(x.dtype, jnp.float32))


class Generator(nn.Module):
    """Adds the missing details to a picture: previous + tanh(stack(amplitude * noise + previous)).

    Eqs. 2 and 3. Both are surrounded by 5 zeros once, instead of a padding in each layer: what an
    inner layer sees at the border are numbers like any others.

    Attributes:
      filters: channels of the inner layers.
      running: as in `BatchNorm`.
      dtype: of the convolutions; the result is float32 at least.
    """

    filters: int = 32
    running: bool = False
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(
        self,
        noise: jax.Array,
        previous: jax.Array,
        amplitude: jax.Array | float = 1.0,
        *,
        train: bool = True,
    ) -> jax.Array:
        """Makes pictures (N, H, W, C), about [-1, 1]: the sum is not clipped.

        Args:
          noise: (N, H, W, C), which is padded with zeros, or (N, H + 10, W + 10, C), which has noise
            in its margin as the published program's animations.
          previous: (N or 1, H, W, C), the coarser scale's result at this size; zeros at scale 0.
          amplitude: of the noise, a scalar.
          train: whether to use and to average the picture's own statistics (`BatchNorm`).
        """
        padded = _pad(previous)
        if noise.shape[1:3] == previous.shape[1:3]:
            noise = _pad(noise)
        elif noise.shape[1:3] != padded.shape[1:3]:
            raise ValueError(
                f"noise {noise.shape} for a picture {previous.shape}: it must have its "
                f"size or {2 * PADDING} pixels more in height and width"
            )
        stack = Stack(self.filters, previous.shape[-1], self.running, self.dtype, name="stack")
        return previous + jnp.tanh(stack(amplitude * noise + padded, train=train))


class Discriminator(nn.Module):
    """Scores all 11x11 patches: (N, H, W, C) -> (N, H - 10, W - 10, 1), float32 at least.

    The generator's layers, one channel at the end and no padding. Always uses each picture's own
    statistics.
    """

    filters: int = 32
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return Stack(self.filters, 1, dtype=self.dtype, name="stack")(x)


def _normal_about_one(key, shape, dtype=jnp.float32):
    return 1 + 0.02 * jax.random.normal(key, shape, dtype)


def _pad(x: jax.Array) -> jax.Array:
    return jnp.pad(x, ((0, 0), (PADDING, PADDING), (PADDING, PADDING), (0, 0)))
