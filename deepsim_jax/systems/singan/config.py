"""SinGAN's keys; defaults are the published program's hyperparameters, but for three.

`optim.g_slopes=each` (the program keeps a graph, nearly "first", as the shipped configs have it),
`pyramid.compat=paper` (its floats are "code") and `model.running_statistics=False` (it switches to them
when a scale is trained).
"""

import ml_collections

from deepsim_jax.config import shared
from deepsim_jax.config.schema import Key, Schema
from deepsim_jax.errors import UserError

_PYRAMID = {
    "pyramid.factor": Key(
        0.75, "wanted between neighbouring scales; adapted so that all sizes fit", low=0.1, high=0.95
    ),
    "pyramid.min_size": Key(
        25, "shorter side of the coarsest scale, px; 18 for enlarging, 20 to animate", low=11, high=1024
    ),
    "pyramid.max_size": Key(250, "longer side of the finest scale, px: the training size", low=12),
    "pyramid.steps": Key(
        "published",
        "how scales are counted; published_sr for enlarging",
        choices=("published", "published_sr", "nearest"),
    ),
    "pyramid.compat": Key(
        "paper",
        "code: sizes that a float's last bits round up, as the published program's",
        choices=("paper", "code"),
    ),
    "pyramid.keep": Key(0, "only so many of the finest scales are trained; 0: all", low=0),
}
_MODEL = {
    "model.filters": Key(
        32, "channels at the coarsest scale; they double every fourth scale", low=1, high=1024
    ),
    "model.most_filters": Key(128, "most channels of a scale", low=1, high=1024),
    "model.running_statistics": Key(
        False,
        "of the norms, of a scale that is trained, as in the published program; else each picture's own",
    ),
    "model.dtype": shared.DTYPE,
}
_LOSS = {
    "loss.penalty": Key(0.1, "lambda, of the critic's gradient penalty", low=0.0),
    "loss.reconstruction": Key(10.0, "alpha; 100 for enlarging", low=0.0),
}
_NOISE = {
    # A fixed z* is learnt by heart: the next scale gets a third of the noise (results/README.md).
    "noise.compat": Key(
        "code",
        "code: z* is drawn anew in each iteration of scale 0, as in the published program; paper: once, "
        "which leaves samples from finer scales little variety",
        choices=("paper", "code"),
    ),
    "noise.amplitude": Key(0.1, "times the reconstruction error: a scale's noise", low=0.0),
    "noise.margin": Key(False, "noise in the pictures' margins too, published for animations"),
}
_OPTIM = {
    **shared.optim(5e-4),
    "optim.g_updates": Key(3, "of the generator in one iteration", low=1, high=100),
    "optim.g_slopes": Key(
        "each",
        "first: an iteration's generator updates share the first one's adversarial slope, nearly as in "
        "the published program, which keeps its graph; each: every one takes its own",
        choices=("each", "first"),
    ),
    "optim.d_updates": Key(3, "of the critic in one iteration", low=1, high=100),
}
_TRAIN = {
    **shared.train(
        2000,
        about="iterations of each scale",
        constant_fraction=0.8,
        falls="drop, see train.drop",
        save_every=500,
    ),
    "train.drop": Key(0.1, "to this share; 0: they fall linearly to zero instead", low=0.0, high=1.0),
    "train.decline": Key(
        0.0,
        "a scale has steps * (pixels of the coarsest / its own) ** decline iterations; 0: all as many",
        low=0.0,
        high=2.0,
    ),
}


def shrink(config: ml_collections.ConfigDict):
    """The option "tiny": a few seconds on a laptop. Changes the config in place."""
    config.pyramid.min_size = 15
    config.pyramid.max_size = 26
    config.pyramid.keep = 2
    config.model.filters = 8  # fewer take longer to compile
    config.optim.g_updates = 1
    config.optim.d_updates = 1
    shared.shrink(config.train, steps=4)


def is_extendable(config: ml_collections.ConfigDict) -> bool:
    """The scales stand on each other: the finished ones cannot be trained on."""
    return False


def check_together(config: ml_collections.ConfigDict):
    """Checks keys against each other, which the ranges of single keys cannot.

    Raises:
      UserError: naming the key, its value and what is allowed.
    """
    sizes = config.pyramid
    if sizes.max_size <= sizes.min_size:
        raise UserError(
            f"pyramid.max_size={sizes.max_size}: it must be above pyramid.min_size, which is "
            f"{sizes.min_size}"
        )


SCHEMA = Schema(
    system="singan",
    keys={
        "seed": shared.SEED,
        "data.image": Key("", "path of the photo", is_source=True),
        **_PYRAMID,
        **_MODEL,
        **_LOSS,
        **_NOISE,
        **_OPTIM,
        **_TRAIN,
    },
    shrink=shrink,
    check_together=check_together,
    is_extendable=is_extendable,
)
"""All keys of SinGAN."""
