"""Fréchet distances between the features of two pictures: SIFID, and the same over VGG16."""

import functools
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import inputs
from deepsim_jax.nets.features import vgg_features
from deepsim_jax.nets.inception import inception_features
from deepsim_jax.weights import pretrained

_CHANNELS = (64, 192)
_BLOCK_ROWS = 16384


def frechet_distance(features_a, features_b) -> float:
    """Fréchet distance of two Gaussians fitted to features (Dowson & Landau 1982, eq. 4).

    |mean_a - mean_b|^2 + tr(A) + tr(B) - 2 tr((A B)^(1/2)), with the unbiased covariances A and B, as
    FID is defined (Heusel et al. 2017). The last trace is the sum of the singular values of P Q^T for
    any P, Q with P^T P = A, Q^T Q = B; these come from symmetric eigendecompositions in float64. So it
    is defined for singular covariances, needs no complex square root, and equal features give zero to
    rounding.

    Args:
      features_a, features_b: (N, C) and (M, C), one sample per row, N, M >= 2; computed in float64.

    Returns:
      A float >= 0, symmetric.

    Raises:
      UserError: other shapes, fewer than two samples, or values that are not finite.
    """
    a, b = np.asarray(features_a), np.asarray(features_b)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise UserError(
            f"features of shapes {a.shape} and {b.shape}: give (N, C) and (M, C) with equal "
            "C and at least two samples each"
        )
    (mean_a, factor_a, trace_a), (mean_b, factor_b, trace_b) = _moments(a), _moments(b)
    if not np.isfinite([trace_a, trace_b]).all():
        raise UserError("features with values that are not finite, or too large for their squares")
    root = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    return max(0.0, float(np.sum((mean_a - mean_b) ** 2) + trace_a + trace_b - 2 * root))


def sifid(
    a, b, *, channels: int = 64, weights: str = "imagenet", file: str | Path | None = None
) -> float | np.ndarray:
    """Single-image Fréchet Inception distance (SinGAN: Shaham et al. 2019, section 3.1).

    The Fréchet distance of Inception-v3's features of the two pictures, every position a sample, at the
    pictures' own size. SinGAN's text takes the 192 channels before the second pooling, its program the
    64 before the first, with torchvision's ImageNet weights.

    Args:
      a, b: (H, W, 3) or (N, H, W, 3) of equal shapes, uint8 or floats in [-1, 1].
      channels: 64 or 192.
      weights: "imagenet" (torchvision's) or "fid" (those of FID); figures of the two are not comparable.
      file: a state dictionary with these weights; None: the published file, from the cache folder or
        downloaded into it.

    Returns:
      A float, or float64 (N,) for batches (SinGAN reports the mean over pairs); >= 0, symmetric.

    Raises:
      UserError: a type, shape or range that `inputs.as_batch` refuses, unequal shapes, another number
        of channels, pictures too small for two positions, or missing weights.
    """
    if channels not in _CHANNELS:
        raise UserError(f"sifid: channels={channels!r}; the taps are {' and '.join(map(str, _CHANNELS))}")
    first, second, single = inputs.as_pair(a, b)
    params = _inception(weights, None if file is None else str(file))
    return _distances(first, second, single, lambda x: _inception_features(params, x, channels))


def frechet_vgg16(a, b) -> float | np.ndarray:
    """SIFID's statistic over the 128 channels relu2_2 of VGG16, every position a sample.

    A figure of this program, for machines without Inception's weights: comparable with itself and with
    no published SIFID.

    Args:
      a, b: (H, W, 3) or (N, H, W, 3) of equal shapes, uint8 or floats in [-1, 1].

    Returns:
      A float, or float64 (N,) for batches; >= 0, symmetric.

    Raises:
      UserError: a type, shape or range that `inputs.as_batch` refuses, unequal shapes, pictures too
        small for two positions, or missing weights.
    """
    first, second, single = inputs.as_pair(a, b)
    return _distances(first, second, single, lambda x: _vgg16_features(_vgg16(), x))


def _distances(first, second, single, features: Callable[[np.ndarray], jax.Array]):
    """The distance of each pair, one picture at a time: the statistic takes longer than the network."""
    values = []
    for x, y in zip(first, second, strict=True):
        rows = [np.asarray(features(inputs.signed(picture[None]))) for picture in (x, y)]
        rows = [row.reshape(-1, row.shape[-1]) for row in rows]
        if len(rows[0]) < 2:
            raise UserError(
                f"pictures of {first.shape[2]}x{first.shape[1]} px give one position, and a "
                "Fréchet distance needs two or more; give larger ones"
            )
        values.append(frechet_distance(*rows))
    return inputs.as_result(values, single)


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean (C,), a factor P (C, C) of the covariance P^T P, and its trace, in float64.

    The rows are summed in blocks, so that only a block is ever held in float64.
    """
    mean = features.mean(0, dtype=np.float64)
    covariance = np.zeros((features.shape[1],) * 2)
    for start in range(0, len(features), _BLOCK_ROWS):
        centred = features[start : start + _BLOCK_ROWS].astype(np.float64) - mean
        covariance += centred.T @ centred
    covariance /= len(features) - 1
    trace = float(np.trace(covariance))
    if not np.isfinite(covariance).all():
        return mean, covariance, np.inf
    values, vectors = np.linalg.eigh(covariance)
    rounding = len(values) * np.finfo(np.float64).eps * values[-1]
    return mean, np.sqrt(np.where(values > rounding, values, 0))[:, None] * vectors.T, trace


@functools.cache
def _vgg16():
    return jax.device_put(pretrained.load_vgg16())


@functools.cache
def _inception(weights: str, file: str | None):
    return jax.device_put(pretrained.load_inception(weights, file))


@jax.jit
def _vgg16_features(params, x):
    with jax.default_matmul_precision("highest"):
        return vgg_features(params, x, ["relu2_2"])[0]


@functools.partial(jax.jit, static_argnums=2)
def _inception_features(params, x, channels):
    with jax.default_matmul_precision("highest"):
        return inception_features(params, x, channels)
