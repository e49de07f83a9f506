"""Listeners of a training: the terminal's bar, TensorBoard, or a program's own."""

import contextlib
import logging
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tqdm.auto

from deepsim_jax.errors import UserError

log = logging.getLogger("deepsim_jax")


class Leg(NamedTuple):
    """A stage of a run, as its listeners know it.

    Attributes:
      title: what to call it; empty where a run's only stage needs no name.
      steps: how many it has.
      effort: of one of them, in a unit that the stages share: a coarse scale's step is over soon, and
        says how long the finer ones will take.
    """

    title: str
    steps: int
    effort: float


class Listener:
    """Is told what happens in a training, in its thread and in order; follows one training.

    A subclass overrides the events that it needs. Steps are counted over all stages. An error that a
    listener raises ends the training like any other; the last checkpoint stays.
    """

    def begin(self, start: int, legs: Sequence[Leg]) -> None:
        """First of all: `start` steps are done already; the run's stages."""

    def stage(self, index: int) -> None:
        """A stage begins or goes on."""

    def advance(self, step: int) -> None:
        """This step is dispatched: once for every call of the device, which may do several."""

    def report(self, step: int, values: dict[str, float]) -> None:
        """The figures of a logged step; they come when the next one is logged, or saved."""

    def saved(self, step: int) -> None:
        """The state of this step is saved, or being written in the background."""

    def preview(self, step: int, pictures: list[np.ndarray]) -> None:
        """Pictures that the network makes at this step: uint8 (H, W, 3), to be shown side by side."""

    def measured(self, step: int, values: dict[str, float]) -> None:
        """Quality on pictures that are not trained on."""

    def close(self) -> None:
        """Last of all, also after an error or an interruption of what has begun."""


class Listeners(Listener):
    """Passes every event on to several listeners, one after the other; to nobody without any."""

    def __init__(self, *listeners: Listener):
        """In the order in which they are told."""
        self._listeners = listeners

    def begin(self, start, legs):
        """Tells all."""
        for listener in self._listeners:
            listener.begin(start, legs)

    def stage(self, index):
        """Tells all."""
        for listener in self._listeners:
            listener.stage(index)

    def advance(self, step):
        """Tells all."""
        for listener in self._listeners:
            listener.advance(step)

    def report(self, step, values):
        """Tells all."""
        for listener in self._listeners:
            listener.report(step, values)

    def saved(self, step):
        """Tells all."""
        for listener in self._listeners:
            listener.saved(step)

    def preview(self, step, pictures):
        """Tells all."""
        for listener in self._listeners:
            listener.preview(step, pictures)

    def measured(self, step, values):
        """Tells all."""
        for listener in self._listeners:
            listener.measured(step, values)

    def close(self):
        """Closes all, whatever one of them raises."""
        with contextlib.ExitStack() as stack:
            for listener in reversed(self._listeners):
                stack.callback(listener.close)


class Pace(Listener):
    """Measures how fast a training goes, and estimates the time that remains.

    Attributes:
      done: steps so far, over all stages.
      legs: the stages.
    """

    def __init__(self):
        """Nothing is known before the training begins."""
        self._first = None  # (steps done, clock) after the stage's first, which includes compilation
        self.done, self.legs = 0, ()

    @property
    def steps(self) -> int:
        """How many there are, over all stages."""
        return sum(leg.steps for leg in self.legs)

    def begin(self, start, legs):
        """Learns how much there is to do."""
        self.done, self.legs = start, legs

    def stage(self, index):
        """Starts a new measurement: stages differ in speed."""
        self._first = None

    def advance(self, step):
        """Moves on."""
        self.done = step
        self._first = self._first or (step, time.monotonic())

    @property
    def seconds_a_step(self) -> float | None:
        """Mean seconds a step of this stage, from its second step on; None before that."""
        if self._first is None:
            return None
        steps, seconds = self.done - self._first[0], time.monotonic() - self._first[1]
        return seconds / steps if steps else None

    @property
    def seconds_left(self) -> float | None:
        """Until the end, if all stages' steps take as much longer as their efforts say."""
        pace = self.seconds_a_step
        if pace is None:
            return None
        ahead, efforts, end = 0.0, [], 0
        for leg in self.legs:
            end += leg.steps
            if self.done <= end:
                efforts.append(leg.effort)
                ahead += min(leg.steps, end - self.done) * leg.effort
        return pace * ahead / efforts[0]


class _TimedBar(tqdm.auto.tqdm):
    """A bar that is told the time left instead of estimating it."""

    left = "?"

    @property
    def format_dict(self):
        return {**super().format_dict, "left": self.left}


class Bar(Listener):
    """Progress on the terminal: a live bar, or lines in the log where there is no terminal."""

    def __init__(self):
        """Shows nothing before the training begins."""
        self._bar, self._pace = None, Pace()

    def begin(self, start, legs):
        """Shows the bar, where there is a terminal."""
        self._pace.begin(start, legs)
        # Without a terminal a bar would fill the log with carriage returns; lines are logged instead.
        if sys.stderr.isatty() or "ipykernel" in sys.modules:
            self._bar = _TimedBar(
                total=self._pace.steps,
                initial=start,
                unit="step",
                smoothing=0.1,
                dynamic_ncols=True,
                bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} "
                "[{elapsed}, {left} left, {rate_fmt}{postfix}]",
            )

    def stage(self, index):
        """Says which stage begins, where it has a name."""
        self._pace.stage(index)
        title = self._pace.legs[index].title
        if title and self._bar is not None:
            self._bar.set_description(title)
        elif title:
            log.info("%s", title)

    def advance(self, step):
        """Moves on."""
        count = step - self._pace.done
        self._pace.advance(step)
        if self._bar is not None:
            self._bar.left = self._time_left() or "?"
            self._bar.update(count)

    def report(self, step, values):
        """Shows the losses, without what belongs to the figures of a run rather than to its progress."""
        figures = {k: f"{v:.3g}" for k, v in values.items() if k not in ("rate", "contrast", "scale")}
        if self._bar is not None:
            self._bar.set_postfix(figures, refresh=False)
        else:
            log.info(
                "step %d/%d  %s  %s",
                step,
                self._pace.steps,
                self._speed(),
                "  ".join(f"{k} {v}" for k, v in figures.items()),
            )

    def measured(self, step, values):
        """Says it in a line."""
        log.info("step %d, held out: %s", step, "  ".join(f"{k} {v:.4f}" for k, v in values.items()))

    def close(self):
        """Ends the bar's line."""
        if self._bar is not None:
            self._bar.close()

    def _speed(self):
        pace = self._pace.seconds_a_step
        return f"{1 / pace:.2f} step/s  {self._time_left()} left" if pace else "compiled"

    def _time_left(self):
        seconds = self._pace.seconds_left
        return None if seconds is None else tqdm.tqdm.format_interval(seconds)


class TensorBoard(Listener):
    """The figures of logged steps as TensorBoard's files."""

    def __init__(self, folder: pathlib.Path):
        """Imports the writer; files are written once the training begins.

        Raises:
          UserError: the package is missing.
        """
        try:
            import tensorboardX
        except ImportError as error:
            raise UserError(
                "train.tensorboard=True: install the extra, pip install 'deepsim_jax[tensorboard]'"
            ) from error
        self._library, self._folder, self._writer = tensorboardX, folder, None

    def begin(self, start, legs):
        """Opens the file, without what an interrupted run has written after `start`."""
        self._writer = self._library.SummaryWriter(str(self._folder), purge_step=start + 1)

    def report(self, step, values):
        """Writes the figures as scalars."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self):
        """Closes the file."""
        if self._writer is not None:
            self._writer.close()
