"""What is made of one photo's own patches, in the page: samples, and a hole that is filled."""

import io
import re
import shutil

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def window(visit, serve_from, trained_singan, tmp_path):
    """A window in which the trained photo is opened."""
    shutil.copytree(trained_singan.workdir, tmp_path / "scene")
    editor = visit(serve_from(tmp_path).url)
    run = editor.page.locator(".work", has_text="scene")
    assert run.inner_text().split() == ["scene", "SinGAN"]
    run.click()
    editor.rests()
    return editor


def result_of(editor):
    return np.asarray(Image.open(io.BytesIO(editor.saved())))


def pad_of(editor):
    """What is on the pad, once it is drawn."""
    editor.page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    return editor.pixels("pad")


def test_samples_and_a_hole_that_is_filled(window, scene):
    editor, page = window, window.page
    np.testing.assert_array_equal(result_of(editor), scene)
    editor.press("s")
    page.locator("#slider-count").fill("3")
    page.locator(".apply").get_by_role("button", name="New pictures", exact=True).click()
    editor.has_steps(1)
    editor.rests()
    pictures = page.locator("[aria-label='Pictures of this step'] [role=radio]")
    pictures.nth(2).wait_for()
    first = result_of(editor)
    pictures.nth(2).click()
    page.get_by_role("radio", name="Picture 3", exact=True, checked=True).wait_for()
    editor.rests()
    assert (result_of(editor) != first).any()
    page.locator("#slider-start-scale").fill("1")
    editor.button("Another one").click()
    editor.has_steps(2)
    editor.rests()
    # A hole in the photo, marked by a brush.
    editor.press("f")
    width, height = editor.size
    editor.stroke([(width // 2, height // 2), (width // 2 + 2, height // 2)])
    editor.button("Make the picture").click()
    editor.has_steps(3)
    editor.rests()
    filled = result_of(editor)
    assert filled.shape == scene.shape
    changed = (filled != scene).any(-1)
    assert changed[70:80, 85:100].any(), "the hole"
    assert not changed[:40].any() and not changed[:, :40].any(), "far away from it"


def test_a_comparison_is_not_shown_under_another_tool(window):
    window.press("s")
    window.page.get_by_role("button", name=re.compile("^Compare every")).first.click()
    sheet = window.page.get_by_role("group", name="Comparison")
    sheet.get_by_role("button").nth(1).wait_for()
    window.press("b")
    window.press("s")
    window.page.get_by_role("button", name=re.compile("^Compare every")).first.wait_for()
    assert sheet.count() == 0


def test_what_is_painted_stays_until_it_is_used_or_given_up(window):
    editor, page = window, window.page
    editor.press("b")
    editor.rests()
    page.reload()
    editor.rests()
    bare = pad_of(editor)
    assert bare.shape[1::-1] == editor.size, "a pad over the photo, after a reload, too"
    editor.stroke([(10, 10), (30, 20)])
    painted = pad_of(editor)
    assert (painted != bare).any()
    editor.press("f")
    editor.press("b")
    np.testing.assert_array_equal(pad_of(editor), painted)
    for keys, expected in (
        ("Control+z", bare),
        ("Control+y", painted),
        ("Escape", bare),
        ("Control+z", painted),
    ):
        editor.press(keys)
        np.testing.assert_array_equal(pad_of(editor), expected)
    editor.press("f")
    close = editor.button("Open another photo, or other work")
    close.click()
    page.get_by_text("is lost").wait_for()
    editor.button("Leave it").click()
    editor.press("b")
    np.testing.assert_array_equal(pad_of(editor), painted)
    close.click()
    editor.button("Leave").click()
    page.locator(".start-inner").wait_for()


def test_a_pasted_object_stays_where_its_drag_was_given_up(window, tmp_path):
    editor, page = window, window.page
    path = tmp_path / "red.png"
    Image.new("RGB", (20, 20), (255, 0, 0)).save(path)
    editor.press("b")
    editor.rests()
    bare = pad_of(editor)
    width, height = editor.size
    editor.paste(path)
    page.locator("[aria-label='Take back the last stroke']:enabled").wait_for()
    editor.stroke([(width // 2, height // 2), (width // 2, height // 4)], release=False)
    editor.press("Control+z")
    page.mouse.up()
    editor.press("Control+z")
    editor.press("Control+y")
    editor.click((2, 2))
    stamped = pad_of(editor)
    assert (stamped[height // 2, width // 2, :3] == (255, 0, 0)).all()
    assert (stamped[1, -1] == bare[1, -1]).all()
