import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.ops.hog import hog
from deepsim_jax.systems.igan import constraints

COLOR = {"brush": "color", "points": [[8, 8], [20, 8]], "width": 3, "color": [255, 0, 51]}
SKETCH = {"brush": "sketch", "points": [[16, 4], [16, 28]]}
WARP = {"brush": "warp", "from": [10, 10], "to": [18, 14], "width": 7}
SIZE = (32, 32)


def drawn(*strokes, picture=None, **more):
    return constraints.draw(constraints.parse({"strokes": list(strokes), **more}), SIZE, picture)


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).uniform(-1, 1, (*SIZE, 3)).astype(np.float32)


def test_strokes_survive_the_way_through_a_file(tmp_path):
    data = {"size": [384, 300], "strokes": [COLOR, SKETCH, {**SKETCH, "erase": True}, WARP]}
    (tmp_path / "edit.json").write_text(json.dumps(data))
    found = constraints.parse(tmp_path / "edit.json")
    assert constraints.to_json(found) == data and found == constraints.parse(data)
    assert constraints.parse(data["strokes"]).size is None


def test_a_color_stroke_asks_for_its_color_where_it_was_painted():
    found = drawn(COLOR)
    mask = found.color_mask
    assert mask[8, 8:21].all() and mask[7:10, 14].all() and mask[11:].sum() == 0
    np.testing.assert_allclose(
        found.color[mask > 0], np.broadcast_to([1, -1, -0.6], (int(mask.sum()), 3))
    )
    wide = drawn(
        {**COLOR, "points": [[p * 12 + 5.5 for p in q] for q in COLOR["points"]], "width": 36},
        size=[384, 384],
    )
    assert np.mean(wide.color_mask == mask) > 0.98  # the same stroke on a drawing twelve times as large
    assert drawn({**COLOR, "points": [[5, 6]], "width": 1}).color_mask[6, 5] == 1
    assert not drawn({**COLOR, "points": [[-90, -90], [1e6, -90]]}).color_mask.any()


def test_the_cost_of_colors_is_their_mean_squared_error_under_the_mask(picture):
    found = drawn(COLOR)
    asked = found.color_mask > 0
    errors = [np.square(each - found.color)[asked].mean() for each in (picture, -picture)]
    share = asked.mean() / (asked.mean() + 1e-5)
    got = constraints.cost(jnp.stack([picture, -picture]), found)
    np.testing.assert_allclose(got, np.array(errors) * share, rtol=1e-5)


def test_the_cost_of_a_sketch_counts_the_blocks_that_it_touches(picture):
    found = drawn(SKETCH)
    lines = np.full((*SIZE, 3), -1, np.float32)
    lines[4:29, 16] = 1
    np.testing.assert_array_equal(found.sketch, lines)
    # Windows are 8 px wide, blocks 4: column 16 lies in those of blocks 3 (10 to 17) and 4 (14 to 21).
    errors = np.square(np.asarray(hog(picture, block=4)) - np.asarray(hog(lines, block=4)))
    blocks = np.zeros((8, 8), bool)
    blocks[0:8, 3:5] = True  # rows 4 to 28 touch windows -2 to 5 and 26 to 33, too
    got = float(constraints.cost(picture[None], found)[0])
    share = blocks.mean() / (blocks.mean() + 1e-5)
    assert got == pytest.approx(0.2 * errors[blocks].mean() * share, rel=1e-5)
    assert float(constraints.cost(lines[None], found)[0]) < 1e-8


def test_an_erased_place_asks_for_no_edges(picture):
    found = drawn({**SKETCH, "width": 5, "erase": True})
    flat = jnp.full((1, *SIZE, 3), 0.3)
    assert float(constraints.cost(flat, found)[0]) == 0 < float(constraints.cost(picture[None], found)[0])


def test_a_warped_patch_is_asked_for_where_it_was_moved(picture):
    found = drawn(WARP, picture=picture)
    mask = np.zeros(SIZE, bool)
    mask[11:18, 15:22] = True
    assert np.array_equal(found.color_mask > 0, mask) and np.array_equal(found.warp_mask > 0, mask)
    np.testing.assert_allclose(found.color[11:18, 15:22], picture[7:14, 7:14], atol=1e-6)
    assert np.array_equal(found.warp[0], picture[0])
    moved = np.where(mask[..., None], found.color, picture)
    costs = constraints.cost(jnp.stack([moved, picture]), found)
    assert float(costs[0]) < 1e-6 and float(costs[1]) > 0.1
    as_bytes = np.round((picture + 1) * 127.5).astype(np.uint8)
    np.testing.assert_allclose(drawn(WARP, picture=as_bytes).color, found.color, atol=0.005)


def test_several_patches_are_kept_and_cut_at_the_border(picture):
    other = {"brush": "warp", "from": [2, 16], "to": [28, 30], "width": 9}
    found = drawn(WARP, other, picture=picture)
    assert found.color_mask[14, 18] == 1 and found.color_mask[30, 28] == 1
    assert found.color_mask[30, 25] == 0  # it would come from outside of the picture
    np.testing.assert_allclose(found.color[30, 27], picture[16, 1], atol=1e-6)


def test_the_newest_stroke_wins(picture):
    over = {**COLOR, "points": [[14, 4], [14, 12]], "color": [0, 0, 0]}
    found = drawn(COLOR, over)
    assert found.color[8, 14, 0] == -1 and found.color[8, 9, 0] == 1
    assert drawn(over, COLOR).color[8, 14, 0] == 1
    later = drawn(WARP, SKETCH, picture=picture)
    assert (
        later.sketch_mask[14, 16] == 1 and later.warp_mask[14, 16] == 0 and later.warp_mask[14, 17] == 1
    )
    sooner = drawn(SKETCH, WARP, picture=picture)
    assert sooner.sketch_mask[14, 16] == 0 and sooner.sketch_mask[5, 16] == 1
    both = drawn(COLOR).combine(drawn(over))
    assert np.array_equal(both.color, found.color) and np.array_equal(both.color_mask, found.color_mask)


def test_nothing_asked_costs_nothing(picture):
    found = constraints.empty(SIZE)
    assert float(constraints.cost(picture[None], found)[0]) == 0
    slope = jax.grad(lambda x: constraints.cost(x, found).sum())(picture[None])
    assert not np.asarray(slope).any()


def test_descending_the_cost_satisfies_what_was_asked():
    found = drawn(COLOR, {**SKETCH, "points": [[4, 24], [28, 24]]})

    @jax.jit
    def step(x):
        value, slope = jax.value_and_grad(lambda x: constraints.cost(x, found).sum())(x)
        return jnp.clip(x - 20 * slope, -1, 1), value

    x, costs = jnp.zeros((1, *SIZE, 3)), []
    for _ in range(60):
        x, value = step(x)
        costs.append(float(value))
    assert costs[-1] < 0.3 * costs[0]
    asked = found.color_mask > 0
    assert np.abs(np.asarray(x)[0][asked] - [1, -1, -0.6]).mean() < 0.2


@pytest.mark.parametrize(
    "size, block", [((64, 64), 8), ((32, 32), 4), ((28, 28), 2), ((128, 96), 8), ((7, 7), 1)]
)
def test_blocks_fit_the_picture(size, block):
    assert constraints.block_for(size) == block


@pytest.mark.parametrize(
    "data, message",
    [
        (3, "strokes: a list of strokes is needed, not 3"),
        ({"stroke": []}, "unknown key 'stroke'"),
        ({"strokes": [], "size": [0, 4]}, "size .* in pixels"),
        (["x"], r"strokes\[0\]: 'x' is no stroke"),
        ([{"brush": "oil"}], r"strokes\[0\]: brush 'oil'; there are color, sketch, warp"),
        ([{"brush": "color", "points": [[1, 2]]}], "a color stroke needs 'color'"),
        ([SKETCH, {**SKETCH, "colour": 1}], r"strokes\[1\]: a sketch stroke has no 'colour'"),
        ([{**COLOR, "points": []}], "points"),
        ([{**COLOR, "points": [[1, 2, 3]]}], r"points\[0\] \[1, 2, 3\]; give \[x, y\]"),
        ([{**COLOR, "points": [[1, float("nan")]]}], r"points\[0\]"),
        ([{**COLOR, "points": [[1, 10**400]]}], r"points\[0\] \[1, 1000"),
        ([{**COLOR, "width": 10**400}], "width 1000.*; a number above 0"),
        ({"strokes": [], "size": [10**400, 4]}, "size .* in pixels"),
        ([{**COLOR, "color": [0, 0, 256]}], "of 0 to 255"),
        ([{**COLOR, "width": 0}], "width 0; a number above 0"),
        ([{**SKETCH, "erase": 1}], "erase 1; true or false"),
        ([{**WARP, "to": "x"}], "to 'x'"),
    ],
)
def test_what_is_not_understood_is_named_in_one_line(data, message):
    with pytest.raises(UserError, match=message) as caught:
        constraints.parse(data)
    assert "\n" not in str(caught.value)


def test_files_and_pictures_that_do_not_fit_are_named(tmp_path, picture):
    with pytest.raises(UserError, match=r"nothing\.json: cannot be read"):
        constraints.parse(tmp_path / "nothing.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UserError, match=r"bad\.json: cannot be read"):
        constraints.parse(tmp_path / "bad.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match=r"deep\.json: cannot be read \(maximum recursion"):
        constraints.parse(tmp_path / "deep.json")
    with pytest.raises(UserError, match="needs the picture"):
        drawn(WARP)
    with pytest.raises(UserError, match=r"\(32, 32, 3\) is needed"):
        drawn(WARP, picture=picture[:16])
