"""The part of the seam that trains: what a system does so that any code can train and load its runs.

A system declares one `Training`, whose functions have the signatures that follow here. They pass on three
things that generic code does not look into: the source, what the system trains on; what a training has
trained, its parameters or more; and the model, which a program holds.
"""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from deepsim_jax.config.schema import Schema

if TYPE_CHECKING:
    import numpy as np
    from ml_collections import ConfigDict

    from deepsim_jax.images.original import Original
    from deepsim_jax.training.checkpoint import Checkpoints
    from deepsim_jax.training.run import Run


class Source(Protocol):
    """The training data of a run, as read from the user's files."""

    @property
    def photo(self) -> "np.ndarray":
        """The photo, (H, W, 3) uint8."""
        ...

    @property
    def original(self) -> "Original | None":
        """The photo as its file has it; None where it came as an array."""
        ...

    def hash(self) -> str:
        """A digest of all that is trained on; a run is tied to it."""
        ...

    def save(self, folder: pathlib.Path) -> None:
        """Writes it into a run's folder."""
        ...


class Model(Protocol):
    """A trained run, in a program's hands.

    Attributes:
      workdir: the run's folder, if it has one.
      step: how far it is trained.
      finished: whether that is all that its training was to have.
    """

    workdir: pathlib.Path | None
    step: int | None
    finished: bool


SourceT = TypeVar("SourceT", bound=Source)
TrainedT = TypeVar("TrainedT")
ModelT = TypeVar("ModelT", bound=Model)
_Read = TypeVar("_Read", bound=Source, covariant=True)
_Given = TypeVar("_Given", bound=Source, contravariant=True)
_Restored = TypeVar("_Restored", covariant=True)
_Trained = TypeVar("_Trained", contravariant=True)
_Made = TypeVar("_Made", bound=Model, covariant=True)


class ReadSource(Protocol[_Read]):
    """Reads what a config says to train on."""

    def __call__(
        self,
        config: "ConfigDict",
        image: "str | pathlib.Path | np.ndarray | None" = None,
        primitive: "str | pathlib.Path | np.ndarray | None" = None,
        /,
    ) -> _Read:
        """Reads it; `image` and `primitive` replace the config's paths where they are not None.

        Raises:
          UserError: nothing is named, files cannot be used, or the system has no primitives.
        """
        ...


class Build(Protocol[_Given]):
    """Builds the run that a config describes; the one place that turns keys into plain arguments."""

    def __call__(self, source: _Given, config: "ConfigDict", workdir: pathlib.Path, /) -> "Run":
        """Builds it: its stages, with what they train on, and how often it logs and saves."""
        ...


class CountSteps(Protocol[_Given]):
    """Tells how long a training is."""

    def __call__(self, config: "ConfigDict", source: _Given, /) -> int:
        """How many steps it has, over all its stages."""
        ...


class Restore(Protocol[_Given, _Restored]):
    """Reads what a training had trained when it was saved."""

    def __call__(
        self,
        source: _Given,
        config: "ConfigDict",
        workdir: pathlib.Path,
        checkpoints: "Checkpoints",
        step: int,
        /,
    ) -> _Restored:
        """What a training that ends at this step exports.

        Raises:
          UserError: the checkpoint is damaged.
        """
        ...


class MakeModel(Protocol[_Trained, _Given, _Made]):
    """Makes the model of what was trained."""

    def __call__(
        self,
        trained: _Trained,
        source: _Given,
        config: "ConfigDict",
        /,
        *,
        workdir: pathlib.Path,
        step: int,
    ) -> _Made:
        """The model, `step` updates old."""
        ...


@dataclasses.dataclass(frozen=True)
class Training(Generic[SourceT, TrainedT, ModelT]):
    """How a system is trained and loaded.

    Attributes:
      schema: its keys.
      read_source: from a config to what is trained on.
      load_source: from the `pair` folder of a run to what the run is trained on.
      build: from a config to its run.
      total_steps: how many steps that run has.
      restore: from a checkpoint to what was trained.
      model: from what was trained to a model.
      advice: from a run's folder to a sentence for the user on what to do with the trained run.
    """

    schema: Schema
    read_source: ReadSource[SourceT]
    load_source: Callable[[pathlib.Path], SourceT]
    build: Build[SourceT]
    total_steps: CountSteps[SourceT]
    restore: Restore[SourceT, TrainedT]
    model: MakeModel[TrainedT, SourceT, ModelT]
    advice: Callable[[pathlib.Path], str]
