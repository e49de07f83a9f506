"""How the lines of a primitive are drawn anew under a warp: one pixel thick, closed, in place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import KDTree
from skimage import draw, morphology

from deepsim_jax.geometry import affine, grid
from deepsim_jax.systems.deepsim.augment import Augmentation, sample_field
from deepsim_jax.systems.deepsim.device_pair import Pair
from deepsim_jax.systems.deepsim.warp import render, warp


def links(mask):
    """(n, 2, 2): the (x, y) of both ends of each link between two neighbouring edge pixels.

    Diagonal neighbours are linked unless a third pixel joins them at a right angle.
    """
    found = []
    edge = {(x, y) for y, x in np.argwhere(mask)}
    for x, y in edge:
        for dx, dy in ((1, 0), (0, 1), (1, 1), (-1, 1)):
            joined = dx and dy and ({(x + dx, y), (x, y + dy)} & edge)
            if (x + dx, y + dy) in edge and not joined:
                found.append([[x, y], [x + dx, y + dy]])
    return np.array(found, np.float64).reshape(-1, 2, 2)


def edge_offsets(mask):
    """The definition: offsets to the nearest of the edge pixels and the middles of their links."""
    height, width = mask.shape
    points = np.concatenate([np.argwhere(mask)[:, ::-1], links(mask).mean(1)])
    rows, columns = np.mgrid[:height, :width]
    pixels = np.stack([columns, rows], -1).astype(np.float64)
    if not len(points):
        return np.full((height, width, 2), 1e4, np.float32)
    _, nearest = KDTree(points).query(pixels)
    return (points[nearest] - pixels).astype(np.float32)


FIELD = jax.jit(sample_field, static_argnums=(1, 2, 3))
WARP = jax.jit(warp)


def edge_only(mask):
    height, width = mask.shape
    blank = jnp.ones((height, width, 3))
    return Pair(image=blank, regions=blank, edges=jnp.asarray(edge_offsets(mask))[None])


def drawn(primitive):
    """The edge pixels of an `edge_only` primitive."""
    return np.asarray(primitive)[..., 0] < 0


def shifted(dx, dy, height, width):
    """A field that looks (dx, dy) pixels further."""
    pixels = grid.to_pixels(grid.pixel_grid(height, width), height, width)
    return grid.to_normalised(pixels + jnp.array([dx, dy]), height, width)


@pytest.mark.parametrize("density", [0.02, 0.2, 0.5, 1.0])
def test_the_identity_keeps_any_edge_map(density):
    mask = np.random.default_rng(0).uniform(size=(33, 45)) < density
    pair = edge_only(mask)
    np.testing.assert_array_equal(drawn(render(pair)), mask)
    np.testing.assert_array_equal(drawn(WARP(pair, grid.pixel_grid(33, 45))[0]), mask)


def curves(size=128):
    """Closed curves and lines in the middle of the image, and how many of them are closed."""
    mask = np.zeros((size, size), bool)
    for row, column, radius in ((50, 45, 14), (50, 45, 7), (76, 82, 12), (45, 85, 9)):
        mask[draw.circle_perimeter(row, column, radius)] = True
    for ends in (
        (70, 38, 95, 42),
        (95, 42, 88, 60),
        (88, 60, 70, 38),  # a triangle
        (30, 64, 62, 70),
        (98, 70, 92, 96),
    ):
        mask[draw.line(*ends)] = True
    return morphology.thin(mask), 5


def predicted_length(mask, field):
    """How many pixels the warped edges should cover, by following each link to its new place."""
    height, width = mask.shape
    where = np.asarray(grid.to_pixels(field, height, width), np.float64)
    along_y, along_x = np.gradient(where, axis=(0, 1))
    jacobian = np.stack([along_x, along_y], -1).reshape(-1, 2, 2)
    ends = links(mask)
    _, nearest = KDTree(where.reshape(-1, 2)).query(ends.reshape(-1, 2))
    rest = ends.reshape(-1, 2) - where.reshape(-1, 2)[nearest]
    step = np.linalg.solve(jacobian[nearest], rest[..., None])[..., 0]
    moved = np.stack([nearest % width, nearest // width], -1) + step
    lengths = np.abs(np.diff(moved.reshape(-1, 2, 2), axis=1)).max(-1)
    return lengths.sum() / len(ends) * mask.sum()


def test_warped_edges_stay_thin_and_closed():
    mask, closed = curves()
    settings = Augmentation(rotation=1.0, rotation_degrees=30.0)
    pair, opened = edge_only(mask), 0
    for seed in range(12):
        field = FIELD(jax.random.key(seed), *mask.shape, settings)
        result = drawn(WARP(pair, field)[0])
        assert abs(result.sum() / predicted_length(mask, field) - 1) < 0.12
        blocks = result[1:, 1:] & result[:-1, 1:] & result[1:, :-1] & result[:-1, :-1]
        assert blocks.sum() <= 0.02 * result.sum()
        assert morphology.thin(result).sum() > 0.85 * result.sum()
        inner = result[12:-12, 12:-12]
        assert ndimage.label(inner, np.ones((3, 3)))[1] == ndimage.label(mask, np.ones((3, 3)))[1]
        # The inside of a curve runs out through a gap: neighbours only count along the axes here.
        _, sizes = np.unique(ndimage.label(~inner)[0][~inner], return_counts=True)
        opened += closed + 1 - (sizes >= 10).sum()
    assert opened <= 2  # of 60 curves, of some 50 pixels each


@pytest.mark.parametrize("scale", [0.5, 0.7, 1.4])
def test_the_thickness_does_not_depend_on_the_magnification(scale):
    mask, _ = curves()
    field = affine.apply(affine.rotation(0.3), grid.pixel_grid(*mask.shape)) * scale
    result = drawn(WARP(edge_only(mask), field)[0])
    core = slice(None) if scale < 1 else slice(26, -26)  # without the mirror images
    inside = result[core, core]
    if scale < 1:
        mask = mask & (np.hypot(*(np.indices(mask.shape) - 63.5)) < 63.5 * scale)
        visible = np.asarray(grid.to_pixels(field, *mask.shape)) - 63.5
        inside = result & (np.hypot(visible[..., 0], visible[..., 1]) < 63.5 * scale)
    assert abs(inside.sum() / predicted_length(mask, field) - 1) < 0.2


@pytest.mark.parametrize("spacing", [3, 4, 5, 8])
def test_no_line_appears_between_two_lines(spacing):
    mask = np.zeros((60, 60), bool)
    mask[:, ::spacing] = True
    offset = 0.4 if spacing % 2 else 0.45
    result = drawn(WARP(edge_only(mask), shifted(offset, 0.2, 60, 60))[0])
    np.testing.assert_array_equal(result[:, :-spacing], mask[:, :-spacing])
    for angle in (0.1, 0.4, 0.8):
        field = affine.apply(affine.rotation(angle), grid.pixel_grid(60, 60) * 0.6)
        result = drawn(WARP(edge_only(mask), field)[0])
        # A line's share of the pixels along the axis that crosses it.
        expected = np.cos(angle) * 0.6 / spacing if angle < np.pi / 4 else None
        expected = expected or np.sin(angle) * 0.6 / spacing
        assert abs(result.mean() / expected - 1) < 0.15


def test_a_single_point_is_never_lost_nor_doubled():
    mask = np.zeros((40, 40), bool)
    mask[20, 20] = True
    pair = edge_only(mask)
    for dx, dy in np.random.default_rng(0).uniform(-0.49, 0.49, (60, 2)):
        result = drawn(WARP(pair, shifted(dx, dy, 40, 40))[0])
        np.testing.assert_array_equal(result, mask)


def test_mirrored_lines_are_drawn_as_lines_of_a_mirrored_image():
    mask, _ = curves()
    mask = mask[30:94, 30:94]
    wide = np.pad(mask, 32, mode="reflect")
    field = affine.apply(affine.rotation(0.5), grid.pixel_grid(128, 128))
    reach = np.abs(field).max(-1)
    outside = (reach > 0.5) & (reach < 0.95)
    expected = drawn(WARP(edge_only(wide), field)[0])
    # The same positions in the small image.
    where = grid.to_pixels(field, 128, 128) - 32
    result = drawn(WARP(edge_only(mask), grid.to_normalised(where, 64, 64))[0])
    assert expected[outside].sum() > 300
    assert (result != expected)[outside].sum() < 0.01 * expected[outside].sum()
