"""A trained collection in the page: brushes, candidates, a photo that gets the edit."""

import io
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

SIDE = 384  # of the drawing
COLOR = [250, 20, 20]


@pytest.fixture(scope="module")
def workdir(server, trained_igan):
    """The server's folder, with a run."""
    shutil.copytree(trained_igan.workdir, server.workdir / "things")


@pytest.fixture
def scratch(visit, workdir):
    """A window in which the collection is opened, and nothing else."""
    editor = visit(expected=("status of 400",))  # what cannot be done is answered by that
    editor.page.locator(".work", has_text="things").last.click()
    editor.rests()
    return editor


@pytest.fixture(scope="module")
def photo(things):
    """Pixels of a photo, not square, with one of the things at its left."""
    picture = np.full((60, 90, 3), 255, np.uint8)
    picture[:, :60] = cv2.resize(things[3], (60, 60), interpolation=cv2.INTER_NEAREST)
    return picture


@pytest.fixture
def window(scratch, photo, tmp_path):
    """The window with the photo opened, of which a box shows the thing."""
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), photo[..., ::-1])
    page = scratch.page
    scratch.press("o")
    does = page.locator(".apply").get_by_role("button", name="Open a photo")
    assert does.is_disabled()
    with page.expect_file_chooser() as chooser:
        scratch.button("Choose: a picture for “Picture”").click()
    chooser.value.set_files(str(path))
    image = page.get_by_alt_text("The chosen picture").bounding_box()
    page.mouse.move(image["x"] + 1, image["y"] + 1)
    page.mouse.down()
    page.mouse.move(image["x"] + image["width"] * 2 / 3, image["y"] + image["height"] - 1, steps=4)
    page.mouse.up()
    page.get_by_text("Box: drawn").wait_for()
    does.click()
    scratch.has_steps(1)
    scratch.rests()
    return scratch


@pytest.fixture
def edited(window):
    """With a stroke of the colour brush."""
    window.press("c")
    window.page.locator(".colors input[type=color]").fill("#fa1414")
    window.stroke([(100, 200), (300, 200)])
    window.has_steps(2)
    window.rests()
    return window


def result_of(editor):
    return np.asarray(Image.open(io.BytesIO(editor.saved())))


def do(editor, key, button):
    """Chooses a tool by its key and presses one of its buttons."""
    editor.press(key)
    editor.page.locator(".apply").get_by_role("button", name=button, exact=True).click()


def test_a_photo_is_opened_and_saved_as_it_was(window, photo):
    window.page.get_by_text("Full size, 90 × 60").wait_for()
    np.testing.assert_array_equal(result_of(window), photo)
    # The drawing shows a square of it, so that a place in the result is none of the drawing.
    window.press("c")
    window.stroke([(100, 200), (300, 200)], pane="result")
    window.stroke([(100, 210), (300, 210)])
    window.has_steps(2)
    assert window.steps == ["Start", "Open a photo", "Colour"]


def test_three_brushes_say_in_the_drawing_what_they_ask_for(edited, photo):
    assert edited.drawing()[200, 200].tolist() == COLOR
    edited.press("Control+z")
    edited.has_steps(1)
    edited.rests()
    before = edited.drawing()
    brush = float(edited.page.locator("#slider-size").input_value())
    edited.press("s")
    assert float(edited.page.locator("#slider-size").input_value()) < brush
    edited.stroke([(60, 60), (300, 60)])
    edited.has_steps(2)
    edited.page.get_by_text("Erase").click()
    edited.stroke([(60, 100), (200, 100)])
    edited.has_steps(3)
    edited.press("w")
    edited.stroke([(200, 300), (240, 310)])
    edited.press("Enter")
    edited.has_steps(4)
    edited.rests()
    drawing = edited.drawing()
    assert (drawing[59:62, 150] < 60).any()
    np.testing.assert_array_equal(drawing[300:320, 230:250], before[290:310, 190:210])
    assert result_of(edited).shape == photo.shape


def test_what_counts_is_marked_over_the_photo(edited, photo):
    page, before = edited.page, edited.drawing()
    edited.press("k")
    ground = page.locator("canvas[data-layer=ground]")
    page.wait_for_function(f"() => document.querySelector('canvas[data-layer=ground]').width === {SIDE}")
    seen = cv2.resize(photo[:, :60], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(edited.pixels("ground")[..., :3], seen)
    page.get_by_role("radio", name="Rectangle", exact=True).click()
    edited.stroke([(2, 2), (SIDE - 2, 200)])
    edited.button("Make the picture").click()
    edited.has_steps(3)
    edited.rests()
    assert edited.steps[-1] == "What counts"
    edited.press("c")
    assert ground.evaluate("(canvas) => canvas.width") == 1
    after = edited.drawing()
    assert after[200, 200].tolist() == COLOR and (after != before).any()
    assert result_of(edited).shape == photo.shape


def test_one_of_the_candidates_is_chosen(scratch):
    page = scratch.page
    assert scratch.size == (SIDE, SIDE)
    page.get_by_role("radio", name="Picture 9", exact=True).wait_for()
    first = result_of(scratch)
    page.get_by_role("radio", name="Picture 2", exact=True).click()
    scratch.has_steps(1)
    scratch.rests()
    page.get_by_role("radio", name="Picture 2", exact=True, checked=True).wait_for()
    assert scratch.steps == ["Start", "Choose"]
    assert (result_of(scratch) != first).any()
    # There is nothing yet that a warp could grab; from a fixed candidate there is.
    scratch.press("w")
    scratch.stroke([(200, 200), (240, 200)])
    scratch.press("Enter")
    page.get_by_text("there is nothing to grab yet").wait_for()
    assert scratch.steps == ["Start", "Choose"]
    scratch.press("Escape")
    do(scratch, "f", "Fix")
    scratch.has_steps(2)
    scratch.press("w")
    scratch.stroke([(200, 200), (240, 200)])
    scratch.press("Enter")
    scratch.has_steps(3)


def test_between_the_original_and_the_edit(edited, photo):
    page, whole = edited.page, result_of(edited)
    edited.press("g")
    page.locator("#slider-amount").fill("0")
    edited.has_steps(3)
    edited.rests()
    assert np.abs(result_of(edited).astype(int) - photo).max() <= 1
    page.locator("#slider-amount").fill("1")
    edited.has_steps(4)
    edited.rests()
    np.testing.assert_array_equal(result_of(edited), whole)
    edited.press("p")
    page.locator("#slider-frames").fill("3")
    do(edited, "p", "Play")
    edited.has_steps(5)
    page.get_by_role("button", name="Play the pictures", pressed=True).wait_for()
    page.get_by_text("3 of 3").wait_for()
    assert edited.button("Make a film").is_visible()


def test_fixed_begun_anew_undone_and_there_again_after_a_reload(edited, photo):
    do(edited, "f", "Fix")
    edited.has_steps(3)
    edited.rests()
    assert edited.drawing()[200, 200].tolist() != COLOR
    edited.press("Control+z")
    edited.has_steps(2)
    do(edited, "r", "Another one")
    edited.has_steps(3)
    edited.page.reload()
    edited.has_steps(3)
    edited.rests()
    assert edited.drawing()[200, 200].tolist() == COLOR
    assert result_of(edited).shape == photo.shape
