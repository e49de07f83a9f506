"""SinGAN with fewer iterations where a scale costs more, up to 250 px.

    deepsim_jax train --config=configs/singan_fast.py --workdir=runs/s \\
        --config.data.image=photo.jpg

The coarsest scale, where a sample's arrangement is decided, has all 2,000 published iterations; the
others have fewer the more pixels they have, the finest 180 for a photo of 250x188 px. 64 channels at
most. In all 5 per cent of the published arithmetic.
Time: by the seconds of an iteration at each scale 36 minutes on two quiet cores of an AMD EPYC for a
photo of 250x188 px, of which compiling takes over 2 (results/README.md); on a GPU not yet measured.
Expected score: not measured at 250 px. At 64 px, with z* drawn once, one photo and one seed, samples
from the coarsest scale have a Fréchet distance of 202 (all iterations: 187) where iterations decline with
the root of the pixels, and 214 where they decline with the pixels themselves; from the second coarsest 24
and 32 (22). This config's 0.6 lies between (results/README.md).

Options: `singan_fast.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default("singan")
    config.optim.g_slopes = "first"
    config.model.most_filters = 64
    config.train.decline = 0.6
    settings.apply_option(config, option)
    return config
