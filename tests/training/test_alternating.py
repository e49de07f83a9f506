"""The step of networks that are trained in turns, against its rule written out for two numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from deepsim_jax.training import alternating
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps


class Toy:
    """A critic and a generator of one number each, with losses that know who has seen what."""

    def draw(self, keys, frozen, carried):
        return jax.vmap(jax.random.uniform)(keys)[0] * frozen, {**carried, "drawn": carried["drawn"] + 1}

    def judged(self, generator, draws, carried):
        return [generator * draws, generator * draws + 10]

    def critic_loss(self, discriminator, judged, target):
        return (discriminator - judged) ** 2 * target, {"judged": judged}

    def generator_loss(self, generator, discriminator, draws, target, carried):
        carried = {**carried, "updates": carried["updates"] + 1}
        return (generator - discriminator) ** 2 + draws * generator, ({"critic": discriminator}, carried)

    def adversarial_loss(self, generator, discriminator, draws, target, carried):
        return (generator - discriminator) ** 2 + draws * generator, ({"seen": generator}, carried)

    def reconstruction_loss(self, generator, target, carried):
        carried = {**carried, "updates": carried["updates"] + 1}
        return target * generator**2, ({"rebuilt": generator}, carried)


def make(*, seed=0, stage=0, ema=0.0, drop=0.0, moments=None, slopes="each"):
    updates = steps.Updates(
        moments=moments or optax.identity(),
        g_rate=0.1,
        d_rate=0.2,
        steps=8,
        constant_steps=4,
        ema=ema,
        drop=drop,
    )
    carried = {"drawn": jnp.float32(0), "updates": jnp.float32(0)}
    state = states.create(
        {"generator": jnp.float32(3), "discriminator": jnp.float32(1)},
        updates.moments,
        averaged=updates.averaged,
        carried=carried,
    )
    step = alternating.make_step(
        Toy(), updates, seed=seed, stage=stage, generator_updates=3, slopes=slopes
    )
    return state, jax.jit(lambda state: step(state, jnp.arange(1), jnp.float32(0.5), jnp.float32(2)))


def test_critic_first_then_generator_each_from_what_the_other_has_become():
    state, step = make(seed=5, stage=2, ema=0.5)
    key = jax.random.key(5)
    for number in (2, 0, 0):  # stage, step, sample
        key = jax.random.fold_in(key, number)
    draws = 2 * float(jax.random.uniform(key))
    g, d = 3.0, 1.0
    for judged in (g * draws, g * draws + 10):
        d -= 0.2 * 0.5 * 2 * (d - judged)
    for _ in range(3):
        g -= 0.1 * (2 * (g - d) + draws)
    state, metrics = step(state)
    assert float(state.params["discriminator"]) == pytest.approx(d)
    assert float(state.params["generator"]) == pytest.approx(g)
    assert float(metrics["judged"]) == pytest.approx(3 * draws + 10)
    assert float(metrics["critic"]) == pytest.approx(d) and metrics["rate"] == pytest.approx(0.1)
    assert int(state.step) == 1 and (state.carried["drawn"], state.carried["updates"]) == (1, 3)
    assert float(state.ema["generator"]) == pytest.approx(0.1 * 3 + 0.9 * g), (
        "a young average follows closely"
    )


def test_the_adversarial_slope_of_the_first_update_may_serve_for_all():
    state, step = make(slopes="first")
    key = jax.random.key(0)
    for number in (0, 0, 0):
        key = jax.random.fold_in(key, number)
    draws, d, g = 2 * float(jax.random.uniform(key)), 1.0, 3.0
    for judged in (g * draws, g * draws + 10):
        d -= 0.2 * 0.5 * 2 * (d - judged)
    slope = 2 * (g - d) + draws
    for _ in range(3):
        before, g = g, g - 0.1 * (slope + 0.5 * 2 * g)
    state, metrics = step(state)
    assert float(state.params["generator"]) == pytest.approx(g)
    assert float(metrics["seen"]) == 3 and float(metrics["rebuilt"]) == pytest.approx(before)
    assert state.carried["updates"] == 3


def test_the_draws_depend_on_seed_stage_and_step_and_on_nothing_else():
    def first(**given):
        state, step = make(**given)
        (state, metrics), seen = step(state), []
        for _ in range(2):
            seen.append(float(metrics["judged"]))
            again = state.params | {"generator": jnp.float32(3)}
            state, metrics = step(state.replace(params=again))
        return seen

    found = [first(), first(seed=1), first(stage=1)]
    assert found[0] == first() and len({*sum(found, [])}) == 6


def test_the_moments_are_threaded_through_all_updates():
    state, step = make(moments=optax.scale_by_adam(b1=0.5, b2=0.999))
    for _ in range(2):
        state, _ = step(state)
    counts = {name: int(moments.count) for name, moments in state.opt_state.items()}
    assert counts == {"discriminator": 4, "generator": 6}


def test_the_rate_drops_at_once_or_falls():
    for drop, expected in ((0.1, [1, 1, 1, 1, 0.1, 0.1]), (0.0, [1, 1, 1, 1, 1, 0.75])):
        state, step = make(drop=drop)
        rates = []
        for _ in expected:
            state, metrics = step(state)
            rates.append(float(metrics["rate"]) / 0.1)
        np.testing.assert_allclose(rates, expected, rtol=1e-5)
