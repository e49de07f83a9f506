"""Finds and opens configs: the shipped ones, and a user's own files."""

import contextlib
import importlib.util
import pathlib
import re
import sys
from collections.abc import Iterator
from typing import TypeAlias

import ml_collections

from deepsim_jax.errors import UserError
from deepsim_jax.runtime.paths import user_path

Config: TypeAlias = str | pathlib.Path | ml_collections.ConfigDict


def shipped_configs() -> dict[str, pathlib.Path]:
    """The configs that come with the package: name -> file.

    They are `configs/*.py` in a checkout and are installed as the package `deepsim_jax.configs`.
    """
    package = pathlib.Path(__file__).parents[1]
    for folder in (package / "configs", package.parent / "configs"):
        shipped = {path.stem: path for path in sorted(folder.glob("*.py")) if path.stem != "__init__"}
        if shipped:
            return shipped
    return {}


def find(name: str | pathlib.Path) -> pathlib.Path:
    """The file of a config, from its path or the name of a shipped one.

    Raises:
      UserError: there is none.
    """
    shipped = shipped_configs()
    path = shipped.get(str(name), user_path(name))
    if not path.is_file():
        raise UserError(f"config {name!r}: no such file, nor one of {', '.join(shipped)}")
    return path


def open_config(config: Config) -> ml_collections.ConfigDict:
    """A config from whichever form the caller has, not validated.

    Args:
      config: a `ConfigDict`, the name of a shipped config, or the path of a config file; a name or path
        may carry an option after a colon.

    Raises:
      UserError: it is none of these, or `read` refuses it.
    """
    if isinstance(config, ml_collections.ConfigDict):
        return config
    if not isinstance(config, str | pathlib.Path):
        raise UserError(f"config of type {type(config).__name__}: give a name, a path or a ConfigDict")
    return read(config)


def read(name: str | pathlib.Path) -> ml_collections.ConfigDict:
    """Runs a config file's `get_config` and returns its config, not validated.

    Args:
      name: a shipped config's name or a file's path; an option may follow behind a colon.

    Raises:
      UserError: there is no such config, or it is a program that fails.
    """
    name, option = _split(str(name))
    path = find(name)
    spec = importlib.util.spec_from_file_location(f"deepsim_jax_config_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"config {name!r}: a config is a Python file with a function get_config")
    module = importlib.util.module_from_spec(spec)
    try:
        with _leaving_no_bytecode():
            spec.loader.exec_module(module)
            config = module.get_config(option) if option else module.get_config()
    except UserError:
        raise
    # A config file is a program and may raise anything.
    except Exception as error:
        reason = " ".join(str(error).replace("\\n", " ").split())
        raise UserError(f"config {name!r}: {type(error).__name__}: {reason}") from error
    if not isinstance(config, ml_collections.ConfigDict):
        raise UserError(f"config {name!r}: get_config must return settings.default(), changed")
    return config


def _split(name: str) -> tuple[str, str]:
    """(name or path, option behind the last colon); a path may have colons of its own."""
    base, colon, option = name.rpartition(":")
    # A drive's letter before the only colon is no config, and what follows is no option.
    is_option = bool(colon) and len(base) > 1 and re.fullmatch(r"\w*", option) is not None
    if user_path(name).is_file() or not is_option:
        return name, ""
    return base, option


@contextlib.contextmanager
def _leaving_no_bytecode() -> Iterator[None]:
    """Keeps an import from writing `__pycache__` beside a config, into the user's folder."""
    old_setting, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = old_setting
