"""Palettes: real colours are found, soft borders and noise are not, edits are snapped back."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from deepsim_jax.errors import UserError
from deepsim_jax.primitives import palettes

COLORS = ((253, 253, 253), (253, 13, 0), (0, 253, 9), (52, 0, 252))


def car(soft=False):
    """A toy segmentation in COLORS, drawn with hard or soft borders."""
    style = cv2.LINE_AA if soft else cv2.LINE_8
    image = np.full((120, 200, 3), COLORS[0], np.uint8)
    body = np.array([[15, 80], [50, 35], [150, 30], [188, 85], [100, 105]])
    cv2.fillPoly(image, [body], COLORS[1], style)
    cv2.ellipse(image, (100, 55), (30, 12), 10, 0, 360, COLORS[2], -1, style)
    cv2.circle(image, (60, 88), 16, COLORS[3], -1, style)
    cv2.circle(image, (150, 88), 13, COLORS[3], -1, style)
    return image


def colors_of(image):
    return set(palettes.by_area(image))


def differing(a, b):
    return (a != b).any(axis=-1)


def jpeg(image, quality):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def blurred(image, sigma):
    return cv2.GaussianBlur(image, (0, 0), sigma)


def test_clean_drawing_is_left_alone():
    merged, palette = palettes.merge_palette(car())
    assert np.array_equal(merged, car())
    assert palette == palettes.by_area(car()) and set(palette) == set(COLORS)


@pytest.mark.parametrize("sigma", [0, 0.7, 1.5])
def test_soft_borders_are_snapped_to_the_colors_they_join(sigma):
    soft = blurred(car(soft=True), sigma) if sigma else car(soft=True)
    assert len(colors_of(soft)) > 100
    merged, palette = palettes.merge_palette(soft)
    assert set(palette) == set(COLORS)
    wrong = differing(merged, car())
    assert wrong.mean() < 0.02
    # No line of a third colour: red and white have pink and no blue between them.
    far = cv2.dilate(np.uint8(~wrong), np.ones((3, 3))) == 0
    assert not far.any()


def test_areas_are_sorted():
    _, palette = palettes.merge_palette(car(soft=True))
    assert palette[0] == COLORS[0] and palette[1] == COLORS[1]


def test_near_identical_colors_are_merged():
    rng = np.random.default_rng(0)
    noisy = np.clip(car().astype(int) + rng.integers(-1, 2, car().shape), 0, 255).astype(np.uint8)
    merged, palette = palettes.merge_palette(noisy)
    assert len(palette) == 4
    difference = np.abs(merged.astype(int) - car())
    assert difference.max() <= 2


def test_grey_levels_6_apart_stay_apart():
    greys = (36, 54, 60, 66, 79, 115, 176, 182, 219, 237, 255)
    image = np.repeat(np.repeat(np.uint8(greys)[None, :, None], 40, 0), 8, 1).repeat(3, -1)
    image[20, 20] = 195
    merged, palette = palettes.merge_palette(image)
    assert {color[0] for color in palette} == set(greys)
    assert np.argwhere(differing(merged, image)).tolist() == [[20, 20]]
    assert (merged[20, 20] == merged[20, 21]).all(), "a stray pixel takes its surroundings"


@pytest.mark.parametrize("quality", [95, 90])
def test_compression_noise_is_removed(quality):
    merged, palette = palettes.merge_palette(jpeg(car(), quality))
    assert len(palette) == 4
    assert (np.abs(merged.astype(int) - car()).max(axis=-1) > 12).mean() < 0.02


def test_a_thin_line_has_a_real_color():
    image = car()
    cv2.line(image, (5, 5), (195, 20), (250, 200, 0), 1)
    merged, palette = palettes.merge_palette(image)
    assert set(palette) == {*COLORS, (250, 200, 0)}
    assert np.array_equal(merged, image)


def test_merging_again_changes_nothing():
    merged, palette = palettes.merge_palette(blurred(car(soft=True), 1.0))
    again, same = palettes.merge_palette(merged)
    assert np.array_equal(merged, again) and palette == same


def test_known_colors_come_first_and_absorb_their_like():
    palette = palettes.find_palette(car(), known=((0, 0, 0), (250, 12, 4)))
    assert palette[:2] == ((0, 0, 0), (250, 12, 4))
    assert set(palette[2:]) == set(COLORS) - {COLORS[1]}


def test_a_painting_is_refused_as_segmentation():
    rows, columns = np.indices((160, 160)) * 255 // 159
    smooth = np.stack([rows, columns, 255 - rows], axis=-1).astype(np.uint8)
    assert palettes.find_palette(smooth) is None
    with pytest.raises(UserError, match="256 colours.*'paint'"):
        palettes.merge_palette(smooth)


def test_pixel_noise_with_few_colors_is_its_own_palette():
    noise = np.random.default_rng(1).integers(0, 2, (16, 16, 3), np.uint8) * 255
    assert set(palettes.find_palette(noise)) == colors_of(noise)


def test_snapping_leaves_known_colors_alone():
    snapped, changed = palettes.snap(car(), COLORS)
    assert changed == 0 and np.array_equal(snapped, car())


def test_snapping_gives_only_known_colors_and_counts():
    edited = car(soft=True)
    cv2.circle(edited, (30, 25), 12, (240, 40, 60), -1)  # a foreign red: an area
    foreign = differing(edited, palettes.snap(edited, COLORS)[0])
    snapped, changed = palettes.snap(edited, COLORS)
    assert colors_of(snapped) <= set(COLORS)
    assert changed == np.count_nonzero(foreign) > 400
    assert (snapped[20:30, 25:35] == COLORS[1]).all()


def test_snapping_a_soft_brush_leaves_no_ring_of_a_third_color():
    # Grey lies between black and white.
    palette = ((0, 0, 0), (128, 128, 128), (255, 255, 255))
    image = np.zeros((60, 80, 3), np.uint8)
    image[:, 60:] = 128
    for sigma in (0.5, 1.0, 2.0):
        spot = np.zeros((60, 80, 3), np.uint8)
        cv2.circle(spot, (28, 30), 14, (255, 255, 255), -1)
        edited = np.maximum(image, blurred(spot, sigma))
        snapped, _ = palettes.snap(edited, palette)
        assert (snapped[:, 60:] == 128).all()
        assert set(np.unique(snapped[:, :60])) == {0, 255}
        assert differing(snapped[:, :60], spot[:, :60]).mean() < 0.02


def test_snapping_removes_stray_pixels_but_keeps_soft_strokes():
    image = car()
    image[10, 10] = (128, 0, 126)
    cv2.line(image, (5, 112), (195, 112), (200, 120, 118), 1)  # a faint red stroke on white
    snapped, changed = palettes.snap(image, COLORS)
    assert (snapped[10, 10] == COLORS[0]).all()
    assert (snapped[112, 10:190] == COLORS[1]).all()
    assert changed == 192


def test_palette_of_a_flat_and_of_a_smooth_painting():
    assert set(palettes.paint_palette(car())) == set(COLORS)
    assert set(palettes.paint_palette(blurred(car(), 1.0))) == set(COLORS)
    smooth = cv2.pyrMeanShiftFiltering(data.chelsea()[::2, ::2], 8, 16)
    assert palettes.paint_palette(smooth) is None
    noise = np.random.default_rng(2).integers(0, 256, (32, 32, 3), np.uint8)
    assert palettes.paint_palette(noise) is None
