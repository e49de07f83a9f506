"""Bit depths: how many of a channel's 16 bits are used, and the way to 8."""

import numpy as np

_DEPTHS = (8, 10, 12, 14)
"""Depths of cameras and scanners, whose numbers are often stored in 16 bits unscaled."""


def significant_bits(pixels: np.ndarray, declared: int = 16) -> int:
    """How many bits a picture's numbers use: white is 2 ** bits - 1.

    Numbers that all lie below a quarter of 65,535 come from a photo of fewer bits, because one of 16 bits
    would be almost black. The smallest usual depth that holds them is assumed.

    Args:
      pixels: uint8, or uint16 of any shape, not empty.
      declared: bits that the file says it has; believed if no number needs more.

    Returns:
      8, 10, 12, 14, 16, or what was declared.
    """
    if pixels.dtype == np.uint8:
        return 8
    largest = int(pixels.max())
    if largest < 2**declared:
        if declared < 16:
            return declared
        return next((bits for bits in _DEPTHS if 0 < largest < 2**bits), 16)
    return 16


def to_8_bits(pixels: np.ndarray, bits: int) -> np.ndarray:
    """uint16 with `bits` significant bits -> uint8, rounded; uint8 stays unchanged."""
    if pixels.dtype == np.uint8:
        return pixels
    return np.minimum(np.rint(pixels * np.float32(255 / (2**bits - 1))), 255).astype(np.uint8)
