"""Areas of a primitive and colours of it, as the steps of recipes name them."""

import numpy as np
import pytest

from deepsim_jax.primitives.make import Layers
from deepsim_jax.systems.deepsim import areas

UNIT = np.array([2.0, 2.0])


@pytest.fixture
def layers():
    """20x30 px: a dark box on light ground, with its outline."""
    regions = np.full((20, 30, 3), 200, np.uint8)
    regions[5:15, 10:20] = 50
    edges = np.zeros((20, 30), bool)
    edges[5, 10:20] = True
    return Layers(regions, edges)


def test_the_three_ways_to_name_an_area(layers):
    box = (layers.regions == 50).all(-1)
    np.testing.assert_array_equal(areas.area(layers, UNIT, at=[7, 5]), box)
    polygon = areas.area(layers, UNIT, polygon=[[4.75, 2.25], [9.25, 2.25], [9.25, 6.75], [4.75, 6.75]])
    np.testing.assert_array_equal(polygon, box)
    stroke = areas.area(layers, UNIT, points=[[2, 5], [12, 5]], radius=1)
    assert stroke[10, 4:25].all() and not stroke[14:].any()


def test_a_drawing_of_lines_alone_has_the_regions_that_they_enclose():
    edges = np.zeros((20, 20), bool)
    edges[4, 4:16] = edges[15, 4:16] = edges[4:16, 4] = edges[4:16, 15] = True
    lines = Layers(np.full((20, 20, 3), 255, np.uint8), edges)
    inside = areas.area(lines, np.ones(2), at=[8, 8])
    assert inside.sum() == 100 and inside[5:15, 5:15].all()
    with pytest.raises(ValueError, match="a line at this point"):
        areas.area(lines, np.ones(2), at=[4, 8])


def test_colours_are_given_or_found(layers):
    assert areas.color_of(layers, UNIT, None, [7, 5]).tolist() == [50, 50, 50]
    assert areas.color_of(layers, UNIT, [1, 2, 3], None).tolist() == [1, 2, 3]
    for color, like, message in (
        (None, None, "either"),
        ([1, 2], None, "a color is"),
        ([1, 2, 300], None, "a color is"),
        (None, [70, 5], "outside"),
    ):
        with pytest.raises(ValueError, match=message):
            areas.color_of(layers, UNIT, color, like)
    painted = areas.coloured(layers, (layers.regions == 50).all(-1), np.array([9, 9, 9]))
    assert (painted.regions == 9).all(-1).sum() == 100 and not painted.edges.any() and layers.edges.any()


@pytest.mark.parametrize("value", [0, -1, None, "2", True, 1e9, float("nan")])
def test_what_is_no_positive_number_is_refused(value):
    with pytest.raises(ValueError, match='"radius" must be a positive number'):
        areas.positive(value, "radius")


def test_the_last_pixel_of_a_larger_drawing_is_the_last_one(layers):
    half = UNIT / 4
    assert areas.pixel_at([59, 39], half, (20, 30), "at") == (29, 19)
    assert areas.pixel_at([0, 0], half, (20, 30), "at") == (0, 0)
    np.testing.assert_array_equal(areas.points_in([[0.1, 7]], np.ones(2)), [[0.1, 7]])
    np.testing.assert_array_equal(areas.shift_in([8, -4], half), [4, -2])
