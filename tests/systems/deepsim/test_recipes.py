import json

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import recipes

RED, GREEN, BLUE, BLACK = (200, 30, 30), (30, 200, 60), (30, 60, 220), (0, 0, 0)
SUPER = primitives.PrimitiveSpec("seg_edges", palette=(RED, GREEN, BLUE))
SQUARE = [[20, 20], [39, 20], [39, 39], [20, 39]]


@pytest.fixture
def drawing():
    """Red and green halves, a blue square at (20..39, 20..39) inside of the red, a black line."""
    drawn = np.empty((80, 120, 3), np.uint8)
    drawn[:, :60], drawn[:, 60:] = RED, GREEN
    drawn[20:40, 20:40] = BLUE
    drawn[60, 10:110] = BLACK
    return drawn


def area(drawn, color):
    return (drawn == color).all(-1)


def apply(drawn, spec, *steps, size=(120, 80)):
    return recipes.apply({"size": list(size), "steps": list(steps)}, drawn, spec)


def test_no_steps_change_nothing(drawing):
    np.testing.assert_array_equal(apply(drawing, SUPER), drawing)
    np.testing.assert_array_equal(recipes.apply({"steps": []}, drawing, SUPER), drawing)


def test_steps_follow_each_other(drawing):
    paint, cover = ({"paint": {"polygon": SQUARE, "color": list(c)}} for c in (GREEN, RED))
    assert area(apply(drawing, SUPER, paint, cover), RED)[30, 30]
    assert area(apply(drawing, SUPER, cover, paint), GREEN)[30, 30]


@pytest.mark.parametrize(
    "step",
    [
        {"paint": {"polygon": SQUARE, "color": list(GREEN)}},
        {"copy": {"polygon": SQUARE, "by": [60, 10], "scale": 1.5}},
        {"line": {"points": [[70, 5], [100, 30]]}},
        {"warp": {"from": [[30, 30]], "to": [[40, 30]], "fixed": [[60, 60]], "reach": 30}},
    ],
)
def test_coordinates_are_those_of_the_size_that_is_given(drawing, step):
    def halved(value, offset=0.25):  # the centre of a half as large pixel
        if isinstance(value, dict):
            return {
                k: v if k in ("color", "scale") else halved(v, 0 if k in ("by", "reach") else 0.25)
                for k, v in value.items()
            }
        return [halved(v, offset) for v in value] if isinstance(value, list) else value / 2 - offset

    whole = apply(drawing, SUPER, step)
    np.testing.assert_array_equal(apply(drawing, SUPER, halved(step), size=(60, 40)), whole)
    assert (whole != drawing).any()


@pytest.mark.parametrize(
    "recipe",
    [
        [],
        "x",
        {},
        {"steps": {}},
        {"size": 3, "steps": []},
        {"size": [1], "steps": []},
        {"size": [0, 5], "steps": []},
        {"size": [-5, 5], "steps": []},
        {"size": ["a", 5], "steps": []},
        {"size": None, "steps": []},
    ],
)
def test_what_is_no_recipe_is_told(drawing, recipe):
    with pytest.raises(UserError, match="^recipe: .*(size|steps)"):
        recipes.apply(recipe, drawing, SUPER)


def test_files(tmp_path):
    recipe = {"size": [10, 10], "steps": []}
    (tmp_path / "a.json").write_text(json.dumps(recipe))
    assert recipes.read(tmp_path / "a.json") == recipe
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    for name in ("bad.json", "bytes.json", "deep.json", "none.json"):
        with pytest.raises(UserError, match=f"recipe .*{name}: cannot be read") as found:
            recipes.read(tmp_path / name)
        assert "\n" not in str(found.value)


def test_a_scaled_recipe_moves_less_or_more_far(drawing):
    warp = {"warp": {"from": [[10, 10], [20, 30]], "to": [[14, 10], [20, 20]], "reach": 9}}
    recipe = {
        "size": [120, 80],
        "steps": [
            warp,
            {"copy": {"polygon": SQUARE, "by": [30, -10]}},
            {"line": {"points": [[1, 1], [5, 5]]}},
        ],
    }
    twice = recipes.scaled(recipe, 2)
    assert twice["steps"][0]["warp"] == {
        "from": [[10, 10], [20, 30]],
        "to": [[18, 10], [20, 10]],
        "reach": 9,
    }
    assert twice["steps"][1]["copy"] == {"polygon": SQUARE, "by": [60, -20]}
    assert twice["steps"][2] == recipe["steps"][2] and twice["size"] == [120, 80]
    assert recipes.scaled(recipe, 1) == recipe
    nothing = recipes.apply(recipes.scaled({"size": [120, 80], "steps": [warp]}, 0), drawing, SUPER)
    np.testing.assert_array_equal(nothing, drawing)
    with pytest.raises(UserError, match="step 1 .* is not understood"):
        recipes.scaled({"steps": [{"warp": {"from": [[1, 2]]}}]}, 2)
    with pytest.raises(UserError, match="step 1 .* is not understood"):
        recipes.scaled({"steps": [{"move": {"by": [10**400, 2]}}]}, 2)
    with pytest.raises(UserError, match="step 1 .* is not understood"):
        recipes.rescaled({"size": [9, 9], "steps": [{"fill": {"at": [10**400, 2]}}]}, 3, 4)
    with pytest.raises(UserError, match="step 1 .* is not understood"):
        recipes.scaled({"steps": [{"move": {"at": [1, 2], "scale": -4}}]}, 0.5)


def test_what_is_turned_enlarged_or_flipped_is_scaled_too(drawing):
    turned = {"move": {"polygon": SQUARE, "rotate": 30, "scale": 4, "flip": True}}
    recipe = {"steps": [turned]}
    assert recipes.scaled(recipe, 1) == recipe
    half = {"polygon": SQUARE, "rotate": 15, "scale": 2, "flip": True}
    assert recipes.scaled(recipe, 0.5)["steps"] == [{"move": half}]
    np.testing.assert_array_equal(recipes.apply(recipes.scaled(recipe, 0), drawing, SUPER), drawing)


def test_movements_that_follow_each_other_are_made_in_turn():
    right, down = ({"move": {"at": [20, 20], "by": by}} for by in ([50, 0], [0, 40]))
    recipe = {"steps": [right, down]}
    for amount, steps in (
        (0, []),
        (0.25, [{"move": {"at": [20, 20], "by": [25, 0]}}]),
        (0.75, [right, {"move": {"at": [20, 20], "by": [0, 20]}}]),
        (1, [right, down]),
    ):
        assert recipes.scaled(recipe, amount, in_turn=True)["steps"] == steps
    keep = {"keep": {"points": [[5, 5]], "radius": 2}}
    assert recipes.scaled({"steps": [right, keep]}, 0, in_turn=True)["steps"] == [keep]
    with pytest.raises(UserError, match="step 1 .* is not understood"):
        recipes.scaled({"steps": [{"warp": {"from": [[1, 2]]}}, keep]}, 0, in_turn=True)
    with pytest.raises(UserError, match=r"amount 1\.5: a step .* amounts from 0 to 1"):
        recipes.scaled(recipe, 1.5, in_turn=True)
