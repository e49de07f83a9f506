"""The functions by which a program trains and loads runs of any system."""

import logging
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from deepsim_jax import registry, settings
from deepsim_jax.config.files import Config
from deepsim_jax.errors import UserError
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.systems import runs
from deepsim_jax.systems.contract import Model, Source, System, Training
from deepsim_jax.training import devices, loop, run_folder
from deepsim_jax.training.listeners import Listener

log = logging.getLogger("deepsim_jax")

Folder = str | pathlib.Path
Image = str | pathlib.Path | np.ndarray

# Without `open`, which would hide Python's own where a program imports all.
__all__ = ["load", "read_config", "read_source", "train", "train_source", "write_report"]


def train(
    image: Image | None,
    primitive: Image | None = None,
    *,
    config: Config = "quickstart",
    workdir: Folder,
    extend: bool = False,
    listener: Listener | None = None,
    stop: Callable[[], bool] | None = None,
) -> Model:
    """Trains on one photo, or continues an interrupted training.

    Args:
      image: path or uint8 array (H, W, 3) of the photo. A run that is continued has its own copy and does
        not need the file any longer.
      primitive: for DeepSIM: path or uint8 array of its primitive, of the same size; None: the config's,
        or made automatically, of the kind that the config names.
      config: the name of a shipped config ("quickstart", "paper", "fast", "local_enhancer", and of SinGAN
        "singan_quickstart", "singan_paper", "singan_fast"; an option after a colon:
        "quickstart:tiny"), the path of a config file, or a ConfigDict.
      workdir: the run's folder. If it holds an interrupted run of the same config and pair, that run
        is continued; a finished one is loaded.
      extend: allows a run of DeepSIM to continue with more steps than it was started with.
      listener: is told how the training goes, instead of the terminal (`training.listeners`).
      stop: asked after every dispatch of steps whether to save and return, so that a thread can train
        and be stopped; None: Ctrl-C and SIGTERM stop the training.

    Returns:
      The trained model; where it was stopped, as far as it is trained.

    Raises:
      UserError: an unusable photo, config or folder. `training.loop.Diverged`, a kind of it: the
        training failed; the last good checkpoint is kept.
    """
    config = settings.load(config)
    with config.unlocked():
        for key, value in (("image", image), ("primitive", primitive)):
            if value is not None and key in config.data:
                config.data[key] = str(value) if isinstance(value, str | pathlib.Path) else ""
    with devices.together():
        source = read_source_of_run(config, workdir, image, primitive)
    return train_source(source, config, workdir, extend=extend, listener=listener, stop=stop)


def open(image: Image | None, primitive: Image | None = None, *, config: Config = "quickstart") -> Model:
    """A photo to be edited at once: trains nothing, writes nothing.

    The `Model.edit` of DeepSIM copies the photo's own pixels along the flow between the primitives.

    Args:
      image: path or uint8 array (H, W, 3) of the photo; None: what the config names.
      primitive: path or uint8 array of its primitive, of the same size; None: the config's, or made
        automatically, of the kind that the config names.
      config: a shipped config's name, a file's path or a ConfigDict, of a system that edits what it was
        not trained on.

    Raises:
      UserError: an unusable photo, primitive or config.
    """
    config = settings.load(config)
    opening = registry.get(config.system).opening
    if opening is None:
        able = " or ".join(system.name for system in registry.systems() if system.opening is not None)
        raise UserError(
            f"open: a config for {config.system!r} edits only what it has trained; take one for {able}"
        )
    return opening(read_source(config, image, primitive))


def read_source(config: ConfigDict, image: Image | None = None, primitive: Image | None = None) -> Source:
    """Reads the training data that a config names; `image` and `primitive` replace its paths.

    Raises:
      UserError: nothing is named, or files cannot be used.
    """
    return _training(config.system).read_source(config, image, primitive)


def read_source_of_run(
    config: ConfigDict, workdir: Folder, image: Image | None = None, primitive: Image | None = None
) -> Source:
    """`read_source`; where files are gone that a run in the folder was begun with, the run's own copy.

    Raises:
      UserError: as `read_source`.
    """
    try:
        return read_source(config, image, primitive)
    except UserError as error:
        workdir = user_path(workdir).absolute()
        if not run_folder.is_run(workdir) or _system_of(workdir).name != config.system:
            raise
        given, begun = settings.flatten(config), settings.flatten(read_config(workdir))
        keys = registry.get(config.system).schema.source_keys
        gone = [str(given[key]) for key in keys if given[key] and not _exists(str(given[key]))]
        if not gone:
            raise
        own = workdir / "pair"
        if any(given[key] != begun[key] for key in keys):
            raise UserError(
                f"{error}; the run in {workdir} has a copy of its own photo: it goes on without --config"
            ) from error
        log.info("%s: no longer there; goes on with the run's own copy in %s", ", ".join(gone), own)
        return load_source(workdir)


def _exists(named: str) -> bool:
    """Whether there is a file or folder of a name, in which a data set's name and a sequence's may be."""
    folder = named.partition(":")[2].rpartition("#")
    parts = named, named.rpartition("#")[0], named.partition(":")[2], folder[0]
    return any(user_path(part).exists() for part in parts if part)


def train_source(
    source: Source,
    config: ConfigDict,
    workdir: Folder,
    *,
    extend: bool = False,
    listener: Listener | None = None,
    stop: Callable[[], bool] | None = None,
) -> Model:
    """`train` for a source that is already read (`read_source`); see there and `systems.runs.train`."""
    return runs.train(
        _training(config.system), source, config, workdir, extend=extend, listener=listener, stop=stop
    )


def build_run(source: Source, config: ConfigDict, workdir: Folder) -> loop.Run:
    """The `training.loop.Run` that a config describes, with its training data."""
    return _training(config.system).build(source, config, user_path(workdir).absolute())


def total_steps(config: ConfigDict, source: Source) -> int:
    """How many steps the training that a config describes has, over all its stages."""
    return _training(config.system).total_steps(config, source)


def load(workdir: Folder) -> Model:
    """The model of a run's folder, from its newest checkpoint; works while it is still training.

    Raises:
      UserError: no run there, or a damaged file.
    """
    workdir = user_path(workdir).absolute()
    return runs.load(_training_of(workdir), workdir)


def read_config(workdir: Folder) -> ConfigDict:
    """The config of the run in a folder.

    Raises:
      UserError: there is no run, or its config is damaged.
    """
    workdir = user_path(workdir).absolute()
    return run_folder.read_config(workdir, _system_of(workdir).schema)


def load_source(workdir: Folder) -> Source:
    """Reads the training data of a run from its folder; raises as `load` does."""
    workdir = user_path(workdir).absolute()
    return _training_of(workdir).load_source(workdir / "pair")


def write_report(workdir: Folder) -> pathlib.Path:
    """Writes the page of a run's folder, `report.html`, and returns its path.

    Raises:
      UserError: no run there, or a damaged file.
    """
    workdir = user_path(workdir).absolute()
    return _system_of(workdir).write_report(workdir)


def _training(system: str) -> Training[Any, Any, Any]:
    return registry.get(system).load_training()


def _training_of(workdir: pathlib.Path) -> Training[Any, Any, Any]:
    return _system_of(workdir).load_training()


def _system_of(workdir: pathlib.Path) -> System:
    name = run_folder.read_system(workdir) or registry.DEFAULT
    if name not in registry.names():
        raise UserError(
            f"{workdir / run_folder.CONFIG}: damaged (system={name!r}: choose one of "
            f"{', '.join(registry.names())}); restore it from a copy"
        )
    return registry.get(name)
