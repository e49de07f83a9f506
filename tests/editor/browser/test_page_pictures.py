"""The pictures of the docs are made here, as a person would come to what they show.

They are compared with nothing. `EDITOR_PICTURES=docs/pictures python -m pytest
tests/editor/browser/test_page_pictures.py` writes them into the docs.
"""

import io
import os
import pathlib

import cv2
import pytest
import skimage.data
from PIL import Image

EYE = (147, 78)  # in the cat's photo at 451x300 px, whose drawing is 256 px wide
MOST = 1_000_000  # bytes of the animated picture


@pytest.fixture
def folder(tmp_path):
    """Where pictures go."""
    wanted = os.environ.get("EDITOR_PICTURES")
    found = pathlib.Path(wanted) if wanted else tmp_path
    found.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture
def large_cat(tmp_path):
    path = tmp_path / "cat.png"
    cv2.imwrite(str(path), skimage.data.cat()[..., ::-1])
    return path


def _write(editor, path):
    shown = Image.open(io.BytesIO(editor.page.screenshot())).convert("RGB")
    shown.save(path, quality=82, method=6)


def test_pictures_of_the_guide(visit, large_cat, folder):
    editor = visit(viewport={"width": 1280, "height": 800})
    _write(editor, folder / "editor-start.webp")
    editor.pick(large_cat)
    editor.rests()
    _write(editor, folder / "editor-opened.webp")
    scale = editor.size[0] / 451
    eye = [value * scale for value in EYE]
    editor.choose("region")
    editor.press("l")
    around = [(-26, -16), (0, -24), (26, -12), (30, 8), (6, 22), (-24, 12), (-28, -10)]
    editor.stroke([(eye[0] + x * scale, eye[1] + y * scale) for x, y in around])
    editor.stroke([eye, (eye[0] - 2, eye[1] - 14)], release=False)
    editor.page.locator(".state[data-quality=foreseen]").wait_for()
    _write(editor, folder / "editor-move.webp")
    editor.page.mouse.up()
    editor.press("Enter")
    editor.has_steps(1)
    editor.choose("stroke")
    editor.page.locator(".palette .swatch").nth(1).click()
    editor.stroke([(180 * scale, 40 * scale), (260 * scale, 60 * scale)])
    editor.has_steps(2)
    editor.rests()
    _write(editor, folder / "editor-brush.webp")
    editor.press("m")
    _write(editor, folder / "editor-compare.webp")
    for path in folder.glob("editor-*.webp"):
        assert Image.open(path).size == (1280, 800)


def test_the_animated_picture(visit, large_cat, folder):
    editor = visit(viewport={"width": 1080, "height": 620})
    editor.pick(large_cat)
    editor.rests()
    scale = editor.size[0] / 451
    at = [(255 * scale, 200 * scale)]
    at += [(at[0][0] + step * 1.4, at[0][1] + step * 0.9) for step in range(1, 13)]
    editor.choose("warp")
    frames, before = [], None
    editor.page.mouse.move(*editor.place(at[0]))
    editor.page.mouse.down()
    for place in [*at, *at[-2:0:-1]]:
        before = editor.page.locator(".stage").get_attribute("data-painted")
        editor.page.mouse.move(*editor.place(place), steps=2)
        if place != at[0] or frames:
            painted = f".stage:not([data-painted='{before}'])"
            editor.page.locator(painted).wait_for()
            editor.page.locator(".state[data-idle=true]").wait_for()
        shown = Image.open(io.BytesIO(editor.page.screenshot())).convert("RGB")
        frames.append(shown.resize((810, 465), Image.Resampling.LANCZOS))
    editor.page.mouse.up()
    path = folder / "editor.webp"
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=110, loop=0, quality=60, method=6
    )
    assert path.stat().st_size < MOST
    assert Image.open(path).n_frames > 12
