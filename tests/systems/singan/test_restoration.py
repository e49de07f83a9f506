import shutil

import numpy as np
import pytest

import deepsim_jax
from deepsim_jax import settings
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images import masks
from deepsim_jax.systems.singan import inpainting, report, restoration, source


@pytest.fixture
def damaged(scene, tmp_path):
    """A picture of 26x22 px with a white bar, the picture without it, and a folder with both files."""
    clean = scene[::7, ::7].copy()
    picture = clean.copy()
    picture[9:13, 5:20] = 255
    images.write_png(tmp_path / "damaged.png", picture)
    images.write_png(tmp_path / "clean.png", clean)
    return picture, clean, tmp_path


@pytest.fixture
def trained(monkeypatch, untrained_pyramid):
    """Stands for `runs.train`: random weights; knows what it was asked for."""

    def train(training, photo, config, workdir):
        image = photo.photo
        train.given.append((image, config, workdir))
        learned = untrained_pyramid(size=image.shape[:2], min_size=15)
        return type("Model", (), {"learned": learned, "finished": not train.stopped})

    train.given, train.stopped = [], False
    monkeypatch.setattr(restoration.runs, "train", train)
    monkeypatch.setattr(report, "write", lambda workdir: workdir / "report.html")
    return train


@pytest.mark.slow
@pytest.mark.parametrize("words", ["bright:255", "difference:{}/clean.png"])
def test_from_files_to_a_filled_picture(damaged, trained, call, words):
    picture, clean, folder = damaged
    code, out, err = call(
        "--mode=inpaint",
        f"--workdir={folder / 'run'}",
        f"--mask={words.format(folder)}",
        "--seed=3",
        "--config=singan_quickstart:tiny",
        f"--config.data.image={folder}/damaged.png",
        f"--reference={folder}/clean.png",
        f"--output={folder}/out.png",
    )
    assert code == 0 and out.split()[0] == f"{folder}/out.png", err
    found = images.read_image(folder / "out.png")
    hole = (picture == 255).all(-1)
    ((image, config, workdir),) = trained.given
    assert (image == inpainting.training_picture(picture, hole)).all()
    assert config.system == "singan" and workdir == folder / "run"
    learned = untrained(trained, image)
    expected = inpainting.inpaint(learned, picture, hole, clean, seed=3).picture
    assert (found == expected).all() and (found[~hole] == picture[~hole]).all()


def untrained(trained, image):
    return trained(None, source.Photo(image), None, None).learned


def test_arrays_and_options(damaged, trained, tmp_path):
    picture, clean, _ = damaged
    hole = (picture == 255).all(-1)
    found = restoration.inpaint(
        picture,
        hole,
        config="singan_quickstart:tiny",
        workdir=tmp_path,
        trained_on="damaged",
        start_scale=1,
        grow=1,
        seed=8,
    )
    ((image, _, _),) = trained.given
    assert (image == picture).all()
    expected = inpainting.inpaint(
        untrained(trained, image), picture, masks.widened(hole, 1), start_scale=1, seed=8
    )
    assert (found.picture == expected.picture).all() and (found.made == expected.made).all()


def test_a_stopped_training_is_told_and_goes_on(damaged, trained, tmp_path, call):
    picture, _, folder = damaged
    trained.stopped = True
    with pytest.raises(KeyboardInterrupt):
        restoration.inpaint(picture, "bright:255", config="singan_quickstart:tiny", workdir=tmp_path)
    code, _, err = call(
        "--mode=inpaint",
        f"--workdir={folder / 'run'}",
        "--mask=bright:255",
        "--config=singan_quickstart:tiny",
        f"--config.data.image={folder}/damaged.png",
        f"--output={folder}/out.png",
    )
    assert code == 130 and "goes on where it was" in err and not (folder / "out.png").exists()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"mask": np.zeros((22, 26))}, "no pixel is masked"),
        ({"mask": np.ones((22, 26))}, "every pixel is masked"),
        ({"mask": np.ones((26, 22))}, "mask: 22x26 px, the picture has 26x22"),
        ({"reference": np.zeros((20, 26, 3), np.uint8)}, "reference: 26x20 px, it must be 26x22"),
        ({"start_scale": 0}, "start scale 0: allowed are 1 .* to 1 "),
        ({"start_scale": 2}, "start scale 2: allowed are 1 .* to 1 "),
        ({"config": "quickstart:tiny"}, "needs a config of SinGAN"),
        ({"trained_on": "clean"}, "choose one of filled, damaged"),
        ({"grow": -1}, "grow=-1"),
    ],
)
def test_refuses_before_anything_is_trained(damaged, tmp_path, changes, message):
    picture, _, _ = damaged
    given = {"mask": "bright:255", "config": "singan_quickstart:tiny", "workdir": tmp_path / "run"}
    with pytest.raises(UserError, match=message):
        restoration.inpaint(picture, **{**given, **changes})
    assert not (tmp_path / "run").exists()


def test_a_single_scale_is_refused_before_it_is_trained(damaged, tmp_path):
    config = settings.load("singan_quickstart:tiny")
    config.pyramid.keep = 1
    with pytest.raises(UserError, match="a single scale: leave pyramid.keep=1 out"):
        restoration.inpaint(damaged[0], "bright:255", config=config, workdir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_command_line_asks_for_what_is_missing(tmp_path, call, damaged):
    *_, folder = damaged
    config = ["--config=singan_quickstart:tiny"]
    photo = [f"--config.data.image={folder}/damaged.png"]
    for arguments, message in (
        (config, "--mask is needed"),
        ([*config, "--mask=dark"], "--output is needed"),
        ([*config, "--mask=dark", "--output=o.png"], "give --config.data.image=damaged.png"),
        ([*config, *photo, "--mask=dark", "--output=o.jpg"], "a .png file is needed"),
        (
            ["--config=quickstart", "--config.data.image=a.png", "--mask=dark", "--output=o.png"],
            "take singan_quickstart",
        ),
    ):
        code, _, err = call("--mode=inpaint", f"--workdir={tmp_path / 'run'}", *arguments)
        assert code == 2 and message in err, err


def test_a_run_that_is_finished_is_not_trained_again(trained_singan, scene, tmp_path):
    hole = np.zeros(scene.shape[:2], bool)
    hole[40:70, 50:90] = True
    run = shutil.copytree(trained_singan.workdir, tmp_path / "run")
    saved = sorted((run / "checkpoints").iterdir())
    found = deepsim_jax.inpaint(
        scene,
        hole,
        scene[::-1],
        config="singan_quickstart:tiny",
        workdir=run,
        trained_on="damaged",
        start_scale=1,
        seed=2,
    )
    assert sorted((run / "checkpoints").iterdir()) == saved
    same = trained_singan.inpaint(hole, scene[::-1].copy(), start_scale=1, seed=2)
    assert (found.picture == same).all() and (found.picture[~hole] == scene[~hole]).all()
    assert (found.picture[hole] != scene[hole]).any()
