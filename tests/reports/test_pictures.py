"""Pictures within a page."""

import base64

import cv2
import numpy as np
import pytest
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.reports import pictures


def decoded(uri):
    """(kind, content, pixels) of a data URI."""
    head, data = uri.split(",")
    content = base64.b64decode(data)
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), 1)[..., ::-1]
    return head.removeprefix("data:image/").removesuffix(";base64"), content, pixels


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def test_an_array_is_held_itself(noise):
    kind, _, pixels = decoded(pictures.data_uri(noise))
    assert kind == "png"
    np.testing.assert_array_equal(pixels, noise)


def test_a_small_png_goes_in_as_it_is(noise, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    images.write_png(path, noise)
    monkeypatch.setattr(pictures.images, "read_image", lambda path: pytest.fail("decoded"))
    assert decoded(pictures.data_uri(path))[1] == path.read_bytes()
    assert decoded(pictures.data_uri(path, longest=30))[1] == path.read_bytes()
    assert pictures.size(path) == (30, 20)


def test_large_pictures_are_shrunk_and_photographs_may_be_jpeg(scene, tmp_path):
    photo = cv2.resize(scene, (720, 600))
    assert decoded(pictures.data_uri(photo))[0] == "png"
    images.write_png(tmp_path / "photo.png", photo)
    for source in (photo, tmp_path / "photo.png"):
        kind, _, shown = decoded(pictures.data_uri(source, longest=320, lossy=True))
        assert kind == "jpeg" and shown.shape == (267, 320, 3)
        expected = cv2.resize(photo, (320, 267), interpolation=cv2.INTER_AREA)
        assert np.abs(shown.astype(int) - expected).mean() < 3
    drawing = np.zeros((64, 64, 3), np.uint8)
    drawing[20] = 255
    assert decoded(pictures.data_uri(drawing, lossy=True))[0] == "png"


def test_other_formats_are_read(scene, tmp_path):
    cv2.imwrite(str(tmp_path / "a.jpg"), scene)
    assert pictures.size(tmp_path / "a.jpg") == (180, 150)
    assert decoded(pictures.data_uri(tmp_path / "a.jpg"))[1] == (tmp_path / "a.jpg").read_bytes()
    cv2.imwrite(str(tmp_path / "a.bmp"), scene)
    assert decoded(pictures.data_uri(tmp_path / "a.bmp"))[0] == "png"


def test_a_jpeg_with_a_second_picture_is_a_jpeg(scene, tmp_path):
    first, second = (Image.fromarray(picture) for picture in (scene, 255 - scene))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    kind, content, pixels = decoded(pictures.data_uri(tmp_path / "a.jpg"))
    assert kind == "jpeg" and pixels.shape == scene.shape
    assert content == (tmp_path / "a.jpg").read_bytes()


def test_what_is_no_picture_is_refused(noise, tmp_path):
    images.write_png(tmp_path / "cut.png", noise)
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:900])
    for name, message in (("none.png", "no such file"), ("cut.png", "cut.png")):
        for use in (pictures.data_uri, pictures.size):
            with pytest.raises(UserError, match=message):
                use(tmp_path / name)
