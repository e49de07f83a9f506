"""A photo in a few minutes on a laptop.

    deepsim_jax train --config=configs/quickstart.py --workdir=runs/me \\
        --config.data.image=me.jpg

Trains at up to 256 px with half the published filters, two downsamplings of 4 and 4 of 9 blocks, for
950 steps, the first 330 of them at half the size, where they take a quarter of the time.
Time: 6 minutes on two quiet CPU cores that multiply matrices at 330 GFLOP/s, less on faster ones, for a
photo trained at 256x170; half as much again at 256x256.
Expected score: pictures in which edits of the drawing are followed everywhere, with the photo's colours
and texture. For a large photo's fine texture train longer and larger, e.g. with

    --config.train.steps=4000 --config.train.coarse_steps=1200 --config.data.max_side=512

and for edits that go far with --config.model.blocks=6 --config.augment.tps=0.8
--config.augment.tps_jitter=0.06 --config.train.ema=0.99 as well (LPIPS of the network alone .060 on the
face video; as it is here, .075; edits, of which most is copied, .039).

What differs from the paper, because few steps must suffice: the coarse steps; every second sample is
not warped, the others less far, none is turned or mirrored; a tenth of the weight on what the
discriminator says; the first four VGG activations, with twice the weight, of the picture at half its size
and of a random quarter of it in full, instead of all of it in full; a learning rate of 1e-3 that falls
from 40 per cent of the full-size steps on; a moving average of the generator. Most of it was compared
with its neighbours on a face video (results/README.md).

Options: `quickstart.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default()
    config.data.max_side = 256
    config.augment.flip = 0.0
    config.augment.rotation = 0.0
    config.augment.tps = 0.5
    config.augment.tps_jitter = 0.04
    config.model.filters = 32
    config.model.downsamplings = 2
    config.model.blocks = 4
    config.model.d_filters = 32
    config.loss.adversarial_weight = 0.1
    config.loss.feature_matching = 1.0
    config.loss.perceptual_depth = 4
    config.loss.perceptual_levels = 2
    config.loss.perceptual_weight = 20.0
    config.optim.g_rate = 1e-3
    config.optim.d_rate = 5e-4
    config.train.steps = 950
    config.train.coarse_steps = 330
    config.train.constant_fraction = 0.4
    config.train.ema = 0.97
    config.train.log_every = 20
    config.train.save_every = 100
    config.train.preview_every = 100
    settings.apply_option(config, option)
    return config
