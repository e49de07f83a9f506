"""Super-resolution by any factor: the finest scale's network, again and again (§4).

A photo's patches look alike at neighbouring scales, so the last network, which learned to add the
photo's finest details, can add still finer ones.
`pyramid.enlarging_steps` has the steps and says how the pyramid is planned for them.

What is too large for the memory at once is made in tiles (`tiles`), so that beside the pictures, of some
70 bytes a pixel of the result, 2 GiB are enough.
"""

import itertools
import math

import jax

from deepsim_jax.errors import UserError
from deepsim_jax.images.io import MAX_PIXELS
from deepsim_jax.systems.contract import Progress
from deepsim_jax.systems.singan import pyramid, sampling, tiles
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
      progress: is told after each size on the way, and after each part of a large one, how many are
        done, of how many.

    Raises:
      UserError: the factor is not above 1, or the result would have more than `MAX_PIXELS`; told before
        anything is computed.
    """
    height, width, _ = picture.shape
    check((height, width), times)
    step, count = pyramid.enlarging_steps(times)
    scale = learned.scales - 1
    output = picture[None]
    # The last step's product is the factor but for a float's last bits.
    growths = [step**i for i in range(1, count)] + [times]
    sizes = [(round(height * grown), round(width * grown)) for grown in growths]
    parts = [
        tiles.count_parts(learned, scale, size) if tiles.are_needed(learned, scale, size) else 1
        for size in sizes
    ]
    told = itertools.count(1)

    def done():
        if progress is not None:
            progress(next(told), sum(parts))

    for i, size in enumerate(sizes, 1):
        output = sampling.upsample(output, 1 / step, size)
        (noise_map,) = sampling.noise_maps(
            jax.random.fold_in(key, i)[None], learned, (size,) * learned.scales, first=scale
        )
        noise_map = noise * noise_map
        if tiles.are_needed(learned, scale, size):
            output = tiles.generate(learned, scale, noise_map, output, done=done)
        else:
            (output,) = sampling.refine(learned, [noise_map], output, first=scale)
            if progress is not None:
                output.block_until_ready()
            done()
    return output[0]


def check(size: tuple[int, int], times: float) -> None:
    """Refuses what `enlarge` does of a picture of a (height, width), without computing anything."""
    height, width = size
    if times > 1 and height * width * times**2 > MAX_PIXELS:
        most = math.floor(100 * math.sqrt(MAX_PIXELS / (height * width))) / 100
        advice = f"enlarge it {most:g} times at most, or take" if most > 1 else "take"
        raise UserError(
            f"enlarging {width}x{height} px {times:g} times: {width * times:.0f}x{height * times:.0f} px "
            f"are more than {MAX_PIXELS // 10**6} megapixels; {advice} a smaller picture"
        )
    pyramid.enlarging_steps(times)
