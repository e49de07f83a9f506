"""A photo in a few minutes on a laptop.

    python -m deepsim_jax.main --config=configs/quickstart.py --workdir=runs/me \\
        --config.data.image=me.jpg
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default()
    config.data.max_side = 256
    config.model.filters = 32
    config.model.downsamplings = 3
    config.model.blocks = 6
    config.model.d_filters = 32
    config.train.steps = 600
    config.train.log_every = 10
    config.train.save_every = 200
    config.train.preview_every = 100
    settings.apply_option(config, option)
    return config
