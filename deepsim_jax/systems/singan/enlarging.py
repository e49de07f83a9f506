"""Super-resolution by any factor: the finest scale's network, again and again (§4).

A photo's patches look alike at neighbouring scales, so the last network, which learned to add the
photo's finest details, can add still finer ones.
`pyramid.enlarging_steps` has the steps and says how the pyramid is planned for them.
"""

import jax

from deepsim_jax.systems.contract import Progress
from deepsim_jax.systems.singan import pyramid, sampling
from deepsim_jax.systems.singan.learned import Learned


def enlarge(
    key: jax.Array,
    learned: Learned,
    picture: jax.Array,
    times: float,
    *,
    noise: float = 1.0,
    progress: Progress | None = None,
) -> jax.Array:
    """A picture (H, W, C) in [-1, 1], larger: (round(times * H), round(times * W), C) in [-1, 1].

    Args:
      key: a random key.
      learned: the trained scales.
      picture: the photo, at its own size or at the training size.
      times: factor above 1.
      noise: strength of the noise, in amplitudes of the finest scale; 1 as published, 0 for none.
      progress: is told after each size on the way how many are done, of how many.

    Raises:
      UserError: the factor is not above 1.
    """
    step, count = pyramid.enlarging_steps(times)
    scale = learned.scales - 1
    output = picture[None]
    for i in range(1, count + 1):
        # The last step's product is the factor but for a float's last bits.
        grown = times if i == count else step**i
        size = round(picture.shape[0] * grown), round(picture.shape[1] * grown)
        noise_maps = sampling.noise_maps(
            jax.random.fold_in(key, i)[None], learned, (size,) * learned.scales, first=scale
        )
        output = sampling.upsample(output, 1 / step, size)
        (output,) = sampling.refine(learned, [noise * noise_maps[0]], output, first=scale)
        if progress is not None:
            output.block_until_ready()
            progress(i, count)
    return output[0]
