import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.ops import bicubic
from deepsim_jax.systems.singan import pyramid


def squares(*sides):
    return tuple((side, side) for side in sides)


# By hand, with L(x) = log(x) / log(.75): num = ceil(L(25 / shorter)) + 1,
# steps = num - ceil(L(min(250, longer) / longer)), factor = (25 / shorter after reduction)^(1 / steps).
PUBLISHED = {
    # L(25/512) = 10.50 -> num 12; L(250/512) = 2.49 -> 3; 9 steps; .1^(1/9) = .77426
    (512, 512): (0.774264, squares(25, 33, 42, 54, 70, 90, 117, 150, 194, 250)),
    # L(25/300) = 8.64 -> num 10; L(250/451) = 2.05 -> 3; 7 steps from 167x250; (25/167)^(1/7)
    (300, 451): (
        0.762386,
        ((25, 38), (33, 50), (44, 65), (57, 85), (75, 111), (98, 146), (128, 191), (167, 250)),
    ),
    # The same on its side, at other numbers: L(25/667) = 11.42 -> num 13; L(1/4) = 4.82 -> 5; 8 steps
    (1000, 667): (
        0.788684,
        ((38, 25), (48, 32), (61, 41), (77, 51), (97, 65), (123, 82), (156, 104), (198, 132), (250, 167)),
    ),
    # L(.1) = 8.004 -> num 10; not reduced: 10 steps of 10^(-1/10)
    (250, 250): (0.794328, squares(25, 32, 40, 50, 63, 80, 100, 126, 158, 199, 250)),
    # L(25/80) = 4.04 -> num 6; not enlarged: 6 steps of (25/80)^(1/6)
    (120, 80): (0.823774, ((38, 25), (46, 31), (56, 37), (68, 45), (82, 55), (99, 66), (120, 80))),
    # L(25/26) = .14 -> num 2; the smallest: 2 steps of (25/26)^(1/2)
    (26, 26): (0.980581, squares(25, 26, 26)),
}


@pytest.mark.parametrize("size", PUBLISHED)
def test_scales_of_a_photo_as_published(size):
    factor, sizes = PUBLISHED[size]
    got = pyramid.plan(size)
    assert got.photo == size and got.sizes == sizes
    assert got.factor == pytest.approx(factor, abs=1e-6)
    assert got.reduction == min(250 / max(size), 1)
    widths = (32, 32, 32, 32, 64, 64, 64, 64, 128, 128, 128)
    assert got.widths == widths[: len(sizes)]


def test_widths_double_every_fourth_scale_up_to_the_most():
    got = pyramid.plan((250, 250), factor=0.85, filters=16, most_filters=64)
    # L(.1) / L(.85) = 14.17 -> 15 + 1 steps
    assert got.widths == (16,) * 4 + (32,) * 4 + (64,) * 9


def test_quickstart_sizes():
    # L(25/512) = 10.50 -> num 12; L(96/512) = 5.82 -> 6; 6 steps of (25/96)^(1/6) = .79914
    assert pyramid.plan((512, 512), max_size=96).sizes == squares(25, 32, 40, 49, 62, 77, 96)
    # L(25/400) = 9.64 -> num 11; L(96/600) = 6.37 -> 7; 4 steps of (25/64)^(1/4) = .79057
    assert pyramid.plan((400, 600), max_size=96).sizes == (
        (25, 38),
        (32, 48),
        (40, 60),
        (51, 76),
        (64, 96),
    )


def test_a_factor_that_hits_the_size_needs_no_further_step():
    # 27 / .75^3 = 64: three steps and the program's one more, whatever the logarithm's last bits.
    assert len(pyramid.plan((64, 64), min_size=27).sizes) == 5
    # (1/2)^(1/3), rounded down: 36 = 18 * 2 are three steps and one more.
    sr = pyramid.plan((36, 36), min_size=18, factor=0.5 ** (1 / 3), steps="published_sr")
    assert len(sr.sizes) == 5


@pytest.mark.parametrize(
    "size, sizes",
    [
        ((512, 512), squares(26, 32, 41, 51, 64)),
        ((400, 600), ((25, 38), (30, 45), (36, 54), (43, 64))),  # no product misses a whole number
    ],
)
def test_sizes_of_the_program_are_rounded_up_from_its_floats(size, sizes):
    assert pyramid.plan(size, max_size=64, compat="code").sizes == sizes


def test_steps_of_the_program_are_rounded_up_from_its_floats():
    # log(27 / 64) / log(.75) is 3.0000000000000004: four steps and the program's one more.
    assert len(pyramid.plan((64, 64), min_size=27, max_size=240, compat="code").sizes) == 6
    assert len(pyramid.plan((64, 64), min_size=27, max_size=240).sizes) == 5


def test_whole_sizes_stay_where_the_program_is_not_followed():
    assert pyramid.plan((512, 512), max_size=64).sizes == squares(25, 32, 40, 51, 64)


def test_nearest_ratio_of_the_paper():
    # 10^(1/8) = 1.3335, 10^(1/7) = 1.389
    got = pyramid.plan((250, 250), steps="nearest")
    assert got.sizes == squares(25, 34, 45, 60, 80, 106, 141, 188, 250)
    # (63/25)^(1/3) = 1.3608 is 0.028 away, (63/25)^(1/4) = 1.2600 is 0.073
    got = pyramid.plan((64, 256), steps="nearest")
    assert got.sizes == ((25, 100), (35, 136), (47, 184), (63, 250))
    assert pyramid.plan((26, 30), steps="nearest").sizes == ((25, 29), (26, 30))


def test_super_resolution():
    step, count = pyramid.enlarging_steps(4)
    assert count == 6 and step == pytest.approx(2 ** (1 / 3))
    assert pyramid.enlarging_steps(3) == (pytest.approx(3 ** (1 / 5)), 5)  # log2(3) * 3 = 4.75
    assert pyramid.enlarging_steps(1.05) == (1.05, 1)
    # log(18/80) / log(step^-1) = 6.46 -> num 7, rounded down; 7 steps of (18/80)^(1/7) = .80808
    got = pyramid.plan((80, 120), factor=1 / step, min_size=18, steps="published_sr")
    assert got.sizes == ((18, 27), (23, 34), (28, 42), (35, 52), (43, 64), (53, 79), (65, 97), (80, 120))
    for times in (1, 0.5, float("nan")):
        with pytest.raises(UserError, match=f"enlarging {times} times: .* above 1"):
            pyramid.enlarging_steps(times)


def test_fewer_scales_are_the_finest_ones():
    full, few = pyramid.plan((512, 512)), pyramid.plan((512, 512), keep=3)
    assert few.sizes == squares(150, 194, 250) and few.widths == (32, 32, 32)
    assert few.factor == full.factor
    assert pyramid.plan((512, 512), keep=99) == full


def test_a_plan_is_json():
    plan = pyramid.plan((40, 60))
    again = json.loads(json.dumps(dataclasses.asdict(plan)))
    assert [tuple(size) for size in again["sizes"]] == list(plan.sizes)
    assert again["factor"] == plan.factor


def test_pictures_are_the_photo_at_each_size():
    photo = np.random.default_rng(0).uniform(-1, 1, (40, 52, 3)).astype(np.float32)
    plan = pyramid.plan((40, 52), max_size=48)
    got = jax.jit(lambda p: pyramid.pictures(p, plan))(photo)
    assert [g.shape[:2] for g in got] == list(plan.sizes)
    finest = jnp.clip(bicubic.resize(photo, 48 / 52), -1, 1)
    np.testing.assert_allclose(got[-1], finest, atol=1e-6)
    coarser = jnp.clip(bicubic.resize(finest, plan.factor), -1, 1)
    np.testing.assert_allclose(got[-2], coarser, atol=1e-6)
    assert all(np.abs(g).max() <= 1 for g in got)
    same = pyramid.plan((40, 52))
    np.testing.assert_array_equal(pyramid.pictures(photo, same)[-1], photo)
    with pytest.raises(ValueError, match=r"\(52, 40\): the pyramid is one of \(40, 52\)"):
        pyramid.pictures(photo.transpose(1, 0, 2), plan)


def test_levels_lie_over_each_other():
    y, x = np.mgrid[:83, :117]
    photo = np.stack([x / 117, y / 83, 0 * x], -1).astype(np.float32)
    plan = pyramid.plan((83, 117))
    levels = pyramid.pictures(photo, plan)
    for coarse, fine, size in zip(levels, levels[1:], plan.sizes[1:], strict=False):
        up = pyramid.upsample(coarse[None], plan.factor, size)
        assert up.shape == (1, *size, 3)
        inner = np.abs(up[0] - fine)[4:-5, 4:-5]
        assert inner.max() < 1e-3  # a slope; a shift of a pixel would be 0.008 and more


def test_upsampling_clips():
    picture = np.where(np.arange(30)[:, None] < 15, -1.5, 1.5)[..., None] * np.ones((1, 30, 3))
    up = pyramid.upsample(picture.astype(np.float32), 0.75, (40, 40))
    assert up.min() == -1 and up.max() == 1
    clipped = pyramid.upsample(np.clip(picture, -1, 1).astype(np.float32), 0.75, (40, 40))
    np.testing.assert_array_equal(up, clipped)


@pytest.mark.parametrize(
    "size, options, message",
    [
        ((20, 20), {}, r"20x20 pixels: its shorter side must be above 25, .*smaller min_size"),
        ((26, 300), {}, "300x26 .* reduced to a longer side of 250 its shorter one has 22, .* crop"),
        ((25, 300), {}, "300x25 pixels: its shorter side must be above 25, .*larger photo"),
        ((150, 2000), {}, "2000x150 .* has 19, .* above 25; crop the photo or raise max_size"),
        ((99, 99), {"factor": 1.5}, "scale factor 1.5: .* between 0 and 1"),
        ((99, 99), {"min_size": 8}, "min_size 8: .* 11x11 pixels .* 11 or more"),
        ((99, 99), {"max_size": 25}, "max_size 25: .* above min_size, which is 25"),
        ((99, 99), {"steps": "paper"}, "'paper': allowed are 'published', 'published_sr', 'nearest'"),
        ((99, 99), {"keep": 0}, "keep 0: at least 1"),
    ],
)
def test_bad_input_is_refused_in_one_line(size, options, message):
    with pytest.raises(UserError, match=message) as raised:
        pyramid.plan(size, **options)
    assert "\n" not in str(raised.value)


def test_a_photo_of_one_colour_is_refused():
    photo = np.full((40, 40, 3), (200, 30, 7), np.uint8)
    with pytest.raises(UserError, match=r"one colour \(200, 30, 7\): .* take a photo"):
        pyramid.check_photo(photo)
    photo[5, 5, 2] = 8
    pyramid.check_photo(photo)


def test_a_pyramid_without_its_finest_scales_is_that_of_a_smaller_photo():
    plan = pyramid.plan((96, 128), max_size=96)
    fewer = pyramid.coarser(plan, 3)
    assert (fewer.sizes, fewer.widths, fewer.photo) == (plan.sizes[:3], plan.widths[:3], plan.photo)
    assert fewer.reduction * 96 == pytest.approx(plan.sizes[2][0], abs=1)
    picture = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (96, 128, 3)), jnp.float32)
    found = pyramid.pictures(picture, fewer)
    assert [one.shape[:2] for one in found] == list(plan.sizes[:3])
    np.testing.assert_allclose(found[1].mean(), pyramid.pictures(picture, plan)[1].mean(), atol=0.02)
    assert pyramid.coarser(plan, len(plan.sizes)) == plan
