"""A training run as data: its stages, its folder, and how often it logs, saves and measures."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from deepsim_jax.training import devices
from deepsim_jax.training.stages import Stage


@dataclasses.dataclass(frozen=True)
class Cadence:
    """Intervals, in steps, of logging, saving, previews and measuring; 0 switches the last two off."""

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
      stages: what is trained, one after the other.
      batch: samples per step over all devices.
      device_count: see `devices.choose`.
      steps_per_dispatch: the most, see `devices.steps_per_dispatch`.
      precision: a name in `devices.PRECISIONS`.
      cadence: when to log, save and preview.
      preview: what a stage exports -> pictures to show side by side, uint8 (H, W, 3).
      tensorboard: whether TensorBoard files are asked for too, see `foreground`.
      measure: what a stage exports -> figures of quality on what is not trained on, or None.
    """

    workdir: pathlib.Path
    stages: tuple[Stage, ...]
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

    def compiled(self, stage: Stage) -> devices.Compiled:
        """The training step of a stage."""
        return devices.Compiled(
            stage.make_step,
            batch=self.batch,
            count=self.device_count,
            most=self.steps_per_dispatch,
            precision=self.precision,
        )
