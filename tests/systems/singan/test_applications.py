import logging

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.systems.singan import applications


@pytest.fixture(scope="module")
def learned(untrained_pyramid):
    return untrained_pyramid()


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (22, 28, 3), np.uint8)


def test_sample_number_i_does_not_depend_on_how_many_there_are(learned, monkeypatch, caplog):
    monkeypatch.setattr(applications, "_PIXELS_AT_ONCE", 2 * 22 * 28)
    many = applications.sample(learned, 3, seed=4)
    assert many.shape == (3, 22, 28, 3) and many.dtype == np.uint8 and many.std() > 10
    few = applications.sample(learned, 2, seed=4)
    np.testing.assert_array_equal(few, many[:2])
    assert (applications.sample(learned, 2, seed=5) != few).any()
    assert not caplog.records  # trained at the photo's own size
    with pytest.raises(UserError, match="0 samples"):
        applications.sample(learned, 0)


def test_results_smaller_than_the_photo_are_told(learned, caplog):
    plan = learned.pyramid
    larger = learned.replace(pyramid=type(plan)((44, 56), 0.5, plan.factor, plan.sizes, plan.widths))
    with caplog.at_level(logging.WARNING):
        applications.sample(larger, 2, start_scale=2)
    assert caplog.messages == ["samples: 28x22 px; the photo has 56x44, but was trained at 28x22"]


@pytest.mark.parametrize("size", [(0, 50), (0, 0), (-3, 40)])
def test_a_size_without_pixels_is_refused(learned, size):
    with pytest.raises(UserError, match=f"samples of {size[1]}x{size[0]} pixels .* or more$"):
        applications.sample(learned, size=size)


def test_retargeting_stretches_the_layout(learned):
    size = applications.stretched(learned, height=1.5, width=20 / 28)
    assert size == (33, 20)
    got = applications.retarget(learned, size, start_scale=2)
    assert got.shape == (1, 33, 20, 3)
    np.testing.assert_array_equal(got, applications.sample(learned, start_scale=2, size=size))


def test_paintings_come_at_the_training_size(learned, photo, tmp_path):
    images.write_png(tmp_path / "drawing.png", photo.repeat(2, 0))
    got = applications.paint(learned, tmp_path / "drawing.png", 2)
    assert got.shape == (2, 22, 28, 3) and (got[0] != got[1]).any()
    few = applications.paint(learned, photo.repeat(2, 0), 2, centres=np.float32([[0, 0, 0], [1, 1, 1]]))
    assert (few != got).any()
    with pytest.raises(UserError, match="drawing .*none.png: no such file"):
        applications.paint(learned, tmp_path / "none.png")


def test_the_photos_main_colours(learned):
    photo = np.full((22, 28, 3), (200, 30, 30), np.uint8)
    photo[:, 14:] = 10, 20, 240
    centres = applications.main_colors(learned, photo, 2, colors=2)
    found = sorted(np.rint((centres + 1) * 127.5).astype(int).tolist())
    assert found == [[10, 20, 240], [200, 30, 30]]
    flat = applications.flat_drawing(photo ^ 8, centres)
    np.testing.assert_array_equal(flat, photo)
    assert len(applications.main_colors(learned, photo, 1)) == 5  # borders are mixed at a coarse scale
    with pytest.raises(UserError, match="allowed are 1 .* to 2"):
        applications.main_colors(learned, photo, 0)
    with pytest.raises(UserError, match="1 colours: at least 2"):
        applications.main_colors(learned, photo, 1, colors=1)


@pytest.mark.parametrize("apply, reach", [(applications.edit, 20), (applications.harmonise, 7)])
def test_composites_keep_the_photo_bit_for_bit(learned, apply, reach):
    photo = np.random.default_rng(0).integers(0, 256, (220, 280, 3), np.uint8)
    edited = photo.copy()
    edited[:20, :30] = 77
    done = apply(learned, photo, edited, start_scale=2)
    assert done.picture.shape == photo.shape and done.made.shape == (22, 28, 3)
    assert (done.picture[done.weights == 0] == photo[done.weights == 0]).all()
    assert (done.picture[:10, :20] != photo[:10, :20]).any()
    # The mask is widened by 20 or 7 of 250 pixels and blurred with a sigma of 5 of 250.
    ends = np.flatnonzero((done.weights > 0)[0])[-1] - 29
    assert abs(ends - (reach + 4 * 5) * 280 / 250) <= 2
    mask = np.zeros((220, 280), bool)
    mask[:20, :30] = True
    again = apply(learned, photo, edited, mask, start_scale=2)
    np.testing.assert_array_equal(again.picture, done.picture)
    small = apply(learned, photo, edited[::10, ::10], "color:77,77,77,0", start_scale=2)
    assert small.picture.shape == photo.shape


def test_bad_edits(learned, photo):
    large, edited = photo.repeat(2, 0).repeat(2, 1), photo.copy()
    edited[3, 3] ^= 128
    with pytest.raises(UserError, match="nowhere different from the photo"):
        applications.edit(learned, photo, photo)
    with pytest.raises(UserError, match="edited photo: 27x22 px, it must be 28x22$"):
        applications.edit(learned, photo, edited[:, :27])
    with pytest.raises(UserError, match="edited photo: 55x44 px, it must be 56x44 or 28x22$"):
        applications.edit(learned, large, large[:, :55])
    with pytest.raises(UserError, match="smaller than the photo, .* give the mask"):
        applications.edit(learned, large, edited)
    with pytest.raises(UserError, match="mask: 28x21 px, the picture has 28x22"):
        applications.edit(learned, photo, edited, np.ones((21, 28)))
    with pytest.raises(UserError, match="mask: no pixel is masked"):
        applications.edit(learned, photo, edited, np.zeros((22, 28)))
    with pytest.raises(UserError, match="start scale 9: allowed are 1 .* to 2"):
        applications.harmonise(learned, photo, edited, start_scale=9)


def test_enlarging_and_the_training_picture(learned, photo):
    got = applications.enlarge(learned, photo, 1.5)
    assert got.shape == (33, 42, 3) and got.dtype == np.uint8
    np.testing.assert_array_equal(applications.training_picture(learned, photo), photo)
    with pytest.raises(UserError, match="above 1"):
        applications.enlarge(learned, photo, 1.0)


def test_an_enlarged_photo_that_was_shrunk_for_the_training_is_told(learned, photo, monkeypatch, caplog):
    monkeypatch.setattr(
        applications.enlarging, "enlarge", lambda key, learned, picture, *_, **__: picture
    )
    plan = learned.pyramid
    larger = learned.replace(pyramid=type(plan)((44, 56), 0.5, plan.factor, plan.sizes, plan.widths))
    with caplog.at_level(logging.WARNING):
        applications.enlarge(larger, photo, 1.5)
        assert not caplog.messages  # this one has the training size
        applications.enlarge(larger, photo.repeat(2, 0).repeat(2, 1), 1.5)
    told = "enlarged picture: 84x66 px; the photo has 56x44, but was trained at 28x22"
    assert caplog.messages == [told]


def test_animations(learned):
    frames = list(applications.animate(learned, frames=3))
    assert len(frames) == 3 and frames[0].shape == (22, 28, 3) and (frames[0] != frames[2]).any()
    sheet = list(applications.animation_sheet(learned, frames=3, betas=(0.9, 0.8), start_scales=(2,)))
    assert len(sheet) == 3
    # A line for the columns' labels, one for the row's.
    np.testing.assert_array_equal(sheet[2][44:66, :28], frames[2])


def test_a_row_for_each_start_scale(learned, photo):
    seen = []

    def make(start):
        seen.append(start)
        return np.full((2, 22, 28, 3), 50 * start, np.uint8)

    sheet = applications.start_scale_sheet(make, learned, least=1, given=[photo])
    assert seen == [1, 2]
    np.testing.assert_array_equal(sheet[22:44, :28], photo)
    assert (sheet[22:44, 34:62] == 50).all() and (sheet[72:94, 68:96] == 100).all()


def test_the_effect_of_the_number_of_scales(learned, untrained_pyramid):
    sheet = applications.scales_sheet([learned, untrained_pyramid(scales=1)], 2)
    few, many = applications.sample(untrained_pyramid(scales=1), 2), applications.sample(learned, 2)
    assert few.shape == (2, 12, 16, 3)  # no more than is trained
    np.testing.assert_array_equal(sheet[22:34, :16], few[0])
    np.testing.assert_array_equal(sheet[62:84, :28], many[0])
