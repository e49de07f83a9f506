"""DeepSIM's keys: their defaults, what is allowed, what the option "tiny" makes of them."""

import ml_collections

from deepsim_jax.errors import UserError
from deepsim_jax.settings import shared

CHOICES = {
    **shared.CHOICES,
    "data.kind": ("auto", "edges", "seg", "seg_edges", "paint", "landmarks"),
    "data.edge_color": ("black", "white"),
    "data.segmentation": ("slic", "felzenszwalb", "kmeans"),
    "augment.compat": ("paper", "code"),
    "model.generator": ("global", "local"),
    "loss.adversarial": ("lsgan", "log"),
    "loss.perceptual": ("vgg16", "vgg19", "none"),
}
"""The allowed values of the keys that hold a word."""

RANGES = {
    **shared.RANGES,
    "data.train_frame": (0, None),
    "data.frames": (0, None),
    "data.max_side": (0, None),
    "data.canny_sigma": (0.0, None),
    "data.colors": (2, 256),
    "augment.flip": (0.0, 1.0),
    "augment.tps": (0.0, 1.0),
    "augment.tps_jitter": (0.0, 0.5),
    "augment.tps_smoothing": (0.0, None),
    "augment.rotation": (0.0, 1.0),
    "augment.rotation_degrees": (0.0, 180.0),
    "augment.shear": (0.0, 1.0),
    "augment.shear_range": (0.0, 1.0),
    "augment.translation": (0.0, 1.0),
    "augment.translation_range": (0.0, 1.0),
    "augment.crop": (0.0, 1.0),
    "augment.crop_fraction": (0.01, 1.0),
    "augment.cutmix": (0.0, 1.0),
    "augment.canny": (0.0, 1.0),
    "model.downsamplings": (1, 8),
    "model.blocks": (0, 64),
    "model.local_blocks": (0, 64),
    "model.d_filters": (1, 1024),
    "model.d_layers": (1, 8),
    "model.d_scales": (1, 8),
    "loss.adversarial_weight": (0.0, None),
    "loss.feature_matching": (0.0, None),
    "loss.perceptual_weight": (0.0, None),
    "loss.perceptual_depth": (1, 5),
    "loss.perceptual_levels": (1, 4),
    "train.batch": (1, None),
    "train.coarse_steps": (0, None),
    "train.coarse_scale": (0.1, 1.0),
    "train.devices": (0, None),
    "train.measure_every": (0, None),
    "train.measure_frames": (0, None),
}
"""The allowed closed range of the keys that hold a number; None is no bound."""

SOURCE_KEYS = ("data.image", "data.primitive", "data.root", "data.landmarks", "data.sequence")
"""Keys that say where the pair comes from. A run is tied to the pair's hash, not to these paths."""


def default() -> ml_collections.ConfigDict:
    """All keys with the published program's hyperparameters; explained beside the values below."""
    c = ml_collections.ConfigDict()
    c.system = "deepsim"
    c.seed = 0
    c.data = _data()
    c.augment = _augment()
    c.model = _model()
    c.loss = _loss()
    c.optim = shared.optim(2e-4)
    c.train = _train()
    return c


def _data():
    data = ml_collections.ConfigDict()
    data.image = ""  # path of the photo
    data.primitive = ""  # path of its primitive; empty: made from the photo
    data.root = ""  # instead of both: a folder with train_B, train_seg, train_edges
    data.sequence = ""  # or: a sequence of frames, one of which is trained on, see data/frames.py
    data.train_frame = 0  # which one
    data.frames = 0  # how many of the sequence's frames are used; 0: all
    data.landmarks = ""  # JSON file of points and polylines, for kind "landmarks"
    data.kind = "auto"  # auto: what root or sequence hold; else seg_edges, for a sequence edges
    data.max_side = 0  # longest side in training, px; 0: the photo's own size
    data.edge_color = "black"  # edges black on white, or white on black
    data.canny_sigma = 2.0  # Gaussian sigma of automatic edges, px at the training size
    data.segmentation = "slic"  # method of automatic segmentations
    data.colors = 8  # most colours of an automatic segmentation
    data.thin_edges = True  # draw edges one pixel wide, in training and in edits
    return data


def _augment():
    augment = ml_collections.ConfigDict()
    augment.compat = "paper"  # code: the published program's exclusive affine branch
    augment.flip = 0.5  # this and the following bare names are probabilities
    augment.tps = 0.99
    augment.tps_points = (3, 3)  # control points along x and y, border to border
    augment.tps_jitter = 0.1  # uniform +-, as a fraction of the image's extent
    augment.tps_smoothing = 0.0  # the paper's lambda (equation 4)
    augment.rotation = 0.5
    augment.rotation_degrees = 10.0
    augment.shear = 0.0
    augment.shear_range = 0.3
    augment.translation = 0.0
    augment.translation_range = 0.2
    augment.crop = 0.0
    augment.crop_fraction = 256 / 480  # side of the window; the published program's, at 480 px
    augment.cutmix = 0.0
    augment.cutmix_side = (32, 96)
    augment.canny = 0.0
    augment.canny_sigmas = (1.2, 1.5, 1.8, 2.1, 2.4, 2.7)
    return augment


def _model():
    model = ml_collections.ConfigDict()
    model.generator = "global"  # local: the coarse-to-fine local enhancer
    model.filters = 64
    model.downsamplings = 4
    model.blocks = 9
    model.local_blocks = 3
    model.d_filters = 64
    model.d_layers = 3
    model.d_scales = 2
    model.dtype = "float32"  # of the arithmetic; parameters and norms stay float32
    return model


def _loss():
    loss = ml_collections.ConfigDict()
    loss.adversarial = "lsgan"  # log: the paper's equations 2 and 3
    loss.adversarial_weight = 1.0  # the paper's alpha, with the log loss
    loss.feature_matching = 10.0
    loss.perceptual = "vgg16"
    loss.perceptual_weight = 10.0
    loss.perceptual_normalise = True  # ImageNet mean and std; the published program feeds raw
    loss.perceptual_depth = 5  # taps relu1_1 .. relu<depth>_1; fewer is faster
    loss.perceptual_levels = 1  # 2: VGG sees the picture at half its size and a quarter of it in full
    loss.vgg19_file = ""  # torchvision's vgg19 state dict; empty: a verified download
    return loss


def _train():
    # From constant_fraction of the (not coarse) steps on the learning rate falls linearly to zero.
    train = shared.train(16000, constant_fraction=0.5, save_every=1000)
    # So many of the steps, at first, see the pair smaller, at the full rates; at most half of them.
    train.coarse_steps = 0
    train.coarse_scale = 0.5  # times the training size
    # Folder of the run whose networks this one begins with; empty: random ones.
    train.start_from = ""
    train.batch = 1  # augmented copies of the pair per step, over all devices
    train.devices = 0  # 0: as many as there are and as divide the batch
    train.measure_every = 0  # steps between measurements on held-out frames of data.sequence; 0: none
    train.measure_frames = 8  # how many of them, evenly spread; 0: all
    return train


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


def extendable(config: ml_collections.ConfigDict) -> bool:
    """Whether a run may go on to more steps than it was started with: if its coarse ones stay as many."""
    return coarse_steps(config) == config.train.coarse_steps


def check(config: ml_collections.ConfigDict):
    """What the ranges of single keys cannot say.

    Raises:
      UserError: naming the key, its value and what is allowed.
    """
    if config.model.generator == "local" and config.model.filters % 2:
        raise UserError(f"model.filters={config.model.filters}: the local enhancer needs an even number")
