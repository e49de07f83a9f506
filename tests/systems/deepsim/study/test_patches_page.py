"""The page of an analysis of nearest patches."""

import json

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.systems.deepsim.study import patches_page

RESULTS = {
    "sequence": "box",
    "frame": "<3>",
    "steps": 42,
    "copies": 4,
    "layer": "VGG16 relu3_3",
    "edges_from": "given",
    "distance": {"without": 1.5, "with": 0.75},
    "fallen_by_a_tenth": 0.5,
    "correlation": {"without": 0.25, "with": 0.5},
}


def write(folder, **changes):
    (folder / "patches.json").write_text(json.dumps({**RESULTS, **changes}))
    return patches_page.write(folder)


def test_figures_and_pictures_are_shown(tmp_path, parse):
    images.write_png(tmp_path / "result.png", np.zeros((16, 20, 3), np.uint8))
    page = parse(write(tmp_path))
    assert [alt for alt, *_ in page.images] == ["result"] and page.classes("missing") == 7
    assert page.tables[0][1:] == [
        ["training drawing alone", "1.500", "0.25"],
        ["with 4 warped copies", "0.750", "0.50"],
    ]
    assert page.marked() == ["0.750"] and "50 % of the positions" in page.text
    assert "box, frame <3>: nearest patches" in page.texts and "leak" not in page.text


def test_edges_of_the_true_frame_are_a_warning(tmp_path, parse):
    assert parse(write(tmp_path, edges_from="true frames")).classes("warning") == 1


def test_unusable_results_are_refused(tmp_path):
    with pytest.raises(UserError, match="patches.json: no such file"):
        patches_page.write(tmp_path)
    for content in ("{", "[]", "{}"):
        (tmp_path / "patches.json").write_text(content)
        with pytest.raises(UserError, match="patches.json: damaged"):
            patches_page.write(tmp_path)
