import numpy as np
import pytest
from scipy import signal

from deepsim_jax.errors import UserError
from deepsim_jax.nets.inception import inception_features

# Kernel, stride and padding, as in table 1 of the paper and in torchvision.
LAYERS = {
    "Conv2d_1a_3x3": ((3, 3, 3, 32), 2, 0),
    "Conv2d_2a_3x3": ((3, 3, 32, 32), 1, 0),
    "Conv2d_2b_3x3": ((3, 3, 32, 64), 1, 1),
    "Conv2d_3b_1x1": ((1, 1, 64, 80), 1, 0),
    "Conv2d_4a_3x3": ((3, 3, 80, 192), 1, 0),
}


@pytest.fixture(scope="module")
def params():
    """Random weights: the wiring is tested here, not what the weights know."""
    rng = np.random.default_rng(0)
    return {
        layer: {
            "kernel": rng.normal(0, (2 / np.prod(shape[:3])) ** 0.5, shape).astype(np.float32),
            "bias": rng.normal(0, 0.1, shape[3]).astype(np.float32),
        }
        for layer, (shape, _, _) in LAYERS.items()
    }


def plain_unit(x, layer, stride, padding):
    """Convolution and ReLU of (C, H, W) in float64."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    kernels = layer["kernel"].astype(np.float64).transpose(3, 2, 0, 1)
    y = np.stack(
        [
            sum(signal.correlate2d(plane, k, "valid") for plane, k in zip(x, kernel, strict=True))
            for kernel in kernels
        ]
    )
    return np.maximum(y[:, ::stride, ::stride] + layer["bias"][:, None, None], 0)


def plain_pool(x):
    rows, columns = (x.shape[1] - 1) // 2, (x.shape[2] - 1) // 2
    windows = [
        [x[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((1, 2)) for j in range(columns)]
        for i in range(rows)
    ]
    return np.array(windows).transpose(2, 0, 1)


@pytest.mark.parametrize("height, width", [(23, 30), (26, 21)])
def test_both_taps_equal_a_plain_computation(params, height, width):
    x = np.random.default_rng(1).uniform(-1, 1, (2, height, width, 3)).astype(np.float32)
    y = x[1].transpose(2, 0, 1).astype(np.float64)
    found = {channels: np.asarray(inception_features(params, x, channels)) for channels in (64, 192)}
    h, w = (height - 3) // 2 - 1, (width - 3) // 2 - 1
    assert found[64].shape == (2, h, w, 64)
    assert found[192].shape == (2, (h - 3) // 2 - 1, (w - 3) // 2 - 1, 192)
    for name, (_, stride, padding) in LAYERS.items():
        if name == "Conv2d_3b_1x1":
            np.testing.assert_allclose(found[64][1], y.transpose(1, 2, 0), atol=1e-5)
            y = plain_pool(y)
        y = plain_unit(y, params[name], stride, padding)
    np.testing.assert_allclose(found[192][1], y.transpose(1, 2, 0), atol=1e-5)
    assert found[64].std() > 0.1 and found[192].std() > 0.1


@pytest.mark.parametrize("channels, smallest", [(64, 7), (192, 19)])
def test_small_pictures_are_refused(params, channels, smallest):
    x = np.zeros((1, smallest, smallest, 3), np.float32)
    assert inception_features(params, x, channels).shape == (1, 1, 1, channels)
    with pytest.raises(UserError, match=f"at least {smallest}"):
        inception_features(params, x[:, 1:], channels)


def test_other_taps_are_refused(params):
    with pytest.raises(UserError, match="2048 channels; the taps have 64 and 192"):
        inception_features(params, np.zeros((1, 30, 30, 3), np.float32), 2048)
