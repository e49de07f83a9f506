"""Flat configs: what differs, what does not exist."""

import pytest

from deepsim_jax.config import flat
from deepsim_jax.errors import UserError


def test_differences_are_named_and_some_ignored():
    old, new = {"a": 1, "b": 2, "path": "x"}, {"a": 1, "b": 3, "c": 4, "path": "y"}
    assert flat.differences(old, new, ignore=["path"]) == ["b: 2 -> 3", "c: None -> 4"]
    assert flat.differences(old, old) == []


def test_an_unknown_key_is_answered_by_the_nearest():
    flat.refuse_unknown(["train.steps"], ["train.steps"])
    with pytest.raises(UserError, match="'train.stps' does not exist: did you mean 'train.steps'"):
        flat.refuse_unknown(["train.stps"], ["train.steps", "seed"])
