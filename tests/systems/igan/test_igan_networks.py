"""The networks against plain convolutions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from deepsim_jax.systems.igan import networks
from deepsim_jax.systems.igan.learned import Learned, with_statistics
from deepsim_jax.systems.igan.networks import Sizes

NHWC = ("NHWC", "HWIO", "NHWC")


def drawn(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("kernel, padding", [("4x4", (1, 1)), ("5x5", (1, 2))])
def test_a_strided_convolution_is_the_plain_one(kernel, padding):
    x, side = drawn(2, 8, 8, 3), int(kernel[0])
    weights, bias = drawn(side, side, 3, 5), drawn(5)
    found = networks.Down(5, kernel).apply({"params": {"kernel": weights, "bias": bias}}, x)
    plain = lax.conv_general_dilated(x, weights, (2, 2), (padding, padding), dimension_numbers=NHWC)
    np.testing.assert_allclose(found, plain + bias, atol=1e-5)


@pytest.mark.parametrize("kernel, padding", [("4x4", (2, 2)), ("5x5", (2, 3))])
def test_a_transposed_convolution_is_the_plain_one(kernel, padding):
    x, side = drawn(2, 4, 4, 3), int(kernel[0])
    weights, bias = drawn(side, side, 3, 5), drawn(5)
    found = networks.Up(5, kernel).apply({"params": {"kernel": weights, "bias": bias}}, x)
    plain = lax.conv_general_dilated(
        x, weights, (1, 1), (padding, padding), lhs_dilation=(2, 2), dimension_numbers=NHWC
    )
    assert found.shape == (2, 8, 8, 5)
    np.testing.assert_allclose(found, plain + bias, atol=1e-5)


def test_the_published_sizes():
    sizes = Sizes(64, 100, 128, 128, 1024, kernel="5x5", d_norm="batch", spread=False)
    assert sizes.channels(128) == [1024, 512, 256, 128]
    shapes = jax.eval_shape(sizes.generator().init, jax.random.key(0), jnp.zeros((2, 100)))["params"]
    assert shapes["dense"]["kernel"].shape == (100, 4 * 4 * 1024)
    assert shapes["up_4"]["kernel"].shape == (5, 5, 128, 3) and "norm_4" not in shapes
    pictures = jnp.zeros((2, 64, 64, 3))
    judge = jax.eval_shape(sizes.discriminator().init, jax.random.key(0), pictures)["params"]
    assert judge["down_3"]["kernel"].shape == (5, 5, 512, 1024) and "norm_0" not in judge
    assert "norm_1" in judge and judge["dense"]["kernel"].shape == (4 * 4 * 1024, 1)


def test_spread_sees_a_generator_that_repeats_itself():
    """The only thing that the last channel knows is how much the pictures of a group differ."""
    x = np.zeros((8, 4, 4, 2), np.float32)
    x[4:] = np.arange(4)[:, None, None, None]
    plane = np.asarray(networks._with_spread(jnp.asarray(x)))[..., 2]
    assert (plane[:4] < 1e-3).all()
    np.testing.assert_allclose(plane[4:], np.std(np.arange(4)), rtol=1e-5)


def test_the_statistics_of_many_samples_stand_for_a_batch_s_own(random_networks):
    """Of the same samples they give the same pictures; of others a picture depends on its z alone."""
    sizes, generator = random_networks.sizes, random_networks.generator
    latents = jax.random.uniform(jax.random.key(0), (64, sizes.latent), minval=-1.0, maxval=1.0)
    own = sizes.generator().apply({"params": generator}, latents)
    statistics = with_statistics(generator, sizes, 64)
    fixed = Learned(generator, statistics, None, sizes=sizes)
    np.testing.assert_allclose(fixed.generate(latents), own, atol=1e-5)
    np.testing.assert_allclose(fixed.generate(latents[:1]), own[:1], atol=1e-5)


def test_bfloat16_stays_near(random_networks):
    import dataclasses

    latents = np.float32(np.random.default_rng(1).uniform(-1, 1, (8, 4)))
    narrow = random_networks.replace(sizes=dataclasses.replace(random_networks.sizes, dtype="bfloat16"))
    made = narrow.generate(latents)
    assert made.dtype == jnp.float32
    assert 1e-5 < np.abs(made - random_networks.generate(latents)).mean() < 0.05
