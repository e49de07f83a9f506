"""Label maps of class numbers are told from grey drawings; each number has a colour of its own."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies
from PIL import Image

from deepsim_jax.primitives import label_maps


def blocks(seed, numbers, size=(48, 64)):
    """Overlapping rectangles of the numbers, (H, W)."""
    rng = np.random.default_rng(seed)
    found = np.full(size, numbers[0])
    for number in [*numbers, *rng.permutation(numbers)]:
        y, x = rng.integers(0, size[0] - 8), rng.integers(0, size[1] - 8)
        found[y : y + rng.integers(6, 20), x : x + rng.integers(6, 30)] = number
    return found


@pytest.mark.parametrize(
    "numbers",
    [
        range(6),
        range(1, 5),
        (0, 2, 4, 6),
        (0, 3, 6, 9, 12),
        (0, 5, 10, 15),
        (0, 1, 255),
        (7, 8),
        (0, 11, 21, 22, 33),
        (0, 40, 41, 90, 200),
    ],
)
def test_class_numbers_are_recognised(numbers):
    numbers = tuple(numbers)
    levels = blocks(1, numbers).astype(np.uint8)
    assert label_maps.numbers_in(levels) == tuple(np.unique(levels))
    shown = label_maps.to_colors(levels)
    palette = tuple(map(tuple, np.unique(shown.reshape(-1, 3), axis=0).tolist()))
    assert sorted(label_maps.numbers_of(palette)) == sorted(np.unique(levels).tolist())


def test_16_bits():
    levels = blocks(2, range(5)).astype(np.uint16)
    for factor in (1, 256, 257):
        found = label_maps.to_numbers(levels * np.uint16(factor))
        np.testing.assert_array_equal(found, levels)
    ids = blocks(2, (0, 24000, 26000, 26001, 26002)).astype(np.uint16)
    assert label_maps.numbers_in(label_maps.to_numbers(ids)) == (0, 24000, 26000, 26001, 26002)
    greys = blocks(2, (0, 20000, 40000, 65535)).astype(np.uint16)
    assert label_maps.numbers_in(label_maps.to_numbers(greys)) is None, "greys to look at"


def test_drawings_in_greys_are_no_label_maps():
    greys = blocks(3, (36, 54, 60, 66, 79, 115, 176, 219)).astype(np.uint8)
    rng = np.random.default_rng(0)
    jpeg = io.BytesIO()
    Image.fromarray(greys).save(jpeg, "JPEG", quality=90)
    for drawn in (
        greys,
        np.asarray(Image.open(jpeg)),
        cv2.GaussianBlur(greys, (0, 0), 0.7),  # soft borders
        np.clip(greys + rng.integers(-1, 2, greys.shape), 0, 255).astype(np.uint8),
        blocks(3, range(5)).astype(np.uint8) + rng.integers(0, 3, greys.shape).astype(np.uint8),
        np.arange(256, dtype=np.uint8).repeat(4)[None].repeat(40, 0),  # a gradient
        np.full((20, 20), 3, np.uint8),
        rng.integers(0, 256, (40, 40), np.uint8),
    ):
        assert label_maps.numbers_in(drawn) is None


def test_every_number_has_a_colour_of_its_own():
    colors = label_maps.to_colors(np.arange(2**16, dtype=np.uint16)[None])[0].astype(int)
    assert len(np.unique(colors, axis=0)) == 2**16
    assert colors.min() >= 48 and colors.max() <= 207, "lines, black or white, show on all"
    first = colors[:256]
    apart = np.abs(first[:, None] - first[None]).max(-1) + 999 * np.eye(256)
    assert apart.min() >= 20 and apart[:32, :32].min() >= 40
    np.testing.assert_array_equal(label_maps.to_colors(np.arange(256, dtype=np.uint8)[None])[0], first)
    assert label_maps.numbers_of(((200, 10, 10), (48, 48, 48))) is None
    assert label_maps.numbers_of(None) is None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    strategies.integers(0, 999),
    strategies.lists(strategies.integers(0, 255), min_size=2, max_size=12, unique=True),
)
def test_numbers_survive_being_shown(seed, numbers):
    levels = blocks(seed, numbers).astype(np.uint8)
    shown = label_maps.to_colors(levels)
    for number in np.unique(levels):
        (color,) = np.unique(shown[levels == number], axis=0).tolist()
        assert label_maps.numbers_of((tuple(color),)) == (number,)
