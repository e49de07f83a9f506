"""What a training leaves: the networks, and which picture belongs to which z."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from deepsim_jax.systems.igan.networks import Sizes


@struct.dataclass
class Learned:
    """The trained networks. The static attribute is part of a jitted function's identity.

    Attributes:
      generator: parameters.
      statistics: its "batch_stats", taken over many samples after the training (`with_statistics`).
      discriminator: parameters.
      sizes: what the networks are like.
      encoder: parameters of P, or None before its stage.
    """

    generator: Any
    statistics: Any
    discriminator: Any
    sizes: Sizes = struct.field(pytree_node=False)
    encoder: Any = None

    def generate(self, latents: jax.Array) -> jax.Array:
        """Pictures (N, size, size, 3) in (-1, 1) of z (N, latent) in (-1, 1)."""
        variables = {"params": self.generator, "batch_stats": self.statistics}
        apply: Callable[..., Any] = self.sizes.generator().apply
        return apply(variables, latents)

    def encode(self, pictures: jax.Array) -> jax.Array:
        """What P takes for the z of pictures (N, size, size, 3) in [-1, 1]: (N, latent) in (-1, 1)."""
        apply: Callable[..., Any] = self.sizes.encoder().apply
        return jnp.tanh(apply({"params": self.encoder}, pictures))

    def judge(self, pictures: jax.Array) -> jax.Array:
        """The discriminator's logits (N,): above 0 it takes a picture for a real one."""
        apply: Callable[..., Any] = self.sizes.discriminator().apply
        return apply({"params": self.discriminator}, pictures)[:, 0]


def draw(key: jax.Array, count: int, latent: int) -> jax.Array:
    """z of random pictures: (count, latent), uniform in (-1, 1)."""
    return jax.random.uniform(key, (count, latent), minval=-1.0, maxval=1.0)


@functools.partial(jax.jit, static_argnums=(1, 2))
def with_statistics(generator: Any, sizes: Sizes, samples: int) -> Any:
    """The "batch_stats" of a generator's norms over a large batch of random samples.

    After training a picture must depend on its own z alone. The published program takes the statistics
    over many samples once for this, as here; a running average of the training would be of weights that
    are no more.
    """
    latents = draw(jax.random.key(0), samples, sizes.latent)
    _, stored = sizes.generator().apply({"params": generator}, latents, mutable=["batch_stats"])
    return stored["batch_stats"]
