"""The field estimated in both stages."""

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
