"""A training in the page: started, there after a reload, paused, continued, finished."""

import re

import pytest

from deepsim_jax.images import io as image_io
from deepsim_jax.systems.deepsim.copying import painting

STEPS = 200


@pytest.mark.slow
def test_a_training_is_started_survives_a_reload_is_paused_continued_and_finishes(
    visit, server, cat, monkeypatch
):
    # However good so small a network is after so few steps.
    monkeypatch.setattr(painting, "choose", lambda *given, **options: "both")
    desk = server._desk
    opened = desk.worker.submit(
        lambda: desk.catalogue.open_photo(image_io.png_bytes(cat), "cat.png", "quickstart:tiny")
    )
    editor = visit(f"{server.url}&workspace={opened.result(60).id}")
    page = editor.page
    editor.choose("stroke")
    editor.stroke([(20, 20), (40, 30)])
    editor.has_steps(1)
    editor.rests()
    copied = editor.saved()
    editor.train(STEPS)
    page.locator("[data-training=running]", has_text="being prepared: step 0").wait_for()
    going_on = page.locator("[data-training=running]", has_text=re.compile(r"^\D*step [1-9]"))
    going_on.wait_for(timeout=600_000)
    page.reload()
    going_on.wait_for()
    editor.button("Pause the training").click()
    paused = page.locator("[data-training=paused]")
    paused.wait_for()
    reached = int(re.search(r"step (\d+) of 200", paused.inner_text())[1])
    assert 0 < reached < STEPS
    page.get_by_alt_text("What it can draw after").wait_for()
    editor.stroke([(60, 20), (70, 30)])
    editor.has_steps(2)
    editor.rests()
    editor.button("Go on with the training").click()
    page.get_by_text(f"Finished after {STEPS} steps.").wait_for(timeout=600_000)
    page.get_by_text("This photo was trained").wait_for()
    editor.press("Control+z")
    editor.has_steps(1)
    editor.rests()
    assert editor.saved() != copied, "the edit is shown by what is trained"
