"""Metrics of pixels and their neighbourhoods: RMSE, PSNR, SSIM, and the diversity of samples."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import inputs

_SIGMA = 1.5
_RADIUS = int(3.5 * _SIGMA + 0.5)
_WINDOW = 2 * _RADIUS + 1
_K1, _K2 = 0.01, 0.03
_CHUNK_PIXELS = 2**20


def rmse(a, b) -> float | np.ndarray:
    """Root mean squared error over pixels and channels, in grey levels of 255.

    Args:
      a, b: (H, W, 3) or (N, H, W, 3) of equal shapes, uint8 or floats in [-1, 1].

    Returns:
      A float, or float64 (N,) for batches; from 0 (equal) to 255.

    Raises:
      UserError: a type, shape or range that `inputs.as_batch` refuses, or unequal shapes.
    """
    first, second, single = inputs.as_pair(a, b)
    squares = [
        np.mean((inputs.levels(x) - inputs.levels(y)) ** 2) for x, y in zip(first, second, strict=True)
    ]
    return inputs.as_result(np.sqrt(squares), single)


def psnr(a, b) -> float | np.ndarray:
    """Peak signal-to-noise ratio in decibel: 20 log10(255 / rmse), infinite for equal pictures.

    Arguments, result and errors as for `rmse`.
    """
    error = np.asarray(rmse(a, b))
    with np.errstate(divide="ignore"):
        return inputs.as_result(np.atleast_1d(20 * np.log10(255 / error)), error.ndim == 0)


def ssim(a, b, *, data_range: float | None = None, region=None) -> float | np.ndarray:
    """Structural similarity (Wang, Bovik, Sheikh & Simoncelli 2004), with the constants of its authors.

    The window is a Gaussian of sigma 1.5, cut at 3.5 sigma (11x11); variances and the covariance are
    those of the population; C1 = (0.01 L)^2 and C2 = (0.03 L)^2 for the data range L; the mean is taken
    over the three channels and the places where the window lies wholly inside the picture. This is
    scikit-image's `structural_similarity` with `gaussian_weights=True`, `use_sample_covariance=False`
    and `channel_axis=-1`, for uint8. Floats are measured from black (-1), so that they agree with uint8.

    Args:
      a, b: (H, W, 3) or (N, H, W, 3) of equal shapes, uint8 or floats in [-1, 1].
      data_range: L in the units of `a`; None: 255 for uint8, 2 for floats.
      region: (H, W), non-zero (True) = the mean is taken over these places alone (windows reach beyond
        it); None: over all of them.

    Returns:
      A float, or float64 (N,) for batches; in [-1, 1], 1 for equal pictures.

    Raises:
      UserError: a type, shape or range that `inputs.as_batch` refuses, unequal shapes, a side of less
        than 11 pixels, a data range that is not positive, or a region of another size or without a
        place for the window.
    """
    first, second, single = inputs.as_pair(a, b)
    height, width = first.shape[1:3]
    if min(height, width) < _WINDOW:
        raise UserError(
            f"ssim: pictures of {width}x{height} px are smaller than its window of "
            f"{_WINDOW}x{_WINDOW}; give larger ones"
        )
    full = 255 if first.dtype == np.uint8 else 2
    data_range = full if data_range is None else data_range
    if not (np.isfinite(data_range) and data_range > 0):
        raise UserError(f"ssim: data_range={data_range}; give a positive number, or None for {full}")
    places = _ssim_places(region, height, width)
    scale = 2 / full
    values: list[np.ndarray] = []
    for indices, count in inputs.chunks(len(first), height * width, _CHUNK_PIXELS):
        chunk = _ssim(
            inputs.signed(first[indices]), inputs.signed(second[indices]), data_range * scale, places
        )
        values.extend(np.asarray(chunk)[:count])
    return inputs.as_result(values, single)


def contrast(samples, reference) -> float:
    """How much contrast samples keep: their intensities' standard deviation, over the reference's.

    Intensities and deviations are those of `diversity`; the mean over the samples.

    Args:
      samples: (N, H, W, 3), uint8 or floats in [-1, 1].
      reference: (H, W, 3), of any size, the picture that the generator was trained on.

    Returns:
      A float >= 0; below 1 where samples are washed out.

    Raises:
      UserError: a type or range that `inputs.as_batch` refuses, or a reference of one intensity.
    """
    pictures, _ = inputs.as_batch(samples, "samples")
    truth, _ = inputs.as_batch(reference, "reference")
    spreads = [inputs.levels(picture).mean(-1).std() for picture in pictures]
    return float(np.mean(spreads) / _spread(truth, "contrast"))


def diversity(samples, reference) -> float:
    """Diversity of pictures generated from one picture (SinGAN: Shaham et al. 2019, section 3.1).

    The standard deviation of each pixel's intensity over the samples, averaged over the pixels and
    divided by the standard deviation of the reference's intensities. The paper does not say what the
    intensity of a coloured pixel is; here it is the mean of its three channels. Deviations are those of
    the population.

    Args:
      samples: (N, H, W, 3) with N >= 2, uint8 or floats in [-1, 1]; 100 in the paper.
      reference: (H, W, 3), the picture that the generator was trained on.

    Returns:
      A float >= 0; 0 where all samples are equal.

    Raises:
      UserError: a type or range that `inputs.as_batch` refuses, other shapes, fewer than two samples,
        sizes that differ, or a reference of one intensity.
    """
    pictures, single_sample = inputs.as_batch(samples, "samples")
    truth, single_reference = inputs.as_batch(reference, "reference")
    if (
        single_sample
        or not single_reference
        or len(pictures) < 2
        or pictures.shape[1:] != truth.shape[1:]
    ):
        raise UserError(
            f"diversity: samples of shape {np.shape(samples)} and a reference of shape "
            f"{np.shape(reference)}; give (N, H, W, 3) with N >= 2, and (H, W, 3)"
        )
    spread = _spread(truth, "diversity")
    intensities = np.stack([inputs.levels(picture).mean(-1) for picture in pictures])
    return float(intensities.std(0).mean() / spread)


def _spread(truth, name):
    """The standard deviation of a picture's intensities."""
    spread = inputs.levels(truth).mean(-1).std()
    if spread == 0:
        raise UserError(
            f"{name}: all pixels of the reference have the same intensity; give the picture that the "
            "samples were generated from"
        )
    return spread


def _ssim_places(region, height, width):
    """The places (H - 10, W - 10, 1) that SSIM is averaged over, as weights whose mean is 1."""
    region = np.ones((height, width), bool) if region is None else np.asarray(region) != 0
    if region.shape != (height, width):
        raise UserError(
            f"ssim: a region of shape {region.shape} for pictures of {width}x{height} px; "
            f"give {(height, width)}"
        )
    places = region[_RADIUS : height - _RADIUS, _RADIUS : width - _RADIUS, None]
    if not places.any():
        raise UserError(
            f"ssim: the region is empty, or nearer than {_RADIUS} pixels to the border, "
            f"where its window of {_WINDOW}x{_WINDOW} has no place"
        )
    return (places / places.mean()).astype(np.float32)


@jax.jit
def _ssim(x: jax.Array, y: jax.Array, data_range: jax.Array, places: jax.Array) -> jax.Array:
    """SSIM of float32 (N, H, W, 3), weighted by place: (N,).

    Each picture is measured from its pair's common mean, which changes no variance and keeps float32
    from cancelling. The luminance term alone needs the true means, shifted so that black is 0.
    """
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    centre = (x.mean((1, 2), keepdims=True) + y.mean((1, 2), keepdims=True)) / 2
    x, y = x - centre, y - centre
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    mean_x, mean_y = mean_x + centre + 1, mean_y + centre + 1
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    local = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1) * structure
    return (local * places).mean((1, 2, 3))


def _blur(x: jax.Array) -> jax.Array:
    """Gaussian means of the windows inside the picture: (N, H - 10, W - 10, 3)."""
    weights = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    for axis in (1, 2):
        size = x.shape[axis] - _WINDOW + 1
        shifted = (
            w * jax.lax.slice_in_dim(x, i, i + size, axis=axis)
            for i, w in enumerate((weights / weights.sum()).astype(np.float32))
        )
        x = functools.reduce(jnp.add, shifted)
    return x
