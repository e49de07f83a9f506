"""Pens and fingers: pressure, palms, two fingers that move the view."""

import json

import numpy as np
import pytest


@pytest.fixture
def touched(visit, cat_file):
    """A window on a screen that can be touched, the brush in hand, and what sends it raw events."""
    editor = visit(has_touch=True)
    editor.pick(cat_file)
    editor.rests()
    editor.choose("stroke")
    return editor, editor.context.new_cdp_session(editor.page)


def _pen(session, kind, place, force):
    session.send(
        "Input.dispatchMouseEvent",
        {
            "type": kind,
            "x": place[0],
            "y": place[1],
            "button": "left",
            "buttons": 1,
            "clickCount": 1,
            "pointerType": "pen",
            "force": force,
        },
    )


def _touch(session, kind, places):
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_pen_held_lightly_paints_thinner_and_its_stroke_is_one_step(touched):
    editor, session = touched
    editor.page.locator("#slider-size").fill("8")
    places = [editor.place((20 + 5 * step, 30)) for step in range(10)]
    _pen(session, "mousePressed", places[0], 0.1)
    for step, place in enumerate(places):
        _pen(session, "mouseMoved", place, 0.1 + 0.08 * step)
    _pen(session, "mouseReleased", places[-1], 0)
    editor.has_steps(1)
    editor.rests()
    steps = json.loads(editor.saved("Save the steps as a recipe"))["steps"]
    radii = [step["stroke"]["radius"] for step in steps]
    assert len(radii) > 1 and radii == sorted(radii) and radii[0] < 5
    editor.press("Control+z")
    editor.has_steps(0)


def test_a_finger_paints_and_two_move_the_view(touched):
    editor, session = touched
    _touch(session, "touchStart", [editor.place((20, 20))])
    for step in range(6):
        _touch(session, "touchMove", [editor.place((20 + 5 * step, 20))])
    _touch(session, "touchEnd", [])
    editor.has_steps(1)
    left, right = editor.place((30, 40)), editor.place((60, 40))
    _touch(session, "touchStart", [left, right])
    for step in range(1, 6):
        _touch(session, "touchMove", [[left[0] - 8 * step, left[1]], [right[0] + 8 * step, right[1]]])
    _touch(session, "touchEnd", [])
    now = np.subtract(editor.place((60, 40)), editor.place((30, 40)))
    assert now[0] > 1.3 * (right[0] - left[0]), "what lies under the fingers follows them"
    assert editor.steps == ["Start", "Brush"]


def test_a_palm_beside_the_pen_paints_nothing(touched):
    editor, session = touched
    place = editor.place((20, 20))
    _pen(session, "mousePressed", place, 0.5)
    _pen(session, "mouseMoved", editor.place((40, 20)), 0.5)
    _pen(session, "mouseReleased", editor.place((40, 20)), 0)
    editor.has_steps(1)
    _touch(session, "touchStart", [editor.place((60, 50))])
    _touch(session, "touchMove", [editor.place((70, 50))])
    _touch(session, "touchEnd", [])
    editor.page.wait_for_timeout(200)
    assert editor.steps == ["Start", "Brush"]
