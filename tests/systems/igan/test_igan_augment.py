"""DiffAugment and mirroring."""

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.systems.igan import augment


def test_each_picture_has_its_own_draw_and_it_is_repeatable():
    pictures = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).repeat(6, 0))
    keys = jax.random.split(jax.random.key(0), 6)
    changed = augment.diffaugment(keys, pictures)
    assert changed.shape == pictures.shape
    assert (np.abs(np.diff(changed, axis=0)).max((1, 2, 3)) > 0.1).all()
    np.testing.assert_allclose(augment.diffaugment(keys[2:3], pictures[:1])[0], changed[2], atol=1e-6)
    holes = (changed == 0).all(-1).sum((1, 2))
    assert (holes >= 16).all() and (holes < 16 * 16).all()  # a quarter of a hole lies inside at least


def test_the_gradient_goes_through():
    picture = jnp.full((1, 16, 16, 3), 0.3).at[:, :8].set(-0.5)
    keys = jax.random.split(jax.random.key(1), 1)
    slope = jax.grad(lambda x: augment.diffaugment(keys, x)[..., 0].sum())(picture)
    assert np.isfinite(slope).all() and np.abs(slope).max() > 0.1


def test_half_of_the_pictures_are_mirrored():
    pictures = jnp.zeros((200, 4, 4, 3)).at[:, :, 0].set(1.0)
    found = augment.mirrored(jax.random.split(jax.random.key(0), 200), pictures)
    right = np.asarray(found[:, 0, 3, 0])
    assert set(np.unique(right)) == {0, 1} and 70 < right.sum() < 130
    np.testing.assert_array_equal(found[:, :, 0] + found[:, :, 3], 1)
