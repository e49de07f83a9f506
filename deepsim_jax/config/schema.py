"""A system's keys, declared once as data: defaults, meaning, what is allowed.

The checks of a config, the flags of the command line, their `--help`, the documentation and the editor
read the same declaration.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import ml_collections

from deepsim_jax.config.flat import flatten, refuse_unknown
from deepsim_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Key:
    """One key of a config: its default, its meaning and the values that it may have.

    Attributes:
      default: its value in a config that says nothing; its type is the type of all its values. Tuples
        hold positive numbers.
      about: what it means, with its unit, in a phrase.
      choices: the allowed words; empty: any.
      low, high: the closed range of a number, or of each number of a tuple; None is no bound.
      is_source: whether it says where the training data come from. A run is tied to their hash, not to
        such a path.
      any_length: whether a tuple may be longer or shorter than the default; then its numbers need not
        be whole.
    """

    default: str | bool | int | float | tuple[float, ...]
    about: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    is_source: bool = False
    any_length: bool = False

    @property
    def bounds(self) -> str:
        """The range in words, "" where there is none."""
        if self.low is None:
            return ""
        return f"at least {self.low}" if self.high is None else f"between {self.low} and {self.high}"

    def check(self, name: str, value: Any) -> None:
        """Refuses a value that is not allowed; tuples may be lists.

        Raises:
          UserError: naming the key, its value and what is allowed.
        """
        if isinstance(self.default, bool | str):
            if type(value) is not type(self.default):
                raise UserError(f"{name}={value!r}: a {type(self.default).__name__} is needed")
            if self.choices and value not in self.choices:
                raise UserError(f"{name}={value!r}: choose one of {', '.join(self.choices)}")
        elif isinstance(self.default, tuple):
            self._check_numbers(name, list(value) if isinstance(value, tuple) else value)
        elif not _is_number(value) or (isinstance(self.default, int) and value != int(value)):
            kind = "whole number" if isinstance(self.default, int) else "number"
            raise UserError(f"{name}={value!r}: a {kind} is needed")
        elif self._is_outside(value):
            raise UserError(f"{name}={value!r}: it must be {self.bounds}")

    def _check_numbers(self, name: str, values: Any) -> None:
        if (
            not isinstance(values, list)
            or not values
            or not all(_is_number(value) and value > 0 for value in values)
        ):
            raise UserError(f"{name}={values!r}: a tuple of positive numbers is needed")
        if not self.any_length and any(value != int(value) for value in values):
            raise UserError(f"{name}={values!r}: whole numbers are needed")
        count = len(self.default) if isinstance(self.default, tuple) else 1
        if not self.any_length and len(values) != count:
            raise UserError(f"{name}={values!r}: {count} numbers are needed")
        if any(map(self._is_outside, values)):
            raise UserError(f"{name}={values!r}: each must be {self.bounds} ({self.about})")

    def _is_outside(self, value: float) -> bool:
        too_low = self.low is not None and value < self.low
        return too_low or (self.high is not None and value > self.high)


@dataclasses.dataclass(frozen=True)
class Schema:
    """All keys of a system.

    Attributes:
      system: its name, the value of the key "system".
      keys: "section.key" -> what it is, in the order of a config; without "system".
      shrink: changes a config in place to a training of a few seconds (the option "tiny").
      check_together: refuses, with a `UserError`, what the ranges of single keys cannot say.
      is_extendable: whether a run of a config may go on to more steps than it was started with.
    """

    system: str
    keys: Mapping[str, Key]
    shrink: Callable[[ml_collections.ConfigDict], None]
    check_together: Callable[[ml_collections.ConfigDict], None]
    is_extendable: Callable[[ml_collections.ConfigDict], bool]

    @property
    def source_keys(self) -> tuple[str, ...]:
        """The keys that say where the training data come from."""
        return tuple(name for name, key in self.keys.items() if key.is_source)

    def default(self) -> ml_collections.ConfigDict:
        """The complete set of keys with their defaults, unlocked."""
        config = ml_collections.ConfigDict({"system": self.system})
        for name, key in self.keys.items():
            section, _, own = name.rpartition(".")
            if section and section not in config:
                config[section] = ml_collections.ConfigDict()
            (config[section] if section else config)[own] = key.default
        return config

    def flat(self) -> dict[str, object]:
        """The defaults as a flat dictionary."""
        return flatten(self.default())

    def unflatten(self, flat: Mapping[str, object]) -> ml_collections.ConfigDict:
        """A validated config of the defaults, changed by a flat dictionary.

        Raises:
          UserError: an unknown key, or a value that is not allowed.
        """
        config = self.default()
        refuse_unknown(flat, self.flat())
        self._check_each(flat)
        with config.unlocked():
            for name, value in flat.items():
                section, _, own = name.rpartition(".")
                (config[section] if section else config)[own] = (
                    tuple(value) if isinstance(value, list) else value
                )
        return self.validate(config)

    def validate(self, config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
        """A locked copy of a config, after every key's type, choice and range has been checked.

        Raises:
          UserError: naming the key, its value and what is allowed.
        """
        flat, defaults = flatten(config), self.flat()
        refuse_unknown(flat, defaults)
        missing = [key for key in defaults if key not in flat]
        if missing:
            raise UserError(f"config key {missing[0]!r} is missing: start from settings.default()")
        self._check_each(flat)
        self.check_together(config)
        return config.copy_and_resolve_references().lock()

    def _check_each(self, flat: Mapping[str, object]) -> None:
        for name, value in flat.items():
            if name == "system":
                if value != self.system:
                    raise UserError(f"system={value!r}: this is a config for {self.system!r}")
            else:
                self.keys[name].check(name, value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
