import numpy as np
import pytest
import scipy.ndimage

from deepsim_jax.images import changes
from deepsim_jax.images import compositing as editing

SHAPE = 41, 51


def grey(level, shape=SHAPE):
    return np.full((*shape, 3), level, np.uint8)


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def test_auto_keep_frees_the_surroundings_of_what_changed():
    before = grey(200, (100, 120))
    after = before.copy()
    after[50, 40:60] = 0
    keep = editing.auto_keep(changes.changed(before, after))
    assert keep.dtype == bool and keep.shape == (100, 120)
    assert not keep[48:53, 38:62].any()
    assert keep[:40].all() and keep[60:].all() and keep[:, :30].all() and keep[:, 70:].all()
    assert editing.auto_keep(changes.changed(before, before)).all()
    assert not editing.auto_keep(changes.changed(before, 255 - before)).any()


def test_auto_keep_frees_what_lies_between_the_lines_that_changed():
    before = grey(200, (200, 200))
    after = before.copy()
    after[95, 90:110] = after[103, 90:110] = after[95:103, 90] = after[95:103, 109] = 0
    assert not editing.auto_keep(changes.changed(before, after))[95:104, 90:110].any()


@pytest.mark.parametrize("share", [1, 3])
def test_where_kept_the_result_is_the_photo_bit_for_bit(share):
    photo, edited = noise((90, 120)), noise((90 // share, 120 // share), 1)
    keep = np.zeros((90, 120), bool)
    keep[:, :60] = keep[20:30] = True
    keep[::7, ::5] = True
    result = editing.composite(photo, edited, keep)
    assert result.dtype == np.uint8 and result.shape == photo.shape
    np.testing.assert_array_equal(result[keep], photo[keep])
    assert (result[~keep] != photo[~keep]).mean() > 0.5


def test_the_seam_lies_on_the_edited_side():
    photo, edited = grey(0, (100, 200)), grey(200, (100, 200))
    keep = np.zeros((100, 200), bool)
    keep[:, :100] = True
    row = editing.composite(photo, edited, keep)[50, :, 0].astype(int)
    assert (row[:100] == 0).all() and 0 < row[100] < 200
    assert (np.diff(row) >= 0).all() and (row[110:] == 200).all()
    assert 3 <= np.count_nonzero((row > 0) & (row < 200)) <= 8


def test_all_or_nothing_kept():
    photo, edited = noise((40, 50)), noise((40, 50), 1)
    everything = np.ones((40, 50), bool)
    np.testing.assert_array_equal(editing.composite(photo, edited, everything), photo)
    np.testing.assert_array_equal(editing.composite(photo, edited, ~everything), edited)


def test_a_small_mask_keeps_at_least_its_own_pixels_in_a_large_photo():
    photo, edited = noise((120, 160)), noise((30, 40), 1)
    keep = np.random.default_rng(2).random((30, 40)) < 0.2
    result = editing.composite(photo, edited, keep)
    grown = keep.repeat(4, 0).repeat(4, 1)
    np.testing.assert_array_equal(result[grown], photo[grown])
    assert (result != photo).any()


def test_a_large_mask_over_a_smaller_photo_keeps_every_touched_pixel():
    photo, edited = noise((30, 40)), noise((60, 80), 1)
    keep = np.zeros((60, 80), bool)
    keep[21, 33] = keep[40:, 60] = True
    result = editing.composite(photo, edited, keep)
    assert result.shape == photo.shape
    np.testing.assert_array_equal(result[10, 16], photo[10, 16])
    np.testing.assert_array_equal(result[20:, 30], photo[20:, 30])


@pytest.mark.parametrize("dilation, feather", [(7, 5), (3, 1.5)])
def test_a_mask_is_dilated_by_a_disk_and_blurred(dilation, feather):
    mask = np.zeros((70, 90), bool)
    mask[30:38, 40:60] = mask[50, 20] = True
    y, x = np.mgrid[-dilation : dilation + 1, -dilation : dilation + 1]
    wide = scipy.ndimage.binary_dilation(mask, x * x + y * y <= dilation**2)
    blurred = scipy.ndimage.gaussian_filter(wide.astype(float), feather, mode="nearest")
    blurred -= blurred.min()
    weights = editing.soften(mask, dilation=dilation, feather=feather)
    np.testing.assert_allclose(weights, blurred / blurred.max(), atol=1e-12)
    far = scipy.ndimage.distance_transform_edt(~mask) > dilation + 1.5 * (4 * feather + 1)
    assert far.any() and (weights[far] == 0).all() and weights[mask].min() > 0.5


def test_masks_of_all_or_nothing_stay_what_they_are():
    for value in (True, False):
        mask = np.full((9, 8), value)
        assert (editing.soften(mask, dilation=2, feather=1) == value).all()


def test_a_blend_keeps_the_photo_where_the_weight_is_zero():
    rng = np.random.default_rng(0)
    photo, made = rng.integers(0, 256, (2, 20, 30, 3), np.uint8)
    weights = np.zeros((20, 30))
    weights[5:10, 5:10], weights[10:15, 5:10] = 1, 0.25
    got = editing.blend(photo, made, weights)
    np.testing.assert_array_equal(got[weights == 0], photo[weights == 0])
    np.testing.assert_array_equal(got[weights == 1], made[weights == 1])
    expected = np.rint(0.25 * made.astype(float) + 0.75 * photo)
    np.testing.assert_array_equal(got[weights == 0.25], expected[weights == 0.25])
    small = editing.blend(photo, grey(77, (10, 15)), weights)
    assert small.shape == photo.shape and (small[weights == 1] == 77).all()


def test_a_strip_has_drawings_above_and_results_below():
    ends = [(grey(10 * n, (20, 25)), grey(100 + 10 * n, (40, 50))) for n in range(3)]
    shown = editing.strip(ends)
    assert shown.shape == (40 + 2 + 40, 3 * 50 + 2 * 2, 3)
    for n in range(3):
        column = shown[:, n * 52 : n * 52 + 50]
        assert (column[:40] == 10 * n).all() and (column[42:] == 100 + 10 * n).all()
        assert (column[40:42] == 255).all()
