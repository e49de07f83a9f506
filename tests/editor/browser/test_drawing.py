"""Each tool of the drawing, by hand; what it made is read back from the canvas."""

import json

import cv2
import numpy as np
import pytest

import deepsim_jax
from deepsim_jax.systems.deepsim import recipes


def palette_of(editor):
    return editor.page.locator(".palette .swatch").evaluate_all(
        "(all) => all.map((one) => getComputedStyle(one).backgroundColor.match(/\\d+/g).map(Number))"
    )


def colors_of(drawing):
    return {tuple(color) for color in np.unique(drawing.reshape(-1, 3), axis=0).tolist()}


def labels_of(editor):
    """uint8 (h, w, 3): the drawing's colours, also those under its lines."""
    workspace = editor.page.evaluate("sessionStorage.getItem('editor-workspace')")
    content = np.frombuffer(editor.fetched(f"workspaces/{workspace}/layers/regions"), np.uint8)
    return cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1]


def shows(editor, expected):
    """Waits until the drawing's canvas shows an array, uint8 (h, w, 4)."""
    for _ in range(200):
        if (editor.pixels() == expected).all():
            return
        editor.page.wait_for_timeout(50)
    np.testing.assert_array_equal(editor.pixels(), expected)


def test_a_dropped_photo_is_opened_with_its_drawing_over_it(visit, cat_file, cat):
    editor = visit()
    editor.drop(cat_file)
    editor.rests()
    assert editor.size == cat.shape[1::-1]
    assert editor.page.locator("h1").inner_text() == "cat.png"
    np.testing.assert_array_equal(editor.pixels("photo")[..., :3], cat)
    np.testing.assert_array_equal(editor.pixels("result")[..., :3], cat)
    assert len(colors_of(editor.drawing())) > 2


def test_a_pasted_photo_is_opened(visit, cat_file, cat):
    editor = visit()
    editor.paste(cat_file)
    editor.rests()
    assert editor.size == cat.shape[1::-1]


def test_a_dropped_photo_is_opened_for_what_was_chosen(visit, cat_file):
    editor = visit()
    assert editor.page.locator(".card.chosen").count() == 1
    assert editor.page.locator("h1").inner_text() == "Change a photo by changing a drawing of it"
    editor.page.locator(".card", has_text="Training comes first").get_by_role("radio").click()
    assert editor.page.locator("h1").inner_text() == "Learn it first"
    assert "Quickstart" in editor.page.locator(".card.chosen option").all_inner_texts()
    editor.drop(cat_file)
    editor.page.get_by_text("This photo has to be trained before it can be edited").wait_for()


def test_a_stroke_paints_in_a_colour_of_the_palette_and_no_other(editor):
    before = editor.drawing()
    editor.choose("stroke")
    palette = palette_of(editor)
    editor.page.locator(".palette .swatch").nth(2).click()
    editor.stroke([(20, 20), (60, 40), (30, 50)], release=False)
    painted = editor.drawing()
    wanted = np.array(palette[2])
    assert (painted[20, 20] == wanted).all() and (painted[40, 60] == wanted).all()
    changed = (painted != before).any(-1)
    assert changed.sum() > 100
    assert (painted[changed] == wanted).all(), "every painted pixel has the colour, exactly"
    editor.page.mouse.up()
    editor.rests()
    after = editor.drawing()
    assert colors_of(after) <= colors_of(before)
    assert ((after != before).any(-1) & ~changed).mean() < 0.02, "the server paints what the hand saw"
    assert editor.steps[-1] == "Brush"


def test_an_edge_is_one_pixel_wide_and_what_the_hand_drew(editor):
    before = editor.drawing()
    editor.choose("line")
    editor.stroke([(10, 6), (70, 20)], steps=20, release=False)
    seen = editor.drawing()
    editor.page.mouse.up()
    editor.rests()
    after = editor.drawing()
    np.testing.assert_array_equal(after, seen)
    edge = after[6, 10]
    drawn = (after == edge).all(-1)
    columns = drawn[:, 10:71] & ~(before[:, 10:71] == edge).all(-1)
    assert columns.any(0).sum() > 50
    assert columns.sum(0).max() <= 2 and np.median(columns.sum(0)) == 1
    assert colors_of(after) <= colors_of(before)


def test_regions_and_edges_are_looked_at_apart(editor):
    whole, labels = editor.pixels(), labels_of(editor)
    lines = (whole[..., :3] != labels).any(-1)
    assert lines.any()
    plain, alone = whole.copy(), whole * lines[..., None]
    plain[..., :3] = labels
    for name, seen in (("Edges", plain), ("Regions", alone)):
        eye = editor.button(f"Show: {name}")
        eye.click()
        shows(editor, seen)
        editor.choose("stroke")
        editor.stroke([(20, 20), (60, 20)], release=False)
        assert (editor.pixels()[20, 20:61, 3] == 255 * (name == "Edges")).all(), "also as the hand paints"
        editor.press("Escape")
        editor.page.mouse.up()
        shows(editor, seen)
        eye.click()
        shows(editor, whole)


def test_fill_gives_a_region_another_colour(editor):
    before = editor.drawing()
    editor.choose("fill")
    color = next(
        (index, rgb) for index, rgb in enumerate(palette_of(editor)) if (before[5, 5] != rgb).any()
    )
    editor.page.locator(".palette .swatch").nth(color[0]).click()
    at = next((x, 5) for x in range(5, 60) if (before[5, x] != (0, 0, 0)).any())
    editor.click(at)
    editor.rests()
    after = editor.drawing()
    assert (after[at[1], at[0]] == color[1]).all()
    changed = (after != before).any(-1)
    assert (after[changed] == color[1]).all()


def test_an_area_is_filled_by_its_corners(editor):
    editor.choose("paint")
    rgb = palette_of(editor)[1]
    editor.page.locator(".palette .swatch").nth(1).click()
    for corner in [(20, 20), (50, 20), (50, 45), (20, 45)]:
        editor.click(corner)
    editor.press("Enter")
    editor.rests()
    assert (editor.drawing()[20:46, 20:51] == rgb).all()


def test_the_eraser_brings_the_original_back(editor):
    original = editor.drawing()
    editor.choose("stroke")
    editor.stroke([(20, 20), (70, 40)])
    editor.rests()
    assert (editor.drawing() != original).any()
    editor.choose("restore")
    editor.page.locator("#slider-size").fill("12")
    editor.stroke([(14, 17), (78, 44)], steps=30)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), original)
    assert editor.steps == ["Start", "Brush", "Eraser"]


def test_the_eyedropper_takes_a_colour_and_goes_back_to_the_brush(editor):
    editor.choose("stroke")
    rgb = editor.drawing()[40, 48]
    editor.press("i")
    editor.click((48, 40))
    assert editor.page.locator('[data-tool="stroke"]').get_attribute("aria-pressed") == "true"
    if any((rgb == color).all() for color in palette_of(editor)):
        shown = editor.page.locator(".swatch.now").evaluate(
            "(one) => getComputedStyle(one).backgroundColor"
        )
        assert shown == f"rgb({rgb[0]}, {rgb[1]}, {rgb[2]})"


def test_what_is_kept_stays_the_photo(editor, cat):
    editor.choose("keep")
    editor.stroke([(10, 10), (80, 10), (80, 50), (10, 50)])
    editor.rests()
    assert editor.pixels("keep")[10, 40, 3] > 0
    editor.choose("stroke")
    editor.stroke([(10, 10), (80, 10)])
    editor.rests()
    np.testing.assert_array_equal(editor.pixels("result")[10, 12:79, :3], cat[10, 12:79])


@pytest.mark.parametrize("tool", ["stroke", "line"])
def test_escape_gives_a_stroke_up(editor, tool):
    before = editor.drawing()
    editor.choose(tool)
    editor.stroke([(20, 20), (70, 40)], release=False)
    assert (editor.drawing() != before).any()
    editor.press("Escape")
    editor.page.mouse.up()
    editor.page.wait_for_timeout(100)
    np.testing.assert_array_equal(editor.drawing(), before)
    assert editor.steps == ["Start"]


def test_a_locked_layer_is_not_drawn_on(editor):
    before = editor.drawing()
    editor.choose("stroke")
    editor.button("Lock: Drawing").click()
    editor.stroke([(20, 20), (60, 40)])
    editor.page.get_by_text("This layer is locked").wait_for()
    editor.choose("keep")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), before)
    editor.button("Lock: Drawing").click()
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(2)


def paint_with_each(editor, locked_at):
    """Draws a line, fills an area, erases, in three steps, and fills nothing where a colour is locked."""
    editor.choose("line")
    editor.stroke([(5, 40), (90, 24)])
    editor.choose("paint")
    for corner in [(20, 20), (70, 20), (70, 45), (20, 45)]:
        editor.click(corner)
    editor.press("Enter")
    editor.choose("restore")
    editor.page.get_by_text("Locked colours stay as they are.").wait_for()
    editor.stroke([(30, 10), (60, 60)])
    editor.choose("fill")
    editor.click(locked_at)
    editor.page.get_by_text("This colour is locked").wait_for()


def test_a_locked_colour_is_left_as_it_is_in_the_page_and_by_the_recipe(editor, cat_file):
    editor.choose("stroke")
    palette, labels, before = palette_of(editor), labels_of(editor), editor.drawing()
    number = max(range(len(palette)), key=lambda one: (labels[32] == palette[one]).all(-1).sum())
    locked, other = (labels == palette[number]).all(-1), (number + 1) % len(palette)
    at = next(x for x in range(96) if (before[32, x] == palette[number]).all())
    lock = editor.button(f"Lock colour {number + 1}")
    assert lock.get_attribute("aria-pressed") == "false"
    lock.click()
    editor.page.locator(".palette .swatch").nth(other).click()
    for _ in range(40):  # until it is known what lies under the lines
        editor.stroke([(2, 32), (93, 32)], release=False)
        seen = editor.drawing()
        if (seen[locked] == before[locked]).all():
            break
        editor.press("Escape")
        editor.page.mouse.up()
    np.testing.assert_array_equal(seen[locked], before[locked])
    assert (seen[32, 2:94][~locked[32, 2:94]] == palette[other]).all()
    editor.page.mouse.up()
    paint_with_each(editor, (at, 32))
    editor.has_steps(4)
    editor.rests()
    after = editor.drawing()
    np.testing.assert_array_equal(after[locked], before[locked])
    assert ((after != before).any(-1) & ~locked).sum() > 200

    editor.press("Control+z")
    editor.has_steps(3)
    editor.press("Control+Shift+z")
    editor.has_steps(4)
    editor.page.reload()
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), after)
    editor.choose("stroke")
    assert lock.get_attribute("aria-pressed") == "true"
    recipe = json.loads(editor.saved("Save the steps as a recipe"))
    spared = [options["spare"] for step in recipe["steps"] for options in step.values()]
    assert spared == [[palette[number]]] * 4
    model = deepsim_jax.open(cat_file)
    np.testing.assert_array_equal(recipes.apply(recipe, model.primitive, model.spec), after)
