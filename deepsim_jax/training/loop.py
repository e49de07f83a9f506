"""The training loop: trains stage by stage; logs, saves, previews and measures between the steps."""

import dataclasses
import logging
from collections.abc import Callable

import jax
import numpy as np

from deepsim_jax.training import checkpoint, devices, listeners, position, progress
from deepsim_jax.training import state as states
from deepsim_jax.training.guard import Diverged, Guard
from deepsim_jax.training.listeners import Listener
from deepsim_jax.training.position import Position, restore
from deepsim_jax.training.run import Cadence, Run

__all__ = ["Cadence", "Diverged", "Position", "Run", "restore", "train"]

log = logging.getLogger("deepsim_jax")


def train(
    run: Run,
    *,
    begun: Callable[[], None],
    listener: Listener | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Position:
    """Trains until the last step, from the newest checkpoint; in any thread.

    The run's folder gets checkpoints, metrics.jsonl, samples/ and, where quality is measured,
    heldout.jsonl. Of several processes that train together the first reads and writes the folder; the
    state that it begins with is everyone's, and a stop of one of them stops all after the same step.

    Args:
      run: what to train.
      begun: called as soon as there is a checkpoint, that of step 0 in a new run: from then on the
        folder can be loaded whatever happens.
      listener: is told what happens; of several processes, the first one's.
      stop: asked after every dispatch; once it says yes, the state is saved and the training returns.

    Returns:
      The position reached. A training continued from there ends with the same bits as one without a stop.

    Raises:
      Diverged: a loss or a parameter is not finite, or the generator's pictures are flat.
      UserError: a checkpoint cannot be read or written.
    """
    with devices.together():
        saver = (
            checkpoint.Checkpoints(run.checkpoint_folder, keep=run.cadence.keep)
            if devices.is_first()
            else checkpoint.NoCheckpoints()
        )
        saved_step = saver.latest()
    try:
        start, compiled = _start(run, saver, saved_step, begun)
        training = _Training(start, saver, listener or listeners.Listeners(), stop)
        try:
            return training.finish(start, compiled)
        finally:
            training.close()
    finally:
        saver.close()


def _start(run, saver, saved_step, begun):
    """(where to train on from, the stage's step, which is being compiled meanwhile)."""
    step = int(devices.from_first(np.int32(saved_step or 0)))
    shapes = position.shapes(run, step)
    compiled = shapes.compiling()  # while the state is made or read
    with devices.together():
        start = _restore_or_begin(run, saver, saved_step) if devices.is_first() else shapes
        begun()
    state, previous = devices.from_first((start.state, start.previous))
    if step:
        log.info("continuing from step %d of %d", step, run.steps)
    return dataclasses.replace(start, state=state, previous=previous), compiled


def _restore_or_begin(run, saver, saved_step):
    """The place of the newest checkpoint, or the beginning, saved."""
    if saved_step is not None:
        return restore(run, saver, saved_step)
    start = position.first(run)
    saver.save(0, states.to_trees(start.state))
    return start


class _Training:
    """One call of `train`: its listeners, checkpoints and requests to stop."""

    def __init__(self, start, saver, listener, stop):
        run = start.run
        self._saver, self._stop, self._stop_requested, self._calls = saver, stop, False, 0
        self._guard = Guard(saved=start.step)
        self._pending = None  # (step, metrics on the device, the stage's figures) of the newest log
        self._record = None
        if devices.is_first():
            measured = run.measure is not None
            self._record = progress.Record(run.workdir, start=start.step, measured=measured)
        all_listeners = (self._record, listener) if self._record else ()
        self._listener = listeners.Listeners(*all_listeners)

    def close(self):
        self._listener.close()

    def finish(self, place, compiled):
        """Trains from a position to the end or until it shall stop; returns the position reached."""
        legs = [listeners.Leg(stage.title, stage.steps, stage.effort) for stage in place.run.stages]
        self._listener.begin(place.step, legs)
        while True:
            place, stopped, upcoming = self._stage(place, compiled)
            if stopped or place.finished:
                if upcoming:
                    upcoming.settle()
                return place
            place = place.following()
            compiled = upcoming or place.compiling()

    def _stage(self, place, compiled):
        """Trains a stage to its end, or until it is to stop.

        Returns:
          (the place then, whether it is to stop, the next stage's step if it is being compiled already:
          since this one's first, on a CPU or TPU).
        """
        trees = place.state, *place.stage.inputs(place.previous)
        state, data, frozen = (compiled.place(tree) for tree in trees)
        place = dataclasses.replace(place, state=state)
        self._listener.stage(place.index)
        self._measure(place, last=place.finished)  # a kill may have come between saving and measuring
        stopped, upcoming = False, None
        while place.step < place.end and not stopped:
            count = _steps_ahead(place, compiled.most)
            state, metrics = compiled(place.state, data, frozen, count)
            place = dataclasses.replace(place, state=state, step=place.step + count)
            upcoming = upcoming or _compiling_next(place)
            self._listener.advance(place.step)
            stopped = self._stop_agreed()
            self._after_dispatch(place, metrics, last=stopped or place.step == place.end)
        return place, stopped, upcoming

    def _stop_agreed(self):
        self._calls += 1
        if not self._stop_requested and self._stop():
            self._stop_requested = True
            devices.pass_on_stop()
        return devices.stop_agreed(self._calls, self._stop_requested)

    def _after_dispatch(self, place, metrics, *, last):
        """Logs, saves, previews and measures after a dispatch."""
        step, cadence = place.step, place.run.cadence
        if last or step % cadence.log == 0:
            # The figures of the log before this one: they have arrived, fetching them does
            # not hold up the device.
            self._report()
            self._pending = step, metrics, place.stage.about
        if last or step % cadence.save == 0:
            self._report()
            self._save(place, last)
        if cadence.preview and (last or step % cadence.preview == 0):
            with devices.together():
                if devices.is_first():
                    self._listener.preview(step, place.run.preview(place.trained))
        self._measure(place, last)

    def _report(self):
        if self._pending is not None:
            (step, metrics, about), self._pending = self._pending, None
            values = {k: float(v) for k, v in jax.device_get(metrics).items()}
            self._listener.report(step, {**values, **about})
            self._guard.check_metrics(step, values)

    def _save(self, place, last):
        self._guard.check_state(place.step, place.state)
        # An accelerator goes on meanwhile; a CPU would lend the writing its cores and its memory.
        background = not last and jax.default_backend() != "cpu"
        with devices.together():
            trees = states.to_trees(place.state, place.previous)
            self._saver.save(place.step, trees, background=background)
        self._guard.saved = place.step
        self._listener.saved(place.step)

    def _measure(self, place, last):
        measure = place.run.measure
        if not measure or not (last or place.step % place.run.cadence.measure == 0):
            return
        jax.block_until_ready(place.state)
        with devices.together():
            if self._record and self._record.last_measured < place.step:
                best = place.trained
                values = self._record.measure(place.step, lambda: measure(best))
                self._listener.measured(place.step, values)


def _steps_ahead(place, limit):
    """How many steps fit into one dispatch: up to the next log, save, preview or measurement."""
    next_event = place.run.cadence.next_after(place.step) or place.end
    return min(limit, place.end - place.step, next_event - place.step)


def _compiling_next(place):
    """Starts to compile the next stage's step; None if there is no such stage, or on a GPU.

    A GPU's compiler tries its kernels out there, where the training would disturb it.
    """
    if jax.default_backend() == "gpu" or place.index + 1 == len(place.run.stages):
        return None
    return place.following_shapes().compiling()
