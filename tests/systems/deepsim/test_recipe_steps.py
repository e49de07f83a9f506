import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import recipes

RED, GREEN, BLUE, BLACK = (200, 30, 30), (30, 200, 60), (30, 60, 220), (0, 0, 0)
SUPER = primitives.PrimitiveSpec("seg_edges", palette=(RED, GREEN, BLUE))
EDGES = primitives.PrimitiveSpec("edges")
SEG = primitives.PrimitiveSpec("seg", palette=(RED, GREEN, BLUE))
SQUARE = [[20, 20], [39, 20], [39, 39], [20, 39]]


@pytest.fixture
def drawing():
    """Red and green halves, a blue square at (20..39, 20..39) inside of the red, a black line."""
    drawn = np.empty((80, 120, 3), np.uint8)
    drawn[:, :60], drawn[:, 60:] = RED, GREEN
    drawn[20:40, 20:40] = BLUE
    drawn[60, 10:110] = BLACK
    return drawn


@pytest.fixture
def lines():
    drawn = np.full((80, 120, 3), 255, np.uint8)
    drawn[60, 10:110] = drawn[10:70, 90] = 0
    return drawn


def area(drawn, color):
    return (drawn == color).all(-1)


def box(mask):
    """(left, top, right, bottom) of what is set."""
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max(), rows.max()


def apply(drawn, spec, *steps, size=(120, 80)):
    return recipes.apply({"size": list(size), "steps": list(steps)}, drawn, spec)


@pytest.mark.parametrize("ends", [[[30, 30]], [[30, 30], [90, 60], [55.5, 40.25]]])
def test_a_warp_of_points_to_themselves_changes_nothing(drawing, lines, ends):
    step = {"warp": {"from": ends, "to": ends, "fixed": [[100, 70]]}}
    np.testing.assert_array_equal(apply(drawing, SUPER, step), drawing)
    np.testing.assert_array_equal(apply(lines, EDGES, step), lines)
    plain = np.where(area(drawing, BLACK)[..., None], np.uint8(RED), drawing)
    np.testing.assert_array_equal(apply(plain, SEG, step), plain)


def test_a_warp_moves_what_lies_at_the_point(drawing):
    moved = apply(drawing, SUPER, {"warp": {"from": SQUARE, "to": [[x + 10, y + 5] for x, y in SQUARE]}})
    left, top, right, bottom = box(area(moved, BLUE))
    assert abs(left - 30) <= 1 and abs(right - 49) <= 1
    assert abs(top - 25) <= 1 and abs(bottom - 44) <= 1
    seen = {tuple(c) for c in moved.reshape(-1, 3).tolist()}
    assert seen == {RED, GREEN, BLUE, BLACK}
    np.testing.assert_array_equal(
        moved[[0, 0, -1, -1], [0, -1, 0, -1]], drawing[[0, 0, -1, -1], [0, -1, 0, -1]]
    )


def test_warped_lines_stay_thin_and_whole(lines):
    moved = apply(lines, EDGES, {"warp": {"from": [[50, 60]], "to": [[50, 48]]}})
    assert area(moved, BLACK)[47:50, 50].any() and not area(moved, BLACK)[60, 50]
    drawn = area(moved, BLACK)
    assert all(1 <= drawn[30:, x].sum() <= 3 for x in range(15, 85))


def test_within_reach_only(drawing):
    step = {"from": [[30, 30]], "to": [[36, 30]], "reach": 25}
    moved = apply(drawing, SUPER, {"warp": step})
    changed = (moved != drawing).any(-1)
    left, top, right, bottom = box(changed)
    assert changed.sum() > 20
    assert left >= 36 - 25 and right <= 36 + 25 and top >= 30 - 25 and bottom <= 30 + 25


def test_paint_fills_and_removes_lines(drawing):
    polygon = [[70, 50], [99, 50], [99, 69], [70, 69]]
    for color in ({"color": list(BLUE)}, {"like": [30, 30]}):
        painted = apply(drawing, SUPER, {"paint": {"polygon": polygon, **color}})
        expected = drawing.copy()
        expected[50:70, 70:100] = BLUE
        np.testing.assert_array_equal(painted, expected)


def test_a_line_is_drawn_over_the_regions(drawing, lines):
    for drawn, spec in ((drawing, SUPER), (lines, EDGES)):
        step = {"line": {"points": [[70, 5], [100, 5], [100, 30]]}}
        result = apply(drawn, spec, step)
        expected = drawn.copy()
        expected[5, 70:101] = expected[5:31, 100] = BLACK
        np.testing.assert_array_equal(result, expected)
        closed = {"line": {"points": [[70, 5], [100, 5], [100, 30], [70, 30]], "closed": True}}
        assert area(apply(drawn, spec, closed), BLACK)[5:31, 70].all()


def test_a_copy_is_moved_scaled_and_flipped(drawing):
    mark = {"paint": {"polygon": [[20, 20], [24, 20], [24, 24], [20, 24]], "color": list(GREEN)}}
    copied = apply(drawing, SUPER, mark, {"copy": {"polygon": SQUARE, "by": [60, 10]}})
    np.testing.assert_array_equal(copied[30:50, 80:100], apply(drawing, SUPER, mark)[20:40, 20:40])
    np.testing.assert_array_equal(copied[:, :80], apply(drawing, SUPER, mark)[:, :80])
    flipped = apply(drawing, SUPER, mark, {"copy": {"polygon": SQUARE, "by": [60, 0], "flip": True}})
    np.testing.assert_array_equal(flipped[20:40, 80:100], apply(drawing, SUPER, mark)[20:40, 39:19:-1])
    large = apply(drawing, SUPER, {"copy": {"polygon": SQUARE, "by": [60, 10], "scale": 1.5}})
    left, top, right, bottom = box(area(large, BLUE)[:, 60:])
    assert (right - left, bottom - top) == pytest.approx((29, 29), abs=2)
    assert ((right + left) / 2 + 60, (top + bottom) / 2) == pytest.approx((89.5, 39.5), abs=1)


def test_a_copy_takes_its_lines_along(drawing):
    copied = apply(
        drawing, SUPER, {"copy": {"polygon": [[20, 55], [39, 55], [39, 65], [20, 65]], "by": [60, 4]}}
    )
    assert area(copied, BLACK)[64, 80:100].all() and not area(copied, BLACK)[60, 80:100].any()


LARGE = [[10, 10], [50, 10], [50, 70], [10, 70]]


@pytest.mark.parametrize(
    "kind, options",
    [
        ("stroke", {"points": [[10, 30], [70, 30]], "radius": 6, "color": list(GREEN)}),
        ("paint", {"polygon": LARGE, "like": [80, 10]}),
        ("fill", {"at": [30, 25], "color": list(GREEN)}),
        ("line", {"points": [[10, 35], [50, 35]], "closed": True}),
        ("restore", {"points": [[10, 30], [70, 30]], "radius": 6}),
        ("delete", {"polygon": LARGE}),
        ("delete", {"at": [30, 25]}),
    ],
)
def test_what_is_locked_stays_with_its_lines(drawing, kind, options):
    before = (
        {"paint": {"polygon": [[30, 20], [49, 20], [49, 39], [30, 39]], "color": list(BLUE)}},
        {"line": {"points": [[15, 30], [55, 30]]}},
    )
    begun = apply(drawing, SUPER, *before)
    locked = np.zeros((80, 120), bool)
    locked[20:40, 20:50] = True
    free = apply(drawing, SUPER, *before, {kind: options})
    assert (free != begun)[locked].any()
    spared = apply(drawing, SUPER, *before, {kind: {**options, "spare": [list(BLUE)]}})
    np.testing.assert_array_equal(spared[locked], begun[locked])
    if kind != "delete":  # what surrounds that grows together
        np.testing.assert_array_equal(spared[~locked], free[~locked])
    everything = [list(color) for color in (RED, GREEN, BLUE)]
    nothing = apply(drawing, SUPER, *before, {kind: {**options, "spare": everything}})
    np.testing.assert_array_equal(nothing, begun)


@pytest.mark.parametrize(
    "step, message",
    [
        ({"bend": {}}, "no 'bend'.*the steps are warp, paint, line, copy"),
        ({}, "not enough values"),
        ({"line": {}, "paint": {}}, "too many values"),
        ("line", "no attribute"),
        ({"line": [1]}, "an object is needed"),
        ({"line": {"points": [[1, 2], [3, 4]], "width": 3}}, "width"),
        ({"line": {"points": [[1, 2, 3], [3, 4, 5]]}}, r"lists of \[x, y\]"),
        ({"line": {"points": []}}, r"lists of \[x, y\]"),
        ({"line": {"points": [[1, 2], ["a", 4]]}}, "could not convert"),
        ({"line": {"points": [[1, 2], [float("nan"), 4]]}}, r"lists of \[x, y\]"),
        ({"line": {"points": [[1, 2], [1e300, 4]]}}, r"lists of \[x, y\]"),
        ({"warp": {"from": [[1, 2]]}}, "no 'to'"),
        ({"warp": {"from": [[1, 2]], "to": [[1, 2], [3, 4]]}}, "the same number"),
        ({"warp": {"from": [[1, 2]], "to": [[3, 4]], "speed": 3}}, '"from" and "to"'),
        ({"warp": {"from": [[1, 2], [9, 9]], "to": [[3, 4], [3, 4]]}}, "recipe: step 2"),
        ({"warp": {"from": [[1, 2]], "to": [[3, 4]], "reach": 0}}, "reach"),
        ({"paint": {"polygon": SQUARE}}, "either"),
        ({"paint": {"polygon": SQUARE, "color": list(RED), "like": [1, 1]}}, "either"),
        ({"paint": {"polygon": SQUARE, "color": [300, 0, 0]}}, "from 0 to 255"),
        ({"paint": {"polygon": SQUARE, "color": [1, 2]}}, "from 0 to 255"),
        ({"paint": {"polygon": SQUARE, "color": [1.5, 2, 3]}}, "from 0 to 255"),
        ({"paint": {"polygon": SQUARE, "color": "red"}}, "from 0 to 255"),
        ({"paint": {"polygon": SQUARE, "like": [500, 3]}}, "outside"),
        ({"paint": {"polygon": SQUARE, "like": [-3, 3]}}, "outside"),
        ({"paint": {"polygon": SQUARE, "like": [1, 1], "spare": 3}}, "list of colors"),
        ({"line": {"points": [[1, 2], [3, 4]], "spare": [[1, 2]]}}, "from 0 to 255"),
        ({"delete": {"polygon": SQUARE, "spare": ["red"]}}, "from 0 to 255"),
        ({"move": {"polygon": SQUARE, "spare": []}}, "spare"),
        ({"keep": {"points": [[1, 2]], "radius": 3, "spare": []}}, "spare"),
        ({"copy": {"polygon": SQUARE}}, "by"),
        ({"copy": {"polygon": SQUARE, "by": [1, 1], "scale": 0}}, "positive"),
        ({"copy": {"polygon": SQUARE, "by": [1, 1], "turn": 3}}, "turn"),
    ],
)
def test_a_bad_step_is_named(drawing, step, message):
    good = {"line": {"points": [[1, 1], [5, 5]]}}
    with pytest.raises(UserError, match=message) as found:
        apply(drawing, SUPER, good, step, good)
    assert "recipe: step 2 (" in str(found.value) and "\n" not in str(found.value)


def test_lines_need_a_primitive_that_has_some(drawing):
    plain = np.where(area(drawing, BLACK)[..., None], np.uint8(RED), drawing)
    with pytest.raises(UserError, match="step 1 .*a seg primitive has no lines"):
        apply(plain, SEG, {"line": {"points": [[1, 1], [5, 5]]}})


def test_a_region_takes_its_outline_along_and_can_be_taken_again():
    drawing = np.full((80, 120, 3), 255, np.uint8)
    drawing[[20, 35], 20:41] = drawing[20:36, [20, 40]] = 0
    there, back = ({"move": {"at": [at, 28], "by": [by, 10]}} for at, by in ((30, 50), (80, -50)))
    moved = apply(drawing, EDGES, there)
    np.testing.assert_array_equal(moved, np.roll(drawing, (10, 50), (0, 1)))
    back["move"]["at"][1] += 10
    np.testing.assert_array_equal(apply(drawing, EDGES, there, back), np.roll(drawing, 20, 0))
