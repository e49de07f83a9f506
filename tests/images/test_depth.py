import numpy as np
import pytest

from deepsim_jax.images import depth


@pytest.mark.parametrize(
    "largest, declared, bits",
    [
        (65535, 16, 16),
        (16384, 16, 16),
        (16383, 16, 14),
        (4095, 16, 12),
        (1024, 16, 12),
        (1023, 16, 10),
        (255, 16, 8),
        (1, 16, 8),
        (0, 16, 16),
        (300, 12, 12),
        (4096, 12, 16),
    ],
)
def test_significant_bits(largest, declared, bits):
    pixels = np.array([[0, largest]], np.uint16)
    assert depth.significant_bits(pixels, declared) == bits
    assert depth.significant_bits(pixels.astype(np.uint8)) == 8


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_black_and_white_stay_and_all_between_is_rounded(bits):
    pixels = np.arange(0, 2**bits, max(1, 2 ** (bits - 10)), dtype=np.uint16)
    pixels[-1] = 2**bits - 1
    made = depth.to_8_bits(pixels, bits)
    assert made[0] == 0 and made[-1] == 255 and made.dtype == np.uint8
    assert np.abs(made - pixels * (255 / (2**bits - 1))).max() <= 0.501
    assert depth.to_8_bits(made, 8) is made
