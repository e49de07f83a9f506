"""Documents: how a drawing looks after some steps, what is protected, where each pixel comes from."""

import pickle

import numpy as np
import pytest

from deepsim_jax import UserError
from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import documents, recipes
from deepsim_jax.systems.deepsim.copying import moves

GREY, RED, GREEN = (200, 200, 200), (220, 40, 30), (20, 180, 60)
SPEC = primitives.PrimitiveSpec("seg", palette=(GREY, RED, GREEN))
SQUARE = [[10, 10], [30, 10], [30, 30], [10, 30]]
WARP = {"warp": {"from": [[60, 40]], "to": [[70, 43]], "reach": 40}}


@pytest.fixture
def drawing():
    picture = np.full((80, 120, 3), GREY, np.uint8)
    picture[10:31, 10:31] = RED
    picture[30:50, 50:75] = GREEN
    return picture


def followed(drawing, *steps, size=(120, 80)):
    return documents.follow({"size": list(size), "steps": list(steps)}, drawing, SPEC)


def seen(drawing, field):
    """The drawing as a field shows it."""
    x, y = np.moveaxis(np.clip(np.rint(field), 0, [119, 79]).astype(int), -1, 0)
    return drawing[y, x]


@pytest.mark.parametrize("area", [{"polygon": SQUARE}, {"at": [20, 20]}])
def test_the_field_says_where_each_pixel_comes_from(drawing, area):
    document = followed(drawing, WARP, {"copy": {**area, "by": [50, 20]}})
    edited = primitives.compose(document.layers, SPEC)
    assert (seen(drawing, document.field) == edited).all(-1).mean() > 0.995
    assert document.field[35, 70].tolist() == [20, 15]
    np.testing.assert_array_equal(
        edited, recipes.apply({"steps": [WARP, {"copy": {**area, "by": [50, 20]}}]}, drawing, SPEC)
    )


def test_places_are_scaled_to_the_drawing(drawing):
    large = {"copy": {"at": [40.5, 40.5], "by": [100, 40]}}
    document = followed(drawing, large, size=(240, 160))
    assert document.field[35, 70].tolist() == [20, 15]
    rescaled = recipes.rescaled({"size": [240, 160], "steps": [large]}, 80, 120)
    assert rescaled == {"size": [120, 80], "steps": [{"copy": {"at": [20, 20], "by": [50, 20]}}]}
    again = documents.follow(rescaled, drawing, SPEC)
    np.testing.assert_array_equal(again.layers.regions, document.layers.regions)


def test_what_is_painted_comes_from_where_it_is_and_restoring_brings_the_place_back(drawing):
    still = fields.identity(80, 120)
    painted = followed(drawing, {"stroke": {"points": [[5, 5], [60, 60]], "radius": 4, "color": RED}})
    np.testing.assert_array_equal(painted.field, still)
    move = {"move": {"at": [20, 20], "by": [50, 20]}}
    restore = {"restore": {"points": [[70, 35], [70, 36]], "radius": 6}}
    document = followed(drawing, move, restore)
    assert document.field[35, 70].tolist() == [70, 35] and document.field[35, 62].tolist() == [12, 15]
    # What is copied from the restored place afterwards is what was there in the beginning.
    after = followed(drawing, move, restore, {"copy": {"polygon": [[68, 33], [72, 37]], "by": [-60, 30]}})
    assert after.field[65, 10].tolist() == [70, 35]
    assert followed(drawing, {"move": {"at": [20, 20]}}).field[20, 20].tolist() == [20, 20]


def test_a_document_never_changes(drawing):
    first = documents.begin(primitives.decompose(drawing, SPEC))
    kept = {"keep": {"points": [[60, 40], [70, 40]], "radius": 5}}
    second = documents.extended(first, kept, first.layers, SPEC)
    assert second.keep[40, 65] and not second.keep[60, 65] and not first.keep.any()
    np.testing.assert_array_equal(second.layers.regions, drawing)
    assert second.actions == ({"tool": "keep", "points": [[60, 40], [70, 40]], "radius": 5},)
    for array in (second.keep, second.field, second.layers.regions):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


@pytest.mark.parametrize(
    "step", [3, {}, {"warp": {"from": [[0, 0]]}}, {"keep": {"points": [[500, 500]]}}]
)
def test_a_step_that_is_not_understood_is_named(drawing, step):
    with pytest.raises(UserError, match="step 1 .* is not understood"):
        followed(drawing, step)
    with pytest.raises(UserError, match='"steps"'):
        documents.follow({"size": [1, 1]}, drawing, SPEC)


def filled(document):
    return document.pieces & moves.FILLED > 0


def test_what_is_taken_away_is_filled_with_what_is_around(drawing):
    inside = np.zeros((80, 120), bool)
    inside[10:31, 10:31] = True
    copied = followed(drawing, WARP, {"copy": {"polygon": SQUARE, "by": [50, 20]}})
    np.testing.assert_array_equal(copied.pieces, moves.LAID * np.roll(inside, (20, 50), (0, 1)))
    deleted = followed(drawing, {"delete": {"at": [20, 20]}})
    gone = filled(deleted)
    assert gone[inside].all() and gone.sum() < 1.4 * inside.sum()  # a rim around it belongs to it
    assert not (seen(drawing, deleted.field) == RED).all(-1).any()
    moved = followed(drawing, {"move": {"polygon": SQUARE, "by": [50, 20]}})
    np.testing.assert_array_equal(filled(moved), gone)
    near = followed(drawing, {"move": {"polygon": SQUARE, "by": [12, 0]}})
    assert (near.pieces[10:31, 22:43] == moves.LAID).all() and filled(near)[10:31, 10:22].all()
    # What fills a place does not change with how far it went that was there.
    both = filled(near) & filled(moved)
    np.testing.assert_array_equal(near.field[both], moved.field[both])


def test_what_is_moved_by_nothing_stays(drawing):
    spec = primitives.PrimitiveSpec("seg_edges", palette=SPEC.palette)
    lined = drawing.copy()
    lined[8:33, 9] = lined[8:33, 31] = spec.edge_rgb
    for options in ({"by": [0, 0]}, {"scale": 1.0, "rotate": 0.0}):
        recipe = {"steps": [{"move": {"polygon": SQUARE, **options}}]}
        document = documents.follow(recipe, lined, spec)
        np.testing.assert_array_equal(primitives.compose(document.layers, spec), lined)
        np.testing.assert_array_equal(document.field, fields.identity(80, 120))


def test_lines_that_are_painted_over_are_filled_where_the_label_stays(drawing):
    spec = primitives.PrimitiveSpec("seg_edges", palette=SPEC.palette)
    drawing[60, 10:110] = spec.edge_rgb
    along = [[20, 60], [100, 60]]
    for color, rows in ((GREY, range(57, 64)), (GREEN, ())):
        stroke = {"stroke": {"points": along, "radius": 6, "color": color}}
        document = documents.follow({"steps": [stroke]}, drawing, spec)
        assert not document.layers.edges[60, 25:95].any()
        columns = document.pieces[:, 60]
        assert set(np.flatnonzero(columns)) <= set(rows) and bool(columns[60]) == bool(rows)


@pytest.mark.parametrize(
    "locked, before, kind, options",
    [
        (RED, [], "stroke", {"points": [[2, 20], [50, 20]], "radius": 5, "color": GREY}),
        (RED, [], "delete", {"polygon": [[0, 0], [40, 0], [40, 40], [0, 40]]}),
        (
            GREEN,
            [{"move": {"at": [60, 40], "by": [-40, -25]}}],
            "restore",
            {"points": [[2, 20], [50, 20], [60, 40]], "radius": 5},
        ),
    ],
)
def test_what_is_locked_comes_from_where_it_came_from(drawing, locked, before, kind, options):
    spec = primitives.PrimitiveSpec("seg_edges", palette=SPEC.palette)
    drawing[20, 5:40] = spec.edge_rgb
    begun, free, spared, nothing = (
        documents.follow({"steps": steps}, drawing, spec)
        for steps in (
            before,
            [*before, {kind: options}],
            [*before, {kind: {**options, "spare": [locked]}}],
            [*before, {kind: {**options, "spare": [GREY, RED, GREEN]}}],
        )
    )
    inside = (begun.layers.regions == locked).all(-1)
    assert (free.field != begun.field)[inside].any() and (spared.field != begun.field)[~inside].any()
    for found, where in ((spared, inside), (nothing, np.ones_like(inside))):
        np.testing.assert_array_equal(found.field[where], begun.field[where])
        np.testing.assert_array_equal(found.pieces[where], begun.pieces[where])
    fills = [len(moves.fills_of(document.trace.edits)) for document in (begun, nothing)]
    assert fills[0] == fills[1], "of nothing"


def test_what_is_filled_goes_where_its_drawing_goes(drawing):
    gone = {"delete": {"at": [20, 20]}}
    restored = followed(drawing, gone, {"restore": {"polygon": SQUARE}})
    assert not restored.pieces[10:31, 10:31].any() and restored.pieces.any()
    copied = followed(drawing, gone, {"copy": {"polygon": SQUARE, "by": [50, 20]}})
    assert copied.pieces[20, 20] == moves.FILLED and copied.pieces[40, 70] == moves.FILLED + moves.LAID
    np.testing.assert_array_equal(copied.field[40, 70], copied.field[20, 20])
    covered = followed(
        drawing, gone, {"copy": {"polygon": [[60, 35], [70, 45], [60, 45]], "by": [-45, -20]}}
    )
    assert covered.pieces[12, 12] == moves.FILLED and covered.pieces[23, 17] == moves.LAID
    far = {"warp": {"from": [[20, 20]], "to": [[40, 20]], "reach": 30}}
    assert filled(followed(drawing, gone, far))[20, 38]


def test_what_was_taken_away_at_the_border_is_not_dragged_back_into_the_picture(drawing):
    drawing[30:50, :12] = RED
    pull = {"warp": {"from": [[3, 40]], "to": [[40, 40]]}}
    gone = {"delete": {"polygon": [[-3, 27], [15, 27], [15, 53], [-3, 53]]}}
    assert (seen(drawing, followed(drawing, pull).field)[32:48, :45] == RED).all(-1).any()
    document = followed(drawing, gone, pull)
    assert not (seen(drawing, document.field)[32:48, :45] == RED).all(-1).any()


def test_a_photo_is_completed_once_and_only_when_it_is_asked_for(drawing):
    asked = []

    def complete(layers, field, mask):
        asked.append((layers.regions[20, 20].tolist(), field[20, 20].tolist()))
        return documents.complete_with_nearest(layers, field, mask)

    steps = {"delete": {"at": [20, 20]}}, {"move": {"at": [60, 40], "by": [20, 10]}}, WARP
    document = documents.follow({"steps": [*steps]}, drawing, SPEC, complete=complete)
    assert not asked
    assert document.pieces[20, 20] and document.pieces[40, 60]
    # The second one sees what the first one made.
    assert asked[0] == (list(GREY), [20, 20]) and asked[1][1] != [20, 20]
    assert document.field is document.field and len(asked) == 2


def test_many_edits_hold_little_memory(drawing):
    document = documents.begin(primitives.decompose(drawing, SPEC))
    layers = document.layers
    for number in range(200):
        corner = np.array([number % 90, number % 60])
        area = {"polygon": (corner + [[0, 0], [4, 0], [4, 4]]).tolist()}
        kind = ("delete", {}) if number % 2 else ("move", {"by": [3, 2]})
        document = documents.extended(document, {kind[0]: {**area, **kind[1]}}, layers, SPEC)
    _ = document.field
    held = len(pickle.dumps([_held(edit) for edit in document.trace.edits]))
    assert held / 200 < 2_500, "a mask of the drawing alone has 9,600"


def _held(edit):
    """What an edit holds, without its lock and what `_find` captures until it is asked."""
    held = {name: value for name, value in vars(edit).items() if name != "_lock"}
    assert held.get("_find") is None
    return {
        name: _held(value) if isinstance(value, moves.Fill) else value for name, value in held.items()
    }


def test_whether_a_step_takes_hold_of_what_another_one_moved_or_drew(drawing):
    def holds(*steps):
        return documents.takes_hold(documents.unfold({"steps": [*steps]}, drawing, SPEC))

    right = {"move": {"at": [20, 20], "by": [50, 0]}}
    assert holds(right, {"move": {"at": [70, 20], "by": [0, 40]}})
    assert holds(right, {"fill": {"at": [70, 20], "color": GREEN}})
    assert holds(right, {"stroke": {"points": [[5, 5]], "radius": 2, "like": [70, 20]}})
    assert holds(
        {"paint": {"polygon": [[80, 60], [95, 60], [90, 70]], "color": GREEN}},
        {"move": {"at": [89, 64], "by": [5, 0]}},
    )
    # Of the ground, which something else has left, or covers.
    assert not holds(right, {"stroke": {"points": [[70, 20]], "radius": 2, "like": [110, 70]}})
    assert not holds(right, {"fill": {"at": [110, 70], "color": GREEN}})
    assert not holds(right, {"delete": {"at": [60, 40]}})
    assert not holds(right, {"stroke": {"points": [[70, 20]], "radius": 2, "color": GREEN}})
    assert not holds(right) and not holds()
