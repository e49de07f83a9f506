"""Recipes, polygons and runs that are damaged anywhere: an answer or one clear line, and soon."""

import copy
import json
import math
import shutil
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepsim_jax
from deepsim_jax.errors import UserError
from deepsim_jax.images import masks
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import documents, recipes

SECONDS = 2
"""Of this process's own time, so that a busy machine does not count."""

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 60), (30, 60, 220)
SPECS = {
    "seg": primitives.PrimitiveSpec("seg", palette=(RED, GREEN, BLUE)),
    "seg_edges": primitives.PrimitiveSpec("seg_edges", palette=(RED, GREEN, BLUE)),
    "edges": primitives.PrimitiveSpec("edges"),
}
SQUARE = [[20, 20], [39, 20], [39, 39], [20, 39]]
STEPS = (
    {"warp": {"from": [[30, 30]], "to": [[34, 26]], "fixed": [[10, 10], [100, 70]], "reach": 40}},
    {"paint": {"polygon": SQUARE, "color": [10, 200, 30]}},
    {"paint": {"polygon": SQUARE, "like": [70, 40]}},
    {"line": {"points": [[5, 5], [50, 60]]}},
    {"copy": {"polygon": SQUARE, "by": [30, 0], "scale": 1.2, "flip": True}},
    {"move": {"at": [30, 30], "by": [30, 0], "rotate": 15}},
    {"delete": {"at": [30, 30]}},
    {"stroke": {"points": [[5, 5], [50, 60]], "radius": 4, "like": [40, 40]}},
    {"fill": {"at": [30, 30], "color": [10, 200, 30]}},
    {"restore": {"points": [[5, 5], [50, 60]], "radius": 4}},
)
ODD = st.sampled_from(
    [
        *(None, True, "", "a", "0", [], {}, [[]], [[], []], [None], {"a": 1}, [1], [1, 2, 3]),
        *(0, -1, 1, 2.5, 255, 256, 1e9, -1e9, 1e308, -1e308, 10**400, math.inf, -math.inf, math.nan),
        *([[1, 2]], [[1, 2], [1, 2]], [[1e9, 1e9], [-1e9, 1e9], [0, 0]], [math.nan, 1], SQUARE * 50),
    ]
)


def places(node, path=()):
    """Paths to all parts of a JSON value."""
    yield path
    children = (
        node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ())
    )
    for key, child in children:
        yield from places(child, (*path, key))


def changed(draw, value):
    """A JSON value with parts replaced, dropped or renamed."""
    value = json.loads(json.dumps(value))  # nothing of it shared
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(value))))
        if not path:
            return copy.deepcopy(draw(ODD))
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        what = draw(st.sampled_from(["replace", "replace", "drop", "rename", "twice"]))
        if what == "replace":
            parent[path[-1]] = copy.deepcopy(draw(ODD))
        elif what == "drop":
            del parent[path[-1]]
        elif isinstance(parent, dict):
            name = draw(st.sampled_from(["at", "polygon", "points", "by", "like", "x"]))
            parent[name] = parent.pop(path[-1])
        else:
            parent.append(copy.deepcopy(parent[path[-1]]))
    return value


def in_bytes(draw, content, *, most):
    """A file's content with bytes replaced, and perhaps cut."""
    content = bytearray(content)
    place = st.integers(0, max(0, len(content) - 1))
    for at, byte in draw(st.lists(st.tuples(place, st.integers(0, 255)), max_size=most)):
        content[at] = byte
    return bytes(content[: draw(place)] if draw(st.integers(0, 3)) == 0 else content)


def examples(few, many):
    return pytest.mark.parametrize("count", [few, pytest.param(many, marks=pytest.mark.slow)])


def try_all(count, test):
    """Runs a property with so many examples."""
    settings(max_examples=count, deadline=None, derandomize=True)(given(data=st.data())(test))()


def answered(do):
    """What it does in time and without a word of other libraries; None for one clear line instead."""
    begun = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return do()
    except UserError as error:
        assert 0 < len(str(error)) < 1000 and "\n" not in str(error)
        return None
    finally:
        assert time.process_time() - begun < SECONDS


@pytest.fixture
def drawing():
    drawn = np.empty((80, 120, 3), np.uint8)
    drawn[:, :60], drawn[:, 60:] = RED, GREEN
    drawn[20:40, 20:40] = BLUE
    return drawn


@examples(150, 600)
def test_a_damaged_recipe(tmp_path, drawing, count):
    lines = np.full((80, 120, 3), 255, np.uint8)
    lines[60, 10:110] = lines[10:70, 90] = 0

    for step in STEPS:  # what is compiled is so before the time is taken
        recipes.apply({"steps": [step]}, drawing, SPECS["seg_edges"])

    def damaged(data):
        steps = data.draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=3))
        recipe, path = {"size": [120, 80], "steps": steps}, tmp_path / "recipe.json"
        if data.draw(st.booleans()):
            path.write_text(json.dumps(changed(data.draw, recipe)))
        else:
            path.write_bytes(in_bytes(data.draw, json.dumps(recipe).encode(), most=4))
        kind = data.draw(st.sampled_from(sorted(SPECS)))
        drawn, spec = lines if kind == "edges" else drawing, SPECS[kind]
        picture = answered(lambda: recipes.apply(recipes.read(path), drawn, spec))
        if picture is not None:
            assert picture.dtype == np.uint8 and picture.shape == drawn.shape
            recipe = recipes.read(path)
            document = answered(lambda: documents.follow(recipe, drawn, spec))
            assert document is None or document.field.shape == (80, 120, 2)
            assert document is None or np.isfinite(document.field).all()

    try_all(count, damaged)


@examples(50, 150)
def test_damaged_polygons(tmp_path, drawing, count):
    def damaged(data):
        path = tmp_path / "polygons.json"
        if data.draw(st.booleans()):
            path.write_text(
                json.dumps(changed(data.draw, {"polygons": [SQUARE, [[60, 5], [90, 9], [70, 50]]]}))
            )
        else:
            path.write_bytes(in_bytes(data.draw, json.dumps({"polygons": [SQUARE]}).encode(), most=4))
        mask = answered(lambda: masks.read(path, drawing))
        assert mask is None or (mask.shape == (80, 120) and mask.dtype == bool and mask.any())

    try_all(count, damaged)


@examples(4, 25)
def test_a_damaged_run(tmp_path, trained, count):
    """Any file of its folder: it is loaded as it was, or refused."""
    whole = {p.relative_to(trained.workdir): p for p in trained.workdir.rglob("*") if p.is_file()}
    read = [n for n in whole if n.name in ("config.json",) or n.parts[0] in ("pair", "checkpoints")]
    primitive = trained.primitive

    def damaged(data):
        run = tmp_path / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(trained.workdir, run)
        name = data.draw(st.sampled_from(sorted(read)))
        content = whole[name].read_bytes()
        if name.suffix == ".json" and data.draw(st.booleans()):
            (run / name).write_text(json.dumps(changed(data.draw, json.loads(content))))
        elif data.draw(st.integers(0, 9)) == 0:
            (run / name).unlink()
        else:
            (run / name).write_bytes(in_bytes(data.draw, content, most=8))
        model = answered(lambda: deepsim_jax.load(run))
        if model is not None:
            assert model.primitive.shape == primitive.shape and model.photo.dtype == np.uint8

    try_all(count, damaged)
