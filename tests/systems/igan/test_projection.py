"""Projection onto the manifold of random networks."""

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import ranges
from deepsim_jax.systems.igan import measuring, projection
from deepsim_jax.systems.igan.perception import perception

PIXELS = perception(0.0, 31)


@pytest.fixture(scope="module")
def wanted(random_networks):
    """Pictures that the generator can make, and their z."""
    latents = np.random.default_rng(3).uniform(-0.8, 0.8, (3, 4)).astype(np.float32)
    return ranges.to_uint8(measuring.generate(random_networks, latents)), latents


@pytest.mark.slow
def test_the_search_finds_what_the_generator_can_make(random_networks, wanted):
    pictures, _ = wanted
    found = projection.project(random_networks, PIXELS, pictures, solver="optimise", starts=6)
    assert found.latents.shape == (3, 4) and (np.abs(found.latents) < 1).all()
    assert np.abs(found.pictures.astype(int) - pictures).mean() < 2
    assert (found.costs < 1e-3).all() and found.seconds > 0
    alone = projection.project(random_networks, PIXELS, pictures[1:2], solver="optimise", starts=6)
    np.testing.assert_allclose(alone.costs[0], found.costs[1], atol=1e-4)


def test_hybrid_is_never_worse_than_the_network(random_networks, wanted):
    pictures, _ = wanted
    network, hybrid = (
        projection.project(random_networks, PIXELS, pictures, solver=solver)
        for solver in ("network", "hybrid")
    )
    assert (hybrid.costs < network.costs).all()
    encoded = np.asarray(random_networks.encode(ranges.to_float(pictures)))
    np.testing.assert_allclose(network.latents, encoded, atol=1e-6)


def test_only_what_counts_is_matched(random_networks, wanted):
    """The right half is another picture's: without the mask the left one could not be matched so well."""
    pictures, _ = wanted
    torn = pictures[:1].copy()
    torn[:, :, 4:] = pictures[1, :, 4:]
    mask = np.zeros((1, 8, 8))
    mask[:, :, :4] = 1
    half, whole = (
        projection.project(random_networks, PIXELS, torn, given, solver="optimise", starts=6)
        for given in (mask, None)
    )
    error = [np.abs(f.pictures[0, :, :4].astype(int) - torn[0, :, :4]).mean() for f in (half, whole)]
    assert error[0] < 3 and error[0] < error[1]


def test_what_cannot_be_done_is_refused(random_networks, wanted):
    with pytest.raises(UserError, match="choose one of hybrid"):
        projection.project(random_networks, PIXELS, wanted[0], solver="guess")
    with pytest.raises(UserError, match="the encoder is not trained yet"):
        projection.project(random_networks.replace(encoder=None), PIXELS, wanted[0])
