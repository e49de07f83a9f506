"""Actions of brushes as strokes, and back."""

import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.systems.igan import brush_actions, constraints

COLOR = {"points": [[4.0, 5.0], [9.5, 7.0]], "color": [1, 2, 3], "radius": 8.5}


@pytest.mark.parametrize(
    "tool, options",
    [
        ("color", COLOR),
        ("sketch", {"points": [[1.0, 2.0]], "erase": True}),
        ("warp", {"from": [[1.0, 2.0]], "to": [[3.0, 4.0]], "reach": 36.0}),
        ("warp", {"from": [[1.0, 2.0]], "to": [[3.0, 4.0]]}),
    ],
)
def test_an_action_becomes_a_stroke_and_the_same_action_again(tool, options):
    (stroke,) = constraints.parse(brush_actions.strokes_of(tool, options)).strokes
    assert brush_actions.action_of(stroke, (1, 1)) == {"tool": tool, **options}


def test_strokes_are_scaled_to_the_drawing():
    (stroke,) = constraints.parse(brush_actions.strokes_of("color", COLOR)).strokes
    action = brush_actions.action_of(stroke, (2, 4))
    assert action["points"] == [[8.5, 21.5], [19.5, 29.5]] and action["radius"] == 17.5
    assert brush_actions.action_of(stroke, (0.01, 1))["radius"] == brush_actions.LEAST_RADIUS
    broad = brush_actions.action_of(stroke, (900, 900))
    assert broad["radius"] == brush_actions.MOST_RADIUS and constraints.parse(
        brush_actions.strokes_of("color", {k: v for k, v in broad.items() if k != "tool"})
    )


def test_a_warp_needs_points_in_pairs():
    with pytest.raises(UserError, match="2 points from, 1 to; as many are needed"):
        brush_actions.strokes_of("warp", {"from": [[1, 2], [3, 4]], "to": [[1, 2]]})
    with pytest.raises(UserError, match="lists of points are needed"):
        brush_actions.strokes_of("warp", {"from": "a", "to": [[1, 2]]})
