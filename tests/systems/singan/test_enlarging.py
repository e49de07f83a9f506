import jax
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.systems.singan import enlarging, noise, sampling, tiles

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def learned(untrained_pyramid):
    return untrained_pyramid()


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(0).uniform(-1, 1, (22, 28, 3)).astype(np.float32)


@pytest.mark.parametrize("times, size", [(1.1, (24, 31)), (1.5, (33, 42)), (1.7, (37, 48))])
def test_sizes(learned, photo, times, size):
    got = jax.eval_shape(lambda key: enlarging.enlarge(key, learned, photo, times), KEY)
    assert got.shape == (*size, 3)


def test_the_last_generator_is_applied_again_and_again(learned, photo, plainly):
    step, made = 1.5 ** (1 / 2), photo[None]
    for number, size in enumerate([(27, 34), (33, 42)], 1):  # 22 and 28 times 1.2247: 26.9 and 34.3
        previous = np.clip(plainly.resize(np.clip(made, -1, 1), step, size), -1, 1)
        z = noise.draw(jax.random.fold_in(jax.random.fold_in(KEY, number), 2), size)
        made = plainly.generate(learned, 2, z, previous)
    got = enlarging.enlarge(KEY, learned, photo, 1.5)
    np.testing.assert_allclose(got, np.clip(made, -1, 1)[0], atol=1e-4)


def test_without_noise_the_key_does_not_matter(learned, photo):
    got = [enlarging.enlarge(jax.random.key(i), learned, photo, 1.5, noise=0) for i in range(2)]
    np.testing.assert_array_equal(*got)
    assert np.abs(got[0] - enlarging.enlarge(KEY, learned, photo, 1.5)).max() > 0.01


@pytest.mark.parametrize("times", [1, 0.5, float("nan")])
def test_enlarging_makes_larger(learned, photo, times):
    with pytest.raises(UserError, match="above 1"):
        enlarging.enlarge(KEY, learned, photo, times)


def test_too_large_a_result_is_refused_before_anything_is_computed(learned, monkeypatch):
    monkeypatch.setattr(sampling, "upsample", None)
    picture = jax.ShapeDtypeStruct((6000, 8000, 3), np.float32)
    told = (
        "^enlarging 8000x6000 px 4 times: 32000x24000 px are more than 100 megapixels; enlarge it 1.44 "
    )
    with pytest.raises(UserError, match=told + "times at most, or take a smaller picture$"):
        enlarging.enlarge(KEY, learned, picture, 4)
    with pytest.raises(UserError, match="infxinf px are more than"):
        enlarging.check((6000, 8000), float("inf"))


def test_a_large_step_is_made_in_tiles(learned, photo, monkeypatch):
    """Of two steps the second one, from 27x34 px to 33x42."""
    made = []

    def generate(learned, scale, noise_map, previous, done):
        made.append((scale, noise_map.shape, previous.shape))
        for _ in range(tiles.count_parts(learned, scale, previous.shape[1:3])):
            done()
        return previous

    monkeypatch.setattr(tiles, "MOST_AT_ONCE", 27 * 34 * 4)
    monkeypatch.setattr(tiles, "_IN_A_TILE", 20 * 20 * 4)
    monkeypatch.setattr(tiles, "generate", generate)
    told = []
    enlarged = enlarging.enlarge(KEY, learned, photo, 1.5, progress=lambda *parts: told.append(parts))
    assert enlarged.shape == (33, 42, 3)
    assert made == [(2, (1, 33, 42, 3), (1, 33, 42, 3))]
    parts = 1 + tiles.count_parts(learned, 2, (33, 42))
    assert parts > 5 and told == [(number, parts) for number in range(1, parts + 1)]
