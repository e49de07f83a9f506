import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from deepsim_jax import augment
from deepsim_jax.errors import UserError
from deepsim_jax.losses import adversarial_d, adversarial_g
from deepsim_jax.nets.blocks import instance_norm
from deepsim_jax.training import devices
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps
from deepsim_jax.types import Pair

ADAM = optax.scale_by_adam(b1=0.5, b2=0.999)


@pytest.mark.parametrize("batch, requested, available, count", [
    (1, 0, 8, 1), (4, 0, 2, 2), (4, 0, 8, 4), (6, 0, 4, 3), (7, 0, 4, 1), (3, 0, 1, 1),
    (4, 1, 8, 1), (4, 2, 8, 2), (8, 8, 8, 8),
])
def test_the_number_of_devices_divides_the_batch(batch, requested, available, count):
    assert devices.choose(batch, requested, available=available) == count


@pytest.mark.parametrize("batch, requested, message", [
    (4, 3, "train.devices=3: this machine has 2"),
    (3, 2, "train.batch=3: .* multiple of the 2 devices"),
])
def test_what_cannot_be_is_told(batch, requested, message):
    with pytest.raises(UserError, match=message):
        devices.choose(batch, requested, available=2)


def losses(g, d, batch, frozen):
    """A generator and a discriminator of one product each, adversarial as the real ones."""
    primitives, images = batch
    fake = jnp.tanh(instance_norm(primitives @ g))
    of_fake, of_real = ([jnp.concatenate([primitives, x], -1) @ d] for x in (fake, images))
    terms = {"g": adversarial_g("lsgan", of_fake), "d": adversarial_d("lsgan", of_real, of_fake),
             "l1": jnp.abs(fake - images).mean()}
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
    first = jnp.linspace(-1, 1, 9).reshape(3, 3), jnp.linspace(-1, 1, 6).reshape(6, 1)
    state = compiled.place(states.create(lambda key: first, None, ADAM, ema=False))
    rows = []
    for _ in range(number):
        state, metrics = compiled(state, pair, None)
        rows.append({k: float(v) for k, v in metrics.items()})
    return rows, jax.device_get(state)


def test_one_device_and_two_train_alike():
    assert jax.local_device_count() == 2
    (one, state), (two, other) = run(1, 4), run(2, 4)
    assert [list(row) for row in one] == [list(row) for row in two]
    np.testing.assert_allclose([list(r.values()) for r in one], [list(r.values()) for r in two],
                               rtol=1e-5)
    assert len({row["g"] for row in one}) == 4
    for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_the_state_is_updated_in_place():
    compiled = devices.Compiled(
        lambda axis: lambda state, samples, pair, frozen: (state + samples.sum(), {"x": pair}),
        batch=2, count=1)
    state = compiled.place(jnp.ones(3))
    new, _ = compiled(state, jnp.ones(()), None)
    assert state.is_deleted() and new.tolist() == [2, 2, 2]
