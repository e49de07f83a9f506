"""Configs: the defaults, where they are found, what is allowed in them.

A config is an `ml_collections.ConfigDict`. Files in `configs/` start from `default()` and change what
they are about; the command line overrides single keys (`--config.train.steps=500`). Which keys there
are depends on the system that is trained: each has a room of its own here. Nothing below this package
and the model builders ever sees a config: functions take plain arguments.
"""

import difflib
import importlib.util
import json
import math
import pathlib

import ml_collections

from deepsim_jax.errors import UserError
from deepsim_jax.settings import deepsim, singan

_ROOMS = {"deepsim": deepsim, "singan": singan}

SYSTEMS = tuple(_ROOMS)
"""What can be trained: the values of the key `system`."""

SOURCE_KEYS = tuple(dict.fromkeys(key for room in _ROOMS.values() for key in room.SOURCE_KEYS))
"""Keys that say where it is that is trained on. A run is tied to its hash, not to these paths."""


def default(system: str = "deepsim") -> ml_collections.ConfigDict:
    """The complete set of a system's keys with its published hyperparameters, unlocked.

    Raises:
      UserError: there is no such system.
    """
    return _room(system).default()


def extendable(config: ml_collections.ConfigDict) -> bool:
    """Whether a run of this config may go on to more steps than it was started with."""
    return _room(config.system).extendable(config)


def keys(system: str) -> dict[str, object]:
    """A system's keys with their standard values, as `flatten` has them."""
    return flatten(default(system))


def shipped_configs() -> dict[str, pathlib.Path]:
    """The configs that come with the package: name -> file.

    They are `configs/*.py` in a checkout and are installed as the package `deepsim_jax.configs`.
    """
    package = pathlib.Path(__file__).parents[1]
    for folder in (package / "configs", package.parent / "configs"):
        found = {p.stem: p for p in sorted(folder.glob("*.py")) if p.stem != "__init__"}
        if found:
            return found
    return {}


def find(name: str) -> pathlib.Path:
    """The file of a config, from its path or the name of a shipped one.

    Raises:
      UserError: there is none.
    """
    shipped = shipped_configs()
    path = shipped.get(name, pathlib.Path(name))
    if not path.is_file():
        raise UserError(f"config {name!r}: no such file, nor one of {', '.join(shipped)}")
    return path


def load(config) -> ml_collections.ConfigDict:
    """A validated copy of a config, from whichever form the caller has.

    Args:
      config: a `ConfigDict`, the name of a shipped config ("quickstart"), or the path of a config
        file; a name or path may carry an option after a colon ("quickstart:tiny").

    Raises:
      UserError: no such config, or what `validate` refuses.
    """
    if isinstance(config, ml_collections.ConfigDict):
        return validate(config)
    if not isinstance(config, str | pathlib.Path):
        raise UserError(f"config of type {type(config).__name__}: give a name, a path or a ConfigDict")
    name, _, option = str(config).partition(":")
    path = find(name)
    spec = importlib.util.spec_from_file_location(f"deepsim_jax_config_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"config {name!r}: a config is a Python file with a function get_config")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        loaded = module.get_config(option) if option else module.get_config()
    except UserError:
        raise
    # A config file is a program and may raise anything.
    except Exception as error:
        reason = " ".join(str(error).replace("\\n", " ").split())
        raise UserError(f"config {name!r}: {type(error).__name__}: {reason}") from error
    if not isinstance(loaded, ml_collections.ConfigDict):
        raise UserError(f"config {name!r}: get_config must return settings.default(), changed")
    return validate(loaded)


def apply_option(config: ml_collections.ConfigDict, option: str, *, known: tuple[str, ...] = ()):
    """Applies the option that every shipped config knows: "tiny", a few seconds on a laptop.

    Args:
      config: changed in place.
      option: what stands behind the colon of `--config=configs/name.py:option`.
      known: further options, which the config file has already handled.

    Raises:
      UserError: for another option.
    """
    if option == "tiny":
        _room(config.system).shrink(config)
    elif option and option not in known:
        raise UserError(f"config option {option!r}: choose one of {', '.join(('tiny', *known))}")


def flatten(config) -> dict[str, object]:
    """A config as {"section.key": plain value}; tuples become lists, as in JSON."""
    flat = {}
    for key, value in json.loads(config.to_json_best_effort()).items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": v for inner, v in value.items()})
        else:
            flat[key] = value
    return flat


def unflatten(flat: dict[str, object]) -> ml_collections.ConfigDict:
    """The inverse of `flatten`, over the defaults; unknown keys are refused."""
    room = _room(flat.get("system", "deepsim"))
    config = room.default()
    known = flatten(config)
    unknown_key(flat, known)
    for key, value in flat.items():
        _check(key, value, known[key], room)
    with config.unlocked():
        for key, value in flat.items():
            section, _, name = key.rpartition(".")
            target = config[section] if section else config
            target[name] = tuple(value) if isinstance(value, list) else value
    return validate(config)


def unknown_key(given, known):
    """Refuses keys that do not exist, with the nearest one that does."""
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            raise UserError(f"config key {key!r} does not exist: did you mean {near[0]!r}?")


def validate(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    """A locked copy of the config, after every key's type, choice and range has been checked.

    Raises:
      UserError: naming the key, its value and what is allowed.
    """
    flat = flatten(config)
    room = _room(flat.get("system", "deepsim"))
    known = flatten(room.default())
    for system in SYSTEMS:
        if set(flat) == set(keys(system)) != set(known):
            raise UserError(f"system={flat['system']!r}: this is a config for {system!r}; take one that "
                            "is for the other system and leave the key as it is")
    unknown_key(flat, known)
    missing = [key for key in known if key not in flat]
    if missing:
        raise UserError(f"config key {missing[0]!r} is missing: start from settings.default()")
    for key, value in flat.items():
        _check(key, value, known[key], room)
    room.check(config)
    copy = config.copy_and_resolve_references()
    return copy.lock()


def _check(key, value, standard, room):
    if isinstance(standard, bool) or isinstance(standard, str):
        if type(value) is not type(standard):
            raise UserError(f"{key}={value!r}: a {type(standard).__name__} is needed")
        if key in room.CHOICES and value not in room.CHOICES[key]:
            raise UserError(f"{key}={value!r}: choose one of {', '.join(room.CHOICES[key])}")
    elif isinstance(standard, list):
        if not isinstance(value, list) or not value or not all(
                _is_number(v) and v > 0 for v in value):
            raise UserError(f"{key}={value!r}: a tuple of positive numbers is needed")
        if key != "augment.canny_sigmas" and any(v != int(v) for v in value):
            raise UserError(f"{key}={value!r}: whole numbers are needed")
        if key != "augment.canny_sigmas" and len(value) != len(standard):
            raise UserError(f"{key}={value!r}: {len(standard)} numbers are needed")
        if key == "augment.tps_points" and min(value) < 2:
            raise UserError(f"{key}={value!r}: at least 2 control points along each axis are needed")
    else:
        if not _is_number(value) or (isinstance(standard, int) and value != int(value)):
            kind = "whole number" if isinstance(standard, int) else "number"
            raise UserError(f"{key}={value!r}: a {kind} is needed")
        low, high = room.RANGES.get(key, (None, None))
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"at least {low}" if high is None else f"between {low} and {high}"
            raise UserError(f"{key}={value!r}: it must be {bounds}")


def _room(system):
    if system not in SYSTEMS:
        raise UserError(f"system={system!r}: choose one of {', '.join(SYSTEMS)}")
    return _ROOMS[system]


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def differences(old: dict[str, object], new: dict[str, object]) -> list[str]:
    """What differs between two flattened configs, as "key: old -> new", sources left aside."""
    keys = [k for k in {**old, **new} if k not in SOURCE_KEYS]
    return [f"{k}: {old.get(k)!r} -> {new.get(k)!r}" for k in keys if old.get(k) != new.get(k)]
