"""Distances between patches of drawings."""

import jax
import numpy as np
import pytest
from scipy.spatial import cKDTree

from deepsim_jax.images import ranges
from deepsim_jax.systems.deepsim import augment, pair
from deepsim_jax.systems.deepsim.study import patches


def test_nearest_distances_are_those_of_a_search_tree():
    rng = np.random.default_rng(0)
    test, train = rng.normal(size=(5, 7, 16)), rng.normal(size=(3, 4, 6, 16))
    expected = cKDTree(train.reshape(-1, 16)).query(test.reshape(-1, 16))[0].reshape(5, 7)
    found = patches.nearest_distances(test.astype(np.float32), train.astype(np.float32))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    own = patches.nearest_distances(test.astype(np.float32), test[None].astype(np.float32))
    assert own.max() < 1e-2
    twice = np.concatenate([train, train]).astype(np.float32)
    np.testing.assert_array_equal(patches.nearest_distances(test.astype(np.float32), twice), found)


def test_activations_are_local_and_errors_are_where_pictures_differ(scene):
    picture = ranges.to_float(scene[:96, :128])
    changed = picture.copy()
    changed[40:56, 16:32] *= -1
    errors = patches.error_map(changed, picture)
    assert errors.shape == (12, 16)
    assert errors[5:7, 2:4].min() > 5 * errors[:, 12:].max()
    assert patches.error_map(picture, picture).max() == 0


@pytest.mark.slow
def test_warped_copies_are_the_trainings_and_depend_on_the_seed_only(trained):
    source = pair.Source.load(trained.workdir / "pair")
    on_device = pair.to_device(source, multiple=1)
    settings = augment.Augmentation(flip=0.0)
    copies = patches.warped_copies(on_device, settings, count=3, seed=5)
    assert copies.shape == (3, *source.primitive.shape)
    key = jax.random.split(jax.random.key(5), 3)[1]
    np.testing.assert_allclose(copies[1], augment.augment(key, on_device, settings)[0], atol=1e-6)
    assert np.abs(copies[0] - copies[1]).max() > 0.1
    colours = {tuple(c) for c in ranges.to_uint8(copies).reshape(-1, 3)}
    assert colours <= {tuple(c) for c in source.primitive.reshape(-1, 3)}


def test_rank_correlation():
    rising = np.arange(12.0).reshape(3, 4)
    assert patches.rank_correlation(rising, rising**3) == pytest.approx(1)
    assert patches.rank_correlation(rising, -rising) == pytest.approx(-1)
