"""Generator, discriminator, encoder: DCGAN (Radford et al. 2016) as iGAN published it, and a quick form.

The published one has 5x5 kernels. The quick one has 4x4, each of which is written as a 2x2 convolution:
strided, of cells of 2x2 pixels, into which the picture is folded; transposed, to the four pixels of a
cell, which are then unfolded. Both are exactly the 4x4 convolution with stride 2 and padding 1, and on a
CPU many times quicker.
"""

import dataclasses
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike

from deepsim_jax.nets.conv import conv2d

_SLOPE = 0.2
_FIRST = 4  # side of the coarsest features
_GROUP = 4  # pictures over which a standard deviation is taken
_EPSILON = 1e-5
_SCALE = 0.02  # deviation of fresh kernels


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The sizes and kinds of a run's networks; hashable, as the static argument of a compiled program.

    Attributes:
      size: side of the pictures, px, a power of two.
      latent: length of z.
      g_filters, d_filters: channels at half the size; doubled at each halving.
      most_filters: most channels anywhere.
      kernel: "5x5" or "4x4".
      d_norm: "batch" or "none".
      spread: whether the discriminator sees deviations over groups of four pictures.
      dtype: of the convolutions.
    """

    size: int
    latent: int
    g_filters: int
    d_filters: int
    most_filters: int
    kernel: str = "4x4"
    d_norm: str = "none"
    spread: bool = True
    dtype: str = "float32"

    @property
    def halvings(self) -> int:
        """How many strided convolutions each network has."""
        return int(math.log2(self.size // _FIRST))

    def channels(self, filters: int) -> list[int]:
        """Channels of the features of 4x4, 8x8, ... px, up to half the size."""
        return [min(filters << i, self.most_filters) for i in reversed(range(self.halvings))]

    def generator(self, axis: str | None = None) -> "Generator":
        """The generator; `axis`: of devices over which a batch is spread."""
        return Generator(
            tuple(self.channels(self.g_filters)), self.kernel, axis=axis, dtype=jnp.dtype(self.dtype)
        )

    def discriminator(self, axis: str | None = None) -> "Discriminator":
        """The discriminator."""
        return Discriminator(
            tuple(self.channels(self.d_filters)[::-1]),
            1,
            self.kernel,
            self.d_norm == "batch",
            self.spread,
            axis=axis,
            dtype=jnp.dtype(self.dtype),
        )

    def encoder(self, axis: str | None = None) -> "Discriminator":
        """The encoder P: built like a discriminator; its result is to go through tanh."""
        return Discriminator(
            tuple(self.channels(self.d_filters)[::-1]),
            self.latent,
            self.kernel,
            axis=axis,
            dtype=jnp.dtype(self.dtype),
        )


class BatchNorm(nn.Module):
    """Normalises each channel over a batch, in float32, then scales and shifts it.

    Parameters "scale" (C,) from N(1, 0.02^2) and "bias" (C,) of zeros. The statistics are the batch's,
    over all devices of `axis`, or the given ones in the collection "batch_stats" ("mean", "var", (C,)).
    Where that collection is mutable, the batch's statistics are used and stored in it: those of a batch
    that is large enough may replace all later ones (`learned.with_statistics`).
    """

    axis: str | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1]
        scale = self.param(
            "scale", lambda key, shape: 1 + _SCALE * jax.random.normal(key, shape), (channels,)
        )
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        exact = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        storing = self.is_mutable_collection("batch_stats")
        if self.has_variable("batch_stats", "mean") and not storing:
            mean: jax.Array = self.get_variable("batch_stats", "mean")
            variance: jax.Array = self.get_variable("batch_stats", "var")
        else:
            axes = tuple(range(x.ndim - 1))
            mean = exact.mean(axes)
            mean = lax.pmean(mean, self.axis) if self.axis else mean
            variance = jnp.square(exact - mean).mean(axes)
            variance = lax.pmean(variance, self.axis) if self.axis else variance
            if storing and not self.is_initializing():
                self.put_variable("batch_stats", "mean", mean)
                self.put_variable("batch_stats", "var", variance)
        normal = (exact - mean) * (lax.rsqrt(variance + _EPSILON) * scale) + bias
        return normal.astype(x.dtype)


class _Strided(nn.Module):
    """What `Down` and `Up` share: the kernel and bias of a convolution that halves or doubles a size.

    Attributes:
      features: channels of the result.
      kernel: "5x5" or "4x4".
      dtype: of the products.
      bias: whether it has one.
    """

    features: int
    kernel: str
    dtype: DTypeLike = jnp.float32
    bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        side = 5 if self.kernel == "5x5" else 4
        shape = (side, side, x.shape[-1], self.features)
        weights = self.param("kernel", nn.initializers.normal(_SCALE), shape).astype(self.dtype)
        x = self.convolve(x.astype(self.dtype), weights)
        if self.bias:
            x = x + self.param("bias", nn.initializers.zeros, (self.features,)).astype(self.dtype)
        return x


class Down(_Strided):
    """Strided convolution: (N, H, W, C) -> (N, H/2, W/2, features)."""

    def convolve(self, x: jax.Array, weights: jax.Array) -> jax.Array:
        """The convolution alone, in the form of its kernel."""
        if self.kernel == "5x5":
            return conv2d(x, weights, stride=2, padding=((1, 2), (1, 2)))
        return conv2d(folded(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))), _cells(weights))


class Up(_Strided):
    """Transposed convolution: (N, H, W, C) -> (N, 2H, 2W, features)."""

    def convolve(self, x: jax.Array, weights: jax.Array) -> jax.Array:
        """The convolution alone, in the form of its kernel."""
        if self.kernel == "5x5":
            return lax.conv_general_dilated(
                x,
                weights,
                (1, 1),
                ((2, 3), (2, 3)),
                lhs_dilation=(2, 2),
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )
        return unfolded(conv2d(x, _phases(weights), padding=1), self.features)


class Generator(nn.Module):
    """z (N, latent) -> pictures (N, size, size, 3) in (-1, 1), float32 at least.

    A dense layer to 4x4 features, then transposed convolutions with batch norm and ReLU; tanh at the end.

    Attributes:
      channels: of the features from 4x4 px on.
      kernel: "5x5" or "4x4".
      axis: of devices, see `BatchNorm`.
      dtype: of the products.
    """

    channels: tuple[int, ...]
    kernel: str
    axis: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, z: jax.Array) -> jax.Array:
        first = nn.Dense(
            _FIRST * _FIRST * self.channels[0],
            use_bias=False,
            kernel_init=nn.initializers.normal(_SCALE),
            dtype=self.dtype,
            name="dense",
        )
        x = first(z.astype(self.dtype)).reshape(-1, _FIRST, _FIRST, self.channels[0])
        x = nn.relu(BatchNorm(self.axis, name="norm_0")(x))
        for i, features in enumerate(self.channels[1:], 1):
            x = Up(features, self.kernel, self.dtype, bias=False, name=f"up_{i}")(x)
            x = nn.relu(BatchNorm(self.axis, name=f"norm_{i}")(x))
        x = Up(3, self.kernel, self.dtype, name=f"up_{len(self.channels)}")(x)
        return jnp.tanh(x.astype(jnp.promote_types(x.dtype, jnp.float32)))


class Discriminator(nn.Module):
    """Pictures (N, size, size, 3) in [-1, 1] -> (N, outputs), float32 at least, plain at the end.

    Strided convolutions with leaky ReLUs; the inner ones may have batch norm.

    Attributes:
      channels: of the features from half the size down to 4x4 px.
      outputs: 1 for a discriminator's logit, the length of z for an encoder.
      kernel, axis, dtype: as in `Generator`.
      normed: whether the inner layers have batch norm.
      spread: whether the mean standard deviation over groups of four pictures is one channel more of the
        last features (Karras et al. 2018, section 3): a generator that makes the same picture over and
        over shows in it.
    """

    channels: tuple[int, ...]
    outputs: int
    kernel: str
    normed: bool = False
    spread: bool = False
    axis: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for i, features in enumerate(self.channels):
            normed = self.normed and i > 0
            x = Down(features, self.kernel, self.dtype, bias=not normed, name=f"down_{i}")(x)
            if normed:
                x = BatchNorm(self.axis, name=f"norm_{i}")(x)
            x = nn.leaky_relu(x, _SLOPE)
        if self.spread:
            x = _with_spread(x)
        last = nn.Dense(
            self.outputs, kernel_init=nn.initializers.normal(_SCALE), dtype=self.dtype, name="dense"
        )
        x = last(x.reshape(x.shape[0], -1))
        return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def folded(x: jax.Array) -> jax.Array:
    """Cells of 2x2 pixels as channels: (N, 2H, 2W, C) -> (N, H, W, 4C), in the order row, column, C."""
    n, height, width, channels = x.shape
    x = x.reshape(n, height // 2, 2, width // 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, height // 2, width // 2, 4 * channels)


def unfolded(x: jax.Array, features: int) -> jax.Array:
    """The result of a transposed convolution, put together from its phases.

    Args:
      x: (N, H + 1, W + 1, 4 * features), the phases (row, column) one after the other: phase (a, b)
        of output pixel (2i + a, 2j + b) stands at (i + a, j + b).
      features: of the result.

    Returns:
      (N, 2H, 2W, features).
    """
    n, height, width = x.shape[0], x.shape[1] - 1, x.shape[2] - 1
    x = x.reshape(n, height + 1, width + 1, 2, 2, features)
    rows = [
        jnp.stack([x[:, a : a + height, b : b + width, a, b] for b in (0, 1)], axis=3) for a in (0, 1)
    ]
    return jnp.stack(rows, axis=2).reshape(n, 2 * height, 2 * width, features)


def _cells(kernel: jax.Array) -> jax.Array:
    """A 4x4 kernel (4, 4, C, D) for folded cells: (2, 2, 4C, D)."""
    _, _, channels, features = kernel.shape
    kernel = kernel.reshape(2, 2, 2, 2, channels, features).transpose(0, 2, 1, 3, 4, 5)
    return kernel.reshape(2, 2, 4 * channels, features)


def _phases(kernel: jax.Array) -> jax.Array:
    """A 4x4 kernel (4, 4, C, D), correlated with spread-out input, as (2, 2, C, 4D): see `unfolded`."""
    _, _, channels, features = kernel.shape
    # Phase a of an output row sees the kernel's rows a and a + 2.
    kernel = kernel.reshape(2, 2, 2, 2, channels, features).transpose(0, 2, 4, 1, 3, 5)
    return kernel.reshape(2, 2, channels, 4 * features)


def _with_spread(x: jax.Array) -> jax.Array:
    n = x.shape[0]
    group = next(size for size in range(min(_GROUP, n), 0, -1) if n % size == 0)
    parts = x.astype(jnp.float32).reshape(n // group, group, *x.shape[1:])
    deviation = jnp.sqrt(jnp.var(parts, axis=1) + 1e-8).mean((1, 2, 3))
    plane = jnp.repeat(deviation, group)[:, None, None, None].astype(x.dtype)
    return jnp.concatenate([x, jnp.broadcast_to(plane, (*x.shape[:3], 1))], axis=-1)
