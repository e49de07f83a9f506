"""The training loop: cadence, log, guard, save, resume."""

import contextlib
import dataclasses
import logging
import math
import pathlib
import signal
import threading
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.training import checkpoint, devices, progress
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps

log = logging.getLogger("deepsim_jax")

# Collapse: pictures with less than this share of the photograph's contrast, this many logs in a row.
COLLAPSED_CONTRAST = 0.02
COLLAPSED_LOGS = 10


class Diverged(UserError):
    """Training met a non-finite number or collapsed; the last good checkpoint is kept."""


@dataclasses.dataclass(frozen=True)
class Cadence:
    """What happens every so many steps; 0 switches previews and measuring off."""

    log: int
    save: int
    preview: int
    keep: int
    measure: int = 0


@dataclasses.dataclass
class Run:
    """One training run: what is trained, on what, where.

    Attributes:
      workdir: its folder.
      task: has `init(key)`, `batch(keys, pair)` and `losses(g, d, batch, frozen)`.
      updates: the optimiser's part.
      seed, batch: of the run; samples per step over all devices.
      device_count: see `devices.choose`.
      cadence: when to log, save and preview.
      pair: what is trained on, on the device.
      frozen: weights that are used but not trained, or None.
      preview: generator parameters -> pictures to show side by side.
      tensorboard: whether to write TensorBoard files too.
      measure: generator parameters -> figures of quality on what is not trained on, or None.
    """

    workdir: pathlib.Path
    task: Any
    updates: steps.Updates
    seed: int
    batch: int
    device_count: int
    cadence: Cadence
    pair: Any
    frozen: Any
    preview: Callable[[Any], list[np.ndarray]]
    tensorboard: bool = False
    measure: Callable[[Any], dict[str, float]] | None = None

    @property
    def checkpoint_folder(self) -> pathlib.Path:
        """Where its states are saved."""
        return self.workdir / "checkpoints"

    def initial_state(self) -> states.TrainState:
        """The state before the first step, made in one compiled call."""
        make = jax.jit(lambda key: states.create(
            self.task.init, key, self.updates.moments, ema=self.updates.ema > 0))
        # The default generator takes half a second to compile for every single array.
        return make(jax.random.key(self.seed, impl="rbg"))

    def compiled(self) -> devices.Compiled:
        """The training step."""
        def make(axis):
            return steps.make_step(
                self.task.batch, self.task.losses, self.updates, seed=self.seed, axis=axis)

        return devices.Compiled(make, batch=self.batch, count=self.device_count)


def to_trees(state: states.TrainState) -> dict:
    """A state as the named trees of a checkpoint; pictures need only one of the first two."""
    trees = {"generator": state.generator, "training": {
        "step": state.step, "discriminator": state.discriminator,
        "generator_opt": state.generator_opt, "discriminator_opt": state.discriminator_opt}}
    if state.ema is not None:
        trees["ema"] = state.ema
    return trees


def from_trees(trees: dict) -> states.TrainState:
    """The inverse of `to_trees`."""
    return states.TrainState(
        generator=trees["generator"], ema=trees.get("ema"), **trees["training"])


def train(run: Run, *, begun: Callable[[], None]):
    """Trains until the last step, from the newest checkpoint.

    Ctrl-C or SIGTERM saves and returns early. Of several processes that train together the first
    reads and writes the folder; the state that it begins with is everyone's, and a signal to one of
    them stops all after the same step.

    Args:
      run: what to train.
      begun: called as soon as there is a checkpoint, that of step 0 in a new run: from then on the
        folder can be loaded whatever happens.

    Returns:
      (state, whether it is the last step's); see `devices.local`.

    Raises:
      Diverged: a loss or a parameter is not finite, or the generator's pictures are flat.
      UserError: a checkpoint cannot be read or written.
    """
    with devices.together():
        saver = (checkpoint.Checkpoints(run.checkpoint_folder, keep=run.cadence.keep)
                 if devices.is_first() else checkpoint.Elsewhere())
    try:
        with devices.together():
            state = _begin(run, saver)
            begun()
        state = devices.from_first(state)
        start = int(state.step)
        if start:
            log.info("continuing from step %d of %d", start, run.updates.steps)
        return _steps(run, state, start, saver)
    finally:
        saver.close()


def _begin(run, saver):
    """The state of the newest checkpoint, or a new one, saved; other processes know its shapes only."""
    shapes = jax.eval_shape(run.initial_state)
    if not devices.is_first():
        return shapes
    start = saver.latest()
    if start is not None:
        return from_trees(saver.restore(start, to_trees(shapes)))
    state = run.initial_state()
    saver.save(0, to_trees(state))
    return state


def _steps(run, state, start, saver):
    compiled = run.compiled()
    state, pair, frozen = (compiled.place(tree) for tree in (state, run.pair, run.frozen))
    bar, measured = _tellers(run, start)
    guard, pending, done = _Guard(saved=start), None, start

    def measure():
        if run.measure and (last or done % run.cadence.measure == 0):
            jax.block_until_ready(state)
            with devices.together():
                if measured and measured.last < done:
                    best = devices.local(state.best_generator)
                    measured.write(done, lambda: run.measure(best))

    try:
        with _stop_signals() as stopped:
            last = start == run.updates.steps
            measure()  # a kill may have come between saving this step and measuring it
            for done in range(start + 1, run.updates.steps + 1):
                state, metrics = compiled(state, pair, frozen)
                bar.advance()
                last = (devices.stop_agreed(done - start, stopped.is_set())
                        or done == run.updates.steps)
                if done % run.cadence.log == 0 or last:
                    # The figures of the log before this one: they have arrived, fetching them does
                    # not hold up the device.
                    _report(bar, guard, pending)
                    pending = (done, metrics)
                if last or done % run.cadence.save == 0:
                    _report(bar, guard, pending)
                    pending = None
                    guard.check_state(done, state)
                    with devices.together():
                        saver.save(done, to_trees(state))
                    guard.saved = done
                    if measured:
                        measured.mark(done)
                if run.cadence.preview and (done % run.cadence.preview == 0 or last):
                    with devices.together():
                        _preview(run, done, state)
                measure()
                if last:
                    break
    finally:
        bar.close()
        if measured:
            measured.close()
    return state, done == run.updates.steps


def _tellers(run, start):
    """What writes the figures of losses and of quality; the latter None if nothing is measured."""
    if not devices.is_first():
        return progress.Silence(), None
    bar = progress.Progress(run.workdir, start=start, steps=run.updates.steps,
                            tensorboard=run.tensorboard)
    return bar, progress.HeldOut(run.workdir / "heldout.jsonl", start=start) if run.measure else None


def _preview(run, step, state):
    if devices.is_first():
        progress.save_preview(run.workdir / "samples" / f"{step:06d}.png",
                              run.preview(devices.local(state.best_generator)))


def _report(bar, guard, pending):
    if pending is not None:
        step, metrics = pending
        values = {k: float(v) for k, v in jax.device_get(metrics).items()}
        bar.report(step, values)
        guard.check_metrics(step, values)


class _Guard:
    """Stops a run that has gone wrong, before anything bad is saved."""

    def __init__(self, *, saved):
        self.saved = saved  # the newest step that is
        self._flat_logs = 0

    def check_metrics(self, step, values):
        bad = [k for k, v in values.items() if not math.isfinite(v)]
        if bad:
            raise Diverged(f"{', '.join(bad)} not finite at step {step}; {self._advice()}")
        flat = values.get("contrast", 1.0) < COLLAPSED_CONTRAST
        self._flat_logs = self._flat_logs + 1 if flat else 0
        if self._flat_logs >= COLLAPSED_LOGS:
            raise Diverged(f"the generator makes flat pictures since {COLLAPSED_LOGS} logs, "
                           f"now at step {step}; {self._advice()}")

    def check_state(self, step, state):
        if not bool(_all_finite(state)):
            raise Diverged(f"a parameter is not finite at step {step}; {self._advice()}")

    def _advice(self):
        return (f"the last good checkpoint is step {self.saved}; train in a new folder "
                "with smaller optim.g_rate and optim.d_rate, or model.dtype=float32")


@jax.jit
def _all_finite(state):
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(state)]))


@contextlib.contextmanager
def _stop_signals():
    """An event that Ctrl-C and SIGTERM set, instead of killing the process in mid-step.

    Of several processes JAX handles SIGTERM, see `devices.stop_agreed`; Ctrl-C is passed on as one.
    """
    event = threading.Event()
    # Signals reach only the main thread, and a program may train in another.
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def stop(number, frame):
        if event.is_set():
            raise KeyboardInterrupt
        log.warning("stopping after this step; press Ctrl-C again to stop without saving")
        event.set()
        devices.pass_on_stop()

    alone = jax.process_count() == 1
    numbers = (signal.SIGINT, signal.SIGTERM) if alone else (signal.SIGINT,)
    old = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield event
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
