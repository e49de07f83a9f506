"""Where a copy does not show what was drawn."""

import dataclasses

import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.systems.deepsim.copying import channels, mismatch


def test_mismatches_are_wrong_areas_lone_lines_and_broken_ways(drawing):
    drawn, spec = drawing("seg_edges")
    parts = channels.take_apart(drawn, spec)
    still, nothing = fields.identity(96, 128), np.zeros((96, 128), bool)
    assert not mismatch.find(parts, parts, still, nothing, still).any()
    wrong = nothing.copy()
    wrong[2, :] = wrong[10:20, 10:20] = True
    assert np.array_equal(np.argwhere(mismatch.find(parts, parts, still, wrong)).min(0), [10, 10])
    lines = parts.lines.copy()
    lines[90, 5:25] = True
    found = mismatch.find(dataclasses.replace(parts, lines=lines), parts, still, nothing)
    assert found[90, 5:25].all() and not found[:80].any()
    gone = mismatch.find(parts, dataclasses.replace(parts, lines=lines), still, nothing)
    assert gone[90, 5:25].all() and not gone[:80].any()
    assert mismatch.find(parts, parts, still + np.float32(4), nothing, still).all()
