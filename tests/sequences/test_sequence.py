import dataclasses

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images.collections import natural_order
from deepsim_jax.sequences.sequence import Sequence, check_limit, select


def counting(kind, index):
    """A picture that tells what was asked for."""
    return np.full((20, 30, 3), 10 * index + (kind != "image"), np.uint8)


@pytest.fixture
def sequence():
    return Sequence(
        name="walk",
        frames=("a", "b", "c"),
        train=1,
        parts=("segmentation",),
        size=(20, 30),
        reader=counting,
    )


def test_all_frames_but_one_are_held_out(sequence):
    assert len(sequence) == 3 and sequence.held_out == (0, 2)
    assert sequence.image(2)[0, 0, 0] == 20 and sequence.part("segmentation", 2)[0, 0, 0] == 21


def test_what_is_not_there_is_refused(sequence):
    with pytest.raises(UserError, match="sequence walk: edges is not given .* only segmentation"):
        sequence.part("edges", 0)
    for index in (3, -1):
        with pytest.raises(IndexError):
            sequence.image(index)


def test_equality_is_of_what_is_listed_and_nothing_can_be_changed(sequence):
    assert sequence == dataclasses.replace(sequence, reader=print)
    assert sequence != dataclasses.replace(sequence, train=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        sequence.train = 0


def test_numbers_in_names_count_as_numbers():
    names = ["10", "frame2", "2", "frame10", "1", "frame02", "b", "1b"]
    assert sorted(names, key=natural_order) == ["1", "1b", "2", "10", "b", "frame02", "frame2", "frame10"]


def test_frames_are_limited_from_the_first_on():
    assert select("abcd", limit=0, train=3, label="x") == ("a", "b", "c", "d")
    assert select("abcd", limit=3, train=0, label="x") == ("a", "b", "c")
    assert select("abcd", limit=9, train=0, label="x") == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"limit": 1}, "limit of frames 1: give at least 2, or 0"),
        ({"limit": -3}, "limit of frames -3"),
        ({"train": 4}, "x: training frame 4, but its 4 frames count from 0 to 3"),
        ({"train": -1}, "training frame -1"),
        ({"limit": 2, "train": 3}, "training frame 3, but its 2 frames"),
    ],
)
def test_frames_that_cannot_be_selected(options, message):
    with pytest.raises(UserError, match=message):
        select("abcd", **{"limit": 0, "train": 0, "label": "x", **options})


def test_two_frames_are_the_least():
    assert check_limit(2) is None and select("ab", limit=0, train=1, label="x") == ("a", "b")
    with pytest.raises(UserError, match="x: 1 frame, at least two"):
        select("a", limit=0, train=0, label="x")
