"""The pictures of the docs are made here, as a person would come to what they show.

They are compared with nothing. `EDITOR_PICTURES=docs/pictures python -m pytest
tests/editor/browser/test_page_pictures.py` writes them into the docs.
"""

import io
import os
import pathlib
import re
import shutil

import cv2
import mugs
import numpy as np
import pytest
import skimage.data
from PIL import Image

import deepsim_jax
from deepsim_jax import settings

EYE = (173, 112)  # in the cat's photo at 451x300 px, whose drawing is 256 px wide
MOST = 1_000_000  # bytes of the animated picture
MOST_PLAIN = 150_000  # bytes of one that stands still
MUG = 600  # px of a mug in its photo


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


@pytest.fixture
def collection(trained_igan, tmp_path_factory):
    """The folder of a run that has learned things; for the guide, mugs, which takes minutes."""
    if "EDITOR_PICTURES" not in os.environ:
        return trained_igan.workdir
    config = settings.load("igan_quickstart")
    with config.unlocked():
        config.data.held_out = 100
        config.train.steps, config.train.measure_every = 1200, 0
        config.encoder.steps = 300
    workdir = tmp_path_factory.mktemp("trained") / "mugs"
    return deepsim_jax.train(mugs.mugs(6000, 32), config=config, workdir=workdir).workdir


@pytest.fixture
def learned_photo(trained_singan, tmp_path_factory):
    """The folder of a run that has learned one photo; for the guide, galaxies, which takes minutes."""
    if "EDITOR_PICTURES" not in os.environ:
        return trained_singan.workdir
    workdir = tmp_path_factory.mktemp("trained") / "galaxies"
    photo = skimage.data.hubble_deep_field()[:600, :800]
    return deepsim_jax.train(photo, config="singan_quickstart", workdir=workdir).workdir


@pytest.fixture
def mug_file(tmp_path):
    """A photo with a mug in it, not in its middle."""
    photo = np.full((MUG, 900, 3), 255, np.uint8)
    photo[:, 60 : 60 + MUG] = mugs.mug(np.random.default_rng(7), MUG)
    path = tmp_path / "mug.png"
    cv2.imwrite(str(path), photo[..., ::-1])
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
    around = [(-44, -8), (-24, -36), (14, -40), (42, -20), (44, 14), (12, 38), (-28, 32), (-44, 4)]
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
        assert Image.open(path).size == (1280, 800) and path.stat().st_size < MOST_PLAIN


def test_a_picture_of_a_collection(visit, serve_from, collection, mug_file, folder, tmp_path):
    shutil.copytree(collection, tmp_path / "runs" / "mugs")
    editor = visit(serve_from(tmp_path / "runs").url, viewport={"width": 1280, "height": 800})
    page = editor.page
    page.locator(".work", has_text="mugs").click()
    editor.press("o")
    with page.expect_file_chooser() as chooser:
        editor.button("Choose: a picture for “Picture”").click()
    chooser.value.set_files(str(mug_file))
    image = page.get_by_alt_text("The chosen picture").bounding_box()
    left, right = (image["x"] + image["width"] * share for share in (60 / 900, (60 + MUG) / 900))
    page.mouse.move(left, image["y"] + 1)
    page.mouse.down()
    page.mouse.move(right, image["y"] + image["height"] - 1, steps=4)
    page.mouse.up()
    page.locator(".apply").get_by_role("button", name="Open a photo").click()
    editor.has_steps(1)
    editor.rests()
    editor.press("c")
    page.locator(".colors input[type=color]").fill("#e0b020")
    width = editor.size[0]
    editor.stroke([(0.35 * width, 0.45 * width), (0.5 * width, 0.55 * width)])
    editor.has_steps(2)
    editor.press("s")
    editor.stroke([(0.25 * width, 0.2 * width), (0.6 * width, 0.2 * width)])
    editor.has_steps(3)
    editor.rests()
    page.locator(".sheet img").first.wait_for()
    _write(editor, folder / "editor-collection.webp")
    written = folder / "editor-collection.webp"
    assert Image.open(written).size == (1280, 800) and written.stat().st_size < MOST_PLAIN


def test_a_picture_of_what_is_made_of_a_learned_photo(visit, serve_from, learned_photo, folder, tmp_path):
    shutil.copytree(learned_photo, tmp_path / "runs" / "galaxies")
    editor = visit(serve_from(tmp_path / "runs").url, viewport={"width": 1280, "height": 800})
    page = editor.page
    page.locator(".work", has_text="galaxies").click()
    editor.rests()
    editor.press("s")
    page.locator("#slider-start-scale").fill("0")
    page.locator("#slider-count").fill("6")
    page.locator(".apply").get_by_role("button", name="New pictures", exact=True).click()
    editor.has_steps(1)
    editor.rests()
    page.locator("[aria-label='Pictures of this step'] [role=radio]").nth(5).scroll_into_view_if_needed()
    editor.rests()
    written = folder / "editor-samples.webp"
    _write(editor, written)
    assert Image.open(written).size == (1280, 800) and written.stat().st_size < MOST_PLAIN


@pytest.mark.slow
def test_a_picture_of_a_training(visit, server, large_cat, folder):
    desk, is_for_guide = server._desk, "EDITOR_PICTURES" in os.environ
    config = "quickstart" if is_for_guide else "quickstart:tiny"
    opened = desk.worker.submit(
        lambda: desk.catalogue.open_photo(large_cat.read_bytes(), "cat.png", config)
    )
    url = f"{server.url}&workspace={opened.result(60).id}"
    editor = visit(url, viewport={"width": 1280, "height": 800})
    page = editor.page
    page.locator(".training > summary").click()
    editor.button("Train on this photo").click()
    if is_for_guide:
        drawn = page.get_by_alt_text("What it can draw after")
        drawn.wait_for(timeout=600_000)
        drawn.scroll_into_view_if_needed()
    page.locator("[data-training]", has_text=re.compile("step [1-9]")).wait_for(timeout=600_000)
    written = folder / "editor-training.webp"
    _write(editor, written)
    editor.button("Pause the training").click()
    page.locator("[data-training=paused]").wait_for()
    assert Image.open(written).size == (1280, 800) and written.stat().st_size < MOST_PLAIN


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
