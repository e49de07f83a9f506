import jax
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.systems.singan import animation, noise, sampling

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def learned(untrained_pyramid):
    return untrained_pyramid()


def all_frames(*arguments, **options):
    return np.concatenate(list(animation.animate(*arguments, **options)))


@pytest.mark.slow
def test_the_walk_follows_its_equation(learned):
    got = animation.walk(KEY, learned, frames=4, alpha=0.2, beta=0.7, start_scale=0)
    for scale, maps in enumerate(got):
        key, size = jax.random.fold_in(KEY, scale), learned.pyramid.sizes[scale]
        drawn = [noise.draw(jax.random.fold_in(key, i), size, coarsest=scale == 0)[0] for i in range(5)]
        fixed = learned.fixed_noise[0] if scale == 0 else np.zeros((*size, 3))
        positions = [fixed, 0.95 * fixed + 0.05 * drawn[0]]
        for e in drawn[1:]:
            now, before = positions[-1], positions[-2]
            positions.append(0.2 * fixed + 0.8 * (now + 0.7 * (now - before) + 0.3 * e))
        np.testing.assert_allclose(maps, positions[2:], atol=1e-5)


def test_frames_are_made_from_the_walk(learned, plainly):
    maps = animation.walk(KEY, learned, frames=5, start_scale=1)
    below = sampling.reconstruct(learned)[0]
    previous = np.repeat(plainly.upsample(learned, below, learned.pyramid.sizes[1]), 5, axis=0)
    expected = plainly.refine(learned, maps, previous, 1)[-1]
    got = all_frames(KEY, learned, frames=5, start_scale=1, batch=2)
    assert got.shape == (5, 22, 28, 3)
    np.testing.assert_allclose(got, expected, atol=1e-4)
    assert (np.abs(np.diff(got, axis=0)).max((1, 2, 3)) > 1e-3).all()


@pytest.mark.parametrize("start", [0, 2])
def test_alpha_1_is_a_still_picture_of_the_photo(learned, start):
    got = all_frames(KEY, learned, frames=3, alpha=1.0, beta=0.8, start_scale=start, batch=2)
    np.testing.assert_allclose(got, np.repeat(sampling.reconstruct(learned)[-1], 3, 0), atol=1e-5)


def test_a_higher_beta_moves_less(learned):
    steps = [
        np.abs(
            np.diff(all_frames(KEY, learned, frames=6, beta=beta, start_scale=1, batch=2), axis=0)
        ).mean()
        for beta in (0.5, 0.8, 0.95)
    ]
    assert steps[0] > steps[1] > steps[2]


def test_noise_in_the_margins_walks_too(untrained_pyramid):
    learned = untrained_pyramid(margin=10)
    walk = jax.eval_shape(lambda key: animation.walk(key, learned, frames=2, start_scale=0), KEY)
    assert [maps.shape for maps in walk] == [
        (2, height + 10, width + 10, 3) for height, width in learned.pyramid.sizes
    ]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"alpha": 1.2}, "alpha 1.2: .* between 0 and 1"),
        ({"beta": -1}, "beta -1: "),
        ({"frames": 0}, "animation of 0 frames"),
        ({"start_scale": 3}, "allowed are 0 .* to 2"),
    ],
)
def test_bad_arguments(learned, options, message):
    with pytest.raises(UserError, match=message):
        animation.animate(KEY, learned, **options)
