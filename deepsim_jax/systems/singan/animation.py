"""A still photo that moves: a random walk of the noise, near the noise that yields the photo (§4)."""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp

from deepsim_jax.errors import UserError
from deepsim_jax.systems.singan import noise, sampling
from deepsim_jax.systems.singan.learned import Learned

_START = 0.95  # how near to z* the walk begins


def animate(
    key: jax.Array,
    learned: Learned,
    *,
    frames: int = 100,
    alpha: float = 0.1,
    beta: float = 0.9,
    start_scale: int = 2,
    batch: int = 10,
) -> Iterator[jax.Array]:
    """The frames of an animation, (n, H, W, C) in [-1, 1] at the training size, at most `batch` at once.

    Args:
      key: a random key.
      learned: the trained scales; published with `min_size` 20.
      frames: how many.
      alpha, beta, start_scale: see `walk`.
      batch: has no influence on the frames.

    Raises:
      UserError: an argument is out of range.
    """
    if frames < 1 or batch < 1:
        raise UserError(f"animation of {frames} frames, {batch} at once: at least 1 is needed of both")
    maps = walk(key, learned, frames=frames, alpha=alpha, beta=beta, start_scale=start_scale)
    previous = None
    if start_scale:
        below = sampling.reconstruct(learned)[start_scale - 1]
        previous = sampling.upsample(below, learned.pyramid.factor, learned.pyramid.sizes[start_scale])

    def pictures():
        for begin in range(0, frames, batch):
            chunk = [noise_map[begin : begin + batch] for noise_map in maps]
            # Filled up: a last, shorter batch would need a compilation of its own.
            missing = min(batch, frames) - len(chunk[0])
            chunk = [
                jnp.concatenate([noise_map, noise_map[:1].repeat(missing, 0)]) for noise_map in chunk
            ]
            images = sampling.refine(learned, chunk, previous, first=start_scale)[-1]
            yield images[: len(images) - missing]

    return pictures()


def walk(
    key: jax.Array,
    learned: Learned,
    *,
    frames: int,
    alpha: float = 0.1,
    beta: float = 0.9,
    start_scale: int = 2,
) -> list[jax.Array]:
    """The noise of each frame at the scales from the start scale on: (frames, h, w, C) each.

    z_t+1 = alpha z* + (1 - alpha) (z_t + beta (z_t - z_t-1) + (1 - beta) e_t) with standard normal e_t,
    z* zero above scale 0, z_0 = z* and z_1 = 0.95 z* + 0.05 e. The first frame is z_2.

    Args:
      key: a random key.
      learned: the trained scales.
      frames: how many.
      alpha: how close to the photo the walk stays, in [0, 1]; 1 is a still picture.
      beta: how smooth and slow the movement is, in [0, 1]; 1 draws no noise on the way.
      start_scale: scales below it stand still; the finer, the less moves.

    Raises:
      UserError: an argument is out of range.
    """
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not 0 <= value <= 1:
            raise UserError(f"animation with {name} {value}: it must lie between 0 and 1")
    sampling.check_start_scale(learned, start_scale)
    maps = []
    for scale in range(start_scale, learned.scales):
        size = tuple(side + learned.margin for side in learned.pyramid.sizes[scale])
        fixed = learned.fixed_noise if scale == 0 else jnp.zeros((1, *size, learned.channels))
        maps.append(
            _walk(jax.random.fold_in(key, scale), fixed, alpha, beta, frames=frames, coarsest=scale == 0)[
                :, 0
            ]
        )
    return maps


@functools.partial(jax.jit, static_argnames=("frames", "coarsest"))
def _walk(key, fixed, alpha, beta, *, frames, coarsest):
    def draw(number):
        return noise.draw(
            jax.random.fold_in(key, number), fixed.shape[1:3], coarsest=coarsest, channels=fixed.shape[-1]
        )

    def move(positions, number):
        current, previous = positions
        moved = current + beta * (current - previous) + (1 - beta) * draw(number)
        new = alpha * fixed + (1 - alpha) * moved
        return (new, current), new

    start = _START * fixed + (1 - _START) * draw(0)
    return jax.lax.scan(move, (start, fixed), jnp.arange(1, frames + 1))[1]
