import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.systems.deepsim import augment, pair
from deepsim_jax.systems.deepsim import task as deepsim
from deepsim_jax.systems.deepsim.crops import draw, views


def pictures(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_one_level_is_the_pictures_themselves():
    x = pictures(2, 7, 9, 3)
    np.testing.assert_array_equal(views(jnp.asarray(x), jnp.zeros((2, 0, 2))), x)


def test_the_last_view_is_the_whole_picture_and_the_first_a_window_of_it():
    x = pictures(2, 8, 12, 3)
    places = np.array([[[0.0, 0.0]], [[0.99, 0.5]]], np.float32)
    found = np.asarray(views(jnp.asarray(x), jnp.asarray(places)))
    assert found.shape == (4, 4, 6, 3)
    np.testing.assert_array_equal(found[0], x[0, :4, :6])
    np.testing.assert_array_equal(found[1], x[1, 4:, 3:9])
    np.testing.assert_allclose(found[2:], x.reshape(2, 4, 2, 6, 2, 3).mean((2, 4)), rtol=1e-5, atol=1e-6)


def test_windows_reach_every_place_and_no_further():
    x = jnp.asarray(pictures(1, 6, 6, 1))
    starts = set()
    for place in np.linspace(0, 0.999, 40):
        window = views(x, jnp.full((1, 1, 2), place))[0, ..., 0]
        starts |= {y for y in range(6) if jnp.array_equal(window, x[0, y : y + 3, y : y + 3, 0])}
    assert starts == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "levels, size, seen",
    [(2, (9, 11), (4, 5)), (3, (37, 50), (9, 12)), (4, (64, 64), (8, 8)), (2, (5, 4), (2, 2))],
)
def test_sizes_that_do_not_divide_lose_their_last_rows(levels, size, seen):
    places = draw(jax.random.key(0), levels)[None]
    found = views(jnp.ones((1, *size, 3)), places)
    assert found.shape == (levels, *seen, 3)
    np.testing.assert_allclose(found, 1, rtol=1e-6)


@pytest.mark.slow
def test_a_sample_is_augmented_alike_whatever_vgg_sees_of_it():
    photo = np.random.default_rng(0).integers(0, 256, (16, 24, 3)).astype(np.uint8)
    source = pair.to_device(pair.prepare(photo, kind="edges"), multiple=8)
    keys = jax.random.split(jax.random.key(3), 3)
    one, three = (
        deepsim.Task(deepsim.Architecture(), augment.Augmentation(), perceptual_levels=levels).batch(
            keys, source
        )
        for levels in (1, 3)
    )
    for a, b in zip(one[:2], three[:2], strict=True):
        np.testing.assert_array_equal(a, b)
    assert three[2].shape == (3, 2, 2)
    assert len(np.unique(three[2])) == 12


def test_the_perceptual_loss_looks_through_the_same_windows_at_both_pictures():
    task = deepsim.Task(
        deepsim.Architecture(), augment.Augmentation(), perceptual_depth=1, perceptual_levels=2
    )
    weights = {"conv1_1": {"kernel": jnp.asarray(pictures(3, 3, 3, 8)), "bias": jnp.zeros(8)}}
    a, b = (jnp.asarray(x) for x in pictures(2, 1, 8, 8, 3))
    places = jnp.array([[[0.0, 0.99]]])
    assert float(task.perceptual(a, a, places, weights)) == 0
    differing = task.perceptual(a, b, places, weights)
    seen = [
        task.perceptual(a[:, :4, 4:], b[:, :4, 4:], jnp.zeros((1, 0, 2)), weights),
        task.perceptual(
            *(x.reshape(1, 4, 2, 4, 2, 3).mean((2, 4)) for x in (a, b)), jnp.zeros((1, 0, 2)), weights
        ),
    ]
    np.testing.assert_allclose(differing, np.mean(seen), rtol=1e-5)
