"""The keys that every adversarial training has: arithmetic, optimisers, and intervals in steps."""

import ml_collections

from deepsim_jax.config.schema import Key

DTYPES = ("float32", "bfloat16")
SEED = Key(0, "of all that is drawn at random")
DTYPE = Key("float32", "of the networks' arithmetic; parameters and norms stay float32", choices=DTYPES)


def optim(rate: float) -> dict[str, Key]:
    """The section of the optimisers, Adams with the published moments and one learning rate."""
    return {
        "optim.g_rate": Key(rate, "learning rate of the generator", low=0.0, high=1.0),
        "optim.d_rate": Key(rate, "learning rate of the discriminator", low=0.0, high=1.0),
        "optim.b1": Key(0.5, "decay of Adam's first moment", low=0.0, high=0.9999),
        "optim.b2": Key(0.999, "decay of Adam's second moment", low=0.0, high=0.999999),
        "optim.mu_dtype": Key(
            "float32", "in which the first moment is kept; bfloat16 takes less time", choices=DTYPES
        ),
    }


def train(
    steps: int, *, least: int = 1, about: str, constant_fraction: float, falls: str, save_every: int
) -> dict[str, Key]:
    """The section of the training, for each system to add its own keys to.

    Args:
      steps, constant_fraction, save_every: defaults.
      least: steps of a training.
      about: what is counted by steps.
      falls: what the learning rates do after the constant fraction.
    """
    return {
        "train.steps": Key(steps, about, low=least),
        "train.constant_fraction": Key(
            constant_fraction,
            f"share of the steps after which the learning rates {falls}",
            low=0.0,
            high=1.0,
        ),
        "train.ema": Key(
            0.0, "decay of the generator's moving average; 0: there is none", low=0.0, high=0.99999
        ),
        "train.steps_per_dispatch": Key(
            0, "most steps that a GPU or TPU does at once; 0: 50. A CPU does one", low=0
        ),
        "train.precision": Key(
            "default",
            "of float32 products; the default of a GPU is TF32",
            choices=("default", "tf32", "float32"),
        ),
        "train.save_every": Key(save_every, "steps between checkpoints", low=1),
        "train.keep": Key(2, "how many checkpoints are kept", low=1),
        "train.log_every": Key(50, "steps between lines of the log", low=1),
        "train.preview_every": Key(500, "steps between preview pictures; 0: none", low=0),
        "train.tensorboard": Key(False, "write TensorBoard files too (extra tensorboard)"),
    }


def shrink(train: ml_collections.ConfigDict, *, steps: int) -> None:
    """The option "tiny" for that section, changed in place."""
    train.steps = steps
    train.log_every = 2
    train.save_every = 3
    train.preview_every = 3
