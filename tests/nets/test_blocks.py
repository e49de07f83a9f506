import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from deepsim_jax.nets import blocks


def test_instance_norm_is_the_formula_with_biased_variance():
    x = np.random.default_rng(0).normal(3, 5, (2, 6, 7, 4))
    mean = x.mean((1, 2), keepdims=True)
    expected = (x - mean) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    np.testing.assert_allclose(blocks.instance_norm(jnp.float32(x)), expected, atol=2e-6)


def test_instance_norm_takes_its_statistics_in_float32():
    x = (np.random.default_rng(0).normal(size=(1, 64, 64, 1)) + 100).astype(jnp.bfloat16)
    got = blocks.instance_norm(jnp.asarray(x))
    assert got.dtype == jnp.bfloat16
    expected = blocks.instance_norm(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(got.astype(jnp.float32), expected, rtol=2**-8)


@pytest.mark.parametrize("mean", [0.0, 1000.0])
def test_instance_norm_of_a_large_mean_and_its_gradient_are_the_written_out_ones(mean):
    draw = np.random.default_rng(0)
    x, g = draw.normal(mean, 0.5, (2, 9, 8, 3)), draw.normal(size=(2, 9, 8, 3))

    def written_out(x):
        variance = x.var((1, 2), keepdims=True)
        return (x - x.mean((1, 2), keepdims=True)) / jnp.sqrt(variance + 1e-5)

    x = np.float32(x)
    with jax.enable_x64(True):
        expected, pull = jax.vjp(written_out, jnp.float64(x))
        expected, slope = np.asarray(expected), np.asarray(pull(jnp.float64(g))[0])
    got, pull = jax.vjp(blocks.instance_norm, jnp.float32(x))
    np.testing.assert_allclose(got, expected, atol=2e-3 if mean else 1e-5)
    np.testing.assert_allclose(pull(jnp.float32(g))[0], slope, atol=2e-2 if mean else 1e-5)


@pytest.mark.parametrize("height, width", [(64, 64), (33, 33), (2, 600), (600, 1), (30, 31)])
def test_folded_sums_are_the_sums(height, width):
    arrays = np.random.default_rng(0).normal(size=(2, 2, height, width, 3)).astype(np.float32)
    folded = blocks._folded(tuple(map(jnp.asarray, arrays)))
    for got, array in zip(folded, arrays, strict=True):
        assert got.shape[1] * got.shape[2] <= max(512, height * width // 15)
        np.testing.assert_allclose(got.sum((1, 2)), array.sum((1, 2)), atol=1e-3)


def test_a_bias_before_a_normalisation_is_a_parameter_without_effect():
    x = jax.random.normal(jax.random.key(0), (1, 8, 8, 4))
    layer = blocks.Conv(3, 3, normed=True)
    params = layer.init(jax.random.key(1), x)["params"]
    moved = {**params, "bias": params["bias"] + 1}
    np.testing.assert_array_equal(layer.apply({"params": params}, x), layer.apply({"params": moved}, x))


@pytest.mark.parametrize("n", [1, 3, 9])
def test_reflect_pad_is_numpys_reflection_even_beyond_the_image(n):
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype(np.float32)
    expected = np.pad(x, ((0, 0), (n, n), (n, n), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(blocks.reflect_pad(jnp.asarray(x), n), expected)


@pytest.mark.parametrize("height, width", [(8, 6), (7, 5), (1, 2)])
def test_avg_pool_counts_only_pixels_of_the_image(height, width):
    x = np.random.default_rng(0).normal(size=(height, width)).astype(np.float32)
    expected = [
        [x[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2].mean() for j in range(0, width, 2)]
        for i in range(0, height, 2)
    ]
    got = blocks.avg_pool_3x3_s2(jnp.asarray(x)[None, :, :, None])[0, :, :, 0]
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_conv_correlates_and_adds_the_bias():
    x = np.random.default_rng(0).normal(size=(1, 9, 8, 2)).astype(np.float32)
    conv = blocks.Conv(3, 3, stride=2, padding=1)
    variables = conv.init(jax.random.key(0), x)
    kernel, bias = (np.asarray(variables["params"][name]) for name in ("kernel", "bias"))
    padded = np.pad(x[0], ((1, 1), (1, 1), (0, 0)))
    got = np.asarray(conv.apply(variables, x))[0]
    for d in range(3):
        planes = [signal.correlate2d(padded[..., c], kernel[..., c, d], "valid") for c in (0, 1)]
        np.testing.assert_allclose(got[..., d], sum(planes)[::2, ::2] + bias[d], atol=1e-6)


def test_conv_transpose_scatters_each_pixel_over_three_by_three():
    # Its definition: pixel (i, j) adds x * w[a, b] at (2i + a - 1, 2j + b - 1) of the output, with
    # w the kernel before it was flipped.
    x = np.random.default_rng(0).normal(size=(1, 4, 3, 2)).astype(np.float32)
    layer = blocks.ConvTranspose(3)
    variables = layer.init(jax.random.key(0), x)
    weight = np.asarray(variables["params"]["kernel"])[::-1, ::-1]
    expected = np.zeros((8 + 2, 6 + 2, 3))
    for i in range(4):
        for j in range(3):
            patch = np.einsum("c,abcd->abd", x[0, i, j], weight)
            expected[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += patch
    assert variables["params"]["bias"].shape == (3,)  # kept and not added
    np.testing.assert_allclose(layer.apply(variables, x)[0], expected[1:-1, 1:-1], atol=1e-6)


def test_resnet_block_is_a_sum_without_activation():
    x = jax.random.normal(jax.random.key(0), (1, 8, 8, 4))
    block = blocks.ResnetBlock()
    params = block.init(jax.random.key(1), x)["params"]
    apply = jax.jit(block.apply)
    zero = {**params, "conv_1": jax.tree.map(jnp.zeros_like, params["conv_1"])}
    np.testing.assert_array_equal(apply({"params": zero}, x), x)
    branch = apply({"params": params}, x) - x
    assert abs(branch.mean((1, 2))).max() < 1e-5
    np.testing.assert_allclose(branch.std((1, 2)), 1, atol=0.05)


@pytest.mark.parametrize(
    "layer, channels, fan_in",
    [
        (blocks.Conv(512, 4), 6, 4 * 4 * 6),
        (blocks.Conv(256, 3), 128, 9 * 128),
        (blocks.Conv(256, 3, normed=True), 128, None),
        (blocks.ConvTranspose(256), 128, None),
    ],
)
def test_initial_weights_follow_pytorchs_fan_in_where_a_bias_is_added(layer, channels, fan_in):
    params = layer.init(jax.random.key(3), jnp.zeros((1, 4, 4, channels)))["params"]
    assert abs(params["kernel"].std() / 0.02 - 1) < 0.02
    assert abs(params["kernel"].mean()) < 1e-3
    bound = 1 / math.sqrt(fan_in) if fan_in else 0
    assert 0.97 * bound <= abs(params["bias"]).max() <= bound


@pytest.mark.parametrize(
    "layer", [blocks.Conv(4, 3, dtype=jnp.bfloat16), blocks.ConvTranspose(4, dtype=jnp.bfloat16)]
)
def test_parameters_stay_float32_when_a_layer_computes_in_bfloat16(layer):
    x = jnp.ones((1, 8, 8, 4))
    variables = layer.init(jax.random.key(0), x)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype(jnp.float32)}
    assert layer.apply(variables, x).dtype == jnp.bfloat16
