"""Sampling of pictures that are longer than OpenCV allows."""

import cv2
import numpy as np
import pytest

from deepsim_jax.ops import remap, sampling


@pytest.mark.parametrize(
    "kernel, border",
    [
        (cv2.INTER_NEAREST, cv2.BORDER_REFLECT_101),
        (cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101),
        (cv2.INTER_LINEAR, cv2.BORDER_REPLICATE),
        (cv2.INTER_CUBIC, cv2.BORDER_REFLECT_101),
        (cv2.INTER_LANCZOS4, cv2.BORDER_REFLECT_101),
    ],
)
def test_tiles_are_as_the_whole(kernel, border, monkeypatch):
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (40, 90, 3)).astype(np.uint8)
    y, x = np.mgrid[:60, :70].astype(np.float32)
    # Quarters of pixels, in which sums of positions are exact; far beyond the border, and apart.
    positions = np.stack([x * 1.75 - 12, y * 1.25 - 9], -1)
    positions[:, 35:] = positions[:, 35:][:, ::-1]
    if kernel == cv2.INTER_NEAREST:
        positions = np.rint(positions)
    whole = remap.remap(picture, positions, kernel, border)
    monkeypatch.setattr(remap, "LIMIT", 32)
    # OpenCV's shares of a mirrored position are those of the position up to rounding.
    rounding = 1 if kernel == cv2.INTER_LANCZOS4 else 0
    tiled = remap.remap(picture, positions, kernel, border)
    np.testing.assert_allclose(tiled.astype(int), whole, rtol=0, atol=rounding)
    np.testing.assert_array_equal(remap.remap(picture[..., 0], positions, kernel, border), tiled[..., 0])


def test_a_long_panorama_is_sampled():
    photo = np.random.default_rng(0).integers(0, 256, (18, 34000, 3)).astype(np.uint8)
    field = np.stack(np.meshgrid(np.arange(680, dtype=np.float32), np.arange(18, dtype=np.float32)), -1)
    field[..., 0] += 1
    moved = sampling.sample(photo, field)
    np.testing.assert_array_equal(moved[:, 100:33800], photo[:, 150:33850])
