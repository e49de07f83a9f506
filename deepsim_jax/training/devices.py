"""Data parallelism over augmented batches; the only file that knows devices and processes.

Several processes, on one machine or on many, train as one: each runs the same program on its share of
the batch, the first alone writes the run's folder.
"""

import concurrent.futures
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from deepsim_jax.errors import UserError, one_line
from deepsim_jax.runtime import compilation

log = logging.getLogger("deepsim_jax")

AXIS = "data"
ENVIRONMENT = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")

# Seconds after the death of a process until the others give up; a slow last write must fit in.
PATIENCE = 100
# Most steps that a GPU or TPU does per dispatch unless asked otherwise: a second at most, mostly.
STEPS_PER_DISPATCH = 50
PRECISIONS = {"default": None, "tf32": "tensorfloat32", "float32": "float32"}
"""Names of how exactly float32 numbers are multiplied -> JAX's."""
# Bytes of a message from one process to the others.
MESSAGE = 480


def join():
    """Makes this process one of several that train together; before anything else that uses JAX.

    Who the others are stands in `JAX_COORDINATOR_ADDRESS` (host:port of process 0),
    `JAX_NUM_PROCESSES` and `JAX_PROCESS_ID` (from 0). Without all three, JAX finds out by itself under
    SLURM, Open MPI, Kubernetes and on a TPU VM slice. From then on only process 0 logs what is no
    warning.

    Raises:
      UserError: it cannot be found out, or the others are not found.
    """
    variables = [name for name in ENVIRONMENT if os.environ.get(name)]
    explicit = {}
    if variables:
        missing = [name for name in ENVIRONMENT if name not in variables]
        if missing:
            raise UserError(
                f"{missing[0]} is not set, though {variables[0]} is: set all of "
                f"{', '.join(ENVIRONMENT)}, or none of them under SLURM, Open MPI, "
                "Kubernetes or on a TPU VM slice"
            )
        address, number, index = (os.environ[name] for name in ENVIRONMENT)
        if not (number.isdecimal() and index.isdecimal() and int(index) < int(number)):
            raise UserError(
                f"JAX_PROCESS_ID={index}, JAX_NUM_PROCESSES={number}: whole numbers are "
                "needed, the first from 0 and smaller than the second"
            )
        explicit = dict(
            coordinator_address=address,
            num_processes=int(number),
            process_id=int(index),
            cluster_detection_method="deactivate",
        )
    try:
        jax.distributed.initialize(
            **explicit, heartbeat_timeout_seconds=PATIENCE, shutdown_timeout_seconds=PATIENCE
        )
    # JAX raises ValueError for what is missing, RuntimeError for what does not answer.
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"this process cannot join others ({one_line(error)[:200]}); set "
            f"{', '.join(ENVIRONMENT)}, or start it without --distributed"
        ) from error
    if not is_first():
        log.setLevel(logging.WARNING)
    log.info("%d processes with %d devices train together", jax.process_count(), jax.device_count())


def is_first() -> bool:
    """Whether this process writes the run's folder: always, unless it has joined others."""
    return jax.process_index() == 0


def gather(text: str) -> list[str]:
    """Collects a message of every process, by process; all must call it. At most 480 bytes each."""
    message = np.zeros(MESSAGE, np.uint8)
    content = text.encode()[:MESSAGE]
    message[: len(content)] = np.frombuffer(content, np.uint8)
    everyone = multihost_utils.process_allgather(message)
    return [bytes(row).rstrip(b"\0").decode(errors="ignore") for row in np.asarray(everyone)]


@contextlib.contextmanager
def together():
    """If one process fails inside, all fail with its error; otherwise they would wait forever.

    All processes must enter it, and none leaves before all of them have come to the end.

    Raises:
      UserError: raised inside, here or on another process.
    """
    if jax.process_count() == 1:
        yield
        return
    error = None
    try:
        yield
    except UserError as raised:
        error = raised
    messages = gather(str(error) if error else "")
    if error:
        raise error
    for process, text in enumerate(messages):
        if text:
            raise UserError(f"process {process}: {text}")


def from_first(tree):
    """A tree of arrays as the first process has it, on all of them.

    Args:
      tree: there, of arrays; on the others, of arrays or `jax.ShapeDtypeStruct` of the same shapes.

    Returns:
      The tree, as host arrays if there are several processes.
    """
    if jax.process_count() == 1:
        return tree
    if not is_first():
        tree = jax.tree.map(lambda x: np.broadcast_to(np.zeros((), x.dtype), x.shape), tree)
    return multihost_utils.broadcast_one_to_all(tree)


def local(tree):
    """One device's copy of a tree that `Compiled.place` or a step has put on several.

    Computations with it involve this process and that device alone.
    """
    return jax.tree.map(lambda x: x.addressable_data(0), tree)


def pass_on_stop():
    """Tells the other processes, if there are any, that this one shall stop; see `stop_agreed`."""
    if jax.process_count() > 1:
        # JAX listens for it in every process that has joined others.
        signal.raise_signal(signal.SIGTERM)


def stop_agreed(call: int, asked: bool) -> bool:
    """Whether the run ends with this step.

    One process ends when it is asked to. Several must end with the same step: when one of them gets
    SIGTERM, JAX finds a step that none has reached yet.

    Args:
      call: the number of this call, from 1: to be made by every process after every dispatch. JAX takes
        a process that has not called yet for one at 0.
      asked: whether this process is to end.
    """
    if jax.process_count() == 1:
        return asked
    return multihost_utils.reached_preemption_sync_point(call)


def choose(batch: int, requested: int, *, available: int, processes: int = 1) -> int:
    """The number of devices that a run uses.

    Args:
      batch: augmented samples in a step, over all devices.
      requested: the number asked for; 0 for as many as there are and as divide the batch.
      available: the number that there are, over all processes.
      processes: that train together; each takes the same number of devices.

    Returns:
      The number; 1 for a batch of 1, whatever is asked for.

    Raises:
      UserError: more are asked for than there are, or the batch cannot be divided.
    """
    if requested > available:
        owner = "this machine has" if processes == 1 else f"these {processes} processes have"
        raise UserError(f"train.devices={requested}: {owner} {available}")
    if batch % processes:
        raise UserError(
            f"train.batch={batch}: {processes} processes train together, so it must be a "
            f"multiple of {processes}; or start one process alone"
        )
    if not requested:
        return max(n for n in range(processes, min(batch, available) + 1, processes) if batch % n == 0)
    if requested % processes:
        raise UserError(
            f"train.devices={requested}: {processes} processes train together, so it must "
            f"be a multiple of {processes}, or 0 for as many as divide the batch"
        )
    if batch == 1:
        return 1
    if batch % requested:
        raise UserError(
            f"train.batch={batch}: it must be a multiple of the {requested} devices, or "
            f"set train.devices to a divisor of {batch}"
        )
    return requested


def steps_per_dispatch(requested: int) -> int:
    """The most steps that are done per dispatch: 1 on a CPU, whose convolutions loops slow down.

    Args:
      requested: the number asked for; 0 for the standard.
    """
    return 1 if jax.default_backend() == "cpu" else requested or STEPS_PER_DISPATCH


def _run_devices(count):
    """The devices of a run, the same number from every process, process by process."""
    share = count // jax.process_count()
    return [
        device
        for process in range(jax.process_count())
        for device in jax.local_devices(process_index=process)[:share]
    ]


class Compiled:
    """A step compiled for a number of devices, its state donated; also several steps in one dispatch.

    One device: plain `jax.jit`. Several: `jax.pmap` with the state unreplicated in the program's
    eyes (`in_axes=None`, `out_axes=None`), each device taking its share of the global batch.

    Several steps are a loop on the device whose length is an argument: there is one program, which a
    resumed run uses too, whatever remainder it has to do, so that it ends with the same bits.
    """

    def __init__(self, make, *, batch: int, count: int, most: int = 1, precision: str = "default"):
        """Nothing is compiled yet.

        Args:
          make: axis name or None -> `step.Step`.
          batch: samples per step over all devices.
          count: of devices, see `choose`.
          most: steps that one call may do, see `steps_per_dispatch`.
          precision: a name in `PRECISIONS`.
        """
        self.count, self.most = count, most
        self.seconds: float | None = None  # that compiling took, once it is done
        self._compiling: concurrent.futures.Future | None = None
        self._executable: Callable | None = None
        self._precision = PRECISIONS[precision] or jax.config.values["jax_default_matmul_precision"]
        self._lengths: dict[int, Any] = {}
        if count < jax.device_count():
            log.info("a batch of %d runs on %d of %d devices", batch, count, jax.device_count())
        samples, devices = np.arange(batch, dtype=np.int32), _run_devices(count)
        if count == 1:
            self._placement = devices[0]
            self._step = jax.jit(self._repeated(make(None)), donate_argnums=0)
            self._samples = self._own = jax.device_put(samples, devices[0])
            return
        shares = samples.reshape(count, batch // count)
        mesh = Mesh(np.array(devices), (AXIS,))
        self._placement = NamedSharding(mesh, PartitionSpec())
        self._samples = _global(shares, NamedSharding(mesh, PartitionSpec(AXIS)))
        # A program of several processes is traced with this one's part and called with the whole.
        self._own = shares[[device.process_index == jax.process_index() for device in devices]]
        self._step = jax.pmap(
            self._repeated(make(AXIS)),
            axis_name=AXIS,
            devices=devices,
            donate_argnums=0,
            in_axes=(None, 0, *(None,) * (2 + (most > 1))),
            out_axes=(None, None),
        )

    def _repeated(self, step):
        """A loop of `step` where a dispatch may do several: (..., count) -> the last one's results."""
        if self.most == 1:
            return step

        def repeated(state, samples, data, frozen, length):
            copies, frozen = step.begin(state, frozen)

            def advance_once(_, carried):
                return step.advance(*carried[:2], samples, data, frozen)

            *_, metrics = jax.eval_shape(advance_once, 0, (state, copies))
            metrics = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), metrics)
            state, _, metrics = jax.lax.fori_loop(0, length, advance_once, (state, copies, metrics))
            return state, metrics

        return repeated

    def place(self, tree: Any) -> Any:
        """Puts state, pair or frozen weights where the step wants them, once and not at every step."""
        if jax.process_count() == 1:
            return jax.device_put(tree, self._placement)
        return jax.tree.map(lambda x: _global(np.asarray(x), self._placement), tree)

    def prepare(self, state, data, frozen):
        """Begins to compile in the background, for calls with arguments of these shapes.

        With several processes each compiles in its first call instead, so that none of them holds up
        what the others wait for.

        Args:
          state, data, frozen: of arrays or `jax.ShapeDtypeStruct`.
        """
        if self._compiling is None and jax.process_count() == 1:
            length = (np.int32(0),) if self.most > 1 else ()
            shapes = jax.tree.map(
                lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), (state, data, frozen, *length)
            )
            worker = concurrent.futures.ThreadPoolExecutor(1, "compiling")
            self._compiling = worker.submit(self._compile, *shapes)
            worker.shutdown(wait=False)

    def _compile(self, state, data, frozen, *length):
        """The executable for these shapes; of several processes, for these arrays."""
        start = time.monotonic()
        with jax.default_matmul_precision(self._precision):
            lowered = self._step.lower(state, self._own, data, frozen, *length)
        executable = lowered.compile(compilation.options())
        # Before the step takes its own memory: the two would add up.
        compilation.release_memory()
        self.seconds = time.monotonic() - start
        return executable

    def settle(self):
        """Waits for a compilation in the background that no one needs any more: it cannot be stopped."""
        if self._compiling is not None and not self._compiling.done():
            log.info("waiting for the compiler, which has begun with the next steps")
            concurrent.futures.wait([self._compiling])

    def __call__(self, state, data, frozen, steps: int = 1):
        """`steps` of them: (new state, the last one's metrics). The first call waits for the compiler.

        For these shapes only, so that all calls must have the same.
        """
        if not 1 <= steps <= self.most:
            raise ValueError(f"{steps} steps: from 1 to {self.most} are done at once")
        length: tuple = ()
        if self.most > 1:
            if steps not in self._lengths:  # made once: the loop transfers nothing
                self._lengths[steps] = self.place(np.int32(steps))
            length = (self._lengths[steps],)
        if self._executable is None:
            self._executable = (
                self._compiling.result()
                if self._compiling
                else self._compile(state, data, frozen, *length)
            )
            log.info("compiled in %.0f s", self.seconds)
        return self._executable(state, self._samples, data, frozen, *length)


def _global(array, sharding):
    """A global array over the devices of all processes; each process passes the whole array."""
    return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])
