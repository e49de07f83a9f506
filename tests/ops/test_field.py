"""Fields: identity, composition, sampling of labels, and the label rule."""

import numpy as np
import pytest
from scipy import ndimage

from deepsim_jax.ops import field as fields


def test_composition_applies_the_later_edit_first():
    still = fields.identity(20, 30)
    right, half = still + np.float32([3, 0]), still * np.float32([0.5, 1])
    # The later edit looks at 3 px to the right in a picture that shows the source at half the place.
    assert fields.compose(right, half)[5, 10].tolist() == [6.5, 5]
    assert fields.compose(half, right)[5, 10].tolist() == [8, 5]
    assert np.array_equal(fields.compose(still, half), half)


def test_labels_are_looked_up_without_mixing_and_mirrored_outside():
    labels = np.arange(12, dtype=np.int32).reshape(3, 4) * 1000
    field = np.array([[[0.4, 0.6], [3.49, 2.0], [-1.0, 0.0], [4.0, 0.0]]], np.float32)
    assert fields.look_up(labels, field).tolist() == [[4000, 11000, 1000, 2000]]


def test_planes_of_any_number_are_interpolated():
    planes = np.random.default_rng(0).random((6, 7, 9), np.float32)
    found = fields.interpolate(planes, fields.identity(6, 7) + np.float32([0.5, 0]))
    assert found.shape == (6, 7, 9)
    assert found[:, :-1] == pytest.approx((planes[:, :-1] + planes[:, 1:]) / 2, abs=1e-6)


def test_wrong_areas_take_the_source_of_the_nearest_right_pixel():
    source = np.zeros((20, 30), np.int32)
    source[:, 15:] = 1
    wanted = source.copy()
    wanted[5:10, 10:15] = 1
    ruled, wrong, reach = fields.apply_label_rule(fields.identity(20, 30), source, wanted)
    assert (reach[5:10, 10:15] == [5, 4, 3, 2, 1]).all() and np.count_nonzero(reach) == 25
    assert (ruled[5:10, 10:15] == [[[15, y]] * 5 for y in range(5, 10)]).all()
    assert np.array_equal(wrong, wanted != source)
    assert np.array_equal(ruled[12:], fields.identity(20, 30)[12:])


@pytest.mark.parametrize("seed", range(6))
def test_the_nearest_pixel_is_the_nearest_of_all(seed):
    random = np.random.default_rng(seed)
    right = random.random((90, 130)) < (0.3, 0.01, 0.0005)[seed % 3]
    right[0, 0] = True
    ours = np.zeros((90, 130), bool)
    ours[30:50, 60:70] = random.random((20, 10)) < 0.5
    ours &= ~right
    rows, columns = fields.nearest(right, ours)
    whole = ndimage.distance_transform_edt(~right, return_indices=True)[1]
    np.testing.assert_array_equal([rows, columns], whole[:, ours])


def test_thin_borders_and_absent_labels_stay_wrong():
    source = np.zeros((20, 30), np.int32)
    source[:, 15:] = 1
    wanted = source.copy()
    wanted[:, 14] = 1
    wanted[2:8, 2:8] = 7
    ruled, wrong, reach = fields.apply_label_rule(fields.identity(20, 30), source, wanted)
    assert np.isinf(reach[2:8, 2:8]).all() and np.count_nonzero(reach) == 36
    assert np.array_equal(ruled, fields.identity(20, 30))
    assert np.array_equal(wrong, wanted != source)


def test_shrinking_is_measured_beside_jumps():
    field = fields.identity(20, 30) * np.float32([2, 3])
    field[:, 15:] += 40
    assert fields.shrinking(field) == pytest.approx(np.full((20, 30), 6**0.5), rel=1e-5)


def test_distances_without_any_line_are_large():
    lines = np.zeros((9, 9), bool)
    assert (fields.distances(lines) > 1000).all()
    lines[4, 4] = True
    assert fields.distances(lines)[0, 4] == 4 and fields.distances(lines)[4, 4] == 0


def test_what_hardly_moves_rests_and_the_rest_moves_on():
    still = fields.identity(4, 5)
    assert np.array_equal(fields.settle(still + np.float32([0.06, -0.07])), still)
    assert fields.settle(still + np.float32([0.3, 0])) == pytest.approx(still + np.float32([0.3, 0]))
    steps = [fields.settle(still + np.float32([x, 0]))[0, 0, 0] for x in np.linspace(0, 0.5, 20)]
    assert (np.diff(steps) >= 0).all()
