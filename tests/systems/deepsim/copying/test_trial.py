"""The photo's own warps, and what they choose."""

import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.systems.deepsim.copying import channels, trial


def test_warped_lines_stay_thin_and_whole(drawing):
    drawn, spec = drawing("edges")
    parts = channels.take_apart(drawn, spec)
    warped = trial.warp(parts, fields.identity(96, 128) + np.float32([2.5, 1.25]))
    assert abs(warped.lines.sum() / parts.lines.sum() - 1) < 0.15
    shifted = np.roll(parts.lines, (-1, -2), (0, 1))
    assert (fields.distances(shifted)[warped.lines] <= 1.5).all()


def test_the_choice_repeats_itself_and_prefers_the_stiffer_of_equals(drawing):
    drawn, spec = drawing("seg")
    parts = channels.take_apart(drawn, spec)
    views = channels.Channels(parts, spec)
    first, again = (trial.choose(parts, views, drawn, spec, seed=1) for _ in range(2))
    assert first == again and first[1] < 3
    errors = np.zeros((6, 4, 3))
    errors[:, :, 1] = -1
    assert trial.pick(errors) == (3, 1)
    errors[:, 2:] += [[[0.5]], [[1]]] * 3
    assert trial.pick(errors) == (1, 1)
