"""The training loop: cadence, log, guard, save, resume."""

import contextlib
import dataclasses
import itertools
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

    def next_after(self, step: int) -> int | None:
        """The first step after this one at which something happens; None: none of it ever does."""
        every = (self.log, self.save, self.preview, self.measure)
        return min((step // n * n + n for n in every if n), default=None)


@dataclasses.dataclass
class Run:
    """One training run: what is trained, on what, where.

    Attributes:
      workdir: its folder.
      stages: what is trained, one after the other, see `training.stages`.
      batch: samples per step over all devices.
      device_count: see `devices.choose`.
      steps_per_dispatch: the most, see `devices.steps_per_dispatch`.
      precision: a name in `devices.PRECISIONS`.
      cadence: when to log, save and preview.
      preview: what a stage leaves -> pictures to show side by side.
      tensorboard: whether to write TensorBoard files too.
      measure: what a stage leaves -> figures of quality on what is not trained on, or None.
    """

    workdir: pathlib.Path
    stages: tuple[Any, ...]
    batch: int
    device_count: int
    cadence: Cadence
    preview: Callable[[Any], list[np.ndarray]]
    tensorboard: bool = False
    measure: Callable[[Any], dict[str, float]] | None = None
    steps_per_dispatch: int = 1
    precision: str = "default"

    @property
    def checkpoint_folder(self) -> pathlib.Path:
        """Where its states are saved."""
        return self.workdir / "checkpoints"

    @property
    def steps(self) -> int:
        """How many it has, over all stages."""
        return sum(stage.steps for stage in self.stages)

    def compiled(self, stage) -> devices.Compiled:
        """The training step of a stage."""
        return devices.Compiled(stage.make_step, batch=self.batch, count=self.device_count,
                                most=self.steps_per_dispatch, precision=self.precision)


@dataclasses.dataclass(frozen=True)
class Position:
    """A place in a run.

    Attributes:
      run: which one.
      index: of the stage; at the end of a stage still that one.
      earlier: what the stages before it have left, if it builds on them.
      state: the stage's.
      step: counted over all stages.
    """

    run: Run
    index: int
    earlier: Any
    state: states.TrainState
    step: int

    @property
    def stage(self):
        """The stage."""
        return self.run.stages[self.index]

    @property
    def end(self) -> int:
        """The step with which the stage ends."""
        return sum(stage.steps for stage in self.run.stages[: self.index + 1])

    @property
    def finished(self) -> bool:
        """Whether it is the run's last step."""
        return self.step == self.run.steps

    @property
    def left(self):
        """What the stage would leave if it ended here."""
        return self.stage.leave(self.earlier, devices.local(self.state))

    @property
    def complete(self):
        """What the stages that have ended leave; where nothing builds on them, what this one would."""
        return self.left if self.step == self.end or self.earlier is None else self.earlier

    def following(self) -> "Position":
        """The beginning of the next stage; at the end of one."""
        return self._followed(devices.local(self.state), lambda function, *args: function(*args))

    def following_shapes(self) -> "Position":
        """The same of shapes."""
        return self._followed(self.state, jax.eval_shape)

    def _followed(self, state, call):
        following = self.run.stages[self.index + 1]
        handed = call(self.stage.hand_on, self.earlier, state)
        return dataclasses.replace(self, index=self.index + 1, state=call(following.begin, handed),
                                   earlier=handed if following.builds_on else None)

    def compiling(self) -> devices.Compiled:
        """The stage's training step, being compiled if any is left; shapes will do."""
        compiled = self.run.compiled(self.stage)
        if self.step < self.end:
            compiled.prepare(self.state, *jax.eval_shape(self.stage.given, self.earlier))
        return compiled


def to_trees(state: states.TrainState, earlier: Any = None) -> dict:
    """A state, and what earlier stages have left, as the named trees of a checkpoint.

    DeepSIM's pictures need only "ema", or "generator" where there is none.
    """
    trees = {"generator": state.generator, "training": {
        "step": state.step, "discriminator": state.discriminator,
        "generator_opt": state.generator_opt, "discriminator_opt": state.discriminator_opt}}
    others = {"ema": state.ema, "carried": state.carried, "earlier": earlier}
    return trees | {name: tree for name, tree in others.items() if tree is not None}


def from_trees(trees: dict) -> states.TrainState:
    """The state of `to_trees`."""
    return states.TrainState(generator=trees["generator"], ema=trees.get("ema"),
                             carried=trees.get("carried"), **trees["training"])


def restore(run: Run, saver: checkpoint.Checkpoints, step: int) -> Position:
    """The place at which a run was saved.

    Raises:
      UserError: the checkpoint is damaged or holds other shapes.
    """
    shapes = _shapes(run, step)
    trees = saver.restore(step, to_trees(shapes.state, shapes.earlier))
    return dataclasses.replace(shapes, state=from_trees(trees), earlier=trees.get("earlier"))


def train(run: Run, *, begun: Callable[[], None]) -> Position:
    """Trains until the last step, from the newest checkpoint.

    Ctrl-C or SIGTERM saves and returns early. Of several processes that train together the first
    reads and writes the folder; the state that it begins with is everyone's, and a signal to one of
    them stops all after the same step.

    Args:
      run: what to train.
      begun: called as soon as there is a checkpoint, that of step 0 in a new run: from then on the
        folder can be loaded whatever happens.

    Returns:
      Where it has come to.

    Raises:
      Diverged: a loss or a parameter is not finite, or the generator's pictures are flat.
      UserError: a checkpoint cannot be read or written.
    """
    with devices.together():
        saver = (checkpoint.Checkpoints(run.checkpoint_folder, keep=run.cadence.keep)
                 if devices.is_first() else checkpoint.Elsewhere())
        saved = saver.latest()
    try:
        step = int(devices.from_first(np.int32(saved or 0)))
        shapes = _shapes(run, step)
        compiled = shapes.compiling()  # while the state is made or read
        with devices.together():
            place = _begin(run, saver, saved) if devices.is_first() else shapes
            begun()
        state, earlier = devices.from_first((place.state, place.earlier))
        place = dataclasses.replace(place, state=state, earlier=earlier)
        if step:
            log.info("continuing from step %d of %d", step, run.steps)
        return _train(place, compiled, saver)
    finally:
        saver.close()


def _begin(run, saver, saved):
    """The place of the newest checkpoint, or the beginning, saved."""
    if saved is not None:
        return restore(run, saver, saved)
    place = Position(run, 0, None, run.stages[0].begin(None), 0)
    saver.save(0, to_trees(place.state))
    return place


def _shapes(run, step):
    """The place of a step, with shapes instead of arrays."""
    place = Position(run, 0, None, jax.eval_shape(run.stages[0].begin, None), step)
    while place.end < step and place.index + 1 < len(run.stages):
        place = place.following_shapes()
    return place


def _train(place, compiled, saver):
    """Trains stage by stage, from a place on, and returns the place of the end."""
    bar, measured = _tellers(place.run, place.step)
    guard = _Guard(saved=place.step)
    try:
        with _stop_signals() as stopped:
            calls = itertools.count(1)

            def agreed():
                return devices.stop_agreed(next(calls), stopped.is_set())

            place, stop, compiled = _stage(place, compiled, saver, guard, bar, measured, agreed)
            while not (stop or place.finished):
                place = place.following()
                place, stop, compiled = _stage(place, compiled or place.compiling(), saver, guard, bar,
                                               measured, agreed)
            if compiled:
                compiled.settle()
    finally:
        bar.close()
        if measured:
            measured.close()
    return place


def _stage(place, compiled, saver, guard, bar, measured, stop_agreed):
    """Trains a stage to its end, or until it is to stop.

    Returns:
      (the place then, whether it is to stop, the next stage's step if it is being compiled already: since
      this one's first, on a CPU or TPU).
    """
    run, stage, end = place.run, place.stage, place.end
    state, data, frozen = (compiled.place(tree) for tree in (place.state, *stage.given(place.earlier)))
    pending, stop, upcoming = None, False, None
    bar.begin(stage.title)

    def here():
        return dataclasses.replace(place, state=state, step=done)

    def measure():
        if run.measure and (last or done % run.cadence.measure == 0):
            jax.block_until_ready(state)
            with devices.together():
                if measured and measured.last < done:
                    best = here().left
                    measured.write(done, lambda: run.measure(best))

    # A GPU's compiler tries its kernels out there, where the training would disturb it.
    meanwhile = jax.default_backend() != "gpu" and place.index + 1 < len(run.stages)
    done, last = place.step, place.step == run.steps
    measure()  # a kill may have come between saving this step and measuring it
    while done < end:
        # Steps that nothing happens between may be one dispatch.
        count = min(compiled.most, end - done, (run.cadence.next_after(done) or end) - done)
        state, metrics = compiled(state, data, frozen, count)
        done += count
        if meanwhile and upcoming is None:
            upcoming = here().following_shapes().compiling()
        bar.advance(count)
        stop = stop_agreed()
        last = stop or done == end
        if done % run.cadence.log == 0 or last:
            # The figures of the log before this one: they have arrived, fetching them does
            # not hold up the device.
            _report(bar, guard, pending)
            pending = (done, metrics, stage.about)
        if last or done % run.cadence.save == 0:
            _report(bar, guard, pending)
            pending = None
            guard.check_state(done, state)
            with devices.together():
                # An accelerator goes on meanwhile; a CPU would lend the writing its cores and its memory.
                saver.save(done, to_trees(state, place.earlier),
                           background=not last and jax.default_backend() != "cpu")
            guard.saved = done
            if measured:
                measured.mark(done)
        if run.cadence.preview and (done % run.cadence.preview == 0 or last):
            with devices.together():
                _preview(here())
        measure()
        if stop:
            break
    return here(), stop, upcoming


def _tellers(run, start):
    """What writes the figures of losses and of quality; the latter None if nothing is measured."""
    if not devices.is_first():
        return progress.Silence(), None
    bar = progress.Progress(
        run.workdir, start=start, stages=[(stage.steps, stage.effort) for stage in run.stages],
        tensorboard=run.tensorboard)
    return bar, progress.HeldOut(run.workdir / "heldout.jsonl", start=start) if run.measure else None


def _preview(place):
    if devices.is_first():
        progress.save_preview(place.run.workdir / "samples" / f"{place.step:06d}.png",
                              place.run.preview(place.left))


def _report(bar, guard, pending):
    if pending is not None:
        step, metrics, about = pending
        values = {k: float(v) for k, v in jax.device_get(metrics).items()}
        bar.report(step, {**values, **about})
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
