"""SinGAN with fewer iterations where a scale costs more, up to 250 px.

    deepsim_jax train --config=configs/singan_fast.py --workdir=runs/s \\
        --config.data.image=photo.jpg

The coarsest scale, where a sample's arrangement is decided, has all 2,000 published iterations; the
others have fewer with the root of their pixels, the finest 269 for a photo of 250x188 px. 64 channels at
most. In all 7 per cent of the published arithmetic.
Time: made for a GPU; by its arithmetic some 70 minutes on two CPU cores for a photo of 250x188 px.
Expected score: at 64 px samples are near those of all iterations, also where iterations decline with the
pixels themselves (results/README.md); at 250 px not yet measured.

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
