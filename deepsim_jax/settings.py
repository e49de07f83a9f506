"""Configs for programs and config files: defaults, loading, validation.

Files in `configs/` start from `default()` and change what they are about; the command line overrides
single keys (`--config.train.steps=500`). Which keys there are depends on the system that is trained; each
declares its own (`deepsim_jax.config.schema`).
"""

from collections.abc import Mapping

import ml_collections

from deepsim_jax import registry
from deepsim_jax.config import files
from deepsim_jax.config import flat as flat_configs
from deepsim_jax.config.files import find, shipped_configs
from deepsim_jax.config.flat import flatten
from deepsim_jax.config.schema import Schema
from deepsim_jax.errors import UserError

__all__ = [
    "apply_option",
    "default",
    "differences",
    "find",
    "flatten",
    "load",
    "shipped_configs",
    "unflatten",
    "validate",
]


def default(system: str = registry.DEFAULT) -> ml_collections.ConfigDict:
    """The complete set of a system's keys with its published hyperparameters, unlocked.

    Raises:
      UserError: there is no such system.
    """
    return registry.get(system).schema.default()


def load(config) -> ml_collections.ConfigDict:
    """A validated copy of a config, from whichever form the caller has.

    Args:
      config: a `ConfigDict`, the name of a shipped config ("quickstart"), or the path of a config
        file; a name or path may carry an option after a colon ("quickstart:tiny").

    Raises:
      UserError: no such config, or what `validate` refuses.
    """
    return validate(files.open_config(config))


def validate(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    """A locked copy of the config, after every key's type, choice and range has been checked.

    Raises:
      UserError: naming the key, its value and what is allowed.
    """
    flat = flatten(config)
    schema = _schema(flat)
    if set(flat) != {"system", *schema.keys}:
        for other in registry.systems():
            if set(flat) == {"system", *other.schema.keys}:
                raise UserError(
                    f"system={flat['system']!r}: this is a config for {other.name!r}; leave the key as "
                    f"it is, or take a config for {flat['system']!r}"
                )
    return schema.validate(config)


def unflatten(flat: Mapping[str, object]) -> ml_collections.ConfigDict:
    """The inverse of `flatten`, over the defaults, validated; unknown keys are refused."""
    return _schema(flat).unflatten(flat)


def differences(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """The differences between two flat configs, as "key: old -> new", without the paths of sources."""
    places = {key for system in registry.systems() for key in system.schema.source_keys}
    return flat_configs.differences(dict(old), dict(new), ignore=places)


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
        registry.get(config.system).schema.shrink(config)
    elif option and option not in known:
        raise UserError(f"config option {option!r}: choose one of {', '.join(('tiny', *known))}")


def _schema(flat: Mapping[str, object]) -> Schema:
    """The keys of the system that a flat config is for."""
    return registry.get(str(flat.get("system", registry.DEFAULT))).schema
