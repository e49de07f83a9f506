import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.ops import bicubic


def matlab(picture, factor, size):
    """Matlab's imresize of an (H, W, C) picture, pixel by pixel, its indices beginning at 1."""
    picture = np.asarray(picture, np.float64)
    for axis in (0, 1):
        picture = np.moveaxis(matlab_rows(np.moveaxis(picture, axis, 0), factor, size[axis]), 0, axis)
    return picture


def matlab_rows(rows, scale, out):
    def kernel(x):
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0

    shrinks = scale < 1
    width = 4 / scale if shrinks else 4
    mirrored = [*range(len(rows)), *reversed(range(len(rows)))]
    result = np.zeros((out, *rows.shape[1:]))
    for x in range(1, out + 1):
        u = x / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - width / 2)
        indices = [left + p for p in range(math.ceil(width) + 2)]
        taps = [scale * kernel(scale * (u - i)) if shrinks else kernel(u - i) for i in indices]
        for index, tap in zip(indices, taps, strict=True):
            result[x - 1] += tap / sum(taps) * rows[mirrored[(index - 1) % len(mirrored)]]
    return result


@pytest.mark.parametrize(
    "factor, size, expected_size",
    [
        (0.5, None, (6, 8)),
        (0.7636, None, (9, 12)),  # 8.4 and 11.5: rounded up
        (1 / 12, None, (1, 2)),  # taps reach beyond the mirrored picture and around again
        (4 / 3, None, (15, 20)),  # 14.67 and 20
        (2.5, (24, 30), (24, 30)),  # cropped
        (1.3, (18, 22), (18, 22)),  # and going on into the mirrored picture
    ],
)
def test_equals_matlabs_rule(factor, size, expected_size):
    picture = np.random.default_rng(0).normal(size=(11, 15, 3))
    with jax.enable_x64(True):
        got = jax.jit(lambda p: bicubic.resize(p, factor, size))(jnp.asarray(picture))
    assert got.shape == (*expected_size, 3)
    np.testing.assert_allclose(got, matlab(picture, factor, expected_size), atol=1e-12)


@pytest.mark.parametrize("factor, size", [(0.5, (6, 8)), (1.3, (18, 22)), ((1.6, 0.4), (17, 6))], ids=str)
def test_large_pictures_are_resized_tap_by_tap(monkeypatch, factor, size):
    picture = np.random.default_rng(0).normal(size=(2, 11, 15, 3)).astype(np.float32)
    whole = bicubic.resize(picture, factor, size)
    monkeypatch.setattr(bicubic, "_MOST_ENTRIES", 11 * 6 - 1)
    monkeypatch.setattr(bicubic, "weights", None)
    np.testing.assert_allclose(bicubic.resize(picture, factor, size), whole, atol=1e-5)


def test_constants_stay():
    picture = np.full((13, 20, 3), -0.7, np.float32)
    for factor in (0.21, 0.75, 1.0, 1.26, 3.0):
        got = bicubic.resize(picture, factor)
        assert got.shape == (math.ceil(13 * factor), math.ceil(20 * factor), 3)
        np.testing.assert_allclose(got, -0.7, atol=1e-6)


def test_a_factor_of_1_returns_the_picture_itself():
    picture = np.random.default_rng(0).normal(size=(9, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(bicubic.resize(picture, 1), picture)
    np.testing.assert_array_equal(bicubic.resize(picture, size=(9, 7)), picture)
    np.testing.assert_array_equal(bicubic.resize(picture, 1, (5, 6)), picture[:5, :6])


def test_batches_and_a_factor_for_each_axis():
    pictures = np.random.default_rng(0).normal(size=(2, 10, 8, 1)).astype(np.float32)
    got = bicubic.resize(pictures, (2.0, 0.5))
    assert got.shape == (2, 20, 4, 1) and got.dtype == jnp.float32
    np.testing.assert_allclose(got, bicubic.resize(pictures, size=(20, 4)), atol=1e-6)
    np.testing.assert_allclose(got[1], bicubic.resize(pictures[1], size=(20, 4)), atol=1e-6)


def test_sizes_that_are_whole_numbers_are_not_rounded_up():
    assert bicubic.scaled_size((167, 250), 25 / 167) == (25, 38)
    for length in range(26, 251):  # (25 / length)^(1 / 7), seven times: 25 but for the last bits
        assert bicubic.scaled_size((length, 1), ((25 / length) ** (1 / 7)) ** 7)[0] == 25


def test_what_makes_no_sense_is_refused():
    picture = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(ValueError, match="factor, a size or both"):
        bicubic.resize(picture)
    with pytest.raises(ValueError, match="above 0"):
        bicubic.resize(picture, -0.5)
    assert not bicubic.weights(4, 2, 0.5).flags.writeable
