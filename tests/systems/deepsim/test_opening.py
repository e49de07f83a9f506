"""A photo is opened and edited at once: nothing is trained, nothing is written beside the output."""

import json
import shutil

import cv2
import numpy as np
import pytest

import deepsim_jax
from deepsim_jax import UserError, settings
from deepsim_jax.images import io as image_io
from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import areas
from deepsim_jax.systems.deepsim.copying import engine
from deepsim_jax.systems.deepsim.copying import painting as tests_of_painting
from deepsim_jax.systems.deepsim.model import Model

SQUARE = [[50, 55], [80, 55], [80, 85], [50, 85]]
RECIPE = {
    "size": [180, 150],
    "steps": [{"warp": {"from": [[60, 70]], "to": [[72, 74]], "reach": 60}}],
}


@pytest.fixture(scope="module")
def opened(scene):
    return deepsim_jax.open(scene)


def test_an_unchanged_primitive_is_the_photo_and_nothing_is_trained(opened, scene):
    assert not opened.is_trained and opened.workdir is None
    np.testing.assert_array_equal(opened.edit(opened.primitive), scene)
    np.testing.assert_array_equal(opened.edit(opened.primitive, keep="auto"), scene)


def test_an_edit_follows_and_keeps_what_does_not_move(opened, scene):
    primitive, field = opened.apply_recipe(RECIPE), opened.recipe_field(RECIPE)
    edited = opened.edit(primitive, keep="auto", field=field)
    differing = (edited != scene).any(-1)
    assert differing.any() and not differing[:, 165:].any() and not differing[140:].any()
    # The bright disk's right border has moved by about 12 pixels.
    yellow = (np.abs(edited[72].astype(int) - [230, 190, 60]) < 40).all(-1)
    before = (np.abs(scene[72].astype(int) - [230, 190, 60]) < 40).all(-1)
    assert np.nonzero(yellow)[0].max() - np.nonzero(before)[0].max() >= 5


def test_the_field_of_a_recipe_is_known_where_its_areas_are(opened):
    assert opened.recipe_field(RECIPE).shape == (150, 180, 2)
    field = opened.recipe_field({"steps": [{"move": {"at": [60, 70], "by": [9, 0]}}]})
    moved = opened.apply_recipe({"steps": [{"move": {"at": [60, 70], "by": [9, 0]}}]})
    np.testing.assert_array_equal(field[70, 69], [60, 70])
    np.testing.assert_array_equal(moved[70, 69], opened.primitive[70, 60])
    with pytest.raises(UserError, match="not understood"):
        opened.recipe_field({"steps": [{"bend": {}}]})
    estimated = opened.edit(opened.apply_recipe(RECIPE))
    assert estimated.shape == opened.photo.shape


@pytest.mark.parametrize("kind", ["edges", "seg", "seg_edges"])
@pytest.mark.parametrize("step", [{"delete": {}}, {"move": {"by": [70, 30]}}])
def test_what_is_taken_away_is_gone_in_every_kind_of_drawing(scene, kind, step):
    config = settings.load("quickstart")
    config.data.kind = kind
    model = deepsim_jax.open(scene, config=config)
    ((name, options),) = step.items()
    around = [[14, 24], [106, 24], [106, 116], [14, 116]]  # the bright disk, and what is around it
    recipe = {"size": [180, 150], "steps": [{name: {"polygon": around, **options}}]}
    edited = model.edit(**model.follow_recipe(recipe)._asdict(), keep="auto")
    yellow = (np.abs(edited.astype(int) - [230, 190, 60]) < 40).all(-1)
    before = (np.abs(scene.astype(int) - [230, 190, 60]) < 40).all(-1)
    assert before[40:80, 30:80].mean() > 0.9 and not yellow[40:80, 30:80].any()
    assert yellow[80:120, 120:150].any() == (name == "move")


def test_what_a_copy_cannot_show_is_told(opened, caplog):
    x, y = 130, 30
    ring = [[x + 12 * a, y + 12 * b] for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]
    drawn = opened.follow_recipe({"size": [180, 150], "steps": [{"line": {"points": ring}}]})
    edited = opened.edit(**drawn._asdict(), keep="auto")
    (line,) = [record.message for record in caplog.records if "change nothing" in record.message]
    assert "pixels of what was drawn change nothing: lines that the photo has none for" in line
    caplog.clear()
    np.testing.assert_array_equal(opened.edit(**drawn._asdict(), keep="auto", engine="copy"), edited)
    opened.edit(**opened.follow_recipe(RECIPE)._asdict(), keep="auto")
    assert "change nothing" not in caplog.text


def test_a_line_that_is_painted_over_vanishes_from_the_photo():
    photo = np.full((96, 128, 3), (150, 140, 120), np.uint8)
    photo += np.random.default_rng(0).integers(0, 6, photo.shape, np.uint8)
    cv2.line(photo, (30, 40), (90, 60), (20, 20, 20), 2)
    model = deepsim_jax.open(photo)
    assert model.spec.kind == "seg_edges"
    painted = {"points": [[22, 38], [98, 62]], "radius": 8, "like": [10, 10]}
    recipe = {"size": [128, 96], "steps": [{"stroke": painted}]}
    edited = model.edit(**model.follow_recipe(recipe)._asdict(), keep="auto")
    assert (photo.max(-1) < 60).sum() > 80 and not (edited.max(-1) < 60).any()


@pytest.mark.slow
def test_a_run_of_no_steps_copies_and_goes_on_to_a_training(tmp_path, scene, trained):
    config = settings.load("quickstart:tiny")
    config.train.steps = 0
    run = deepsim_jax.train(scene, config=config, workdir=tmp_path / "run")
    assert run.finished and run.step == 0 and not run.is_trained
    loaded = deepsim_jax.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.edit(loaded.primitive, keep="auto"), scene)
    with pytest.raises(UserError, match="nothing is trained"):
        loaded.edit(loaded.primitive, engine="network")
    config.train.steps = 6
    again = deepsim_jax.train(scene, config=config, workdir=tmp_path / "run", extend=True)
    assert again.is_trained and again.step == 6
    np.testing.assert_array_equal(again.edit(again.primitive), trained.edit(trained.primitive))


def test_a_trained_model_copies_and_paints_unless_asked_for_less(trained):
    primitive = trained.apply_recipe(RECIPE)
    copied, painted, both = (trained.edit(primitive, engine=name) for name in ("copy", "network", "both"))
    assert copied.shape == trained.primitive.shape
    assert (copied != painted).any()
    expected = {"copy": copied, "both": both}[trained.auto_engine]
    np.testing.assert_array_equal(trained.edit(primitive), expected)
    np.testing.assert_array_equal(trained.edit(trained.primitive, keep="auto"), trained.photo)


def test_both_is_the_copy_but_where_the_photo_lacks_what_is_drawn(trained, added):
    same = trained.primitive
    np.testing.assert_array_equal(trained.edit(same, engine="both"), trained.edit(same, engine="copy"))
    copied, painted, both = (trained.edit(added, engine=name) for name in ("copy", "network", "both"))
    differs = (both != copied).any(-1)
    assert differs.any() and not differs.all()
    np.testing.assert_array_equal(both[~differs], copied[~differs])
    # Between the two everywhere, but for rounding.
    low, high = np.minimum(copied, painted), np.maximum(copied, painted)
    assert ((both.astype(int) >= low.astype(int) - 1) & (both.astype(int) <= high.astype(int) + 1)).all()
    kept = trained.edit(added, engine="both", keep="auto")
    assert kept.shape == trained.photo.shape and (kept[-20:] == trained.photo[-20:]).all()


@pytest.fixture
def added(trained):
    """The primitive of the trained model with an area in a colour that is not there."""
    drawn = trained.primitive
    colors = np.unique(drawn.reshape(-1, 3), axis=0)
    drawn[4:14, 44:56] = next(color for color in colors if (color != drawn[4:14, 44:56]).any(-1).all())
    return drawn


def fresh(trained):
    """The trained model again, which does not know yet what its network is good for."""
    return Model(
        trained._architecture,
        trained._params,
        photo=trained.photo,
        primitive=trained.primitive,
        spec=trained.spec,
        step=6,
    )


def test_a_network_that_paints_worse_than_the_copy_is_not_asked(trained, added, monkeypatch, caplog):
    model = fresh(trained)
    noise = np.random.default_rng(0).integers(0, 256, added.shape, np.uint8)
    monkeypatch.setattr(model, "_paint", lambda primitive: noise)
    with caplog.at_level("INFO", "deepsim_jax"):
        picture = model.edit(added)
        np.testing.assert_array_equal(model.edit(added), picture)
    np.testing.assert_array_equal(picture, model.edit(added, engine="copy"))
    assert (picture != model.edit(added, engine="both")).any() and model.auto_engine == "copy"
    (told,) = (line for line in caplog.messages if "paints" in line)
    assert "trained for 6 steps, paints what the photo lacks worse than it is copied" in told


def test_a_network_that_paints_the_truth_is_asked(trained, added, monkeypatch, caplog):
    model = fresh(trained)
    answers = {
        draw.drawing.tobytes(): draw.truth for draw in tests_of_painting.draws(model._copier.source)
    }
    monkeypatch.setattr(model, "_paint", lambda drawn: answers.get(drawn.tobytes(), 255 - drawn))
    model.edit(model.primitive)
    assert not caplog.messages, "nothing is lacking, and nothing had to be found out"
    with caplog.at_level("INFO", "deepsim_jax"):
        picture = model.edit(added)
    np.testing.assert_array_equal(picture, model.edit(added, engine="both"))
    assert (picture != model.edit(added, engine="copy")).any() and model.auto_engine == "both"
    assert sum("the network paints what the photo lacks" in line for line in caplog.messages) == 1


def test_what_is_drawn_too_thin_to_be_copied_is_told(opened, caplog):
    drawn = opened.primitive
    background = opened.edit(drawn)
    color = next(c for c in opened.spec.palette if (drawn[100:120, 10:90] != c).any(-1).all())
    drawn[110:112, 20:80] = color
    opened.edit(drawn, field=fields.identity(150, 180))
    (told,) = caplog.messages
    assert "120 pixels of what was drawn change nothing" in told and "thinner than 3 pixels" in told
    caplog.clear()
    drawn[109:113, 20:80] = color
    assert (
        opened.edit(drawn, field=fields.identity(150, 180)) != background
    ).any() and not caplog.messages


def test_without_labels_the_network_paints_all_that_a_copy_misses(trained):
    photo = trained.photo
    spec = primitives.PrimitiveSpec("edges")
    small = image_io.resize_to_limit(photo, 64)
    drawing = primitives.make_primitive(small, "edges")
    model = Model(trained._architecture, trained._params, photo=photo, primitive=drawing, spec=spec)
    edited = drawing.copy()
    edited[30:32, 4:30] = 255 - edited[30:32, 4:30]
    copied, painted, both = (model.edit(edited, engine=name) for name in ("copy", "network", "both"))
    mismatch = model.copy(edited).mismatch
    assert mismatch.any() and not mismatch.all()
    np.testing.assert_array_equal(both, engine.repaint(copied, painted, mismatch))
    assert (both[mismatch] != copied[mismatch]).any()


def test_what_an_engine_cannot_do_is_told(opened, tmp_path):
    with pytest.raises(UserError, match="nothing is trained yet"):
        opened.edit(opened.primitive, engine="network")
    with pytest.raises(UserError, match='engine="both": nothing is trained yet'):
        opened.edit(opened.primitive, engine="both")
    with pytest.raises(UserError, match="engine='all': choose one of auto, copy, network, both"):
        opened.edit(opened.primitive, engine="all")
    with pytest.raises(UserError, match="'singan' edits only what it has trained; take one for deepsim"):
        deepsim_jax.open("me.png", config="singan_quickstart")
    with pytest.raises(UserError, match="no such file"):
        deepsim_jax.open(tmp_path / "none.png")


def test_the_command_line_edits_without_a_run(call, tmp_path, scene, opened, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image_io.write_png("me.png", scene)
    (tmp_path / "edit.json").write_text(json.dumps(RECIPE))
    words = ["--config=quickstart", "--config.data.image=me.png", "--input=edit.json", "--keep=auto"]
    for verb in (["edit"], ["--mode=edit"]):
        code, out, err = call(*verb, *words, "--output=out.png")
        assert code == 0 and out.strip() == "out.png", err
        primitive, field = opened.apply_recipe(RECIPE), opened.recipe_field(RECIPE)
        expected = opened.edit(primitive, keep="auto", field=field)
        np.testing.assert_array_equal(image_io.read_image("out.png"), expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edit.json", "me.png", "out.png"]
    code, _, err = call("edit", "--input=edit.json", "--output=out.png")
    assert code == 2 and "--workdir is needed for edit, or a --config that names a photo" in err


def test_a_folder_without_a_run_is_said_to_be_left_aside(call, tmp_path, scene, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image_io.write_png("me.png", scene)
    (tmp_path / "edit.json").write_text(json.dumps(RECIPE))
    words = ["--config=quickstart", "--config.data.image=me.png", "--input=edit.json"]
    code, _, err = call("edit", *words, "--workdir=runs/typo", "--output=out.png")
    assert code == 0 and "runs/typo: there is no run; the photo of the --config is edited" in err
    assert (tmp_path / "out.png").is_file() and not (tmp_path / "runs").exists()


def test_what_is_protected_changes_no_size(scene):
    photo = cv2.resize(scene, (360, 300), interpolation=cv2.INTER_CUBIC)
    config = settings.load("quickstart:tiny")
    config.data.max_side = 180
    model = deepsim_jax.open(photo, config=config)
    assert model.primitive.shape == (150, 180, 3)
    keep = {"keep": {"points": [[72, 74]], "radius": 4}}
    warped, protecting = (
        model.follow_recipe({**RECIPE, "steps": steps})._asdict()
        for steps in (RECIPE["steps"], [*RECIPE["steps"], keep])
    )
    plain, kept, same = model.edit(**warped), model.edit(**protecting), model.edit(model.primitive)
    assert plain.shape == kept.shape == (150, 180, 3)
    mask = protecting["protected"]
    np.testing.assert_array_equal(kept[mask], same[mask])
    assert (kept != plain).any() and (kept != same).any()
    full = model.edit(**protecting, keep="auto")
    assert full.shape == photo.shape
    large = cv2.resize(mask.astype(np.uint8), (360, 300), interpolation=cv2.INTER_NEAREST) > 0
    np.testing.assert_array_equal(full[large], photo[large])


def test_a_run_is_copied_from_by_flag(call, trained, tmp_path):
    (tmp_path / "edit.json").write_text(json.dumps(RECIPE))
    run = shutil.copytree(trained.workdir, tmp_path / "run")
    words = [f"--workdir={run}", f"--input={tmp_path / 'edit.json'}"]
    code, _, err = call("edit", *words, f"--output={tmp_path / 'a.png'}", "--engine=copy")
    assert code == 0, err
    primitive, field = trained.apply_recipe(RECIPE), trained.recipe_field(RECIPE)
    expected = trained.edit(primitive, engine="copy", field=field)
    np.testing.assert_array_equal(image_io.read_image(tmp_path / "a.png"), expected)
    code, _, err = call("edit", *words, f"--output={tmp_path / 'b.png'}", "--engine=network")
    assert code == 0, err
    kept = sorted(path.name.split("-", 1) for path in (run / "edits").glob("*.copied.png"))
    assert [number for number, _ in kept] == ["001"], "a network's picture needs no flow"


@pytest.fixture(scope="module")
def painting(scene):
    """The scene with a soft painting of it as its primitive: shades instead of regions."""
    soft = cv2.GaussianBlur(scene, (0, 0), 4)
    config = settings.load("quickstart:tiny")
    config.data.kind = "paint"
    model = deepsim_jax.open(scene, soft, config=config)
    assert model._spec.kind == "paint" and model._spec.palette is None
    return model


def test_a_stroke_on_a_soft_painting_copies_what_has_its_shade(painting):
    ball, box = painting.primitive[26, 21], painting.primitive[38, 48]  # yellow and blue
    stroke = {"stroke": {"points": [[45, 38], [52, 38]], "radius": 2, "color": ball.tolist()}}
    recipe = {"size": [64, 53], "steps": [stroke]}
    drawn, field = painting.apply_recipe(recipe), painting.recipe_field(recipe)
    edited = painting.edit(drawn, field=field)
    painted = (drawn != painting.primitive).any(-1)
    assert painted.sum() > 20
    inner = cv2.erode(painted.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert np.abs(edited[inner].mean(0) - ball).max() < 30 < np.abs(ball.astype(int) - box).max()
    full = painting.edit(drawn, keep="auto", field=field)
    assert full.shape == painting.photo.shape and (full != painting.photo).any()
    assert not painting.copy(painting.primitive).mismatch.any()
    strange = painting.primitive
    strange[30:40, 44:54] = 255, 0, 255
    mismatch = painting.copy(strange, fields.identity(53, 64)).mismatch
    assert mismatch[31:39, 45:53].all(), "the photo has nothing of that colour, which is told"


def test_what_moves_within_a_region_moves_in_the_full_picture_too(opened):
    recipe = {"size": [180, 150], "steps": [{"move": {"polygon": SQUARE, "by": [8, 6]}}]}
    drawn, field = opened.apply_recipe(recipe), opened.recipe_field(recipe)
    alike = np.array_equal(drawn, opened.primitive)
    full = opened.edit(opened.primitive, keep="auto", field=field)
    moved = (full != opened.photo).any(-1)
    assert moved.any() and not moved.all() and (alike or moved[60:80, 60:80].any())


def test_what_moves_with_an_edit_is_connected_to_it():
    changed = np.zeros((20, 20), bool)
    changed[5, 5] = True
    field = fields.identity(20, 20).copy()
    field[5:9, 5:9, 0] += 2
    field[15:18, 15:18, 0] += 2
    moved = areas.moved_with(changed, field)
    assert moved[5:9, 5:9].all() and moved.sum() == 16
