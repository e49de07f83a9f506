"""Trainings that go on while somebody edits: begun, paused, continued; edits have the right of way."""

import concurrent.futures
import dataclasses
import logging
import pathlib
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from deepsim_jax import api, settings
from deepsim_jax.editor import messages, opening
from deepsim_jax.editor.worker import Bell, Worker
from deepsim_jax.editor.workspaces import Workspace
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as image_io
from deepsim_jax.systems.contract import Source
from deepsim_jax.training import listeners, run_folder

log = logging.getLogger("deepsim_jax")

GIVING_WAY = 2.0
"""Seconds that a training waits at most, before each dispatch, for those who edit."""

SIDE = 512  # of previews

ENDED = "the training that was begun last was ended before it had saved anything"


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What is trained, on what, where."""

    config: Any
    source: Source
    folder: pathlib.Path


class TrainingJob(listeners.Listener):
    """The training of a workspace.

    Attributes:
      state: "none", "running", "pausing", "paused", "finished" or "failed".
      bell: rings when anything of it changes.
    """

    def __init__(self, workspace: Workspace, worker: Worker):
        """Of what the workspace has; called in the worker's thread."""
        self._workspace, self._worker, self.bell = workspace, worker, Bell()
        self._pace, self._stop = listeners.Pace(), threading.Event()
        self._thread: threading.Thread | None = None
        self._title, self._values = "", dict[str, float]()
        self._is_prepared = False  # the first step waits for its compilation
        self._saved: int | None = None  # the newest step of what is going on that is on the disk
        self._is_last = False
        self._begun: _Plan | None = None
        self.error: str | None = None
        opened = workspace.opened
        self._step = opened.step or 0
        self._steps = 0 if opened.step is None else api.total_steps(opened.config, opened.source)
        self.state = "none" if opened.step is None else "finished" if opened.finished else "paused"
        if workspace.begun is not None and not workspace.folder.readonly:  # else it may be going on
            self.state = "failed"
            self.error = ENDED if opened.step is None else f"{ENDED}; the one before it is in use"

    def describe(self) -> dict[str, Any]:
        """How it goes, as the page shows it."""
        left = self._pace.seconds_left if self.state == "running" else None
        return {
            "state": self.state,
            "step": self._step,
            "steps": self._steps,
            "title": "being prepared" if self.is_going_on and not self._is_prepared else self._title,
            "seconds_left": None if left is None else round(left, 1),
            "values": {k: v for k, v in self._values.items() if np.isfinite(v)},
            "previews": sorted(self._samples()),
            "error": self.error,
            "since": self.bell.count,
        }

    @property
    def is_going_on(self) -> bool:
        """Whether it computes."""
        return self.state in ("running", "pausing")

    def preview(self, step, pictures=None):
        """A preview was written."""
        self.bell.ring()

    def read_preview(self, step: int) -> bytes:
        """The preview of a step as WebP; raises LookupError where there is none."""
        path = self._samples().get(step)
        if path is None:
            raise LookupError("no such preview")
        return messages.webp(messages.fitted(image_io.read_image(path, quiet=True), SIDE))

    def _samples(self) -> dict[int, pathlib.Path]:
        run = self._begun.folder if self._begun is not None else self._workspace.run
        if run is None or not (run / "samples").is_dir():
            return {}
        return {int(path.stem): path for path in (run / "samples").glob("*.png") if path.stem.isdigit()}

    def start(self, values: Mapping[str, Any] | None = None) -> None:
        """Begins or goes on; called in the worker's thread.

        Args:
          values: train keys that are changed; None: goes on with what was begun.

        Raises:
          UserError: it is going on already, it is finished, values that are not allowed, or nothing can
            be saved.
        """
        if self.is_going_on:
            raise UserError("it is being trained already")
        if self._workspace.folder.problem:
            raise UserError(self._workspace.folder.problem)
        plan = self._begun = self._plan(values)
        self._workspace.begun = None if plan.folder == self._workspace.run else plan.folder
        self._workspace.save()
        self._stop.clear()
        self.error, self._title, self._is_prepared, self.state = None, "", False, "running"
        self._saved = None
        self._step, self._steps = 0, api.total_steps(plan.config, plan.source)
        self._thread = threading.Thread(target=self._train, args=(plan,), name="training", daemon=True)
        self._thread.start()
        self.bell.ring()

    def is_of(self, workspace: Workspace) -> bool:
        """Whether it is the training of this very object."""
        return self._workspace is workspace

    def pause(self) -> None:
        """Lets it save and stop after what it is doing; raises `UserError` where it is not going on."""
        if not self.is_going_on:
            raise UserError("it is not being trained")
        self.state = "pausing"
        self._stop.set()
        self.bell.ring()

    def end(self) -> None:
        """As `pause`, before the editor ends: what is trained is only saved, and not opened any more."""
        self._is_last = True
        self._stop.set()

    def join(self, seconds: float, saving: float = 0.0) -> bool:
        """Waits for the end of what was paused; whether it came in time.

        Args:
          seconds: at most so long.
          saving: so much longer where it is amid a step; one that is being compiled has nothing to save.
        """
        if self._thread is None:
            return True
        self._thread.join(seconds)
        if self._thread.is_alive() and self._is_prepared:
            self._thread.join(saving)
        return not self._thread.is_alive()

    @property
    def told(self) -> str:
        """What is saved of what was trained last, in a few words."""
        saved = "nothing new of it was" if self._saved is None else f"its step {self._saved} is"
        words = f"{self._workspace.name} was being trained; {saved} saved"
        return words if self.error is None else f"{words} ({self.error})"

    def _plan(self, values) -> _Plan:
        workspace, opened = self._workspace, self._workspace.opened
        run, begun = workspace.run, workspace.begun
        if begun is not None and run_folder.is_run(begun):
            run = begun  # it failed later
        elif begun is not None and self._begun is not None and values is None:
            return self._begun
        if run is not None and run_folder.is_run(run):
            config, source = api.read_config(run), api.load_source(run)
            if not values or opening.values(config, tuple(values)) == dict(values):
                if opened.finished and settings.flatten(opened.config) == settings.flatten(config):
                    raise UserError(_advice(opened))
                return _Plan(config, source, run)
            config = opening.changed(config, values, opened.system.train_keys)
            if _only_longer(api.read_config(run), config, opened.system.schema):
                return _Plan(config, source, run)
            return _Plan(config, source, _next_folder(workspace))
        if workspace.config_name is None:
            raise UserError(f"{workspace.name}: its run is gone")
        config = workspace.config(values)
        key = opened.system.photo_key
        if key and workspace.photo_path is not None:
            config = settings.unflatten({**settings.flatten(config), key: str(workspace.photo_path)})
        return _Plan(config, opened.source, _next_folder(workspace))

    def _train(self, plan: _Plan):
        try:
            model = api.train_source(
                plan.source,
                plan.config,
                plan.folder,
                extend=True,
                listener=self,
                stop=self._stop.is_set,
            )
            if not self._is_last:
                self._worker.submit(self._workspace.reopen, of=self._workspace.id).result()
            self.state = "finished" if model.finished else "paused"
        except concurrent.futures.CancelledError:  # the editor has ended
            self.state = "paused"
        except Exception as error:  # this thread's end; whoever looks at the page shall see it
            self.error = messages.failure(error, f"the training of {self._workspace.name}")
            self.state = "failed"  # last: whoever sees it finds the reason
        self.bell.ring()

    def begin(self, start, legs):
        """Learns how much there is to do."""
        if start:
            self._saved = start
        self._pace = listeners.Pace()
        self._pace.begin(start, legs)
        self._step, self._steps = start, self._pace.steps
        self.bell.ring()

    def stage(self, index):
        """Says which stage begins."""
        self._pace.stage(index)
        self._title = self._pace.legs[index].title
        self.bell.ring()

    def advance(self, step):
        """Moves on, when nobody edits."""
        self._pace.advance(step)
        self._step, self._is_prepared = step, True
        self.bell.ring()
        if not self._stop.is_set():
            self._worker.give_way(GIVING_WAY)

    def report(self, step, values):
        """Keeps the figures."""
        self._values = {name: float(value) for name, value in values.items()}
        self.bell.ring()

    def saved(self, step):
        """Tells that there is something to go on from."""
        self._saved = step
        self.bell.ring()


def _advice(opened: opening.Opened) -> str:
    """What to do where a training is finished, in one line that names its settings as the page does."""
    labels = opened.system.labels
    titles = [key in labels and labels[key].title for key in opened.system.train_keys]
    words = [key.rpartition(".")[2].replace("_", " ") for key in opened.system.train_keys]
    names = [(title or word).lower() for title, word in zip(titles, words, strict=True)]
    return f"this training is finished; change one of its settings first: {', '.join(names)}"


def _only_longer(before, after, schema) -> bool:
    """Whether a run of the one config may go on as one of the other."""
    old, new = (dict[str, Any](settings.flatten(config)) for config in (before, after))
    steps = old.pop("train.steps"), new.pop("train.steps")
    return old == new and steps[1] > steps[0] and schema.is_extendable(before)


def _next_folder(workspace: Workspace) -> pathlib.Path:
    """A folder for another training, or that of one that was stopped before it began."""
    number = 1
    while True:
        folder = workspace.folder.path / ("run" if number == 1 else f"run-{number}")
        if not folder.exists() or not run_folder.is_run(folder):
            return folder
        number += 1
