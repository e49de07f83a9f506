"""SinGAN's keys: their defaults, what is allowed, what the option "tiny" makes of them."""

import ml_collections

from deepsim_jax.errors import UserError
from deepsim_jax.settings import shared

CHOICES = {
    **shared.CHOICES,
    "pyramid.steps": ("published", "published_sr", "nearest"),
    "noise.compat": ("paper", "code"),
}
"""The allowed values of the keys that hold a word."""

RANGES = {
    **shared.RANGES,
    "pyramid.factor": (0.1, 0.95),
    "pyramid.min_size": (11, 1024),
    "pyramid.max_size": (12, None),
    "pyramid.keep": (0, None),
    "model.most_filters": (1, 1024),
    "loss.penalty": (0.0, None),
    "loss.reconstruction": (0.0, None),
    "noise.amplitude": (0.0, None),
    "optim.g_updates": (1, 100),
    "optim.d_updates": (1, 100),
    "train.drop": (0.0, 1.0),
    "train.decline": (0.0, 2.0),
}
"""The allowed closed range of the keys that hold a number; None is no bound."""

SOURCE_KEYS = ("data.image",)
"""Keys that say where the photo comes from. A run is tied to the photo's hash, not to its path."""


def default() -> ml_collections.ConfigDict:
    """All keys with the published program's hyperparameters; explained beside the values below."""
    c = ml_collections.ConfigDict()
    c.system = "singan"
    c.seed = 0
    c.data = ml_collections.ConfigDict()
    c.data.image = ""  # path of the photo
    c.pyramid = _pyramid()
    c.model = _model()
    c.loss = ml_collections.ConfigDict()
    c.loss.penalty = 0.1  # lambda, of the critic's gradient penalty
    c.loss.reconstruction = 10.0  # alpha; 100 for enlarging
    c.noise = _noise()
    c.optim = _optim()
    c.train = _train()
    return c


def _pyramid():
    pyramid = ml_collections.ConfigDict()
    pyramid.factor = 0.75  # wanted between neighbouring scales; adapted so that all sizes fit
    pyramid.min_size = 25  # shorter side of the coarsest scale, px; 18 for enlarging, 20 to animate
    pyramid.max_size = 250  # longer side of the finest scale, px: the training size
    pyramid.steps = "published"  # how scales are counted; published_sr for enlarging, nearest
    pyramid.keep = 0  # only so many of the finest scales are trained; 0: all
    return pyramid


def _model():
    model = ml_collections.ConfigDict()
    model.filters = 32  # channels at the coarsest scale; they double every fourth scale
    model.most_filters = 128
    model.running_statistics = False  # of the norms; else each picture has its own, as published
    model.dtype = "float32"  # of the convolutions
    return model


def _noise():
    noise = ml_collections.ConfigDict()
    noise.compat = "paper"  # code: z* is drawn anew in each iteration of scale 0
    noise.amplitude = 0.1  # times the reconstruction error: a scale's noise
    noise.margin = False  # noise in the pictures' margins too, published for animations
    return noise


def _optim():
    optim = shared.optim(5e-4)
    optim.g_updates = 3  # of the generator in one iteration
    optim.d_updates = 3  # of the critic
    return optim


def _train():
    # Steps are iterations of each scale; from constant_fraction of them on the learning rates drop.
    train = shared.train(2000, constant_fraction=0.8, save_every=500)
    train.drop = 0.1  # to this share; 0: they fall linearly to zero instead
    # A scale has steps * (pixels of the coarsest / its own) ** decline iterations; 0: all as many.
    train.decline = 0.0
    return train


def shrink(config: ml_collections.ConfigDict):
    """The option "tiny": a few seconds on a laptop. Changes the config in place."""
    config.pyramid.min_size = 15
    config.pyramid.max_size = 26
    config.pyramid.keep = 2
    config.model.filters = 8  # fewer take longer to compile
    config.optim.g_updates = 1
    config.optim.d_updates = 1
    shared.shrink(config.train, steps=4)


def extendable(config: ml_collections.ConfigDict) -> bool:
    """The scales stand on each other: the finished ones cannot be trained on."""
    return False


def check(config: ml_collections.ConfigDict):
    """What the ranges of single keys cannot say.

    Raises:
      UserError: naming the key, its value and what is allowed.
    """
    sizes = config.pyramid
    if sizes.max_size <= sizes.min_size:
        raise UserError(f"pyramid.max_size={sizes.max_size}: it must be above pyramid.min_size, which is "
                        f"{sizes.min_size}")
