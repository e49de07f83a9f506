"""Lines are found in clean drawings as they were, and on shaded paper, and when they are grey."""

import io
import logging

import cv2
import numpy as np
import pytest
from PIL import Image

from deepsim_jax.primitives import edges, make
from deepsim_jax.primitives.line_drawings import find_lines


def lines(scale=1):
    drawn = np.zeros((64 * scale, 96 * scale), np.uint8)
    cv2.polylines(drawn, [np.array([[18, 42], [40, 8], [62, 42]]) * scale], True, 1, scale)
    cv2.circle(drawn, (78 * scale, 12 * scale), 8 * scale, 1, scale)
    return drawn > 0


def paper(shape, low=100, high=236):
    """Brightness that falls to the lower right."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return high - (high - low) * (0.7 * x / shape[1] + 0.3 * y / shape[0])


def photographed(drawn, *, ink=0.6, noise=3.0, quality=None, **shade):
    shot = paper(drawn.shape, **shade) * np.where(drawn, ink, 1)
    shot = shot + np.random.default_rng(1).normal(0, noise, drawn.shape)
    shot = np.clip(shot, 0, 255).astype(np.uint8)
    if quality:
        buffer = io.BytesIO()
        Image.fromarray(shot).save(buffer, "JPEG", quality=quality)
        shot = np.asarray(Image.open(buffer))
    return shot[..., None].repeat(3, -1)


def drawing(drawn, ink=0, ground=255):
    return np.where(drawn[..., None], np.uint8(ink), np.uint8(ground)).repeat(3, -1)


@pytest.mark.parametrize("white", [False, True, None])
def test_clean_lines_are_what_is_beyond_the_middle(white, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    clean = drawing(lines())
    soft = cv2.GaussianBlur(drawing(lines(3)), (0, 0), 0.8)
    for picture in (clean, soft):
        picture = 255 - picture if white else picture
        expected = picture.max(-1) >= 128 if white else picture.min(-1) < 128
        np.testing.assert_array_equal(find_lines(picture, white=white), expected)
    assert not caplog.messages


@pytest.mark.parametrize("scale, quality", [(1, 90), (1, None), (5, 85)])
@pytest.mark.parametrize("white", [False, None])
def test_pencil_on_shaded_paper(scale, quality, white, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    drawn = lines(scale)
    found = find_lines(photographed(drawn, quality=quality), white=white, name="sketch")
    assert (found & ~drawn).sum() <= 0.03 * drawn.sum()
    assert (drawn & ~found).sum() <= 0.03 * drawn.sum()
    assert "sketch: its background is not plain" in caplog.text


def test_chalk_a_hard_shadow_and_grey_paper():
    drawn = lines(4)
    shot = photographed(drawn)
    np.testing.assert_array_equal(find_lines(255 - shot, white=True), find_lines(shot))
    shadow = photographed(drawn, low=225, high=235)
    shadow[:, 200:] = shadow[:, 200:] // 2
    near = cv2.dilate(np.uint8(drawn), np.ones((3, 3))) > 0
    found = find_lines(shadow)
    border = np.zeros_like(drawn)
    border[:, 196:205] = True
    assert found[drawn & ~border].mean() > 0.97 and not (found & ~near & ~border).any()
    grey = photographed(drawn, low=105, high=115)
    assert (find_lines(grey) == drawn).mean() > 0.999


@pytest.mark.parametrize("level", [120, 150, 190])
def test_grey_lines(level, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    drawn = lines()
    np.testing.assert_array_equal(find_lines(drawing(drawn, level)), drawn)
    np.testing.assert_array_equal(find_lines(255 - drawing(drawn, level), white=True), drawn)
    assert ("grey lines" in caplog.text) == (level > 128)


def test_grey_strokes_beside_black_ones():
    drawn = lines()
    mixed = drawing(drawn)
    mixed[drawn & (np.arange(96) > 66)] = 150  # the circle
    np.testing.assert_array_equal(find_lines(mixed), drawn)


def test_nothing_is_made_up_on_blank_paper():
    blank = np.zeros((64, 96), bool)
    assert not find_lines(drawing(blank)).any()
    assert find_lines(photographed(blank, noise=4)).mean() < 0.001


def test_lines_of_the_other_colour_are_still_refused():
    clean = drawing(lines())
    with pytest.raises(make.UserError, match="set the edge color to black"):
        make.analyse(clean, "edges", edge_color="white")
    with pytest.raises(make.UserError, match="no black line"):
        make.analyse(np.full((32, 32, 3), 255, np.uint8), "edges")


def test_a_photographed_drawing_is_trained_on_as_clean_lines():
    drawn = lines(4)
    primitive, _ = make.analyse(photographed(drawn), "edges")
    np.testing.assert_array_equal(
        primitive[..., 0] == 0, edges.thin_edges(find_lines(photographed(drawn)))
    )
    small = make.resize_primitive(photographed(drawn), "edges", 128, 192)
    near = cv2.dilate(np.uint8(edges.resize_edges(drawn, 128, 192)), np.ones((3, 3))) > 0
    assert not ((small[..., 0] == 0) & ~near).any() and (small[..., 0] == 0).sum() > 200


@pytest.mark.parametrize("color", ["black", "white"])
@pytest.mark.parametrize(
    "picture", [photographed(lines(2)), drawing(lines(2), 150)], ids=["pencil", "grey"]
)
def test_it_is_told_once_of_a_drawing_to_be_trained_on(picture, color, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    cleaned, spec = make.analyse(
        picture if color == "black" else 255 - picture, "edges", edge_color=color
    )
    assert len(caplog.messages) == 1 and "drawing: " in caplog.text
    again, changed = make.conform(cleaned, spec)
    np.testing.assert_array_equal(again, cleaned)
    assert changed == 0 and len(caplog.messages) == 1
