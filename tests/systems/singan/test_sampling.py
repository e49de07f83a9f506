import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.ops import bicubic
from deepsim_jax.systems.singan import noise, sampling

KEYS = jax.random.split(jax.random.key(0), 2)


@pytest.fixture(scope="module")
def learned(untrained_pyramid):
    return untrained_pyramid()


def test_the_reconstruction_at_every_scale(learned, plainly):
    sizes = learned.pyramid.sizes
    maps = [learned.fixed_noise, *(np.zeros((1, *size, 3), np.float32) for size in sizes[1:])]
    expected = plainly.refine(learned, maps, np.zeros((1, *sizes[0], 3), np.float32), 0)
    got = sampling.reconstruct(learned)
    assert [g.shape for g in got] == [(1, *size, 3) for size in sizes]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    # So far trained, so far made.
    part = learned.replace(
        generators=learned.generators[:2],
        statistics=learned.statistics[:2],
        amplitudes=learned.amplitudes[:2],
    )
    assert [g.shape for g in sampling.reconstruct(part)] == [(1, *size, 3) for size in sizes[:2]]


@pytest.mark.slow
@pytest.mark.parametrize("start", [0, 1, 2])
def test_below_the_start_scale_the_reconstruction_above_it_fresh_noise(learned, plainly, start):
    sizes = learned.pyramid.sizes
    maps = [
        jnp.concatenate(
            [
                noise.draw(jax.random.fold_in(key, scale), sizes[scale], coarsest=scale == 0)
                for key in KEYS
            ]
        )
        for scale in range(start, 3)
    ]
    if start:
        below = sampling.reconstruct(learned)[start - 1]
        previous = plainly.upsample(learned, below, sizes[start])
        previous = np.repeat(previous, 2, axis=0)
    else:
        previous = np.zeros((2, *sizes[0], 3), np.float32)
    expected = plainly.refine(learned, maps, previous, start)[-1]
    got = sampling.sample(KEYS, learned, start_scale=start)
    assert got.shape == (2, *sizes[-1], 3) and np.abs(got).max() <= 1
    np.testing.assert_allclose(got, expected, atol=1e-4)
    assert np.abs(got[0] - got[1]).max() > 0.01


def test_a_sample_does_not_depend_on_the_others(learned):
    together = sampling.sample(KEYS, learned)
    again = sampling.sample(jnp.stack([jax.random.key(9), KEYS[0]]), learned)
    np.testing.assert_allclose(again[1], together[0], atol=1e-5)
    assert np.abs(again[0] - together[1]).max() > 0.01


def test_each_scale_is_compiled_once_per_shape(learned):
    sampling.sample(KEYS, learned)
    before = [f._cache_size() for f in (sampling._apply, sampling._draw)]
    for start in (0, 1, 2):
        sampling.sample(jax.random.split(jax.random.key(5), 2), learned, start_scale=start)
    other = learned.replace(generators=jax.tree.map(lambda leaf: 0.5 * leaf, learned.generators))
    sampling.sample(KEYS, other)
    # The reconstruction is of one sample: its scales are other shapes.
    assert sampling._draw._cache_size() == before[1]
    assert sampling._apply._cache_size() <= before[0] + 2


def test_samples_of_any_size(learned, plainly):
    assert sampling.scale_sizes(learned) == ((12, 16), (17, 21), (22, 28))
    assert sampling.scale_sizes(learned, (22, 28)) == learned.pyramid.sizes
    # Times 33 / 22 and 20 / 28: 18 and 11.4; 25.5 (to the even) and 15; 33 and 20.
    assert sampling.scale_sizes(learned, (33, 20)) == ((18, 11), (26, 15), (33, 20))
    got = jax.eval_shape(lambda keys: sampling.sample(keys, learned, size=(33, 20)), KEYS)
    assert got.shape == (2, 33, 20, 3)
    # From a finer scale the coarser ones' reconstruction is stretched.
    part = sampling.sample(KEYS[:1], learned, start_scale=2, size=(33, 20))
    below = bicubic.resize(sampling.reconstruct(learned)[1], size=(26, 15))
    previous = np.clip(bicubic.resize(np.clip(below, -1, 1), size=(33, 20)), -1, 1)
    z = noise.draw(jax.random.fold_in(KEYS[0], 2), (33, 20))
    np.testing.assert_allclose(part, plainly.refine(learned, [z], previous, 2)[0], atol=1e-4)


def test_what_enters_a_large_sample_is_stretched_to_its_end(learned):
    sizes, factor = learned.pyramid.sizes, learned.pyramid.factor
    large = sampling.scale_sizes(learned, (88, 112))
    assert large[:2] == ((48, 64), (68, 84))  # by the pyramid's factor 48 rows would be 65
    slope = np.linspace(-0.9, 0.9, 48, dtype=np.float32)[None, :, None, None] + np.zeros((1, 1, 64, 3))
    entered = np.asarray(sampling.enter(learned, slope, large[1], scale=1))
    assert (np.diff(entered, axis=1) > 0).all(), "a mirrored strip falls"
    own = slope[:, :12, :16]
    np.testing.assert_array_equal(
        sampling.enter(learned, own, sizes[1], scale=1), sampling.upsample(own, factor, sizes[1])
    )


def test_numpys_whole_numbers_are_start_scales(learned):
    sampling.check_start_scale(learned, np.int64(1))


@pytest.mark.slow
def test_noise_in_the_margins(untrained_pyramid):
    learned = untrained_pyramid(margin=10)
    maps = sampling.noise_maps(KEYS, learned, learned.pyramid.sizes, first=1)
    assert [m.shape for m in maps] == [(2, 27, 31, 3), (2, 32, 38, 3)]
    assert [p.shape for p in sampling.reconstruct(learned)] == [
        (1, *size, 3) for size in learned.pyramid.sizes
    ]


@pytest.mark.parametrize("start", [3, -1, 1.0, True, np.True_, "1"])
def test_a_start_scale_out_of_range_names_the_range(learned, start):
    with pytest.raises(UserError, match=r"start scale .*: allowed are 0 \(the coarsest\) to 2"):
        sampling.sample(KEYS, learned, start_scale=start)


def test_a_size_below_the_receptive_field_names_the_least(learned):
    with pytest.raises(UserError, match="28x18 pixels would have 16x10 .* take 19x20 or more"):
        sampling.sample(KEYS, learned, size=(18, 28))
    assert min(sampling.scale_sizes(learned, (20, 19))[0]) == 11
