"""Patch discriminators that return their features."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from deepsim_jax.nets.blocks import Conv, avg_pool_3x3_s2, instance_norm

_SLOPE = 0.2
_MAX_FILTERS = 512


class PatchDiscriminator(nn.Module):
    """Scores overlapping patches of an image: (N, H, W, C) -> list of features, logits last.

    4x4 convolutions with zero padding 2 and leaky ReLU: `n_layers` of stride 2, then one of stride
    1, then one of stride 1 to a single channel without activation. All but the first and the last
    are instance-normalised. Widths double from `filters` up to 512 (Isola et al. 2017).
    """

    filters: int = 64
    n_layers: int = 3
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> list[jax.Array]:
        features = []
        for i in range(self.n_layers + 1):
            width = min(self.filters * 2**i, _MAX_FILTERS)
            stride = 2 if i < self.n_layers else 1
            x = Conv(width, 4, stride, padding=2, dtype=self.dtype, normed=i > 0, name=f"layer_{i}")(x)
            x = nn.leaky_relu(x if i == 0 else instance_norm(x), _SLOPE)
            features.append(x)
        last = f"layer_{self.n_layers + 1}"
        return [*features, Conv(1, 4, padding=2, dtype=self.dtype, name=last)(x)]


class MultiscaleDiscriminator(nn.Module):
    """One patch discriminator per scale (Wang et al. 2018, pix2pixHD).

    (N, H, W, C) -> list over scales, full resolution first, each half the size of the one before;
    of each scale the list of its n_layers + 2 feature maps, the last entry the logits (N, h, w, 1).
    For a conditional GAN x is the primitive and the image, concatenated along the channels. Samples
    of a batch do not interact, so that real and generated pairs can share one call.
    """

    filters: int = 64
    n_layers: int = 3
    n_scales: int = 2
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> list[list[jax.Array]]:
        scales = []
        for i in range(self.n_scales):
            x = x if i == 0 else avg_pool_3x3_s2(x)
            net = PatchDiscriminator(self.filters, self.n_layers, self.dtype, name=f"scale_{i}")
            scales.append(net(x))
        return scales
