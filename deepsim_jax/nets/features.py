"""Frozen feature networks: VGG16, VGG19 and AlexNet as pure functions of their weights."""

from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from deepsim_jax.errors import UserError
from deepsim_jax.nets.conv import conv2d

# The mean and deviation of ImageNet's channels (R, G, B), for values in [-1, 1].
_MEAN = (-0.030, -0.088, -0.188)
_DEVIATION = (0.458, 0.448, 0.450)

# AlexNet's convolutions: stride and padding, and whether a pooling comes before.
_ALEXNET = {
    "conv1": (4, 2, False),
    "conv2": (1, 2, True),
    "conv3": (1, 1, True),
    "conv4": (1, 1, False),
    "conv5": (1, 1, False),
}
_ALEXNET_SMALLEST = 31

VggParams = Mapping[str, Mapping[str, jax.Array]]


def vgg_features(
    params: VggParams,
    x: jax.Array,
    taps: Sequence[str],
    *,
    normalise: bool = True,
    dtype: DTypeLike = jnp.float32,
) -> list[jax.Array]:
    """Activations of a VGG network (Simonyan & Zisserman 2015), computed up to the deepest tap.

    Args:
      params: {"conv1_1": {"kernel": (3, 3, C, D), "bias": (D,)}, ...}; "convG_I" is the I-th
        convolution of the G-th group, groups are separated by 2x2 max pooling. The names decide
        whether this is VGG16 or VGG19. Give them to a jitted function as an argument: closed over,
        they become constants of the compiled program.
      x: (N, H, W, 3) RGB in [-1, 1].
      taps: names of activations, "reluG_I".
      normalise: subtract ImageNet's mean and divide by its deviation, as in the network's own
        training and in LPIPS. False feeds x as it is, as the published DeepSIM and pix2pixHD do.
      dtype: type of the convolutions' operands and of the result.

    Returns:
      The activations in the order of `taps`; those of group G are smaller than x by 2^(G - 1),
      rounded down.

    Raises:
      UserError: a tap that the network does not have, or an image too small to reach it.
    """
    layers = sorted(params, key=_position)
    layer_names = ["conv" + tap.removeprefix("relu") if tap.startswith("relu") else tap for tap in taps]
    for tap, name in zip(taps, layer_names, strict=True):
        if name not in params or not tap.startswith("relu"):
            available = ", ".join("relu" + layer.removeprefix("conv") for layer in layers)
            raise UserError(f"VGG activation {tap!r}: this network has {available}")
    deepest = max(map(_position, layer_names), default=(1, 0))
    if min(x.shape[1:3]) < 2 ** (deepest[0] - 1):
        raise UserError(
            f"image of {x.shape[1]}x{x.shape[2]} pixels for VGG's group {deepest[0]}: "
            f"each side needs at least {2 ** (deepest[0] - 1)}"
        )
    if normalise:
        x = _normalised(x)
    x, group, activations = x.astype(dtype), 1, {}
    for name in (layer for layer in layers if _position(layer) <= deepest):
        if _position(name)[0] > group:
            x, group = _max_pool_2x2(x), _position(name)[0]
        kernel, bias = params[name]["kernel"].astype(dtype), params[name]["bias"].astype(dtype)
        x = nn.relu(conv2d(x, kernel, stride=1, padding=1) + bias)
        activations[name] = x
    return [activations[name] for name in layer_names]


def alexnet_features(params: Mapping[str, Mapping[str, jax.Array]], x: jax.Array) -> list[jax.Array]:
    """Activations of AlexNet in torchvision's form (Krizhevsky 2014, "One weird trick", one column).

    Args:
      params: {"conv1": {"kernel": (11, 11, 3, 64), "bias": (64,)}, ..., "conv5"}.
      x: (N, H, W, 3) RGB in [-1, 1]; ImageNet's mean and deviation are applied here.

    Returns:
      The five activations after their ReLUs, with 64, 192, 384, 256 and 256 channels.

    Raises:
      UserError: a side of less than 31 pixels, which the second pooling needs.
    """
    if min(x.shape[1:3]) < _ALEXNET_SMALLEST:
        raise UserError(
            f"image of {x.shape[1]}x{x.shape[2]} pixels for AlexNet: each side needs at least "
            f"{_ALEXNET_SMALLEST}"
        )
    x, activations = _normalised(x), []
    for name, (stride, padding, pooled) in _ALEXNET.items():
        x = max_pool_3x3(x) if pooled else x
        kernel, bias = params[name]["kernel"], params[name]["bias"]
        x = nn.relu(conv2d(x, kernel, stride=stride, padding=padding) + bias)
        activations.append(x)
    return activations


def max_pool_3x3(x: jax.Array) -> jax.Array:
    """3x3 maximum of (N, H, W, C), stride 2, no padding: (N, (H - 1) // 2, (W - 1) // 2, C).

    Rows and columns that do not fill a window are dropped.
    """
    return nn.max_pool(x, (3, 3), strides=(2, 2))


def _normalised(x: jax.Array) -> jax.Array:
    return (x - jnp.asarray(_MEAN, x.dtype)) / jnp.asarray(_DEVIATION, x.dtype)


def _position(layer: str) -> tuple[int, int]:
    """Group and index of "convG_I"."""
    group, index = layer.removeprefix("conv").split("_")
    return int(group), int(index)


def _max_pool_2x2(x: jax.Array) -> jax.Array:
    """2x2 maximum, stride 2; an odd last row or column is dropped.

    Pairwise maxima, because the gradient of XLA's window reduction is 20 times slower on a CPU. The
    two share a gradient differently where values tie, which after a ReLU is where they are zero and
    the gradient dies anyway.
    """
    n, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    x = x.reshape(n, height // 2, 2, width // 2, 2, channels)
    rows = jnp.maximum(x[:, :, 0], x[:, :, 1])
    return jnp.maximum(rows[:, :, :, 0], rows[:, :, :, 1])
