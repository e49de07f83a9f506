"""A fifth of the paper's steps on a GPU, in bfloat16: what the quickstart showed, at the paper's width.

    python -m deepsim_jax.main --config=configs/fast.py --workdir=runs/photo \\
        --config.data.image=photo.jpg

3,200 steps at up to 640 px. From the quickstart: half of the samples warped and less far, less weight
on the discriminator and on the feature matching, learning rates that start higher and fall early, a
moving average of the generator. From the paper: 64 filters and all five VGG activations. Between them:
three downsamplings, 6 blocks, batches of 2.
Time: made for a GPU, not yet measured there; by its arithmetic some 3 hours on two CPU cores at 256x256,
a third of the paper config's.
Expected score: meant to reach the paper config's LPIPS on held-out frames in a fifth of its steps; not
yet measured (`benchmarks/time_to_quality.py fast paper --sequence=...` does it).

Options: `fast.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default()
    config.data.max_side = 640
    config.augment.flip = 0.0
    config.augment.rotation = 0.0
    config.augment.tps = 0.5
    config.augment.tps_jitter = 0.05
    config.model.downsamplings = 3
    config.model.blocks = 6
    config.model.dtype = "bfloat16"
    config.loss.adversarial_weight = 0.1
    config.loss.feature_matching = 1.0
    config.loss.perceptual_weight = 20.0
    config.optim.g_rate = 5e-4
    config.optim.d_rate = 5e-4
    config.train.batch = 2
    config.train.steps = 3200
    config.train.constant_fraction = 0.4
    config.train.ema = 0.99
    settings.apply_option(config, option)
    return config
