"""The two generators of DeepSIM, which are pix2pixHD's (Wang et al. 2018).

Both map a primitive (N, H, W, 3) in [-1, 1] to an image (N, H, W, 3) in [-1, 1], which is float32
whatever type they compute in. H and W must be multiples of 2^n_down for the global generator and of
2^(n_down + 1) for the local enhancer; other sizes raise a UserError.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from deepsim_jax.errors import UserError
from deepsim_jax.nets.blocks import (
    Conv,
    ConvTranspose,
    ResnetBlock,
    avg_pool_3x3_s2,
    instance_norm,
    reflect_pad,
)


class Trunk(nn.Module):
    """Encoder, residual blocks and decoder: (N, H, W, C) -> (N, H, W, filters), after a ReLU.

    A 7x7 convolution to `filters` channels; `n_down` convolutions of stride 2 that double the
    channels; `n_blocks` residual blocks; `n_down` transposed convolutions back.
    """

    filters: int
    n_down: int
    n_blocks: int
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = Conv(self.filters, 7, dtype=self.dtype, normed=True, name="stem")(reflect_pad(x, 3))
        x = _norm_relu(x)
        for i in range(self.n_down):
            width = self.filters * 2 ** (i + 1)
            x = _norm_relu(_halved(x, width, self.dtype, f"down_{i}"))
        for i in range(self.n_blocks):
            x = ResnetBlock(self.dtype, name=f"block_{i}")(x)
        for i in range(self.n_down):
            width = self.filters * 2 ** (self.n_down - 1 - i)
            x = _norm_relu(ConvTranspose(width, dtype=self.dtype, name=f"up_{i}")(x))
        return x


class GlobalGenerator(nn.Module):
    """The coarse generator, used alone at moderate sizes: 182,443,267 parameters by default."""

    filters: int = 64
    n_down: int = 4
    n_blocks: int = 9
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        _check_size(x, 2**self.n_down)
        x = Trunk(self.filters, self.n_down, self.n_blocks, self.dtype, name="trunk")(x)
        return _to_image(x, self.dtype)


class LocalEnhancer(nn.Module):
    """Coarse-to-fine generator: 730,725,891 parameters by default.

    The trunk of a global generator, twice as wide, sees the primitive at half the size; its
    features are added to those of a shallow full-size encoder and decoded by `n_blocks_local`
    residual blocks and one transposed convolution. `filters` is the width at full size.
    """

    filters: int = 64
    n_down: int = 4
    n_blocks: int = 9
    n_blocks_local: int = 3
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        _check_size(x, 2 ** (self.n_down + 1))
        coarse = Trunk(2 * self.filters, self.n_down, self.n_blocks, self.dtype, name="trunk")(
            avg_pool_3x3_s2(x)
        )
        x = Conv(self.filters, 7, dtype=self.dtype, normed=True, name="stem")(reflect_pad(x, 3))
        x = _halved(_norm_relu(x), 2 * self.filters, self.dtype, "down")
        x = _norm_relu(x) + coarse
        for i in range(self.n_blocks_local):
            x = ResnetBlock(self.dtype, name=f"block_{i}")(x)
        x = _norm_relu(ConvTranspose(self.filters, dtype=self.dtype, name="up")(x))
        return _to_image(x, self.dtype)


def _halved(x: jax.Array, width: int, dtype: DTypeLike, name: str) -> jax.Array:
    """A 3x3 convolution of stride 2 that a normalisation follows; a layer of the module that calls it."""
    return Conv(width, 3, stride=2, padding=1, dtype=dtype, normed=True, name=name)(x)


def _norm_relu(x: jax.Array) -> jax.Array:
    return nn.relu(instance_norm(x))


def _to_image(x: jax.Array, dtype: DTypeLike) -> jax.Array:
    """The last layer: a 7x7 convolution to RGB and tanh, in float32 at least."""
    x = Conv(3, 7, dtype=dtype, name="head")(reflect_pad(x, 3))
    return jnp.tanh(x.astype(jnp.promote_types(x.dtype, jnp.float32)))


def _check_size(x: jax.Array, multiple: int) -> None:
    height, width = x.shape[1:3]
    if height % multiple or width % multiple:
        raise UserError(
            f"primitive of {width}x{height} pixels: this generator needs multiples of {multiple}; "
            "pad the primitive and crop the result"
        )
