"""Everything that a training step changes, in one frozen struct."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct


@struct.dataclass
class TrainState:
    """The state of an adversarial training run.

    Attributes:
      step: () int32, the number of updates done.
      generator, discriminator: parameter trees, float32.
      generator_opt, discriminator_opt: the moments of both Adams.
      ema: moving average of the generator's parameters, or None.
      carried: what a task carries along beside what is trained, or None.
    """

    step: jax.Array
    generator: Any
    discriminator: Any
    generator_opt: optax.OptState
    discriminator_opt: optax.OptState
    ema: Any = None
    carried: Any = None

    @property
    def best_generator(self):
        """The parameters to make pictures with: the moving average where there is one."""
        return self.generator if self.ema is None else self.ema


def create(
    init, key, moments: optax.GradientTransformation, *, ema: bool, carried: Any = None
) -> TrainState:
    """The state before the first step.

    Args:
      init: key -> (generator parameters, discriminator parameters).
      key: PRNG key.
      moments: the optimiser of both networks, without the learning rate.
      ema: whether a moving average is kept; it starts as a copy of the parameters.
      carried: see `TrainState`.
    """
    generator, discriminator = init(key)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        generator=generator,
        discriminator=discriminator,
        generator_opt=moments.init(generator),
        discriminator_opt=moments.init(discriminator),
        ema=jax.tree.map(jnp.copy, generator) if ema else None,
        carried=carried,
    )
