"""The whole of copying: a drawing is edited, the photo follows."""

import cv2
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.ops import field as fields
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.systems.deepsim.copying import engine, flow

SETTINGS = flow.Settings()


def drawing(centre=(45, 40), size=(80, 96), angle=0.0):
    """A box with an ellipse in it, in three colours."""
    picture = np.full((*size, 3), (40, 90, 200), np.uint8)
    picture[10:70, 12:84] = 220, 220, 210
    cv2.ellipse(picture, centre, (20, 12), angle, 0, 360, (200, 60, 30), cv2.FILLED)
    return picture


@pytest.fixture(scope="module")
def source():
    noise = np.random.default_rng(0).normal(0, 25, (160, 192, 3))
    photo = cv2.resize(drawing(), (192, 160), interpolation=cv2.INTER_CUBIC) + cv2.GaussianBlur(
        noise, (0, 0), 1
    )
    photo = np.clip(photo, 0, 255).astype(np.uint8)
    small = cv2.resize(drawing(), (192, 160), interpolation=cv2.INTER_NEAREST)
    return pair.prepare(photo, small, kind="seg", max_side=96)


@pytest.mark.parametrize("full", [True, False])
def test_an_unchanged_drawing_returns_the_photo_bit_for_bit(source, full):
    copied = engine.Copier(source, settings=SETTINGS).copy(source.primitive, full=full)
    assert np.array_equal(copied.picture, source.photo if full else source.image)
    assert np.array_equal(copied.field, fields.identity(80, 96))
    assert (
        copied.keep.all() and copied.share == 0 and copied.confidence == 1 and not copied.mismatch.any()
    )


def test_a_moved_region_takes_its_texture_along(source):
    copied = engine.Copier(source, settings=SETTINGS).copy(drawing(centre=(53, 42)), full=False)
    inside = np.zeros((80, 96), np.uint8)
    cv2.ellipse(inside, (53, 42), (17, 9), 0, 0, 360, 1, cv2.FILLED)
    moved = (copied.field - fields.identity(80, 96))[inside > 0]
    assert np.abs(np.median(moved, axis=0) - [-8, -2]).max() < 0.7
    shifted = np.roll(source.image, (2, 8), (0, 1))
    before, after = (
        np.abs(x.astype(int) - shifted)[inside > 0].mean() for x in (source.image, copied.picture)
    )
    assert after < before / 2
    assert np.array_equal(copied.picture[copied.keep], source.image[copied.keep])
    assert 0 < copied.keep.mean() < 0.9 and copied.share < 0.05 and copied.confidence > 0.9


def test_what_has_no_source_is_a_mismatch(source):
    primitive = source.primitive.copy()
    primitive[16:32, 70:80] = 200, 60, 30
    copied = engine.Copier(source, settings=SETTINGS).copy(primitive, field=fields.identity(80, 96))
    # The nearest pixel of that colour is copied there, as the label wants it.
    red = copied.picture[36:60, 144:156].reshape(-1, 3).mean(0)
    assert red[0] > 150 and red[2] < 90
    assert copied.mismatch[16:32, 70:80].all() and not copied.mismatch[:, :68].any()
    assert copied.confidence == 0
    np.testing.assert_array_equal(copied.lacking, copied.mismatch)


def test_what_goes_on_a_little_farther_than_in_the_photo_is_copied(source):
    red = (source.primitive == [200, 60, 30]).all(-1)
    grown = cv2.dilate(red.view(np.uint8), np.ones((13, 13), np.uint8)) > 0
    primitive = np.where(grown[..., None], np.uint8([200, 60, 30]), source.primitive)
    copied = engine.Copier(source, settings=SETTINGS).copy(primitive, field=fields.identity(80, 96))
    away = cv2.distanceTransform((~red).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    np.testing.assert_array_equal(copied.lacking, copied.mismatch & (away > 2))
    assert copied.lacking.any() and (copied.mismatch & ~copied.lacking).any()


def test_the_settings_are_chosen_by_the_photos_own_warps(source):
    first, again = (engine.Copier(source, seed=3) for _ in range(2))
    assert first.settings == again.settings and first.trial_error == again.trial_error
    assert 0 < first.trial_error < 4


def test_another_size_is_refused(source):
    copier = engine.Copier(source, settings=SETTINGS)
    with pytest.raises(UserError, match=r"primitive of shape \(40, 96, 3\): \(80, 96, 3\) is needed"):
        copier.copy(drawing()[:40])
    with pytest.raises(UserError, match="field of shape"):
        copier.copy(drawing(centre=(50, 40)), field=np.zeros((80, 96)))
