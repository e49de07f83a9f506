"""Measures of an edit: an ignored one has to show."""

import cv2
import numpy as np
import pytest

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import edits, perceptual
from deepsim_jax.primitives import make as primitives

SEG = primitives.PrimitiveSpec("seg", palette=((250, 220, 90), (40, 90, 200)))
EDGES = primitives.PrimitiveSpec("edges")


def disk(x, size=64):
    picture = np.full((size, size, 3), (40, 90, 200), np.uint8)
    return cv2.circle(picture, (x, 32), 12, (250, 220, 90), cv2.FILLED)


def test_the_changed_region_is_where_labels_differ_grown_by_its_share_of_the_side():
    before, after = disk(28), disk(28)
    assert not edits.changed_region(before, after, SEG).any()
    after[10, 50] = 250, 220, 90
    region = edits.changed_region(before, after, SEG)
    reach = 8 / 192 * 64
    y, x = np.mgrid[:64, :64]
    assert np.array_equal(region, np.hypot(x - 50, y - 10) <= reach)
    with pytest.raises(UserError, match="both must be equal"):
        edits.changed_region(before, after[:10], SEG)


def test_lines_that_move_by_the_tolerance_have_not_changed():
    drawn, near, far = (np.full((64, 64, 3), 255, np.uint8) for _ in range(3))
    drawn[:, 20], near[:, 22], far[:, 30] = 0, 0, 0
    assert not edits.changed_region(drawn, near, EDGES).any()
    region = edits.changed_region(drawn, far, EDGES)
    assert np.array_equal(np.flatnonzero(region[5]), [18, 19, 20, 21, 22, 28, 29, 30, 31, 32])


def test_an_ignored_edit_costs_more_in_its_region_than_in_the_whole():
    photo, truth = disk(28), disk(36)
    region = edits.changed_region(photo, truth, SEG)
    assert edits.region_lpips(truth, truth, region) == 0
    assert edits.region_psnr(truth, truth, region) == np.inf
    assert edits.region_lpips(photo, truth, region) > 1.3 * perceptual.lpips(photo, truth)
    assert edits.region_psnr(photo, truth, region) < evaluate.psnr(photo, truth) - 3
    assert edits.region_psnr(photo, truth, np.ones((64, 64), bool)) == pytest.approx(
        evaluate.psnr(photo, truth)
    )
    nowhere = np.zeros((64, 64), bool)
    assert np.isnan(
        [edits.region_lpips(photo, truth, nowhere), edits.region_psnr(photo, truth, nowhere)]
    ).all()


def test_the_map_has_about_the_mean_of_the_distance():
    draw = np.random.default_rng(0)
    a, b = draw.integers(0, 256, (2, 2, 64, 48, 3)).astype(np.uint8)
    maps = perceptual.lpips_map(a, b)
    assert maps.shape == (2, 64, 48) and (maps >= 0).all()
    assert maps.mean((1, 2)) == pytest.approx(perceptual.lpips(a, b), rel=0.1)
    assert np.array_equal(perceptual.lpips_map(a[0], b[0]).shape, (64, 48))


def test_following_counts_lines_within_the_tolerance():
    lines = edits.drawn_lines(disk(36), SEG)
    followed, ignored = (edits.following(lines, disk(x)) for x in (36, 20))
    assert min(followed.values()) > 0.95
    assert max(ignored.values()) < 0.5
    blank = edits.following(lines, np.full((64, 64, 3), 90, np.uint8))
    assert blank["recall"] == 0 and np.isnan(blank["precision"]) and blank["f1"] == 0
    nothing = edits.following(np.zeros((64, 64), bool), disk(36))
    assert nothing["precision"] == 0 and np.isnan([nothing["recall"], nothing["f1"]]).all()
    right = np.zeros((64, 64), bool)
    right[:, 36:] = True
    assert edits.following(lines, disk(36), region=right)["recall"] > 0.95
    with pytest.raises(UserError, match="one value for each pixel"):
        edits.following(lines[:10], disk(36))
