"""Every key of the sheet does what the sheet says."""

import contextlib
import operator
import pathlib
import re

import numpy as np
import pytest


def _pressed(editor, tool):
    return editor.page.locator(f'[data-tool="{tool}"]').get_attribute("aria-pressed") == "true"


def _size(editor):
    return float(editor.page.locator("#slider-size").input_value())


def _zoom(editor):
    return int(editor.page.locator(".percent").inner_text().split()[0])


def _way(editor):
    chosen = editor.page.locator('[aria-label="How a part is chosen"] [aria-checked="true"]')
    return chosen.get_attribute("aria-label")


def _chosen_color(editor):
    return editor.page.locator(".swatch.now").evaluate("(one) => getComputedStyle(one).backgroundColor")


def _swatch(editor, number):
    found = editor.page.locator(".palette .swatch").nth(number)
    return found.evaluate("(one) => getComputedStyle(one).backgroundColor")


@contextlib.contextmanager
def _held(editor, key):
    """While a key is held."""
    editor.page.keyboard.down(key)
    try:
        yield
    finally:
        editor.page.keyboard.up(key)


def _each_makes(editor, keys, value, is_so):
    """Whether each of these keys changes a value in that way: is_so(after, before)."""
    for key in keys:
        before = value(editor)
        editor.press(key)
        assert is_so(value(editor), before)


def _smaller(editor):
    _each_makes(editor, ("[", ","), _size, operator.lt)


def _larger(editor):
    _each_makes(editor, ("]", "."), _size, operator.gt)


def _label(editor):
    editor.press("3")
    assert _chosen_color(editor) == _swatch(editor, 2)
    editor.press("1")
    assert _chosen_color(editor) == _swatch(editor, 0)


def _swap(editor):
    editor.press("d")
    editor.press("x")
    assert _chosen_color(editor) == _swatch(editor, 1)


def _defaults(editor):
    editor.press("3")
    editor.press("d")
    assert _chosen_color(editor) == _swatch(editor, 0)


def _lock(editor):
    editor.press("2")
    for pressed in ("true", "false"):
        editor.press("/")
        assert editor.button("Lock colour 2").get_attribute("aria-pressed") == pressed


def _straight(editor):
    editor.choose("line")
    with _held(editor, "Shift"):
        editor.stroke([(10, 10), (30, 40), (80, 10)], release=False)
        drawing = editor.drawing()
        editor.page.mouse.up()
    assert (drawing[10, 10:81] == drawing[10, 10]).all(), "a line along the row, and no way round"
    editor.has_steps(1)
    with _held(editor, "Shift"):
        editor.click((80, 50))
    editor.has_steps(2)
    assert (editor.drawing()[10:51, 80] == drawing[10, 10]).all(), "on from the last stroke"


def _size_drag(editor):
    before = _size(editor)
    wanted = _swatch(editor, 2)
    rgb = [int(value) for value in re.findall(r"\d+", wanted)]
    y, x = np.argwhere((editor.drawing() == rgb).all(-1))[0].tolist()
    assert _chosen_color(editor) != wanted
    with _held(editor, "Alt"):
        editor.stroke([(30, 30), (60, 30)])
        assert _size(editor) > before
        editor.click((x, y))
    assert _chosen_color(editor) == wanted
    assert editor.steps == ["Start"]


def _lasso(editor):
    editor.press("l")
    assert _way(editor) == "Draw around it" and _pressed(editor, "region")


def _rectangle(editor):
    editor.press("u")
    assert _way(editor) == "Rectangle" and _pressed(editor, "region")


def _select(editor):
    editor.press("u")
    editor.stroke([(50, 20), (75, 42)])


def _nudge(editor):
    _select(editor)
    before = editor.drawing()
    editor.press("ArrowDown")
    editor.press("Enter")
    editor.has_steps(1)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing()[21:44, 50:76], before[20:43, 50:76])


def _copy_drag(editor):
    _select(editor)
    with _held(editor, "Alt"):
        editor.stroke([(62, 30), (30, 30)])
    editor.press("Enter")
    editor.has_steps(1)
    assert editor.steps[-1] == "Copy"


def _delete(editor):
    _select(editor)
    editor.press("Delete")
    editor.has_steps(1)
    assert editor.steps[-1] == "Delete"


def _crosshair(editor):
    editor.press("ArrowDown")
    start = editor.page.locator(".place").inner_text()
    x, y = (int(value) for value in start.split(":")[0].split(","))
    for keys, place in (
        ("ArrowRight", (x + 1, y)),
        ("Shift+ArrowUp", (x + 1, y - 10)),
        ("ArrowDown", (x + 1, y - 9)),
    ):
        editor.press(keys)
        assert editor.page.locator(".place").inner_text().startswith(f"{place[0]}, {place[1]}")
    editor.page.keyboard.down("ArrowRight")
    editor.press("ArrowDown")
    editor.page.keyboard.up("ArrowRight")
    assert editor.page.locator(".place").inner_text().startswith(f"{x + 3}, {y - 8}")
    editor.page.locator("body").press("Tab")
    assert not editor.page.locator('[data-pane="drawing"] .place').is_visible()
    editor.press("Shift+Tab")
    editor.page.locator('[data-pane="drawing"] .place').wait_for()


def _press(editor):
    editor.press("3")
    editor.step_to((20, 20))
    editor.press(" ")
    editor.step_to((40, 20))
    assert editor.steps == ["Start"]
    editor.press(" ")
    editor.has_steps(1)
    color = editor.drawing()[20, 20]
    assert (editor.drawing()[20, 20:41] == color).all()
    editor.step_to((40, 40))
    editor.page.keyboard.down(" ")
    editor.press("ArrowLeft")
    editor.page.keyboard.up(" ")
    editor.has_steps(2)
    assert (editor.drawing()[40, 39:41] == color).all()


def _press_straight(editor):
    editor.choose("line")
    editor.click_at((80, 10))
    editor.has_steps(1)
    editor.step_to((10, 10))
    editor.press("Shift+ ")
    editor.press(" ")
    editor.has_steps(2)
    drawing = editor.drawing()
    assert (drawing[10, 10:81] == drawing[10, 10]).all()


def _apply(editor):
    _select(editor)
    editor.stroke([(62, 30), (50, 30)])
    editor.press("Enter")
    editor.has_steps(1)
    assert editor.steps[-1] == "Move"


def _cancel(editor):
    _select(editor)
    editor.page.get_by_role("button", name="Cancel", exact=True).wait_for()
    editor.press("Escape")
    editor.page.get_by_text("Nothing is chosen yet.").wait_for()


def _undo(editor):
    editor.stroke([(20, 20), (40, 30)])
    editor.has_steps(1)
    editor.press("Control+z")
    editor.has_steps(0)


def _redo(editor):
    for keys in ("Control+Shift+z", "Control+y"):
        editor.stroke([(20, 20), (40, 30)])
        editor.has_steps(1)
        editor.press("Control+z")
        editor.has_steps(0)
        editor.press(keys)
        editor.has_steps(1)
        editor.press("Control+z")
        editor.has_steps(0)


def _original(editor):
    editor.page.keyboard.down("\\")
    editor.page.locator(".stage.shows-original").wait_for()
    editor.page.keyboard.up("\\")
    editor.page.locator(".stage:not(.shows-original)").wait_for()


def _mode(editor):
    seen = []
    for _ in range(4):
        seen.append(editor.page.locator(".stage").get_attribute("data-mode"))
        editor.press("m")
    assert len(set(seen)) == 4


def _overlay(editor):
    canvas = editor.page.locator("canvas[data-layer=drawing]")
    assert canvas.is_visible()
    editor.press("t")
    assert not canvas.is_visible()


def _opacity(editor):
    return float(editor.page.locator("canvas[data-layer=drawing]").evaluate("(one) => one.style.opacity"))


def _fainter(editor):
    _each_makes(editor, ("Alt+[", "Alt+,"), _opacity, operator.lt)


def _stronger(editor):
    _each_makes(editor, ("Alt+]", "Alt+."), _opacity, operator.gt)


def _pan(editor):
    def is_moved(before):
        after = editor.place((0, 0))
        return after[0] > before[0] and after[1] > before[1]

    before = editor.place((0, 0))
    with _held(editor, " "):
        editor.stroke([(30, 30), (40, 36)])
    assert is_moved(before)
    before = editor.place((0, 0))
    editor.stroke([(30, 30), (40, 36)], button="middle")
    assert is_moved(before)
    assert editor.steps == ["Start"]


def _zoom_wheel(editor):
    at = editor.place((30, 30))
    editor.page.mouse.move(*at)
    before = _zoom(editor)
    with _held(editor, "Control"):
        editor.page.mouse.wheel(0, -200)
    assert _zoom(editor) > before
    assert np.abs(np.subtract(editor.place((30, 30)), at)).max() < 1.5, "what is under the pointer stays"


def _zoom_in(editor):
    before = _zoom(editor)
    editor.press("+")
    assert _zoom(editor) > before


def _zoom_out(editor):
    before = _zoom(editor)
    editor.press("-")
    assert _zoom(editor) < before


def _fit(editor):
    before = _zoom(editor)
    editor.press("-")
    editor.press("Control+0")
    assert _zoom(editor) == before


def _actual(editor):
    editor.press("Control+1")
    assert _zoom(editor) == 100


def _save(editor):
    with editor.page.expect_download() as download:
        editor.press("Control+s")
    content = pathlib.Path(download.value.path()).read_bytes()
    assert content.startswith(b"\x89PNG") and download.value.suggested_filename == "cat-edited.png"


def _open(editor):
    with editor.page.expect_file_chooser():
        editor.press("Control+o")


def _copy(editor):
    editor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    editor.press("Control+c")
    editor.page.get_by_text("The picture is on the clipboard.").wait_for()
    kinds = editor.page.evaluate("navigator.clipboard.read().then((items) => items[0].types)")
    assert kinds == ["image/png"]


def _help(editor):
    editor.press("?")
    editor.page.get_by_role("dialog", name="Keys").wait_for()
    editor.page.get_by_placeholder("Search").fill("redo")
    assert editor.page.locator("[data-key]").count() == 1
    editor.press("Escape")
    editor.page.get_by_role("dialog", name="Keys").wait_for(state="detached")


def _paste(editor):
    editor.choose("hand")
    before = editor.page.evaluate("sessionStorage.getItem('editor-workspace')")
    editor.paste(editor.photo)
    editor.page.wait_for_function("(id) => sessionStorage.getItem('editor-workspace') !== id", arg=before)


def _tool(name):
    def check(editor):
        key = editor.page.locator(f'[data-tool="{name}"]').get_attribute("title").rpartition("(")[2][0]
        editor.choose("hand" if name != "hand" else "stroke")
        editor.press(key.lower())
        assert _pressed(editor, name)

    return check


CHECKS = {
    "smaller": _smaller,
    "larger": _larger,
    "label": _label,
    "swap": _swap,
    "defaults": _defaults,
    "lock": _lock,
    "straight": _straight,
    "size-drag": _size_drag,
    "lasso": _lasso,
    "rectangle": _rectangle,
    "nudge": _nudge,
    "copy-drag": _copy_drag,
    "delete": _delete,
    "crosshair": _crosshair,
    "press": _press,
    "press-straight": _press_straight,
    "apply": _apply,
    "cancel": _cancel,
    "undo": _undo,
    "redo": _redo,
    "original": _original,
    "mode": _mode,
    "overlay": _overlay,
    "fainter": _fainter,
    "stronger": _stronger,
    "pan": _pan,
    "zoom-wheel": _zoom_wheel,
    "zoom-in": _zoom_in,
    "zoom-out": _zoom_out,
    "fit": _fit,
    "actual": _actual,
    "save": _save,
    "open": _open,
    "copy": _copy,
    "paste": _paste,
    "help": _help,
    **{
        f"tool-{name}": _tool(name)
        for name in (
            "region",
            "warp",
            "stroke",
            "fill",
            "paint",
            "line",
            "restore",
            "keep",
            "pick",
            "hand",
        )
    },
}


@pytest.fixture(scope="module")
def window(open_window, cat_file):
    """One window for all keys, which is as new before each."""
    editor = open_window()
    editor.photo = cat_file
    editor.pick(cat_file)
    editor.rests()
    editor.opened = editor.page.evaluate("sessionStorage.getItem('editor-workspace')")
    return editor


@pytest.fixture
def brush(window):
    """The window, as it was opened, with the brush in hand."""
    window.page.evaluate(
        "(id) => { sessionStorage.removeItem('editor-settings'); "
        "sessionStorage.setItem('editor-workspace', id); }",
        window.opened,
    )
    window.page.reload()
    window.rests()
    if len(window.steps) > 1:
        window.button("Step 0: Start").click()
        window.has_steps(0)
        window.rests()
    window.choose("stroke")
    yield window
    assert not window.problems, window.problems


def test_the_sheet_lists_what_is_tested_here(brush):
    brush.press("?")
    listed = brush.page.locator("[data-key]").evaluate_all("(all) => all.map((one) => one.dataset.key)")
    assert sorted(listed) == sorted(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_a_key_does_what_the_sheet_says(brush, name):
    CHECKS[name](brush)


def test_the_search_finds_keys_by_what_they_do(brush):
    brush.button("All keys").click()
    brush.page.get_by_placeholder("Search").fill("zoom wheel")
    assert brush.page.locator("[data-key]").evaluate_all(
        "(all) => all.map((one) => one.dataset.key)"
    ) == ["zoom-wheel"]
    brush.page.get_by_placeholder("Search").fill("nothing of that kind")
    brush.page.get_by_text("No key does that.").wait_for()


def test_the_wheel_moves_the_view_and_the_right_button_draws_nothing(brush):
    drawing = brush.drawing()
    _zoom_in(brush)
    brush.page.mouse.move(*brush.place((30, 30)))
    for by in ((0, 60), (40, 0)):
        before = brush.place((30, 30))
        brush.page.mouse.wheel(*by)
        np.testing.assert_allclose(brush.place((30, 30)), np.subtract(before, by), atol=0.6)
    brush.stroke([(30, 30), (50, 40)], button="right")
    np.testing.assert_array_equal(brush.drawing(), drawing)
    assert brush.steps == ["Start"]
