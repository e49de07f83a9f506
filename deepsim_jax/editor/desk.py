"""Everything that goes on in one editor: the worker, what is open, trainings and films."""

import pathlib
import pkgutil
import threading
from collections.abc import Mapping
from typing import Any

from deepsim_jax import registry
from deepsim_jax.editor import descriptions
from deepsim_jax.editor.catalogue import Catalogue
from deepsim_jax.editor.films import Film
from deepsim_jax.editor.renderings import Progress
from deepsim_jax.editor.training_jobs import TrainingJob
from deepsim_jax.editor.worker import Bell, Worker
from deepsim_jax.editor.workspaces import Workspace
from deepsim_jax.errors import UserError
from deepsim_jax.systems import contract

FILMS = 16
"""So many films are remembered; the files of older ones stay in the workdir."""


class Desk:
    """One editor, without its page.

    Methods that take a workspace are called in the worker's thread.

    Attributes:
      worker: does all that computes.
      catalogue: what there is in the workdir.
    """

    def __init__(self, workdir: pathlib.Path):
        """Opens a workdir; raises `UserError` where it cannot be written."""
        self.catalogue, self.worker = Catalogue(workdir), Worker()
        self._trainings: dict[str, TrainingJob] = {}
        self._films: dict[str, Film] = {}
        self._progress: dict[str, Progress] = {}
        self.closed = False

    def prepare(self) -> None:
        """Imports, in the background, what the first photo would wait for."""

        def load():
            for system in registry.systems():
                system.load_training()
                pkgutil.resolve_name(system.session)

        threading.Thread(target=load, name="preparing", daemon=True).start()

    def training(self, workspace: Workspace) -> TrainingJob:
        """The training of a workspace, which may not have begun."""
        if workspace.id not in self._trainings:
            self._trainings[workspace.id] = TrainingJob(workspace, self.worker)
        return self._trainings[workspace.id]

    def train(self, workspace: Workspace, values: Mapping[str, Any] | None) -> TrainingJob:
        """Begins the training of a workspace, or goes on with it.

        Raises:
          UserError: another one is going on, or values that are not allowed.
        """
        for id_, job in self._trainings.items():
            if job.is_going_on and id_ != workspace.id:
                raise UserError("another photo is being trained; pause that first")
        job = self.training(workspace)
        job.start(values)
        self.catalogue.busy = {id_ for id_, one in self._trainings.items() if one.is_going_on}
        return job

    def change_opening(self, workspace: Workspace, values: Mapping[str, Any], *, discard: bool) -> None:
        """Opens a photo anew with another primitive; raises as `Workspace.change_opening`."""
        if self.training(workspace).is_going_on:
            raise UserError("it is being trained; pause that first")
        workspace.change_opening(values, discard=discard)
        del self._trainings[workspace.id]

    def delete(self, id_: str) -> None:
        """Deletes a workspace; raises as `Catalogue.delete`."""
        job = self._trainings.get(id_)
        if job is not None and job.is_going_on:
            raise UserError("it is being trained; pause that first")
        self._trainings.pop(id_, None)
        self.catalogue.busy.discard(id_)
        self.catalogue.delete(id_)
        self._progress.pop(id_, None)

    def get(self, id_: str) -> Workspace:
        """A workspace; raises as `Catalogue.get`."""
        is_open = self.catalogue.is_open(id_)
        workspace = self.catalogue.get(id_)
        progress = self._progress.setdefault(id_, Progress(self.worker.checkpoint))
        workspace.renderings.progress = progress
        workspace.save_behind()
        if not is_open:
            self.warm(workspace)
        job = self._trainings.get(id_)
        if job is not None and not job.is_of(workspace):  # it was read again meanwhile
            del self._trainings[id_]
        return workspace

    def progress(self, id_: str) -> Progress:
        """How far the picture is that a workspace waits for; raises LookupError if there is none such.

        May be called in any thread. Of one that is not read again yet, after a restart, nothing is made.
        """
        found = self._progress.get(id_)
        if found is None and not self.catalogue.has(id_):
            raise LookupError("no such workspace")
        return found or Progress(self.worker.checkpoint)

    def warm(self, workspace: Workspace) -> None:
        """Lets a workspace's session do in the background what takes long the first time."""
        session = workspace.opened.session
        if isinstance(session, contract.Quick):
            threading.Thread(target=session.warm, name="warming", daemon=True).start()

    def describe(self, workspace: Workspace) -> dict[str, Any]:
        """A workspace, as the page is told."""
        return descriptions.workspace(workspace, self.training(workspace).describe())

    def begin_film(self, workspace: Workspace, **options: Any) -> Film:
        """Begins a film; raises as `Film`."""
        film = Film(workspace, self.worker, **options)
        self._films[film.id] = film
        while len(self._films) > FILMS:
            oldest = next(iter(self._films))
            self._films.pop(oldest).cancel()
        return film

    def film(self, id_: str) -> Film:
        """A film; raises LookupError where there is none of that id."""
        if id_ not in self._films:
            raise LookupError("no such film")
        return self._films[id_]

    @property
    def bells(self) -> list[Bell]:
        """Of all that goes on."""
        bells = [job.bell for job in self._trainings.values()]
        return bells + [film.bell for film in self._films.values()]

    @property
    def going_on(self) -> list[TrainingJob]:
        """The trainings that compute."""
        return [job for job in self._trainings.values() if job.is_going_on]

    def close(self, seconds: float = 1.2, saving: float = 0.0) -> bool:
        """Saves what is being trained, and ends.

        Args:
          seconds: that a training has for it.
          saving: so much more, where it is amid a step.

        Returns:
          Whether all of it ended in time.
        """
        self.closed = True
        going_on = self.going_on
        for job in going_on:
            job.end()
        for film in self._films.values():
            film.cancel()
        for bell in self.bells:
            bell.ring()
        ended = all([job.join(seconds, saving) for job in going_on])
        stopped = self.worker.stop(0.3)
        if stopped:  # else it may be changing them
            self.catalogue.save_behind()
        ended = stopped and ended
        self.catalogue.close()
        return ended
