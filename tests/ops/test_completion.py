"""Holes that are completed by coherent patches of what is around them."""

import numpy as np
import pytest

from deepsim_jax.ops import completion


def holes(*boxes, size=(64, 96)):
    hole = np.zeros(size, bool)
    for top, left, bottom, right in boxes:
        hole[top:bottom, left:right] = True
    return hole


def completed(picture, labels, hole, **options):
    rows, columns = completion.complete(picture, labels, hole, **options)
    result = picture.copy()
    result[hole] = picture[rows, columns]
    return result


@pytest.fixture
def stripes():
    """Slanted stripes with a period of 8 px, light and dark."""
    y, x = np.mgrid[:64, :96]
    return np.repeat(np.uint8(60 + 120 * ((x + y) % 8 < 4))[..., None], 3, -1)


def test_a_texture_goes_on_through_a_hole(stripes):
    hole, nothing = holes((20, 30, 40, 55)), np.zeros(stripes.shape[:2], np.int32)
    spoilt = np.where(hole[..., None], np.uint8(255), stripes)
    found = completed(spoilt, nothing, hole)
    # A filter that smooths, or the nearest pixels, would be wrong in about half of the hole.
    assert (found[hole] == stripes[hole]).mean() > 0.95
    np.testing.assert_array_equal(found, completed(spoilt, nothing, hole))


def test_what_is_completed_has_the_labels_that_are_wanted(stripes):
    labels = np.zeros(stripes.shape[:2], np.int32)
    labels[:, 48:] = 7
    picture = np.where(labels[..., None] == 7, np.uint8([10, 200, 30]), stripes)
    hole = holes((15, 30, 50, 70))
    rows, columns = completion.complete(picture, labels, hole)
    np.testing.assert_array_equal(labels[rows, columns], labels[hole])
    assert not hole[rows, columns].any()


def test_a_label_that_is_nowhere_else_takes_what_there_is(stripes):
    labels, hole = np.zeros(stripes.shape[:2], np.int32), holes((20, 30, 30, 40))
    labels[hole] = 3
    rows, columns = completion.complete(stripes, labels, hole)
    assert not hole[rows, columns].any()


@pytest.mark.parametrize(
    "boxes", [[(0, 0, 64, 90)], [(0, 0, 1, 1), (63, 95, 64, 96)], [(0, 10, 64, 12), (30, 0, 31, 96)]]
)
def test_holes_of_any_shape(stripes, boxes):
    hole = holes(*boxes)
    rows, columns = completion.complete(stripes, np.zeros(hole.shape, np.int32), hole)
    assert len(rows) == hole.sum() and not hole[rows, columns].any()


def test_a_large_hole_is_searched_at_a_smaller_size(monkeypatch, stripes):
    monkeypatch.setattr(completion, "_MOST", 200)
    hole = holes((20, 30, 40, 55))
    spoilt = np.where(hole[..., None], np.uint8(255), stripes)
    found = completed(spoilt, np.zeros(hole.shape, np.int32), hole)
    assert (found[hole] == stripes[hole]).mean() > 0.7
