"""Everything that a training step changes, in one frozen struct, and its form in a checkpoint."""

from collections.abc import Collection
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct


@struct.dataclass
class TrainState:
    """The state of an adversarial training run.

    What belongs to a network goes by its name: "generator", "discriminator", or what else a run trains.

    Attributes:
      step: () int32, the number of updates done.
      params: parameter trees, float32.
      opt_state: the moments of each network's Adam.
      ema: moving averages of the parameters of those networks that have one.
      carried: what a task carries along beside what is trained, or None.
    """

    step: jax.Array
    params: dict[str, Any]
    opt_state: dict[str, optax.OptState]
    ema: dict[str, Any] = struct.field(default_factory=dict)
    carried: Any = None

    def best(self, network: str) -> Any:
        """A network's parameters to make pictures with: the moving average where there is one."""
        return self.ema.get(network, self.params[network])


def create(
    params: dict[str, Any],
    moments: optax.GradientTransformation,
    *,
    averaged: Collection[str] = (),
    carried: Any = None,
) -> TrainState:
    """The state before the first step.

    Args:
      params: parameter trees by the networks' names.
      moments: the optimiser of each network, without the learning rate.
      averaged: names of the networks that have a moving average; it starts as a copy of the
        parameters.
      carried: see `TrainState`.
    """
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        opt_state={name: moments.init(tree) for name, tree in params.items()},
        ema={name: jax.tree.map(jnp.copy, params[name]) for name in averaged},
        carried=carried,
    )


# In a checkpoint the generator and each average are separate trees, because pictures need only these.
_ALONE = "generator"
_STEP, _OPT = "step", "_opt"
_EMA, _EMA_OF = "ema", "ema_"


def to_trees(state: TrainState, previous: Any = None) -> dict[str, Any]:
    """A state, and what earlier stages have exported, as the named trees of a checkpoint.

    These are "generator", where it is trained; "training", which holds "step", "<network>" of the other
    networks and "<network>_opt" of all; "ema" of the generator and "ema_<network>" of others, where there
    are averages; "carried" and "earlier", where there is something.
    """
    training = {_STEP: state.step}
    training |= {name: tree for name, tree in state.params.items() if name != _ALONE}
    training |= {name + _OPT: tree for name, tree in state.opt_state.items()}
    averages = {_EMA if name == _ALONE else _EMA_OF + name: tree for name, tree in state.ema.items()}
    optional = {"carried": state.carried, "earlier": previous}
    return {
        **{name: tree for name, tree in state.params.items() if name == _ALONE},
        "training": training,
        **averages,
        **{name: tree for name, tree in optional.items() if tree is not None},
    }


def from_trees(trees: dict[str, Any]) -> tuple[TrainState, Any]:
    """The (state, what earlier stages have exported) of `to_trees`."""
    training = trees["training"]
    optimisers = {name.removesuffix(_OPT): tree for name, tree in training.items() if name.endswith(_OPT)}
    ema = {name.removeprefix(_EMA_OF): tree for name, tree in trees.items() if name.startswith(_EMA_OF)}
    if _EMA in trees:
        ema[_ALONE] = trees[_EMA]
    state = TrainState(
        step=training[_STEP],
        params={name: trees[_ALONE] if name == _ALONE else training[name] for name in optimisers},
        opt_state=optimisers,
        ema=ema,
        carried=trees.get("carried"),
    )
    return state, trees.get("earlier")
