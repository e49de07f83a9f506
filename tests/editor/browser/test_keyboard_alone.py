"""Editing without a pointer: the crosshair, what is told about it, and where the focus goes."""

import io
import pathlib

import numpy as np
import pytest
from PIL import Image
from test_drawing import palette_of


@pytest.fixture
def drawn(window):
    """The window before any change, its drawing in focus, the crosshair on it."""
    if len(window.steps) > 1:
        window.button("Step 0: Start").click()
        window.has_steps(0)
        window.rests()
    window.choose("region")
    window.button("Go to the drawing").press("Enter")
    window.page.locator(".place").wait_for()
    yield window
    assert not window.problems, window.problems


def _paint(editor):
    """Paints along (20, 20), (60, 20), (60, 30) in the palette's third colour; where, bool (h, w)."""
    before = editor.drawing()
    editor.press("b")
    editor.press("3")
    editor.step_to((20, 20))
    editor.press(" ")
    editor.told("Pressed at 20, 20: colour 3")
    editor.step_to((60, 30))
    editor.press(" ")
    editor.has_steps(1)
    editor.told("Lifted at 60, 30: colour 3")
    editor.page.locator(".strip [role=status]", has_text="Step 1: Brush").wait_for(state="attached")
    editor.rests()
    painted = editor.drawing()
    changed = (painted != before).any(-1)
    wanted = palette_of(editor)[2]
    assert (painted[20, 20:61] == wanted).all() and (painted[20:31, 60] == wanted).all()
    assert (painted[changed] == wanted).all()
    return changed


def _move_rectangle(editor):
    """Moves the pixels from (50, 34) to (70, 50) ten to the left and three down."""
    before = editor.drawing()
    editor.press("u")
    editor.step_to((50, 34))
    editor.press(" ")
    editor.step_to((70, 50))
    editor.press(" ")
    editor.page.get_by_text("Chosen: 21 × 17 pixels at 50, 34.").wait_for()
    editor.step_to((60, 42))
    editor.press(" ")
    editor.step_to((50, 45))
    editor.press(" ")
    editor.press("Enter")
    editor.has_steps(2)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing()[38:53, 41:60], before[35:50, 51:70])


def test_a_photo_is_opened_edited_and_saved_by_the_keyboard_alone(visit, cat_file, cat):
    editor = visit()
    editor.press("Tab")
    editor.has_focus(".drop")
    with editor.page.expect_file_chooser() as chooser:
        editor.press("Enter")
    chooser.value.set_files(str(cat_file))
    editor.rests()
    editor.has_focus(".skip")
    editor.press("Enter")
    width, height = editor.size
    editor.told(f"{width // 2}, {height // 2}: colour ")
    changed = _paint(editor)
    painted = editor.drawing()
    _move_rectangle(editor)
    editor.press("Control+z")
    editor.page.locator(".strip [role=status]", has_text="Step 1: Brush").wait_for(state="attached")
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), painted)
    with editor.page.expect_download() as download:
        editor.press("Control+s")
    saved = np.asarray(Image.open(io.BytesIO(pathlib.Path(download.value.path()).read_bytes())))
    np.testing.assert_array_equal(saved, editor.pixels("result")[..., :3])
    far = ~changed
    far[:45] = False
    np.testing.assert_array_equal(saved[far], cat[far])


def test_all_kinds_of_tools_hear_the_crosshair(drawn):
    editor = drawn
    editor.press("g")
    editor.press("2")
    editor.step_to((5, 5))
    editor.press(" ")
    editor.told("Clicked at 5, 5")  # a fill needs no lifting
    editor.has_steps(1)
    editor.rests()
    assert (editor.drawing()[5, 5] == palette_of(editor)[1]).all()

    editor.press("p")
    editor.press("4")
    for corner in [(20, 20), (50, 20), (50, 45), (20, 45)]:
        editor.click_at(corner)
    editor.press("Enter")
    editor.has_steps(2)
    editor.rests()
    assert (editor.drawing()[20:46, 20:51] == palette_of(editor)[3]).all()

    editor.press("1")
    editor.press("i")
    editor.click_at((30, 30))
    assert editor.page.locator('[data-tool="paint"]').get_attribute("aria-pressed") == "true"
    assert editor.page.locator('.palette [aria-checked="true"]').inner_text() == "4"

    editor.press("w")
    editor.step_to((70, 20))
    editor.press(" ")
    editor.step_to((70, 26))
    editor.press(" ")
    editor.button("Set anchors").press("Enter")
    editor.page.locator('[data-pane="drawing"]').focus()
    editor.step_to((40, 50))
    editor.press(" ")
    editor.page.get_by_text("1 point dragged, 1 anchor.").wait_for()
    editor.press("Enter")
    editor.has_steps(3)

    editor.press("h")
    before = editor.place((0, 0))
    editor.press(" ")
    editor.press("Shift+ArrowRight")
    editor.press(" ")
    after = editor.place((0, 0))
    assert after[0] > before[0] + 5 and editor.steps[-1] == "Drag points"


def test_escape_and_undo_give_up_what_the_crosshair_began(drawn):
    editor = drawn
    before = editor.drawing()
    for tool, keys in (("b", "Escape"), ("b", "Control+z"), ("n", "Escape")):
        editor.press(tool)
        editor.step_to((20, 20))
        editor.press(" ")
        editor.step_to((40, 20))
        assert (editor.drawing() != before).any()
        editor.press(keys)
        if keys == "Escape":
            editor.told("Given up at 40, 20")
        editor.step_to((44, 20))
        np.testing.assert_array_equal(editor.drawing(), before)
    assert editor.steps == ["Start"]


def test_the_mouse_takes_over_from_the_crosshair_and_a_bump_ends_no_stroke(drawn):
    editor = drawn
    editor.press("b")
    editor.step_to((20, 20))
    editor.press(" ")
    editor.page.mouse.move(*editor.place((60, 40)))
    editor.step_to((30, 20))
    editor.press(" ")
    editor.has_steps(1)
    editor.page.mouse.move(*editor.place((61, 41)))
    assert not editor.page.locator(".place").is_visible()
    before = editor.place((0, 0))
    editor.page.keyboard.down(" ")
    editor.stroke([(30, 30), (40, 36)])
    editor.page.keyboard.up(" ")
    assert editor.place((0, 0))[0] > before[0] and editor.steps == ["Start", "Brush"]


def test_the_view_follows_the_crosshair_and_is_zoomed_about_it(drawn):
    editor = drawn
    editor.step_to((40, 30))
    at = editor.place((40, 30))
    for _ in range(6):
        editor.press("+")
    assert np.abs(np.subtract(editor.place((40, 30)), at)).max() < 1.5
    editor.step_to((1, 60))
    pane = editor.page.locator('[data-pane="drawing"]').bounding_box()
    x, y = editor.place((1, 60))
    assert pane["x"] < x < pane["x"] + pane["width"] and pane["y"] < y < pane["y"] + pane["height"]


def test_the_drawing_says_what_it_is_and_which_keys_do_what(window):
    editor = window
    for pane in ("drawing", "result"):
        surface = editor.page.locator(f'[data-pane="{pane}"]')
        assert surface.get_attribute("role") == "application" and surface.get_attribute("aria-label")
        about = editor.page.locator(f"#{surface.get_attribute('aria-describedby')}").inner_text()
        for word in ("Arrow keys", "Shift", "Space", "Enter", "Escape"):
            assert word in about


def test_dialogs_keep_the_focus_and_give_it_back(drawn):
    editor = drawn
    for closes in ("Escape", "?"):
        editor.press("?")
        editor.page.get_by_role("dialog", name="Keys").wait_for()
        for _ in range(4):
            editor.press("Tab")
            inside = (
                "document.activeElement === document.body || document.activeElement.closest('dialog')"
            )
            assert editor.page.evaluate(f"Boolean({inside})")
        editor.button("Close").focus()
        editor.press(closes)
        editor.page.get_by_role("dialog", name="Keys").wait_for(state="detached")
        editor.has_focus('[data-pane="drawing"]')
        editor.page.locator(".place").wait_for()
    film = editor.button("Make a film")
    film.press("Enter")
    editor.page.get_by_role("dialog", name="Make a film").wait_for()
    editor.button("Close").press("Enter")
    editor.page.get_by_role("dialog", name="Make a film").wait_for(state="detached")
    editor.has_focus('[aria-label="Make a film"]')


def test_the_focus_stays_near_a_control_that_goes_away(editor):
    slider = editor.page.locator("#slider-smoothness-of-outlines")
    slider.focus()
    with editor.page.expect_response(lambda response: "/opening" in response.url):
        editor.press("ArrowRight")
    editor.rests()
    editor.has_focus("#slider-smoothness-of-outlines")  # though all was locked meanwhile
    editor.press("b")
    editor.click_at((20, 20))
    editor.has_steps(1)
    editor.button("Undo").press("Enter")
    editor.has_focus('[aria-label="Redo"]')  # there is nothing left to undo
    editor.page.locator('[data-pane="drawing"]').focus()
    for pane in ("result", "result", "drawing", "drawing"):
        editor.press("m")
        editor.has_focus(f'[data-pane="{pane}"]')
        editor.page.locator(f'[data-pane="{pane}"] .place').wait_for()


def test_arrow_keys_go_through_a_group_of_choices(drawn):
    editor = drawn
    first = editor.page.get_by_role("radio", name="Click a part")
    first.press("ArrowRight")
    editor.has_focus('[aria-label="Draw around it"]')
    editor.press("ArrowLeft")
    editor.has_focus('[aria-label="Click a part"]')
