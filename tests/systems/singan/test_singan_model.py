"""SinGAN through `train` and `load`: the run's folder, interruptions, and what a model makes."""

import json
import logging
import shutil

import jax
import numpy as np
import pytest

import deepsim_jax
from deepsim_jax import UserError, api, settings
from deepsim_jax.images import io as images
from deepsim_jax.systems.singan import applications, inpainting
from deepsim_jax.systems.singan import source as photo
from deepsim_jax.training import checkpoint, listeners, loop, progress
from deepsim_jax.training import state as states


def tiny(**keys):
    """The fixture's config with keys written section__name changed."""
    config = settings.load("singan_quickstart:tiny")
    for key, value in keys.items():
        section, _, name = key.partition("__")
        config[section][name] = value
    return config


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def saved_trees(workdir, scene):
    """What the newest checkpoint holds."""
    run = api.build_run(photo.Photo(scene), api.read_config(workdir), workdir)
    saver = checkpoint.Checkpoints(run.checkpoint_folder, read_only=True)
    place = loop.restore(run, saver, saver.latest())
    return states.to_trees(place.state, place.previous)


def test_a_run_has_all_that_is_told_of_it(trained_singan, scene):
    run = trained_singan.workdir
    assert (trained_singan.step, trained_singan.finished, trained_singan.scales) == (8, True, 2)
    assert trained_singan.size == (22, 26)
    np.testing.assert_array_equal(trained_singan.photo, scene)
    assert sorted(path.name for path in (run / "pair").iterdir()) == ["photo.png"]
    rows = progress.read_metrics(run / "metrics.jsonl")
    assert [(row["step"], row["scale"]) for row in rows] == [(2, 0), (4, 0), (6, 1), (8, 1)]
    assert all(row["psnr"] > 3 for row in rows)
    assert api.read_config(run).system == "singan"
    rebuilt = trained_singan.reconstruct()
    assert [picture.shape[:2] for picture in rebuilt] == list(trained_singan.learned.pyramid.sizes)


def test_what_is_loaded_is_what_was_trained_also_in_another_place(trained_singan, tmp_path):
    moved = shutil.copytree(trained_singan.workdir, tmp_path / "moved")
    loaded = deepsim_jax.load(moved)
    assert isinstance(loaded, deepsim_jax.SinganModel) and loaded.finished
    same(loaded.learned, trained_singan.learned)
    pictures = loaded.sample(2, seed=3)
    assert pictures.shape == (2, 22, 26, 3) and pictures.dtype == np.uint8 and np.ptp(pictures) > 0
    np.testing.assert_array_equal(pictures[1:], trained_singan.sample(12, seed=3)[1:2])


@pytest.mark.slow
@pytest.mark.parametrize("moment, saved", [(5, 4), (7, 6)])
def test_a_killed_run_continues_bit_for_bit(
    tmp_path, scene, trained_singan, monkeypatch, caplog, moment, saved
):
    """At a scale's end and within a scale; meanwhile there is a model of what is complete."""
    advance, done = listeners.Bar.advance, []

    def killed(bar, step):
        advance(bar, step)
        done.append(1)
        if len(done) == moment:
            raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(listeners.Bar, "advance", killed)
        with pytest.raises(MemoryError):
            deepsim_jax.train(scene, config=tiny(), workdir=tmp_path)
    with caplog.at_level(logging.WARNING):
        half = deepsim_jax.load(tmp_path)
    assert (half.step, half.finished, half.scales) == (saved, False, 1)
    height, width = half.size
    assert f"1 of 2 scales are trained so far: pictures have {width}x{height} px" in caplog.text
    assert half.sample().shape == (1, height, width, 3)
    assert half.learned.pyramid.sizes == trained_singan.learned.pyramid.sizes[:1]

    model = deepsim_jax.train(scene, config=tiny(), workdir=tmp_path)
    same(model.learned, trained_singan.learned)
    same(saved_trees(tmp_path, scene), saved_trees(trained_singan.workdir, scene))
    rows, expected = ((run / "metrics.jsonl").read_text() for run in (tmp_path, trained_singan.workdir))
    assert rows == expected


def test_a_run_is_of_one_photo_system_and_length(trained_singan, scene):
    run = trained_singan.workdir
    for image, config, message in [
        (scene[:, ::-1], tiny(), "another photo"),
        (scene, tiny(optim__g_rate=1e-3), "optim.g_rate: 0.0005 -> 0.001"),
        (scene, "quickstart:tiny", "system: 'singan' -> 'deepsim'"),
    ]:
        with pytest.raises(UserError, match=message):
            deepsim_jax.train(image, config=config, workdir=run)
    with pytest.raises(UserError, match=r"train.steps: 4 -> 5\)"):
        deepsim_jax.train(scene, config=tiny(train__steps=5), workdir=run, extend=True)


@pytest.mark.parametrize(
    "picture, message",
    [
        (np.full((60, 60, 3), 7, np.uint8), "photo of one colour"),
        (
            np.zeros((20, 20, 3), np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None],
            "photo of 20x20 pixels: its shorter side must be above 25",
        ),
    ],
)
def test_what_cannot_be_learnt_from_is_told(tmp_path, picture, message):
    with pytest.raises(UserError, match=message):
        deepsim_jax.train(picture, config="singan_quickstart", workdir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_primitive_has_no_place(tmp_path, scene):
    with pytest.raises(UserError, match="primitive: SinGAN learns from a photo alone"):
        deepsim_jax.train(scene, scene, config=tiny(), workdir=tmp_path)


def test_a_config_says_how_the_pyramid_and_the_scales_are(scene, tmp_path):
    config = settings.load("singan_paper:code")
    run = api.build_run(photo.Photo(scene), config, tmp_path)
    tasks = [stage.task for stage in run.stages]
    assert run.steps == 2000 * len(tasks) == api.total_steps(config, photo.Photo(scene))
    assert [task.scale for task in tasks] == list(range(len(tasks)))
    assert all(task.redrawn and task.critic_updates == 3 for task in tasks)
    assert config.pyramid.compat == "code"
    assert tasks[0].pyramid.sizes[-1] == scene.shape[:2] and tasks[0].pyramid.widths[-1] == 128
    updates = run.stages[0].updates
    assert (float(updates.decay(1599)), float(updates.decay(1600))) == pytest.approx((1, 0.1))


def test_iterations_decline_with_the_pixels_of_a_scale(scene, tmp_path):
    config = settings.load("singan_fast")
    run = api.build_run(photo.Photo(scene), config, tmp_path)
    pixels = [np.prod(stage.picture.shape[:2]) for stage in run.stages]
    assert [stage.steps for stage in run.stages] == [
        round(2000 * (pixels[0] / own) ** 0.6) for own in pixels
    ]
    assert run.steps == api.total_steps(config, photo.Photo(scene))
    efforts = [stage.effort / own for stage, own in zip(run.stages, pixels, strict=True)]
    assert efforts[-1] / efforts[0] == pytest.approx(2**1.5)  # 64 channels instead of 32: 2.4 measured
    for stage in run.stages:
        assert stage.updates.constant_steps == round(0.8 * stage.steps)


def test_the_methods_are_the_applications(trained_singan, scene, monkeypatch):
    called = []
    composite = applications.Composite(scene, scene, None)

    def record(module, name, answer):
        def function(*given, **options):
            called.append((name, given, options))
            return answer

        monkeypatch.setattr(module, name, function)

    model, some = trained_singan, scene[:30, :30]
    for name in ("retarget", "paint", "enlarge", "animate"):
        record(applications, name, scene)
    for name in ("edit", "harmonise"):
        record(applications, name, composite)
    record(inpainting, "inpaint", inpainting.Inpainted(scene, scene, scene))
    hole = np.zeros(scene.shape[:2], bool)
    hole[3:9, 4:8] = True
    model.retarget((20, 40), 2, start_scale=1, seed=5)
    model.paint(some, 3)
    model.edit(some, hole, start_scale=1)
    model.harmonise(some)
    model.enlarge(2)
    model.animate(frames=3, beta=0.5)
    model.inpaint(hole, some)
    assert [name for name, *_ in called] == [
        "retarget",
        "paint",
        "edit",
        "harmonise",
        "enlarge",
        "animate",
        "inpaint",
    ]
    assert all(given[0] is model.learned for _, given, _ in called)
    assert called[0][1:] == ((model.learned, (20, 40), 2), {"seed": 5, "start_scale": 1})
    np.testing.assert_array_equal(called[2][1][1], scene)
    np.testing.assert_array_equal(called[4][1][1], scene)
    np.testing.assert_array_equal(called[6][1][2], hole)
    assert called[5][2] == {"frames": 3, "alpha": 0.1, "beta": 0.5, "start_scale": None, "seed": 0}


def test_previews_show_each_scale_large_enough(trained_singan):
    names = sorted(path.stem for path in (trained_singan.workdir / "samples").iterdir())
    assert names == ["000003", "000004", "000006", "000008"]
    for name in names:
        picture = images.read_image(trained_singan.workdir / "samples" / f"{name}.png")
        assert picture.shape[0] >= 96 and picture.shape[1] > 5 * 96
    config = json.loads((trained_singan.workdir / "config.json").read_text())["config"]
    assert config["system"] == "singan"
