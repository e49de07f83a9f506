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

    @property
    def averaged(self) -> tuple[str, ...]:
        """The networks that have a moving average."""
        return ("generator",) if self.ema > 0 else ()

    @property
    def decay(self) -> optax.Schedule:
        """The factor on both learning rates at a step, counted from 0."""
        if self.drop:
            return optax.piecewise_constant_schedule(1.0, {self.constant_steps: self.drop})
        falling = max(self.steps - self.constant_steps, 1)
        return optax.linear_schedule(1.0, 0.0, falling, self.constant_steps)


@dataclasses.dataclass(frozen=True)
class Step:
    """A pure training step: (state, samples, data, frozen) -> (new state, metrics).

    Steps in a row may hand on copies that are derived from the state, instead of making them anew:

    Attributes:
      begin: (state, frozen) -> (copies, frozen weights as `advance` wants them).
      advance: (state, copies, samples, data, frozen) -> (new state, new copies, metrics).
    """

    begin: Callable[..., tuple[Any, Any]]
    advance: Callable[..., tuple[TrainState, Any, dict]]

    @classmethod
    def plain(cls, function: Callable[..., tuple[TrainState, dict]]):
        """A step that hands nothing on."""

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
    networks: tuple[str, str] = ("generator", "discriminator"),
) -> Step:
    """Builds the step that trains two networks of a state at once; others stay as they are.

    The losses of both networks come out of one forward pass with the old parameters of both, and
    one `jax.vjp` gives both gradients: cotangent (1, 0) the first one's, (0, 1) the other's.
    What one of them does not need, the compiler drops.

    Args:
      batch: (keys, pair) -> an augmented batch.
      losses: (first one's params, other's, batch, frozen) -> ((first one's loss, other's), metrics).
      updates: the optimiser's part.
      seed: of the run. The key of a sample is folded from seed, step and the sample's index in the
        global batch, so that a resumed run repeats exactly and any number of devices draws the same.
      axis: name of the mapped device axis over which gradients are averaged, or None.
      dtype: if not float32, `losses` gets copies of all weights in it, which are passed on from step to
        step: an update writes them beside the parameters, so that no step reads those to make them.
      networks: the names of both; the first learns at `updates.g_rate`, the other at `updates.d_rate`.

    Returns:
      The step; samples (n,) int32 are the indices of this device's share of the global batch, frozen is
      whatever `losses` needs that is not trained.
    """
    narrow = jnp.dtype(dtype) != jnp.float32
    first, second = networks

    def copies_of(*trees):
        return jax.tree.map(lambda x: x.astype(dtype), trees) if narrow else None

    def begin(state, frozen):
        return (
            copies_of(state.params[first], state.params[second]),
            copies_of(frozen)[0] if narrow else frozen,
        )

    def advance(state, copies, samples, pair, frozen):
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        keys = jax.vmap(lambda index: jax.random.fold_in(key, index))(samples)
        inputs = batch(keys, pair)

        def pair_losses(first_params, second_params):
            return losses(first_params, second_params, inputs, frozen)

        params = state.params[first], state.params[second]
        _, pull, metrics = jax.vjp(pair_losses, *(copies or params), has_aux=True)
        one, zero = jnp.ones(()), jnp.zeros(())
        gradients = pull((one, zero))[0], pull((zero, one))[1]
        gradients = jax.tree.map(lambda g, p: g.astype(p.dtype), gradients, params)
        if axis is not None:
            gradients, metrics = jax.lax.pmean((gradients, metrics), axis)

        decay = updates.decay(state.step)
        rates = updates.g_rate * decay, updates.d_rate * decay
        trained, opt_state = {}, {}
        for name, gradient, rate in zip(networks, gradients, rates, strict=True):
            trained[name], opt_state[name] = update(
                updates.moments, gradient, state.opt_state[name], state.params[name], rate
            )
        return (
            advanced(state, trained, opt_state, updates.ema),
            copies_of(trained[first], trained[second]),
            {**metrics, "rate": rates[0]},
        )

    return Step(begin, advance)


def update(moments, gradient, opt_state, params, rate):
    """One step down a gradient: (new parameters, new state of the moments)."""
    direction, opt_state = moments.update(gradient, opt_state, params)
    return optax.apply_updates(params, optax.tree.scale(-rate, direction)), opt_state


def advanced(state: TrainState, params: dict, opt_state: dict, ema: float, **changes) -> TrainState:
    """The state after a step.

    Args:
      state: before it.
      params, opt_state: of the networks that it has trained; others stay as they are.
      ema: decay of the moving averages of those.
      changes: of other attributes.
    """
    averages = {
        name: _average(state.ema[name], tree, state.step, ema)
        for name, tree in params.items()
        if name in state.ema
    }
    return dataclasses.replace(
        state,
        step=state.step + 1,
        params=state.params | params,
        opt_state=state.opt_state | opt_state,
        ema=state.ema | averages,
        **changes,
    )


def _average(ema, params, step, decay):
    """The moving average of the parameters with those after a step, counted from 0."""
    # A young average follows the parameters closely, or it would keep the random start for long.
    decay = jnp.minimum(decay, (step + 1.0) / (step + 10.0))
    # optax.incremental_update takes 1 - decay, and 1 - (1 - decay) has other bits than decay.
    return jax.tree.map(lambda e, p: decay * e + (1.0 - decay) * p, ema, params)
