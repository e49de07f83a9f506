"""The modes of SinGAN on the command line."""

import shutil

import numpy as np
import pytest

from deepsim_jax import UserError, singan_commands
from deepsim_jax.data import images


@pytest.fixture
def run(tmp_path, trained_singan):
    """A copy of the trained run."""
    return shutil.copytree(trained_singan.workdir, tmp_path / "run")


@pytest.fixture
def edited(tmp_path, scene):
    picture = scene.copy()
    picture[20:50, 100:140] = scene[90:120, 110:150]
    images.write_png(tmp_path / "edited.png", picture)
    return tmp_path / "edited.png"


def test_training_and_sampling_from_the_command_line(call, tmp_path, scene, trained_singan):
    images.write_png(tmp_path / "me.png", scene)
    run = tmp_path / "run"
    code, out, err = call("--config=singan_quickstart:tiny", f"--config.data.image={tmp_path / 'me.png'}",
                          f"--workdir={run}")
    assert code == 0 and out.strip() == str(run / "report.html"), err
    code, out, err = call("--mode=sample", f"--workdir={run}", "--count=2", "--seed=3",
                          f"--output={tmp_path / 'made'}")
    assert code == 0 and "26x22 px; the photo has 180x150" in err
    expected = trained_singan.sample(2, seed=3)
    for number in range(2):
        np.testing.assert_array_equal(images.read_image(tmp_path / "made" / f"00{number}.png"),
                                      expected[number])
    page = (run / "report.html").read_text()
    assert "SinGAN on a photo of 180×150 px, 8 iterations, 4 for each scale" in page
    assert "scale 1, reconstruction" in page and "sample" in page and page.count("<img") == 4


def test_an_edit_keeps_the_photo_elsewhere(call, run, edited, scene, tmp_path):
    code, out, err = call("--mode=edit", f"--workdir={run}", f"--input={edited}",
                          f"--output={tmp_path / 'out.png'}")
    assert code == 0, err
    picture = images.read_image(tmp_path / "out.png")
    assert picture.shape == scene.shape and (picture[100:] == scene[100:]).all()
    assert (run / "made" / "001-edit.png").is_file()


def test_painting_in_few_colours_trains_a_scale_again(call, run, edited, tmp_path):
    code, _, err = call("--mode=paint", f"--workdir={run}", f"--input={edited}", "--colors=3",
                        f"--output={tmp_path / 'p.png'}")
    assert code == 0 and "scale 1 of 0 to 1, 26x22 px, in 3 colours" in err
    assert images.read_image(tmp_path / "p.png").shape == (22, 26, 3)
    assert (run / "quantised" / "scale-1-colors-3" / "checkpoints").is_dir()


def test_a_sheet_has_a_row_for_each_start_scale(call, run, edited, tmp_path):
    for mode, given, rows in (("sample", ["--count=2"], 2), ("paint", [f"--input={edited}"], 1)):
        output = tmp_path / f"{mode}.png"
        code, _, err = call(f"--mode={mode}", f"--workdir={run}", *given, "--sheet", f"--output={output}")
        assert code == 0, err
        height = images.read_image(output).shape[0]
        assert height == rows * (22 + 22 + 6)


def test_an_animation_is_a_moving_picture(call, run, tmp_path):
    output = tmp_path / "a.gif"
    code, _, err = call("--mode=animate", f"--workdir={run}", "--frames=3", f"--output={output}")
    assert code == 0 and output.read_bytes()[:4] == b"GIF8", err


@pytest.mark.parametrize("given, message", [
    (["--mode=evaluate"], "--mode=evaluate: .* is a run of singan, which has --mode=sample"),
    (["--mode=edit", "--input=a.png", "--output=b.png", "--keep=auto"], "--keep is for a run of deepsim"),
    (["--mode=sample", "--output=b.png", "--times=2"], "--times is not for --mode=sample"),
    (["--mode=sample"], "--output is needed for --mode=sample"),
    (["--mode=enlarge", "--output=b.png"], "--times is needed for --mode=enlarge"),
    (["--mode=sample", "--output=b.png", "--size=big"], "--size=big: give WIDTHxHEIGHT"),
    (["--mode=sample", "--output=b.png", "--start_scale=2"], "start scale 2: allowed are 0 .* to 1"),
    (["--mode=sample", "--output=b.jpg"], "a .png file is needed"),
    (["--mode=animate", "--output=b.png"], "moving pictures are written as"),
    (["--mode=sample", "--sheet", "--start_scale=0", "--output=b.png"], "--sheet shows all start scales"),
    (["--mode=animate", "--sheet", "--beta=0.5", "--output=b.gif"], "leave --beta and --start_scale out"),
    (["--mode=inpaint", "--output=b.png", "--mask=nothing.png"], "nothing.png"),
])
def test_what_a_run_cannot_do_is_told(call, run, given, message):
    import re

    code, _, err = call(f"--workdir={run}", *given)
    assert code == 2 and re.search(message, err) and err.strip().count("\n") <= 1


def test_a_run_of_the_other_system_has_other_modes(call, trained):
    code, _, err = call("--mode=sample", f"--workdir={trained.workdir}", "--output=a.png")
    assert code == 2 and "is a run of deepsim, which has --mode=edit, --mode=evaluate" in err


def test_keys_of_the_other_system_are_hinted_at_within_the_own(call, tmp_path):
    code, _, err = call("--config=singan_quickstart", "--config.pyramid.maxsize=96",
                        f"--workdir={tmp_path}")
    assert code == 2 and "did you mean 'pyramid.max_size'" in err


def test_tables_are_trained_with_the_config(tmp_path, monkeypatch, scene):
    from deepsim_jax import settings, singan_tables

    config, found = settings.load("singan_quickstart:tiny"), {}
    for name in ("samples", "enlarging", "inpainted"):
        monkeypatch.setattr(singan_tables, name,
                            lambda *given, name=name, **options: found.update({name: (given, options)}))
    for rows in singan_commands.TABLES:
        specs = [] if rows == "inpainting" else ["skimage:coffee"]
        singan_commands.table(rows, tmp_path, specs, config, {"a": 1}, inception=None)
    assert set(found) == {"samples", "enlarging", "inpainted"} and found["inpainted"][1]["side"] == 26
    with pytest.raises(UserError, match="pictures of its own"):
        singan_commands.table("inpainting", tmp_path, ["a"], config, {})
    with pytest.raises(UserError, match="the config is for deepsim"):
        singan_commands.table("samples", tmp_path, ["a"], settings.load("quickstart"), {})
    train = found["samples"][0][2]
    learned = train(scene, tmp_path / "run")
    assert learned.scales == 2


def test_for_enlarging_the_published_pyramid_is_planned():
    from deepsim_jax import settings
    from deepsim_jax.api import singan

    config = settings.load("singan_quickstart")
    changed = settings.validate(singan_commands.for_enlarging(config, 4))
    # Six steps of the cube root of 2, down to 18 pixels.
    assert changed.pyramid.factor == pytest.approx(0.5 ** (1 / 3)) and changed.pyramid.min_size == 18
    assert changed.loss.reconstruction == 100 and config.loss.reconstruction == 10
    assert singan.plan(changed, (80, 96)).sizes[0][0] == 18
