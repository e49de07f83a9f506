"""Photos and runs as an editor opens them, of whichever system."""

import dataclasses
import pathlib
import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict

from deepsim_jax import api, registry, settings
from deepsim_jax.config.schema import Key
from deepsim_jax.errors import UserError
from deepsim_jax.systems.contract import Label, Option, Session, Source, System
from deepsim_jax.training import run_folder


@dataclasses.dataclass(frozen=True)
class Opened:
    """A photo or a run.

    Attributes:
      system: of its config.
      config: validated.
      source: what is or would be trained on.
      session: on it; None where nothing can be edited before a training.
      step: how far it is trained; None: not at all.
      finished: whether that is all that its training was to have.
    """

    system: System
    config: ConfigDict
    source: Source
    session: Session | None
    step: int | None = None
    finished: bool = False


def choose_config(name: str | None) -> str:
    """The name of a shipped config, with or without an option; None: see `default_config`.

    Never a path: a file with a config is a program, and names come from a client or from a saved folder.

    Raises:
      UserError: it is none of these; or none is named, and nothing opens a photo that is not trained.
    """
    if name is None:
        name = default_config()
        if name is None:
            raise UserError(
                "no system edits a photo before it is trained on it; name the config to train with: one "
                f"of {', '.join(settings.shipped_configs())}"
            )
        return name
    shipped, _, option = str(name).partition(":")
    if shipped not in settings.shipped_configs() or option not in ("", "tiny"):
        raise UserError(f"config {name!r:.60}: choose one of {', '.join(settings.shipped_configs())}")
    return name


def default_config() -> str | None:
    """The config with which a photo is opened where nobody names one.

    It is the quickest config of `registry.DEFAULT`, if that system edits a photo with nothing trained, or
    else of the first system in the registry that does; None where none does. Whoever wants another system
    names one of its configs.
    """
    first = sorted(registry.systems(), key=lambda system: system.name != registry.DEFAULT)
    found = (configs(system) for system in first if system.opening is not None)
    return next((names[0] for names in found if names), None)


def open_photo(image: pathlib.Path, config: ConfigDict) -> Opened:
    """A photo with nothing trained.

    Args:
      image: its file.
      config: validated; its system decides what can be done.

    Raises:
      UserError: an unusable photo.
    """
    system = registry.get(config.system)
    source = system.load_training().read_source(config, str(image), None)
    session = None
    if system.opening is not None:
        session = _session(system, pkgutil.resolve_name(system.opening.open)(source))
    return Opened(system, config, source, session)


def open_run(workdir: pathlib.Path) -> Opened:
    """A run's newest checkpoint.

    Raises:
      UserError: no run there, or a damaged file.
    """
    config, source, model = api.read_config(workdir), api.load_source(workdir), api.load(workdir)
    system = registry.get(config.system)
    return Opened(system, config, source, _session(system, model), model.step, model.finished)


def _session(system, model):
    return pkgutil.resolve_name(system.session)(model)


def changed(config: ConfigDict, values: Mapping[str, Any], keys: Sequence[str]) -> ConfigDict:
    """A config with some keys changed.

    Args:
      config: validated.
      values: key -> value.
      keys: those that may be changed.

    Raises:
      UserError: another key, or a value that is not allowed.
    """
    for name, value in values.items():
        if name not in keys:
            raise UserError(f"{name!r:.60}: only {', '.join(keys)} can be changed here")
        registry.get(config.system).schema.keys[name].check(name, value)
    return settings.unflatten({**settings.flatten(config), **values}) if values else config


def options(system: System, keys: Sequence[str]) -> tuple[Option, ...]:
    """Keys of a system's config as options; those that its schema lacks are left out."""
    known = system.schema.keys
    return tuple(
        _option(name, known[name], system.labels.get(name, Label())) for name in keys if name in known
    )


def values(config: ConfigDict, keys: Sequence[str]) -> dict[str, Any]:
    """What a config has for some keys."""
    flat = settings.flatten(config)
    return {name: flat[name] for name in keys if name in flat}


def _option(name: str, key: Key, label: Label) -> Option:
    kinds = {bool: "bool", int: "int", float: "float", str: "word" if key.choices else "text"}
    return Option(
        name,
        kinds[type(key.default)],  # type: ignore[arg-type]
        key.about,
        default=key.default,
        choices=key.choices,
        low=key.low,
        high=key.high,
        label=label,
    )


def configs(system: System) -> list[str]:
    """The shipped configs of a system, those that open a photo quickest first."""
    found = [name for name in settings.shipped_configs() if settings.load(name).system == system.name]
    return sorted(found, key=lambda name: ("quickstart" not in name, name))


def runs(workdir: pathlib.Path, leave_out: str) -> dict[str, pathlib.Path]:
    """Relative name -> folder of the runs in a folder: itself, or those directly in it."""
    if run_folder.is_run(workdir):
        return {".": workdir}
    if not workdir.is_dir():
        return {}
    return {
        folder.name: folder
        for folder in sorted(workdir.iterdir())
        if folder.name != leave_out and not folder.is_symlink() and run_folder.is_run(folder)
    }
