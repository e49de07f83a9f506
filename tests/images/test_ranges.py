"""uint8 and floats in [-1, 1], there and back."""

import numpy as np

from deepsim_jax.images import ranges


def test_every_level_comes_back_and_the_ends_are_the_ends():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    floats = ranges.to_float(levels)
    assert floats.dtype == np.float32 and floats.min() == -1 and floats.max() == 1
    np.testing.assert_array_equal(ranges.to_uint8(floats), levels)


def test_floats_are_rounded_and_clipped():
    np.testing.assert_array_equal(
        ranges.to_uint8(np.float32([-1.5, -1, -0.9965, 0, 1, 2])), [0, 0, 0, 128, 255, 255]
    )
