"""What leaves the page: a recipe that the command line repeats, and a film."""

import io
import json
import subprocess
import sys

import cv2
import numpy as np
from PIL import Image


def test_the_recipe_gives_the_same_picture_from_the_command_line(editor, cat_file, tmp_path):
    editor.choose("warp")
    editor.stroke([(60, 30), (66, 34)])
    editor.press("Enter")
    editor.has_steps(1)
    editor.choose("stroke")
    editor.stroke([(20, 50), (40, 55)])
    editor.has_steps(2)
    editor.rests()
    picture = editor.saved()
    recipe = tmp_path / "edit.json"
    recipe.write_bytes(editor.saved("Save the steps as a recipe"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "deepsim_jax",
            "edit",
            "--config=quickstart",
            f"--config.data.image={cat_file}",
        ]
        + [f"--input={recipe}", f"--output={tmp_path / 'out.png'}", "--keep=auto"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "out.png")), np.asarray(Image.open(io.BytesIO(picture)))
    )


def test_a_recipe_is_dropped_onto_another_photo(editor, visit, cat_file, tmp_path):
    editor.choose("stroke")
    editor.stroke([(20, 50), (40, 55)])
    editor.has_steps(1)
    editor.rests()
    recipe = tmp_path / "edit.json"
    recipe.write_bytes(editor.saved("Save the steps as a recipe"))
    other = visit()
    other.pick(cat_file)
    other.rests()
    other.drop(recipe, kind="application/json")
    other.has_steps(1)
    other.rests()
    np.testing.assert_array_equal(other.drawing(), editor.drawing())
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    other.drop(broken, kind="application/json")
    other.page.get_by_text("is no recipe").wait_for()
    other.expected.add("400")
    broken.write_text(json.dumps({"steps": [{"nonsense": {}}]}))
    other.drop(broken, kind="application/json")
    other.page.locator(".notice.problem").last.wait_for()
    assert other.steps == ["Start", "Brush"]


def test_what_is_no_picture_is_refused_in_words(visit, tmp_path):
    editor = visit(expected={"415", "400"})
    page = tmp_path / "page.html"
    page.write_text("<script>1</script>")
    editor.drop(page, kind="text/html")
    editor.page.get_by_text("is no PNG, JPEG or WebP picture").wait_for()
    editor.drop(page, kind="image/png", name="page.png")
    editor.page.locator(".notice.problem").nth(1).wait_for()
    assert editor.page.locator(".start-inner").is_visible()


def test_keyframes_become_a_film(editor, tmp_path):
    editor.choose("warp")
    editor.stroke([(60, 30), (66, 34)])
    editor.press("Enter")
    editor.has_steps(1)
    for number in (0, 1):
        editor.page.get_by_role("button", name=f"Keyframe: step {number}").click(force=True)
    editor.button("Make a film").click()
    dialog = editor.page.get_by_role("dialog", name="Make a film")
    dialog.get_by_label("File").select_option("gif")
    dialog.locator("#slider-frames-between-two").fill("3")
    dialog.get_by_role("button", name="Make the film").click()
    editor.press("Escape")
    editor.page.get_by_text("The film is ready").wait_for()
    editor.button("Make a film").click()
    dialog.locator(".film").wait_for()
    with editor.page.expect_download() as download:
        dialog.get_by_role("button", name="Save the film").click()
    path = tmp_path / "film.gif"
    download.value.save_as(path)
    film = Image.open(path)
    assert film.format == "GIF" and film.n_frames >= 4
    assert film.size == editor.size


def test_a_result_is_gone_on_from(editor):
    editor.choose("warp")
    editor.stroke([(60, 30), (66, 34)])
    editor.press("Enter")
    editor.has_steps(1)
    editor.rests()
    result = editor.pixels("result")
    before = editor.page.evaluate("sessionStorage.getItem('editor-workspace')")
    editor.button("Start from this result").click()
    editor.has_steps(0)
    editor.rests()
    assert editor.page.evaluate("sessionStorage.getItem('editor-workspace')") != before
    np.testing.assert_array_equal(editor.pixels("photo"), result)


def test_the_line_between_before_and_after_is_dragged(editor):
    editor.page.get_by_role("radio", name="Before and after with a line between").click()
    divider = editor.page.get_by_role("slider", name="Line between before and after")
    assert divider.get_attribute("aria-valuenow") == "50"
    box = divider.bounding_box()
    editor.page.mouse.move(box["x"] + 14, box["y"] + box["height"] / 2)
    editor.page.mouse.down()
    editor.page.mouse.move(box["x"] + 114, box["y"] + box["height"] / 2, steps=4)
    editor.page.mouse.up()
    assert int(divider.get_attribute("aria-valuenow")) > 55
    divider.focus()
    editor.press("ArrowLeft")
    clipped = editor.page.locator("canvas[data-layer=result]").evaluate("(one) => one.style.clipPath")
    assert clipped.startswith("inset(0")


def test_a_photo_of_another_size_is_saved_in_full_size(visit, cat, tmp_path):
    large = cv2.resize(cat, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    path = tmp_path / "large.jpg"
    Image.fromarray(large).save(path, quality=95)
    pixels = np.asarray(Image.open(path))
    editor = visit()
    editor.drop(path, kind="image/jpeg")
    editor.rests()
    assert editor.size[0] == 256 and large.shape[1] == 384
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
    editor.rests()
    saved = np.asarray(Image.open(io.BytesIO(editor.saved())))
    assert saved.shape == large.shape
    np.testing.assert_array_equal(saved[-60:, -60:], pixels[-60:, -60:])
