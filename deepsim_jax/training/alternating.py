"""The step of a game in turns: a few updates of the critic, then a few of the generator."""

from typing import Any

import jax

from deepsim_jax.training import step as steps
from deepsim_jax.training.state import TrainState


def make_step(
    task: Any,
    updates: steps.Updates,
    *,
    seed: int,
    stage: int = 0,
    generator_updates: int = 3,
) -> steps.Step:
    """Builds the step: one iteration, all its updates unrolled.

    Unrolled, because convolutions in a loop are many times slower on a CPU. The generator stands
    still while the critic is trained, so that all pictures which that needs are made at once.

    Args:
      task: has `draw(keys, frozen, carried)` -> (draws, carried), `judged(generator, draws, carried)`
        -> what each critic update sees, `critic_loss(discriminator, judged, target)` -> (loss, terms)
        and `generator_loss(generator, discriminator, draws, target, carried)` -> (loss, (terms,
        carried)).
      updates: the optimiser's part.
      seed: of the run. The key of a sample is folded from seed, stage, step and the sample's index, so
        that a resumed run repeats exactly.
      stage: number of the stage of the run that this is the step of.
      generator_updates: in one iteration.

    Returns:
      (state, samples, target, frozen) -> (new state, metrics) as for `step.make_step`; metrics are the
      terms of the last update of each network.
    """

    def step(state, samples, target, frozen):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), stage), state.step)
        keys = jax.vmap(lambda index: jax.random.fold_in(key, index))(samples)
        decay = updates.decay(state.step)
        draws, carried = task.draw(keys, frozen, state.carried)

        discriminator, discriminator_opt = state.discriminator, state.discriminator_opt
        for judged in task.judged(state.generator, draws, carried):
            gradient, d_terms = jax.grad(task.critic_loss, has_aux=True)(
                discriminator, judged, target)
            discriminator, discriminator_opt = steps.update(
                updates.moments, gradient, discriminator_opt, discriminator, updates.d_rate * decay)

        generator, generator_opt = state.generator, state.generator_opt
        for _ in range(generator_updates):
            gradient, (g_terms, carried) = jax.grad(task.generator_loss, has_aux=True)(
                generator, discriminator, draws, target, carried)
            generator, generator_opt = steps.update(
                updates.moments, gradient, generator_opt, generator, updates.g_rate * decay)

        return TrainState(
            step=state.step + 1,
            generator=generator,
            discriminator=discriminator,
            generator_opt=generator_opt,
            discriminator_opt=discriminator_opt,
            ema=steps.average(state.ema, generator, state.step, updates.ema),
            carried=carried,
        ), {**d_terms, **g_terms, "rate": updates.g_rate * decay}

    return steps.Step.plain(step)
