"""Pictures at several scales through windows of one size: detail and arrangement, from few pixels."""

import jax
import jax.numpy as jnp


def draw(key: jax.Array, levels: int) -> jax.Array:
    """(levels - 1, 2) uniform numbers in [0, 1): where each window lies along y and x."""
    return jax.random.uniform(key, (levels - 1, 2))


def views(pictures: jax.Array, places: jax.Array) -> jax.Array:
    """Each picture at full size, half, a quarter ..., seen through windows of the last one's size.

    The first view is a window of the picture as it is, each further one of the picture averaged over
    squares of twice the side, the last is the whole picture, so small. Computing a network's features on
    all views costs levels / 4^(levels - 1) of the full picture, yet covers detail and arrangement.

    Args:
      pictures: (N, H, W, C).
      places: (N, levels - 1, 2) in [0, 1), from the top and left to the bottom and right (see `draw`).

    Returns:
      (levels * N, H // s, W // s, C) with s = 2^(levels - 1), the first view of all pictures first; one
      level is the pictures themselves.
    """
    windows = places.shape[1]
    size = tuple(side // 2**windows for side in pictures.shape[1:3])
    crops = []
    for level in range(windows):
        crops.append(jax.vmap(lambda x, place: _window(x, place, size))(pictures, places[:, level]))
        pictures = _halved(pictures)
    return jnp.concatenate([*crops, pictures])


def _halved(x: jax.Array) -> jax.Array:
    """Means of 2x2 pixels, (N, H // 2, W // 2, C); an odd last row or column is dropped."""
    n, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).mean((2, 4))


def _window(x: jax.Array, place: jax.Array, size: tuple[int, int]) -> jax.Array:
    """The window of a size in (H, W, C)."""
    free = jnp.asarray(x.shape[:2]) - jnp.asarray(size)
    starts = (place * (free + 1)).astype(jnp.int32)
    return jax.lax.dynamic_slice(x, (*starts, 0), (*size, x.shape[2]))
