"""Between two edits: movements go part of the way, common steps stay."""

import pytest

from deepsim_jax.systems.deepsim.keyframes import between, shortened_in_turn

WARP = {"tool": "warp", "from": [[10, 10]], "to": [[20, 14]], "reach": 30}
MOVE = {"tool": "move", "at": [5, 5], "by": [8, -4], "scale": 4.0, "rotate": 90}
STROKE = {"tool": "stroke", "points": [[1, 1], [2, 2]], "radius": 2, "color": [1, 2, 3]}


def test_the_ends_are_the_edits():
    assert between([WARP], [MOVE, STROKE], 0) == [WARP]
    assert between([WARP], [MOVE, STROKE], 1) == [MOVE, STROKE]


def test_a_longer_edit_grows_out_of_its_beginning():
    grown = between([STROKE], [STROKE, WARP, MOVE], 0.5)
    assert grown[0] == STROKE and grown[1] == {**WARP, "to": [[15.0, 12.0]]}
    assert grown[2] == {**MOVE, "by": [4.0, -2.0], "scale": 2.0, "rotate": 45.0}


def test_edits_that_differ_in_numbers_alone_are_blended():
    other = {**WARP, "to": [[30, 4]]}
    assert between([WARP], [other], 0.25) == [{**WARP, "to": [[22.5, 11.5]]}]
    back = between([WARP], [MOVE], 0.25)
    assert [action["tool"] for action in back] == ["warp", "move"]
    assert back[0]["to"] == [[17.5, 13.0]] and back[1]["by"] == [2.0, -1.0]


@pytest.mark.parametrize("share, tools", [(0.25, []), (0.75, ["stroke"])])
def test_what_is_painted_has_no_half(share, tools):
    assert [action["tool"] for action in between([], [STROKE], share)] == tools
    recoloured = {**STROKE, "color": [9, 9, 9]}
    assert len(between([STROKE], [recoloured], share)) == 1


@pytest.mark.parametrize(
    "first, second",
    [
        (
            {"tool": "fill", "at": [5, 5], "color": [1, 2, 3]},
            {"tool": "fill", "at": [90, 5], "color": [1, 2, 3]},
        ),
        (
            {"tool": "paint", "polygon": [[0, 0], [9, 0], [9, 9]], "like": [5, 5]},
            {"tool": "paint", "polygon": [[0, 0], [9, 0], [9, 9]], "like": [90, 5]},
        ),
        ({**STROKE, "spare": [[9, 9, 9]]}, {**STROKE, "spare": [[200, 9, 9]]}),
        (MOVE, {**MOVE, "at": [90, 5]}),
        *(
            (
                {"tool": tool, "polygon": [[0, 0], [9, 0], [9, 9]]},
                {"tool": tool, "polygon": [[40, 0], [49, 0], [49, 9]]},
            )
            for tool in ("move", "copy", "delete")
        ),
        (
            {"tool": "delete", "points": [[5, 5]], "radius": 3},
            {"tool": "delete", "points": [[90, 5]], "radius": 3},
        ),
    ],
)
def test_nothing_is_chosen_between_two_areas(first, second):
    for share in (0.25, 0.5, 0.75):
        for action in between([first], [second], share):
            for name in {"at", "like", "polygon", "points", "spare"} & action.keys():
                assert action[name] in (first[name], second[name])


def test_what_is_chosen_alike_is_moved_and_what_is_drawn_goes_along():
    far = {**MOVE, "by": [16, 4], "rotate": 0}
    assert between([MOVE], [far], 0.5) == [{**MOVE, "by": [12.0, 0.0], "rotate": 45.0}]
    other = {**STROKE, "points": [[3, 1], [4, 2]], "radius": 4}
    assert between([STROKE], [other], 0.5) == [
        {**STROKE, "points": [[2.0, 1.0], [3.0, 2.0]], "radius": 3.0}
    ]


def test_steps_that_hold_on_to_each_other_are_made_in_turn():
    down = {"tool": "move", "at": [13, 1], "by": [0, 20]}
    for share, expected in (
        (0.25, [{**WARP, "to": [[15.0, 12.0]]}]),
        (0.5, [WARP]),
        (0.75, [WARP, {**down, "by": [0.0, 10.0]}]),
    ):
        assert between([], [WARP, down], share, in_turn=True) == expected
        assert between([WARP, down], [], 1 - share, in_turn=True) == expected


def test_in_turn_what_moves_nothing_takes_no_time_and_what_protects_is_always_there():
    keep = {"tool": "keep", "points": [[50, 50]], "radius": 3}
    actions = [STROKE, WARP, STROKE, MOVE, keep]
    for amount, tools in (
        (0, ["stroke", "keep"]),
        (0.25, ["stroke", "warp", "keep"]),
        (0.5, ["stroke", "warp", "stroke", "keep"]),
        (1, ["stroke", "warp", "stroke", "move", "keep"]),
    ):
        assert [action["tool"] for action in shortened_in_turn(actions, amount)] == tools
    assert shortened_in_turn(actions, 1) == actions
    assert shortened_in_turn([STROKE, keep], 0.6) == [STROKE, keep]
