"""The photo's own warps, and what they choose."""

import cv2
import numpy as np
import pytest

from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim.copying import channels, flow, trial


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


def test_each_start_is_tried_once_and_every_setting_gets_the_error_of_its_estimate(drawing, monkeypatch):
    drawn, spec = drawing("seg_edges")
    parts = channels.take_apart(drawn, spec)
    views = channels.Channels(parts, spec)
    source, truth = (
        views.draw(parts),
        trial.draw_field(96, 128, np.random.default_rng(1), jitter=0.06, local=True),
    )
    new = views.draw(trial.warp(parts, truth))
    starts = flow.starts(new, source, trial.STIFFNESSES)
    expected = np.zeros((len(trial.STIFFNESSES), len(trial.SMOOTHINGS)))
    for row, stiffness in enumerate(trial.STIFFNESSES):
        coarse = flow.choose_start(new, source, [starts[0], starts[1 + row], starts[-1]])
        rests = flow.rests(new, source, coarse)
        for column, smoothing in enumerate(trial.SMOOTHINGS):
            found = flow.refine(coarse, rests, flow.Settings(stiffness, smoothing))
            expected[row, column] = trial.error(found, truth)
    asked, rests_of = [], flow.rests

    def counted(new, source, start, finest=0):
        asked.append((start.tobytes(), finest))
        return rests_of(new, source, start, finest)

    monkeypatch.setattr(flow, "rests", counted)
    np.testing.assert_array_equal(trial._errors(new, source, truth), expected)
    assert len(asked) == len(set(asked)) <= 2 * len(starts)


@pytest.mark.parametrize("kind", ["seg_edges", "soft"])
def test_a_large_pair_is_tried_at_a_smaller_size(drawing, kind, monkeypatch):
    drawn, spec = drawing(kind)
    large = cv2.resize(drawn, (512, 384), interpolation=cv2.INTER_NEAREST)
    large, _ = primitives.conform(large, spec)
    sizes, warp = [], trial.warp
    monkeypatch.setattr(
        trial, "warp", lambda parts, truth: sizes.append(truth.shape) or warp(parts, truth)
    )
    monkeypatch.setattr(trial, "DRAWS", 2)
    errors = []
    for picture in (drawn, large):
        parts = channels.take_apart(picture, spec)
        views = channels.Channels(parts, spec)
        errors.append(trial.choose(views.labelled(parts), views, picture, spec)[1])
    assert set(sizes) == {(96, 128, 2), (144, 192, 2)}
    assert 2 < errors[1] / errors[0] < 8  # in pixels of a side that is four times as long
