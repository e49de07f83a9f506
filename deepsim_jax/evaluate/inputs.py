"""Checks the inputs of metrics: one picture or a batch, uint8 or floats in [-1, 1], of equal sizes."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import ranges

_SLACK = 1e-3  # rounding of low-precision floats beyond [-1, 1]


def as_batch(pictures, name: str) -> tuple[np.ndarray, bool]:
    """One picture or a batch of them, checked.

    Floats carry no sign of their range. Those that all lie within [0, 1] are taken for pictures of
    that range and refused, because every metric would be silently wrong by a factor; a constant array
    (all 0: mid-grey, all 1: white) says nothing of its range and is accepted as [-1, 1]. So a real
    photograph in [-1, 1] without one pixel darker than mid-grey is refused too: give it as uint8.

    Args:
      pictures: (H, W, 3) or (N, H, W, 3), uint8 or any float type in [-1, 1].
      name: what the caller calls it, for the message.

    Returns:
      (N, H, W, 3) as it was given, and whether it was a single picture.

    Raises:
      UserError: another type, shape or range, or values that are not finite.
    """
    array = np.asarray(pictures)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or not array.size:
        raise UserError(
            f"{name}: an array of shape {array.shape}; a picture is (H, W, 3) and a batch "
            "(N, H, W, 3), with three channels and at least one pixel"
        )
    if array.dtype != np.uint8:
        _check_floats(array, name)
    return (array[None], True) if array.ndim == 3 else (array, False)


def as_pair(a, b) -> tuple[np.ndarray, np.ndarray, bool]:
    """Two pictures, or two batches, of equal shapes, as (N, H, W, 3), and whether they were single.

    One may be uint8 and the other float. Raises UserError as `as_batch`, or where shapes differ.
    """
    (first, single), (second, _) = as_batch(a, "first picture"), as_batch(b, "second picture")
    if np.shape(a) != np.shape(b):
        raise UserError(
            f"pictures of shapes {np.shape(a)} and {np.shape(b)}: both must be equal; "
            "resize or crop one of them before comparing"
        )
    return first, second, single


def levels(pictures: np.ndarray) -> np.ndarray:
    """Checked pictures as float64 grey levels: [0, 255], exact for uint8."""
    if pictures.dtype == np.uint8:
        return pictures.astype(np.float64)
    return (pictures.astype(np.float64) + 1) * 127.5


def signed(pictures: np.ndarray) -> np.ndarray:
    """Checked pictures as float32 in [-1, 1], what the networks take."""
    if pictures.dtype == np.uint8:
        return ranges.to_float(pictures)
    return pictures.astype(np.float32)


def chunks(count: int, pixels: int, most_pixels: int) -> Iterator[tuple[np.ndarray, int]]:
    """Splits a batch so that memory stays bounded and a program is compiled once per picture size.

    Args:
      count: pictures in the batch.
      pixels: of one picture.
      most_pixels: in a chunk; one picture is taken even where it has more.

    Yields:
      Indices of a chunk's pictures, all chunks of equal length, and how many of them are meant: the
      last chunk is filled up by repeating the last picture.
    """
    length = min(count, max(1, most_pixels // pixels))
    for start in range(0, count, length):
        yield np.minimum(np.arange(start, start + length), count - 1), min(length, count - start)


def as_result(values, single: bool) -> float | np.ndarray:
    """A figure per picture as a metric returns it: a float, or float64 (N,) for a batch."""
    values = np.asarray(values, np.float64)
    return float(values[0]) if single else values


def _check_floats(array: np.ndarray, name: str) -> None:
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise UserError(f"{name}: values of type {array.dtype}; give uint8, or floats in [-1, 1]")
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise UserError(f"{name}: values that are not finite; give uint8, or floats in [-1, 1]")
    if low < -1 - _SLACK or high > 1 + _SLACK:
        raise UserError(
            f"{name}: floats from {low:.4g} to {high:.4g}; they must lie in [-1, 1] (for "
            "levels of 0 to 255 give uint8)"
        )
    if low >= 0 and low != high:
        raise UserError(
            f"{name}: floats from {low:.4g} to {high:.4g} look like the range [0, 1]; give "
            "2 * x - 1, which lies in [-1, 1], or uint8"
        )
