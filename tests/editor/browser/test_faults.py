"""A server that goes away and comes back, a photo that is gone, a folder that another editor has."""

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
