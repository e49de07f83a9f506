import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.systems.singan import source as photo


def test_a_photo_is_known_by_its_pixels_and_survives_its_folder(tmp_path, scene):
    one = photo.Photo(scene)
    one.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
    back = photo.Photo.load(tmp_path)
    np.testing.assert_array_equal(back.photo, scene)
    changed = scene.copy()
    changed[3, 4, 1] ^= 1
    others = changed, np.ascontiguousarray(scene.swapaxes(0, 1)), scene.reshape(-1, 50, 3)
    assert back.hash() == one.hash() and one.hash() not in {photo.Photo(o).hash() for o in others}


def test_a_missing_photo_is_told(tmp_path):
    with pytest.raises(UserError, match="photo.png"):
        photo.Photo.load(tmp_path)
