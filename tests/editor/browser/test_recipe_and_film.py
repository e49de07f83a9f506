"""What leaves the page: a recipe that the command line repeats, and a film."""

import io
import json
import subprocess
import sys

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from deepsim_jax.images import profiles

SIDEWAYS = 6  # EXIF's word for a picture that is to be turned clockwise


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
    dialog.locator("#slider-frames-between-two").fill("3")
    shown = ""
    for kind in ("webm", "mp4"):
        dialog.get_by_label("File").select_option(kind)
        dialog.get_by_role("button", name="Make the film").click()
        playing = editor.page.wait_for_function(_PLAYING, arg=shown).json_value()
        shown = playing.pop("address")
        assert playing == {"size": list(editor.size), "frames": 7}, "there and back again"
        with editor.page.expect_download() as download:
            dialog.get_by_role("button", name="Save the film").click()
        assert download.value.suggested_filename == f"cat.{kind}"


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


def test_a_sideways_photo_of_another_size_is_saved_upright_in_full_size_and_its_own_colours(
    visit, cat, tmp_path
):
    large = cv2.resize(cat, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    path, exif = tmp_path / "large.jpg", Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Artist] = SIDEWAYS, "A. Person"
    profile = profiles.make("Display P3", profiles.DISPLAY_P3)
    turned = Image.fromarray(large).transpose(Image.Transpose.ROTATE_90)
    turned.save(path, quality=95, exif=exif, icc_profile=profile)
    pixels = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    editor = visit()
    editor.drop(path, kind="image/jpeg")
    editor.rests()
    assert editor.size[0] == 256 and large.shape[1] == 384
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
    editor.rests()
    picture = Image.open(io.BytesIO(editor.saved()))
    assert picture.info["icc_profile"] == profile
    told = picture.getexif()
    assert told[ExifTags.Base.Orientation] == 1 and told[ExifTags.Base.Artist] == "A. Person"
    saved = np.asarray(picture)
    assert saved.shape == large.shape
    np.testing.assert_array_equal(saved[-60:, -60:], pixels[-60:, -60:])


_PLAYING = """(before) => {
  const video = document.querySelector('dialog video');
  if (!video || video.src === before || !(video.currentTime > 0)) return null;
  const { src, duration, videoWidth, videoHeight } = video;
  return { address: src, size: [videoWidth, videoHeight], frames: Math.round(12 * duration) };
}"""
