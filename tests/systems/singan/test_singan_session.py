"""A headless session on a SinGAN: what is asked for is checked before, and kept apart from the photo."""

import numpy as np
import pytest

from deepsim_jax import UserError
from deepsim_jax.systems.singan import enlarging
from deepsim_jax.systems.singan import session as sessions

HOLE = np.zeros((22, 26), bool)
HOLE[10:12, 10:14] = True


@pytest.fixture(scope="module")
def session(trained_singan):
    return sessions.SinganSession(trained_singan)


def edited(scene):
    picture, mask = scene.copy(), np.zeros(scene.shape[:2], bool)
    picture[20:50, 100:140] = scene[90:120, 110:150]
    mask[20:50, 100:140] = True
    return picture, mask


def test_nothing_asked_for_is_the_photo(session, scene):
    rendering = session.render(session.begin(), "full")
    np.testing.assert_array_equal(rendering.images[0], scene)
    assert not rendering.mask.any()
    assert session.render(session.begin()).images[0].shape == (22, 26, 3)


def test_samples_are_the_models(session, trained_singan):
    document = session.apply(session.begin(), {"tool": "sample", "count": 2, "seed": 3})
    rendering = session.render(document)
    np.testing.assert_array_equal(rendering.images, trained_singan.sample(2, seed=3))
    assert rendering.mask is None and session.begin().actions == ()


def test_a_hole_may_be_drawn_on_the_canvas(session, scene):
    mask = np.zeros(session.canvas.size, bool)
    mask[10:12, 10:14] = True
    full = session.render(session.apply(session.begin(), {"tool": "inpaint", "mask": mask}), "full")
    assert full.images[0].shape == scene.shape and full.mask[75, 80] and not full.mask[:40].any()


@pytest.mark.parametrize(
    "levels", [(0, 65280, np.uint16), (0.0, 0.9, np.float32), (10, 200, np.int32)], ids=str
)
def test_a_drawn_hole_of_any_numbers_is_its_lighter_part(session, levels):
    low, high, kind = levels
    mask = np.zeros(session.canvas.size, bool)
    mask[10:12, 10:14] = True
    hole = session._hole(np.where(mask, high, low).astype(kind))
    np.testing.assert_array_equal(hole, session._hole(mask))


@pytest.mark.parametrize("tool", ["edit", "harmonise", "inpaint"])
def test_composites_keep_the_photo_outside_their_mask(session, scene, tool):
    picture, mask = edited(scene)
    given = {"mask": mask} if tool == "inpaint" else {"mask": mask, "picture": picture}
    document = session.apply(session.begin(), {"tool": tool, "seed": 1, **given})
    full, draft = session.render(document, "full"), session.render(document)
    assert full.images[0].shape == scene.shape and draft.images[0].shape == (22, 26, 3)
    assert full.mask.any() and not full.mask[100:].any()
    np.testing.assert_array_equal(full.images[0][~full.mask], scene[~full.mask])


def test_drawings_and_enlarged_photos(session, scene):
    painted = session.render(session.apply(session.begin(), {"tool": "paint", "picture": scene}))
    assert painted.images[0].shape == (22, 26, 3)
    larger = session.render(session.apply(session.begin(), {"tool": "enlarge", "times": 1.5}), "full")
    assert larger.images[0].shape == (225, 270, 3)


def test_a_draft_of_an_enlarged_photo_is_made_of_a_small_one(session, scene, monkeypatch):
    seen = []

    def enlarge(learned, picture, times, **options):
        seen.append((picture.shape[:2], times))
        return np.zeros((round(picture.shape[0] * times), round(picture.shape[1] * times), 3), np.uint8)

    monkeypatch.setattr(sessions.applications, "enlarge", enlarge)
    document = session.apply(session.begin(), {"tool": "enlarge", "times": 8.0})
    assert session.render(document).images[0].shape == (22, 26, 3)
    assert session.render(document, "full").images[0].shape == (1200, 1440, 3)
    assert seen == [((22, 26), 2.0), ((150, 180), 8.0)]


@pytest.mark.parametrize(
    "action, message",
    [
        ("sample", '"tool" is needed'),
        ({"tool": "bend"}, "no tool 'bend'; there are sample"),
        ({"tool": "sample", "count": 0}, "count=0: allowed are 1 to 64"),
        ({"tool": "sample", "seed": -1}, "seed=-1: allowed are 0 to 2147483647"),
        ({"tool": "sample", "count": "two"}, "a number is needed"),
        ({"tool": "sample", "start_scale": 2}, "start_scale=2: allowed are 0 to 1"),
        ({"tool": "edit"}, "edit needs 'picture'"),
        ({"tool": "sample", "mask": 3}, "sample has no option 'mask'"),
        ({"tool": "sample", "height": 0.25}, "at the coarsest scale, of which the networks see 11x11"),
    ],
)
def test_what_is_refused_is_one_line(session, action, message):
    with pytest.raises(UserError, match=message):
        session.apply(session.begin(), action)


def test_what_would_be_too_large_is_refused_before_it_is_a_step(session, monkeypatch):
    monkeypatch.setattr(enlarging, "MAX_PIXELS", 3 * 150 * 180)
    assert session.apply(session.begin(), {"tool": "enlarge", "times": 1.5})
    for action in ({"tool": "enlarge"}, {"tool": "enlarge", "times": 8}):
        with pytest.raises(UserError, match="megapixels; enlarge it 1.73 times at most"):
            session.apply(session.begin(), action)


@pytest.mark.parametrize(
    "action",
    [{}, {"tool": "sample", "width": 2.0}, {"tool": "enlarge"}, {"tool": "animate", "frames": 1}],
)
def test_the_size_of_a_picture_is_known_before_it_is_made(session, action):
    document = session.apply(session.begin(), action) if action else session.begin()
    assert session.render(document, "full").images[0].shape[:2] == session.output_size(document)


def test_samples_of_other_sizes_and_from_each_scale(session, trained_singan):
    wide = session.apply(session.begin(), {"tool": "sample", "width": 1.5, "seed": 2})
    picture = session.render(wide, "full").images[0]
    np.testing.assert_array_equal(picture, trained_singan.sample(1, size=(22, 39), seed=2)[0])
    assert session.render(wide).images[0].shape == (15, 26, 3)  # in its own aspect
    each = session.apply(session.begin(), {"tool": "sample", "each_scale": True, "seed": 2, "count": 5})
    images = session.render(each).images
    assert len(images) == trained_singan.scales
    for scale, image in enumerate(images):
        np.testing.assert_array_equal(image, trained_singan.sample(1, start_scale=scale, seed=2)[0])
    with pytest.raises(UserError, match="true or false"):
        session.apply(session.begin(), {"tool": "sample", "each_scale": "yes"})


def test_an_animations_candidates_are_frames(session, trained_singan):
    document = session.apply(session.begin(), {"tool": "animate", "frames": 3, "seed": 4})
    rendering = session.render(document)
    np.testing.assert_array_equal(rendering.images, list(trained_singan.animate(frames=3, seed=4)))
    assert rendering.rate == 10 and session.render(session.begin()).rate is None


def test_a_draft_keeps_the_proportions_of_samples(session):
    for given, size in (({"width": 2.0}, (11, 26)), ({"height": 2.0}, (22, 13))):
        document = session.apply(session.begin(), {"tool": "sample", **given})
        assert session.render(document).images[0].shape[:2] == size


def test_a_preview_makes_no_more_than_is_shown(session, trained_singan):
    asked = {"tool": "sample", "count": 3, "seed": 5, "each_scale": True}
    (first,) = session.preview(session.begin(), asked).images
    np.testing.assert_array_equal(first, trained_singan.sample(1, seed=5)[0])
    moving = session.preview(session.begin(), {"tool": "animate", "frames": 300})
    assert len(moving.images) == 1
    photo = session.render(session.begin()).image
    enlarged = session.preview(session.begin(), {"tool": "enlarge", "times": 8.0})
    np.testing.assert_array_equal(enlarged.image, photo)
    with pytest.raises(UserError, match="count=0"):
        session.preview(session.begin(), {"tool": "sample", "count": 0})


def test_both_qualities_are_made_once(session, monkeypatch):
    document = session.apply(session.begin(), {"tool": "animate", "frames": 2})
    full = session.render(document, "full")
    monkeypatch.setattr(sessions.applications, "animate", None)
    np.testing.assert_array_equal(session.render(document).images, full.images)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"tool": "inpaint", "mask": np.zeros((22, 26), bool)}, "no pixel is masked"),
        (
            {"tool": "inpaint", "mask": HOLE, "reference": np.zeros((20, 20, 3), np.uint8)},
            "must be 180x150",
        ),
        ({"tool": "harmonise", "picture": np.zeros((20, 20, 3), np.uint8)}, "must be 180x150 or 26x22"),
        ({"tool": "edit", "picture": np.zeros((22, 26, 3), np.uint8)}, "smaller than the photo"),
        ({"tool": "paint", "picture": "nowhere.png"}, "nowhere.png"),
    ],
)
def test_a_picture_that_cannot_be_used_is_refused_before_it_is_a_step(session, given, message):
    with pytest.raises(UserError, match=message):
        session.apply(session.begin(), given)


@pytest.mark.parametrize(
    "action, parts",
    [
        ({"tool": "sample", "count": 3}, [(2, 3), (3, 3)]),
        ({"tool": "sample", "each_scale": True}, [(1, 2), (2, 2)]),
        ({"tool": "animate", "frames": 3}, [(1, 3), (2, 3), (3, 3)]),
        ({"tool": "enlarge", "times": 1.5}, [(1, 2), (2, 2)]),
        ({"tool": "enlarge", "times": 1.5}, [(1, 2)]),
    ],
)
def test_pictures_in_parts_can_be_given_up(session, monkeypatch, action, parts):
    monkeypatch.setattr(sessions, "_PIXELS_AT_ONCE", 2 * 22 * 26)
    document, told = session.apply(session.begin(), action), []

    def progress(done, of):
        told.append((done, of))
        if told == parts and done < of:
            raise InterruptedError

    if parts[-1][0] < parts[-1][1]:
        with pytest.raises(InterruptedError):
            session.render_stepwise(document, "draft", progress)
    else:
        made = session.render_stepwise(document, "draft", progress)
        np.testing.assert_array_equal(made.images, session.render(document).images)
    assert told == parts
