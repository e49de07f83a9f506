"""Edge maps: detection, polarity, thinning, shrinking and the exact offset field."""

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.measure import label

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.primitives import edges


def pieces(mask):
    return label(mask, connectivity=2).max()


def thick_blocks(mask):
    """The number of 2x2 blocks that are all edge."""
    return np.count_nonzero(mask[1:, 1:] & mask[1:, :-1] & mask[:-1, 1:] & mask[:-1, :-1])


@pytest.fixture
def drawing():
    """Thick curves, a cross and a dot, as a hand draws them."""
    canvas = np.zeros((80, 120), np.uint8)
    cv2.ellipse(canvas, (40, 40), (30, 20), 20, 0, 360, 1, 4)
    cv2.line(canvas, (70, 10), (115, 75), 1, 5)
    cv2.line(canvas, (115, 10), (75, 70), 1, 3)
    cv2.circle(canvas, (100, 40), 4, 1, -1)
    return canvas > 0


@pytest.fixture(scope="module")
def photo():
    return images.resize_to_limit(data.chelsea(), 192)


def test_canny_finds_a_step_where_it_is():
    image = np.full((40, 60, 3), 30, np.uint8)
    image[:, 31:] = 200
    found = edges.canny_edges(image, sigma=1.0)
    rows, columns = np.nonzero(found)
    assert set(columns) <= {30, 31} and len(set(rows)) >= 36


def test_more_sigma_fewer_edges(photo):
    counts = [edges.canny_edges(photo, sigma=s).sum() for s in (0.5, 1.0, 2.0, 4.0)]
    assert counts == sorted(counts, reverse=True) and counts[-1] > 0


@pytest.mark.parametrize("sigma", [0, -1, float("nan"), float("inf")])
def test_bad_sigma_is_refused(photo, sigma):
    with pytest.raises(UserError, match="sigma"):
        edges.canny_edges(photo, sigma=sigma)


def test_both_polarities_are_read(tmp_path, drawing):
    lines = np.repeat(drawing[..., None] * np.uint8(255), 3, axis=-1)
    for image in (lines, 255 - lines):
        assert np.array_equal(edges.read_edges(image), drawing)
        images.write_png(tmp_path / "edges.png", image)
        assert np.array_equal(edges.read_edges(tmp_path / "edges.png"), drawing)
    assert np.array_equal(edges.read_edges(~drawing), ~drawing), "a bool array is meant as it is"
    with pytest.raises(UserError, match="^lines .*no such file"):
        edges.read_edges(tmp_path / "none.png", name="lines")


def test_thinning_keeps_what_is_connected(drawing, photo):
    for mask in (drawing, edges.canny_edges(photo, sigma=1.0)):
        thin = edges.thin_edges(mask)
        assert not (thin & ~mask).any()
        assert pieces(thin) == pieces(mask)
        assert thick_blocks(thin) < thick_blocks(mask) and thick_blocks(thin) <= 2
        assert np.array_equal(edges.thin_edges(thin), thin)


def test_thinning_twice_is_thinning_once_for_any_mask():
    rng = np.random.default_rng(0)
    for density in (0.1, 0.3, 0.5, 0.8):
        mask = rng.random((60, 80)) < density
        thin = edges.thin_edges(mask)
        assert np.array_equal(edges.thin_edges(thin), thin)


def test_thinning_of_nothing():
    empty = np.zeros((20, 20), bool)
    assert not edges.thin_edges(empty).any()


@pytest.mark.parametrize("size", [(40, 60), (57, 86), (27, 40), (79, 119)])
def test_shrinking_keeps_lines_whole_and_thin(drawing, size):
    thin = edges.thin_edges(drawing)
    small = edges.resize_edges(thin, *size)
    assert small.shape == size
    assert pieces(small) == pieces(thin)
    assert thick_blocks(small) <= 2
    # Each edge pixel lies on an edge of the original.
    distance = np.hypot(*np.moveaxis(edges.edge_offsets(thin), -1, 0))
    rows, columns = np.nonzero(small)
    scale = np.array(thin.shape) / size
    where = np.round((np.stack([rows, columns], -1) + 0.5) * scale - 0.5).astype(int)
    assert distance[where[:, 0], where[:, 1]].max() <= 1.2 * scale.max()


def test_an_edge_map_of_the_right_size_is_left_alone(drawing):
    assert edges.resize_edges(drawing, *drawing.shape) is drawing


def segments(mask):
    """Both ends (x, y) of all links between neighbours, and of each lone pixel to itself."""
    height, width = mask.shape
    found = []
    for y, x in zip(*np.nonzero(mask), strict=True):
        found.append(((x, y), (x, y)))
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
            v, u = y + dy, x + dx
            if not (v < height and 0 <= u < width and mask[v, u]):
                continue
            if dy and dx and (mask[y, u] != mask[v, x]):
                continue  # joined at a right angle
            found.append(((x, y), (u, v)))
    return np.array(found, float)


def nearest_distance(mask):
    """(H, W) distance from pixel centres to the line, by projection onto every segment."""
    start, end = np.moveaxis(segments(mask), 1, 0)
    along = end - start
    length = np.maximum((along**2).sum(-1), 1e-12)
    rows, columns = np.indices(mask.shape)
    points = np.stack([columns, rows], -1).reshape(-1, 1, 2)
    t = np.clip(((points - start) * along).sum(-1) / length, 0, 1)
    foot = start + t[..., None] * along
    return np.sqrt(((points - foot) ** 2).sum(-1)).min(axis=1).reshape(mask.shape)


@pytest.mark.parametrize("density", [0.004, 0.03, 0.15, 0.6])
def test_offsets_are_exact(density):
    mask = np.random.default_rng(1).random((23, 31)) < density
    offsets = edges.edge_offsets(mask)
    assert offsets.dtype == np.float32 and offsets.shape == (23, 31, 2)
    assert np.abs(np.hypot(*np.moveaxis(offsets, -1, 0)) - nearest_distance(mask)).max() < 1e-5


def test_offsets_lead_to_the_line_in_x_and_y():
    mask = np.zeros((9, 13), bool)
    mask[2, 10] = True
    rows, columns = np.indices(mask.shape)
    offsets = edges.edge_offsets(mask)
    assert np.array_equal(offsets[..., 0], 10 - columns)
    assert np.array_equal(offsets[..., 1], 2 - rows)


def test_offsets_meet_between_diagonal_neighbours_but_not_across_a_corner():
    diagonal = np.zeros((5, 5), bool)
    diagonal[1, 1] = diagonal[2, 2] = True
    assert np.hypot(*edges.edge_offsets(diagonal)[1, 2]) == pytest.approx(np.sqrt(0.5))
    corner = diagonal.copy()
    corner[2, 1] = True
    assert np.hypot(*edges.edge_offsets(corner)[1, 2]) == pytest.approx(1.0)


def test_offsets_redraw_the_edge_map(photo):
    mask = edges.canny_edges(photo, sigma=2.0)
    offsets = edges.edge_offsets(mask)
    distance = np.hypot(*np.moveaxis(offsets, -1, 0))
    reach = 0.5 * np.abs(offsets).max(axis=-1) / np.maximum(distance, 1e-9)
    assert np.array_equal(distance <= reach, mask)


def test_offsets_without_any_edge():
    offsets = edges.edge_offsets(np.zeros((6, 7), bool))
    assert offsets.shape == (6, 7, 2) and (offsets == edges.NO_EDGE).all()
