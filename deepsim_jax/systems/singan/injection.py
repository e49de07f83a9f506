"""Pictures put into a scale: paint-to-image, editing and harmonisation are this one mechanism (§4).

A picture (a drawing or an edited photo) is reduced to the scale below the start scale and replaces
the output of the generators there; the scales from the start scale on give it the photo's patches.
"""

import jax
import jax.numpy as jnp

from deepsim_jax.ops import bicubic
from deepsim_jax.systems.singan import quantising, sampling
from deepsim_jax.systems.singan.learned import Learned
from deepsim_jax.systems.singan.sampling import Size


def inject(
    keys: jax.Array,
    learned: Learned,
    picture: jax.Array,
    *,
    start_scale: int,
    size: Size | None = None,
    centres: jax.Array | None = None,
) -> jax.Array:
    """The picture with the photo's patches, once for each key: (N, H, W, C) in [-1, 1].

    Args:
      keys: (N,) random keys; every scale from the start scale on has fresh noise.
      learned: the trained scales.
      picture: (h, w, C) in [-1, 1] of any size; stretched to that of the results.
      start_scale: 1 to the number of scales - 1. The finer, the more of the picture stays.
      size: (height, width) of the results; by default the training size.
      centres: (k, C), the colours with which the start scale was trained again (`quantising`): it then
        gets the picture itself in these colours. (The published program maps the picture to the
        colours first and then reduces it, which mixes them at their borders.)

    Raises:
      UserError: the start scale or the size is out of range.
    """
    sampling.check_start_scale(learned, start_scale, least=1)
    sizes = sampling.scale_sizes(learned, size)
    if centres is None:
        below = reduce(learned, picture, sizes, start_scale - 1)
        previous = sampling.enter(learned, below, sizes[start_scale], scale=start_scale)
    else:
        previous = quantising.quantise(reduce(learned, picture, sizes, start_scale), centres)
    maps = sampling.noise_maps(keys, learned, sizes, first=start_scale)
    return sampling.refine(learned, maps, previous[None], first=start_scale)[-1]


def reduce(learned: Learned, picture: jax.Array, sizes: tuple[Size, ...], scale: int) -> jax.Array:
    """Reduces a picture (h, w, C) of any size to a scale, in [-1, 1].

    A picture of the photo's size is reduced exactly as the photo was for the training.

    Args:
      learned: the trained scales.
      picture: in [-1, 1].
      sizes: of all scales; the picture is first stretched to the last one.
      scale: 0 is the coarsest.
    """
    plan = learned.pyramid
    like_the_photo = picture.shape[:2] == plan.photo and sizes[-1] == plan.sizes[-1]
    finest = bicubic.resize(picture, plan.reduction if like_the_photo else None, sizes[-1])
    # Sizes that are not the pyramid's are rounded ratios: `sampling.enter`.
    is_own = sizes == plan.sizes[: len(sizes)]
    factor = plan.factor ** (len(sizes) - 1 - scale) if is_own else None
    return jnp.clip(bicubic.resize(jnp.clip(finest, -1, 1), factor, sizes[scale]), -1, 1)
