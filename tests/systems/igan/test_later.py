"""Searches that are made when they are looked at, and may be given up on the way."""

import pytest

from deepsim_jax.systems.contract import tell_nobody
from deepsim_jax.systems.igan.later import Later


def test_searches_of_any_number_of_strokes_are_made_one_by_one():
    made = []
    first = later = Later(lambda *_: made.append(0) or 0)
    for number in range(1, 3000):
        later = Later(lambda before, progress, n=number: made.append(n) or before + 1, later)
        if number == 1000:
            assert later.value(tell_nobody) == 1000
    assert later.value(tell_nobody) == later.value(tell_nobody) == 2999 and first.value(tell_nobody) == 0
    assert made == list(range(3000))


def test_one_that_is_given_up_goes_on_with_what_was_made():
    told, made = [], []

    def search(before, progress):
        for step in (10, 20):
            progress(step, 20)
        made.append(before + 1)
        return before + 1

    later = Later(lambda *_: 0)
    for _ in range(3):
        later = Later(search, later)

    def give_up(done, of):
        told.append((done, of))
        if done == 30:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        later.value(give_up)
    assert told == [(10, 60), (20, 60), (30, 60)] and made == [1]
    told.clear()
    assert later.value(lambda *part: told.append(part)) == 3 and made == [1, 2, 3]
    assert told == [(10, 40), (20, 40), (30, 40), (40, 40)]
