import cv2
import numpy as np
import pytest

from deepsim_jax.evaluate import sharpness


def test_the_finest_octave_is_what_halving_loses():
    random = np.random.default_rng(5)
    fine = random.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    coarse = cv2.resize(fine[:16, :16], (64, 64), interpolation=cv2.INTER_CUBIC)
    assert sharpness.finest_octave(fine) > 500
    assert sharpness.finest_octave(coarse) < 0.02 * sharpness.finest_octave(fine)
    assert sharpness.finest_octave(np.full_like(fine, 9)) == 0
    y, x = np.mgrid[:64, :64]
    for period, share in ((3, 1), (5, 0)):  # waves of 3 and of 5 px
        wave = np.rint(128 + 100 * np.sin(2 * np.pi * x / period))
        energy = sharpness.finest_octave(np.repeat(wave[..., None], 3, -1).astype(np.uint8))
        assert energy == pytest.approx(share * 100**2 / 2, abs=60)
