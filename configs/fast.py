"""A fifth of the paper's steps on a GPU, in bfloat16: the quickstart, longer.

    deepsim_jax train --config=configs/fast.py --workdir=runs/photo \\
        --config.data.image=photo.jpg

3,200 steps at up to 640 px, the first 400 at half the size, with the quickstart's losses and networks
but for 6 blocks, with warps more often and farther, and with a longer moving average of the generator.
Time: made for a GPU, where networks twice as wide took 8 s of steps with batches of 2 at 192x192 (one
H200) and compilation half a minute; on two CPU cores in float32 38 minutes there, beside other
programs.
Expected score: LPIPS of the network alone .064 on face_video at 192x192 (held-out frames, edges from
the true ones; one seed, on a CPU in float32), where the training frame unchanged has .080 and the paper
config .062 to .072 after 8,000 of its steps and .056 after 12,000 (results/README.md, also of the wider
networks: .069, with batches of 4 .067).

Options: `fast.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default()
    config.data.max_side = 640
    config.augment.flip = 0.0
    config.augment.rotation = 0.0
    config.augment.tps = 0.8
    config.augment.tps_jitter = 0.06
    config.model.filters = 32
    config.model.downsamplings = 2
    config.model.blocks = 6
    config.model.d_filters = 32
    config.model.dtype = "bfloat16"
    config.loss.adversarial_weight = 0.1
    config.loss.feature_matching = 1.0
    config.loss.perceptual_depth = 4
    config.loss.perceptual_levels = 2
    config.loss.perceptual_weight = 20.0
    config.optim.g_rate = 1e-3
    config.optim.d_rate = 5e-4
    config.optim.mu_dtype = "bfloat16"
    config.train.steps = 3200
    config.train.coarse_steps = 400
    config.train.constant_fraction = 0.4
    config.train.ema = 0.99
    settings.apply_option(config, option)
    return config
