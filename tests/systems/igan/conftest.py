"""Networks that need no training."""

import jax
import numpy as np
import pytest

from deepsim_jax.systems.igan import measuring
from deepsim_jax.systems.igan import session as sessions
from deepsim_jax.systems.igan.learned import Learned
from deepsim_jax.systems.igan.networks import Sizes


@pytest.fixture(scope="session")
def random_networks():
    """Random ones of 8 px whose pictures differ, with an encoder, for what needs no training."""
    sizes = Sizes(size=8, latent=4, g_filters=4, d_filters=4, most_filters=8)
    rng = np.random.default_rng(0)

    def drawn(network, *inputs):
        shapes = jax.eval_shape(network.init, jax.random.key(0), *inputs)["params"]
        return jax.tree.map(
            lambda leaf: (
                rng.normal(0, 0.4, leaf.shape).astype(np.float32) + (leaf.ndim == 1 and leaf.shape[0] > 3)
            ),
            shapes,
        )

    pictures = np.zeros((2, 8, 8, 3), np.float32)
    generator = drawn(sizes.generator(), np.zeros((2, 4), np.float32))
    from deepsim_jax.systems.igan.learned import with_statistics

    made = Learned(
        generator=generator,
        statistics=with_statistics(generator, sizes, 64),
        discriminator=drawn(sizes.discriminator(), pictures),
        encoder=drawn(sizes.encoder(), pictures),
        sizes=sizes,
    )
    assert (
        np.asarray(measuring.generate(made, np.float32(rng.uniform(-1, 1, (8, 4))))).std(0).mean() > 0.05
    )
    return made


@pytest.fixture
def session(trained_igan, monkeypatch):
    """A session of four candidates, whose searches are short."""
    monkeypatch.setattr(sessions, "STEPS", 3)
    return sessions.IganSession(trained_igan, count=4)
