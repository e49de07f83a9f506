import jax
import numpy as np
import pytest

from deepsim_jax.models.singan import networks, noise


def test_a_scale_makes_what_its_generator_makes(untrained_pyramid):
    learned = untrained_pyramid()
    assert learned.scales == 3 and learned.channels == 3 and learned.margin == 0
    assert learned.pyramid.sizes == ((12, 16), (17, 21), (22, 28))
    size = learned.pyramid.sizes[1]
    z, previous = noise.draw(jax.random.key(0), size), noise.draw(jax.random.key(1), size)
    expected = networks.Generator(learned.pyramid.widths[1]).apply(
        {"params": learned.generators[1]}, 0.3 * z, previous)
    np.testing.assert_allclose(learned.apply(1, z, previous), expected, atol=1e-5)


def test_running_statistics_are_used_where_there_are_some(untrained_pyramid):
    learned = untrained_pyramid(running=True)
    size = learned.pyramid.sizes[0]
    z, previous = noise.draw(jax.random.key(0), size), np.zeros((1, *size, 3), np.float32)
    made = learned.apply(0, z, previous)
    changed = learned.replace(statistics=({},) * 3).apply(0, z, previous)
    assert np.abs(made - changed).max() > 1e-3
    expected = networks.Generator(learned.pyramid.widths[0], running=True).apply(
        {"params": learned.generators[0], "batch_stats": learned.statistics[0]}, z, previous, train=False)
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_it_is_an_argument_of_jitted_functions(untrained_pyramid):
    traced = []

    @jax.jit
    def first(learned):
        traced.append(learned.pyramid)
        return learned.amplitudes[0] * 2

    learned = untrained_pyramid()
    other = learned.replace(amplitudes=tuple(3 * a for a in learned.amplitudes))
    assert first(learned) == 2 and first(other) == 6
    assert len(traced) == 1  # a second photo of the same size compiles nothing
    assert untrained_pyramid(margin=10).margin == pytest.approx(2 * networks.PADDING)
