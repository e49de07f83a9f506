"""The systems, by name: one line for each. Declarations are imported when asked for."""

import importlib

from deepsim_jax.errors import UserError
from deepsim_jax.systems.contract import System

_MODULES = {
    "deepsim": "deepsim_jax.systems.deepsim.system",
    "singan": "deepsim_jax.systems.singan.system",
    "igan": "deepsim_jax.systems.igan.system",
}

DEFAULT = "deepsim"
"""The system of configs and runs that name none: those of the time when there was one system."""


def names() -> tuple[str, ...]:
    """The names of all systems."""
    return tuple(_MODULES)


def get(name: str) -> System:
    """A system, by the value of a config's key "system".

    Raises:
      UserError: there is no such system.
    """
    if name not in _MODULES:
        raise UserError(f"system={name!r}: choose one of {', '.join(_MODULES)}")
    return importlib.import_module(_MODULES[name]).SYSTEM


def systems() -> tuple[System, ...]:
    """All systems; imports their declarations."""
    return tuple(map(get, _MODULES))
