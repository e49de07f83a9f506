"""Undo, redo, thumbnails; what is kept over a reload and in two tabs."""

import json

import numpy as np


def test_sixty_strokes_undone_and_redone_give_identical_documents(editor):
    start = editor.drawing()
    editor.choose("stroke")
    for number in range(60):
        if number % 10 == 0:
            editor.page.locator(".palette .swatch").nth(number // 10 % 3).click()
        x, y = 6 + number % 12 * 7, 6 + number // 12 * 10
        editor.stroke([(x, y), (x + 4, y + 3)], steps=2)
    editor.has_steps(60)
    editor.rests()
    done, recipe = editor.drawing(), json.loads(editor.saved("Save the steps as a recipe"))
    assert len(recipe["steps"]) == 60
    for _ in range(60):
        editor.press("Control+z")
    editor.has_steps(0)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), start)
    for _ in range(60):
        editor.press("Control+Shift+z")
    editor.has_steps(60)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), done)
    assert json.loads(editor.saved("Save the steps as a recipe")) == recipe


def test_a_step_is_gone_to_by_its_thumbnail(editor):
    start = editor.drawing()
    editor.choose("stroke")
    editor.stroke([(20, 20), (40, 30)])
    editor.stroke([(50, 20), (70, 30)])
    editor.has_steps(2)
    assert editor.page.locator(".step img").count() >= 1
    editor.button("Step 0: Start").click()
    editor.has_steps(0)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), start)
    assert editor.page.locator(".step").count() == 3


def test_a_reload_restores_everything(editor):
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
    editor.rests()
    drawing, result = editor.drawing(), editor.pixels("result")
    editor.page.reload()
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), drawing)
    np.testing.assert_array_equal(editor.pixels("result"), result)
    assert editor.steps == ["Start", "Brush"]
    assert editor.page.locator('[data-tool="stroke"]').get_attribute("aria-pressed") == "true"
    editor.press("Control+z")
    editor.has_steps(0)


def test_a_closed_tab_is_gone_on_with_from_the_list(editor, visit):
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
    editor.rests()
    drawing = editor.drawing()
    again = visit()
    again.page.locator(".work", has_text="cat.png").first.click()
    again.rests()
    assert again.steps == ["Start", "Brush"]
    np.testing.assert_array_equal(again.drawing(), drawing)


def test_pictures_of_a_drawing_that_is_being_replaced_are_no_problem(editor):
    editor.expected.add("status of 404")
    page, held = editor.page, []
    page.route("**/opening", lambda route: held.append((route, route.fetch())))
    page.get_by_label("Made of").select_option("edges")
    for _ in range(9000):
        if held:
            break
        page.wait_for_timeout(20)
    with page.expect_response(lambda response: "/mismatch" in response.url) as answer:
        editor.button("Show where the result is a guess").click()
    assert answer.value.status == 404
    route, response = held[0]
    route.fulfill(response=response)
    editor.page.locator("[data-tool=fill]").wait_for(state="detached")
    editor.rests()
    assert page.locator(".notice.problem").count() == 0


def test_another_tab_that_was_faster_is_told_in_words(editor, visit):
    other = visit()
    other.page.locator(".work", has_text="cat.png").first.click()
    other.rests()
    other.expected.add("409")
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
    other.choose("stroke")
    other.stroke([(10, 10), (30, 40)])
    other.page.get_by_text("changed in another tab").wait_for()
    other.rests()
    editor.rests()
    np.testing.assert_array_equal(other.drawing(), editor.drawing())
    assert other.steps == ["Start", "Brush"]


def test_another_drawing_asks_before_it_drops_changes(editor):
    editor.page.get_by_text("How the photo is drawn").click(trial=True)
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
    editor.expected.add("409")
    panel = editor.page.locator("details", has_text="How the photo is drawn")
    if panel.get_attribute("open") is None:
        panel.locator("summary").click()
    panel.get_by_label("Made of").select_option("edges")
    editor.button("Leave it").click()
    editor.page.wait_for_timeout(200)
    assert editor.steps == ["Start", "Brush"]
    panel.get_by_label("Made of").select_option("edges")
    editor.button("Begin anew").click()
    editor.has_steps(0)
    editor.rests()
    panel.get_by_label("Smoothness of outlines").wait_for()
    assert panel.get_by_label("Number of colours").count() == 0, "of areas, which this drawing has not"
    assert len(np.unique(editor.drawing().reshape(-1, 3), axis=0)) == 2
    assert editor.page.locator('[data-tool="stroke"]').count() == 0


def test_another_drawing_asks_before_it_takes_a_training_from_the_photo(visit, cat_file):
    editor = visit()

    def trained(route):
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "trained": True})

    editor.page.route("**/api/workspaces?**", trained)
    editor.pick(cat_file)
    editor.rests()
    editor.page.get_by_label("Made of").select_option("edges")
    editor.page.get_by_text("the training does not belong to the photo any more").wait_for()
    editor.button("Leave it").click()
    assert editor.page.get_by_label("Made of").input_value() != "edges"
    assert not [method for _, method, _ in editor.answers if method == "PUT"]
    editor.page.get_by_label("Made of").select_option("edges")
    editor.button("Begin anew").click()
    editor.page.locator('[data-tool="stroke"]').wait_for(state="detached")
    editor.rests()


def test_settings_of_a_training_are_those_of_one_photo(editor, cat_file):
    page = editor.page
    page.locator(".training > summary").click()
    page.locator(".training .more > summary").click()
    steps = page.locator("#option-train-steps")
    usual = steps.input_value()
    steps.fill("123")
    steps.press("Enter")
    with page.expect_response(lambda response: "/workspaces?" in response.url):
        editor.drop(cat_file)
    editor.rests()
    page.wait_for_function(
        "(usual) => document.querySelector('#option-train-steps').value === usual", arg=usual
    )
