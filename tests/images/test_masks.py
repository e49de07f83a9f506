import json
import logging

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies
from PIL import Image
from skimage import data

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images import masks


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


@pytest.mark.parametrize(
    "source, message",
    [
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
    ],
)
def test_refuses(picture, source, message):
    with pytest.raises(UserError, match=message):
        masks.read(source, picture)


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"polygons": []},
        {"polygons": [[[1, 2], [3, 4]]]},
        {"polygons": [[1, 2, 3]]},
        {"polygons": [[[1, 2], [3, 4], [5, "x"]]]},
        {"polygons": [[[1, 2], [3, 4], [5, 6]]], "points": []},
        {"size": [0, 5], "polygons": [[[1, 2], [3, 4], [5, 6]]]},
    ],
)
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


def shape(size=(128, 192)):
    """A disk and a bar, 6 % of the picture."""
    y, x = np.mgrid[: size[0], : size[1]]
    found = (x - size[1] // 3) ** 2 + (y - size[0] // 2) ** 2 < (size[0] // 6) ** 2
    found[size[0] // 8 : size[0] // 5, size[1] // 2 : -20] = True
    return found


def saved(tmp_path, picture, name="mask.png", **options):
    path = tmp_path / name
    Image.fromarray(picture).save(path, **options)
    return path


def tones(mask, dark, light):
    return np.where(mask, light, dark).astype(np.uint8)


def layer(mask, ink, ground=0):
    """Paint on an empty layer."""
    return np.dstack([np.where(mask, ink, ground).astype(np.uint8)] * 3 + [tones(mask, 0, 255)])


def test_bool_arrays_numbers_colours_and_layers(tmp_path):
    mask = shape((20, 28))
    colored = np.zeros((20, 28, 3), np.uint8)
    colored[mask] = (0, 0, 1)
    for source in (
        mask,
        mask[..., None],
        mask * 0.2,
        mask.astype(np.int64),
        colored,
        saved(tmp_path, colored),
        np.dstack([colored, np.full((20, 28), 255, np.uint8)]),  # constant alpha says nothing
        layer(mask, 255),
        layer(mask, 0),
        layer(mask, 0, ground=255),
        saved(tmp_path, layer(mask, 0), "layer.png"),
        saved(tmp_path, layer(mask, 180), "layer.webp", lossless=True),
    ):
        assert (masks.read_mask(source) == mask).all()
    with pytest.raises(UserError, match="^keep.*shape"):
        masks.read_mask(np.zeros((2, 20, 28, 3)), name="keep")
    with pytest.raises(UserError, match="^keep.*give bool or numbers"):
        masks.read_mask(np.full((20, 20), "a"), name="keep")
    with pytest.raises(UserError, match="NaN"):
        masks.read_mask(np.full((20, 20), np.nan))


@pytest.mark.parametrize(
    "dark, light", [(0, 255), (1, 255), (0, 1), (0, 128), (30, 220), (16, 235), (2, 3)]
)
def test_the_border_lies_between_two_tones(tmp_path, dark, light):
    mask = shape()
    for name in ("mask.png", "mask.tif", "mask.bmp"):
        assert (masks.read_mask(saved(tmp_path, tones(mask, dark, light), name)) == mask).all()


def test_black_and_white_paint_on_one_layer():
    """White is masked; black and what is transparent is not."""
    mask, black = shape(), np.zeros((128, 192), bool)
    black[90:120, 90:180] = True
    painted = layer(mask, 255)
    painted[black] = 0, 0, 0, 255
    assert (masks.read_mask(painted) == mask & ~black).all()


@pytest.mark.parametrize("quality", [50, 75, 90, 95])
@pytest.mark.parametrize("dark, light", [(0, 255), (1, 254), (30, 220)])
def test_compression_noise_is_none(tmp_path, quality, dark, light):
    mask = shape()
    path = saved(tmp_path, tones(mask, dark, light), "mask.jpg", quality=quality)
    assert (masks.read_mask(path) != mask).mean() < 0.001


@pytest.mark.parametrize("sigma", [1, 2, 4])
@pytest.mark.parametrize("in_alpha", [False, True])
def test_a_soft_brush_masks_the_shape_that_was_drawn(sigma, in_alpha):
    mask = shape()
    soft = cv2.GaussianBlur(tones(mask, 0, 255), (0, 0), sigma)
    if in_alpha:
        soft = np.dstack([np.zeros_like(soft)] * 3 + [soft])
    assert (masks.read_mask(soft) != mask).mean() < 0.01


def test_flat_levels_above_the_darkest_are_masked():
    levels, mask = np.zeros((60, 80), np.uint8), np.zeros((60, 80), bool)
    levels[5:15, 5:30], levels[20:30, 5:30], levels[40:50, 40:70] = 1, 2, 3
    mask[5:15, 5:30] = mask[20:30, 5:30] = mask[40:50, 40:70] = True
    assert (masks.read_mask(levels) == mask).all(), "numbers of three things"
    assert (masks.read_mask(levels * 80) == mask).all(), "three brushes"
    black = np.where(levels == 1, 1, np.where(levels > 1, 255, 0)).astype(np.uint8)
    assert (masks.read_mask(black) == (levels > 1)).all(), "two blacks"


def test_photos_are_no_masks():
    for name in ("astronaut", "coffee", "chelsea", "camera", "coins"):
        with pytest.raises(UserError, match="all tones like a photo"):
            masks.read_mask(getattr(data, name)())


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    strategies.integers(0, 10**6),
    strategies.integers(0, 100),
    strategies.integers(60, 155),
    strategies.sampled_from(["png", "tif", "bmp", "webp", "jpg"]),
    strategies.integers(75, 95),
)
def test_random_masks_survive_every_writer(tmp_path_factory, seed, dark, contrast, suffix, quality):
    rng = np.random.default_rng(seed)
    mask = np.zeros((48, 64), bool)
    for _ in range(rng.integers(1, 5)):
        y, x = rng.integers(0, 36), rng.integers(0, 50)
        mask[y : y + rng.integers(6, 20), x : x + rng.integers(6, 25)] = True
    options = {"jpg": {"quality": quality}, "webp": {"lossless": True}}.get(suffix, {})
    folder = tmp_path_factory.mktemp("masks")
    path = saved(folder, tones(mask, dark, dark + contrast), f"a.{suffix}", **options)
    assert (masks.read_mask(path) != mask).mean() <= (0.002 if suffix == "jpg" else 0)


def test_the_share_is_said_and_most_of_a_picture_is_warned_of(picture, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    masks.read(LETTERS, picture)
    assert caplog.messages == ["mask: 120 pixels, 10.0 % of the picture, masked"]
    assert caplog.records[-1].levelno == logging.INFO
    masks.read(~LETTERS, picture)
    assert caplog.records[-1].levelno == logging.WARNING
    assert "90.0 % of the picture is masked; if that is the wrong way round" in caplog.messages[-1]


def test_a_keep_mask_is_checked(tmp_path, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    keep, sizes = ~shape(), ((128, 192), (256, 384))
    assert (masks.read_keep(saved(tmp_path, tones(keep, 1, 255)), sizes) == keep).all()
    assert caplog.messages[-1].endswith("% of the picture, not kept")
    masks.read_keep(saved(tmp_path, tones(~keep, 1, 255)), sizes)
    assert caplog.records[-1].levelno == logging.WARNING and "is not kept" in caplog.messages[-1]
    said = len(caplog.messages)
    masks.read_keep(~keep, sizes)
    assert len(caplog.messages) == said, "a bool array is a program's, which knows what it holds"
    for source, words in (
        (np.ones((128, 192)), "every pixel is kept, so that nothing can change"),
        (np.zeros((128, 192)), "no pixel is kept; .* leave it out"),
        (np.ones((192, 128)), "keep: 128x192 px, it must be 192x128 or 384x256"),
    ):
        with pytest.raises(UserError, match=words):
            masks.read_keep(source, sizes)
