"""The random warps of a pair: what is drawn, how often, and what it does to each layer."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage
from skimage import morphology

from deepsim_jax.errors import UserError
from deepsim_jax.geometry import affine, grid
from deepsim_jax.primitives import edges
from deepsim_jax.systems.deepsim.augment import Augmentation, augment, sample_field
from deepsim_jax.systems.deepsim.device_pair import Pair
from deepsim_jax.systems.deepsim.warp import render, warp

HEIGHT, WIDTH = 40, 56
NOTHING = Augmentation(flip=0.0, tps=0.0)
EVERYTHING = Augmentation(
    rotation=1.0, shear=0.5, translation=0.5, cutmix=0.5, cutmix_side=(6, 18), tps_points=(4, 3)
)


def random_edges(seed, height=HEIGHT, width=WIDTH):
    """Smooth random contours, one pixel thick."""
    noise = np.random.default_rng(seed).normal(size=(height, width))
    inside = ndimage.gaussian_filter(noise, 3) > 0
    return morphology.thin(inside ^ ndimage.binary_erosion(inside))


def make_pair(seed=0, height=HEIGHT, width=WIDTH, *, layers=1, **options):
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.normal(size=(height, width, 3)), (2, 2, 0))
    palette = rng.uniform(-1, 1, (5, 3)).astype(np.float32)
    labels = np.digitize(image[..., 0], np.quantile(image[..., 0], [0.2, 0.4, 0.6, 0.8]))
    offsets = [edges.edge_offsets(random_edges(seed + i, height, width)) for i in range(layers)]
    return Pair(
        image=jnp.asarray(np.clip(3 * image, -1, 1), jnp.float32),
        regions=jnp.asarray(palette[labels]),
        edges=jnp.asarray(np.stack(offsets)) if layers else None,
        **options,
    )


AUGMENT = jax.jit(augment, static_argnums=2)
FIELD = jax.jit(
    lambda keys, *static: jax.vmap(lambda key: sample_field(key, *static))(keys),
    static_argnums=(1, 2, 3),
)
WARP = jax.jit(warp)


def many(settings, pair, count, seed=0):
    """(primitives, images), (count, H, W, 3) each."""
    keys = jax.random.split(jax.random.key(seed), count)
    results = [AUGMENT(key, pair, settings) for key in keys]
    return [np.stack(part) for part in zip(*results, strict=True)]


def fields(settings, count, height, width):
    """(count, height, width, 2) source positions in pixels."""
    sampled = FIELD(jax.random.split(jax.random.key(7), count), height, width, settings)
    return np.asarray(grid.to_pixels(sampled, height, width), np.float64)


def shifted(dx, dy, height=HEIGHT, width=WIDTH):
    """A field that looks (dx, dy) pixels further."""
    pixels = grid.to_pixels(grid.pixel_grid(height, width), height, width)
    return grid.to_normalised(pixels + jnp.array([dx, dy]), height, width)


# ------------------------------------------------------------------ each layer's own resampling


@pytest.mark.parametrize("seed", range(3))
def test_the_identity_changes_nothing(seed):
    pair = make_pair(seed, 37, 50)
    for primitive, image in (
        WARP(pair, grid.pixel_grid(37, 50)),
        AUGMENT(jax.random.key(seed), pair, NOTHING),
    ):
        np.testing.assert_array_equal(primitive, render(pair))
        np.testing.assert_allclose(image, pair.image, atol=1e-5)


def test_a_flip_and_whole_shifts_are_exact():
    pair = make_pair(1)
    primitive, image = AUGMENT(jax.random.key(0), pair, dataclasses.replace(NOTHING, flip=1.0))
    np.testing.assert_array_equal(primitive, render(pair)[:, ::-1])
    np.testing.assert_allclose(image, pair.image[:, ::-1], atol=1e-5)
    primitive, image = WARP(pair, shifted(5, -7))
    for result, source in ((primitive, render(pair)), (image, pair.image)):
        mirrored = np.pad(source, ((7, 0), (0, 5), (0, 0)), mode="reflect")
        np.testing.assert_allclose(result, mirrored[:HEIGHT, 5:], atol=1e-4)


def test_a_quarter_turn_is_exact_for_edges_and_regions():
    pair = make_pair(2, 48, 48)
    field = affine.apply(affine.rotation(np.pi / 2), grid.pixel_grid(48, 48))
    primitive, image = WARP(pair, field)
    np.testing.assert_array_equal(primitive, np.rot90(render(pair)))
    np.testing.assert_allclose(image, np.rot90(pair.image), atol=1e-4)


def test_the_image_is_sampled_bilinearly_and_mirrored_outside():
    pair = make_pair(3)
    field = jnp.asarray(np.random.default_rng(0).uniform(-3, 3, (HEIGHT, WIDTH, 2)), jnp.float32)
    where = np.asarray(grid.to_pixels(field, HEIGHT, WIDTH))
    _, image = WARP(pair, field)
    for channel in range(3):
        expected = ndimage.map_coordinates(
            np.asarray(pair.image[..., channel]),
            [where[..., 1], where[..., 0]],
            order=1,
            mode="mirror",
        )
        np.testing.assert_allclose(image[..., channel], expected, atol=1e-4)


def test_flat_regions_stay_flat_and_paintings_are_interpolated():
    pair = make_pair(4, layers=0)
    half = shifted(0.3, 0.4)
    np.testing.assert_allclose(WARP(pair, half)[0][:-1, :-1], pair.regions[:-1, :-1])
    painting = dataclasses.replace(pair, regions=pair.image, smooth_regions=True)
    primitive, image = WARP(painting, half)
    np.testing.assert_allclose(primitive, image, atol=1e-6)
    assert np.abs(primitive - pair.image).max() > 0.01


@pytest.mark.parametrize("compat", ["paper", "code"])
def test_a_segmentation_never_shows_a_colour_that_it_did_not_have(compat):
    settings = dataclasses.replace(EVERYTHING, compat=compat, canny=0.5)
    pair = make_pair(5, layers=3)
    primitives, _ = many(settings, pair, 24)
    allowed = np.unique(np.asarray(render(pair)).reshape(-1, 3), axis=0)
    shown = np.unique(primitives.reshape(-1, 3), axis=0)
    assert {tuple(c) for c in shown} <= {tuple(c) for c in allowed}
    assert len(shown) == 6


def test_without_any_edge_nothing_is_drawn_and_white_edges_are_white():
    blank = jnp.ones((HEIGHT, WIDTH, 3))
    nowhere = edges.edge_offsets(np.zeros((HEIGHT, WIDTH), bool))
    empty = Pair(image=blank, regions=blank, edges=jnp.asarray(nowhere)[None])
    assert (many(EVERYTHING, empty, 4)[0] == 1).all()
    pair = make_pair(6, edge_value=1.0)
    mask = random_edges(6)
    assert (np.asarray(render(pair))[mask] == 1).all()
    assert (many(EVERYTHING, pair, 2)[0] == 1).all(-1).mean() > mask.mean() / 3


# ------------------------------------------------------------------------------- moving together


@pytest.mark.parametrize("compat", ["paper", "code"])
def test_photo_and_primitive_move_together(compat):
    mark = np.zeros((HEIGHT, WIDTH), bool)
    mark[14:26, 20:34] = True
    layer = jnp.asarray(np.where(mark, 1, -1)[..., None] * np.ones(3), jnp.float32)
    outline = edges.edge_offsets(mark ^ ndimage.binary_erosion(mark))
    pair = Pair(image=layer, regions=layer, edges=jnp.asarray(outline)[None], edge_value=0.5)
    settings = dataclasses.replace(EVERYTHING, compat=compat)
    for primitive, image in zip(*many(settings, pair, 30), strict=True):
        line, marked = primitive[..., 0] == 0.5, image[..., 0] > 0
        assert marked.any() and line.any()
        # Only at the mark's corners do "the nearest" and "more than half" differ.
        assert ((primitive[..., 0] > 0) != marked)[~line].sum() <= 6
        border = marked ^ ndimage.binary_erosion(marked, border_value=1)
        distance = ndimage.distance_transform_edt(~border)
        # Cutmix may leave a line at a square's border without its part of the mark.
        assert (distance[line] <= 1.5).mean() > 0.9


def test_cutmix_exchanges_two_squares_alike_in_everything():
    settings = dataclasses.replace(NOTHING, cutmix=1.0, cutmix_side=(5, 15))
    ids = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    codes = jnp.asarray(ids[..., None] / ids.size * np.ones(3), jnp.float32)
    mask = random_edges(0)
    pair = Pair(image=codes, regions=codes, edges=jnp.asarray(edges.edge_offsets(mask))[None])
    sides, corners = set(), []
    for primitive, image in zip(*many(settings, pair, 60), strict=True):
        order = np.rint(image[..., 0] * ids.size).astype(int)
        np.testing.assert_array_equal(np.sort(order, axis=None), ids.ravel())
        np.testing.assert_array_equal(primitive, np.asarray(render(pair)).reshape(-1, 3)[order])
        labels, count = ndimage.label(order != ids)
        step = np.abs(order - ids)[order != ids]
        assert (step == step[0]).all() and count in (1, 2)
        moved = np.argwhere(order > ids)
        (top, left), (bottom, right) = moved.min(0), moved.max(0)
        side = right - left + 1
        assert bottom - top + 1 == side and len(moved) == side**2
        sides.add(side)
        corners.append((top, left))
    assert min(sides) == 5 and max(sides) == 15
    assert len(set(corners)) > 50


def test_squares_that_cannot_fit_are_capped_at_half_of_the_image():
    settings = dataclasses.replace(NOTHING, cutmix=1.0, cutmix_side=(100, 200))
    pair = make_pair(0, 16, 20, layers=0)
    primitives, images = many(settings, pair, 4)
    for primitive, image in zip(primitives, images, strict=True):
        assert (np.abs(image - pair.image).max(-1) > 1e-4).sum() > 2 * 8 * 8 * 0.9
        colours = [
            np.unique(a.reshape(-1, 3), axis=0, return_counts=True)[1]
            for a in (primitive, np.asarray(pair.regions))
        ]
        np.testing.assert_array_equal(*colours)


# --------------------------------------------------------------------------------- what is drawn


def fit_affine(field):
    """(n, 2, 3) least-squares affine maps in pixels about the middle, and what they leave, (n,)."""
    count, height, width, _ = field.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    rows, columns = np.mgrid[:height, :width]
    pixels = np.stack([columns, rows], -1).reshape(-1, 2) - middle
    design = np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1)
    values = field.reshape(count, -1, 2) - middle
    maps = np.linalg.pinv(design) @ values
    rest = np.abs(values - design @ maps).max((1, 2))
    return np.swapaxes(maps, 1, 2), rest


def assert_independent(events, probabilities, tolerance=0.03):
    """Each event has its probability and no two of them know of each other."""
    for name, probability in probabilities.items():
        assert abs(events[name].mean() - probability) < tolerance, name
    for a in probabilities:
        for b in probabilities:
            if a < b:
                both = (events[a] & events[b]).mean()
                assert abs(both - events[a].mean() * events[b].mean()) < tolerance, (a, b)


def test_affine_draws_are_independent_and_in_range():
    settings = Augmentation(tps=0.0, flip=0.3, shear=0.4, translation=0.7)
    maps, rest = fit_affine(fields(settings, 3000, 24, 48))
    assert rest.max() < 1e-3
    flipped = np.linalg.det(maps[:, :, :2]) < 0
    maps[flipped, 0] *= -1
    shear_x, shear_y, shift = maps[:, 0, 1], maps[:, 1, 0], maps[:, :, 2]
    events = {
        "flip": flipped,
        "shear_x": np.abs(shear_x) > 1e-4,
        "shear_y": np.abs(shear_y) > 1e-4,
        "shift": np.abs(shift).max(1) > 1e-3,
    }
    assert_independent(events, {"flip": 0.3, "shear_x": 0.4, "shear_y": 0.4, "shift": 0.7})
    for shear in (shear_x, shear_y):
        assert 0.28 < shear.max() < 0.3001 and -0.3001 < shear.min() < -0.28
    plain = ~events["shear_x"] & ~events["shear_y"]
    # A fraction of the extent along each axis: 0.2 of 48 and of 24 pixels.
    np.testing.assert_allclose(np.abs(shift[plain]).max(0), [9.6, 4.8], rtol=0.03)


def test_a_crop_is_a_window_anywhere_within_the_image():
    settings = Augmentation(flip=0.4, tps=0.0, crop=0.6, crop_fraction=0.5)
    maps, rest = fit_affine(fields(settings, 3000, 24, 48))
    assert rest.max() < 1e-3
    scale, shift = np.abs(maps[:, 0, 0]), maps[:, :, 2]
    events = {"flip": maps[:, 0, 0] < 0, "crop": scale < 0.75}
    assert_independent(events, {"flip": 0.4, "crop": 0.6})
    expected = np.where(events["crop"], 0.5, 1)
    np.testing.assert_allclose(scale, expected, atol=1e-4)
    np.testing.assert_allclose(maps[:, 1, 1], expected, atol=1e-4)
    # The window's middle is within half of the free space of the middle, 0.25 of 48 and 24 pixels.
    np.testing.assert_allclose(np.abs(shift[events["crop"]]).max(0), [12, 6], rtol=0.02)
    assert np.abs(shift[~events["crop"]]).max() < 1e-3
    assert np.abs(np.corrcoef(shift[events["crop"]].T)[0, 1]) < 0.05


def test_paper_rotates_whether_or_not_it_bends():
    settings = Augmentation(flip=0.4, tps=0.6, tps_jitter=1e-3, rotation=0.5, rotation_degrees=90)
    maps, rest = fit_affine(fields(settings, 3000, 24, 36))
    flipped = np.linalg.det(maps[:, :, :2]) < 0
    maps[flipped, 0] *= -1
    angle = np.arctan2(maps[:, 1, 0], maps[:, 0, 0])
    events = {"flip": flipped, "tps": rest > 1e-3, "rotation": np.abs(angle) > 0.02}
    assert_independent(events, {"flip": 0.4, "tps": 0.6, "rotation": 0.5})


def test_paper_rotates_by_up_to_ten_degrees_about_the_middle():
    maps, rest = fit_affine(fields(Augmentation(0.0, 0.0, rotation=1.0), 1000, 24, 36))
    angle = np.degrees(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    assert 9.8 < angle.max() < 10.001 and -10.001 < angle.min() < -9.8
    assert np.abs(np.mean(angle)) < 0.6 and abs(np.std(angle) - 10 / np.sqrt(3)) < 0.3
    assert np.abs(maps[:, :, 2]).max() < 1e-3
    np.testing.assert_allclose(np.linalg.det(maps[:, :, :2]), 1, atol=1e-4)


def test_code_rotates_only_where_it_does_not_bend_and_by_one_degree():
    settings = Augmentation(flip=0.4, tps=0.6, rotation=0.5, shear=0.3, compat="code")
    field = fields(settings, 3000, 24, 36)
    maps, rest = fit_affine(field)
    bent, flipped = rest > 0.05, np.linalg.det(maps[:, :, :2]) < 0
    maps[flipped, 0] *= -1
    moved = np.abs(maps[:, :, :2] - np.eye(2)).max((1, 2)) > 1e-4
    assert_independent({"bent": bent, "flipped": flipped}, {"bent": 0.6, "flipped": 0.4})
    assert abs(moved[~bent].mean() - (1 - 0.5 * 0.7**2)) < 0.05
    # The same keys without any affine map: where there is a bend, nothing is missing.
    bends = fields(dataclasses.replace(settings, rotation=0.0, shear=0.0), 3000, 24, 36)
    np.testing.assert_array_equal(field[bent], bends[bent])
    default = Augmentation(flip=0.0, tps=0.0, rotation=1.0, compat="code")
    maps, _ = fit_affine(fields(default, 500, 24, 36))
    angle = np.degrees(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    assert 0.97 < angle.max() < 1.01 and -1.01 < angle.min() < -0.97


def test_the_jitter_is_relative_to_each_axis_and_in_code_to_the_width():
    height, width = 25, 75
    middle = np.array([37, 12])
    moves = {}
    for compat in ("paper", "code"):
        field = fields(Augmentation(flip=0.0, compat=compat), 600, height, width)
        moves[compat] = np.abs(field[:, middle[1], middle[0]] - middle)
        corner = np.abs(field[:, 0, 0]).mean(0)
        # The published program holds the corners, the paper moves them as all other points.
        assert (corner < 0.5).all() if compat == "code" else (corner > [3.0, 1.0]).all()
    # The regular grid's middle is a pixel here: the result's point looks as far off as was drawn.
    np.testing.assert_allclose(moves["paper"].max(0), [7.5, 2.5], rtol=0.03)
    np.testing.assert_allclose(moves["paper"].mean(0), [3.75, 1.25], rtol=0.1)
    assert moves["code"][:, 1].mean() > 2.0 and moves["code"][:, 1].max() > 4.5
    assert moves["code"][:, 0].mean() > 2.0


@pytest.mark.parametrize("compat", ["paper", "code"])
def test_no_jitter_is_no_bend(compat):
    field = fields(Augmentation(flip=0.0, tps_jitter=0.0, compat=compat), 2, 24, 36)
    rows, columns = np.mgrid[:24, :36]
    np.testing.assert_allclose(field, np.stack([np.stack([columns, rows], -1)] * 2), atol=1e-4)


def test_more_control_points_and_smoothing_bend_as_they_say():
    bends = {}
    for points, smoothing in (((2, 2), 0.0), ((5, 4), 0.0), ((5, 4), 0.1), ((5, 4), 1e3)):
        settings = Augmentation(flip=0.0, tps_points=points, tps_smoothing=smoothing)
        bends[points, smoothing] = fit_affine(fields(settings, 50, 32, 40))[1].mean()
    assert bends[(5, 4), 1e3] < 0.01 < bends[(5, 4), 0.1] < 0.9 * bends[(5, 4), 0.0]
    assert bends[(2, 2), 0.0] < bends[(5, 4), 0.0]


def test_canny_draws_another_layer_and_cutmix_does_not_care():
    pair = make_pair(0, layers=4)
    settings = dataclasses.replace(NOTHING, canny=0.6, cutmix=0.5, cutmix_side=(4, 8))
    primitives, images = many(settings, pair, 900)
    looks = np.stack([np.asarray(render(pair, layer)) for layer in range(4)])
    agreement = (primitives[:, None] == looks).all(-1).mean((2, 3))
    layer = agreement.argmax(1)
    swapped = np.abs(images - np.asarray(pair.image)).max((1, 2, 3)) > 1e-3
    for other in (1, 2, 3):
        assert abs((layer == other).mean() - 0.2) < 0.05
    assert_independent({"canny": layer > 0, "cutmix": swapped}, {"canny": 0.6, "cutmix": 0.5}, 0.05)


# --------------------------------------------------------------------------------- as a function


@pytest.mark.slow
@pytest.mark.parametrize("compat", ["paper", "code"])
def test_one_key_one_result_however_it_is_run(compat):
    settings = dataclasses.replace(EVERYTHING, compat=compat, tps=0.6, canny=0.5)
    pair = make_pair(0, layers=2)
    primitives, images = many(settings, pair, 3)
    again = many(settings, pair, 3)
    np.testing.assert_array_equal(primitives, again[0])
    np.testing.assert_array_equal(images, again[1])
    assert np.abs(images[0] - images[1]).max() > 0.1
    keys = jax.random.split(jax.random.key(0), 3)
    runs = [jax.jit(jax.vmap(lambda key: augment(key, pair, settings)))(keys)]
    if compat == "paper":  # eager
        runs.append([a[None] for a in augment(keys[0], pair, settings)])
    for run in runs:
        for i, (primitive, image) in enumerate(zip(*run, strict=True)):
            np.testing.assert_allclose(image, images[i], atol=1e-3)
            # Rounding may push a pixel over a border, hardly ever.
            assert (np.asarray(primitive) != primitives[i]).any(-1).mean() < 2e-3


def test_switching_one_augmentation_on_leaves_the_others_as_they_were():
    key = jax.random.key(3)
    plain = FIELD(key[None], 20, 30, Augmentation(flip=0.0))
    turned = FIELD(key[None], 20, 30, Augmentation(flip=0.0, rotation=1.0))
    # Whatever the rotation was, undoing it by least squares must give the same bend back.
    x, y = np.asarray(plain).reshape(-1, 2), np.asarray(turned).reshape(-1, 2)
    matrix = np.linalg.lstsq(x, y, rcond=None)[0]
    np.testing.assert_allclose(x @ matrix, y, atol=1e-5)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(2), atol=1e-5)
    assert np.abs(matrix - np.eye(2)).max() > 1e-3
    # A crop that takes the whole image is no crop.
    whole = FIELD(key[None], 20, 30, Augmentation(flip=0.0, crop=1.0, crop_fraction=1.0))
    np.testing.assert_allclose(whole, plain, atol=1e-6)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"flip": 1.5}, "flip=1.5: a probability"),
        ({"cutmix": float("nan")}, "probability"),
        ({"tps_jitter": -0.1}, "tps_jitter=-0.1"),
        ({"compat": "pixel"}, "paper or code"),
        ({"tps_points": (1, 3)}, "2 or more"),
        ({"tps_points": (3, 3, 3)}, "two numbers"),
        ({"crop": 2}, "crop=2: a probability"),
        ({"crop_fraction": 0.0}, "crop_fraction=0.0: it must be above 0"),
        ({"cutmix_side": (96, 32)}, "smallest and largest"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        Augmentation(**options)


@pytest.mark.parametrize("layers", [0, 1])
def test_another_edge_layer_needs_a_pair_that_has_one(layers):
    with pytest.raises(UserError, match=f"canny=0.5 with {layers} edge layers"):
        augment(jax.random.key(0), make_pair(layers=layers), Augmentation(canny=0.5))


def test_settings_are_hashable_and_take_lists():
    assert Augmentation(tps_points=[3, 3]) == Augmentation()
    assert hash(Augmentation(cutmix_side=[32, 96])) == hash(Augmentation())
