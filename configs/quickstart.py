"""A photo in a few minutes on a laptop.

    python -m deepsim_jax.main --config=configs/quickstart.py --workdir=runs/me \\
        --config.data.image=me.jpg

Trains at up to 256 px with half the published filters, one downsampling less and 6 of 9 blocks, for 420
steps.
Time: 3 minutes on two quiet CPU cores for a photo trained at 256x170, half as much again at 256x256.
Expected score: pictures in which edits of the drawing are followed everywhere, with the photo's colours
and coarse texture; for fine texture train longer and larger, e.g. with

    --config.train.steps=4000 --config.data.max_side=512

What differs from the paper, because few steps must suffice: a learning rate of 1e-3 that falls from 40
per cent of the run on; a moving average of the generator; the first three VGG activations only, with
four times the weight, which cost a third of all five; no mirrored samples.

Options: `quickstart.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default()
    config.data.max_side = 256
    config.augment.flip = 0.0
    config.model.filters = 32
    config.model.downsamplings = 3
    config.model.blocks = 6
    config.model.d_filters = 32
    config.loss.perceptual_depth = 3
    config.loss.perceptual_weight = 40.0
    config.optim.g_rate = 1e-3
    config.optim.d_rate = 5e-4
    config.train.steps = 420
    config.train.constant_fraction = 0.4
    config.train.ema = 0.95
    config.train.log_every = 20
    config.train.save_every = 100
    config.train.preview_every = 100
    settings.apply_option(config, option)
    return config
