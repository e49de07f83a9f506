"""The adversarial training step: one shared forward pass, one pull-back per network."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from deepsim_jax.training.state import TrainState


class Updates(NamedTuple):
    """How gradients become updates; plain numbers, the same rule for both networks.

    Attributes:
      moments: the optimiser without its learning rate, e.g. `optax.scale_by_adam`.
      g_rate, d_rate: learning rates of generator and discriminator.
      steps: length of the run.
      constant_steps: steps at the full rate; it then falls linearly, to zero after the last step.
      ema: decay of the generator's moving average, 0 for none.
      drop: if not 0, the rate does not fall linearly but at once, to this share of the full one.
    """

    moments: optax.GradientTransformation
    g_rate: float
    d_rate: float
    steps: int
    constant_steps: int
    ema: float = 0.0
    drop: float = 0.0

    def decay(self, step):
        """The factor on both learning rates at a step, counted from 0."""
        if self.drop:
            return jnp.where(step < self.constant_steps, 1.0, self.drop)
        falling = max(self.steps - self.constant_steps, 1)
        return 1.0 - jnp.maximum(step - self.constant_steps, 0) / falling


def make_step(
    batch: Callable[..., Any],
    losses: Callable[..., tuple[tuple[jax.Array, jax.Array], dict]],
    updates: Updates,
    *,
    seed: int,
    axis: str | None = None,
) -> Callable[..., tuple[TrainState, dict]]:
    """Builds the pure step function of a run.

    The losses of both networks come out of one forward pass with the old parameters of both, and
    one `jax.vjp` gives both gradients: cotangent (1, 0) the generator's, (0, 1) the discriminator's.
    What one of them does not need, the compiler drops.

    Args:
      batch: (keys, pair) -> an augmented batch.
      losses: (g_params, d_params, batch, frozen) -> ((generator's loss, discriminator's loss),
        metrics).
      updates: the optimiser's part.
      seed: of the run. The key of a sample is folded from seed, step and the sample's index in the
        global batch, so that a resumed run repeats exactly and any number of devices draws the same.
      axis: name of the mapped device axis over which gradients are averaged, or None.

    Returns:
      (state, samples, pair, frozen) -> (new state, metrics); samples (n,) int32 are the indices of
      this device's share of the global batch, frozen is whatever `losses` needs that is not trained.
    """

    def step(state, samples, pair, frozen):
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        keys = jax.vmap(lambda index: jax.random.fold_in(key, index))(samples)
        inputs = batch(keys, pair)

        def both(generator, discriminator):
            return losses(generator, discriminator, inputs, frozen)

        _, pull, metrics = jax.vjp(both, state.generator, state.discriminator, has_aux=True)
        one, zero = jnp.ones(()), jnp.zeros(())
        g_grad, d_grad = pull((one, zero))[0], pull((zero, one))[1]
        if axis is not None:
            g_grad, d_grad, metrics = jax.lax.pmean((g_grad, d_grad, metrics), axis)

        decay = updates.decay(state.step)
        generator, generator_opt = update(
            updates.moments, g_grad, state.generator_opt, state.generator, updates.g_rate * decay)
        discriminator, discriminator_opt = update(
            updates.moments, d_grad, state.discriminator_opt, state.discriminator,
            updates.d_rate * decay)
        return TrainState(
            step=state.step + 1,
            generator=generator,
            discriminator=discriminator,
            generator_opt=generator_opt,
            discriminator_opt=discriminator_opt,
            ema=average(state.ema, generator, state.step, updates.ema),
        ), {**metrics, "rate": updates.g_rate * decay}

    return step


def update(moments, gradient, opt_state, params, rate):
    """One step down a gradient: (new parameters, new state of the moments)."""
    direction, opt_state = moments.update(gradient, opt_state, params)
    return jax.tree.map(lambda p, d: p - rate * d, params, direction), opt_state


def average(ema, params, step, decay):
    """The moving average of the parameters with those after a step, counted from 0; None stays None."""
    if ema is None:
        return None
    # A young average follows the parameters closely, or it would keep the random start for long.
    decay = jnp.minimum(decay, (step + 1.0) / (step + 10.0))
    return jax.tree.map(lambda e, p: decay * e + (1.0 - decay) * p, ema, params)
