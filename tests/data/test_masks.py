import json

import numpy as np
import pytest

from deepsim_jax.data import images, masks
from deepsim_jax.errors import UserError


@pytest.fixture
def picture():
    """Dark noise of 40x30 px with a line of white letters and a yellow box."""
    found = np.random.default_rng(0).integers(0, 90, (30, 40, 3)).astype(np.uint8)
    found[22:26, 5:35] = 250, 250, 250
    found[3:9, 30:38] = 220, 210, 20
    return found


def inside(rows, columns):
    mask = np.zeros((30, 40), bool)
    mask[rows, columns] = True
    return mask


LETTERS, BOX = inside(slice(22, 26), slice(5, 35)), inside(slice(3, 9), slice(30, 38))


def test_a_file_and_an_array(picture, tmp_path):
    path = tmp_path / "mask.png"
    images.write_png(path, LETTERS.astype(np.uint8))
    for source in (path, str(path), LETTERS, LETTERS.astype(np.float32)):
        assert (masks.read(source, picture) == LETTERS).all()


def test_by_difference(picture, tmp_path):
    clean = picture.copy()
    clean[LETTERS] = 40
    clean[0] += 5  # noise of a compression
    path = tmp_path / "clean.png"
    images.write_png(path, clean)
    assert (masks.read(f"difference:{path}", picture) == LETTERS).all()
    assert masks.by_difference(picture, clean, tolerance=4)[0].all()


def test_by_color(picture):
    assert (masks.read("color:220,210,20", picture) == BOX).all()
    assert (masks.read("color:255,255,255,5", picture) == LETTERS).all()
    with pytest.raises(UserError, match="no pixel is masked"):
        masks.read("color:255,255,255,4", picture)


def test_by_level(picture):
    assert (masks.read("bright", picture) == LETTERS | BOX).all()
    assert (masks.read("bright:250", picture) == LETTERS).all()
    assert (masks.read("dark", picture) == ~(LETTERS | BOX)).all()
    grey = 0.299 * picture[..., 0] + 0.587 * picture[..., 1] + 0.114 * picture[..., 2]
    assert (masks.read("dark:40", picture) == (np.rint(grey) <= 40)).mean() > 0.99


def test_otsus_threshold_belongs_to_the_dark_pixels():
    picture = np.full((20, 20, 3), 100, np.uint8)
    picture[5:9] = 200
    assert (masks.by_level(picture) == (picture[..., 0] == 200)).all()
    assert (masks.by_level(picture, dark=True) == (picture[..., 0] == 100)).all()


def test_by_polygons(picture, tmp_path):
    path = tmp_path / "lower.json"
    path.write_text(json.dumps({"polygons": [[[5, 22], [34, 22], [34, 25], [5, 25]]]}))
    assert (masks.read(path, picture) == LETTERS).all()
    # The same corners in a picture of twice the size, whose pixels' borders are the same.
    corners = [[10.5, 44.5], [68.5, 44.5], [68.5, 50.5], [10.5, 50.5]]
    large = {"size": [80, 60], "polygons": [corners]}
    assert (masks.by_polygons(large, 30, 40) == LETTERS).all()
    two = {"polygons": [[[5, 22], [34, 22], [34, 25], [5, 25]], [[30, 3], [37, 3], [37, 8], [30, 8]]]}
    assert (masks.by_polygons(two, 30, 40) == LETTERS | BOX).all()
    assert (masks.read(f"bright&{path}", picture) == LETTERS).all()


def test_widened(picture):
    y, x = np.mgrid[:30, :40]
    point = inside(15, 20)
    for radius in (0, 1, 3):
        expected = (x - 20) ** 2 + (y - 15) ** 2 <= radius**2
        assert (masks.widened(point, radius) == expected).all()
    assert (masks.read(LETTERS, picture, grow=2) == masks.widened(LETTERS, 2)).all()


@pytest.mark.parametrize("source, message", [
    (np.zeros((30, 40)), "no pixel is masked"),
    (np.ones((30, 40)), "every pixel is masked"),
    (np.ones((40, 30)), "mask: 30x40 px, the picture has 40x30"),
    ("nowhere.png", "no such file; give a mask, a .json of polygons, or difference"),
    ("nowhere.json", "cannot be read"),
    ("difference:nowhere.png", "no such file"),
    ("color:1,2", "give red,green,blue"),
    ("color:1,2,300", "give red,green,blue"),
    ("color:red", "not understood"),
    ("bright:300", "give 0 to 255"),
    ("bright:250&color:220,210,20", "no pixel is masked"),
])
def test_refuses(picture, source, message):
    with pytest.raises(UserError, match=message):
        masks.read(source, picture)


@pytest.mark.parametrize("content", [
    [], {}, {"polygons": []}, {"polygons": [[[1, 2], [3, 4]]]}, {"polygons": [[1, 2, 3]]},
    {"polygons": [[[1, 2], [3, 4], [5, "x"]]]}, {"polygons": [[[1, 2], [3, 4], [5, 6]]], "points": []},
    {"size": [0, 5], "polygons": [[[1, 2], [3, 4], [5, 6]]]},
])
def test_refuses_other_polygons(tmp_path, content):
    path = tmp_path / "polygons.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="not understood|cannot be read"):
        masks.by_polygons(path, 30, 40)


def test_refuses_a_mask_that_grows_over_everything(picture):
    with pytest.raises(UserError, match="every pixel is masked"):
        masks.read(LETTERS, picture, grow=60)
    with pytest.raises(UserError, match="grow=-1"):
        masks.read(LETTERS, picture, grow=-1)
