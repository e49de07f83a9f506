"""DeepSIM's keys, with the published program's hyperparameters as defaults."""

import ml_collections

from deepsim_jax.config import shared
from deepsim_jax.config.schema import Key, Schema
from deepsim_jax.errors import UserError


def _probability(value: float, about: str) -> Key:
    return Key(value, f"probability of {about}", low=0.0, high=1.0)


_DATA = {
    "data.image": Key("", "path of the photo", is_source=True),
    "data.primitive": Key("", "path of its primitive; empty: made from the photo", is_source=True),
    "data.root": Key(
        "", "instead of both: a folder with train_B, train_seg, train_edges", is_source=True
    ),
    "data.sequence": Key(
        "",
        "or: a sequence of frames, one of which is trained on",
        is_source=True,
    ),
    "data.train_frame": Key(0, "which frame of the sequence", low=0),
    "data.frames": Key(0, "how many of the sequence's frames are used; 0: all", low=0),
    "data.landmarks": Key(
        "", 'JSON file of points and polylines, for the kind "landmarks"', is_source=True
    ),
    "data.kind": Key(
        "auto",
        "of primitive; auto: what root or sequence hold; else seg_edges, for a sequence edges",
        choices=("auto", "edges", "seg", "seg_edges", "paint", "landmarks"),
    ),
    "data.max_side": Key(0, "longest side in training, px; 0: the photo's own size", low=0),
    "data.edge_color": Key(
        "black", "edges black on white, or white on black", choices=("black", "white")
    ),
    "data.canny_sigma": Key(2.0, "Gaussian sigma of automatic edges, px at the training size", low=0.0),
    "data.segmentation": Key(
        "slic", "method of automatic segmentations", choices=("slic", "felzenszwalb", "kmeans")
    ),
    "data.colors": Key(8, "most colours of an automatic segmentation", low=2, high=256),
    "data.thin_edges": Key(True, "draw edges one pixel wide, in training and in edits"),
}
_AUGMENT = {
    "augment.compat": Key(
        "paper", "code: the published program's exclusive affine branch", choices=("paper", "code")
    ),
    "augment.flip": _probability(0.5, "a mirrored sample"),
    "augment.tps": _probability(0.99, "a thin-plate spline"),
    "augment.tps_points": Key((3, 3), "control points along x and y, border to border", low=2),
    "augment.tps_jitter": Key(
        0.1, "control points move uniformly by +- this fraction of the image's extent", low=0.0, high=0.5
    ),
    "augment.tps_smoothing": Key(0.0, "the paper's lambda (equation 4)", low=0.0),
    "augment.rotation": _probability(0.5, "a rotation"),
    "augment.rotation_degrees": Key(10.0, "uniform +-, in degrees", low=0.0, high=180.0),
    "augment.shear": _probability(0.0, "a shear"),
    "augment.shear_range": Key(0.3, "uniform +-", low=0.0, high=1.0),
    "augment.translation": _probability(0.0, "a translation"),
    "augment.translation_range": Key(
        0.2, "uniform +-, as a fraction of the image's extent", low=0.0, high=1.0
    ),
    "augment.crop": _probability(0.0, "an enlarged window"),
    "augment.crop_fraction": Key(
        256 / 480, "side of the window; the published program's, at 480 px", low=0.01, high=1.0
    ),
    "augment.cutmix": _probability(0.0, "a square of another sample pasted in"),
    "augment.cutmix_side": Key((32, 96), "least and most side of the square, px"),
    "augment.canny": _probability(0.0, "edges of another Canny sigma"),
    "augment.canny_sigmas": Key((1.2, 1.5, 1.8, 2.1, 2.4, 2.7), "of which one is drawn", any_length=True),
}
_MODEL = {
    "model.generator": Key(
        "global", "local: the coarse-to-fine local enhancer", choices=("global", "local")
    ),
    "model.filters": Key(64, "channels of the generator's first layer", low=1, high=1024),
    "model.downsamplings": Key(4, "how often the generator halves the picture", low=1, high=8),
    "model.blocks": Key(9, "residual blocks of the global generator", low=0, high=64),
    "model.local_blocks": Key(3, "residual blocks of the local enhancer", low=0, high=64),
    "model.d_filters": Key(64, "channels of a discriminator's first layer", low=1, high=1024),
    "model.d_layers": Key(3, "strided layers of a discriminator", low=1, high=8),
    "model.d_scales": Key(
        2, "discriminators, each seeing half the size of the one before", low=1, high=8
    ),
    "model.dtype": shared.DTYPE,
}
_LOSS = {
    "loss.adversarial": Key("lsgan", "log: the paper's equations 2 and 3", choices=("lsgan", "log")),
    "loss.adversarial_weight": Key(1.0, "the paper's alpha, with the log loss", low=0.0),
    "loss.feature_matching": Key(10.0, "weight of the discriminator's features", low=0.0),
    "loss.perceptual": Key("vgg16", "whose activations are compared", choices=("vgg16", "vgg19", "none")),
    "loss.perceptual_weight": Key(10.0, "their weight", low=0.0),
    "loss.perceptual_normalise": Key(True, "ImageNet mean and std; the published program feeds raw"),
    "loss.perceptual_depth": Key(5, "taps relu1_1 .. relu<depth>_1; fewer is faster", low=1, high=5),
    "loss.perceptual_levels": Key(
        1, "2: VGG sees the picture at half its size and a quarter of it in full", low=1, high=4
    ),
    "loss.vgg19_file": Key("", "torchvision's vgg19 state dict; empty: a verified download"),
}
_TRAIN = {
    **shared.train(
        16000,
        least=0,
        about="updates of both networks; 0: none is trained, edits are copied",
        constant_fraction=0.5,
        falls="fall linearly to zero, coarse steps not counted",
        save_every=1000,
    ),
    "train.coarse_steps": Key(
        0, "so many of the steps, half at most, first see the pair smaller, at the full rates", low=0
    ),
    "train.coarse_scale": Key(0.5, "how much smaller, times the training size", low=0.1, high=1.0),
    "train.start_from": Key("", "folder of the run whose networks this one begins with; empty: random"),
    "train.batch": Key(1, "augmented copies of the pair per step, over all devices", low=1),
    "train.devices": Key(0, "0: as many as there are and as divide the batch", low=0),
    "train.measure_every": Key(
        0, "steps between measurements on held-out frames of data.sequence; 0: none", low=0
    ),
    "train.measure_frames": Key(8, "how many of them, evenly spread; 0: all", low=0),
}


def shrink(config: ml_collections.ConfigDict):
    """The option "tiny": a few seconds on a laptop. Changes the config in place."""
    config.data.max_side = 64
    config.model.filters = 4
    config.model.downsamplings = 2
    config.model.blocks = 1
    config.model.local_blocks = 1
    config.model.d_filters = 4
    config.loss.perceptual_depth = 2
    config.train.coarse_steps = 0
    config.train.start_from = ""
    shared.shrink(config.train, steps=6)


def coarse_steps(config: ml_collections.ConfigDict) -> int:
    """How many of the first steps are at a fraction of the size: half of a short training at most."""
    return min(config.train.coarse_steps, config.train.steps // 2)


def is_extendable(config: ml_collections.ConfigDict) -> bool:
    """Whether a run may go on to more steps than it was started with: if its coarse ones stay as many."""
    return config.train.steps == 0 or coarse_steps(config) == config.train.coarse_steps


def check_together(config: ml_collections.ConfigDict):
    """Checks keys against each other, which the ranges of single keys cannot.

    Raises:
      UserError: naming the key, its value and what is allowed.
    """
    if config.model.generator == "local" and config.model.filters % 2:
        raise UserError(f"model.filters={config.model.filters}: the local enhancer needs an even number")


SCHEMA = Schema(
    system="deepsim",
    keys={
        "seed": shared.SEED,
        **_DATA,
        **_AUGMENT,
        **_MODEL,
        **_LOSS,
        **shared.optim(2e-4),
        **_TRAIN,
    },
    shrink=shrink,
    check_together=check_together,
    is_extendable=is_extendable,
)
"""All keys of DeepSIM."""
