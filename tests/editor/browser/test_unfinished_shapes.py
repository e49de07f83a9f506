"""What undo, redo, Esc and Enter do while an area, or a line around a part, is not closed yet."""

import numpy as np
import pytest

CORNERS = [(20, 20), (50, 20), (50, 45), (20, 45)]
TOP = (45, 22)  # within the first three corners
HALF = (24, 42)  # only within all four


@pytest.fixture
def area(editor):
    """Four corners that are set, of an area in another colour than what lies there."""
    editor.choose("paint")
    editor.before = editor.drawing()
    there = {tuple(editor.before[y, x]) for x, y in (HALF, TOP)}
    swatches = editor.page.locator(".palette .swatch")
    colors = swatches.evaluate_all(
        "(all) => all.map((one) => getComputedStyle(one).backgroundColor.match(/\\d+/g).map(Number))"
    )
    swatches.nth(next(i for i, color in enumerate(colors) if tuple(color) not in there)).click()
    for corner in CORNERS:
        editor.click(corner)
    return editor


def filled(editor):
    """Whether Enter has filled (TOP, HALF)."""
    editor.press("Enter")
    editor.has_steps(1)
    editor.rests()
    drawing = editor.drawing()
    return tuple(bool((drawing[y, x] != editor.before[y, x]).any()) for x, y in (TOP, HALF))


@pytest.mark.parametrize("by", ["key", "button"])
def test_undo_takes_back_the_last_corner_and_redo_sets_it_again(area, by):
    def do(key, button):
        if by == "key":
            area.press(key)
        else:
            area.button(button).click()

    def undo():
        do("Control+z", "Undo")

    undo()
    assert filled(area) == (True, False), "a triangle"
    assert area.steps == ["Start", "Area"]
    undo()
    area.has_steps(0)
    for corner in CORNERS:
        area.click(corner)
    undo()
    do("Control+y", "Redo")
    assert filled(area) == (True, True)
    area.click((60, 50))
    undo()
    area.page.locator(".status").get_by_role("button", name="Cancel").wait_for(state="detached")
    assert len(area.steps) == 2, "a corner is taken back before the step"
    undo()
    area.has_steps(0)
    area.rests()
    np.testing.assert_array_equal(area.drawing(), area.before)


def test_all_corners_are_dropped_and_too_few_stay(area):
    for drop in (lambda: area.press("Escape"), area.button("Cancel what is shown").click):
        drop()
        assert area.button("Undo").is_disabled()
        area.press("Enter")
        area.rests()
        assert area.steps == ["Start"]
        np.testing.assert_array_equal(area.drawing(), area.before)
        for corner in CORNERS[:2]:
            area.click(corner)
    area.press("Enter")
    area.page.get_by_text("three corners at least").wait_for()
    area.page.mouse.dblclick(*area.place(CORNERS[2]))
    area.has_steps(1)
    area.rests()
    assert (area.drawing()[TOP[1], TOP[0]] != area.before[TOP[1], TOP[0]]).any()
    assert area.button("Cancel what is shown").count() == 0, "no corner of the second press"


def test_a_line_around_a_part_is_given_up_and_no_step_with_it(editor):
    editor.choose("stroke")
    editor.stroke([(20, 20), (40, 30)])
    editor.has_steps(1)
    editor.press("l")
    for key in ("Control+z", "Escape"):
        editor.stroke([(50, 20), (75, 20), (75, 42), (50, 42)], release=False)
        editor.press(key)
        editor.page.mouse.up()
        editor.rests()
        assert len(editor.steps) == 2
        editor.page.get_by_text("Nothing is chosen yet.").wait_for()
