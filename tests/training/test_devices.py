import logging
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.losses import adversarial_d, adversarial_g
from deepsim_jax.nets.blocks import instance_norm
from deepsim_jax.systems.deepsim import augment
from deepsim_jax.systems.deepsim.device_pair import Pair
from deepsim_jax.training import devices
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps

ADAM = optax.scale_by_adam(b1=0.5, b2=0.999)


# Processes of other device numbers than this one's; compiled fast rather than well.
FAST = {**os.environ, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}

REAL_TASK = """
import sys, jax, numpy as np, optax
from deepsim_jax.systems.deepsim import augment
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.systems.deepsim import task as deepsim
from deepsim_jax.training import devices, state as states, step as steps

photo = np.random.default_rng(0).integers(0, 255, (4, 5, 3)).repeat(8, 0).repeat(8, 1)
source = pair.prepare(photo.astype(np.uint8), kind="edges")
sizes = deepsim.Architecture(filters=2, downsamplings=1, blocks=0)
task = deepsim.Task(sizes, augment.Augmentation(tps=0.9), d_filters=2, d_layers=3, d_scales=1)
adam = optax.scale_by_adam(b1=0.5, b2=0.999)
updates = steps.Updates(moments=adam, g_rate=1e-3, d_rate=1e-3, steps=9, constant_steps=9)
first = jax.device_get(states.create(task.init(jax.random.key(0)), adam))
found = {}
for count in (1, 2, 4, 8):
    def make(axis):
        return steps.make_step(task.batch, task.losses, updates, seed=1, axis=axis)
    compiled = devices.Compiled(make, batch=8, count=count)
    state, pictures = compiled.place(first), pair.to_device(source, multiple=sizes.multiple)
    state, metrics = compiled(state, compiled.place(pictures), None)
    found |= {f"{count}/{name}": value for name, value in metrics.items()}
    for network in "generator", "discriminator":
        moments = jax.tree.leaves(state.opt_state[network].mu)
        found[f"{count}/{network}"] = np.concatenate([np.ravel(leaf) for leaf in moments])
np.savez(sys.argv[1], **found)
"""


@pytest.mark.parametrize(
    "batch, requested, available, processes, count",
    [
        (1, 0, 8, 1, 1),
        (1, 2, 8, 1, 1),
        (4, 0, 2, 1, 2),
        (4, 0, 8, 1, 4),
        (6, 0, 4, 1, 3),
        (7, 0, 4, 1, 1),
        (3, 0, 1, 1, 1),
        (4, 1, 8, 1, 1),
        (4, 2, 8, 1, 2),
        (8, 8, 8, 1, 8),
        (8, 0, 8, 2, 8),
        (6, 0, 8, 2, 6),
        (12, 0, 8, 4, 4),
        (2, 2, 8, 2, 2),
    ],
)
def test_the_number_of_devices_divides_the_batch(batch, requested, available, processes, count):
    assert devices.choose(batch, requested, available=available, processes=processes) == count


@pytest.mark.parametrize(
    "batch, requested, processes, message",
    [
        (4, 5, 1, "train.devices=5: this machine has 4"),
        (4, 8, 2, "train.devices=8: these 2 processes have 4"),
        (3, 2, 1, "train.batch=3: .* multiple of the 2 devices"),
        (6, 4, 2, "train.batch=6: .* multiple of the 4 devices"),
        (1, 0, 2, "train.batch=1: 2 processes train together, so it must be a multiple of 2"),
        (4, 3, 2, "train.devices=3: 2 processes train together, .* multiple of 2"),
    ],
)
def test_what_cannot_be_is_told(batch, requested, processes, message):
    with pytest.raises(UserError, match=message):
        devices.choose(batch, requested, available=4, processes=processes)


@pytest.mark.parametrize("batch, told", [(1, ["a batch of 1 runs on 1 of 2 devices"]), (2, [])])
def test_devices_that_are_left_out_are_told(caplog, batch, told):
    with caplog.at_level(logging.INFO, "deepsim_jax"):
        devices.Compiled(lambda axis: lambda *_: None, batch=batch, count=batch)
    assert caplog.messages == told


@pytest.mark.slow
def test_the_real_losses_and_gradients_do_not_depend_on_the_number_of_devices(tmp_path):
    subprocess.run(
        [sys.executable, "-c", REAL_TASK, str(tmp_path / "found.npz")],
        check=True,
        env={**FAST, "JAX_NUM_CPU_DEVICES": "8"},
    )
    found = np.load(tmp_path / "found.npz")
    for name in "g_gan", "g_features", "d":
        losses = [found[f"{count}/{name}"] for count in (1, 2, 4, 8)]
        np.testing.assert_allclose(losses, losses[0], rtol=1e-5)
    for name in "generator", "discriminator":
        one = found[f"1/{name}"]
        assert np.abs(one).max() > 1e-3
        for count in (2, 4, 8):
            np.testing.assert_allclose(
                found[f"{count}/{name}"], one, rtol=1e-4, atol=1e-4 * np.abs(one).max()
            )


def losses(g, d, batch, frozen):
    """A generator and a discriminator of one product each, adversarial as the real ones."""
    primitives, images = batch
    fake = jnp.tanh(instance_norm(primitives @ g))
    of_fake, of_real = ([jnp.concatenate([primitives, x], -1) @ d] for x in (fake, images))
    terms = {
        "g": adversarial_g("lsgan", of_fake),
        "d": adversarial_d("lsgan", of_real, of_fake),
        "l1": jnp.abs(fake - images).mean(),
    }
    return (terms["g"] + terms["l1"], terms["d"]), terms


def run(count, number):
    """Metrics of a few steps with a batch of 4 on so many devices, and the state after them."""
    updates = steps.Updates(moments=ADAM, g_rate=0.05, d_rate=0.05, steps=10, constant_steps=2)
    settings = augment.Augmentation(tps=0.9, rotation=0.5)

    def batch(keys, pair):
        return jax.vmap(lambda key: augment.augment(key, pair, settings))(keys)

    def make(axis):
        return steps.make_step(batch, losses, updates, seed=5, axis=axis)

    compiled = devices.Compiled(make, batch=4, count=count)
    draw = np.random.default_rng(0).uniform(-1, 1, (2, 24, 32, 3)).astype(np.float32)
    pair = compiled.place(Pair(image=jnp.asarray(draw[0]), regions=jnp.asarray(draw[1])))
    first = {
        "generator": jnp.linspace(-1, 1, 9).reshape(3, 3),
        "discriminator": jnp.linspace(-1, 1, 6).reshape(6, 1),
    }
    state = compiled.place(states.create(first, ADAM))
    rows = []
    for _ in range(number):
        state, metrics = compiled(state, pair, None)
        rows.append({k: float(v) for k, v in metrics.items()})
    return rows, jax.device_get(state)


@pytest.mark.slow
def test_one_device_and_two_train_alike():
    assert jax.local_device_count() == 2
    (one, state), (two, other) = run(1, 4), run(2, 4)
    assert [list(row) for row in one] == [list(row) for row in two]
    np.testing.assert_allclose(
        [list(r.values()) for r in one], [list(r.values()) for r in two], rtol=1e-5
    )
    assert len({row["g"] for row in one}) == 4
    for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def of_many(count, most, lengths, prepare=False):
    """Metrics of calls of so many steps each, and the state after them."""

    def make(axis):
        def step(state, samples, data, frozen):
            drawn = jax.random.normal(jax.random.fold_in(jax.random.key(0), state["step"]))
            found = (samples * data).sum() + drawn
            found = found if axis is None else jax.lax.pmean(found, axis)
            total = jnp.tanh(state["sum"] * 3 + found)
            state = {"step": state["step"] + 1, "sum": total, "before": state["sum"]}
            return state, {"sum": total, "step": state["step"]}

        return steps.Step.plain(step)

    compiled = devices.Compiled(make, batch=4, count=count, most=most)
    state = compiled.place({"step": jnp.int32(0), "sum": jnp.float32(0.1), "before": jnp.zeros(())})
    data, rows = compiled.place(jnp.float32(0.3)), []
    if prepare:
        compiled.prepare(jax.eval_shape(lambda: state), data, None)
    for length in lengths:
        state, metrics = compiled(state, data, None, length)
        rows.append({k: v.item() for k, v in metrics.items()})
    return rows, jax.device_get(state)


@pytest.mark.parametrize("count", [1, 2])
def test_many_steps_in_one_dispatch_end_with_the_same_bits_however_they_are_divided(count):
    (each, state), (few, other) = of_many(count, 5, [1] * 9), of_many(count, 5, [5, 1, 3])
    assert [row["step"] for row in few] == [5, 6, 9]
    assert few == [each[4], each[5], each[8]] and state == other
    plain, _ = of_many(count, 1, [1] * 9)
    np.testing.assert_allclose([r["sum"] for r in plain], [r["sum"] for r in each], rtol=1e-5)


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("count", [1, 2])
def test_compiled_in_the_background_it_is_the_same_program(count, most):
    assert of_many(count, most, [1, most]) == of_many(count, most, [1, most], prepare=True)


def test_what_fails_in_the_background_is_raised_by_the_first_call():
    def step(state, samples, data, frozen):
        raise ValueError("cannot be traced")

    compiled = devices.Compiled(lambda axis: step, batch=1, count=1)
    compiled.prepare(jnp.ones(()), None, None)
    with pytest.raises(ValueError, match="cannot be traced"):
        compiled(jnp.ones(()), None, None)


def test_more_steps_than_were_compiled_are_refused():
    with pytest.raises(ValueError, match="6 steps: from 1 to 5"):
        of_many(1, 5, [6])


def test_a_cpu_does_one_step_per_dispatch(monkeypatch):
    assert devices.steps_per_dispatch(0) == devices.steps_per_dispatch(20) == 1
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert devices.steps_per_dispatch(0) == devices.STEPS_PER_DISPATCH
    assert devices.steps_per_dispatch(20) == 20


@pytest.mark.parametrize(
    "precision, expected", [("default", None), ("tf32", "tensorfloat32"), ("float32", "float32")]
)
def test_the_precision_of_products_is_the_named_one(precision, expected):
    seen = []

    def make(axis):
        def step(state, samples, data, frozen):
            seen.append(jax.config.jax_default_matmul_precision)
            return state, {}

        return steps.Step.plain(step)

    compiled = devices.Compiled(make, batch=1, count=1, precision=precision)
    compiled(jnp.ones(()), None, None)
    assert seen == [expected or jax.config.jax_default_matmul_precision]


def test_the_state_is_updated_in_place():
    compiled = devices.Compiled(
        lambda axis: lambda state, samples, pair, frozen: (state + samples.sum(), {"x": pair}),
        batch=2,
        count=1,
    )
    state = compiled.place(jnp.ones(3))
    new, _ = compiled(state, jnp.ones(()), None)
    assert state.is_deleted() and new.tolist() == [2, 2, 2]
