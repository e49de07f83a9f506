import jax
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.ops import bicubic
from deepsim_jax.systems.singan import injection, noise, pyramid, sampling
from deepsim_jax.systems.singan.learned import Learned

KEYS = jax.random.split(jax.random.key(0), 2)


@pytest.fixture(scope="module")
def learned(untrained_pyramid):
    return untrained_pyramid()


@pytest.fixture(scope="module")
def drawing():
    return np.random.default_rng(0).uniform(-1, 1, (30, 40, 3)).astype(np.float32)


@pytest.mark.parametrize("start", [1, 2])
def test_the_drawing_stands_for_the_scale_below(learned, drawing, plainly, start):
    sizes, factor = learned.pyramid.sizes, learned.pyramid.factor
    finest = np.clip(bicubic.resize(drawing, size=(22, 28)), -1, 1)
    below = np.clip(plainly.resize(finest, factor ** (3 - start), sizes[start - 1]), -1, 1)
    previous = plainly.upsample(learned, below[None], sizes[start])
    maps = sampling.noise_maps(KEYS, learned, sizes, first=start)
    expected = plainly.refine(learned, maps, previous, start)[-1]
    got = injection.inject(KEYS, learned, drawing, start_scale=start)
    assert got.shape == (2, 22, 28, 3) and np.abs(got[0] - got[1]).max() > 0.01
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_other_sizes(learned, drawing):
    got = jax.eval_shape(
        lambda keys: injection.inject(keys, learned, drawing, start_scale=1, size=(25, 44)), KEYS
    )
    assert got.shape == (2, 25, 44, 3)


def test_a_picture_of_another_size_is_reduced_to_its_end(learned, plainly):
    sizes = sampling.scale_sizes(learned, (88, 112))
    slope = np.linspace(-0.9, 0.9, 88, dtype=np.float32)[:, None, None] + np.zeros(
        (1, 112, 3), np.float32
    )
    for scale in (0, 1):
        reduced = injection.reduce(learned, slope, sizes, scale)
        np.testing.assert_allclose(reduced, -reduced[::-1], atol=1e-5)  # nothing is cropped at one end


def test_a_scale_that_was_trained_on_few_colours_gets_these_only(learned, drawing, plainly):
    centres = np.asarray([[-0.9, -0.5, 0], [0.1, 0.2, 0.3], [0.8, 0.8, -0.8]], np.float32)
    got = injection.inject(KEYS, learned, drawing, start_scale=2, centres=centres)
    finest = np.clip(bicubic.resize(drawing, size=(22, 28)), -1, 1)
    nearest = np.linalg.norm(finest[..., None, :] - centres, axis=-1).argmin(-1)
    maps = sampling.noise_maps(KEYS, learned, learned.pyramid.sizes, first=2)
    expected = plainly.refine(learned, maps, centres[nearest][None], 2)[-1]
    np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize("start", [0, 3])
def test_the_allowed_start_scales_are_named(learned, drawing, start):
    with pytest.raises(UserError, match=r"allowed are 1 \(.*put into\) to 2"):
        injection.inject(KEYS, learned, drawing, start_scale=start)


def test_a_single_scale_takes_no_picture(untrained_pyramid, drawing):
    with pytest.raises(UserError, match="has 1 scale; .* train more"):
        injection.inject(KEYS, untrained_pyramid(scales=1), drawing, start_scale=1)


def test_a_picture_of_the_photos_size_is_reduced_as_the_photo():
    plan = pyramid.plan((51, 77), max_size=40)
    photo = np.random.default_rng(0).uniform(-1, 1, (51, 77, 3)).astype(np.float32)
    few = Learned((), (), (), noise.draw(KEYS[0], plan.sizes[0]), plan)
    for scale, expected in enumerate(pyramid.pictures(photo, plan)):
        got = injection.reduce(few, photo, plan.sizes, scale)
        np.testing.assert_array_equal(got, expected)
