"""Ends a run that has gone wrong, before anything bad is saved."""

import math

import jax
import jax.numpy as jnp

from deepsim_jax.errors import UserError
from deepsim_jax.training import state as states

# Collapse: pictures with less than this share of the photograph's contrast, this many logs in a row.
COLLAPSED_CONTRAST = 0.02
COLLAPSED_LOGS = 10


class Diverged(UserError):
    """Training met a non-finite number or collapsed; the last good checkpoint is kept."""


class Guard:
    """Checks logged metrics, and states before they are saved.

    Attributes:
      saved: the newest step that is.
    """

    def __init__(self, *, saved: int):
        """Begins at a step that is saved."""
        self.saved = saved
        self._flat_logs = 0

    def check_metrics(self, step: int, values: dict[str, float]):
        """Checks the metrics of a logged step.

        Raises:
          Diverged: one of them is not finite, or "contrast", the share of the photograph's, has been
            next to nothing for a while.
        """
        bad = [k for k, v in values.items() if not math.isfinite(v)]
        if bad:
            raise Diverged(f"{', '.join(bad)} not finite at step {step}; {self._advice()}")
        flat = values.get("contrast", 1.0) < COLLAPSED_CONTRAST
        self._flat_logs = self._flat_logs + 1 if flat else 0
        if self._flat_logs >= COLLAPSED_LOGS:
            raise Diverged(
                f"the generator makes flat pictures since {COLLAPSED_LOGS} logs, "
                f"now at step {step}; {self._advice()}"
            )

    def check_state(self, step: int, state: states.TrainState):
        """Checks the state of a step before it is saved.

        Raises:
          Diverged: a number in it is not finite.
        """
        if not bool(_all_finite(state)):
            raise Diverged(f"a parameter is not finite at step {step}; {self._advice()}")

    def _advice(self):
        return (
            f"the last good checkpoint is step {self.saved}; train in a new folder "
            "with smaller optim.g_rate and optim.d_rate, or model.dtype=float32"
        )


@jax.jit
def _all_finite(state):
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(state)]))
