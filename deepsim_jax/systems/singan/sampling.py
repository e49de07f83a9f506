"""Pictures from noise: the reconstruction, and random samples of any size from any start scale (§2, §3).

One convention everywhere: scale 0 is the coarsest. A sample from start scale s has the reconstruction
below s and fresh noise from s on; from scale 0 all of it is new. (The paper counts its scales from the
finest; its N is 0 here, its N - 1 is 1.)

Each scale is compiled once for each size and number of samples, and serves all start scales.
"""

import functools
import operator
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from deepsim_jax.errors import UserError
from deepsim_jax.ops import bicubic
from deepsim_jax.systems.singan import networks, noise, pyramid
from deepsim_jax.systems.singan.learned import Learned

Size = tuple[int, int]

# Compiled: otherwise each operation between two scales is dispatched on its own.
upsample = jax.jit(pyramid.upsample, static_argnames=("factor", "size"))


def sample(
    keys: jax.Array, learned: Learned, *, start_scale: int = 0, size: Size | None = None
) -> jax.Array:
    """Random samples, one for each key, which does not depend on the others: (N, H, W, C) in [-1, 1].

    Args:
      keys: (N,) random keys. The noise of a scale is the same whatever the start scale.
      learned: the trained scales.
      start_scale: 0 to the number of scales - 1.
      size: (height, width) of the samples; by default the training size. Where it differs, the
        reconstruction below the start scale is stretched to it.

    Raises:
      UserError: the start scale or the size is out of range.
    """
    check_start_scale(learned, start_scale)
    sizes = scale_sizes(learned, size)
    maps = noise_maps(keys, learned, sizes, first=start_scale)
    if start_scale == 0:
        return refine(learned, maps)[-1]
    below = reconstruct(learned)[start_scale - 1]
    stretched = bicubic.resize(below, size=sizes[start_scale - 1])
    previous = enter(learned, stretched, sizes[start_scale], scale=start_scale)
    return refine(learned, maps, previous, first=start_scale)[-1]


def reconstruct(learned: Learned) -> list[jax.Array]:
    """The reconstruction of the photo from {z*, 0, ..., 0}: (1, h, w, C) at each scale's size."""
    sizes = _with_margin(learned, learned.pyramid.sizes[1 : learned.scales])
    zeros = [jnp.zeros((1, *size, learned.channels)) for size in sizes]
    return refine(learned, [learned.fixed_noise, *zeros])


def refine(
    learned: Learned, maps: Sequence[jax.Array], previous: jax.Array | None = None, *, first: int = 0
) -> list[jax.Array]:
    """Passes pictures through the generators of neighbouring scales (eqs. 1 and 2).

    Args:
      learned: the trained scales.
      maps: noise of each scale from `first` on, (N, h + margin, w + margin, C) for pictures (h, w).
      previous: (N or 1, h, w, C) in [-1, 1] of the first scale's size, what the scale below shows
        there; None for zeros, with which scale 0 begins.
      first: the scale that begins.

    Returns:
      The pictures (N, h, w, C) of each of these scales, in [-1, 1].
    """
    outputs: list[jax.Array] = []
    for scale, noise_map in enumerate(maps, first):
        samples, height, width, channels = noise_map.shape
        size = height - learned.margin, width - learned.margin
        if outputs:
            previous = enter(learned, outputs[-1], size, scale=scale)
        elif previous is None:
            previous = jnp.zeros((samples, *size, channels))
        else:
            previous = jnp.broadcast_to(previous, (samples, *size, channels))
        outputs.append(_apply(learned, noise_map, previous, scale=scale))
    return outputs


def enter(learned: Learned, below: jax.Array, size: Size, *, scale: int) -> jax.Array:
    """What the scale below shows, (N, h, w, C), at a scale's size: (N, *size, C) in [-1, 1].

    The photo's own sizes differ by the pyramid's factor, but for their rounding, and lie over each
    other. Others, of samples in another size, are rounded ratios: by the factor they would be cropped, or
    end in a mirrored strip; they are stretched.

    Args:
      learned: the trained scales.
      below: picture of the scale below.
      size: (height, width) of the pictures at this scale.
      scale: 1 to the number of scales - 1.
    """
    own = learned.pyramid.sizes[scale - 1 : scale + 1]
    is_own = (below.shape[-3:-1], tuple(size)) == own
    return upsample(below, learned.pyramid.factor if is_own else None, size)


def noise_maps(
    keys: jax.Array, learned: Learned, sizes: Sequence[Size], *, first: int = 0
) -> list[jax.Array]:
    """Fresh noise for `refine`, one sample for each key, of the scales from `first` on.

    Args:
      keys: (N,) random keys.
      learned: the trained scales.
      sizes: of the pictures at all scales (`scale_sizes`).
      first: the first scale.
    """
    return [
        _draw(keys, scale=scale, size=size, channels=learned.channels)
        for scale, size in enumerate(_with_margin(learned, sizes))
        if scale >= first
    ]


def scale_sizes(learned: Learned, size: Size | None = None) -> tuple[Size, ...]:
    """The (height, width) at each trained scale of pictures of the given size at the finest one.

    The pyramid's own by default; else each of them times the ratio of the sizes, rounded.

    Raises:
      UserError: the networks see more than there is at the coarsest scale.
    """
    sizes = learned.pyramid.sizes[: learned.scales]
    if size is None or tuple(size) == sizes[-1]:
        return sizes
    ratios = [
        output_side / trained_side for output_side, trained_side in zip(size, sizes[-1], strict=True)
    ]
    new_sizes = tuple((round(height * ratios[0]), round(width * ratios[1])) for height, width in sizes)
    field = networks.RECEPTIVE_FIELD
    if min(new_sizes[0]) < field:
        least = [_least(coarse, fine) for coarse, fine in zip(sizes[0], sizes[-1], strict=True)]
        raise UserError(
            f"samples of {size[1]}x{size[0]} pixels would have "
            f"{new_sizes[0][1]}x{new_sizes[0][0]} at the coarsest scale, of which the networks "
            f"see {field}x{field} at once; take {least[1]}x{least[0]} or more"
        )
    return new_sizes


def check_start_scale(learned: Learned, start_scale: int, *, least: int = 0) -> None:
    """Refuses a scale that pictures cannot start from.

    Raises:
      UserError: it is not a whole number from `least` to the number of scales - 1.
    """
    if not _is_whole(start_scale) or not least <= start_scale < learned.scales:
        if learned.scales <= least:
            raise UserError(
                f"start scale {start_scale}: this SinGAN has {learned.scales} scale; a "
                f"picture can be put into scale {least} or a finer one; train more scales"
            )
        into = " that a picture can be put into" if least else ""
        raise UserError(
            f"start scale {start_scale}: allowed are {least} (the coarsest{into}) to "
            f"{learned.scales - 1} (the finest)"
        )


def _is_whole(number) -> bool:
    """Whether it counts, as NumPy's integers do, too."""
    try:
        operator.index(number)
    except TypeError:
        return False
    return not isinstance(number, bool)


@functools.partial(jax.jit, static_argnames="scale")
def _apply(learned, noise_map, previous, *, scale):
    return jnp.clip(learned.apply(scale, noise_map, previous), -1, 1)


@functools.partial(jax.jit, static_argnames=("scale", "size", "channels"))
def _draw(keys, *, scale, size, channels):
    def draw_one(key):
        key = jax.random.fold_in(key, scale)
        return noise.draw(key, size, coarsest=scale == 0, channels=channels)[0]

    return jax.vmap(draw_one)(keys)


def _with_margin(learned, sizes):
    return [(height + learned.margin, width + learned.margin) for height, width in sizes]


def _least(coarse, fine):
    """The smallest side that has a receptive field's width at the coarsest scale."""
    side = fine * networks.RECEPTIVE_FIELD // coarse
    while round(coarse * (side / fine)) < networks.RECEPTIVE_FIELD:
        side += 1
    return side
