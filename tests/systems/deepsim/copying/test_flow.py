"""The field estimated in both stages."""

import cv2
import numpy as np
import pytest

from deepsim_jax.ops import field as fields
from deepsim_jax.systems.deepsim.copying import channels, flow, trial


@pytest.mark.parametrize("kind", ["seg", "edges", "seg_edges", "paint", "soft", "landmarks"])
def test_a_far_warp_is_found_again_in_every_kind(kind, drawing, far_field):
    drawn, spec = drawing(kind)
    assert (spec.palette is None) == (kind in ("edges", "soft"))
    parts = channels.take_apart(drawn, spec)
    views = channels.Channels(parts, spec)
    truth = far_field
    new = trial.warp(parts, truth)
    found = flow.estimate(views.draw(new), views.draw(parts), flow.Settings(stiffness=1.0))
    inside = np.zeros((96, 128), bool)
    inside[15:85, 35:95] = True  # where something is drawn
    moved = np.median(np.linalg.norm(truth - fields.identity(96, 128), axis=-1)[inside])
    wrong = np.median(np.linalg.norm(found - truth, axis=-1)[inside])
    assert moved > 4 and wrong < 0.3 * moved, (moved, wrong)


def test_a_broad_smoothing_at_a_quarter_of_the_size_is_about_the_same():
    moved = np.random.default_rng(0).normal(0, 4, (301, 798, 2)).astype(np.float32)
    moved = cv2.GaussianBlur(moved, (0, 0), 6.0) * 20
    for sigma in (16.5, 40.0):
        plain = cv2.GaussianBlur(moved, (0, 0), sigma)
        wrong = np.abs(flow._smoothed(moved, sigma) - plain) / np.abs(plain).max()
        assert 0 < wrong.max() < 0.07 and wrong[20:-20, 20:-20].max() < 0.04
