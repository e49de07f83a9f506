import cv2
import moving_pictures
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.sequences import film_files
from deepsim_jax.systems.igan import morph


@pytest.fixture(scope="module")
def pictures():
    return moving_pictures.draw("shoe", 8, count=10)[0]


@pytest.fixture(scope="module")
def generate(pictures):
    """A generator whose only latent is how far along the path a picture is."""

    def generated(latents):
        places = np.rint(9 * np.asarray(latents)[:, 0]).astype(int)
        return 2 * pictures[places] - 1

    return generated


def test_a_photo_becomes_like_the_other_one_frame_by_frame(pictures, generate):
    photo = cv2.resize(np.uint8(255 * pictures[0]), (128, 128), interpolation=cv2.INTER_CUBIC)
    other = cv2.resize(255 * pictures[-1], (128, 128), interpolation=cv2.INTER_CUBIC)
    frames = list(morph.morph(generate, [0.0], [1.0], photo, frames=4))
    assert len(frames) == 4 and np.array_equal(frames[0], photo)
    away = [np.abs(frame - other).mean() for frame in frames]
    assert away == sorted(away, reverse=True) and away[-1] < 0.3 * away[0], away


def test_a_film_may_run_back_and_can_be_written(generate, tmp_path):
    photo = np.full((32, 48, 3), 120, np.uint8)
    frames = list(morph.morph(generate, [0.0], [1.0], photo, frames=3, between=1, back=True))
    assert len(frames) == 4 and np.array_equal(frames[1], frames[3])
    assert film_files.write(tmp_path / "morph.gif", frames, 10) == 4


def test_what_makes_no_sense_is_refused_before_anything_is_made(generate):
    photo = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(UserError, match="a film of 1 frames; 2 or more"):
        morph.morph(generate, [0.0], [1.0], photo, frames=1)
    with pytest.raises(UserError, match="must meet the photo"):
        morph.morph(generate, [0.0], [1.0], photo, box=(-16, 0, 16, 16))
