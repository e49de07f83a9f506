"""The cost of a projection."""

import numpy as np

from deepsim_jax.systems.igan.perception import perception


def test_features_see_what_counts_alone():
    rng = np.random.default_rng(0)
    pictures = rng.uniform(-1, 1, (3, 8, 8, 3)).astype(np.float32)
    cost, plain = perception(1.0, 31).cost, perception(0.0, 31).cost
    mask = np.zeros((3, 8, 8), np.float32)
    mask[:, :4] = 1
    changed = pictures.copy()
    changed[:, 4:] += 0.5
    np.testing.assert_allclose(cost(changed, pictures, mask), 0, atol=1e-6)
    pixels = np.square(changed - pictures).mean((1, 2, 3))
    assert (np.asarray(cost(changed, pictures)) > 1.01 * pixels).all()
    np.testing.assert_allclose(plain(changed, pictures), pixels, rtol=1e-4)
    half = plain(changed, pictures, 1 - mask)
    np.testing.assert_allclose(half, 2 * pixels, rtol=1e-3)
