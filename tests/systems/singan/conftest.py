"""SinGAN's generator and resizing in NumPy, which compiles nothing."""

import numpy as np
import pytest

from deepsim_jax.ops import bicubic


@pytest.fixture(scope="session")
def plainly():
    """The class below."""
    return Plainly


class Plainly:
    """What the package does, written out; pictures are (N, H, W, C)."""

    @staticmethod
    def resize(picture, factor, size):
        rows, columns = (
            bicubic.weights(length, new, factor)
            for length, new in zip(picture.shape[-3:-1], size, strict=True)
        )
        return np.einsum("ai,bj,...ijc->...abc", rows, columns, picture)

    @classmethod
    def upsample(cls, learned, picture, size):
        return np.clip(cls.resize(np.clip(picture, -1, 1), 1 / learned.pyramid.factor, size), -1, 1)

    @staticmethod
    def generate(learned, scale, drawn, previous):
        """One scale's result, before it is clipped."""
        layers = learned.generators[scale]["stack"]
        margins = ((0, 0), (5, 5), (5, 5), (0, 0))
        padded = np.pad(previous, margins)
        if drawn.shape[1] != padded.shape[1]:
            drawn = np.pad(drawn, margins)
        x = learned.amplitudes[scale] * np.asarray(drawn, np.float64) + padded
        for i in range(5):
            height, width = x.shape[1] - 2, x.shape[2] - 2
            kernel = np.asarray(layers[f"conv_{i}"]["kernel"], np.float64)
            x = sum(
                x[:, a : a + height, b : b + width] @ kernel[a, b] for a in range(3) for b in range(3)
            )
            x = x + layers[f"conv_{i}"]["bias"]
            if i < 4:
                norm = layers[f"norm_{i}"]
                x = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
                x = x * norm["scale"] + norm["bias"]
                x = np.where(x > 0, x, 0.2 * x)
        return previous + np.tanh(x)

    @classmethod
    def refine(cls, learned, maps, previous, first):
        """The scales from `first` on, one after the other (eqs. 1 to 3)."""
        made = []
        for scale, drawn in enumerate(maps, first):
            if made:
                size = [side - learned.margin for side in drawn.shape[1:3]]
                previous = cls.upsample(learned, made[-1], size)
            made.append(cls.generate(learned, scale, drawn, previous))
        return [np.clip(picture, -1, 1) for picture in made]
