"""The alternating step: a few updates of the critic, then a few of the generator."""

from typing import Any

import jax
import optax

from deepsim_jax.training import step as steps


def make_step(
    task: Any,
    updates: steps.Updates,
    *,
    seed: int,
    stage: int = 0,
    generator_updates: int = 3,
    slopes: str = "each",
) -> steps.Step:
    """Builds the step: one iteration, all its updates unrolled.

    Unrolled, because convolutions in a loop are many times slower on a CPU. The generator does not change
    while the critic is trained, so that all pictures for the critic are generated at once.

    Args:
      task: has `draw(keys, frozen, carried)` -> (draws, carried), `judged(generator, draws, carried)`
        -> the input of each critic update, `critic_loss(discriminator, judged, target)` -> (loss, terms)
        and `generator_loss(generator, discriminator, draws, target, carried)` -> (loss, (terms,
        carried)); for slopes "first" instead `adversarial_loss(generator, discriminator, draws, target,
        carried)` and `reconstruction_loss(generator, target, carried)`, which return the same of parts.
      updates: the optimiser's part.
      seed: of the run. The key of a sample is folded from seed, stage, step and the sample's index, so
        that a resumed run repeats exactly.
      stage: number of the stage of the run that this is the step of.
      generator_updates: in one iteration.
      slopes: "each": every generator update takes the slope of its whole loss; "first": all of an
        iteration take the first one's of the adversarial part, and their own of the reconstruction.

    Returns:
      (state, samples, target, frozen) -> (new state, metrics) as for `step.make_step`; metrics are the
      terms of the last update of each network.
    """

    def step(state, samples, target, frozen):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), stage), state.step)
        keys = jax.vmap(lambda index: jax.random.fold_in(key, index))(samples)
        decay = updates.decay(state.step)
        draws, carried = task.draw(keys, frozen, state.carried)

        generator, discriminator = state.params["generator"], state.params["discriminator"]
        generator_opt, discriminator_opt = state.opt_state["generator"], state.opt_state["discriminator"]
        for critic_batch in task.judged(generator, draws, carried):
            gradient, d_terms = jax.grad(task.critic_loss, has_aux=True)(
                discriminator, critic_batch, target
            )
            discriminator, discriminator_opt = steps.update(
                updates.moments, gradient, discriminator_opt, discriminator, updates.d_rate * decay
            )

        if slopes == "first":
            adversarial, (first_terms, carried) = jax.grad(task.adversarial_loss, has_aux=True)(
                generator, discriminator, draws, target, carried
            )
        for _ in range(generator_updates):
            if slopes == "first":
                gradient, (g_terms, carried) = jax.grad(task.reconstruction_loss, has_aux=True)(
                    generator, target, carried
                )
                gradient, g_terms = optax.tree.add(gradient, adversarial), {**first_terms, **g_terms}
            else:
                gradient, (g_terms, carried) = jax.grad(task.generator_loss, has_aux=True)(
                    generator, discriminator, draws, target, carried
                )
            generator, generator_opt = steps.update(
                updates.moments, gradient, generator_opt, generator, updates.g_rate * decay
            )

        trained = {"generator": generator, "discriminator": discriminator}
        opt_state = {"generator": generator_opt, "discriminator": discriminator_opt}
        state = steps.advanced(state, trained, opt_state, updates.ema, carried=carried)
        return state, {**d_terms, **g_terms, "rate": updates.g_rate * decay}

    return steps.Step.plain(step)
