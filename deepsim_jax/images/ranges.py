"""Pictures as files hold them, uint8, and as networks see them, floats in [-1, 1]."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import jax


def to_float(picture: np.ndarray) -> np.ndarray:
    """uint8 [0, 255] -> float32 [-1, 1]."""
    return picture.astype(np.float32) / 127.5 - 1.0


def to_uint8(picture: "np.ndarray | jax.Array") -> np.ndarray:
    """Float [-1, 1] -> uint8, rounded and clipped."""
    return np.clip(np.rint((np.asarray(picture) + 1.0) * 127.5), 0, 255).astype(np.uint8)
