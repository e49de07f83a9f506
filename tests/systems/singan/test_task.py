"""One scale's training: an iteration written out at float64, what is random, what is handed on."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from deepsim_jax.runtime import compilation
from deepsim_jax.systems.singan import networks, noise, pyramid, sampling
from deepsim_jax.systems.singan import task as singan
from deepsim_jax.training import alternating
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps

RATE = 0.03


@pytest.fixture(scope="module")
def plan():
    return pyramid.plan((22, 28), min_size=12, steps="nearest", filters=4)


@pytest.fixture(scope="module")
def pictures(plan):
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.uniform(-1, 1, (*size, 3)), jnp.float32) for size in plan.sizes]


@pytest.fixture(scope="module")
def finished(untrained_pyramid, plan):
    """What two scales have left."""
    learned = untrained_pyramid(scales=2)
    assert learned.pyramid == plan
    picture = jnp.zeros((1, *plan.sizes[1], 3))
    critic = networks.Discriminator(plan.widths[1]).init(jax.random.key(1), picture)["params"]
    return singan.Finished(learned, critic, sampling.reconstruct(learned)[-1])


def pair_of(state):
    """The parameters of (generator, discriminator)."""
    return state.params["generator"], state.params["discriminator"]


def begin(task, picture, finished):
    """(state, target) before the first iteration."""

    @jax.jit
    def make(picture, finished):
        target = task.target(picture, finished)
        carried = task.carried(jax.random.key(3), target)
        params = task.init(jax.random.key(2), finished)
        return states.create(params, optax.identity(), carried=carried), target

    return make(picture, finished)


def iteration(task):
    """One update of the critic and one of the generator; more of them are tested with less to compile."""
    updates = steps.Updates(optax.identity(), RATE, RATE, steps=9, constant_steps=9)
    return alternating.make_step(task, updates, seed=0, stage=task.scale, generator_updates=1)


# ----------------------------------------------- an iteration, written out without the networks' modules


def stack(layers, x):
    for i in range(5):
        x = jax.lax.conv_general_dilated(
            x, layers[f"conv_{i}"]["kernel"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = x + layers[f"conv_{i}"]["bias"]
        if i < 4:
            mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
            x = (x - mean) / jnp.sqrt(variance + 1e-5) * layers[f"norm_{i}"]["scale"]
            x = x + layers[f"norm_{i}"]["bias"]
            x = jnp.maximum(x, 0.2 * x)
    return x


def generated(g, drawn, previous, amplitude):
    padded = jnp.pad(amplitude * drawn + previous, ((0, 0), (5, 5), (5, 5), (0, 0)))
    return previous + jnp.tanh(stack(g["stack"], padded))


def d_loss(d, real, fake, mix):
    def score(x):
        return stack(d["stack"], x)

    slopes = jax.grad(lambda x: score(x).sum())(mix * real + (1 - mix) * fake)
    penalty = ((jnp.sqrt((slopes**2).sum(-1)) - 1) ** 2).mean()
    return score(fake).mean() - score(real).mean() + 0.1 * penalty


def g_loss(g, d, drawn, previous, amplitude, target):
    fake = generated(g, drawn, previous, amplitude)
    rebuilt = generated(g, jnp.zeros_like(drawn), target.previous, amplitude)
    return -stack(d["stack"], fake).mean() + 10 * ((rebuilt - target.real) ** 2).mean()


@pytest.mark.slow
def test_an_iteration_equals_the_written_out_one_at_float64(plan, pictures, finished):
    with jax.enable_x64(True):
        task = singan.Task(plan, 2, dtype="float64", critic_updates=1)
        state, target = begin(task, pictures[2], finished)
        # Larger weights than training begins with, so that nothing is nearly zero.
        rng = np.random.default_rng(4)
        wide = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(0, 0.3, leaf.shape), jnp.float64), state)
        target, amplitude = jax.tree.map(jnp.float64, (target, state.carried.amplitude))
        carried = jax.tree.map(jnp.float64, state.carried)
        state = state.replace(params=wide.params, carried=carried)
        key = jax.random.key(0)
        for number in (2, 0, 0):
            key = jax.random.fold_in(key, number)
        draws, _ = jax.jit(task.draw)(key[None], finished.learned, carried)

        @jax.jit
        def reference(g, d):
            previous, mix = draws.previous[0], draws.mix[0]
            fake = generated(g, draws.noise, previous, amplitude)
            slope = jax.grad(d_loss)(d, target.real, fake, mix)
            d = jax.tree.map(lambda p, s: p - RATE * s, d, slope)
            slope = jax.grad(g_loss)(g, d, draws.noise, previous, amplitude, target)
            g = jax.tree.map(lambda p, s: p - RATE * s, g, slope)
            return g, d

        expected = reference(*pair_of(state))
        given = state, jnp.arange(1), target, finished.learned
        step = jax.jit(iteration(task)).lower(*given).compile(compilation.options())
        moved, metrics = step(*given)
        got = moved.params["generator"], moved.params["discriminator"]
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9), got, expected)
        assert {leaf.dtype for leaf in jax.tree.leaves(got)} == {np.dtype("float64")}
        jump = jax.tree.map(lambda a, b: float(abs(a - b).max()), got[0], state.params["generator"])
        assert max(jax.tree.leaves(jump)) > 1e-3
    mse = float(metrics["g_reconstruction"])
    assert float(metrics["psnr"]) == pytest.approx(10 * np.log10(4 / mse), rel=1e-5)


@pytest.mark.slow
def test_both_parts_of_the_generators_loss_make_the_whole(plan, pictures, finished):
    task = singan.Task(plan, 2)
    state, target = begin(task, pictures[2], finished)
    draws, carried = jax.jit(task.draw)(jax.random.key(1)[None], finished.learned, state.carried)
    generator, discriminator = pair_of(state)

    @jax.jit
    def slopes(generator):
        whole = jax.grad(task.generator_loss, has_aux=True)(
            generator, discriminator, draws, target, carried
        )
        first = jax.grad(task.adversarial_loss, has_aux=True)(
            generator, discriminator, draws, target, carried
        )
        return whole, first, jax.grad(task.reconstruction_loss, has_aux=True)(generator, target, carried)

    (whole, (terms, _)), (first, (about_fake, _)), (second, (about_rebuilt, _)) = slopes(generator)
    for expected, a, b in zip(*map(jax.tree.leaves, (whole, first, second)), strict=True):
        np.testing.assert_allclose(a + b, expected, rtol=1e-3, atol=1e-5)
    parts = {**about_fake, **about_rebuilt}
    assert parts.keys() == terms.keys()
    for name, value in parts.items():
        assert float(value) == pytest.approx(float(terms[name]), rel=1e-3, abs=1e-5)


# ----------------------------------------------------------------------- what is random, what is carried


@pytest.mark.slow
def test_the_pictures_below_are_fresh_samples_of_all_coarser_scales(plan, finished):
    task = singan.Task(plan, 2)
    carried = task.carried(jax.random.key(0), task.target(jnp.zeros((*plan.sizes[2], 3)), finished))
    draws, same = jax.jit(task.draw)(jax.random.split(jax.random.key(1), 2), finished.learned, carried)
    assert draws.previous.shape == (3, 2, *plan.sizes[2], 3) and draws.noise.shape[0] == 2
    flat = np.asarray(draws.previous).reshape(6, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(6)).max() < 0.9
    # By hand: the same keys through both scales.
    key = jax.random.split(jax.random.split(jax.random.key(1), 2)[1], 4)[2]
    maps = sampling.noise_maps(jax.random.split(key, 3)[1:2], finished.learned, plan.sizes[:2])
    one = finished.learned.apply(0, maps[0], jnp.zeros((1, *plan.sizes[0], 3)))
    two = finished.learned.apply(1, maps[1], pyramid.upsample(one, plan.factor, plan.sizes[1]))
    expected = pyramid.upsample(two, plan.factor, plan.sizes[2])
    np.testing.assert_allclose(draws.previous[1, 1], expected[0], atol=1e-4)
    jax.tree.map(np.testing.assert_array_equal, same, carried)


@pytest.mark.parametrize("redrawn", [False, True])
def test_the_fixed_noise_is_drawn_once_or_in_each_iteration(plan, pictures, redrawn):
    task = singan.Task(plan, 0, redrawn=redrawn)
    carried = task.carried(jax.random.key(3), task.target(pictures[0], None))
    seen = [np.asarray(carried.fixed_noise)]
    assert seen[0].shape == (1, *plan.sizes[0], 3) and np.ptp(seen[0], axis=-1).max() == 0
    for key in jax.random.split(jax.random.key(0), 2):
        _, carried = task.draw(key[None], None, carried)
        seen.append(np.asarray(carried.fixed_noise))
    assert len({one.tobytes() for one in seen}) == (3 if redrawn else 1)


def test_the_amplitude_is_the_error_of_what_comes_from_below(plan, pictures, finished):
    task = singan.Task(plan, 2, noise_weight=0.2)
    target = task.target(pictures[2], finished)
    error = np.asarray(pyramid.upsample(finished.rebuilt, plan.factor, plan.sizes[2]) - pictures[2])
    expected = 0.2 * np.sqrt((error**2).mean())
    assert float(task.carried(jax.random.key(0), target).amplitude) == pytest.approx(expected, rel=1e-5)
    first = singan.Task(plan, 0)
    assert float(first.carried(jax.random.key(0), first.target(pictures[0], None)).amplitude) == 1


@pytest.mark.slow
def test_weights_go_upward_where_the_widths_agree(plan, finished):
    same = jax.jit(singan.Task(plan, 2).init)(jax.random.key(0), finished)
    coarser = {
        "generator": finished.learned.generators[-1],
        "discriminator": finished.discriminator,
    }
    jax.tree.map(np.testing.assert_array_equal, same, coarser)
    wider = dataclasses.replace(plan, widths=(4, 4, 8))
    params = jax.jit(singan.Task(wider, 2).init)(jax.random.key(0), finished)
    g, d = params["generator"], params["discriminator"]
    assert g["stack"]["conv_1"]["kernel"].shape == d["stack"]["conv_1"]["kernel"].shape == (3, 3, 8, 8)
    assert 0.01 < float(jnp.std(g["stack"]["conv_1"]["kernel"])) < 0.03


@pytest.mark.slow
def test_a_finished_scale_is_the_reconstruction_of_the_next(plan, pictures, finished):
    task = singan.Task(plan, 2)
    state, target = begin(task, pictures[2], finished)
    left = jax.jit(task.finish)(finished, *pair_of(state), state.carried, target)
    assert left.learned.scales == 3
    np.testing.assert_allclose(left.rebuilt, sampling.reconstruct(left.learned)[-1], atol=1e-4)
    first = singan.Task(plan, 0)
    state, target = begin(first, pictures[0], None)
    alone = jax.jit(first.finish)(None, *pair_of(state), state.carried, target)
    np.testing.assert_array_equal(alone.learned.fixed_noise, state.carried.fixed_noise)
    np.testing.assert_allclose(alone.rebuilt, sampling.reconstruct(alone.learned)[0], atol=1e-4)


def first_scale(plan, pictures, **options):
    """(task, state, target, carried after the loss of one generator update, what is left of it)."""
    task = singan.Task(plan, 0, critic_updates=1, **options)
    state, target = begin(task, pictures[0], None)
    draws, carried = task.draw(jax.random.key(0)[None], None, state.carried)
    loss, (_, carried) = jax.jit(task.generator_loss)(*pair_of(state), draws, target, carried)
    assert np.isfinite(float(loss))
    left = jax.jit(task.finish)(None, *pair_of(state), carried, target)
    return task, state, target, carried, left


@pytest.mark.slow
def test_running_statistics_are_those_of_the_generated_pictures(plan, pictures):
    _, state, _, carried, left = first_scale(plan, pictures, running=True)
    before, after = (c.statistics["stack"]["norm_0"] for c in (state.carried, carried))
    # One update, in which the past weighs 0.9; the pictures' own variance is small.
    assert 0 < float(jnp.abs(after["mean"]).max()) and (before["mean"] == 0).all()
    assert (0.9 < after["var"]).all() and (after["var"] < 1).all() and (before["var"] == 1).all()
    jax.tree.map(np.testing.assert_array_equal, left.learned.statistics[0], carried.statistics)


@pytest.mark.slow
def test_noise_in_the_margin_is_trained_with_where_asked(plan, pictures):
    _, _, target, _, left = first_scale(plan, pictures, noise_margin=True)
    assert left.learned.margin == 10 and left.rebuilt.shape == target.real.shape
    upper = singan.Task(plan, 1, noise_margin=True)
    carried = upper.carried(jax.random.key(0), upper.target(pictures[1], left))
    draws, _ = upper.draw(jax.random.key(0)[None], left.learned, carried)
    assert draws.noise.shape == (1, *(side + 10 for side in plan.sizes[1]), 3)


@pytest.mark.slow
def test_no_array_is_captured_by_an_iteration(plan, pictures, finished):
    """Earlier weights, the photo and its reconstruction are arguments of the compiled program."""
    task = singan.Task(plan, 2, critic_updates=1)
    state, target = begin(task, pictures[2], finished)
    given = state, jnp.arange(1), target, finished.learned
    traced = jax.make_jaxpr(iteration(task))(*given)
    # What is left are the matrices of the resizing, which depend on sizes alone.
    assert all(np.ndim(constant) <= 2 for constant in traced.consts)
    sizes = {size for plan_size in plan.sizes for size in plan_size}
    assert all(set(np.shape(constant)) <= sizes for constant in traced.consts)
    assert len(traced.jaxpr.invars) == len(jax.tree.leaves(given))


def test_a_fresh_generator_shows_what_comes_from_below(plan, pictures):
    task = singan.Task(plan, 0)
    state, target = begin(task, pictures[0], None)
    drawn = noise.draw(jax.random.key(0), plan.sizes[0], coarsest=True)
    fake = task.judged(
        state.params["generator"],
        singan.Draws(drawn, jnp.zeros((1, *drawn.shape)), jnp.zeros(1)),
        state.carried,
    )[0][0]
    assert fake.shape == target.real.shape and float(jnp.abs(fake).max()) < 1


@pytest.mark.slow
def test_a_scale_trained_on_few_colours_gets_these_only(plan, pictures, finished):
    centres = ((-0.5, -0.5, -0.5), (0.5, 0.5, 0.25))
    plain = singan.Task(plan, 2)
    task = dataclasses.replace(plain, centres=centres)
    finished = finished.replace(discriminator=None)
    state, target = begin(task, pictures[2], finished)
    usual = pyramid.upsample(finished.rebuilt, plan.factor, plan.sizes[2])
    nearest = np.linalg.norm(usual[..., None, :] - np.asarray(centres), axis=-1).argmin(-1)
    np.testing.assert_array_equal(target.previous, np.float32(centres)[nearest])
    expected = noise.amplitude(pictures[2], target.previous[0])
    np.testing.assert_allclose(state.carried.amplitude, expected, rtol=1e-5)
    # Without a critic of the scale below, the weights are drawn although the widths agree.
    assert plan.widths[2] == plan.widths[1]
    kernel = state.params["generator"]["stack"]["conv_1"]["kernel"]
    assert kernel.std() < 0.05 < finished.learned.generators[1]["stack"]["conv_1"]["kernel"].std()
    keys = jax.random.key(5)[None]
    draws, usual = (jax.jit(one.draw)(keys, finished.learned, state.carried)[0] for one in (task, plain))
    nearest = np.linalg.norm(usual.previous[..., None, :] - np.asarray(centres), axis=-1).argmin(-1)
    np.testing.assert_array_equal(draws.previous, np.float32(centres)[nearest])
