"""How good and how varied samples are."""

import logging
import types

import numpy as np
import pytest

from deepsim_jax.images import ranges
from deepsim_jax.systems.igan import measuring


def test_a_seed_s_first_samples_do_not_depend_on_the_count(random_networks):
    few, many = (measuring.samples(random_networks, count, seed=3) for count in (2, 70))
    assert few.shape == (2, 8, 8, 3) and many.shape == (70, 8, 8, 3)
    np.testing.assert_array_equal(few, many[:2])
    assert (measuring.samples(random_networks, 2, seed=4) != few).any()


def test_the_nearest_picture_is_found(things):
    changed = things[[7, 30]] // 2 + 100
    collection = np.concatenate([things, changed[::-1]])
    np.testing.assert_array_equal(measuring.nearest(changed, collection), [41, 40])
    np.testing.assert_array_equal(measuring.nearest(things[[7, 30]], collection), [7, 30])


@pytest.mark.slow
def test_collapse_and_distance_are_seen(random_networks, caplog):
    """Against samples of its own the distance is next to nothing; a constant generator is warned of."""
    networks = random_networks.replace(encoder=None)  # with one, the encoder is measured
    own = measuring.samples(networks, 128, seed=1)
    pictures = types.SimpleNamespace(
        collection=types.SimpleNamespace(held_out=own, pictures=own), on_device=None
    )
    measure = measuring.Measure(pictures)
    varied = measure(networks)
    assert 0.8 < varied["diversity"] < 1.2 and not caplog.records
    dense = networks.generator["dense"]["kernel"]
    constant = {**networks.generator, "dense": {"kernel": np.zeros_like(dense)}}
    with caplog.at_level(logging.WARNING, "deepsim_jax"):
        collapsed = measure(networks.replace(generator=constant))
    assert collapsed["diversity"] < 0.01 and collapsed["frechet"] > 2 * varied["frechet"]
    assert "the samples hardly differ: 0 %" in caplog.text


def test_pictures_that_are_measured_on_are_evenly_spread():
    pictures = np.arange(1300)
    few = types.SimpleNamespace(held_out=pictures[:63], pictures=pictures)
    chosen = measuring.reference(few)
    assert len(chosen) == len(set(chosen)) == measuring.SAMPLES and chosen[0] == 0 and chosen[-1] > 1295
    assert set(np.diff(chosen)) == {2, 3}
    all_of_it = measuring.reference(types.SimpleNamespace(held_out=pictures[:512], pictures=pictures))
    np.testing.assert_array_equal(all_of_it, pictures[:512])


def test_tiles(things):
    grid = measuring.tiled(things[:5], 3, least=48)
    assert grid.shape == (96, 144, 3)
    np.testing.assert_array_equal(grid[::2, ::2][:24, 24:48], things[1])
    assert (grid[48:, 96:] == 255).all()
    assert ranges.to_float(grid).max() == 1
