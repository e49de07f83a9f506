"""Values of requests are what they have to be, or refused in a line."""

import pytest
from starlette.requests import Request

from deepsim_jax import UserError
from deepsim_jax.editor import asked_for


def test_values_by_name():
    asked = {"a": 3, "b": 4.0, "c": "x", "d": {"e": 1}}
    assert asked_for.number(asked, "a") == 3 and asked_for.number(asked, "b") == 4
    assert asked_for.number(asked, "z", None) is None and asked_for.text(asked, "z", "y") == "y"
    assert asked_for.text(asked, "c") == "x" and asked_for.object_of(asked, "d") == {"e": 1}


@pytest.mark.parametrize("value", [True, 1.5, "3", None, [3]])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(UserError, match="a: a whole number"):
        asked_for.number({"a": value}, "a")


def test_what_is_missing_or_of_another_kind_is_refused():
    for do in (
        lambda: asked_for.number({}, "a"),
        lambda: asked_for.text({"a": 1}, "a"),
        lambda: asked_for.object_of({"a": []}, "a"),
    ):
        with pytest.raises(UserError, match="^a: "):
            do()


def test_actions_are_one_or_several():
    action = {"tool": "x"}
    assert asked_for.actions({}) == [] and asked_for.actions({"action": None}) == []
    assert asked_for.actions({"action": action}) == [action]
    assert asked_for.actions({"actions": [action] * 2}) == [action] * 2
    for wrong in ({"action": 3}, {"actions": action}, {"actions": [3]}, {"actions": [action] * 257}):
        with pytest.raises(UserError):
            asked_for.actions(wrong)


def test_numbers_of_an_address():
    request = Request({"type": "http", "query_string": b"a=3&b=2.5&c=nan&d=x&e=1e300", "headers": []})
    assert asked_for.query(request, "a") == 3 and asked_for.query(request, "z") is None
    assert asked_for.query(request, "b", float) == 2.5
    for name in "cde":
        with pytest.raises(UserError, match="a number"):
            asked_for.query(request, name, float)
