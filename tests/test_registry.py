"""The registry: names, and one line for each system."""

import pytest

from deepsim_jax import registry, settings
from deepsim_jax.commands import verbs
from deepsim_jax.errors import UserError


def test_systems_are_found_by_name():
    assert [system.name for system in registry.systems()] == list(registry.names())
    with pytest.raises(UserError, match="system='gan': choose one of "):
        registry.get("gan")


def test_the_default_does_not_go_by_the_order(monkeypatch):
    (table,) = verbs.named("table")
    monkeypatch.setattr(registry, "_MODULES", dict(reversed(registry._MODULES.items())))
    assert settings.default().system == registry.DEFAULT
    assert settings.unflatten({"train.steps": 3}).system == registry.DEFAULT
    (reversed_table,) = verbs.named("table")
    assert [option.default for option in reversed_table.verb.options] == [
        option.default for option in table.verb.options
    ]
