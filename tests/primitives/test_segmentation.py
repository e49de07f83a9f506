"""Automatic segmentation: recovers drawn regions under noise, few clean regions on a photo."""

import numpy as np
import pytest
from skimage import data
from skimage.measure import label

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.primitives import palettes, segmentation

METHODS = pytest.mark.parametrize("method", segmentation.METHODS)


def regions_of(image):
    codes = image.astype(int) @ (65536, 256, 1)
    return label(codes, connectivity=1, background=-1)


@pytest.fixture(scope="module")
def scene():
    """(clean, noisy): a sky, a field and a red disc, and the same photographed badly."""
    clean = np.empty((96, 128, 3), np.uint8)
    clean[:60], clean[60:] = (110, 160, 220), (60, 130, 50)
    rows, columns = np.indices((96, 128))
    clean[(rows - 45) ** 2 + (columns - 70) ** 2 < 22**2] = (200, 40, 40)
    noise = np.random.default_rng(0).normal(0, 8, clean.shape)
    shade = (columns[..., None] - 64) * 0.15
    return clean, np.clip(clean + noise + shade, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def photo():
    return images.resize_to_limit(data.coffee(), 160)


@METHODS
def test_drawn_regions_are_recovered(scene, method):
    clean, noisy = scene
    found = segmentation.segment(noisy, method=method, colors=3)
    assert len(palettes.by_area(found)) == 3
    # Pair each true region with the colour that it mostly got.
    for color in palettes.by_area(clean):
        inside = (clean == color).all(axis=-1)
        got = palettes.by_area(found[inside][None])[0]
        agreement = ((found == got).all(axis=-1) == inside).mean()
        assert agreement > 0.98
        assert np.abs(np.array(got) - color).max() < 15


@METHODS
@pytest.mark.parametrize("colors", [2, 5, 8])
def test_a_photo_becomes_a_few_flat_regions(photo, method, colors):
    found = segmentation.segment(photo, method=method, colors=colors)
    assert found.shape == photo.shape and found.dtype == np.uint8
    assert 2 <= len(palettes.by_area(found)) <= colors
    regions = regions_of(found)
    assert regions.max() <= 60
    assert np.bincount(regions.ravel())[1:].min() >= 0.001 * regions.size, "no specks"


@METHODS
def test_colors_are_means_and_clearly_different(photo, method):
    found = segmentation.segment(photo, method=method)
    colors = np.array(palettes.by_area(found), float)
    for color in colors:
        inside = (found == color).all(axis=-1)
        assert np.abs(photo[inside].mean(axis=0) - color).max() <= 0.5 + 1e-9
    gaps = np.linalg.norm(colors[:, None] - colors, axis=-1) + 1e9 * np.eye(len(colors))
    assert gaps.min() > palettes.TOLERANCE
    merged, palette = palettes.merge_palette(found)
    assert np.array_equal(merged, found) and palette == palettes.by_area(found)


@METHODS
def test_the_seed_repeats_the_result(photo, method):
    first, second = (segmentation.segment(photo, method=method, seed=3) for _ in range(2))
    assert np.array_equal(first, second)


@METHODS
@pytest.mark.parametrize("shape", [(16, 16), (16, 90), (40, 17)])
def test_small_and_empty_images(method, shape):
    flat = np.full((*shape, 3), (10, 200, 100), np.uint8)
    assert np.array_equal(segmentation.segment(flat, method=method), flat)
    two = flat.copy()
    two[:, shape[1] // 2 :] = (240, 30, 30)
    found = segmentation.segment(two, method=method)
    assert (found == two).all(axis=-1).mean() > 0.9


def test_bad_options_are_refused(photo):
    with pytest.raises(UserError, match="slic, felzenszwalb, kmeans"):
        segmentation.segment(photo, method="sam")
    for colors in (1, 0, 257):
        with pytest.raises(UserError, match="from 2 to 256"):
            segmentation.segment(photo, colors=colors)


def test_photos_beyond_the_working_size_keep_their_size_and_smooth_borders():
    rows, columns = np.indices((100, 2400))
    inside = (columns - 1200) ** 2 / 900**2 + (rows - 50) ** 2 / 40**2 < 1
    photo = np.where(inside[..., None], np.uint8((200, 40, 40)), np.uint8((60, 130, 200)))
    found = segmentation.segment(photo, method="kmeans", colors=2)
    assert found.shape == photo.shape
    assert len(palettes.by_area(found)) == 2
    right = np.abs(found.astype(int) - photo).max(axis=-1) < 20
    assert right.mean() > 0.97
    long = np.full((16, 3000, 3), 50, np.uint8)
    long[:, 1000:] = 220
    assert (segmentation.segment(long) == long).mean() > 0.99
