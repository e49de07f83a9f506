from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from deepsim_jax.systems.deepsim import augment
from deepsim_jax.systems.deepsim import task as deepsim
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps
from deepsim_jax.weights import convert

FIXTURES = Path(__file__).parent.parent / "fixtures"

ADAM = optax.scale_by_adam(b1=0.5, b2=0.999)


def updates(**changes):
    given = dict(moments=ADAM, g_rate=2e-4, d_rate=2e-4, steps=16000, constant_steps=8000)
    return steps.Updates(**{**given, **changes})


def toy_step(**options):
    """Two parameters that only pull at each other, and a batch that is nothing but its keys."""

    def losses(g, d, batch, frozen):
        g, d, frozen = (jnp.asarray(x, jnp.float32) for x in (g, d, frozen))
        g_loss = jnp.sum((g - frozen) ** 2) + 0.1 * jnp.sum(g * d) + jnp.mean(batch)
        d_loss = jnp.sum((d - g) ** 2)
        return (g_loss, d_loss), {"g": g_loss, "d": d_loss}

    def batch(keys, pair):
        return jax.vmap(jax.random.uniform)(keys) * pair

    dtype = options.pop("dtype", jnp.float32)
    step = steps.make_step(batch, losses, updates(**options), seed=3, dtype=dtype)
    state = states.create(
        {"generator": jnp.ones(3), "discriminator": jnp.zeros(3)},
        ADAM,
        averaged=["generator"] if "ema" in options else [],
    )
    return step, state


def run(step, state, count, batch=2):
    rows = []
    for _ in range(count):
        state, metrics = step(state, jnp.arange(batch), 1.0, jnp.float32(2))
        rows.append(metrics)
    return state, rows


@pytest.mark.slow
def test_three_steps_equal_the_published_programs():
    arrays = dict(np.load(FIXTURES / "train_steps.npz"))
    sizes = deepsim.Architecture(filters=4, downsamplings=3, blocks=3)
    task = deepsim.Task(architecture=sizes, augmentation=augment.Augmentation(), d_filters=4)
    weights = {net: {k[2:]: v for k, v in arrays.items() if k.startswith(f"{net}/")} for net in "GD"}
    generator = convert.generator_params(weights["G"], convert.generator_architecture(weights["G"]))
    discriminator = convert.discriminator_params(
        weights["D"], convert.discriminator_architecture(weights["D"])
    )
    state = states.create({"generator": generator, "discriminator": discriminator}, ADAM)
    batch = tuple(jnp.asarray(np.transpose(arrays[k], (0, 2, 3, 1))) for k in "xy")
    batch += (jnp.zeros((1, 0, 2)),)
    step = jax.jit(steps.make_step(lambda keys, pair: pair, task.losses, updates(), seed=0))
    for number in range(3):
        state, found = step(state, jnp.arange(1), batch, None)
        g_gan, g_features, d_fake, d_real = arrays[f"losses_{number}"]
        ours = [found["g_gan"], 10 * found["g_features"], found["d"]]
        np.testing.assert_allclose(ours, [g_gan, g_features, (d_fake + d_real) / 2], rtol=1e-3)


def test_the_rate_is_constant_and_then_falls_linearly_to_zero():
    rule = updates()
    # The published program's rates, counted there from 1.
    for step, rate in ((0, 2e-4), (8000, 2e-4), (8001, 1.99975e-4), (11999, 1.00025e-4), (15999, 2.5e-8)):
        assert float(rule.g_rate * rule.decay(step)) == pytest.approx(rate, rel=1e-4)
    assert float(updates(steps=10, constant_steps=10).decay(9)) == 1.0
    assert [float(updates(constant_steps=2, drop=0.1).decay(s)) for s in (0, 1, 2, 9)] == pytest.approx(
        [1, 1, 0.1, 0.1]
    )


def test_a_step_depends_on_seed_step_and_sample_only():
    step, state = toy_step()
    _, once = run(step, state, 4)
    halfway, _ = run(step, state, 2)
    _, continued = run(step, halfway, 2)
    assert [float(r["g"]) for r in once[2:]] == [float(r["g"]) for r in continued]
    assert float(once[0]["g"]) != float(once[1]["g"])


def test_gradients_of_each_network_come_from_its_own_loss():
    step, state = toy_step(g_rate=0.1, d_rate=0.1)
    new, _ = run(step, state, 1)
    one, other = state.params["generator"], state.params["discriminator"]
    g = jax.grad(lambda g: jnp.sum((g - 2.0) ** 2) + 0.1 * jnp.sum(g * other))(one)
    d = jax.grad(lambda d: jnp.sum((d - one) ** 2))(other)
    # Adam's first moment after one step is (1 - b1) times the gradient.
    np.testing.assert_allclose(new.opt_state["generator"].mu, 0.5 * g, rtol=1e-6)
    np.testing.assert_allclose(new.opt_state["discriminator"].mu, 0.5 * d, rtol=1e-6)


def test_the_moving_average_follows_the_generator():
    step, state = toy_step(ema=0.5, g_rate=0.1)
    new, _ = run(step, state, 1)
    before, after = (s.params["generator"] for s in (state, new))
    np.testing.assert_allclose(new.ema["generator"], 0.1 * before + 0.9 * after, rtol=1e-6)
    assert new.best("generator") is new.ema["generator"] and list(new.ema) == ["generator"]
    plain, _ = run(*toy_step(), 1)
    assert plain.ema == {} and plain.best("generator") is plain.params["generator"]


def test_steps_in_a_row_pass_on_the_copies_that_each_would_make_of_the_parameters():
    _, state = toy_step()
    step = toy_step(dtype=jnp.bfloat16)[0]
    alone, _ = run(jax.jit(step), state, 2)
    copies, frozen = step.begin(state, jnp.float32(2))
    passed, advance = state, jax.jit(step.advance)
    for _ in range(2):
        passed, copies, _ = advance(passed, copies, jnp.arange(2), 1.0, frozen)
    assert jax.tree.leaves(copies)[0].dtype == jnp.bfloat16
    jax.tree.map(
        np.testing.assert_array_equal,
        copies,
        tuple(passed.params[name].astype(jnp.bfloat16) for name in ("generator", "discriminator")),
    )
    jax.tree.map(np.testing.assert_array_equal, passed, alone)
    assert passed.params["generator"].dtype == passed.opt_state["generator"].mu.dtype == jnp.float32


def test_the_first_moment_can_be_kept_in_16_bits():
    narrow = optax.scale_by_adam(b1=0.5, b2=0.999, mu_dtype="bfloat16")
    step, state = toy_step(moments=narrow, g_rate=0.1)
    state = states.create(state.params, narrow)
    new, _ = run(jax.jit(step), state, 3)
    wide, _ = run(jax.jit(toy_step(g_rate=0.1)[0]), toy_step()[1], 3)
    moments = new.opt_state["generator"]
    assert (moments.mu.dtype, moments.nu.dtype) == (jnp.bfloat16, jnp.float32)
    np.testing.assert_allclose(new.params["generator"], wide.params["generator"], rtol=1e-2)


def test_a_pair_of_named_networks_is_trained_and_a_third_one_kept():
    def losses(encoder, discriminator, batch, frozen):
        return (jnp.sum((encoder - 2) ** 2), jnp.sum((discriminator - encoder) ** 2)), {}

    params = {
        name: jnp.full(2, float(n)) for n, name in enumerate(("generator", "discriminator", "encoder"), 1)
    }
    state = states.create(params, ADAM, averaged=["generator", "encoder"])
    step = steps.make_step(
        lambda keys, pair: None,
        losses,
        updates(g_rate=0.1, d_rate=0.2, ema=0.5),
        seed=0,
        networks=("encoder", "discriminator"),
    )
    new, _ = jax.jit(step)(state, jnp.arange(1), None, None)
    # Adam's first step has the length of the rate.
    for name, change in (("generator", 0.0), ("discriminator", 0.2), ("encoder", -0.1)):
        np.testing.assert_allclose(new.params[name], params[name] + change, rtol=1e-6)
    assert {name: int(moments.count) for name, moments in new.opt_state.items()} == {
        "generator": 0,
        "discriminator": 1,
        "encoder": 1,
    }
    np.testing.assert_array_equal(new.ema["generator"], params["generator"])
    np.testing.assert_allclose(new.ema["encoder"], 3 - 0.9 * 0.1, rtol=1e-6)
