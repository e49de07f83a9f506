"""A fifth of the paper's steps on a GPU, in bfloat16: the quickstart, twice as wide and longer.

    python -m deepsim_jax.main --config=configs/fast.py --workdir=runs/photo \\
        --config.data.image=photo.jpg

3,200 steps at up to 640 px, the first 800 at half the size, with the quickstart's losses, warps and two
downsamplings. What differs from it: 64 filters and 6 blocks, batches of 2, a learning rate of 7e-4 and a
longer moving average of the generator.
Time: made for a GPU, not yet measured there; by its arithmetic some 2 hours on two CPU cores at 256x256,
a fifth of the paper config's.
Expected score: meant to reach the paper config's LPIPS on held-out frames in a fifth of its steps; not
yet measured (`benchmarks/time_to_quality.py fast paper,model.dtype=bfloat16 --sequence=...` does it).
An earlier form, with all five VGG activations, three downsamplings and batches of 1, had .091 on
face_video at 192x192, where the paper config's 2,000th step has .11, its 8,000th .06 to .07
(results/README.md). On a CPU the fifth activation was what cost most in short trainings.

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
    config.model.downsamplings = 2
    config.model.blocks = 6
    config.model.dtype = "bfloat16"
    config.loss.adversarial_weight = 0.1
    config.loss.feature_matching = 1.0
    config.loss.perceptual_depth = 4
    config.loss.perceptual_levels = 2
    config.loss.perceptual_weight = 20.0
    config.optim.g_rate = 7e-4
    config.optim.d_rate = 5e-4
    config.train.batch = 2
    config.train.steps = 3200
    config.train.coarse_steps = 800
    config.train.constant_fraction = 0.4
    config.train.ema = 0.99
    settings.apply_option(config, option)
    return config
