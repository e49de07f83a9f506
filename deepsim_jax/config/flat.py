"""Configs as flat dictionaries, {"section.key": plain value}: what is stored and compared."""

import difflib
import json
from collections.abc import Container, Iterable

import ml_collections

from deepsim_jax.errors import UserError


def flatten(config: ml_collections.ConfigDict) -> dict[str, object]:
    """A config as {"section.key": plain value}; tuples become lists, as in JSON."""
    flat = {}
    for key, value in json.loads(config.to_json_best_effort()).items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": v for inner, v in value.items()})
        else:
            flat[key] = value
    return flat


def differences(
    old: dict[str, object], new: dict[str, object], *, ignore: Container[str] = ()
) -> list[str]:
    """The differences between two flat configs, as "key: old -> new", without the ignored keys."""
    keys = [key for key in {**old, **new} if key not in ignore]
    return [
        f"{key}: {old.get(key)!r} -> {new.get(key)!r}" for key in keys if old.get(key) != new.get(key)
    ]


def refuse_unknown(keys: Iterable[str], known: Iterable[str]) -> None:
    """Refuses keys that do not exist.

    Raises:
      UserError: naming the nearest key that does.
    """
    known = list(known)
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            raise UserError(f"config key {key!r} does not exist: did you mean {near[0]!r}?")
