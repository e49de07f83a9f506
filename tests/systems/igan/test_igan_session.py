"""A trained collection in an editor's hands."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import profiles
from deepsim_jax.systems import contract
from deepsim_jax.systems.contract import tell_nobody
from deepsim_jax.systems.igan import constraints, editing
from deepsim_jax.systems.igan import session as sessions

COLOR = {"tool": "color", "points": [[100, 200], [300, 200]], "radius": 29.5, "color": [250, 20, 20]}
SKETCH = {"tool": "sketch", "points": [[50, 50], [300, 60]]}


@pytest.fixture
def photo(things):
    return things[3].repeat(2, 0).repeat(3, 1)


def test_the_tools_are_data(session):
    gestures = {tool.name: tool.gesture for tool in session.tools}
    assert gestures["open"] == "picture" and gestures["color"] == gestures["sketch"] == "stroke"
    assert session.canvas.size == session.canvas.output_size == (384, 384)


@pytest.mark.slow
def test_from_scratch_strokes_make_candidates(session):
    begun = session.begin()
    shown = session.render(begun).images
    assert len(shown) == 4 and shown[0].shape == (384, 384, 3)
    drawn = session.apply(session.apply(begun, COLOR), SKETCH)
    assert len(drawn.strokes) == 2 and len(drawn.actions) == 2 and not begun.strokes
    found = session.render(drawn)
    assert 1 <= len(found.images) <= 4 and found.milliseconds > 0
    np.testing.assert_array_equal(session.render(drawn).images[0], found.images[0])
    np.testing.assert_array_equal(session.render(drawn, "full").images[0], found.images[0])
    again = sessions.IganSession(session._model, count=4)
    repeated = again.begin()
    for action in drawn.actions:
        repeated = again.apply(repeated, action)
    np.testing.assert_array_equal(again.render(repeated).images[0], found.images[0])


@pytest.mark.slow
def test_a_photo_is_opened_edited_and_gets_the_edit(session, photo):
    opened = session.apply(session.begin(), {"tool": "open", "picture": photo})
    assert session.output_size(opened) == photo.shape[:2]
    (projection,) = session.render(opened).images
    np.testing.assert_array_equal(session.render(opened, "full").images[0], photo)
    edited = session.apply(opened, COLOR)
    assert session.render(edited).images[0].shape == projection.shape
    assert session.render(edited, "full").images[0].shape == photo.shape
    back = session.apply(edited, {"tool": "choose", "candidate": 0, "amount": 0.0})
    assert np.abs(session.render(back).images[0].astype(int) - projection).max() <= 2
    assert np.abs(session.render(back, "full").images[0].astype(int) - photo).max() <= 1


def test_strokes_are_written_as_the_command_line_takes_them_and_read_again(session, photo):
    assert isinstance(session, contract.Recorded)
    assert session.recipe(session.begin()) == {"size": [384, 384], "strokes": []}
    opened = session.apply(session.begin(), {"tool": "open", "picture": photo})
    drawn = session.apply(opened, COLOR)
    drawn = session.apply(drawn, {**SKETCH, "radius": 4, "erase": True})
    ends = {"from": [[200, 200], [90.25, 90]], "to": [[240, 200], [80, 90]]}
    drawn = session.apply(drawn, {"tool": "warp", "reach": 45, **ends})
    recipe = json.loads(json.dumps(session.recipe(drawn)))
    parsed = constraints.parse(recipe)
    assert parsed == session._parsed(drawn.strokes) and len(parsed.strokes) == 4
    assert [stroke.width for stroke in parsed.strokes] == [60, 9, 90, 90]
    again = opened
    for action in session.actions(recipe):
        again = session.apply(again, action)
    assert session._parsed(again.strokes) == parsed
    fixed = session.apply(drawn, {"tool": "fix"})
    assert not session.recipe(fixed)["strokes"]
    with pytest.raises(UserError, match="unknown key 'steps'"):
        session.actions({"steps": []})


def test_strokes_of_another_size_ask_for_the_same(session):
    side = session._model.size[0]
    strokes = [
        {"brush": "color", "points": [[1, 1], [9, 6]], "color": [200, 30, 30]},
        {"brush": "sketch", "points": [[12, 3]], "width": 0.25},
        {"brush": "sketch", "points": [[2, 12], [12, 13]], "width": 3},
        {"brush": "warp", "from": [3, 3], "to": [9, 10], "width": 0.5},
    ]
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    document = session.apply(session.begin(), {"tool": "fix"})
    for action in session.actions(strokes):
        document = session.apply(document, action)
    wanted = constraints.draw(constraints.parse(strokes), (side, side), picture)
    found = constraints.draw(session._parsed(document.strokes), (side, side), picture)
    for name, array in vars(wanted).items():
        np.testing.assert_allclose(getattr(found, name), array, atol=1e-4, err_msg=name)


def test_what_is_made_of_a_photo_s_file_has_its_profile_and_exif(session, photo, tmp_path):
    profile = profiles.make("Display P3", profiles.DISPLAY_P3)
    exif = Image.Exif()
    exif[0x013B] = "Ann"  # Artist
    Image.fromarray(photo).save(tmp_path / "photo.png", icc_profile=profile, exif=exif)
    begun = session.begin()
    assert session.original(begun) is None
    opened = session.apply(begun, {"tool": "open", "picture": tmp_path / "photo.png"})
    result = session.render(opened, "full").image
    with Image.open(io.BytesIO(session.original(opened).png(result))) as saved:
        np.testing.assert_array_equal(np.asarray(saved), photo)
        assert saved.info["icc_profile"] == profile and saved.getexif()[0x013B] == "Ann"
    assert (result != photo).any(), "the network sees it in sRGB"
    assert session.original(session.apply(begun, {"tool": "open", "picture": photo})) is None


def test_fix_and_restart(session, photo):
    edited = session.apply(session.apply(session.begin(), {"tool": "open", "picture": photo}), COLOR)
    best = session.edited(edited).latents[0]
    fixed = session.apply(edited, {"tool": "fix", "candidate": 0})
    assert not fixed.strokes and fixed.projected is edited.projected
    np.testing.assert_array_equal(fixed.search.value(tell_nobody).origin, best)
    assert session.render(fixed, "full").images[0].shape == photo.shape
    restarted = session.apply(edited, {"tool": "restart", "seed": 5})
    assert restarted.strokes == edited.strokes
    assert (
        restarted.search.value(tell_nobody).latents[1] != edited.search.value(tell_nobody).latents[1]
    ).any()


def test_the_output_s_size_is_the_document_s(session, photo):
    begun = session.begin()
    opened = session.apply(begun, {"tool": "open", "picture": photo})
    assert session.output_size(opened) == photo.shape[:2]
    assert session.output_size(begun) == session.canvas.output_size == (384, 384)


def test_a_new_stroke_goes_back_to_the_best_candidate(session):
    picked = session.apply(session.begin(), {"tool": "choose", "candidate": 2, "amount": 0.5})
    drawn = session.apply(picked, COLOR)
    assert picked.candidate == 2 and drawn.candidate == 0 and drawn.amount == 0.5


def test_a_warp_needs_something_to_grab(session, photo):
    warp = {"tool": "warp", "from": [[200, 200]], "to": [[240, 200]], "reach": 45}
    with pytest.raises(UserError, match="warp: there is nothing to grab yet"):
        session.apply(session.begin(), warp)
    opened = session.apply(session.begin(), {"tool": "open", "picture": photo})
    warped = session.apply(opened, warp)
    assert session.render(warped).images
    two = session.apply(opened, {**warp, "from": [[200, 200], [90, 90]], "to": [[240, 200], [80, 90]]})
    assert len(warped.strokes) == 1 and len(two.strokes) == 2
    with pytest.raises(UserError, match="1 points from, 0 to"):
        session.apply(opened, {**warp, "to": []})
    with pytest.raises(UserError, match="warp needs 'to'"):
        session.apply(opened, {"tool": "warp", "from": [[1, 1]]})
    drawing = session.drawing(warped)
    np.testing.assert_array_equal(drawing[180:220, 220:260], session.drawing(opened)[180:220, 180:220])


def test_the_drawing_shows_what_is_asked_for(session, photo):
    begun = session.begin()
    assert (session.drawing(begun) == 255).all() and (session.photo(begun) == 255).all()
    drawn = session.apply(session.apply(begun, COLOR), SKETCH)
    drawing = session.drawing(drawn)
    assert drawing[200, 200].tolist() == [250, 20, 20] and drawing[200 + 31, 200].tolist() == [255] * 3
    assert (drawing[52:56, 150] < 60).any()
    strokes = session.layer(drawn, "strokes")
    np.testing.assert_array_equal(strokes[..., 3] > 0, (drawing != 255).any(-1))
    erased = session.drawing(session.apply(begun, {**SKETCH, "erase": True}))
    assert sorted(set(erased.reshape(-1))) == [215, 255]
    opened = session.apply(begun, {"tool": "open", "picture": photo})
    np.testing.assert_array_equal(session.photo(opened), photo)
    np.testing.assert_allclose(session.drawing(opened), session.render(opened).images[0], atol=2)
    assert session.layer(opened, "picture").shape == (384, 384, 4)


def test_the_way_from_the_original_is_played(session, photo):
    with pytest.raises(UserError, match="play: there is no original yet"):
        session.apply(session.begin(), {"tool": "play"})
    opened = session.apply(session.begin(), {"tool": "open", "picture": photo})
    edited = session.apply(opened, COLOR)
    played = session.apply(edited, {"tool": "play", "frames": 3})
    film, full = session.render(played), session.render(played, "full")
    assert film.rate == full.rate == 10 and len(film.images) == len(full.images) == 3
    np.testing.assert_allclose(film.images[0], session.render(opened).image, atol=2)
    np.testing.assert_array_equal(full.images[0], photo)
    assert session.render(session.apply(played, {"tool": "choose"})).rate is None
    fixed = session.apply(session.apply(session.begin(), COLOR), {"tool": "fix"})
    assert len(session.render(session.apply(fixed, {"tool": "play", "frames": 2})).images) == 2


def test_a_film_goes_from_one_state_of_a_photo_to_another(session, photo):
    opened = session.apply(session.begin(), {"tool": "open", "picture": photo})
    edited = session.apply(opened, COLOR)
    ends = [session.render(session.between(opened, edited, share)).image for share in (0, 1)]
    np.testing.assert_allclose(ends[0], session.render(opened).image, atol=2)
    np.testing.assert_allclose(ends[1], session.render(edited).image, atol=2)
    middle = session.between(opened, edited, 0.5)
    np.testing.assert_allclose(
        middle.origin, (opened.origin + session.edited(edited).latents[0]) / 2, atol=1e-2
    )
    assert session.render(middle, "full").image.shape == photo.shape
    assert (session.render(middle, "full").image != photo).any()
    halfway = session.apply(edited, {"tool": "choose", "amount": 0.5})
    np.testing.assert_allclose(session.between(opened, halfway, 1).origin, middle.origin, atol=1e-2)
    again = session.apply(session.begin(), {"tool": "open", "picture": photo})
    middle = session.between(again, edited, 0.5)
    assert middle.projected.photo is again.projected.photo, "given up and made anew"
    np.testing.assert_allclose(middle.projected.latent, again.projected.latent, atol=1e-6)
    with pytest.raises(UserError, match="another one was opened between these"):
        session.between(session.begin(), opened, 0.5)


def test_a_film_between_two_ways_to_look_at_a_photo_shows_the_photo(session, photo):
    opened = session.apply(session.begin(), {"tool": "open", "picture": photo})
    mask = np.zeros(session.canvas.size, np.uint8)
    mask[:200] = 255
    matched = session.apply(opened, {"tool": "match", "mask": mask})
    assert (matched.projected.latent != opened.projected.latent).any()
    middle = session.between(opened, matched, 0.5)
    np.testing.assert_allclose(middle.projected.latent, middle.origin, atol=1e-2)
    assert np.abs(session.render(middle, "full").image.astype(int) - photo).mean() < 1


def test_a_preview_does_not_make_what_was_given_up(session, monkeypatch):
    begun = session.begin()
    for _ in range(3):
        begun = session.apply(begun, COLOR)
    steps = []
    advance = editing.advance
    monkeypatch.setattr(
        editing,
        "advance",
        lambda *given, **options: steps.append(options["steps"]) or advance(*given, **options),
    )
    session.preview(begun, COLOR)
    assert steps == [editing.CHUNK] and not begun.search.is_made


def test_a_preview_looks_for_a_moment_only(session):
    session.warm()
    begun = session.begin()
    shown = session.preview(begun, COLOR)
    assert len(shown.images) >= 1 and not begun.strokes
    chosen = session.preview(begun, {"tool": "choose", "candidate": 2})
    assert chosen.chosen == 2
    np.testing.assert_array_equal(chosen.image, session.render(begun).images[2])


@pytest.mark.parametrize(
    "action, message",
    [
        ({"tool": "erase"}, "no tool 'erase'; there are open"),
        ({"tool": "color", "points": [[1, 1]]}, "color needs 'color'"),
        ({"tool": "color", "color": [1, 2, 3]}, "color needs 'points'"),
        ({"tool": "choose", "candidate": 9}, "candidate=9: allowed are 0 to 8"),
        ({"tool": "choose", "amount": "half"}, "a number is needed"),
        ({"tool": "fix", "colour": 1}, "fix has no option 'colour'"),
        ({"tool": "open", "picture": np.zeros((30, 30, 3), np.uint8), "box": [1, 2]}, "a list of 4"),
        ("color", 'an object with a "tool"'),
    ],
)
def test_actions_that_are_not_understood(session, action, message):
    with pytest.raises(UserError, match=message):
        session.apply(session.begin(), action)


def test_candidates_and_films_are_made_in_parts(session, monkeypatch):
    monkeypatch.setattr(sessions, "STEPS", 10)
    drawn = session.apply(session.begin(), COLOR)
    told = []
    made = session.render_stepwise(drawn, "draft", lambda *part: told.append(part))
    assert told == [(5, 10), (10, 10)]
    np.testing.assert_array_equal(made.images, session.render(drawn).images)
    fixed = session.apply(drawn, {"tool": "fix"})
    film, told[:] = session.apply(fixed, {"tool": "play", "frames": 3}), []
    assert len(session.render_stepwise(film, "draft", lambda *part: told.append(part)).images) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]
