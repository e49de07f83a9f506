"""Landmarks: where and how they are drawn, and that a bad entry is named."""

import json

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.primitives.landmarks import rasterise_landmarks

RED, GREEN = [255, 0, 0], [0, 255, 0]


def drawn(canvas, color):
    """(y, x) of the pixels of a colour."""
    return np.argwhere((canvas == color).all(axis=-1))


def test_a_point_is_a_disc_around_its_pixel():
    content = {"points": [{"xy": [20, 10], "color": RED, "radius": 4}]}
    canvas = rasterise_landmarks(content, 32, 48)
    assert canvas.shape == (32, 48, 3) and canvas.dtype == np.uint8
    pixels = drawn(canvas, RED)
    assert np.allclose(pixels.mean(axis=0), (10, 20))
    distance = np.linalg.norm(pixels - (10, 20), axis=1)
    assert distance.max() <= 4.5 and abs(len(pixels) - np.pi * 4**2) < 12
    assert {tuple(c) for c in canvas.reshape(-1, 3)} == {(0, 0, 0), (255, 0, 0)}


def test_a_polyline_joins_its_points_and_closes_if_told():
    corners = [[5, 5], [40, 5], [40, 25]]
    line = {"points": corners, "color": GREEN, "width": 1}
    canvas = rasterise_landmarks({"polylines": [line]}, 32, 48)
    assert (canvas[5, 5:41] == GREEN).all() and (canvas[5:26, 40] == GREEN).all()
    assert not (canvas[15, 20:25] == GREEN).all(axis=-1).any()
    closed = rasterise_landmarks({"polylines": [{**line, "closed": True}]}, 32, 48)
    assert (closed[15, 20:25] == GREEN).all(axis=-1).any()
    wide = rasterise_landmarks({"polylines": [{**line, "width": 5}]}, 32, 48)
    assert (wide[3:8, 20] == GREEN).all() and not wide[[1, 9], 20].any()


def test_size_scales_places_and_widths():
    content = {
        "size": [48, 32],
        "points": [{"xy": [30, 20], "color": RED, "radius": 3}],
        "polylines": [{"points": [[0, 8], [47, 8]], "color": GREEN, "width": 2}],
    }
    canvas = rasterise_landmarks(content, 128, 192)
    # The centre of pixel i of 48 is the centre of pixels 4i .. 4i+3 of 192.
    assert np.allclose(drawn(canvas, RED).mean(axis=0), (81.5, 121.5), atol=0.6)
    rows = drawn(canvas, GREEN)[:, 0]
    assert abs(rows.mean() - 33.5) < 0.6 and abs(np.ptp(rows) + 1 - 8) <= 1


def test_defaults_background_and_order():
    content = {"points": [{"xy": [8, 8]}], "polylines": [{"points": [[0, 8], [15, 8]]}]}
    canvas = rasterise_landmarks(content, 16, 16)
    assert {tuple(c) for c in canvas.reshape(-1, 3)} == {(0, 0, 0), (255, 255, 255)}
    content["points"][0]["color"] = RED
    canvas = rasterise_landmarks({**content, "background": [9, 9, 9]}, 16, 16)
    assert (canvas[8, 8] == RED).all() and (canvas[0, 0] == 9).all()
    assert (rasterise_landmarks({}, 16, 16, background=(1, 2, 3)) == (1, 2, 3)).all()


def test_a_file_is_read(tmp_path):
    content = {"points": [{"xy": [20, 10], "color": RED}]}
    path = tmp_path / "marks.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert np.array_equal(rasterise_landmarks(path, 32, 48), rasterise_landmarks(content, 32, 48))


def test_points_at_and_beyond_the_border_are_cut_off():
    content = {"points": [{"xy": [0, 0], "color": RED}, {"xy": [-20, 10], "color": GREEN}]}
    canvas = rasterise_landmarks(content, 32, 48)
    assert (canvas[0, 0] == RED).all() and not len(drawn(canvas, GREEN))


@pytest.mark.parametrize(
    "content, part",
    [
        ([], "give an object with size"),
        ({"dots": []}, "unknown 'dots'"),
        ({"size": [48]}, "size: [48]; give a list of 2 numbers"),
        ({"size": [0, 32]}, "above 0"),
        ({"background": [0, 0, 256]}, "background: [0, 0, 256]"),
        ({"points": {}}, "points: {}; give a list"),
        ({"points": [{"xy": [1, 1]}, {"xy": [1]}]}, "points[1].xy"),
        ({"points": [{"x": 1}]}, "points[0]: unknown 'x'"),
        ({"points": [{"color": RED}]}, "points[0]: has no xy"),
        ({"points": [7]}, "points[0]: 7"),
        ({"points": [{"xy": [1, "2"]}]}, "points[0].xy"),
        ({"points": [{"xy": [True, 2]}]}, "points[0].xy"),
        ({"points": [{"xy": [1, float("nan")]}]}, "points[0].xy"),
        ({"points": [{"xy": [500, 1]}]}, "points[0].xy: [500, 1] is far outside of the 48x32"),
        ({"points": [{"xy": [1, 1], "radius": 0}]}, "points[0].radius"),
        ({"points": [{"xy": [1, 1], "radius": "big"}]}, "points[0].radius"),
        ({"points": [{"xy": [1, 1], "color": [1.5, 0, 0]}]}, "points[0].color"),
        ({"polylines": [{"points": [[1, 1]]}]}, "polylines[0].points: 1 points"),
        ({"polylines": [{"points": [[1, 1], [2]]}]}, "polylines[0].points[1]"),
        ({"polylines": [{"points": [[1, 1], [2, 2]], "closed": 1}]}, "polylines[0].closed"),
        ({"polylines": [{"points": [[1, 1], [2, 2]], "width": -1}]}, "polylines[0].width"),
    ],
)
def test_bad_entries_are_named(tmp_path, content, part):
    path = tmp_path / "marks.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        rasterise_landmarks(path, 32, 48)
    message = str(caught.value)
    assert message.startswith(f"landmarks {path}: ") and part in message and "\n" not in message


def test_unreadable_sources(tmp_path):
    (tmp_path / "broken.json").write_text('{"points": [', encoding="utf-8")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x80")
    for source, part in (
        (tmp_path / "none.json", "cannot be read"),
        (tmp_path, "cannot be read"),
        (tmp_path / "broken.json", "not a JSON file"),
        (tmp_path / "binary.json", "not a JSON file"),
        (17, "given as int"),
    ):
        with pytest.raises(UserError, match=part):
            rasterise_landmarks(source, 32, 48)
