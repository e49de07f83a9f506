import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.sequences import video_datasets
from deepsim_jax.systems.singan.study import inpainting_cases as damages


@pytest.mark.parametrize("case", damages.CASES, ids=lambda case: case.name)
def test_holes_hide_what_was_drawn_and_cover_5_to_15_percent(case):
    found = damages.damage(case, 128)
    assert found.clean.shape == found.picture.shape and max(found.clean.shape) == 128
    changed = (found.clean != found.picture).any(-1)
    assert (changed <= found.hole).all() and changed.sum() > 0.9 * found.hole.sum()
    assert 0.05 < found.hole.mean() < 0.15
    if case.neighbour is None:
        assert found.reference is None
    else:
        # A neighbour is another picture of the same scene, and not the clean one.
        assert found.reference.shape == found.clean.shape
        difference = np.abs(found.reference.astype(int) - found.clean).mean()
        assert 1 < difference < 30


def test_an_ellipse_by_hand():
    case = damages.Case("box", "skimage:astronaut", ellipse=(0.25, 0.5, 0.125, 0.25))
    found = damages.damage(case, 64)
    y, x = np.nonzero(found.hole)
    assert (x.min(), x.max(), y.min(), y.max()) == (8, 23, 16, 47)
    assert found.hole.mean() == pytest.approx(np.pi * 0.125 * 0.25, rel=0.03)
    assert (found.picture[found.hole] == (205, 60, 150)).all()


def test_subtitles_are_letters_in_the_lower_part():
    case = damages.Case("text", "skimage:astronaut", lines=("TH",))
    found = damages.damage(case, 120)
    letters = (found.picture == 250).all(-1) & found.hole
    rows, columns = np.nonzero(letters)
    assert rows.min() > 60 and (rows.max() - rows.min() + 1) / (columns.max() - columns.min() + 1) == (
        pytest.approx(7 / 11, abs=0.05)
    )
    t = letters[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    # The bar of the T, and its foot.
    assert t[0, :20].all() and not t[-1, :7].any() and t[-1, 9:11].all()
    # Around each letter there is a dark outline of one pixel.
    assert (found.picture[found.hole & ~letters] == 10).all()


def test_refuses(monkeypatch):
    with pytest.raises(UserError, match="64 or more"):
        damages.damage(damages.CASES[0], 63)
    monkeypatch.setattr(video_datasets, "clips_folder", lambda: None)
    with pytest.raises(UserError, match="pip install"):
        damages.damage(damages.CASES[0], 64)
