"""The first layers of Inception-v3, up to its first and second pooling."""

from collections.abc import Mapping

import flax.linen as nn
import jax

from deepsim_jax.errors import UserError
from deepsim_jax.nets.conv import conv2d
from deepsim_jax.nets.features import max_pool_3x3

# Name -> (stride, padding); the second group begins after the first pooling.
_FIRST = {"Conv2d_1a_3x3": (2, 0), "Conv2d_2a_3x3": (1, 0), "Conv2d_2b_3x3": (1, 1)}
_SECOND = {"Conv2d_3b_1x1": (1, 0), "Conv2d_4a_3x3": (1, 0)}
_SMALLEST = {64: 7, 192: 19}


def inception_features(
    params: Mapping[str, Mapping[str, jax.Array]], x: jax.Array, channels: int
) -> jax.Array:
    """Activations of Inception-v3 (Szegedy et al. 2016) just before its first or second pooling.

    Args:
      params: {"Conv2d_1a_3x3": {"kernel": (KH, KW, C, D), "bias": (D,)}, ...} with the batch
        normalisation folded in, as `weights.pretrained.load_inception` returns them.
      x: (N, H, W, 3) RGB in [-1, 1], not resized.
      channels: 64: before the first pooling; 192: before the second.

    Returns:
      (N, h, w, channels) after the ReLU: h = (H - 3) // 2 - 1 for 64, from which pooling and the
      further convolutions leave (h - 3) // 2 - 1 for 192.

    Raises:
      UserError: another number of channels, or a side of less than 7 (64) or 19 (192) pixels.
    """
    if channels not in _SMALLEST:
        raise UserError(f"Inception-v3 with {channels} channels; the taps have 64 and 192")
    if min(x.shape[1:3]) < _SMALLEST[channels]:
        raise UserError(
            f"image of {x.shape[1]}x{x.shape[2]} pixels for Inception-v3's {channels} "
            f"channels: each side needs at least {_SMALLEST[channels]}"
        )
    x = _layers(params, x, _FIRST)
    return x if channels == 64 else _layers(params, max_pool_3x3(x), _SECOND)


def _layers(params, x, names):
    for name, (stride, padding) in names.items():
        kernel, bias = params[name]["kernel"], params[name]["bias"]
        x = nn.relu(conv2d(x, kernel, stride=stride, padding=padding) + bias)
    return x
