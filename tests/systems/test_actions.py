"""Actions are what the tools declare, or are refused in one line."""

import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.systems.actions import check_options, chosen_tool
from deepsim_jax.systems.contract import Option, Tool

TOOL = Tool(
    "brush",
    "paints",
    "stroke",
    (
        Option("width", "float", "of it", default=4.0, low=1.0, high=9.5),
        Option("count", "int", "how many", low=1),
        Option("soft", "bool", "at its border", default=False),
        Option("color", "color", "of it", is_needed=True),
    ),
    takes=("points",),
)


def test_a_tool_is_chosen_by_its_name():
    assert chosen_tool([Tool("other", "", "none"), TOOL], {"tool": "brush", "x": 1}) is TOOL
    for action, words in (
        ("brush", '"tool" is needed'),
        ({}, "no tool 'None'"),
        ({"tool": "a"}, "there are brush"),
    ):
        with pytest.raises(UserError, match=words):
            chosen_tool([TOOL], action)


def test_what_is_declared_or_given_by_the_hand_is_taken():
    check_options(
        TOOL, {"color": [1, 2, 3], "width": 9.5, "count": 1, "soft": True, "points": "for the session"}
    )
    check_options(TOOL, {"color": "any", "width": None, "count": None, "soft": None})


@pytest.mark.parametrize(
    "options, words",
    [
        ({"width": 1}, "brush needs 'color'"),
        ({"color": None}, "brush needs 'color'"),
        ({"color": 1, "width": 0.5}, "width=0.5: allowed are 1 to 9.5"),
        ({"color": 1, "count": 0}, "count=0: allowed are at least 1"),
        ({"color": 1, "count": 2.0}, "count=2.0: a number is needed"),
        ({"color": 1, "width": True}, "width=True: a number is needed"),
        ({"color": 1, "soft": 1}, "soft=1: true or false is needed"),
        ({"color": 1, "at": [1, 2]}, "brush has no option 'at'"),
    ],
)
def test_anything_else_is_refused(options, words):
    with pytest.raises(UserError, match=f"action: {words}"):
        check_options(TOOL, options)
