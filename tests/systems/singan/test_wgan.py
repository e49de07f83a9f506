"""The losses at float32 against networks written out in NumPy at float64, their slopes included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from deepsim_jax.systems.singan import networks, wgan

SIZE = (15, 14)
WIDTH = 3


@pytest.fixture(scope="module")
def case():
    """Both networks, their parameters (not as small as training begins with) and pictures, float64."""
    rng = np.random.default_rng(0)
    generator, discriminator = networks.Generator(WIDTH), networks.Discriminator(WIDTH)
    shape = (1, *SIZE, 3)
    params = [
        jax.eval_shape(generator.init, jax.random.key(0), jnp.zeros(shape), jnp.zeros(shape)),
        jax.eval_shape(discriminator.init, jax.random.key(0), jnp.zeros(shape)),
    ]
    g_params, d_params = jax.tree.map(lambda leaf: rng.normal(0, 0.4, leaf.shape), params)
    arrays = {name: rng.uniform(-1, 1, shape) for name in ("real", "fake", "previous", "z_previous")}
    arrays |= {"noise": rng.normal(size=shape)}
    return generator, discriminator, g_params, d_params, arrays


def conv(x, layer):
    """Correlation of an (H, W, C) picture with a 3x3 kernel, without padding."""
    windows = sliding_window_view(x, (3, 3), (0, 1))  # (H - 2, W - 2, C, 3, 3)
    return np.einsum("hwcab,abcd->hwd", windows, layer["kernel"]) + layer["bias"]


def stack(x, layers):
    """The five layers of a picture, and the function that carries a slope of the result back to it."""
    tape = []
    for i in range(4):
        y = conv(x, layers[f"conv_{i}"])
        deviation = np.sqrt(y.var((0, 1)) + 1e-5)
        normal = (y - y.mean((0, 1))) / deviation
        scale = layers[f"norm_{i}"]["scale"]
        y = normal * scale + layers[f"norm_{i}"]["bias"]
        tape.append((i, deviation, normal, scale, y))
        x = np.where(y > 0, y, 0.2 * y)

    def back(slope):
        slope = conv_back(slope, layers["conv_4"])
        for i, deviation, normal, scale, y in reversed(tape):
            slope = np.where(y > 0, slope, 0.2 * slope) * scale
            slope = slope - slope.mean((0, 1)) - normal * (slope * normal).mean((0, 1))
            slope = conv_back(slope / deviation, layers[f"conv_{i}"])
        return slope

    return conv(x, layers["conv_4"]), back


def conv_back(slope, layer):
    """The slope of a convolution's input: each output pixel's added to the nine that it came from."""
    height, width, _ = slope.shape
    result = np.zeros((height + 2, width + 2, layer["kernel"].shape[2]))
    for a in range(3):
        for b in range(3):
            result[a : a + height, b : b + width] += slope @ layer["kernel"][a, b].T
    return result


def reference_critic_loss(layers, real, fake, mix, weight):
    scores = [stack(x[0], layers)[0] for x in (real, fake)]
    penalty = reference_penalty(layers, real, fake, mix)
    return scores[1].mean() - scores[0].mean() + weight * penalty


def reference_penalty(layers, real, fake, mix):
    mixed = mix * real[0] + (1 - mix) * fake[0]
    scores, back = stack(mixed, layers)
    slopes = back(np.ones_like(scores))
    return ((np.sqrt((slopes**2).sum(-1)) - 1) ** 2).mean()


def reference_generator(layers, noise, previous, amplitude):
    x = amplitude * np.pad(noise[0], ((5, 5), (5, 5), (0, 0)))
    x = x + np.pad(previous[0], ((5, 5), (5, 5), (0, 0)))
    return (np.tanh(stack(x, layers)[0]) + previous[0])[None]


def scored_by(discriminator, params):
    return lambda pictures: discriminator.apply(params, pictures)


def slope_along(function, tree, rng):
    """A random direction in a tree of parameters, and the slope along it by central differences."""
    along = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), tree)
    ends = [function(jax.tree.map(lambda p, v, s=s: p + s * v, tree, along)) for s in (1e-6, -1e-6)]
    return along, (ends[0] - ends[1]) / 2e-6


def product(tree, other):
    return sum(jax.tree.leaves(jax.tree.map(lambda a, b: float((a * b).sum()), tree, other)))


@pytest.mark.slow
def test_critic_loss_and_its_gradient_equal_the_written_out_ones(case):
    _, discriminator, _, d_params, a = case

    def loss(params, real, fake, mix):
        return wgan.critic_loss(scored_by(discriminator, params), real, fake, mix, penalty_weight=0.5)

    (got, terms), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(
        d_params, a["real"], a["fake"], 0.3
    )

    def reference(params):
        return reference_critic_loss(params["params"]["stack"], a["real"], a["fake"], 0.3, 0.5)

    assert float(got) == pytest.approx(reference(d_params), rel=1e-4)
    layers = d_params["params"]["stack"]
    assert terms["d_real"] == pytest.approx(stack(a["real"][0], layers)[0].mean(), rel=1e-4)
    assert terms["d_fake"] == pytest.approx(stack(a["fake"][0], layers)[0].mean(), rel=1e-4)
    penalty = reference_penalty(layers, a["real"], a["fake"], 0.3)
    assert terms["d_penalty"] == pytest.approx(penalty, rel=1e-4) and penalty > 0.1
    for seed in range(3):
        along, slope = slope_along(reference, d_params, np.random.default_rng(seed))
        assert product(gradient, along) == pytest.approx(slope, rel=1e-3, abs=1e-3)


@pytest.mark.slow
def test_generator_loss_and_its_gradient_equal_the_written_out_ones(case):
    generator, discriminator, g_params, d_params, a = case

    def loss(params, noise, previous, z_previous, real):
        fake = generator.apply(params, noise, previous, 0.4)
        rebuilt = generator.apply(params, jnp.zeros_like(noise), z_previous, 0.4)
        scores = scored_by(discriminator, d_params)(fake)
        return wgan.generator_loss(scores, rebuilt, real)

    (got, terms), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(
        g_params, a["noise"], a["previous"], a["z_previous"], a["real"]
    )

    def reference(params):
        layers = params["params"]["stack"]
        fake = reference_generator(layers, a["noise"], a["previous"], 0.4)
        rebuilt = reference_generator(layers, 0 * a["noise"], a["z_previous"], 0.4)
        score = stack(fake[0], d_params["params"]["stack"])[0].mean()
        return -score + 10 * ((rebuilt - a["real"]) ** 2).mean()

    assert float(got) == pytest.approx(reference(g_params), rel=1e-4)
    total = terms["g_adversarial"] + 10 * terms["g_reconstruction"]
    assert float(got) == pytest.approx(float(total), rel=1e-6)
    along, slope = slope_along(reference, g_params, np.random.default_rng(0))
    assert product(gradient, along) == pytest.approx(slope, rel=1e-3, abs=1e-3)


@pytest.mark.slow
def test_penalty_equals_finite_differences(case):
    _, discriminator, _, d_params, a = case
    mix, step = 0.7, 1e-5
    layers = d_params["params"]["stack"]
    mixed = (mix * a["real"] + (1 - mix) * a["fake"])[0]
    slopes = np.zeros(mixed.shape)
    for place in np.ndindex(mixed.shape):
        move = np.zeros(mixed.shape)
        move[place] = step
        ends = [stack(mixed + sign * move, layers)[0].sum() for sign in (1, -1)]
        slopes[place] = (ends[0] - ends[1]) / (2 * step)
    expected = ((np.linalg.norm(slopes, axis=-1) - 1) ** 2).mean()
    assert reference_penalty(layers, a["real"], a["fake"], mix) == pytest.approx(expected, rel=1e-6)

    @jax.jit
    def penalty(real, fake):
        return wgan.gradient_penalty(scored_by(discriminator, d_params), real, fake, mix)

    assert float(penalty(a["real"], a["fake"])) == pytest.approx(expected, rel=1e-4)


def test_a_flat_critic_has_a_penalty_of_1_and_finite_gradients():
    real, fake = jnp.ones((1, 4, 4, 3)), jnp.zeros((1, 4, 4, 3))

    def penalty(weight):
        return wgan.gradient_penalty(lambda x: weight * x.sum(-1, keepdims=True), real, fake, 0.5)

    assert penalty(0.0) == 1 and jax.grad(penalty)(0.0) == 0
    # A slope of w in each of three channels: (sqrt(3) w - 1)^2
    assert penalty(2.0) == pytest.approx((2 * 3**0.5 - 1) ** 2)
    assert jax.grad(penalty)(2.0) == pytest.approx(2 * (2 * 3**0.5 - 1) * 3**0.5)


def test_the_critics_loss_does_not_reach_the_generator():
    real = jnp.ones((1, 4, 4, 3))
    slope = jax.grad(lambda fake: wgan.critic_loss(jnp.square, real, fake, 0.5)[0])(0.3 * real)
    assert not slope.any()


def test_each_sample_has_its_own_mix():
    real, fake = jnp.ones((2, 4, 4, 3)), jnp.zeros((2, 4, 4, 3))
    mix = jnp.asarray([0.2, 0.9])[:, None, None, None]
    # Slope 2 x in each of three channels, at x = mix.
    expected = ((2 * 3**0.5 * np.asarray([0.2, 0.9]) - 1) ** 2).mean()
    assert wgan.gradient_penalty(jnp.square, real, fake, mix) == pytest.approx(expected)
