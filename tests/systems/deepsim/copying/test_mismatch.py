"""Where a copy does not show what was drawn."""

import dataclasses

import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.systems.deepsim.copying import channels, mismatch


def test_mismatches_are_wrong_areas_lone_lines_and_broken_ways(drawing):
    drawn, spec = drawing("seg_edges")
    parts = channels.take_apart(drawn, spec)
    nowhere = np.zeros((96, 128), bool)
    still = fields.Ruled(fields.identity(96, 128), nowhere, np.zeros((96, 128), np.float32))
    assert not mismatch.find(parts, parts, still, nowhere, still.field).any()
    wrong = nowhere.copy()
    wrong[2, :] = wrong[10:20, 10:20] = True
    found = mismatch.find(parts, parts, still._replace(wrong=wrong), nowhere)
    assert np.array_equal(np.argwhere(found).min(0), [10, 10])
    lines = parts.lines.copy()
    lines[90, 5:25] = True
    more = dataclasses.replace(parts, lines=lines)
    found = mismatch.find(more, parts, still, nowhere)
    assert found[90, 5:25].all() and not found[:80].any()
    gone = mismatch.find(parts, more, still, nowhere)
    assert gone[90, 5:25].all() and not gone[:80].any()
    # Where the photo is completed lines may come along, but what is drawn has to be there.
    filled = nowhere.copy()
    filled[80:] = True
    assert not mismatch.find(parts, more, still, filled).any()
    assert mismatch.find(more, parts, still, filled)[90, 5:25].all()
    moved = still._replace(field=still.field + np.float32(4))
    assert mismatch.find(parts, parts, moved, nowhere, still.field).all()


def test_what_the_photo_has_nothing_near_for_is_lacking(drawing):
    drawn, spec = drawing("seg_edges")
    parts = channels.take_apart(drawn, spec)
    nothing = np.zeros((96, 128), np.float32)
    still = fields.Ruled(fields.identity(96, 128), nothing > 0, nothing)
    assert not mismatch.find_lacking(parts, parts, still).any()
    reach = nothing.copy()
    reach[5:10, 5:10], reach[5:10, 10:15], reach[20, 20] = 2, 3, np.inf  # 2.7 px are allowed at 128
    found = mismatch.find_lacking(parts, parts, still._replace(reach=reach))
    np.testing.assert_array_equal(found, reach > 2.7)
    lines = parts.lines.copy()
    lines[94, 5:25] = True  # far from all others
    lines[:, 64:] |= np.roll(parts.lines, 3, 0)[:, 64:]  # near to others
    found = mismatch.find_lacking(dataclasses.replace(parts, lines=lines), parts, still)
    assert found[94, 5:25].all() and not found[:90].any()
    assert not mismatch.find_lacking(parts, dataclasses.replace(parts, lines=lines), still).any()
