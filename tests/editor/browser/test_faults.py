"""A server that goes away and comes back, a photo that is gone, a folder that another editor has."""

import errno
import os
import re
import socket

import numpy as np
import pytest

REFUSED = {"ERR_CONNECTION_REFUSED", "401", "net::"}


@pytest.fixture
def restarted(serve_from, tmp_path):
    """Starts a server on the same folder and port, again and again; a function of nothing."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    return lambda: serve_from(tmp_path / "work", port)


def test_a_server_that_is_started_anew_has_everything(visit, cat_file, restarted):
    server = restarted()
    editor = visit(url=server.url, expected=REFUSED)
    editor.pick(cat_file)
    editor.rests()
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
    editor.rests()
    drawing = editor.drawing()
    server.stop()
    editor.stroke([(20, 50), (60, 55)])
    editor.page.get_by_text("does not answer").wait_for()
    server = restarted()
    editor.page.get_by_text("Open the address that it printed").wait_for()
    editor.page.evaluate("(hash) => { location.hash = hash; }", server.url.partition("#")[2])
    editor.page.get_by_text("The server is back").wait_for()
    editor.has_steps(2)
    editor.rests()
    assert (editor.drawing() != drawing).any(), "what was painted meanwhile is there, too"
    editor.press("Control+z")
    editor.has_steps(1)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), drawing)


def test_work_that_was_removed_elsewhere_is_told_in_words(editor, visit):
    editor.expected.add("404")
    other = visit()
    with other.page.expect_response(lambda response: response.request.method == "DELETE"):
        other.button("Remove cat.png").first.click()
        other.page.get_by_text("“cat.png” is removed for good").wait_for()
        other.button("Remove it").click()
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.page.locator(".notice.problem").first.wait_for()
    assert "Traceback" not in editor.page.locator(".notices").inner_text()


def test_a_second_editor_on_a_folder_only_shows_it(visit, restarted, serve_from, tmp_path, cat_file):
    first = visit(url=restarted().url)
    first.pick(cat_file)
    first.rests()
    second = visit(url=serve_from(tmp_path / "work").url, expected={"400", "403", "409"})
    assert second.page.locator(".drop").is_disabled()
    second.page.locator(".work").first.click()
    second.rests()
    assert second.steps == ["Start"]


def test_what_is_not_saved_is_said_as_long_as_it_is_not(editor):
    problem = "not saved: No space left on device"
    told = [problem, problem, None]

    def tell(route):
        response = route.fetch()
        content = {**response.json(), "unsaved": told.pop(0), "doubts": [problem]}
        route.fulfill(response=response, json=content)

    def tell_again(route):
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "unsaved": problem})

    editor.page.route("**/actions", tell)
    editor.page.route(re.compile(r"/api/workspaces/\w+$"), tell_again)  # whether there is space again
    editor.choose("stroke")
    saved = editor.page.locator(".saved")
    for number, said in enumerate((problem, problem, "Saved"), 1):
        editor.stroke([(20, 10 * number), (60, 10 * number)])
        editor.has_steps(number)
        editor.rests()
        assert saved.inner_text() == said


def test_a_full_disk_is_told_in_words_loses_nothing_and_is_made_up_for(editor, cat_file, monkeypatch):
    def fsync(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    editor.expected.add("400")
    page, words = editor.page, "No space left on device"
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fsync)
        editor.choose("stroke")
        editor.stroke([(20, 20), (60, 40)])
        editor.has_steps(1)
        page.locator(".saved .problem", has_text=words).wait_for()
        editor.rests()
        drawing, picture = editor.drawing(), editor.saved()
        editor.drop(cat_file, name="other.png")
        page.locator(".notice.problem", has_text=words).wait_for()
        page.locator(".training > summary").click()
        editor.button("Train on this photo").click()
        page.locator(".notice.problem", has_text="not saved").wait_for()
        assert page.locator("h1").inner_text() == "cat.png" and editor.steps[1:] == ["Brush"]
        assert "Traceback" not in page.locator("body").inner_text()
    page.locator(".saved", has_text="Saved").wait_for()
    page.reload()
    editor.rests()
    editor.has_steps(1)
    np.testing.assert_array_equal(editor.drawing(), drawing)
    assert editor.saved() == picture


def test_a_removal_is_asked_for_and_older_work_is_found(visit, server, cat_file):
    editor = visit()
    works = [
        {"workspace": f"{number:032x}", "name": f"photo {number}", "system": "deepsim"}
        for number in range(14)
    ]

    def many(route):
        response = route.fetch()
        listed = [{**work, "changed": "2026-01-31T12:00:00Z"} for work in works]
        route.fulfill(response=response, json={**response.json(), "workspaces": listed})

    editor.page.route("**/api/state", many)
    editor.page.reload()
    editor.button("Show all 14").click()
    editor.button("Remove photo 13").click()
    editor.page.get_by_text("“photo 13” is removed for good").wait_for()
    editor.button("Leave it").click()
    assert editor.page.locator(".work").count() >= 14
    assert not [method for _, method, _ in editor.answers if method == "DELETE"]
