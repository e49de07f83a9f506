"""SinGAN in minutes on a laptop: a photo's patches at all scales, then new pictures of them.

    deepsim_jax train --config=configs/singan_quickstart.py --workdir=runs/s \\
        --config.data.image=me.jpg
    deepsim_jax sample --workdir=runs/s --count=10 --output=samples/

Trains at up to 96 px: 350 iterations on each scale instead of 2,000, and 32 channels at all of them.
Time: 5 minutes on two quiet CPU cores for a photo trained at 96x96, 3 at 96x64.
Expected score: the reconstruction has 27 to 30 dB PSNR at the training size, samples from the coarsest
scale a diversity of .4 to .6, from the second coarsest of .07 to .2, nearly as the published program's
(two photos at 64 px, three seeds, results/README.md).

Larger and finer, with more time:

    --config.pyramid.max_size=160 --config.train.steps=800

Options: `singan_quickstart.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default("singan")
    config.optim.g_slopes = "first"
    config.pyramid.max_size = 96
    config.model.most_filters = 32
    config.train.steps = 350
    config.train.save_every = 350
    config.train.preview_every = 350
    settings.apply_option(config, option)
    return config
