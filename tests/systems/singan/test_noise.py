import jax
import numpy as np
import pytest

from deepsim_jax.systems.singan import noise

KEY = jax.random.key(3)


def test_noise_is_normal_and_grey_at_the_coarsest_scale():
    drawn = noise.draw(KEY, (60, 50), samples=4)
    assert drawn.shape == (4, 60, 50, 3) and drawn.dtype == np.float32
    assert abs(drawn.mean()) < 0.02 and drawn.std() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(drawn[..., 0].ravel(), drawn[..., 1].ravel())[0, 1]) < 0.05
    grey = noise.draw(KEY, (60, 50), coarsest=True, samples=4)
    assert grey.shape == (4, 60, 50, 3) and grey.std() == pytest.approx(1, abs=0.02)
    assert (grey == grey[..., :1]).all() and not (grey[0] == grey[1]).any()
    assert (noise.draw(KEY, (60, 50), samples=4) == drawn).all()


def test_amplitude_is_a_tenth_of_the_error():
    real = np.zeros((1, 4, 5, 3), np.float32)
    upsampled = np.where(np.arange(5) < 3, 0.5, -0.25)[:, None] + real
    # sqrt((3 * .25 + 2 * .0625) / 5) = sqrt(.175)
    assert noise.amplitude(real, upsampled) == pytest.approx(0.1 * 0.175**0.5)
    assert noise.amplitude(real, upsampled, weight=1.0) == pytest.approx(0.175**0.5)
    assert noise.amplitude(real, None) == 1
