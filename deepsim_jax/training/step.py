"""The adversarial training step: one shared forward pass, one pull-back per network."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import DTypeLike

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


@dataclasses.dataclass(frozen=True)
class Step:
    """A pure training step: (state, samples, data, frozen) -> (new state, metrics).

    Several in a row may pass on what can be made from the state but need not be made anew:

    Attributes:
      begin: (state, frozen) -> (copies, frozen weights as `advance` wants them).
      advance: (state, copies, samples, data, frozen) -> (new state, new copies, metrics).
    """

    begin: Callable[..., tuple[Any, Any]]
    advance: Callable[..., tuple[TrainState, Any, dict]]

    @classmethod
    def plain(cls, function: Callable[..., tuple[TrainState, dict]]):
        """One that passes nothing on."""
        def advance(state, copies, *inputs):
            state, metrics = function(state, *inputs)
            return state, copies, metrics

        return cls(lambda state, frozen: (None, frozen), advance)

    def __call__(self, state, samples, data, frozen) -> tuple[TrainState, dict]:
        copies, frozen = self.begin(state, frozen)
        state, _, metrics = self.advance(state, copies, samples, data, frozen)
        return state, metrics


def make_step(
    batch: Callable[..., Any],
    losses: Callable[..., tuple[tuple[jax.Array, jax.Array], dict]],
    updates: Updates,
    *,
    seed: int,
    axis: str | None = None,
    dtype: DTypeLike = jnp.float32,
) -> Step:
    """Builds the step of a run.

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
      dtype: if not float32, `losses` gets copies of all weights in it, which are passed on from step to
        step: an update writes them beside the parameters, so that no step reads those to make them.

    Returns:
      The step; samples (n,) int32 are the indices of this device's share of the global batch, frozen is
      whatever `losses` needs that is not trained.
    """
    narrow = jnp.dtype(dtype) != jnp.float32

    def copies_of(*trees):
        return jax.tree.map(lambda x: x.astype(dtype), trees) if narrow else None

    def begin(state, frozen):
        return (copies_of(state.generator, state.discriminator),
                copies_of(frozen)[0] if narrow else frozen)

    def advance(state, copies, samples, pair, frozen):
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        keys = jax.vmap(lambda index: jax.random.fold_in(key, index))(samples)
        inputs = batch(keys, pair)

        def both(generator, discriminator):
            return losses(generator, discriminator, inputs, frozen)

        params = state.generator, state.discriminator
        _, pull, metrics = jax.vjp(both, *(copies or params), has_aux=True)
        one, zero = jnp.ones(()), jnp.zeros(())
        gradients = pull((one, zero))[0], pull((zero, one))[1]
        gradients = jax.tree.map(lambda g, p: g.astype(p.dtype), gradients, params)
        if axis is not None:
            gradients, metrics = jax.lax.pmean((gradients, metrics), axis)

        decay = updates.decay(state.step)
        generator, generator_opt = update(
            updates.moments, gradients[0], state.generator_opt, state.generator,
            updates.g_rate * decay)
        discriminator, discriminator_opt = update(
            updates.moments, gradients[1], state.discriminator_opt, state.discriminator,
            updates.d_rate * decay)
        return TrainState(
            step=state.step + 1,
            generator=generator,
            discriminator=discriminator,
            generator_opt=generator_opt,
            discriminator_opt=discriminator_opt,
            ema=average(state.ema, generator, state.step, updates.ema),
        ), copies_of(generator, discriminator), {**metrics, "rate": updates.g_rate * decay}

    return Step(begin, advance)


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
