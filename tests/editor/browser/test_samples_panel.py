"""What is made of one photo's own patches, in the page: samples, and a hole that is filled."""

import io
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
