"""iGAN at 64 px for a GPU: bfloat16, R1, a moving average, small collections augmented.

    deepsim_jax train --config=configs/igan_fast.py --workdir=runs/shoes \\
        --config.data.pictures=my-pictures/

The quick form of `igan_quickstart` with twice the side and the width, longer. For collections that have
no direction, such as flowers, add `--config.data.mirror`.
Time: made for a GPU; by its arithmetic some 20 hours on two CPU cores.
Expected score: not yet measured.

Options: `igan_fast.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default("igan")
    config.data.held_out = 1000
    config.model.g_filters = 64
    config.model.d_filters = 64
    config.model.most_filters = 512
    config.model.kernel = "4x4"
    config.model.d_norm = "none"
    config.model.spread = True
    config.model.dtype = "bfloat16"
    config.loss.l2 = 0.0
    config.loss.r1 = 0.1
    config.optim.g_rate = config.optim.d_rate = 5e-4
    config.optim.b2 = 0.99
    config.train.steps = 30000
    config.train.constant_fraction = 0.8
    config.train.ema = 0.999
    config.train.batch = 64
    config.train.augment = "auto"
    config.train.save_every = 2000
    config.train.preview_every = 2000
    config.train.measure_every = 5000
    config.encoder.steps = 8000
    config.encoder.rate = 5e-4
    config.perception.size = 128
    settings.apply_option(config, option)
    return config
