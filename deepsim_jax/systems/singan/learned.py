"""The result of a training: the generators of all scales, with their statistics and amplitudes."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from deepsim_jax.systems.singan import networks
from deepsim_jax.systems.singan.pyramid import Pyramid


@struct.dataclass
class Learned:
    """The trained scales of one photo, coarsest first: everything that sampling needs.

    An unfinished training has fewer scales; the finest ones are missing. The static attributes are
    part of a jitted function's identity, the others are its arguments.

    Attributes:
      generators: parameter tree of each scale.
      statistics: "batch_stats" of each scale; empty dicts where pictures are normalised with their
        own statistics.
      amplitudes: scalar of each scale's noise.
      fixed_noise: z*, (1, h, w, C) of scale 0's size, or `2 * networks.PADDING` larger if there was
        noise in the generators' margins in the training.
      pyramid: sizes and widths of the scales.
      dtype: of the convolutions, "float32" or "bfloat16".
    """

    generators: tuple[Any, ...]
    statistics: tuple[Any, ...]
    amplitudes: tuple[jax.Array, ...]
    fixed_noise: jax.Array
    pyramid: Pyramid = struct.field(pytree_node=False)
    dtype: str = struct.field(pytree_node=False, default="float32")

    @property
    def scales(self) -> int:
        """How many scales are trained."""
        return len(self.generators)

    @property
    def channels(self) -> int:
        """How many channels the pictures have."""
        return self.fixed_noise.shape[-1]

    @property
    def margin(self) -> int:
        """Pixels that noise maps are larger than pictures, in height and in width."""
        return self.fixed_noise.shape[1] - self.pyramid.sizes[0][0]

    def apply(self, scale: int, noise: jax.Array, previous: jax.Array) -> jax.Array:
        """Runs the generator of a scale (`networks.Generator`): returns (N, H, W, C), not clipped.

        Args:
          scale: 0 is the coarsest.
          noise: (N, H + margin, W + margin, C), standard normal; the scale's amplitude is applied.
          previous: (N or 1, H, W, C), the coarser scale's result at this size; zeros at scale 0.
        """
        statistics = self.statistics[scale]
        generator = networks.Generator(
            self.pyramid.widths[scale], running=bool(statistics), dtype=jnp.dtype(self.dtype)
        )
        variables = {"params": self.generators[scale]}
        if statistics:
            variables["batch_stats"] = statistics
        amplitude = self.amplitudes[scale]
        apply: Callable[..., Any] = generator.apply
        return apply(variables, noise, previous, amplitude, train=not statistics)
