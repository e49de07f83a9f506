"""Keys as declarations: defaults, validation, flat and back."""

import ml_collections
import pytest

from deepsim_jax.config.flat import flatten
from deepsim_jax.config.schema import Key, Schema
from deepsim_jax.errors import UserError


def schema(**options):
    keys = {
        "seed": Key(0, "a seed"),
        "a.word": Key("x", "a word", choices=("x", "y")),
        "a.path": Key("", "a path", is_source=True),
        "a.pair": Key((3, 3), "two numbers", low=2),
        "b.share": Key(0.5, "a share", low=0.0, high=1.0),
        "b.list": Key((1.5,), "numbers", any_length=True),
    }

    def nothing(config):
        pass

    return Schema(
        "toy", keys, **{"shrink": nothing, "check_together": nothing, **options}, is_extendable=bool
    )


def test_defaults_are_a_config_with_sections():
    config = schema().default()
    assert config.to_dict() == {
        "system": "toy",
        "seed": 0,
        "a": {"word": "x", "path": "", "pair": (3, 3)},
        "b": {"share": 0.5, "list": (1.5,)},
    }
    assert schema().source_keys == ("a.path",)
    assert schema().unflatten(schema().flat()).to_dict() == config.to_dict()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"a.word": "z"}, "a.word='z': choose one of x, y"),
        ({"a.pair": [3]}, "2 numbers are needed"),
        ({"a.pair": [3, 1]}, r"each must be at least 2 \(two numbers\)"),
        ({"b.share": 2}, "b.share=2: it must be between 0.0 and 1.0"),
        ({"b.list": []}, "a tuple of positive numbers"),
        ({"b.lisp": 3}, "did you mean 'b.list'"),
        ({"system": "other"}, "system='other': this is a config for 'toy'"),
    ],
)
def test_what_is_not_allowed_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        schema().unflatten(changes)


def test_keys_are_checked_together_and_all_must_be_there():
    def refuse(config):
        raise UserError("not together")

    with pytest.raises(UserError, match="not together"):
        schema(check_together=refuse).validate(schema().default())
    config = ml_collections.ConfigDict({"system": "toy", "seed": 0})
    with pytest.raises(UserError, match="'a.word' is missing"):
        schema().validate(config)
    locked = schema().validate(schema().default())
    with pytest.raises(AttributeError):
        locked.a.wrod = "x"
    assert flatten(locked)["a.pair"] == [3, 3]
