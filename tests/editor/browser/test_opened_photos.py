"""A photo is opened: an example, and another drawing of it, which is seen at once."""

import time

import cv2
import numpy as np
import skimage.data

PATIENCE = 180  # s
SETTINGS = {
    "Made of": ("edges", "paint", "seg_edges", "seg", "seg_edges"),
    "Smoothness of outlines": ("4",),
    "Number of colours": ("3",),
    "How areas are found": ("kmeans",),
    "Colour of outlines": ("white",),
    "Size of the drawing": ("64",),
}


def test_an_example_is_opened(visit):
    editor = visit()
    names = editor.page.locator("section", has_text="Examples").get_by_role("button").all_inner_texts()
    assert "coffee" in names
    editor.button("Open the example: coffee").click()
    editor.page.locator("h1", has_text="coffee").wait_for()
    editor.rests()
    shown = cv2.resize(skimage.data.coffee(), editor.size, interpolation=cv2.INTER_AREA)
    seen = cv2.resize(editor.pixels("photo")[..., :3], editor.size, interpolation=cv2.INTER_AREA)
    assert np.abs(seen.astype(int) - shown).mean() < 3


def test_every_setting_of_a_drawing_changes_it_at_once(editor):
    panel = editor.page.locator("details", has_text="How the photo is drawn")
    for title, values in SETTINGS.items():
        for value in values:
            before = editor.drawing()
            control = panel.get_by_label(title)
            with editor.page.expect_response(lambda response: "/opening" in response.url):
                if title.startswith(("Made", "How", "Colour")):
                    control.select_option(value)
                else:
                    control.fill(value)
            end = time.monotonic() + PATIENCE
            while np.array_equal(editor.drawing(), before):
                assert time.monotonic() < end, (title, value)
            editor.rests()
    assert panel.locator("input, select").count() == len(SETTINGS), "all of them were tried"
    assert editor.size[0] == 64 and editor.steps == ["Start"]
