"""Data parallelism over augmented batches; the only file that knows devices."""

import logging
import time

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from deepsim_jax import compilation
from deepsim_jax.errors import UserError

log = logging.getLogger("deepsim_jax")

AXIS = "data"


def choose(batch: int, requested: int, *, available: int) -> int:
    """The number of devices that a run uses.

    Args:
      batch: augmented samples in a step, over all devices.
      requested: the number asked for; 0 for as many as there are and as divide the batch.
      available: the number that there are.

    Raises:
      UserError: more are asked for than there are, or the batch cannot be divided.
    """
    if not requested:
        return max(n for n in range(1, min(batch, available) + 1) if batch % n == 0)
    if requested > available:
        raise UserError(f"train.devices={requested}: this machine has {available}")
    if batch % requested:
        raise UserError(f"train.batch={batch}: it must be a multiple of the {requested} devices, or "
                        f"set train.devices to a divisor of {batch}")
    return requested


class Compiled:
    """A step compiled for a number of devices, its state donated.

    One device: plain `jax.jit`. Several: `jax.pmap` with the state unreplicated in the program's
    eyes (`in_axes=None`, `out_axes=None`), each device taking its share of the global batch.
    """

    def __init__(self, make, *, batch: int, count: int):
        """`make` is axis name or None -> step function, as `step.make_step` builds it."""
        self.count, self._executable = count, None
        samples = jnp.arange(batch, dtype=jnp.int32)
        if count == 1:
            self._samples, self._where = samples, jax.devices()[0]
            self._step = jax.jit(make(None), donate_argnums=0)
        else:
            devices = jax.devices()[:count]
            self._samples = samples.reshape(count, batch // count)
            self._where = NamedSharding(Mesh(devices, (AXIS,)), PartitionSpec())
            self._step = jax.pmap(
                make(AXIS), axis_name=AXIS, devices=devices, donate_argnums=0,
                in_axes=(None, 0, None, None), out_axes=(None, None))

    def place(self, tree):
        """Puts state, pair or frozen weights where the step wants them, once and not at every step."""
        return jax.device_put(tree, self._where)

    def __call__(self, state, pair, frozen):
        """One step: (new state, metrics). The first call compiles, for these shapes only."""
        if self._executable is None:
            start = time.monotonic()
            self._executable = self._step.lower(state, self._samples, pair, frozen).compile()
            # Before the step takes its own memory: the two would add up.
            compilation.release_memory()
            log.info("compiled in %.0f s", time.monotonic() - start)
        return self._executable(state, self._samples, pair, frozen)
