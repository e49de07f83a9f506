"""Candidates that follow strokes."""

import numpy as np
import pytest

from deepsim_jax.systems.igan import constraints, editing


@pytest.fixture
def red(random_networks):
    """A constraint: the middle is red."""
    stroke = {"brush": "color", "points": [[2, 4], [6, 4]], "width": 3, "color": [250, 20, 20]}
    return constraints.draw(constraints.parse([stroke]), (8, 8))


def advanced(networks, search, wanted, steps=40, **options):
    return editing.advance(networks, search, wanted, steps=steps, **options)


def test_candidates_go_to_what_is_asked_for(random_networks, red):
    begun = editing.begin(None, 4, 8)
    start = advanced(random_networks, begun, red, steps=0)
    found = advanced(random_networks, begun, red)
    assert found.steps == 40 and found.costs.min() < start.costs.min()
    assert list(found.costs[list(found.order)]) == sorted(found.costs)
    pictures = editing.pictures(random_networks, found, found.shown(3))
    assert pictures.shape[1:] == (8, 8, 3) and 1 <= len(pictures) <= 3


def test_they_are_held_near_an_original(random_networks, red):
    origin = np.float32([0.3, -0.2, 0.5, 0.0])
    begun = editing.begin(origin, 4, 8)
    np.testing.assert_allclose(begun.latents[0], origin, atol=1e-5)
    assert np.abs(begun.latents - origin).max() <= 0.5 + 1e-5
    free, held = (
        advanced(random_networks, begun, red, smoothness=weight).latents for weight in (0.0, 50.0)
    )
    assert np.abs(held - origin).mean() < 0.5 * np.abs(free - origin).mean()
    scratch = editing.begin(None, 4, 8)
    np.testing.assert_array_equal(
        *(advanced(random_networks, scratch, red, smoothness=w).latents for w in (0.0, 50.0))
    )


def test_a_sketch_is_held_less(random_networks, red):
    begun = editing.begin(np.zeros(4, np.float32), 4, 8)
    line = red.replace(sketch_mask=red.color_mask)
    for wanted, weight in ((red, 5.0), (line, 1.0)):
        found, same = (
            advanced(random_networks, begun, wanted, **options).latents
            for options in ({}, {"smoothness": weight})
        )
        np.testing.assert_array_equal(found, same)


def test_the_discriminator_may_have_a_say(random_networks, red):
    begun = editing.begin(None, 4, 8)
    logits = []
    for weight in (0.0, 5.0):
        made = advanced(random_networks, begun, red, realism=weight).latents
        logits.append(np.asarray(random_networks.judge(random_networks.generate(made))).mean())
    assert logits[1] > logits[0]


def test_the_order_is_frozen_in_the_end(random_networks, red):
    search = advanced(random_networks, editing.begin(None, 4, 8), red, steps=editing.FROZEN)
    later = advanced(random_networks, search, red, steps=5)
    assert later.order == search.order and later.steps == editing.FROZEN + 5


def test_bad_candidates_are_not_shown():
    search = editing.begin(None, 4, 4)
    costs = np.array([5.0, 1.0, 1.2, 9.0])
    search = editing.Search(None, search.points, search.moments, costs, 5, (1, 2, 0, 3))
    assert search.shown() == [1, 2, 0] and search.shown(2) == [1, 2]
