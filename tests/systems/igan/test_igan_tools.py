"""The tool with which a part of a photo is marked that counts; the others are tested with the session."""

import numpy as np
import pytest

from deepsim_jax.errors import UserError

COLOR = {"tool": "color", "points": [[100, 200], [300, 200]], "radius": 29.5, "color": [250, 20, 20]}


@pytest.fixture
def photo(things):
    """A thing, twice as high as wide, whose upper half something hides."""
    photo = things[3].repeat(4, 0).repeat(2, 1)
    photo[:48] = np.random.default_rng(0).integers(0, 256, (48, 48, 3))
    return photo


@pytest.fixture
def mask():
    """Of the lower two thirds of what is seen, as a pad sends it."""
    mask = np.zeros((384, 384, 3), np.uint8)
    mask[128:] = 255
    return mask


def test_only_what_is_marked_of_a_photo_counts(session, photo, mask):
    opened = session.apply(session.begin(), {"tool": "open", "picture": photo})
    drawn = session.apply(opened, COLOR)
    matched = session.apply(drawn, {"tool": "match", "mask": mask})
    of, was = matched.projected, opened.projected
    assert of.framed.box == was.framed.box == (0, 24, 48, 48)
    np.testing.assert_array_equal(of.framed.picture, was.framed.picture)
    np.testing.assert_allclose(of.framed.mask[[0, 4, 6, 15]].mean(1), [0, 0, 1, 1])
    whole = np.zeros(photo.shape[:2], bool)
    whole[24 + 16 :] = True
    same = session._model.project(photo, mask=whole)
    np.testing.assert_array_equal(of.latent, same.latent)
    assert (of.latent != was.latent).any()
    np.testing.assert_array_equal(matched.origin, of.latent)
    assert matched.strokes == drawn.strokes and session.render(matched).images
    np.testing.assert_array_equal(
        session.render(session.apply(opened, {"tool": "match", "mask": mask}), "full").image, photo
    )


def test_what_is_seen_of_the_photo_is_a_layer_to_mark_it_on(session, photo):
    tool = next(tool for tool in session.tools if tool.name == "match")
    assert tool.takes == ("mask",) and tool.ground in session.canvas.layers
    begun = session.begin()
    assert not session.layer(begun, tool.ground).any()
    opened = session.apply(begun, {"tool": "open", "picture": photo, "box": [8, 40, 32, 32]})
    seen = session.layer(opened, tool.ground)
    assert seen.shape == (384, 384, 4) and (seen[..., 3] == 255).all()
    np.testing.assert_allclose(
        seen[6::12, 6::12, :3][20:], photo[40:72, 8:40][20:], atol=12, err_msg="the box, enlarged"
    )


def test_marks_that_cannot_be_used_are_refused(session, photo, mask):
    with pytest.raises(UserError, match="match: there is no photo of which a part could count"):
        session.apply(session.begin(), {"tool": "match", "mask": mask})
    opened = session.apply(session.begin(), {"tool": "open", "picture": photo})
    for marked, message in (
        (0 * mask, "nothing of what the generator sees counts"),
        (mask[:200], "mask of 384x200: what is seen of the photo is a square"),
    ):
        with pytest.raises(UserError, match=message):
            session.apply(opened, {"tool": "match", "mask": marked})
    with pytest.raises(UserError, match="match needs 'mask'"):
        session.apply(opened, {"tool": "match"})
