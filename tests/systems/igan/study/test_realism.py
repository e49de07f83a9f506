import cv2
import numpy as np

from deepsim_jax.systems.igan.study.realism import Realism


def test_realism_is_the_distance_from_several_photos():
    random = np.random.default_rng(4)
    photos = [random.integers(0, 256, (40, 40, 3)).astype(np.uint8) for _ in range(3)]
    realism = Realism(photos[:2])
    blurred = cv2.GaussianBlur(photos[2], (0, 0), 3)
    assert 0 <= realism(photos[2]) < 0.2 * realism(blurred)
