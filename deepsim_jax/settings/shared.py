"""The keys that both systems have: how a run computes, and what it does every so many steps."""

import ml_collections

CHOICES = {
    "model.dtype": ("float32", "bfloat16"),
    "optim.mu_dtype": ("float32", "bfloat16"),
    "train.precision": ("default", "tf32", "float32"),
}
"""The allowed values of the keys that hold a word."""

RANGES = {
    "model.filters": (1, 1024),
    "optim.g_rate": (0.0, 1.0),
    "optim.d_rate": (0.0, 1.0),
    "optim.b1": (0.0, 0.9999),
    "optim.b2": (0.0, 0.999999),
    "train.steps": (1, None),
    "train.constant_fraction": (0.0, 1.0),
    "train.ema": (0.0, 0.99999),
    "train.steps_per_dispatch": (0, None),
    "train.save_every": (1, None),
    "train.keep": (1, None),
    "train.log_every": (1, None),
    "train.preview_every": (0, None),
}
"""The allowed closed range of the keys that hold a number; None is no bound."""


def optim(rate: float) -> ml_collections.ConfigDict:
    """The section of the optimisers, Adams with the published moments and one learning rate."""
    section = ml_collections.ConfigDict()
    section.g_rate = rate
    section.d_rate = rate
    section.b1 = 0.5
    section.b2 = 0.999
    section.mu_dtype = "float32"  # in which the mean of the gradients is kept; bfloat16 takes less time
    return section


def train(steps: int, *, constant_fraction: float, save_every: int) -> ml_collections.ConfigDict:
    """The section of the training, for each system to add its own keys to."""
    section = ml_collections.ConfigDict()
    section.steps = steps
    section.constant_fraction = constant_fraction
    section.ema = 0.0  # decay of the generator's moving average; 0: none
    section.steps_per_dispatch = 0  # most that a GPU or TPU does at once; 0: 50. A CPU does one
    section.precision = "default"  # of float32 products: default (a GPU's is TF32), tf32, float32
    section.save_every = save_every
    section.keep = 2  # checkpoints kept
    section.log_every = 50
    section.preview_every = 500
    section.tensorboard = False
    return section


def shrink(train: ml_collections.ConfigDict, *, steps: int):
    """The option "tiny" for that section, changed in place."""
    train.steps = steps
    train.log_every = 2
    train.save_every = 3
    train.preview_every = 3
