"""Why random warps help: the distance of each patch of a new drawing to the nearest training patch.

DeepSIM, section 5 and Figure 7, compares the activations of a classification network on the test drawing
and on the training drawing: for each position of the test drawing it takes the distance to the most
similar training activation, once with the training drawing alone and once with warped copies of it as
well. The paper uses ResNet-50 after its third stage (stride 16); this module uses VGG16's relu4_3
(stride 8), whose weights come with the installation.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from deepsim_jax.nets.features import vgg_features
from deepsim_jax.systems.deepsim import augment
from deepsim_jax.systems.deepsim.device_pair import Pair
from deepsim_jax.weights import pretrained

LAYER = "relu4_3"
STRIDE = 8
"""Pixels per position of the layer, along each axis."""

COPIES = 50
"""Warped copies of the training drawing, the paper's number."""


def activations(pictures: np.ndarray) -> np.ndarray:
    """Computes VGG16's activations relu4_3, one picture at a time.

    Args:
      pictures: (N, H, W, 3) float32 in [-1, 1], H and W at least 8.

    Returns:
      (N, H // 8, W // 8, 512) float32.
    """
    params = _weights()
    return np.concatenate([np.asarray(_activations(params, picture[None])) for picture in pictures])


def warped_copies(
    pair: Pair, settings: augment.Augmentation, *, count: int = COPIES, seed: int = 0
) -> np.ndarray:
    """The primitive of a training pair after random augmentations.

    Args:
      pair: on the device, (H, W).
      settings: what is drawn.
      count: how many.
      seed: of the draws.

    Returns:
      (count, H, W, 3) float32 in [-1, 1].
    """
    draw = jax.jit(lambda key: augment.augment(key, pair, settings)[0])
    return np.stack([np.asarray(draw(key)) for key in jax.random.split(jax.random.key(seed), count)])


def nearest_distances(test: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The Euclidean distance of each test activation to the nearest training activation.

    Args:
      test: (h, w, C).
      train: (N, h', w', C).

    Returns:
      (h, w) float32.
    """
    points = jnp.asarray(test.reshape(-1, test.shape[-1]))
    nearest = jnp.full(len(points), jnp.inf)
    for train_map in train:
        nearest = jnp.minimum(nearest, _squared(points, train_map.reshape(-1, train_map.shape[-1])))
    return np.sqrt(np.asarray(nearest)).reshape(test.shape[:2])


def error_map(result: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The paper's prediction error: L1 distance of the activations of the result and the true picture.

    Args:
      result, truth: (H, W, 3) float32 in [-1, 1].

    Returns:
      (H // 8, W // 8) float32, mean absolute difference over the channels.
    """
    result_activations, truth_activations = activations(np.stack([result, truth]))
    return np.abs(result_activations - truth_activations).mean(axis=-1)


def rank_correlation(distances: np.ndarray, errors: np.ndarray) -> float:
    """Spearman's rank correlation between two maps, from -1 to 1; 0 where one of them is constant."""
    if np.ptp(distances) == 0 or np.ptp(errors) == 0:
        return 0.0
    return float(stats.spearmanr(distances.ravel(), errors.ravel()).statistic)


@functools.cache
def _weights():
    return jax.tree.map(jnp.asarray, pretrained.load_vgg16())


@jax.jit
def _activations(params, pictures):
    with jax.default_matmul_precision("highest"):
        return vgg_features(params, pictures, [LAYER])[0]


@jax.jit
def _squared(points, references):
    """Squared distance of each (n, C) point to the nearest of (m, C) others."""
    product = jnp.matmul(points, references.T, precision=jax.lax.Precision.HIGHEST)
    squares = (points**2).sum(1)[:, None] + (references**2).sum(1)[None] - 2 * product
    return jnp.maximum(squares.min(axis=1), 0)
