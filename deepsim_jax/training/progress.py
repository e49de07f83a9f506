"""Records a run's progress in its folder: JSON lines and preview pictures."""

import contextlib
import json
import math
import pathlib
import time
from collections.abc import Callable

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.training.listeners import Listener


class Metrics:
    """`metrics.jsonl` of a run: one object per logged step, in order, each step once."""

    def __init__(self, path: pathlib.Path, *, start: int):
        """Opens the file for appending, without what an interrupted run logged after `start`."""
        self.path = path
        rows = [row for row in read_metrics(path) if row["step"] <= start]
        images.write_bytes_atomic(path, "".join(json.dumps(r) + "\n" for r in rows).encode())
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
        # A full disk refuses the rest again; `write` has reported it.
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
        earlier_rows = read_metrics(path)  # without what `Metrics` has just dropped
        self.last = earlier_rows[-1]["step"] if earlier_rows else 0
        self._saved = path.with_suffix(".clock.json")
        self._marks = [row for row in read_metrics(self._saved) if row["step"] <= start]
        earlier_seconds = [
            row["seconds"] for row in (*earlier_rows, *self._marks) if row["step"] <= start
        ]
        self._begun = time.monotonic() - max(earlier_seconds, default=0.0)

    def mark(self, step: int):
        """Notes the clock when a step is saved, for a run that continues from there.

        The mark before stays: a kill may come before the step's state is written.
        """
        row = {"step": step, "seconds": round(time.monotonic() - self._begun, 2)}
        self._marks = [*self._marks[-1:], row]
        text = "".join(json.dumps(mark) + "\n" for mark in self._marks)
        images.write_bytes_atomic(self._saved, text.encode())

    def write(self, step: int, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Measures while the clock stands, appends the row, and returns what was measured."""
        paused = time.monotonic()
        seconds = round(paused - self._begun, 2)
        values = measure()
        self._begun += time.monotonic() - paused
        self._rows.write(step, {"seconds": seconds, **values})
        self.last = step
        return values

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


class Record(Listener):
    """Writes a run's progress into its folder: metrics.jsonl, samples/, heldout.jsonl."""

    def __init__(self, workdir: pathlib.Path, *, start: int, measured: bool):
        """Opens the files as `Metrics` does.

        Args:
          workdir: the run's folder.
          start: steps that are done.
          measured: whether quality is measured; without it there is no heldout.jsonl.
        """
        self._workdir = workdir
        self._metrics = Metrics(workdir / "metrics.jsonl", start=start)
        self._held_out = HeldOut(workdir / "heldout.jsonl", start=start) if measured else None

    def report(self, step, values):
        """Appends a row to metrics.jsonl."""
        self._metrics.write(step, values)

    def preview(self, step, pictures):
        """Writes a picture into samples/."""
        save_preview(self._workdir / "samples" / f"{step:06d}.png", pictures)

    def saved(self, step):
        """Notes the clock, for the seconds in heldout.jsonl."""
        if self._held_out is not None:
            self._held_out.mark(step)

    @property
    def last_measured(self) -> int:
        """The newest step in heldout.jsonl, 0 before the first."""
        return 0 if self._held_out is None else self._held_out.last

    def measure(self, step: int, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Measures and appends a row to heldout.jsonl; returns what was measured."""
        if self._held_out is None:
            raise ValueError("this record was opened without measuring")
        return self._held_out.write(step, measure)

    def close(self):
        """Closes the files."""
        self._metrics.close()
        if self._held_out is not None:
            self._held_out.close()


def save_preview(path: pathlib.Path, pictures: list[np.ndarray]):
    """Writes uint8 (H, W, 3) pictures of one size side by side, with a thin white gap."""
    gap = np.full((pictures[0].shape[0], 4, 3), 255, np.uint8)
    row = [tile for picture in pictures for tile in (picture, gap)][:-1]
    images.write_png(path, np.concatenate(row, axis=1))
