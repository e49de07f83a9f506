"""Parts of the photo are moved, scaled, turned, copied, deleted, and points dragged."""

import io

import cv2
import numpy as np
import skimage.data
from PIL import Image, ImageCms

EYE = (61, 30)  # a place within an eye of the cat, in a photo of 96 px
LARGE_EYE = (173, 112)  # the same in the photo of 451 px
MARGIN = 5  # px of the drawing, over which a moved part joins what is around it


def picture_of(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def test_an_eye_is_moved_by_its_label_and_everything_else_stays_the_photo(visit, tmp_path):
    photo, path = skimage.data.cat(), tmp_path / "cat.png"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(photo).save(path, icc_profile=profile)
    editor = visit()
    editor.pick(path)
    editor.rests()
    scale = editor.size[0] / photo.shape[1]
    assert scale < 0.7, "the drawing is smaller than the photo"
    eye, by = (LARGE_EYE[0] * scale, LARGE_EYE[1] * scale), (2, 20)
    drawn = editor.drawing()
    editor.choose("region")
    editor.click(eye)
    editor.page.get_by_role("button", name="Apply", exact=True).wait_for()
    editor.stroke([eye, (eye[0] + by[0], eye[1] + by[1])], release=False)
    editor.page.locator(".state[data-quality=foreseen]").wait_for()
    editor.page.mouse.up()
    editor.press("Enter")
    editor.has_steps(1)
    editor.rests()
    content = editor.saved()
    result = picture_of(content)
    assert result.shape == photo.shape and Image.open(io.BytesIO(content)).info["icc_profile"] == profile
    # The connected pixels of the colour at that place, found from the drawing that was shown.
    x, y = round(eye[0]), round(eye[1])
    alike = (drawn == drawn[y, x]).all(-1).astype(np.uint8)
    numbers = cv2.connectedComponents(alike, connectivity=4)[1]
    rows, columns = np.nonzero(numbers == numbers[y, x])
    corners = np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]])
    around = np.stack([corners, corners + by])
    low, high = around.min((0, 1)) - MARGIN, around.max((0, 1)) + 1 + MARGIN
    left, top, right, bottom = (np.concatenate([low, high]) / scale).astype(int)
    assert (right - left) * (bottom - top) < 0.15 * photo[..., 0].size, "an eye and where it goes"
    inside = np.zeros(photo.shape[:2], bool)
    inside[max(top, 0) : bottom, max(left, 0) : right] = True
    changed = (result != photo).any(-1)
    assert not changed[~inside].any() and changed[inside].mean() > 0.1


def test_a_lassoed_part_is_scaled_turned_copied_and_deleted(editor):
    before = editor.drawing()
    editor.press("l")
    around = [(50, 20), (75, 20), (75, 42), (50, 42), (50, 22)]
    editor.stroke(around)
    editor.page.locator("#slider-scale").fill("150")
    editor.page.locator("#slider-turn").fill("30")
    editor.press("Enter")
    editor.has_steps(1)
    editor.rests()
    scaled = editor.drawing()
    assert (scaled != before).any()
    editor.press("u")
    editor.stroke([(50, 20), (75, 42)])
    editor.page.get_by_role("radio", name="Copy", exact=True).click()
    editor.stroke([(62, 30), (22, 34)])
    editor.press("Enter")
    editor.has_steps(2)
    editor.rests()
    copied = editor.drawing()
    np.testing.assert_array_equal(copied[22:41, 52:74], scaled[22:41, 52:74])
    editor.stroke([(50, 20), (75, 42)])
    editor.press("Delete")
    editor.has_steps(3)
    editor.rests()
    assert (editor.drawing()[20:43, 50:76] != copied[20:43, 50:76]).any()
    assert editor.steps == ["Start", "Move", "Copy", "Delete"]


def test_a_point_is_dragged_with_an_anchor_that_stays(editor, cat):
    before = editor.drawing()
    editor.choose("warp")
    editor.stroke([(60, 30), (66, 36)], release=False)
    editor.page.locator(".state[data-quality=foreseen]").wait_for()
    editor.page.mouse.up()
    editor.page.mouse.dblclick(*editor.place((20, 20)))
    assert "1 anchor" in editor.page.locator(".panel .hint").first.inner_text()
    editor.press("Enter")
    editor.has_steps(1)
    editor.rests()
    assert (editor.drawing() != before).any()
    assert (editor.pixels("result")[..., :3] != cat).any()
    recipe = editor.saved("Save the steps as a recipe")
    assert b'"fixed"' in recipe and b'"reach"' in recipe


def test_escape_gives_up_what_was_placed(editor):
    before = editor.drawing()
    editor.press("u")
    editor.stroke([(50, 20), (75, 42)])
    editor.stroke([(62, 30), (40, 34)])
    editor.press("Escape")
    editor.page.get_by_text("Nothing is chosen yet.").wait_for()
    editor.rests()
    np.testing.assert_array_equal(editor.drawing(), before)
    assert editor.steps == ["Start"]


def test_arrow_keys_move_a_part_by_a_pixel(editor):
    before = editor.drawing()
    editor.press("u")
    editor.stroke([(50, 20), (75, 42)])
    for key in ("ArrowDown", "ArrowDown", "Shift+ArrowRight"):
        editor.press(key)
    editor.press("Enter")
    editor.has_steps(1)
    editor.rests()
    np.testing.assert_array_equal(editor.drawing()[22:45, 60:86], before[20:43, 50:76])


def test_undo_takes_back_what_is_placed_before_the_step_before(editor):
    editor.choose("stroke")
    editor.stroke([(20, 20), (40, 30)])
    editor.has_steps(1)
    editor.choose("warp")
    for _ in range(2):
        editor.stroke([(60, 30), (66, 36)])
        editor.stroke([(30, 30), (36, 36)])
        editor.page.get_by_text("2 points dragged").wait_for()
        editor.press("Control+z")
        editor.page.get_by_text("1 point dragged").wait_for()
        editor.press("Control+z")
        editor.page.get_by_text("Nothing is dragged yet.").wait_for()
        assert editor.steps == ["Start", "Brush"]
    editor.press("u")
    editor.stroke([(50, 20), (75, 42)])
    editor.press("ArrowDown")
    editor.press("Control+z")
    assert editor.page.get_by_role("button", name="Apply what is shown").count() == 0
    assert editor.steps == ["Start", "Brush"]
    editor.press("Control+z")
    editor.has_steps(0)
    editor.rests()


def test_redo_and_the_history_give_up_what_was_placed(editor):
    editor.choose("stroke")
    editor.stroke([(20, 20), (40, 30)])
    editor.has_steps(1)
    editor.press("Control+z")
    editor.has_steps(0)
    editor.choose("warp")
    editor.stroke([(60, 30), (66, 36)])
    editor.press("Control+y")
    editor.has_steps(1)
    editor.stroke([(60, 30), (66, 36)])
    editor.button("Step 0: Start").click()
    editor.has_steps(0)
    editor.page.get_by_text("Nothing is dragged yet.").wait_for()
    editor.press("Enter")
    editor.rests()
    assert editor.page.locator(".step").count() == 2, "what was undone is still there"


def test_a_part_that_was_clicked_is_not_chosen_in_another_document(editor):
    editor.choose("stroke")
    editor.stroke([(20, 20), (40, 30)])
    editor.has_steps(1)
    editor.choose("region")
    editor.click(EYE)
    editor.page.get_by_text("Nothing is chosen yet.").wait_for(state="detached")
    editor.press("Control+z")
    editor.has_steps(0)
    editor.page.get_by_text("Nothing is chosen yet.").wait_for()
