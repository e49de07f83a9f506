import numpy as np
import pytest
import skimage.data

from deepsim_jax.errors import UserError
from deepsim_jax.images import collections as photos
from deepsim_jax.images import io as images


@pytest.fixture
def folder(tmp_path):
    for name in ("10.png", "9.png", ".hidden.png"):
        images.write_png(tmp_path / "album" / name, np.full((20, 20, 3), len(name), np.uint8))
    (tmp_path / "album" / "notes.txt").write_text("none")
    return tmp_path / "album"


def test_folders_files_and_installed_photos(folder, tmp_path):
    alone = tmp_path / "alone.png"
    images.write_png(alone, np.zeros((20, 20, 3), np.uint8))
    found = photos.find([folder, "skimage:coffee", str(alone)])
    assert list(found) == ["9.png", "10.png", "coffee", "alone.png"]
    assert (photos.read(found["coffee"]) == skimage.data.coffee()).all()
    assert (photos.read(found["10.png"]) == 6).all()
    assert photos.find("skimage:coffee") == {"coffee": "skimage:coffee"}


@pytest.mark.parametrize("name", photos.INSTALLED)
def test_installed_photos_need_no_download(name, monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", None)
    monkeypatch.setattr("socket.socket.connect", None)
    assert photos.read(f"skimage:{name}").shape[2] == 3


def test_refuses(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    for specs, message in (
        ("nowhere", "no such photo or folder; give one, or skimage:astronaut"),
        ("skimage:dog", "no such photo; give one of skimage:astronaut"),
        (tmp_path / "empty", "no photos there"),
        ([folder, folder / "9.png"], "a second photo called 9.png"),
    ):
        with pytest.raises(UserError, match=message):
            photos.find(specs)
