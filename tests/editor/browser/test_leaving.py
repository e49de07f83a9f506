"""What is half done when another photo is opened or the photo is closed, and answers that are cut off."""

import json

import pytest

CLOSE = "Open another photo, or other work"


def half_done(editor):
    """Drags a point, and neither applies nor cancels it; the workspace's id."""
    editor.choose("warp")
    editor.stroke([(60, 30), (66, 36)])
    editor.page.get_by_text("1 point dragged").wait_for()
    return editor.page.evaluate("sessionStorage.getItem('editor-workspace')")


def test_what_is_half_done_is_sent_before_the_photo_is_closed(editor):
    half_done(editor)
    editor.button(CLOSE).click()
    editor.page.locator(".work").first.click()
    editor.has_steps(1)
    editor.rests()
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(2)


def test_what_is_half_done_is_not_done_to_the_next_photo(editor, cat_file):
    before = half_done(editor)
    with editor.page.expect_response(lambda response: "/workspaces?" in response.url):
        editor.drop(cat_file)
    editor.has_steps(0)
    editor.rests()
    assert editor.steps == ["Start"]
    assert len(json.loads(editor.fetched(f"workspaces/{before}"))["history"]["documents"]) == 2
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)


@pytest.mark.parametrize("is_done", [False, True])
def test_an_answer_that_is_cut_off_is_asked_for_again(editor, is_done):
    editor.expected.add("409")
    cut = []

    def cut_once(route):
        if cut:
            route.continue_()
        else:
            cut.append(route.request.url)
            if is_done:
                route.fetch()
            route.fulfill(status=200, content_type="application/json", body='{"history": {"posi')

    editor.page.route("**/actions", cut_once)
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
    editor.rests()
    assert editor.page.get_by_text("changed in another tab").count() == 0
    editor.stroke([(20, 50), (60, 55)])
    editor.has_steps(2)
    assert editor.steps == ["Start", "Brush", "Brush"]
