"""What is made of one photo's own patches, in the page, with every tool that makes something."""

import io
import re
import shutil

import numpy as np
import pytest
from PIL import Image

STARTS = ["Start scale 0", "Start scale 1"]


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


def do(editor, button):
    """Presses the main button of a tool."""
    editor.page.locator(".apply").get_by_role("button", name=button, exact=True).click()


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


@pytest.mark.slow
def test_a_photo_is_learned_in_the_page_and_pictures_are_made_of_it(visit, scene, tmp_path):
    path = tmp_path / "scene.png"
    Image.fromarray(scene).save(path)
    editor = visit()
    page = editor.page
    page.route(
        re.compile(r"/api/workspaces\?"),
        lambda route: route.continue_(url=re.sub(r"config=\w+", r"\g<0>:tiny", route.request.url)),
    )
    page.get_by_role("radio", name="SinGAN").click()
    editor.pick(path)
    assert page.locator("[data-tool=sample]").count() == 0, "nothing can be made of it yet"
    editor.button("Train on this photo").click()
    page.get_by_text("Finished after 8 steps.").wait_for(timeout=600_000)
    editor.press("s")
    do(editor, "New pictures")
    editor.has_steps(1)
    editor.rests()
    made = result_of(editor)
    assert made.shape == (22, 26, 3) and np.ptp(made) > 0
    page.reload()
    editor.rests()
    np.testing.assert_array_equal(result_of(editor), made)


def test_a_start_scale_is_chosen_by_what_it_makes(window):
    editor, page = window, window.page
    editor.press("s")
    page.locator("#slider-start-scale").fill("1")
    compare = editor.button("Compare every start scale")
    compare.click()
    sheet = page.get_by_role("group", name="Comparison").get_by_role("button")
    sheet.nth(1).wait_for()
    assert [sheet.nth(n).get_attribute("aria-label") for n in range(2)] == STARTS
    sheet.first.click()
    assert page.locator("#slider-start-scale").input_value() == "0"
    editor.press("b")
    editor.press("s")
    compare.wait_for()
    assert sheet.count() == 0, "no comparison under another tool"


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


def test_wide_pictures_and_one_from_each_start_scale(window):
    editor, page = window, window.page
    editor.press("s")
    page.locator("#slider-width-times-the-photo-s").fill("2")
    do(editor, "New pictures")
    editor.has_steps(1)
    editor.rests()
    rows, columns = 22, 26
    assert result_of(editor).shape == (rows, 2 * columns, 3)
    assert editor.pixels("result").shape[:2] == (rows, 2 * columns), "shown as wide as it is"
    assert page.locator("#slider-count").count() == 1
    page.get_by_label("One from each start scale").check()
    assert page.locator("#slider-count").count() == 0, "of which there would be several from one scale"
    page.locator("#slider-width-times-the-photo-s").fill("1")
    do(editor, "New pictures")
    editor.has_steps(2)
    editor.rests()
    pictures = page.locator("[aria-label='Pictures of this step'] [role=radio]")
    pictures.nth(1).wait_for()
    assert pictures.count() == 2 == len(STARTS)
    coarse = result_of(editor)
    pictures.nth(1).click()
    page.get_by_role("radio", name="Picture 2", exact=True, checked=True).wait_for()
    editor.rests()
    assert (result_of(editor) != coarse).any()


def test_a_painting_becomes_a_picture(window):
    editor, page = window, window.page
    editor.press("b")
    page.locator(".colors input[type=color]").fill("#e01010")
    editor.button("Begin on a plain ground of this colour").click()
    page.locator(".colors input[type=color]").fill("#1010e0")
    page.locator("#slider-size").fill("4")
    editor.stroke([(20, 4), (20, 18)])
    do(editor, "Make the picture")
    editor.has_steps(1)
    editor.rests()
    made = result_of(editor).astype(int)
    assert made.shape == (22, 26, 3)
    red, blue = made[:, 2:10].mean((0, 1)), made[6:16, 18:22].mean((0, 1))
    assert red[0] > red[2] and blue[2] > blue[0], "where it was painted so"


def test_a_pasted_picture_is_blended_in_and_the_rest_stays_the_photo(window, scene, tmp_path):
    editor, page = window, window.page
    path = tmp_path / "green.png"
    Image.new("RGB", (8, 8), (0, 255, 0)).save(path)
    editor.choose("harmonise")
    with page.expect_file_chooser() as chooser:
        editor.button("Paste a picture onto it").click()
    chooser.value.set_files(str(path))
    page.locator("[aria-label='Take back the last stroke']:enabled").wait_for()
    editor.stroke([(13, 11), (19, 6)])
    do(editor, "Make the picture")
    editor.has_steps(1)
    editor.rests()
    made = result_of(editor)
    assert made.shape == scene.shape
    inside = made[35:45, 125:140].astype(int) - scene[35:45, 125:140]
    assert inside[..., 1].mean() > 20, "it is green there"
    np.testing.assert_array_equal(made[110:], scene[110:])
    np.testing.assert_array_equal(made[:, :40], scene[:, :40])


def test_a_piece_of_the_photo_is_taken_elsewhere(window):
    editor, page = window, window.page
    editor.choose("edit")
    page.get_by_role("radio", name="Take a piece").click()
    before = pad_of(editor)
    editor.stroke([(2, 2), (8, 2), (8, 8), (2, 8), (2, 3)])
    editor.stroke([(5, 5), (17, 15)])
    editor.click((24, 2))
    after = pad_of(editor)
    np.testing.assert_array_equal(after[13:18, 15:20], before[3:8, 3:8])
    np.testing.assert_array_equal(after[:10, :10], before[:10, :10])
    assert (after[13:18, 15:20] != before[13:18, 15:20]).any()
    do(editor, "Make the picture")
    editor.has_steps(1)


def test_a_hole_shows_what_a_reference_has_there(window, scene, tmp_path):
    editor, page = window, window.page
    editor.expected.add("400")
    small, path = tmp_path / "small.png", tmp_path / "reference.png"
    reference = scene.copy()
    reference[:, 90:] = 250, 20, 20
    Image.fromarray(reference).save(path)
    Image.new("RGB", (20, 20)).save(small)
    editor.press("f")
    editor.stroke([(16, 11), (20, 11)])
    for name in (small, path):
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="a picture for “Reference”").click()
        chooser.value.set_files(str(name))
        page.locator(".picture .button", has_text="Chosen").wait_for()
        if name == small:
            do(editor, "Make the picture")
            page.get_by_text("reference: 20x20 px, it must be 180x150 or 26x22").wait_for()
            assert editor.steps == ["Start"], "what cannot be made is no step"
            page.get_by_role("button", name="Forget the picture: Reference").click()
    do(editor, "Make the picture")
    editor.has_steps(1)
    editor.rests()
    made = result_of(editor).astype(int)
    hole = made[72:80, 115:135].mean((0, 1))
    assert hole[0] > 150 and hole[0] > hole[2] + 80, "red, as the reference"
    np.testing.assert_array_equal(made[:40], scene[:40])


def test_the_photo_is_enlarged(window, scene):
    editor, page = window, window.page
    editor.choose("enlarge")
    slider = page.locator("#slider-times")
    assert slider.input_value() == "2"
    slider.fill("1.5")
    do(editor, "Enlarge")
    editor.has_steps(1)
    editor.rests()
    page.get_by_text("Full size, 270 × 225").wait_for()
    larger = result_of(editor)
    assert larger.shape == (225, 270, 3)
    before = np.asarray(Image.fromarray(scene).resize((270, 225)))
    assert np.abs(larger.astype(int) - before).mean() < 40, "of the photo"


def test_an_animation_plays_and_is_saved(window, tmp_path):
    editor, page = window, window.page
    editor.choose("animate")
    page.locator("#slider-frames").fill("4")
    do(editor, "Animate")
    editor.has_steps(1)
    page.get_by_role("button", name="Play the pictures", pressed=True).wait_for()
    for number in (4, 2):
        page.get_by_text(f"{number} of 4").wait_for()
    editor.button("Make a film").click()
    dialog = page.get_by_role("dialog", name="Make a film")
    dialog.get_by_text("The 4 pictures of this step become a film, 10 a second.").wait_for()
    assert dialog.get_by_role("checkbox").count() == 1, "no steps, between which nothing is known"
    dialog.get_by_role("button", name="Make the film").click()
    dialog.locator(".film").wait_for()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Save the film").click()
    path = tmp_path / "film.gif"
    download.value.save_as(path)
    film = Image.open(path)
    assert film.format == "GIF" and film.n_frames == 4 and film.size == editor.size
    assert film.info["duration"] == 100
