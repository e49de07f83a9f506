"""SinGAN's keys: their defaults, what is allowed, what the option "tiny" makes of them."""

import ml_collections

from deepsim_jax.errors import UserError

CHOICES = {
    "pyramid.steps": ("published", "published_sr", "nearest"),
    "model.dtype": ("float32", "bfloat16"),
    "train.precision": ("default", "tf32", "float32"),
    "noise.compat": ("paper", "code"),
}
"""The allowed values of the keys that hold a word."""

RANGES = {
    "pyramid.factor": (0.1, 0.95),
    "pyramid.min_size": (11, 1024),
    "pyramid.max_size": (12, None),
    "pyramid.keep": (0, None),
    "model.filters": (1, 1024),
    "model.most_filters": (1, 1024),
    "loss.penalty": (0.0, None),
    "loss.reconstruction": (0.0, None),
    "noise.amplitude": (0.0, None),
    "optim.g_rate": (0.0, 1.0),
    "optim.d_rate": (0.0, 1.0),
    "optim.b1": (0.0, 0.9999),
    "optim.b2": (0.0, 0.999999),
    "optim.g_updates": (1, 100),
    "optim.d_updates": (1, 100),
    "train.steps": (1, None),
    "train.steps_per_dispatch": (0, None),
    "train.constant_fraction": (0.0, 1.0),
    "train.drop": (0.0, 1.0),
    "train.ema": (0.0, 0.99999),
    "train.save_every": (1, None),
    "train.keep": (1, None),
    "train.log_every": (1, None),
    "train.preview_every": (0, None),
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
    optim = ml_collections.ConfigDict()
    optim.g_rate = 5e-4
    optim.d_rate = 5e-4
    optim.b1 = 0.5
    optim.b2 = 0.999
    optim.g_updates = 3  # of the generator in one iteration
    optim.d_updates = 3  # of the critic
    return optim


def _train():
    train = ml_collections.ConfigDict()
    train.steps = 2000  # iterations of each scale
    train.constant_fraction = 0.8  # of each scale's iterations; then the learning rates drop
    train.drop = 0.1  # to this share; 0: they fall linearly to zero instead
    train.ema = 0.0  # decay of the generators' moving average; 0: none
    train.steps_per_dispatch = 0  # most that a GPU or TPU does at once; 0: 50. A CPU does one
    train.precision = "default"  # of float32 products: default (a GPU's is TF32), tf32, float32
    train.save_every = 500
    train.keep = 2  # checkpoints kept
    train.log_every = 50
    train.preview_every = 500
    train.tensorboard = False
    return train


def shrink(config: ml_collections.ConfigDict):
    """The option "tiny": a few seconds on a laptop. Changes the config in place."""
    config.pyramid.min_size = 15
    config.pyramid.max_size = 26
    config.pyramid.keep = 2
    config.model.filters = 8  # fewer take longer to compile
    config.optim.g_updates = 1
    config.optim.d_updates = 1
    config.train.steps = 4
    config.train.log_every = 2
    config.train.save_every = 3
    config.train.preview_every = 3


def check(config: ml_collections.ConfigDict):
    """What the ranges of single keys cannot say.

    Raises:
      UserError: naming the key, its value and what is allowed.
    """
    sizes = config.pyramid
    if sizes.max_size <= sizes.min_size:
        raise UserError(f"pyramid.max_size={sizes.max_size}: it must be above pyramid.min_size, which is "
                        f"{sizes.min_size}")
