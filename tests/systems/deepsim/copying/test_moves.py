"""Exact fields: dragged points, moved regions, and what is made of both."""

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.ops import field as fields
from deepsim_jax.systems.deepsim.copying import moves

STILL = fields.identity(40, 60)


def test_nothing_moved_is_the_identity_to_the_last_bit():
    rest = [moves.drag([[10, 10], [30, 20]], [[10, 10], [30, 20]], 40, 60), moves.drag([], [], 40, 60)]
    for move in rest:
        assert np.array_equal(moves.field_of([move], 40, 60), STILL)
    assert np.array_equal(moves.field_of([], 40, 60), STILL)


def test_a_dragged_point_comes_from_where_it_was():
    move = moves.drag([[20, 15]], [[26, 18]], 40, 60, fixed=[[45, 30]])
    field = moves.field_of([move], 40, 60)
    assert field[18, 26] == pytest.approx([20, 15], abs=1e-3)
    for x, y in ((0, 0), (59, 39), (45, 30)):
        assert field[y, x] == pytest.approx([x, y], abs=2e-3)


def test_nothing_moves_beyond_the_reach():
    field = moves.field_of([moves.drag([[20, 15]], [[24, 15]], 40, 60, reach=10)], 40, 60)
    far = np.hypot(*(STILL - [24, 15]).transpose(2, 0, 1)) >= 10
    assert np.array_equal(field[far], STILL[far])
    assert field[15, 24] == pytest.approx([20, 15], abs=1e-3)


@pytest.mark.parametrize("place", [(0, 0), (59, 39), (29.5, 0), (59.4, 19.3), (0.3, 19.5)])
def test_the_border_is_dragged_to_and_fixed_where_it_is_held_otherwise(place):
    x, y = np.rint(place).astype(int)
    dragged = moves.drag([[30, 20]], [place], 40, 60)(np.array([place, [59.0, 0.0], [0.0, 39.0]]))
    np.testing.assert_allclose(dragged, [[30, 20], [59, 0], [0, 39]], atol=1e-2)
    fixed = moves.field_of([moves.drag([[20, 15]], [[26, 18]], 40, 60, fixed=[place])], 40, 60)
    assert fixed[18, 26] == pytest.approx([20, 15], abs=1e-2)
    assert fixed[y, x] == pytest.approx([x, y], abs=0.2)
    with pytest.raises(UserError, match="coincide"):
        moves.drag([[20, 15]], [[26, 18]], 40, 60, fixed=[[26, 18]])(np.array([[1.0, 1.0]]))


def test_a_region_is_copied_scaled_and_flipped():
    mask = np.zeros((40, 60), bool)
    mask[10:20, 10:20] = True
    matrix = [[-2, 0, 70], [0, 2, 0]]
    field = moves.field_of([moves.Shift(mask, matrix)], 40, 60)
    assert field[24, 40].tolist() == [15, 12]
    assert np.array_equal(field[10:19], STILL[10:19]) and np.array_equal(field[:, :31], STILL[:, :31])


def test_edits_are_composed_in_their_order():
    mask = np.zeros((40, 60), bool)
    mask[10:20, 10:20] = True
    right = moves.Shift(mask, [[1, 0, 20], [0, 1, 0]])
    everything = moves.Shift(np.ones((40, 60), bool), [[1, 0, 0], [0, 1, 5]])
    assert moves.field_of([right, everything], 40, 60)[17, 32].tolist() == [12, 12]
    assert moves.field_of([everything, right], 40, 60)[17, 32].tolist() == [12, 12]
    assert moves.field_of([right, everything], 40, 60)[23, 32].tolist() == [12, 18]
    assert moves.field_of([everything, right], 40, 60)[23, 32].tolist() == [32, 18]


def test_what_cannot_be_moved_is_refused():
    with pytest.raises(UserError, match="2 points to drag to 1 places"):
        moves.drag([[1, 1], [2, 2]], [[1, 1]], 40, 60)
    with pytest.raises(UserError, match="reach 0"):
        moves.drag([[1, 1]], [[1, 1]], 40, 60, reach=0)
    with pytest.raises(UserError, match="can be undone"):
        moves.Shift(np.ones((4, 4), bool), np.zeros((2, 3)))
