"""A trained collection in a program's hands."""

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.systems.igan.projection import Projection

RED = [{"brush": "color", "points": [[4, 8], [12, 8]], "width": 4, "color": [250, 20, 20]}]


@pytest.fixture(scope="module")
def photo(things):
    """A photo of 96x72 px with one of the things."""
    photo = np.full((72, 96, 3), 255, np.uint8)
    photo[:, 12:84] = things[3].repeat(3, 0).repeat(3, 1)
    return photo


def test_samples(trained_igan):
    assert trained_igan.size == (16, 16) and trained_igan.finished and trained_igan.step == 8
    made = trained_igan.sample(3, seed=1)
    assert made.shape == (3, 16, 16, 3) and made.dtype == np.uint8
    np.testing.assert_array_equal(trained_igan.sample(1, seed=1)[0], made[0])
    near = trained_igan.nearest(made)
    assert any((near[0] == picture).all() for picture in trained_igan.collection.pictures)
    with pytest.raises(UserError, match="count=0"):
        trained_igan.sample(0)


def test_a_photo_of_any_size_is_projected(trained_igan, photo, tmp_path):
    images.write_png(tmp_path / "photo.png", photo)
    found = trained_igan.project(tmp_path / "photo.png", iterations=3)
    assert found.picture.shape == (16, 16, 3) and found.framed.box == (12, 0, 72, 72)
    error = (found.picture.astype(float) - found.framed.picture) ** 2
    assert found.rmse == pytest.approx(np.sqrt(error.mean()), rel=1e-5)
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[20:50, 30:60] = 255
    inner = trained_igan.project(photo, box=(30, 20, 30, 30), mask=mask, solver="network")
    assert inner.framed.box == (30, 20, 30, 30) and (inner.framed.mask == 1).all()


def test_an_edit_near_a_photo_and_from_scratch(trained_igan, photo):
    projected = trained_igan.project(photo, iterations=3)
    edited = trained_igan.candidates(RED, projected, count=4, steps=5, shown=3)
    assert 1 <= len(edited.pictures) <= 3 and edited.projected is projected
    assert list(edited.costs) == sorted(edited.costs)
    best = trained_igan.edit(RED, projected, count=4, steps=5)
    np.testing.assert_array_equal(best, edited.pictures[0])
    scratch = trained_igan.candidates(RED, count=4, steps=5)
    assert scratch.projected is None
    with pytest.raises(UserError, match="there is no photo"):
        trained_igan.transferred(scratch)
    with pytest.raises(UserError, match="candidate=9: there are 0 to"):
        trained_igan.transferred(edited, candidate=9)


@pytest.mark.slow
def test_the_photo_gets_the_edit(trained_igan, photo):
    projected = trained_igan.project(photo, iterations=3)
    changed = trained_igan.transfer(RED, projected, count=4, steps=5)
    assert changed.shape == photo.shape and (changed != photo).any()
    same = trained_igan.transfer(RED, projected, count=4, steps=5, amount=0.0)
    assert np.abs(same.astype(int) - photo).max() <= 1


def test_a_morph_begins_with_the_photo(trained_igan, photo, things):
    frames = list(trained_igan.morph(photo, things[9], frames=3, iterations=2))
    assert len(frames) == 3 and all(frame.shape == photo.shape for frame in frames)
    assert np.abs(frames[0].astype(int) - photo).max() <= 1


def test_the_path_between_two_pictures(trained_igan, photo):
    projected = trained_igan.project(photo, solver="network")
    other = -projected.latent
    pictures = trained_igan.path(projected, other, frames=4)
    np.testing.assert_array_equal(pictures[0], projected.picture)
    assert pictures.shape == (4, 16, 16, 3)


def test_without_an_encoder_photos_are_searched_for(trained_igan, photo, monkeypatch):
    from deepsim_jax.systems.igan import projection
    from deepsim_jax.systems.igan.model import IganModel

    young = IganModel(
        trained_igan.learned.replace(encoder=None), trained_igan.perception, trained_igan.collection
    )
    asked = []

    def project(*args, solver, **options):
        asked.append(solver)
        return Projection(np.zeros((1, 8)), np.zeros(1), np.zeros((1, 16, 16, 3), np.uint8), 0.0)

    monkeypatch.setattr(projection, "project", project)
    young.project(photo)
    trained_igan.project(photo)
    assert asked == ["optimise", "hybrid"]
