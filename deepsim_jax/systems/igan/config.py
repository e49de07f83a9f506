"""iGAN's keys, with the published program's hyperparameters as defaults."""

import ml_collections

from deepsim_jax.config import shared
from deepsim_jax.config.schema import Key, Schema
from deepsim_jax.errors import UserError

_DATA = {
    "data.pictures": Key(
        "",
        "a folder of pictures, a folder or file of the MNIST family (idx), or tfds:NAME",
        is_source=True,
    ),
    "data.classes": Key(
        "", "only these labels of a labelled collection, with commas, e.g. 5,7,9; empty: all"
    ),
    "data.size": Key(64, "side of the pictures that are learned, px: 16, 32, 64, 128", low=16, high=256),
    "data.fit": Key(
        "crop",
        "how a picture becomes square: its middle is cut out, or it is padded with white",
        choices=("crop", "pad"),
    ),
    "data.mirror": Key(
        False, "half of the pictures are mirrored; for collections that have no direction"
    ),
    "data.most": Key(0, "at most so many pictures, chosen at random; 0: all", low=0),
    "data.held_out": Key(
        100, "pictures that are not trained on, a tenth at most; the report measures on them", low=0
    ),
}
_MODEL = {
    "model.latent": Key(100, "length of z, uniform in (-1, 1)", low=2, high=1024),
    "model.g_filters": Key(
        128, "channels of the generator at half the size; doubled at each halving", low=1
    ),
    "model.d_filters": Key(128, "the same of discriminator and encoder", low=1),
    "model.most_filters": Key(1024, "most channels anywhere", low=1, high=4096),
    "model.kernel": Key(
        "5x5",
        "of the strided convolutions; 4x4 are done on cells of 2x2 pixels, far quicker on a CPU",
        choices=("5x5", "4x4"),
    ),
    "model.d_norm": Key("batch", "of the discriminator's inner layers", choices=("batch", "none")),
    "model.spread": Key(
        False, "the discriminator sees the standard deviation over groups of four, against collapse"
    ),
    "model.statistics": Key(
        512, "samples whose statistics replace a batch's in the norms of the trained generator", low=2
    ),
    "model.dtype": shared.DTYPE,
}
_LOSS = {
    "loss.l2": Key(1e-5, "weight of half the squared kernels, of both networks", low=0.0),
    "loss.r1": Key(
        0.0, "gamma of the discriminator's gradient penalty on real pictures; 0: none", low=0.0
    ),
    "loss.coverage": Key(
        0.0,
        "weight of the mean squared difference between the pictures and what the generator makes of an "
        "encoder's z of them, so that none is left out; 0, as published: none",
        low=0.0,
    ),
    "loss.r1_every": Key(16, "it is added every so many steps, as many times as strong", low=1),
}
_OPTIM = {
    **shared.optim(2e-4),
    "optim.d_updates": Key(
        1, "of the discriminator in one step, which has one of the generator", low=1, high=20
    ),
}
_TRAIN = {
    # 25 + 25 epochs of 50,000 shoes; a batch of the published program trains one of both networks.
    **shared.train(
        9750,
        about="steps of the game: the generator's updates",
        constant_fraction=0.5,
        falls="fall linearly to zero",
        save_every=1000,
    ),
    "train.batch": Key(128, "pictures in a step, over all devices", low=2),
    "train.devices": Key(0, "how many; 0: as many as there are and as divide the batch", low=0),
    "train.augment": Key(
        "never",
        "DiffAugment, of what the discriminator sees; auto: in collections of less than 5,000 pictures",
        choices=("auto", "always", "never"),
    ),
    "train.measure_every": Key(
        1000,
        "steps between measurements of a fixed set of samples: diversity, Frechet distance; 0: none",
        low=0,
    ),
}
_ENCODER = {
    "encoder.steps": Key(9750, "steps of the network that projects, after the game", low=1),
    "encoder.rate": Key(2e-4, "its learning rate", low=0.0, high=1.0),
}
_PERCEPTION = {
    "perception.weight": Key(
        0.01,
        "of the features in a projection's cost; 0: pixels alone. Published: .002, of another AlexNet",
        low=0.0,
    ),
    "perception.size": Key(256, "side to which AlexNet gets pictures enlarged, px", low=31, high=512),
}


def shrink(config: ml_collections.ConfigDict):
    """The option "tiny": a few seconds on a laptop. Changes the config in place."""
    config.data.size = 16
    config.model.latent = 8
    config.model.g_filters = config.model.d_filters = 8
    config.model.most_filters = 16
    config.model.kernel = "4x4"
    config.model.statistics = 16
    config.perception.size = 31
    config.train.batch = 4
    config.encoder.steps = 4
    config.train.measure_every = 0
    shared.shrink(config.train, steps=4)


def is_extendable(config: ml_collections.ConfigDict) -> bool:
    """The encoder is trained on the finished generator, which cannot be trained on."""
    return False


def check_together(config: ml_collections.ConfigDict):
    """What the ranges of single keys cannot say.

    Raises:
      UserError: naming the key, its value and what is allowed.
    """
    size = config.data.size
    if size & (size - 1):
        raise UserError(f"data.size={size}: it must be a power of two: 16, 32, 64, 128 or 256")
    classes(config)


def classes(config: ml_collections.ConfigDict) -> tuple[int, ...]:
    """The labels of `data.classes`; none for all.

    Raises:
      UserError: a part of it is no whole number.
    """
    parts = [part.strip() for part in config.data.classes.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise UserError(
            f"data.classes={config.data.classes!r}: labels with commas between them, e.g. 5,7,9"
        )
    return tuple(map(int, parts))


SCHEMA = Schema(
    system="igan",
    keys={
        "seed": shared.SEED,
        **_DATA,
        **_MODEL,
        **_LOSS,
        **_OPTIM,
        **_TRAIN,
        **_ENCODER,
        **_PERCEPTION,
    },
    shrink=shrink,
    check_together=check_together,
    is_extendable=is_extendable,
)
"""All keys of iGAN."""
