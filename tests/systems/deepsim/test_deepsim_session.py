"""A headless session on a model: pure actions, exact colours, renderings that keep the photo."""

import itertools
import json
import typing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepsim_jax
from deepsim_jax import UserError
from deepsim_jax.systems import contract
from deepsim_jax.systems.deepsim import session as sessions


@pytest.fixture(scope="module")
def session(trained):
    return sessions.DeepsimSession(trained)


@pytest.fixture(scope="module")
def opened_scene(scene):
    return deepsim_jax.open(scene)


def colours(session):
    return session.canvas.palette.tolist()


def actions(session):
    """One action of every tool, on the 64x53 primitive."""
    color = colours(session)[-1]
    square = [[10, 10], [30, 10], [30, 30], [10, 30]]
    return {
        "stroke": {"points": [[5, 5], [40, 20]], "radius": 3, "color": color},
        "fill": {"at": [2, 2], "color": color},
        "paint": {"polygon": square, "color": color},
        "line": {"points": [[5, 40], [50, 45]]},
        "restore": {"points": [[20, 20], [25, 25]], "radius": 5},
        "move": {"polygon": square, "by": [12, 4], "scale": 1.2, "rotate": 20},
        "copy": {"polygon": square, "by": [12, 4], "flip": True},
        "delete": {"polygon": square},
        "warp": {"from": [[20, 20]], "to": [[26, 24]], "reach": 25},
        "keep": {"points": [[20, 20], [30, 20]], "radius": 4},
    }


def test_every_tool_changes_a_new_document_and_leaves_the_old_one(session):
    assert set(actions(session)) == {tool.name for tool in session.tools}
    begin = session.begin()
    before = session.drawing(begin).copy()
    np.testing.assert_array_equal(before, session._primitive)
    edited = session.apply(begin, {"tool": "stroke", **actions(session)["stroke"]})
    for name, options in actions(session).items():
        start = edited if name == "restore" else begin
        document = session.apply(start, {"tool": name, **options})
        changed = (session.drawing(document) != session.drawing(start)).any() or document.keep.any()
        assert changed, name
        assert not start.keep.any() and len(document.actions) == len(start.actions) + 1
        np.testing.assert_array_equal(session.drawing(begin), before)
        with pytest.raises(ValueError, match="read-only"):
            document.layers.regions[:] = 0


def test_tools_draw_the_palettes_colours_and_lines_of_one_pixel(session):
    document = session.begin()
    for name, options in actions(session).items():
        document = session.apply(document, {"tool": name, **options})
    allowed = {tuple(c) for c in colours(session)} | {session._spec.edge_rgb}
    assert {tuple(c) for c in session.drawing(document).reshape(-1, 3).tolist()} <= allowed
    blank = session.apply(
        session.begin(), {"tool": "delete", "polygon": [[0, 0], [63, 0], [63, 40], [0, 40]]}
    )
    line = session.apply(blank, {"tool": "line", "points": [[5, 20], [50, 20]]})
    drawn = line.layers.edges & ~blank.layers.edges
    assert drawn[:38].sum() == 46 and drawn[20, 5:51].all()


def test_undo_is_the_older_document(session):
    documents, color = [session.begin()], colours(session)[0]
    rng = np.random.default_rng(0)
    for _ in range(60):
        points = rng.integers(0, 50, (3, 2)).tolist()
        action = {"tool": "stroke", "points": points, "radius": 2.5, "color": color}
        documents.append(session.apply(documents[-1], action))
    again = documents[0]
    for older, newer in zip(documents, documents[1:], strict=False):
        np.testing.assert_array_equal(session.drawing(again), session.drawing(older))
        again = session.apply(again, newer.actions[-1])
    np.testing.assert_array_equal(session.drawing(again), session.drawing(documents[-1]))


def test_the_recipe_makes_the_same_primitive(session, trained, tmp_path):
    document = session.begin()
    for name, options in actions(session).items():
        document = session.apply(document, {"tool": name, **options})
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(session.recipe(document)))
    np.testing.assert_array_equal(trained.apply_recipe(path), session.drawing(document))


def test_a_full_rendering_keeps_the_photo_outside_its_mask(session, trained):
    document = session.apply(session.begin(), {"tool": "warp", "from": [[20, 20]], "to": [[26, 24]]})
    document = session.apply(document, {"tool": "keep", "points": [[30, 5], [30, 50]], "radius": 3})
    draft, full = session.render(document), session.render(document, "full")
    assert (
        draft.images[0].shape == trained.primitive.shape and full.images[0].shape == trained.photo.shape
    )
    assert full.milliseconds > 0 and full.mask.any() and not full.mask.all()
    np.testing.assert_array_equal(full.images[0][~full.mask], trained.photo[~full.mask])
    untouched = session.render(session.begin(), "full")
    np.testing.assert_array_equal(untouched.images[0], trained.photo)
    assert not untouched.mask.any()
    without = session.apply(session.begin(), {"tool": "warp", "from": [[20, 20]], "to": [[26, 24]]})
    np.testing.assert_array_equal(
        session.render(without, "full").images[0],
        trained.edit(session.drawing(without), keep="auto", field=without.field),
    )


def test_the_network_paints_what_is_drawn_anew_but_no_preview(session, trained, monkeypatch):
    monkeypatch.setitem(vars(trained), "auto_engine", "both")
    color = session.canvas.palette[0].tolist()
    point = next(
        (x, y)
        for x, y in ((12, 12), (50, 12), (12, 40), (50, 40))
        if (session.drawing(session.begin())[y - 6 : y + 7, x - 6 : x + 7] != color).any(-1).all()
    )
    stroke = {"tool": "stroke", "points": [point], "radius": 6, "color": color}
    document = session.apply(session.begin(), stroke)
    draft = session.render(document).images[0]
    given = document.layers, document.field, document.keep, document.pieces
    np.testing.assert_array_equal(draft, trained.draft(*given))
    copied = trained.draft(*given, paints=False)
    x, y = point
    assert (draft[y, x] != copied[y, x]).any() and (draft != copied).any(-1).mean() < 0.5
    assert session.mismatch(document)[y, x] == 255
    drag = {"tool": "warp", "from": [[30, 30]], "to": [[33, 30]], "reach": 8}
    shown = session.preview(document, drag).images[0]
    np.testing.assert_allclose(shown[y, x].astype(int), copied[y, x], atol=15)  # but for its light


@pytest.mark.parametrize(
    "action, message",
    [
        (3, '"tool" is needed'),
        ({"tool": "bend"}, "no tool 'bend'; there are warp"),
        ({"tool": "stroke", "points": [[1, 1]], "radius": 0, "color": [0, 0, 0]}, "palette|positive"),
        (
            {"tool": "stroke", "points": [[1, 1]], "radius": 3, "color": [1, 2, 3]},
            "none of the .* palette",
        ),
        ({"tool": "stroke", "points": [[1, 1]], "radius": 3, "color": ["a"]}, "color"),
        ({"tool": "line", "points": [[1, 1], [3, 3]], "spare": [[1, 2, 3]]}, "none of the .* palette"),
        ({"tool": "line", "points": [[1, 1], [3, 3]], "spare": "red"}, "list of colors"),
        ({"tool": "move", "by": [3, 3]}, "one of .polygon., .at. and .points."),
        ({"tool": "move", "at": [500, 3], "by": [3, 3]}, "outside"),
        ({"tool": "delete", "polygon": [[-9, -9], [-8, -9], [-8, -8]]}, "outside"),
        (
            {"tool": "delete", "polygon": [[-9, -9], [90, -9], [90, 90], [-9, 90]]},
            "nothing would be left",
        ),
        ({"tool": "warp", "from": [[1, 1]]}, "not understood"),
    ],
)
def test_what_is_refused_is_one_line(session, action, message):
    document = session.begin()
    with pytest.raises(UserError, match=message) as error:
        session.apply(document, action)
    assert "\n" not in str(error.value) and not document.actions


NUMBERS = st.one_of(st.integers(-100, 200), st.floats(allow_nan=True, width=16), st.none(), st.just("x"))
POINTS = st.one_of(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4), NUMBERS)


@settings(derandomize=True, max_examples=120, deadline=None)
@given(
    st.sampled_from(
        ["stroke", "fill", "paint", "line", "restore", "move", "copy", "delete", "warp", "keep"]
    ),
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(["points", "polygon", "from", "to", "fixed", "by", "at", "like"], POINTS),
            **dict.fromkeys(["radius", "scale", "rotate", "reach", "flip", "closed"], NUMBERS),
            "color": st.one_of(st.just([0, 0, 0]), POINTS),
        },
    ),
)
def test_any_action_is_a_document_or_a_refusal(session, name, options):
    begin = session.begin()
    try:
        document = session.apply(begin, {"tool": name, **options})
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert session.drawing(document).shape == (53, 64, 3)
    assert not begin.actions


@pytest.fixture(scope="module")
def untrained(scene):
    """A session on a photo with nothing trained."""
    return sessions.DeepsimSession(deepsim_jax.open(scene))


def test_it_can_all_that_an_editor_asks_for(session):
    for capability in (
        contract.Drawn,
        contract.Doubting,
        contract.Recorded,
        contract.Interpolating,
        contract.Quick,
    ):
        assert isinstance(session, capability)
    for tool in session.tools:
        assert set(tool.takes) <= set(typing.get_args(contract.Taken)) and tool.key
        assert not {option.name for option in tool.options} & set(tool.takes)


def test_layers_are_what_the_drawing_is_made_of(session):
    document = session.apply(session.begin(), {"tool": "keep", "points": [[9, 9]], "radius": 4})
    edges, keep = session.layer(document, "edges"), session.layer(document, "keep")
    lines = edges[..., 3] > 0
    np.testing.assert_array_equal(
        np.where(lines[..., None], edges[..., :3], session.layer(document, "regions")[..., :3]),
        session.drawing(document),
    )
    assert tuple(edges[lines][0, :3]) == session.canvas.line_color
    np.testing.assert_array_equal(keep[..., 3] > 0, document.keep)


def test_a_region_is_what_an_action_at_the_point_takes(session):
    region = session.region(session.begin(), (2, 2))
    color = colours(session)[-1]
    filled = session.apply(session.begin(), {"tool": "fill", "at": [2, 2], "color": color})
    changed = (filled.layers.regions != session.begin().layers.regions).any(-1)
    assert region[2, 2] and not (changed & ~region).any()
    with pytest.raises(UserError, match="outside"):
        session.region(session.begin(), (-3, 2))


def test_a_copy_says_what_it_cannot_show(untrained):
    begin = untrained.begin()
    assert not untrained.mismatch(begin).any() and untrained.render(begin, "full").doubts == ()
    line = untrained.apply(begin, {"tool": "line", "points": [[5, 5], [175, 5]]})
    for y in (12, 19, 26, 33):
        line = untrained.apply(line, {"tool": "line", "points": [[5, y], [175, y]]})
    assert untrained.mismatch(line)[12, 90] == 255
    ignored, missed = untrained.render(line, "full").doubts
    assert untrained.render(line).doubts == (ignored, missed)
    assert "lines that the photo has none for" in ignored and "could not be copied" in missed


def test_a_network_that_paints_no_better_yet_is_told_and_not_asked(session, trained, monkeypatch):
    monkeypatch.setitem(vars(trained), "auto_engine", "copy")
    color = session.canvas.palette[-1].tolist()
    square = [[2, 2], [61, 2], [61, 50], [2, 50]]
    document = session.apply(session.begin(), {"tool": "paint", "polygon": square, "color": color})
    rendering = session.render(document, "full")
    (told,) = (line for line in rendering.doubts if "could not be copied" in line)
    assert "no better yet" in told
    given = document.layers, document.field, document.keep, document.pieces
    np.testing.assert_array_equal(trained.draft(*given), trained.draft(*given, paints=False))
    monkeypatch.setitem(vars(trained), "auto_engine", "both")
    assert not session.render(document, "full").doubts


def test_a_stroke_that_is_too_thin_is_told(untrained):
    begin = untrained.begin()
    color = next(
        c for c in colours(untrained) if (untrained.drawing(begin)[10:20, :60] != c).any(-1).all()
    )
    stroke = {"tool": "stroke", "points": [[5, 15], [50, 15]], "radius": 0.5, "color": color}
    (told,) = untrained.render(untrained.apply(begin, stroke), "full").doubts
    assert "change nothing" in told and "thinner than 3 pixels" in told


def test_drafts_copy_exactly_what_is_moved(untrained, scene):
    begin = untrained.begin()
    square = [[40, 50], [80, 50], [80, 90], [40, 90]]
    document = untrained.apply(begin, {"tool": "copy", "polygon": square, "by": [60, -30]})
    draft = untrained.render(document).images[0]
    region = np.s_[22:58, 102:138]
    labels = document.layers.regions[region] == begin.layers.regions[52:88, 42:78]
    same = (draft[region] == scene[52:88, 42:78]).all(-1)
    assert same[labels.all(-1)].mean() > 0.99
    kept = untrained.apply(
        document, {"tool": "keep", "polygon": [[100, 0], [179, 0], [179, 90], [100, 90]]}
    )
    np.testing.assert_array_equal(untrained.render(kept).images[0][:90, 100:], scene[:90, 100:])
    full = untrained.render(kept, "full").images[0]
    np.testing.assert_array_equal(full[:90, 100:], scene[:90, 100:])


@pytest.mark.parametrize(
    "action",
    [
        {"tool": "warp", "from": [[60, 70]], "to": [[72, 74]], "reach": 60},
        {"tool": "move", "at": [60, 70], "by": [9, 4]},
    ],
)
def test_a_preview_is_about_the_draft(untrained, action):
    start = untrained.apply(untrained.begin(), {"tool": "warp", "from": [[135, 110]], "to": [[130, 104]]})
    shown = untrained.preview(start, action).images[0].astype(int)
    draft = untrained.render(untrained.apply(start, action)).images[0]
    plain = untrained.render(start).images[0]
    assert np.abs(shown - draft).mean() < 0.2 * np.abs(shown - plain).mean()
    with pytest.raises(UserError, match="not understood"):
        untrained.preview(start, {"tool": "warp", "from": [[1, 1]]})


def test_between_two_documents_movements_go_part_of_the_way(untrained):
    begin = untrained.begin()
    end = untrained.apply(
        begin, {"tool": "copy", "polygon": [[40, 50], [80, 50], [80, 90]], "by": [40, 0]}
    )
    half = untrained.between(begin, end, 0.5)
    assert half.actions[0]["by"] == [20.0, 0.0]
    assert untrained.between(begin, end, 1.0).actions == end.actions
    untrained.warm()


def test_what_a_recipe_keeps_is_kept_from_the_command_line_too(untrained, scene):
    model = untrained._model
    document = untrained.begin()
    for action in (
        {"tool": "warp", "from": [[60, 70]], "to": [[72, 74]], "reach": 60},
        {"tool": "keep", "points": [[80, 60], [84, 80]], "radius": 6},
    ):
        document = untrained.apply(document, action)
    recipe = untrained.recipe(document)
    kept = model.recipe_keep(recipe)
    edited = model.edit(
        model.apply_recipe(recipe), keep="auto", field=model.recipe_field(recipe), protected=kept
    )
    np.testing.assert_array_equal(edited, untrained.render(document, "full").images[0])
    np.testing.assert_array_equal(edited[kept], scene[kept])
    alone = model.edit(model.apply_recipe(recipe), field=model.recipe_field(recipe), protected=kept)
    np.testing.assert_array_equal(alone[kept], scene[kept])
    assert untrained.actions(recipe) == [dict(action) for action in document.actions]


def test_what_is_deleted_is_completed_and_no_doubt_is_told(opened_scene):
    session = sessions.DeepsimSession(opened_scene)
    action = {"tool": "delete", "polygon": [[48, 53], [92, 53], [92, 97], [48, 97]]}
    document = session.apply(session.begin(), action)
    draft = session.render(document).images[0]
    np.testing.assert_array_equal(session.preview(session.begin(), action).images[0], draft)
    gone = document.pieces > 0
    # What was completed stays so while something else is dragged.
    drag = {"tool": "warp", "from": [[140, 30]], "to": [[144, 30]], "reach": 20}
    dragged = session.preview(document, drag).images[0]
    np.testing.assert_array_equal(dragged[gone], draft[gone])
    full = session.render(document, "full")
    assert not full.doubts and not session.mismatch(document)[gone].any()
    np.testing.assert_array_equal(full.images[0][full.mask == 0], opened_scene.photo[full.mask == 0])


def test_films_of_what_is_moved_twice_move_it_alone(untrained):
    begin = untrained.begin()
    first = untrained.apply(begin, {"tool": "move", "at": [60, 70], "by": [40, 0]})
    second = untrained.apply(first, {"tool": "move", "at": [100, 70], "by": [0, 30]})
    others = [untrained.between(begin, second, share) for share in (0.25, 0.5, 0.75, 1.0)]
    shares = [(document.pieces > 0).mean() for document in others]
    assert max(shares) < 2 * shares[-1]
    assert [len(document.actions) for document in others] == [1, 1, 2, 2]
    np.testing.assert_array_equal(others[1].field, first.field)


def test_what_is_completed_holds_still_in_a_film(untrained):
    begin = untrained.begin()
    square = [[110, 20], [150, 20], [150, 60], [110, 60]]
    end = begin
    for action in (
        {"tool": "warp", "from": [[60, 110]], "to": [[90, 130]], "reach": 60},
        {"tool": "move", "polygon": square, "by": [0, 60]},
    ):
        end = untrained.apply(end, action)
    frames = [untrained.between(begin, end, share) for share in (0.5, 0.52, 1.0)]
    gone = np.logical_and.reduce([frame.pieces == 1 for frame in frames])
    assert gone.sum() > 500
    for one, other in itertools.pairwise(frames):
        far = np.linalg.norm(one.field - other.field, axis=-1)[gone]
        assert np.median(far) < 2, "of donors that the drag moves a little"


def test_what_passes_by_is_not_copied_into_what_is_completed(untrained):
    begin = untrained.begin()
    near, away = ([[x, 20], [x + 30, 20], [x + 30, 50], [x, 50]] for x in (20, 90))
    passes = untrained.apply(begin, {"tool": "move", "polygon": near, "by": [120, 0]})
    stays = untrained.apply(begin, {"tool": "move", "polygon": near, "by": [0, 95]})
    gone = {"tool": "delete", "polygon": away}
    for document, expected in ((passes, 1), (stays, 2)):
        film = untrained.between(begin, untrained.apply(document, gone), 0.6)
        assert len(film.actions) == expected
        assert film.actions[0]["by"] == [value * 0.6 for value in document.actions[0]["by"]]


def test_a_picture_does_not_depend_on_what_was_undone(opened_scene, scene):
    delete = {"tool": "delete", "polygon": [[48, 53], [92, 53], [92, 97], [48, 97]]}

    def deleted(*before):
        session = sessions.DeepsimSession(deepsim_jax.open(scene))
        color = session.canvas.palette[0].tolist()
        for point in before:
            tried = session.apply(session.begin(), {"tool": "fill", "at": point, "color": color})
            session.render(session.apply(tried, delete))
        return session.render(session.apply(session.begin(), delete), "full").images[0]

    np.testing.assert_array_equal(deleted((10, 10), (170, 10), (10, 140), (170, 140)), deleted())
