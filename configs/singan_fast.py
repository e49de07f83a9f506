"""SinGAN with a fifth of the published iterations, up to 250 px.

    python -m deepsim_jax.main --config=configs/singan_fast.py --workdir=runs/s \\
        --config.data.image=photo.jpg

400 iterations on each scale and 64 channels at most, else as published: a fifteenth of the arithmetic.
Time: made for a GPU; by its arithmetic some 70 minutes on two CPU cores for a photo of 250x188 px.
Expected score: at 96 px, with 32 channels and half of these iterations, the reconstruction has 27.6 to
31.6 dB and samples a diversity of .39 to .49, which is what the paper's have; at 250 px not yet measured.
Samples are worse than those of all iterations: at 48 px their Fréchet distance (VGG16) to the photo is
two to four times as large (results/README.md).

Options: `singan_fast.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default("singan")
    config.model.most_filters = 64
    config.train.decline = 0.5
    settings.apply_option(config, option)
    return config
