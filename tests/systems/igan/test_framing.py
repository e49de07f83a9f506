"""What a generator sees of a photo."""

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.systems.igan import collection, framing


@pytest.fixture
def photo():
    photo = np.zeros((60, 100, 3), np.uint8)
    photo[20:40, 40:60] = 200
    return photo


def test_the_middle_is_cut_out_or_all_is_padded(photo):
    cut = framing.framed(photo, 30)
    assert cut.box == (20, 0, 60, 60) and (cut.picture[10:20, 10:20] == 200).all()
    assert (cut.mask == 1).all()
    padded = framing.framed(photo, 50, fit="pad")
    assert padded.box == (0, -20, 100, 100)
    assert (padded.picture[:10] == 255).all() and (padded.picture[20:30, 20:30] == 200).all()


def test_a_long_photo_is_shrunk_before_it_is_padded(photo, monkeypatch):
    mask = np.zeros((60, 100), bool)
    mask[:, 50:] = True
    whole = framing.framed(photo, 20, fit="pad", mask=mask)
    monkeypatch.setattr(collection, "LONGEST", 50)
    found = framing.framed(photo, 20, fit="pad", mask=mask)
    assert found.box == whole.box == (0, -20, 100, 100)
    assert np.abs(found.picture.astype(int) - whole.picture).max() <= 1
    np.testing.assert_allclose(found.mask, whole.mask, atol=1e-6)


def test_a_box_and_a_mask(photo):
    mask = np.zeros((60, 100), bool)
    mask[:, 50:] = True
    found = framing.framed(photo, 20, box=(40, 20, 20, 20), mask=mask)
    assert found.box == (40, 20, 20, 20) and (found.picture == 200).all()
    np.testing.assert_array_equal(found.mask[:, :10], 0)
    np.testing.assert_array_equal(found.mask[:, 10:], 1)


@pytest.mark.parametrize("box", [(0, 0, 101, 10), (-1, 0, 5, 5), (0, 0, 0, 5)])
def test_a_box_outside_of_the_photo_is_refused(photo, box):
    with pytest.raises(UserError, match="must lie within the photo of 100x60"):
        framing.framed(photo, 16, box=box)


def test_a_mask_that_does_not_fit_is_refused(photo):
    with pytest.raises(UserError, match="mask of 5x4 for a photo of 100x60"):
        framing.framed(photo, 16, mask=np.ones((4, 5), bool))
    mask = np.zeros((60, 100), bool)
    mask[:, 0] = True
    with pytest.raises(UserError, match="nothing of what the generator sees counts"):
        framing.framed(photo, 16, mask=mask)


def test_a_box_in_words():
    assert framing.parse_box("1, 2,30,40") == (1, 2, 30, 40)
    with pytest.raises(UserError, match="LEFT,TOP,WIDTH,HEIGHT"):
        framing.parse_box("1,2,3")
