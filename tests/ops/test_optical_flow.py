import cv2
import numpy as np
import pytest

from deepsim_jax.ops import optical_flow


def clouds(seed=0):
    noise = np.random.default_rng(seed).normal(size=(96, 96)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 3)
    return (noise - noise.min()) / np.ptp(noise)


def test_a_shift_is_found():
    source = np.uint8(255 * clouds())
    found = optical_flow.optical_flow(np.roll(source, (2, -3), (0, 1)), source, 0)
    assert np.median(found[16:-16, 16:-16], axis=(0, 1)) == pytest.approx([3, -2], abs=0.2)


def test_smoothing_keeps_what_can_be_seen_and_fills_the_rest():
    """A square of clouds moves; what a flow says of the flat ground around it is noise."""
    picture = np.full((96, 96, 1), 0.5, np.float32)
    picture[32:64, 32:64, 0] = clouds()[32:64, 32:64]
    moved = np.zeros((96, 96, 2), np.float32)
    moved[..., 0] = 2
    noise = np.random.default_rng(1).normal(0, 3, moved.shape).astype(np.float32)
    noise[30:66, 30:66] = 0
    found = optical_flow.smooth(moved + noise, picture, steps=200)
    assert np.abs(found[34:62, 34:62] - moved[34:62, 34:62]).max() < 0.3
    assert np.abs(found - moved).mean() < 0.2 < np.abs(noise).mean()


def test_an_edge_tells_only_of_what_moves_across_it():
    picture = np.zeros((32, 32, 1), np.float32)
    picture[:, 16:] = 1
    moved = np.ones((32, 32, 2), np.float32)
    moved[::2, :, 1] = 5  # along the edge, seen by nothing
    found = optical_flow.smooth(moved, picture, steps=400)
    np.testing.assert_allclose(found[8:24, 15:17, 0], 1, atol=0.05)
    assert np.ptp(found[8:24, 15:17, 1]) < 0.5
