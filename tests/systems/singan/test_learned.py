import jax
import numpy as np
import pytest

from deepsim_jax.systems.singan import learned as learning
from deepsim_jax.systems.singan import networks, noise

APPLY = jax.jit(learning.Learned.apply, static_argnums=1)


def test_a_scale_makes_what_its_generator_makes(untrained_pyramid, plainly):
    learned = untrained_pyramid()
    assert learned.scales == 3 and learned.channels == 3 and learned.margin == 0
    assert learned.pyramid.sizes == ((12, 16), (17, 21), (22, 28))
    size = learned.pyramid.sizes[1]
    z, previous = noise.draw(jax.random.key(0), size), noise.draw(jax.random.key(1), size)
    np.testing.assert_allclose(
        APPLY(learned, 1, z, previous), plainly.generate(learned, 1, z, previous), atol=1e-4
    )


def test_running_statistics_are_used_where_there_are_some(untrained_pyramid):
    learned = untrained_pyramid(running=True)
    size = learned.pyramid.sizes[1]
    z, previous = noise.draw(jax.random.key(0), size), noise.draw(jax.random.key(1), size)
    made = APPLY(learned, 1, z, previous)
    # A pixel's result depends on the receptive field alone, not on all pixels' mean.
    changed = APPLY(learned, 1, z.at[:, 12:, 12:].set(9), previous)
    np.testing.assert_array_equal(made[:, :7], changed[:, :7])
    assert (made[:, 12:, 12:] != changed[:, 12:, 12:]).all()
    other = learned.replace(statistics=jax.tree.map(lambda leaf: 2 * leaf, learned.statistics))
    assert np.abs(APPLY(other, 1, z, previous) - made).max() > 0.01


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
