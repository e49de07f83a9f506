"""Drawings as users give them: label maps in every format, transparency, edits that formats went over."""

import io
import logging

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.primitives import drawings, edges, label_maps, make, palettes

SKY, EARTH, WALL, ROOF, SUN, DOOR = range(6)


def house(seed=0):
    """Class numbers 0 to 5, 64x96."""
    found = np.zeros((64, 96), np.uint8)
    found[42:] = EARTH
    found[22:51, 19:53] = WALL
    cv2.fillPoly(found, [np.array([[14, 22], [36, 8], [58, 22]])], ROOF)
    cv2.ellipse(found, (79, 12), (7, 7), 0, 0, 360, SUN, -1)
    found[32:51, 29:40] = DOOR
    return np.roll(found, seed, axis=1)


def palette_of(kind="voc"):
    if kind == "grey":
        return np.arange(256).repeat(3).tolist()
    if kind == "black":
        return [0] * 768
    return [(37 * number * (1 + channel)) % 256 for number in range(256) for channel in range(3)]


def indexed(levels, kind):
    image = Image.fromarray(levels).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette(palette_of(kind))
    return image


WRITERS = {
    "8.png": lambda path, levels: Image.fromarray(levels).save(path),
    "16.png": lambda path, levels: cv2.imwrite(str(path), levels.astype(np.uint16)),
    "times257.png": lambda path, levels: cv2.imwrite(str(path), levels.astype(np.uint16) * 257),
    "times256.png": lambda path, levels: cv2.imwrite(str(path), levels.astype(np.uint16) * 256),
    "grey-palette.png": lambda path, levels: indexed(levels, "grey").save(path),
    "black-palette.png": lambda path, levels: indexed(levels, "black").save(path),
    "8.tif": lambda path, levels: Image.fromarray(levels).save(path, compression="tiff_lzw"),
    "16.tif": lambda path, levels: cv2.imwrite(str(path), levels.astype(np.uint16)),
    "8.bmp": lambda path, levels: Image.fromarray(levels).save(path),
    "rgb.webp": lambda path, levels: Image.fromarray(levels).convert("RGB").save(path, lossless=True),
    "rgba.png": lambda path, levels: Image.fromarray(levels).convert("RGBA").save(path),
    "8.pgm": lambda path, levels: Image.fromarray(levels).save(path),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("kind", ["seg", "seg_edges", "paint"])
def test_label_maps_keep_their_classes(tmp_path, writer, kind, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    path = tmp_path / writer
    WRITERS[writer](path, house())
    drawn = drawings.read(path, kind, name="primitive")
    np.testing.assert_array_equal(drawn, label_maps.to_colors(house()))
    assert "primitive: a label map of 6 classes (0 to 5)" in caplog.text
    cleaned, spec = make.analyse(drawn, kind)
    np.testing.assert_array_equal(cleaned, drawn)
    assert sorted(label_maps.numbers_of(spec.palette)) == [0, 1, 2, 3, 4, 5]
    # An edited map in the same numbers, and the colours that are shown.
    edited = house()
    edited[2:10, 2:20] = SUN
    WRITERS[writer](path, edited)
    back = drawings.read_edited(path, spec, drawn, name="primitive")
    np.testing.assert_array_equal(back, label_maps.to_colors(edited))
    colored = drawings.read_edited(label_maps.to_colors(edited), spec, drawn, name="primitive")
    np.testing.assert_array_equal(colored, back)
    differing = drawings.changed(back, back, make.conform(back, spec)[0], drawn, spec)
    np.testing.assert_array_equal(differing, house() != edited)


@pytest.mark.parametrize("times, first, void", [(2, 0, 0), (3, 0, 0), (5, 0, 0), (1, 1, 0), (1, 0, 255)])
def test_multiples_counted_from_one_and_void(times, first, void):
    levels = (house() + first) * times
    if void:
        levels[:, :3] = void
    drawn = drawings.read(levels.astype(np.uint8), "seg", name="primitive")
    cleaned, spec = make.analyse(drawn, "seg")
    assert len(spec.palette) == 6 + bool(void)
    np.testing.assert_array_equal(cleaned, label_maps.to_colors(levels.astype(np.uint8)))


def test_a_palette_with_colours_is_taken_in_them(tmp_path):
    indexed(house(), "voc").save(tmp_path / "p.png")
    drawn = drawings.read(tmp_path / "p.png", "seg", name="primitive")
    colors = np.array(palette_of()).reshape(256, 3)
    np.testing.assert_array_equal(drawn, colors[house()])


def test_near_colours_of_a_clean_drawing_stay_apart():
    colors = np.uint8(
        [[90, 150, 220], [92, 150, 220], [90, 153, 222], [180, 70, 50], [181, 71, 50], [9, 9, 9]]
    )
    cleaned, spec = make.analyse(colors[house()], "seg")
    assert len(spec.palette) == 6
    np.testing.assert_array_equal(cleaned, colors[house()])


def test_a_label_map_as_jpeg_is_refused(tmp_path):
    for times, quality in ((1, 90), (2, 100), (3, 75), (5, 95)):
        Image.fromarray(house() * times).save(tmp_path / "a.jpg", quality=quality)
        with pytest.raises(UserError, match="class numbers a lossy format .* save it as PNG"):
            drawings.read(tmp_path / "a.jpg", "seg", name="primitive")
    noisy = house() + np.random.default_rng(0).integers(0, 3, house().shape).astype(np.uint8)
    with pytest.raises(UserError, match="class numbers a lossy format .* save it as PNG"):
        drawings.read(noisy, "seg", name="primitive")


def test_greys_that_are_neither_numbers_nor_colours_are_refused():
    drawn = drawings.read(house(), "seg", name="primitive")
    _, spec = make.analyse(drawn, "seg")
    with pytest.raises(UserError, match=r"neither class numbers.*\(0 to 5\) nor their colours"):
        drawings.read_edited(house() * 45 + 20, spec, drawn, name="primitive")
    # A class that was not trained on is snapped, which `conform` counts.
    edited = house()
    edited[:8, :8] = 9
    new = drawings.read_edited(edited, spec, drawn, name="primitive")
    assert make.conform(new, spec)[1] == 64


def test_real_greys_in_16_bits_are_colours(tmp_path):
    levels = np.uint16([0, 13000, 26000, 39000, 52000, 65535])[house()]
    cv2.imwrite(str(tmp_path / "a.png"), levels)
    drawn = drawings.read(tmp_path / "a.png", "seg", name="primitive")
    np.testing.assert_array_equal(drawn, np.rint(levels / 257)[..., None].repeat(3, -1))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    strategies.integers(0, 95),
    strategies.lists(strategies.integers(0, 120), min_size=6, max_size=6, unique=True),
    strategies.sampled_from(
        ["8.png", "16.png", "8.tif", "16.tif", "8.bmp", "rgb.webp", "grey-palette.png"]
    ),
)
def test_random_label_maps_survive_every_writer(tmp_path_factory, seed, numbers, writer):
    levels = np.uint8(numbers)[house(seed)]
    path = tmp_path_factory.mktemp("labels") / writer
    WRITERS[writer](path, levels)
    drawn = drawings.read(path, "seg", name="primitive")
    cleaned, spec = make.analyse(drawn, "seg")
    assert len(spec.palette) == 6
    np.testing.assert_array_equal(cleaned, drawn)
    for number in numbers:
        assert len(np.unique(drawn[levels == number], axis=0)) == 1
    if label_maps.numbers_in(levels) is not None:
        assert sorted(label_maps.numbers_of(spec.palette)) == sorted(numbers)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(strategies.integers(0, 95), strategies.sampled_from([75, 85, 90, 95]), strategies.booleans())
def test_random_label_maps_survive_jpeg_within_the_palette(seed, quality, numbered):
    colors = np.uint8(
        [[90, 150, 220], [60, 140, 50], [180, 70, 50], [90, 50, 40], [250, 220, 60], [40, 30, 160]]
    )
    drawn = drawings.read(house(seed), "seg", name="m") if numbered else colors[house(seed)]
    cleaned, spec = make.analyse(drawn, "seg")
    buffer = io.BytesIO()
    edited = drawn.copy()
    edited[2:12, 40:60] = drawn[60, 0]
    Image.fromarray(edited).save(buffer, "JPEG", quality=quality)
    read = drawings.read_edited(np.asarray(Image.open(buffer)), spec, cleaned, name="primitive")
    back, _ = make.conform(read, spec)
    assert (back == edited).all(-1).mean() > 0.97
    found = drawings.changed(read, read, back, cleaned, spec)
    true = (edited != drawn).any(-1)
    assert found[true].mean() > 0.85 and (found & ~true).mean() < 0.01


def test_transparency_behind_lines_is_their_background(caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    lines = np.zeros((64, 96), np.uint8)
    cv2.circle(lines, (40, 30), 20, 1)
    for color, ink in (("white", 255), ("black", 0)):
        full = np.where(lines[..., None] > 0, np.uint8(ink), np.uint8(255 - ink)).repeat(3, -1)
        only_lines = np.dstack([np.full_like(full, ink), lines * 255])
        erased = np.dstack([full, np.full((64, 96), 255, np.uint8)])
        erased[10:40, 30:50] = 0  # to black, and transparent
        expected = full.copy()
        expected[10:40, 30:50] = 255 - ink
        _, spec = make.analyse(full, "edges", edge_color=color)
        for layer, drawn in ((only_lines, full), (erased, expected)):
            np.testing.assert_array_equal(
                drawings.read(layer, "edges", name="primitive", edge_color=color), drawn
            )
            np.testing.assert_array_equal(
                drawings.read_edited(layer, spec, full, name="primitive"), drawn
            )
            np.testing.assert_array_equal(edges.read_edges(layer), drawn[..., 0] == ink)
    assert "transparent: taken for its background" in caplog.text


def test_in_training_transparency_is_a_region_of_its_own(caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    colors = np.uint8(
        [[90, 150, 220], [60, 140, 50], [180, 70, 50], [90, 50, 40], [250, 220, 60], [40, 30, 60]]
    )
    layer = np.dstack([colors[house()], np.where(house() == SKY, 0, 255).astype(np.uint8)])
    drawn = drawings.read(layer, "seg", name="primitive")
    assert (drawn[house() == SKY] == 255).all() and (
        drawn[house() != SKY] == colors[house()][house() != SKY]
    ).all()
    assert "a region of its own, in the colour 255,255,255" in caplog.text
    layer[..., :3][house() == WALL] = 255  # white is taken
    drawn = drawings.read(layer, "seg", name="primitive")
    assert (drawn[house() == SKY] == 0).all()
    layer[..., :3][house() == DOOR] = 9  # and black, nearly
    assert (drawings.read(layer, "seg", name="primitive")[house() == SKY] == 128).all()
    # Lines are white: the region must not be.
    drawn = drawings.read(layer, "seg_edges", name="primitive", edge_color="white")
    assert not (drawn[house() == SKY] == 255).all(-1).any()
    numbers = np.dstack(
        [house()[..., None].repeat(3, -1), np.where(house() == SKY, 0, 255).astype(np.uint8)]
    )
    drawn = drawings.read(numbers, "seg", name="primitive")
    np.testing.assert_array_equal(
        drawn, label_maps.to_colors(np.where(house() == SKY, np.uint8(255), house()))
    )


@pytest.mark.parametrize("kind", ["seg", "seg_edges", "paint"])
@pytest.mark.parametrize("numbered", [False, True])
def test_the_original_shows_through_what_is_erased(kind, numbered, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    colors = np.uint8(
        [[90, 150, 220], [60, 140, 50], [180, 70, 50], [90, 50, 40], [250, 220, 60], [40, 30, 60]]
    )
    original = drawings.read(house() if numbered else colors[house()], kind, name="primitive")
    original, spec = make.analyse(original, kind)
    layer = np.zeros((64, 96, 4), np.uint8)  # only the change was painted, on an empty layer
    layer[2:10, 2:20] = (*((SUN,) * 3 if numbered else colors[SUN]), 255)
    expected = original.copy()
    expected[2:10, 2:20] = label_maps.to_colors(np.uint8([[SUN]]))[0, 0] if numbered else colors[SUN]
    np.testing.assert_array_equal(drawings.read_edited(layer, spec, original, name="p"), expected)
    assert "the original drawing shows through" in caplog.text
    # At the photo's size, twice as large.
    large = layer.repeat(2, 0).repeat(2, 1)
    read = drawings.read_edited(large, spec, original, name="p")
    np.testing.assert_array_equal(read, expected.repeat(2, 0).repeat(2, 1))


def test_drawings_without_a_spec_are_read_as_pictures(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
    np.testing.assert_array_equal(
        drawings.read_edited(picture, None, None, name="p"), images.read_image(picture)
    )


def test_changes_of_lines_and_of_shrunk_noisy_drawings():
    lines = np.full((64, 96, 3), 255, np.uint8)
    cv2.circle(lines, (40, 30), 20, (0, 0, 0))
    _, spec = make.analyse(lines, "edges")
    edited = lines.copy()
    cv2.line(edited, (5, 5), (30, 5), (0, 0, 0))
    noisy = np.clip(edited.astype(int) + np.random.default_rng(0).integers(-30, 31, (64, 96, 1)), 0, 255)
    noisy = noisy.astype(np.uint8)
    drawn, _ = make.conform(noisy, spec)
    found = drawings.changed(noisy, noisy, drawn, make.conform(lines, spec)[0], spec)
    np.testing.assert_array_equal(found, (edited != lines).any(-1))

    large = make.make_primitive(
        cv2.GaussianBlur(label_maps.to_colors(house(3)), (0, 0), 1).repeat(3, 0).repeat(3, 1)
    )
    assert large.shape == (192, 288, 3)
    colored = palettes.merge_palette(label_maps.to_colors(house()).repeat(3, 0).repeat(3, 1))[0]
    original, spec = make.analyse(make.resize_primitive(colored, "seg", 64, 96), "seg")
    edited = colored.copy()
    edited[10:40, 10:70] = colored[190, 5]
    buffer = io.BytesIO()
    Image.fromarray(edited).save(buffer, "JPEG", quality=75)
    read = np.asarray(Image.open(buffer))
    small = make.resize_primitive(read, "seg", 64, 96)
    found = drawings.changed(read, small, make.conform(small, spec)[0], original, spec)
    true = np.zeros((64, 96), bool)
    true[3:13, 3:23] = True
    assert (
        found[4:12, 4:22].all()
        and (found & ~cv2.dilate(np.uint8(true), np.ones((3, 3))).astype(bool)).sum() == 0
    )
