import importlib
import inspect
import json
import logging
import pkgutil
import shutil

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import deepsim_jax
from deepsim_jax import UserError, api, settings
from deepsim_jax.images import compositing as editing
from deepsim_jax.images import io as images
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import areas, build, pair
from deepsim_jax.systems.deepsim import task as deepsim
from deepsim_jax.systems.deepsim.config import SCHEMA
from deepsim_jax.training import checkpoint, loop

LANDMARKS = {"points": [{"xy": [12, 9]}], "polylines": [{"points": [[3, 3], [40, 30]]}]}


def small(**keys):
    """A config whose step compiles fast, with keys written section__name."""
    config = settings.load("quickstart:tiny")
    keys = {
        **dict(
            model__filters=2,
            model__downsamplings=1,
            model__blocks=0,
            model__d_filters=2,
            model__d_layers=1,
            model__d_scales=1,
            loss__perceptual="none",
            train__steps=2,
            train__log_every=1,
            train__save_every=1,
            train__preview_every=0,
        ),
        **keys,
    }
    for key, value in keys.items():
        section, _, name = key.partition("__")
        config[section][name] = value
    return config


def rows(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def photo(scene):
    return scene[60:100, 30:78]


@pytest.fixture
def run(tmp_path, trained):
    """A copy of the trained run."""
    return shutil.copytree(trained.workdir, tmp_path / "run")


@pytest.fixture
def edited(trained):
    """A changed primitive, in colours that the network knows."""
    return trained.apply_recipe(
        {
            "size": [64, 53],
            "steps": [{"copy": {"polygon": [[8, 10], [30, 10], [30, 40], [8, 40]], "by": [28, 6]}}],
        }
    )


@pytest.mark.slow
def test_no_public_function_is_replaced_by_a_module(tmp_path, photo):
    for module in pkgutil.walk_packages(deepsim_jax.__path__, "deepsim_jax."):
        importlib.import_module(module.name)
    for name in deepsim_jax.__all__:
        assert not inspect.ismodule(getattr(deepsim_jax, name)), name
    one, two = (deepsim_jax.train(photo, config=small(), workdir=tmp_path / n) for n in "ab")
    assert one.step == two.step == 2
    np.testing.assert_array_equal(one.edit(one.primitive), two.edit(two.primitive))


@pytest.mark.slow
def test_a_loaded_model_is_the_trained_one(trained, edited):
    for workdir in (trained.workdir, str(trained.workdir)):
        loaded = deepsim_jax.load(workdir)
        assert loaded.step == trained.step == 6 and loaded.workdir == trained.workdir
        np.testing.assert_array_equal(loaded.primitive, trained.primitive)
        np.testing.assert_array_equal(loaded.photo, trained.photo)
        for primitive in (trained.primitive, edited):
            np.testing.assert_array_equal(loaded.edit(primitive), trained.edit(primitive))


def test_a_run_that_was_moved_edits_as_before(tmp_path, run, trained, edited):
    moved = deepsim_jax.load(shutil.move(run, tmp_path / "elsewhere"))
    np.testing.assert_array_equal(moved.edit(edited), trained.edit(edited))


def test_an_edit_changes_the_picture_where_the_drawing_changed(trained, edited):
    before, after = trained.edit(trained.primitive), trained.edit(edited)
    assert before.dtype == np.uint8 and before.shape == after.shape == (53, 64, 3)
    changed = np.any(edited != trained.primitive, axis=-1)
    assert 0.02 < changed.mean() < 0.5
    assert np.any(before != after, axis=-1)[changed].mean() > 0.5


def test_what_the_user_gets_is_a_copy(trained):
    for name in ("primitive", "photo"):
        given = getattr(trained, name)
        kept = given.copy()
        given[:] = 7
        np.testing.assert_array_equal(getattr(trained, name), kept)


def test_an_edited_primitive_of_another_size_is_refused(trained, edited):
    with pytest.raises(UserError, match="primitive: 60x53 px, this model edits 64x53; start from"):
        trained.edit(edited[:, :60])
    for given, message in [
        ("none.png", "no such file"),
        (edited[:9, :9], "too few"),
        (None, "NoneType"),
        (edited.astype(int), "int64"),
    ]:
        with pytest.raises(UserError, match=f"primitive.*{message}"):
            trained.edit(given)


def test_a_primitive_of_the_photos_size_is_shrunk(trained, edited, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    layers = primitives.decompose(edited, trained._spec)
    row, column = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in ((150, 53), (180, 64)))
    large = layers.regions[np.ix_(row, column)]
    small = trained.edit(layers.regions)
    difference = np.abs(trained.edit(large).astype(int) - small)
    assert difference.mean() < 0.1 * np.abs(small - small.mean()).mean()
    assert "primitive: 180x150 px, like the photo; shrunk to the 64x53" in caplog.text


def test_foreign_colours_are_snapped_and_counted(trained, edited, caplog):
    trained.edit(edited, engine="both")
    assert not caplog.messages, "it knows these"
    region = edited[20, 20].astype(int)
    foreign = edited.copy()
    block = (slice(20, 30), slice(20, 32))
    ours = np.broadcast_to(region, edited[block].shape).astype(np.uint8)
    near = ours.copy()
    near[..., 1] += np.where(near[..., 1] < 128, 3, -3).astype(near.dtype)
    known = edited.copy()
    known[block], foreign[block] = ours, near
    expected = trained.edit(known)
    caplog.clear()
    np.testing.assert_array_equal(trained.edit(foreign), expected)
    (message,) = caplog.messages
    assert "120 pixels (3.5 %)" in message and "snapped" in message


@pytest.mark.parametrize("shape", [(53, 64), (150, 180)])
@pytest.mark.parametrize("as_file", [False, True])
def test_keep_is_a_mask_of_the_primitives_or_the_photos_size(trained, edited, tmp_path, shape, as_file):
    keep = np.zeros(shape, bool)
    keep[: shape[0] // 2] = True
    given = keep
    if as_file:
        given = tmp_path / "keep.png"
        Image.fromarray(keep.astype(np.uint8)).save(given)  # 1, not 255
    result = trained.edit(edited, keep=given)
    assert result.shape == (150, 180, 3) and result.dtype == np.uint8
    np.testing.assert_array_equal(result[:75], trained.photo[:75])
    assert (result[90:] != trained.photo[90:]).any(-1).mean() > 0.5
    np.testing.assert_array_equal(
        trained.edit(edited, keep=given.astype(float) * 9) if not as_file else result, result
    )


def test_keep_of_another_size_is_refused(trained, edited):
    with pytest.raises(UserError, match="keep: 60x53 px, it must be 64x53 or 180x150"):
        trained.edit(edited, keep=np.ones((53, 60), bool))
    with pytest.raises(UserError, match="keep none.png: no such file"):
        trained.edit(edited, keep="none.png")


def test_auto_keep_changes_the_surroundings_of_the_edit_in_the_full_photo(trained, edited, tmp_path):
    result = trained.edit(edited, keep="auto", engine="network")
    assert result.shape == trained.photo.shape == (150, 180, 3)
    keep = editing.auto_keep((trained.primitive != edited).any(-1))
    assert 0.1 < keep.mean() < 0.95
    row, column = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in ((150, 53), (180, 64)))
    full = keep[np.ix_(row, column)]
    np.testing.assert_array_equal(result[full], trained.photo[full])
    assert (result != trained.photo).any()
    images.write_png(tmp_path / "out.png", result)
    read = np.asarray(Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(read[full], trained.photo[full])
    np.testing.assert_array_equal(read, result)
    np.testing.assert_array_equal(trained.edit(trained.primitive, keep="auto"), trained.photo)


def test_auto_keep_lets_change_what_moves_with_the_edit(trained, edited):
    keep = editing.auto_keep((trained.primitive != edited).any(-1))
    free = areas.moved_with(~keep, trained.copy(edited).field)
    still = cv2.resize(free.view(np.uint8), (180, 150), interpolation=cv2.INTER_AREA) == 0
    still = cv2.erode(still.view(np.uint8), np.ones((7, 7))) > 0
    assert still.any() and (free >= ~keep).all()
    np.testing.assert_array_equal(trained.edit(edited, keep="auto")[still], trained.photo[still])


def test_repeated_edits_do_not_compile(trained, edited):
    trained.edit(trained.primitive)
    compiled = deepsim.render(trained._architecture)
    before = compiled._cache_size()
    for model in (trained, deepsim_jax.load(trained.workdir)):
        for keep in (None, "auto", np.tri(53, 64, dtype=bool)):
            model.edit(edited, keep=keep)
    assert deepsim.render(trained._architecture) is compiled
    assert compiled._cache_size() == before


def test_paths_and_arrays_give_the_same(tmp_path, run, trained, edited, scene):
    images.write_png(tmp_path / "scene.png", scene)
    images.write_png(tmp_path / "edited.png", edited)
    for path in (tmp_path / "edited.png", str(tmp_path / "edited.png")):
        np.testing.assert_array_equal(trained.edit(path), trained.edit(edited))
    # The pair decides which run it is; a path is only the way to it.
    for image in (scene, tmp_path / "scene.png", str(tmp_path / "scene.png")):
        model = deepsim_jax.train(image, config="quickstart:tiny", workdir=run)
        assert model.step == 6
    (tmp_path / "recipe.json").write_text(json.dumps({"steps": []}))
    for recipe in (tmp_path / "recipe.json", str(tmp_path / "recipe.json"), {"steps": []}):
        np.testing.assert_array_equal(trained.apply_recipe(recipe), trained.primitive)
    for given in (tmp_path / "scene.png", scene):
        np.testing.assert_array_equal(
            deepsim_jax.make_primitive(given, kind="edges"),
            deepsim_jax.make_primitive(str(tmp_path / "scene.png")),
        )


def test_a_finished_run_is_loaded_and_nothing_in_it_changes(run, trained, scene, edited):
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    model = deepsim_jax.train(scene, config="quickstart:tiny", workdir=run)
    assert model.step == 6
    np.testing.assert_array_equal(model.edit(edited), trained.edit(edited))
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


def test_a_run_of_something_else_is_refused_by_name(run, scene):
    config = settings.load("quickstart:tiny")
    config.train.batch = 2
    with pytest.raises(UserError, match="run: holds .*train.batch: 1 -> 2"):
        deepsim_jax.train(scene, config=config, workdir=run)
    with pytest.raises(UserError, match="another photo or primitive"):
        deepsim_jax.train(scene[:, ::-1], config="quickstart:tiny", workdir=run)
    with pytest.raises(UserError, match="--extend allows more"):
        config = settings.load("quickstart:tiny")
        config.train.steps = 9
        deepsim_jax.train(scene, config=config, workdir=run)


@pytest.mark.slow
def test_a_run_can_be_extended(tmp_path, photo):
    first = deepsim_jax.train(photo, config=small(), workdir=tmp_path)
    model = deepsim_jax.train(photo, config=small(train__steps=4), workdir=tmp_path, extend=True)
    assert (first.step, model.step) == (2, 4)
    assert [row["step"] for row in rows(tmp_path)] == [1, 2, 3, 4]
    assert api.read_config(tmp_path).train.steps == 4
    again = deepsim_jax.load(tmp_path)
    np.testing.assert_array_equal(again.edit(again.primitive), model.edit(model.primitive))


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys",
    [
        dict(data__kind="edges"),
        dict(data__kind="seg_edges"),
        dict(data__kind="seg", loss__adversarial="log", loss__adversarial_weight=0.1),
        dict(data__kind="paint", loss__adversarial="log", loss__adversarial_weight=0.1),
        dict(data__kind="landmarks", loss__adversarial="log", loss__adversarial_weight=0.1),
        dict(model__generator="local", model__local_blocks=1, train__ema=0.9),
        dict(
            model__dtype="bfloat16", augment__compat="code", data__kind="edges", data__edge_color="white"
        ),
        dict(
            train__batch=2,
            augment__cutmix=1.0,
            augment__canny=0.5,
            augment__shear=0.5,
            augment__translation=0.5,
        ),
    ],
    ids=lambda keys: " ".join(f"{k.partition('__')[2]}={v}" for k, v in keys.items()),
)
def test_everything_that_a_config_may_ask_for_trains(tmp_path, photo, keys):
    if keys.get("data__kind") == "landmarks":
        (tmp_path / "marks.json").write_text(json.dumps(LANDMARKS))
        keys["data__landmarks"] = str(tmp_path / "marks.json")
    run = tmp_path / "run"
    model = deepsim_jax.train(photo, config=small(**keys), workdir=run)
    assert model.step == 2 and model.primitive.shape == photo.shape
    assert [row["step"] for row in rows(run)] == [1, 2]
    assert all(np.isfinite(v) for row in rows(run) for v in row.values())
    start = checkpoint.Checkpoints(run / "checkpoints", read_only=True)
    assert start.steps() == [1, 2]
    loaded, picture = deepsim_jax.load(run), model.edit(model.primitive)
    assert picture.shape == photo.shape and np.ptp(picture) > 0
    np.testing.assert_array_equal(loaded.edit(model.primitive), picture)


def test_divergence_stops_with_advice_and_keeps_the_last_good_state(tmp_path, photo, monkeypatch):
    to_device = pair.to_device

    def spoiled(*given, **options):
        found = to_device(*given, **options)
        return found.replace(image=found.image * jnp.nan)

    monkeypatch.setattr(pair, "to_device", spoiled)
    for _ in range(2):  # a second start does not do better
        with pytest.raises(
            loop.Diverged,
            match="not finite at step 1; the last good checkpoint is "
            "step 0; train in a new folder with smaller optim.g_rate",
        ):
            deepsim_jax.train(photo, config=small(), workdir=tmp_path)
    model = deepsim_jax.load(tmp_path)
    assert model.step == 0 and model.edit(model.primitive).shape == photo.shape


def test_an_edit_has_the_primitives_size_whatever_the_networks_multiple(scene):
    sizes = build.architecture(small(model__downsamplings=4))
    params = jax.tree.map(lambda a: jnp.full(a.shape, 0.01), sizes.abstract_params())
    for height, width in ((16, 16), (17, 40)):
        primitive = scene[:height, :width]
        model = deepsim_jax.Model(sizes, params, photo=primitive, primitive=primitive)
        assert model.edit(primitive).shape == (height, width, 3)


@pytest.mark.parametrize(
    "keys, message",
    [
        (dict(data__kind="seg", augment__canny=0.5), "augment.canny: .* no edges"),
        (dict(train__devices=3), "train.devices=3: this machine has 2"),
        (dict(train__batch=3, train__devices=2), "train.batch=3: .* multiple of the 2"),
        (dict(loss__perceptual="vgg19", loss__vgg19_file="none.pth"), "none.pth: "),
        (dict(augment__cutmix_side=(90, 3)), "cutmix_side"),
        (dict(data__kind="landmarks"), "give landmarks"),
        (dict(data__landmarks="none.json"), "none.json: cannot be read"),
        (dict(data__max_side=5), "size limit 5"),
        (dict(data__canny_sigma=0.0), "edge sigma 0"),
    ],
)
def test_what_cannot_be_trained_leaves_no_folder(tmp_path, photo, keys, message):
    with pytest.raises(UserError, match=message):
        deepsim_jax.train(photo, config=small(**keys), workdir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "image, message",
    [
        ("none.png", "image none.png: no such file"),
        ("", "no photo: give"),
        (None, "no photo: give"),
        (3, "int"),
        (np.zeros((9, 9, 3), np.uint8), "too few"),
        (np.zeros((20, 20, 2)), "shape"),
    ],
)
def test_what_is_no_photo_leaves_no_folder(tmp_path, image, message):
    with pytest.raises(UserError, match=message):
        deepsim_jax.train(image, config=small(), workdir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_source_comes_from_arguments_from_paths_or_from_a_folder(tmp_path, photo):
    drawn = deepsim_jax.make_primitive(photo, "seg_edges", colors=3)
    for name, picture in {
        "photo": photo,
        "drawn": drawn,
        "root/train_B/1": photo,
        "root/train_seg/1": drawn,
    }.items():
        images.write_png(tmp_path / f"{name}.png", picture)
    (tmp_path / "root" / "train_edges").mkdir()
    given = api.read_source(small(), photo, drawn)
    named = api.read_source(
        small(data__image=str(tmp_path / "photo.png"), data__primitive=str(tmp_path / "drawn.png"))
    )
    assert given.hash() == named.hash()
    root = api.read_source(small(data__root=str(tmp_path / "root")))
    assert root.spec.kind == "seg_edges"
    seg = api.read_source(small(data__root=str(tmp_path / "root"), data__kind="seg"))
    assert seg.spec.kind == "seg"
    (tmp_path / "marks.json").write_text(json.dumps(LANDMARKS))
    marks = api.read_source(small(data__landmarks=str(tmp_path / "marks.json")), photo)
    assert marks.spec.kind == "landmarks", "auto is what is given"
    with pytest.raises(UserError, match="data.root and data.image are both given"):
        api.read_source(small(data__root="root"), photo)


def test_the_configs_primitive_is_used_unless_one_is_given(tmp_path, photo, monkeypatch):
    drawn = deepsim_jax.make_primitive(photo, "seg_edges", colors=3)
    images.write_png(tmp_path / "drawn.png", drawn)
    images.write_png(tmp_path / "photo.png", photo)
    seen = []
    monkeypatch.setattr(api, "train_source", lambda *given, **_: seen.append(given))
    config = small(data__primitive=str(tmp_path / "drawn.png"), data__image=str(tmp_path / "photo.png"))
    expected = api.read_source(small(), photo, drawn).hash()
    for image, primitive in ((photo, None), (None, None), (tmp_path / "photo.png", drawn)):
        deepsim_jax.train(image, primitive, config=config, workdir=tmp_path)
    assert [source.hash() for source, *_ in seen] == [expected] * 3
    deepsim_jax.train(photo, deepsim_jax.make_primitive(photo, "edges"), config=config, workdir=tmp_path)
    assert seen[-1][0].hash() != expected


def test_loading_what_is_no_run_is_told(tmp_path, run):
    with pytest.raises(UserError, match="none: no run in this folder"):
        deepsim_jax.load(tmp_path / "none")
    shutil.rmtree(run / "checkpoints" / "6")
    assert deepsim_jax.load(run).step == 3
    shutil.rmtree(run / "checkpoints" / "3")
    with pytest.raises(UserError, match="no complete checkpoint"):
        deepsim_jax.load(run)
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(UserError, match="no complete checkpoint"):
        deepsim_jax.load(run)


def test_an_unfinished_run_says_how_far_it_is(run, caplog):
    caplog.set_level(logging.WARNING, "deepsim_jax")
    shutil.rmtree(run / "checkpoints" / "6")
    deepsim_jax.load(run)
    assert "trained for 3 of 6 steps so far" in caplog.text


def test_the_first_steps_are_coarse(tmp_path):
    config = settings.load("quickstart:tiny")
    with config.unlocked():
        config.train.steps, config.train.coarse_steps, config.train.constant_fraction = 10, 4, 0.5
        config.loss.perceptual_levels = 3
    photo = np.random.default_rng(0).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    source = pair.prepare(photo, kind="edges")
    run = api.build_run(source, config, tmp_path)
    coarse, fine = run.stages
    assert (coarse.steps, fine.steps, run.steps) == (4, 6, 10)
    assert [float(coarse.updates.decay(step)) for step in (0, 3)] == [1, 1]
    assert [float(fine.updates.decay(step)) for step in (0, 3, 6)] == [1, 1, 0]
    assert (coarse.pair.image.shape, fine.pair.image.shape) == ((32, 24, 3), (64, 48, 3))
    assert (coarse.task.perceptual_levels, fine.task.perceptual_levels) == (2, 3)
    begun = fine.begin(coarse.begin().replace(step=jnp.int32(4)))
    assert int(begun.step) == 0
    jax.tree.map(np.testing.assert_array_equal, begun.params, coarse.begin().params)

    assert SCHEMA.is_extendable(config)
    config.train.coarse_steps = 8
    assert [stage.steps for stage in api.build_run(source, config, tmp_path).stages] == [5, 5]
    assert not SCHEMA.is_extendable(config)


def test_the_time_left_knows_what_vgg_sees(tmp_path, monkeypatch):
    monkeypatch.setattr(build.pretrained, "load_vgg16", dict)
    config = settings.load("quickstart")
    photo = np.random.default_rng(0).integers(0, 256, (192, 192, 3)).astype(np.uint8)
    coarse, fine = api.build_run(pair.prepare(photo, kind="edges"), config, tmp_path).stages
    assert 2.7 < fine.effort / coarse.effort < 2.9, "as measured; pixels alone would say 4"


@pytest.mark.parametrize(
    "size, coarse_steps, depth, message",
    [
        ((20, 30), 4, 2, "train.coarse_steps: .* too small .*; set train.coarse_steps=0"),
        ((40, 60), 0, 5, "perceptual_levels=3: windows of 15x10 pixels .* choose fewer levels"),
    ],
)
def test_pictures_too_small_for_coarse_steps_or_windows_are_refused(
    tmp_path, monkeypatch, size, coarse_steps, depth, message
):
    config = settings.load("quickstart:tiny")
    with config.unlocked():
        config.train.steps, config.train.coarse_steps = 10, coarse_steps
        config.loss.perceptual_levels, config.loss.perceptual_depth = 3, depth
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    source = pair.prepare(photo, kind="edges")
    monkeypatch.setattr(build.pretrained, "load_vgg16", dict)
    with pytest.raises(UserError, match=message):
        api.build_run(source, config, tmp_path)
