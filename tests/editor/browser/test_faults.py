"""A server that goes away and comes back, a photo that is gone, a folder that another editor has."""

import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deepsim_jax

ROOT = Path(deepsim_jax.__file__).parents[1]
REFUSED = {"ERR_CONNECTION_REFUSED", "401", "net::"}


@pytest.fixture
def port():
    """One that is free."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def restarted(serve_from, tmp_path, port):
    """Starts a server on the same folder and port, again and again; a function of nothing."""
    return lambda: serve_from(tmp_path / "work", port)


@pytest.fixture
def started(tmp_path, port):
    """As `restarted`, in a process of its own: it, and the address that it prints."""
    processes = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-m", "deepsim_jax", "serve", f"--port={port}", "--workdir=work"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process, process.stdout.readline().split()[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def follow(editor, url):
    """Puts the address that a new server printed into the tab of the old one."""
    editor.page.get_by_text("Open the address that it printed").wait_for()
    editor.page.evaluate("(hash) => { location.hash = hash; }", url.partition("#")[2])
    editor.page.get_by_text("The server is back").wait_for()


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
    follow(editor, restarted().url)
    editor.has_steps(2)
    editor.rests()
    assert (editor.drawing() != drawing).any(), "what was painted meanwhile is there, too"
    editor.press("Control+z")
    editor.has_steps(1)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), drawing)


@pytest.mark.slow
def test_a_server_that_is_killed_amid_a_training_goes_on_from_what_was_saved(
    visit, cat_file, started, tmp_path
):
    process, url = started()
    editor = visit(url=url, expected=REFUSED)
    page = editor.page
    page.route(
        re.compile(r"/api/workspaces\?"),
        lambda route: route.continue_(url=route.request.url.replace("?", "?config=quickstart:tiny&")),
    )
    editor.pick(cat_file)
    editor.rests()
    editor.train(100_000)
    (folder,) = (tmp_path / "work" / "editor").glob("*/photo.png")
    run = folder.with_name("run")

    def saved():
        return max(
            (int(path.name) for path in run.glob("checkpoints/*") if path.name.isdigit()), default=0
        )

    while saved() < 3:
        assert process.poll() is None
        page.wait_for_timeout(50)
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
    editor.rests()
    drawing = editor.drawing()
    page.locator("[data-training=running]").wait_for()
    process.kill()
    process.wait()
    page.get_by_text("does not answer").wait_for()  # though nobody does anything in it
    kept = saved()
    follow(editor, started()[1])
    paused = page.locator("[data-training=paused]")
    paused.wait_for()
    assert f"step {kept} of 100000" in paused.inner_text()
    editor.has_steps(1)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), drawing)
    editor.button("Go on with the training").click()
    page.locator("[data-training=running]").wait_for()
    while saved() <= kept:
        page.wait_for_timeout(50)
    assert not run.with_name("run-2").exists(), "it was begun again"


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
