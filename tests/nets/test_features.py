import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from deepsim_jax.errors import UserError
from deepsim_jax.nets import conv, features
from deepsim_jax.nets.features import alexnet_features, max_pool_3x3, vgg_features


def small_vgg(groups=(2, 2, 1), width=3, seed=0):
    """Random weights under VGG's names: the wiring is tested here, not what the weights know."""
    rng = np.random.default_rng(seed)
    return {
        f"conv{g + 1}_{i + 1}": {
            "kernel": rng.normal(0, 0.4, (3, 3, 3, width)).astype(np.float32),
            "bias": rng.normal(0, 0.1, width).astype(np.float32),
        }
        for g, count in enumerate(groups)
        for i in range(count)
    }


def plain_conv_relu(x, layer):
    planes = [
        sum(signal.correlate2d(x[..., c], layer["kernel"][..., c, d], "same") for c in range(3))
        + layer["bias"][d]
        for d in range(3)
    ]
    return np.maximum(np.stack(planes, -1), 0)


def plain_pool(x):
    height, width = x.shape[0] // 2, x.shape[1] // 2
    return np.array(
        [
            [x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max((0, 1)) for j in range(width)]
            for i in range(height)
        ]
    )


@pytest.mark.parametrize("height, width", [(12, 8), (13, 7)])
def test_features_equal_plain_loops(height, width):
    params = small_vgg()
    x = np.random.default_rng(1).uniform(-1, 1, (height, width, 3)).astype(np.float32)
    expected, y = {}, x
    for name, layer in params.items():
        if name in ("conv2_1", "conv3_1"):
            y = plain_pool(y)
        y = expected["relu" + name[4:]] = plain_conv_relu(y, layer)
    got = vgg_features(params, x[None], list(expected), normalise=False)
    for feature, reference in zip(got, expected.values(), strict=True):
        np.testing.assert_allclose(feature[0], reference, atol=1e-5)


def test_results_come_in_the_order_of_the_taps():
    params, x = small_vgg(), jnp.ones((1, 8, 8, 3))
    deep, shallow = vgg_features(params, x, ["relu3_1", "relu1_2"])
    assert (deep.shape[1], shallow.shape[1]) == (2, 8)


def test_layers_are_ordered_by_number_not_by_insertion():
    params, x = small_vgg(), jnp.ones((1, 8, 8, 3))
    reversed_params = dict(reversed(params.items()))
    a, b = vgg_features(params, x, ["relu3_1"]), vgg_features(reversed_params, x, ["relu3_1"])
    np.testing.assert_array_equal(a[0], b[0])


def test_normalised_input_is_imagenets():
    params = small_vgg()
    x = jax.random.uniform(jax.random.key(0), (1, 8, 8, 3), minval=-1)
    by_hand = (x - np.float32([-0.030, -0.088, -0.188])) / np.float32([0.458, 0.448, 0.450])
    a = vgg_features(params, x, ["relu2_1"], normalise=True)[0]
    b = vgg_features(params, by_hand, ["relu2_1"], normalise=False)[0]
    np.testing.assert_allclose(a, b, atol=1e-5)
    assert np.abs(a - vgg_features(params, x, ["relu2_1"], normalise=False)[0]).max() > 0.1


@pytest.mark.parametrize("tap, convolutions", [("relu1_1", 1), ("relu2_1", 3), ("relu5_1", 9)])
def test_nothing_is_computed_beyond_the_deepest_tap(tap, convolutions, monkeypatch):
    calls = []

    def counted(*args, **options):
        calls.append(args)
        return conv.conv2d(*args, **options)

    monkeypatch.setattr(features, "conv2d", counted)
    jax.eval_shape(
        lambda p, x: vgg_features(p, x, [tap]), small_vgg((2, 2, 2, 2, 2)), jnp.zeros((1, 32, 32, 3))
    )
    assert len(calls) == convolutions


def test_gradient_of_the_pooling_follows_the_maximum():
    params = small_vgg((1, 1))
    identity = np.zeros((3, 3, 3, 3), np.float32)
    identity[1, 1] = np.eye(3)
    params = {name: {"kernel": identity, "bias": np.zeros(3)} for name in params}
    x = jax.random.uniform(jax.random.key(0), (1, 4, 4, 3), minval=0.1)
    grad = jax.grad(lambda x: vgg_features(params, x, ["relu2_1"], normalise=False)[0].sum())(x)
    windows = np.asarray(x).reshape(2, 2, 2, 2, 3)
    largest = (windows == windows.max((1, 3), keepdims=True)).reshape(1, 4, 4, 3)
    np.testing.assert_array_equal(grad, largest)


def test_unknown_tap_is_refused_with_the_known_ones():
    params, x = small_vgg(), jnp.zeros((1, 8, 8, 3))
    for tap in ("relu9_1", "conv1_1", "pool"):
        with pytest.raises(UserError, match=f"{tap}.*relu1_1, relu1_2, relu2_1"):
            vgg_features(params, x, [tap])


def test_image_too_small_for_the_taps_is_refused():
    with pytest.raises(UserError, match="8x20 pixels.*at least 16"):
        vgg_features(small_vgg((1, 1, 1, 1, 1)), jnp.zeros((1, 8, 20, 3)), ["relu5_1"])


def small_alexnet(width=3):
    """Random weights of AlexNet's structure with few channels."""
    rng = np.random.default_rng(0)
    return {
        f"conv{i + 1}": {
            "kernel": rng.normal(0, 2 / side, (side, side, 3, width)).astype(np.float32),
            "bias": rng.normal(0, 0.1, width).astype(np.float32),
        }
        for i, side in enumerate((11, 5, 3, 3, 3))
    }


def plain_pool_3x3(x):
    height, width = (x.shape[0] - 1) // 2, (x.shape[1] - 1) // 2
    return np.array(
        [
            [x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((0, 1)) for j in range(width)]
            for i in range(height)
        ]
    )


@pytest.mark.parametrize("height, width", [(31, 31), (40, 53), (66, 47)])
def test_alexnet_equals_plain_loops(height, width):
    params = small_alexnet()
    x = np.random.default_rng(1).uniform(-1, 1, (height, width, 3)).astype(np.float32)
    got = alexnet_features(params, x[None])
    y = (x - np.float32([-0.030, -0.088, -0.188])) / np.float32([0.458, 0.448, 0.450])
    # The first convolution has stride 4 and padding 2: every fourth of a 'same' one without its rim.
    y = plain_conv_relu(y, params["conv1"])[3:, 3:][: height - 6, : width - 6][::4, ::4]
    for name, feature in zip(params, got, strict=True):
        if name != "conv1":
            y = plain_pool_3x3(y) if name in ("conv2", "conv3") else y
            y = plain_conv_relu(y, params[name])
        np.testing.assert_allclose(feature[0], y, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("height, width", [(3, 3), (6, 5), (7, 12)])
def test_pooling_of_three_drops_what_does_not_fill_a_window(height, width):
    x = np.random.default_rng(0).normal(size=(height, width, 2)).astype(np.float32)
    np.testing.assert_array_equal(max_pool_3x3(x[None])[0], plain_pool_3x3(x))


def test_image_too_small_for_alexnet_is_refused():
    with pytest.raises(UserError, match="30x90 pixels for AlexNet: each side needs at least 31"):
        alexnet_features(small_alexnet(), jnp.zeros((1, 30, 90, 3)))
