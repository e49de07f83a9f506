"""What a run tells: a live progress bar, JSON lines, TensorBoard, preview pictures."""

import contextlib
import json
import logging
import math
import pathlib
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import tqdm.auto

from deepsim_jax.data import images
from deepsim_jax.errors import UserError

log = logging.getLogger("deepsim_jax")


class Metrics:
    """`metrics.jsonl` of a run: one object per logged step, in order, each step once."""

    def __init__(self, path: pathlib.Path, *, start: int):
        """Opens the file for appending, without what an interrupted run logged after `start`."""
        self.path = path
        kept = [row for row in read_metrics(path) if row["step"] <= start]
        images.write_bytes_atomic(path, "".join(json.dumps(r) + "\n" for r in kept).encode())
        self._file = open(path, "a", encoding="utf-8")

    def write(self, step: int, values: dict[str, float]):
        """Appends one row; non-finite values are written as null, which JSON has."""
        row = {k: (v if math.isfinite(v) else None) for k, v in values.items()}
        try:
            self._file.write(json.dumps({"step": step, **row}) + "\n")
            self._file.flush()
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error

    def close(self):
        """Closes the file."""
        # What a full disk has refused once is refused again; `write` has said so.
        with contextlib.suppress(OSError):
            self._file.close()


class HeldOut:
    """`heldout.jsonl` of a run: quality on pictures that it is not trained on.

    One object per measured step: "step", "seconds" of training until then (compilation included,
    measuring and what was lost by an interruption left out), and what was measured.

    Attributes:
      last: the newest step that is in the file.
    """

    def __init__(self, path: pathlib.Path, *, start: int):
        """Opens the file as `Metrics` does; the clock goes on from where it was at `start`."""
        self._rows = Metrics(path, start=start)
        before = read_metrics(path)  # without what `Metrics` has just dropped
        self.last = before[-1]["step"] if before else 0
        self._saved = path.with_suffix(".clock.json")
        self._marks = [row for row in read_metrics(self._saved) if row["step"] <= start]
        known = [row["seconds"] for row in (*before, *self._marks) if row["step"] <= start]
        self._begun = time.monotonic() - max(known, default=0.0)

    def mark(self, step: int):
        """Notes the clock when a step is saved, for a run that continues from there.

        The mark before stays: a kill may come before the step's state is written.
        """
        row = {"step": step, "seconds": round(time.monotonic() - self._begun, 2)}
        self._marks = [*self._marks[-1:], row]
        text = "".join(json.dumps(mark) + "\n" for mark in self._marks)
        images.write_bytes_atomic(self._saved, text.encode())

    def write(self, step: int, measure: Callable[[], dict[str, float]]):
        """Measures while the clock stands, and appends the row."""
        paused = time.monotonic()
        seconds = round(paused - self._begun, 2)
        values = measure()
        self._begun += time.monotonic() - paused
        self._rows.write(step, {"seconds": seconds, **values})
        self.last = step
        log.info("step %d, held out: %s", step, "  ".join(f"{k} {v:.4f}" for k, v in values.items()))

    def close(self):
        """Closes the file."""
        self._rows.close()


def read_metrics(path: pathlib.Path) -> list[dict]:
    """The rows of a metrics file; a last line that a kill has cut short is left out."""
    rows = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break
    return rows


class _Bar(tqdm.auto.tqdm):
    """A bar that is told the time left instead of estimating it."""

    left = "?"

    @property
    def format_dict(self):
        return {**super().format_dict, "left": self.left}


class Progress:
    """Bar, metrics file and TensorBoard of one run, behind one `report` call."""

    def __init__(self, workdir: pathlib.Path, *, start: int, stages: Sequence[tuple[int, float]],
                 tensorboard: bool):
        """Begins to tell.

        Args:
          workdir: of the run.
          start: steps that are done.
          stages: (steps, effort of one) of each, efforts in any unit: a coarse scale's step is over
            soon, and says how long the finer ones will take.
          tensorboard: whether to write TensorBoard files too.
        """
        self.metrics = Metrics(workdir / "metrics.jsonl", start=start)
        self._board = _tensorboard_writer(workdir / "tensorboard", start) if tensorboard else None
        self._done, self._steps, self._stages = start, sum(count for count, _ in stages), stages
        self._first = None  # (steps done, clock) after the stage's first, which includes compilation
        # Without a terminal a bar would fill the log with carriage returns; lines are logged instead.
        live = sys.stderr.isatty() or "ipykernel" in sys.modules
        self._bar = _Bar(
            total=self._steps, initial=start, unit="step", smoothing=0.1, dynamic_ncols=True,
            bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}, {left} left, {rate_fmt}{postfix}]",
        ) if live else None

    def begin(self, title: str):
        """Says which stage of the run begins, where it has a name."""
        self._first = None
        if title and self._bar is not None:
            self._bar.set_description(title)
        elif title:
            log.info("%s", title)

    def advance(self, steps: int):
        """Counts steps."""
        self._done += steps
        self._first = self._first or (self._done, time.monotonic())
        if self._bar is not None:
            pace = self._pace()
            self._bar.left = self._left(pace) if pace else "?"
            self._bar.update(steps)

    def report(self, step: int, values: dict[str, float]):
        """Writes one logged step everywhere."""
        self.metrics.write(step, values)
        shown = {k: f"{v:.3g}" for k, v in values.items() if k not in ("rate", "contrast", "scale")}
        if self._bar is not None:
            self._bar.set_postfix(shown, refresh=False)
        else:
            log.info("step %d/%d  %s  %s", step, self._steps, self._speed(),
                     "  ".join(f"{k} {v}" for k, v in shown.items()))
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def _speed(self):
        pace = self._pace()
        return f"{1 / pace:.2f} step/s  {self._left(pace)} left" if pace else "compiled"

    def _pace(self):
        """Seconds a step of this stage, since its first; None before there is one."""
        steps, seconds = self._done - self._first[0], time.monotonic() - self._first[1]
        return seconds / steps if steps else None

    def _left(self, pace):
        """The time until the end, if all stages' steps take as much longer as their efforts say."""
        ahead, own, end = 0.0, None, 0
        for count, effort in self._stages:
            end += count
            if self._done <= end:
                own = own or effort
                ahead += min(count, end - self._done) * effort
        return tqdm.tqdm.format_interval(pace * ahead / own)

    def close(self):
        """Ends the bar's line and closes the files."""
        if self._bar is not None:
            self._bar.close()
        self.metrics.close()
        if self._board is not None:
            self._board.close()


class Silence:
    """Stands for the `Progress` of a run in a process that leaves telling to another one."""

    def begin(self, title: str):
        """Does nothing."""

    def advance(self, steps: int):
        """Does nothing."""

    def report(self, step: int, values: dict[str, float]):
        """Does nothing."""

    def close(self):
        """Does nothing."""


def _tensorboard_writer(folder, start):
    try:
        import tensorboardX
    except ImportError as error:
        raise UserError("train.tensorboard=True: install the extra, "
                        "pip install 'deepsim_jax[tensorboard]'") from error
    return tensorboardX.SummaryWriter(str(folder), purge_step=start + 1)


def save_preview(path: pathlib.Path, pictures: list[np.ndarray]):
    """Writes uint8 (H, W, 3) pictures of one size side by side, with a thin white gap."""
    gap = np.full((pictures[0].shape[0], 4, 3), 255, np.uint8)
    row = [part for picture in pictures for part in (picture, gap)][:-1]
    images.write_png(path, np.concatenate(row, axis=1))
