"""Histograms of oriented gradients that can be differentiated.

The descriptor of Dalal and Triggs ("Histograms of oriented gradients for human detection", 2005) without
its normalisation, as Zhu, Krähenbühl, Shechtman and Efros constrain sketches by it ("Generative visual
manipulation on the natural image manifold", 2016; the figures are their program's). A pixel counts for
the one or two orientations that its gradient lies next to, a block for the pixels up to a block's side
away from its centre, the nearer the more, so that a stroke need not be drawn to the pixel.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

ORIENTATIONS = 8
BLOCK = 8
"""Side of a block in pixels, of pictures of 64."""

_SMALLEST = 1e-3  # added to a squared gradient: the root has a slope everywhere, and what is flat no edge


def hog(
    pictures: Float[Array | np.ndarray, "*batch height width channels"],
    *,
    orientations: int = ORIENTATIONS,
    block: int = BLOCK,
) -> Float[Array, "*batch rows columns orientations"]:
    """The gradients' orientations around each block of a picture.

    With g the gradient of the mean over channels (in [0, 1]; Sobel's filter over 4) and a = cos(pi / N),
    a pixel adds max(0, (|g . direction_k| - a |g|) / (1 - a)) to orientation k of N: |g| if it lies in
    the direction k pi / N or opposite, nothing from a neighbour's direction on. Blocks sum pixels with
    weights that fall off linearly along both axes. Beyond its border a picture goes on with its outer
    pixels; the published program has zeros there, and so an edge around all pictures that are not black.

    Args:
      pictures: in [-1, 1], of one channel or more.
      orientations: N, of half a turn; the first is that of edges that run down.
      block: side of a block in pixels; height and width are multiples of it.

    Returns:
      One histogram for each block, of values >= 0.

    Raises:
      ValueError: no whole number of blocks, or fewer than two orientations.
    """
    pictures = jnp.asarray(pictures)
    height, width = pictures.shape[-3:-1]
    if block < 1 or height % block or width % block or not height or not width:
        raise ValueError(f"hog of {width}x{height} px: no whole number of blocks of {block}")
    if orientations < 2:
        raise ValueError(f"hog of {orientations} orientations: give 2 or more")
    across, down = _sobel((pictures.mean(-1) + 1) / 2)
    angles = np.pi / orientations * np.arange(orientations)
    along = jnp.abs(
        across[..., None] * jnp.asarray(np.cos(angles), across.dtype)
        + down[..., None] * jnp.asarray(np.sin(angles), across.dtype)
    )
    length = jnp.sqrt(across * across + down * down + _SMALLEST)[..., None]
    near = math.cos(math.pi / orientations)
    shares = jnp.maximum((along - near * length) / (1 - near), 0)
    rows, columns = (jnp.asarray(_pooling(side, block), across.dtype) for side in (height, width))
    return jnp.einsum("...yxk,ry,cx->...rck", shares, rows, columns, precision=jax.lax.Precision.HIGHEST)


def _sobel(
    planes: Float[Array, "*batch height width"],
) -> tuple[Float[Array, "*batch height width"], Float[Array, "*batch height width"]]:
    """Derivatives along x and y over a distance of two pixels."""
    edges = [(0, 0)] * (planes.ndim - 2) + [(1, 1), (1, 1)]
    wide = jnp.pad(planes, edges, mode="edge")
    smooth_down = (wide[..., :-2, :] + 2 * wide[..., 1:-1, :] + wide[..., 2:, :]) / 4
    smooth_across = (wide[..., :-2] + 2 * wide[..., 1:-1] + wide[..., 2:]) / 4
    across = smooth_down[..., 2:] - smooth_down[..., :-2]
    down = smooth_across[..., 2:, :] - smooth_across[..., :-2, :]
    return across, down


@functools.lru_cache(maxsize=64)
def _pooling(length: int, block: int) -> Float[np.ndarray, "{length}//{block} {length}"]:
    """(blocks, length) weights: 1 at a block's centre, 0 a block's side away. Read-only."""
    centres = block * np.arange(length // block) + (block - 1) / 2
    matrix = np.maximum(1 - np.abs(centres[:, None] - np.arange(length)) / block, 0)
    matrix.setflags(write=False)
    return matrix
