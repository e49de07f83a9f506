"""The modes of SinGAN on the command line."""

import shutil

import numpy as np
import pytest
from PIL import Image

from deepsim_jax.images import io as images
from deepsim_jax.images import profiles


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


@pytest.mark.slow
def test_training_and_sampling_from_the_command_line(call, tmp_path, scene, trained_singan):
    images.write_png(tmp_path / "me.png", scene)
    run = tmp_path / "run"
    code, out, err = call(
        "--config=singan_quickstart:tiny",
        f"--config.data.image={tmp_path / 'me.png'}",
        f"--workdir={run}",
    )
    assert code == 0 and out.strip() == str(run / "report.html"), err
    code, out, err = call(
        "--mode=sample", f"--workdir={run}", "--count=2", "--seed=3", f"--output={tmp_path / 'made'}"
    )
    assert code == 0 and "26x22 px; the photo has 180x150" in err
    expected = trained_singan.sample(2, seed=3)
    for number in range(2):
        np.testing.assert_array_equal(
            images.read_image(tmp_path / "made" / f"00{number}.png"), expected[number]
        )
    page = (run / "report.html").read_text()
    assert "SinGAN on a photo of 180×150 px, 8 iterations, 4 for each scale" in page
    assert "scale 1, reconstruction" in page and "sample" in page and page.count("data:image/png") == 4


def test_an_edit_keeps_the_photo_elsewhere(call, run, edited, scene, tmp_path):
    code, out, err = call(
        "--mode=edit", f"--workdir={run}", f"--input={edited}", f"--output={tmp_path / 'out.png'}"
    )
    assert code == 0, err
    picture = images.read_image(tmp_path / "out.png")
    assert picture.shape == scene.shape and (picture[100:] == scene[100:]).all()
    assert (run / "made" / "001-edit.png").is_file()


@pytest.mark.parametrize("mode", ["edit", "harmonise", "inpaint"])
def test_a_composite_has_the_photo_s_own_colours(call, run, scene, tmp_path, mode):
    """A photo with a profile and the scene's numbers, changed in a program that keeps them."""
    profile = profiles.make("Display P3", profiles.DISPLAY_P3)
    Image.fromarray(scene).save(run / "pair" / "photo.png", icc_profile=profile)
    changed, mask = scene.copy(), np.zeros(scene.shape[:2], np.uint8)
    changed[20:50, 100:140], mask[20:50, 100:140] = scene[90:120, 110:150], 255
    Image.fromarray(changed).save(tmp_path / "edited.png", icc_profile=profile)
    images.write_png(tmp_path / "mask.png", mask)
    given = [f"--mask={tmp_path / 'mask.png'}"]
    given += [f"--input={tmp_path / 'edited.png'}"] * (mode != "inpaint")
    code, _, err = call(f"--mode={mode}", f"--workdir={run}", f"--output={tmp_path / 'out.png'}", *given)
    assert code == 0, err
    with Image.open(tmp_path / "out.png") as image:
        numbers = np.asarray(image)
        assert image.info["icc_profile"] == profile
    assert (numbers[100:] == scene[100:]).all()
    assert (numbers[20:50, 100:140] != scene[20:50, 100:140]).any()


@pytest.mark.slow
def test_painting_in_few_colours_trains_a_scale_again(call, run, edited, tmp_path):
    code, _, err = call(
        "--mode=paint",
        f"--workdir={run}",
        f"--input={edited}",
        "--colors=3",
        f"--output={tmp_path / 'p.png'}",
    )
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


@pytest.mark.parametrize(
    "given, message",
    [
        (["--mode=evaluate"], "--mode=evaluate: .* is a run of singan, which has --mode=sample"),
        (
            ["--mode=edit", "--input=a.png", "--output=b.png", "--keep=auto"],
            "--keep is for a run of deepsim",
        ),
        (["--mode=sample", "--output=b.png", "--times=2"], "--times is not for --mode=sample"),
        (["--mode=sample"], "--output is needed for --mode=sample"),
        (["--mode=enlarge", "--output=b.png"], "--times is needed for --mode=enlarge"),
        (["--mode=sample", "--output=b.png", "--size=big"], "--size=big: give WIDTHxHEIGHT"),
        (["--mode=sample", "--output=b.png", "--start_scale=2"], "start scale 2: allowed are 0 .* to 1"),
        (["--mode=sample", "--output=b.jpg"], "a .png file is needed"),
        (["--mode=animate", "--output=b.png"], "moving pictures are written as"),
        (
            ["--mode=sample", "--sheet", "--start_scale=0", "--output=b.png"],
            "--sheet shows all start scales",
        ),
        (
            ["--mode=animate", "--sheet", "--beta=0.5", "--output=b.gif"],
            "leave --beta and --start_scale out",
        ),
        (["--mode=inpaint", "--output=b.png", "--mask=nothing.png"], "nothing.png"),
    ],
)
def test_what_a_run_cannot_do_is_told(call, run, given, message):
    import re

    code, _, err = call(f"--workdir={run}", *given)
    assert code == 2 and re.search(message, err) and err.strip().count("\n") <= 1


def test_a_name_that_cannot_be_written_is_refused_before_anything_is_read(call, run, monkeypatch):
    from deepsim_jax.systems.singan import commands

    monkeypatch.setattr(commands.runs, "load", None)
    for given in (
        ["--mode=sample"],
        ["--mode=retarget", "--size=30x20"],
        ["--mode=paint", "--input=a.png", "--colors=5"],
        ["--mode=edit", "--input=a.png"],
        ["--mode=harmonise", "--input=a.png"],
        ["--mode=enlarge", "--times=2"],
        ["--mode=inpaint", "--mask=m.png"],
    ):
        code, _, err = call(f"--workdir={run}", *given, "--output=x.jpg")
        assert code == 2 and "output x.jpg: a .png file is needed" in err, (given, err)
    code, _, err = call(f"--workdir={run}", "--mode=animate", "--output=x.jpg")
    assert code == 2 and "moving pictures are written as" in err


def test_a_run_of_the_other_system_has_other_modes(call, trained):
    code, _, err = call("--mode=sample", f"--workdir={trained.workdir}", "--output=a.png")
    assert code == 2 and "is a run of deepsim, which has --mode=edit, --mode=evaluate" in err


def test_keys_of_the_other_system_are_hinted_at_within_the_own(call, tmp_path):
    code, _, err = call(
        "--config=singan_quickstart", "--config.pyramid.maxsize=96", f"--workdir={tmp_path}"
    )
    assert code == 2 and "did you mean 'pyramid.max_size'" in err
