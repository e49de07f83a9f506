"""Files, folders, names and consoles of users, through the command line."""

import json
import logging
import os
import shutil
import subprocess
import sys

import least
import numpy as np
import pytest
from PIL import Image

import deepsim_jax
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images import profiles
from deepsim_jax.runtime import locks
from deepsim_jax.sequences import film_files

FEW = {**least.KEYS, "data.kind": "seg", "train.steps": 2}
PROFILE = profiles.make("Display P3", profiles.DISPLAY_P3)


@pytest.fixture(scope="module")
def place(tmp_path_factory, scene):
    """A run trained on a vivid photo of 90x75 px with a profile, EXIF and stored sideways."""
    place = tmp_path_factory.mktemp("files")
    upright = np.ascontiguousarray(scene[::2, ::2])
    upright[:20, :20] = 255, 0, 0  # a red that sRGB lacks
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(upright)))
    stored.save(place / "photo.png", icc_profile=PROFILE, exif=exif.tobytes())
    np.save(place / "upright.npy", upright)
    config = least.config(data__kind="seg", train__steps=2)
    deepsim_jax.train(place / "photo.png", config=config, workdir=place / "run")
    return place


@pytest.fixture
def here(place, tmp_path, monkeypatch):
    """A folder to work in, which is the home folder, too; an edited drawing is in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    drawing = images.read_image(place / "run" / "pair" / "primitive.png")
    drawing[18:24, 18:26] = drawing[1, 1]
    images.write_png("edited.png", drawing)
    return tmp_path


@pytest.mark.slow
def test_what_is_kept_has_the_photo_s_numbers_profile_and_exif(call, place, here):
    upright = np.load(place / "upright.npy")
    with Image.open(place / "run" / "pair" / "photo.png") as image:
        assert image.info["icc_profile"] == PROFILE and (np.asarray(image) == upright).all()
    code, _, err = call(
        *("--mode=edit", f"--workdir={place / 'run'}", "--input=edited.png"),
        *("--output=out.png", "--keep=auto"),
    )
    assert code == 0, err
    with Image.open("out.png") as image:
        numbers, exif = np.asarray(image), image.getexif()
        assert image.info["icc_profile"] == PROFILE
    assert exif[0x010F] == "Maker" and exif.get(0x0112, 1) == 1
    changed = (numbers != upright).any(-1)
    assert 0.01 < changed.mean() < 0.4 and not changed[:25, :25].any()
    # A program's array is in sRGB, and becomes the same file.
    model = deepsim_jax.load(place / "run")
    result = model.edit("edited.png", keep="auto")
    np.testing.assert_array_equal(model.photo, images.read_image(place / "photo.png"))
    np.testing.assert_array_equal(result[~changed], model.photo[~changed])
    model.write("~/again.png", result)
    assert (here / "again.png").read_bytes() == (here / "out.png").read_bytes()


def test_results_of_other_sizes_and_of_folders_have_the_profile(call, place, here):
    (here / "drawings").mkdir()
    os.replace("edited.png", "drawings/1.png")
    for output, name in (("out.png", "out.png"), ("out", "out/1.png")):
        source = "drawings" if output == "out" else "drawings/1.png"
        code, _, err = call(
            "--mode=edit", f"--workdir={place / 'run'}", f"--input={source}", f"--output={output}"
        )
        assert code == 0, err
        with Image.open(name) as image:
            assert image.info["icc_profile"] == PROFILE and 0x010F not in image.getexif()


def test_old_runs_without_a_profile_and_new_ones_of_plain_photos(place, here, scene):
    """A plain photo's file and an array of it are one photo to a run."""
    images.write_png("plain.png", scene)
    config = least.config(data__kind="seg", train__steps=2)
    deepsim_jax.train(scene, config=config, workdir="run")
    stamp = (here / "run" / "pair" / "photo.png").read_bytes()
    model = deepsim_jax.train("plain.png", config=config, workdir="run")
    assert model.finished and (here / "run" / "pair" / "photo.png").read_bytes() == stamp
    with Image.open("run/pair/photo.png") as image:
        assert "icc_profile" not in image.info


def test_a_tilde_is_the_home_folder_everywhere(call, place, here):
    (here / "my runs").mkdir()
    os.symlink(place / "run", here / "my runs" / "a")
    mask = np.zeros((75, 90), np.uint8)
    mask[:, :40] = 255
    images.write_png("keep & hold.png", mask)
    code, _, err = call(
        *("--mode=edit", "--workdir=~/my runs/a", "--input=~/edited.png"),
        *("--output=~/new/out.png", "--keep=~/keep & hold.png"),
    )
    assert code == 0, err
    upright = np.load(place / "upright.npy")
    np.testing.assert_array_equal(np.asarray(Image.open("new/out.png"))[:, :40], upright[:, :40])
    assert not (here / "~").exists()
    # Paths in a config, for which a new run is begun, are looked for there, too.
    for key in ("image", "root", "sequence", "landmarks"):
        code, _, err = call(
            *("--config=quickstart:tiny", "--workdir=~/b", f"--config.data.{key}=~/nothing.x"),
            *([f"--config.data.image={place / 'photo.png'}"] if key == "landmarks" else []),
        )
        assert code == 2 and str(here / "nothing.x") in err and "~" not in err, key


def test_a_still_gif_is_a_picture_and_a_moving_one_is_a_film(call, place, here):
    drawing = Image.open("edited.png")
    drawing.save("still.gif")
    drawing.save("still.avif", quality=100)
    moved = Image.fromarray(np.ascontiguousarray(np.asarray(drawing)[::-1]))
    for name in ("film.webp", "film.png", "film.gif"):
        drawing.save(name, save_all=True, append_images=[moved, drawing], duration=100)

    def edit(source, output):
        return call(
            "--mode=edit", f"--workdir={place / 'run'}", f"--input={source}", f"--output={output}"
        )

    for name in ("still.gif", "still.avif"):
        code, _, err = edit(name, "out.png")
        assert code == 0, err
    for name in ("film.webp", "film.png", "film.gif"):
        code, _, err = edit(name, "out.png")
        assert code == 2 and f"input {name}: moves, so that the output is a folder or a .mp4" in err
        code, _, err = edit(name, "out.mp4")
        assert code == 0, err
        seconds = [seconds for _, seconds in film_files.shown(here / "out.mp4")]
        np.testing.assert_allclose(seconds, [0.1] * 3, atol=1e-3)


def test_what_systems_leave_in_folders_is_left_out(call, place, here, caplog):
    caplog.set_level(logging.INFO)
    (here / "drawings").mkdir()
    os.replace("edited.png", "drawings/1.png")
    for name in ("._1.png", "Thumbs.db"):
        (here / "drawings" / name).write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    code, _, err = call("--mode=edit", f"--workdir={place / 'run'}", "--input=drawings", "--output=out")
    assert code == 0 and [p.name for p in (here / "out").iterdir()] == ["1.png"], err
    assert "input drawings: left out ._1.png (hidden), Thumbs.db (of the system)" in caplog.text + err


def test_configs_with_colons_in_their_paths(call, here, tmp_path):
    for name in ("a:b", "C:"):
        (here / name).mkdir()
        (here / name / "mine.py").write_text(
            "from deepsim_jax import settings\n"
            "def get_config(option=''):\n"
            "    config = settings.default()\n"
            "    config.train.steps = {'': 7, 'two': 2}[option]\n"
            "    return config\n"
        )
        for option in ("", ":two"):
            code, _, err = call(f"--config={name}/mine.py{option}", "--workdir=w", "--config.seed=3")
            assert code == 2 and "no photo: give --config.data.image" in err, err
    drive = "D" + r":\me\mine.py"
    for config, message in (
        ("a:b/none.py:two", "config 'a:b/none.py': no such file"),
        (drive, f"config {drive!r}: no such file"),
        ("quickstart:huge", "config option 'huge': choose one of tiny"),
    ):
        code, _, err = call(f"--config={config}", "--workdir=w")
        assert code == 2 and message in err, err


def test_a_film_whose_name_begins_like_an_address(call, place, here):
    drawing = images.read_image("edited.png")
    frames = [drawing, np.ascontiguousarray(drawing[::-1])]
    for name in ("10:45:12.webm", "file:a.webm", "50% #2.webm"):
        film_files.write(here / name, frames, 5)
        os.chdir(here)
        code, _, err = call(
            "--mode=edit", f"--workdir={place / 'run'}", f"--input={name}", "--output=o.mp4"
        )
        assert code == 0, err
        assert len(list(film_files.decode(here / "o.mp4"))) == 2


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_that_cannot_print_a_name(place, here, encoding):
    """The edit is made, and its report's path printed as well as the console can."""
    (here / "прогон").symlink_to(place / "run")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "deepsim_jax.main", "--mode=edit", "--workdir=прогон"),
            *("--input=edited.png", "--output=рисунок.png"),
        ],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert b"report.html" in done.stdout and b"\\u043f" in done.stdout
    assert (here / "рисунок.png").is_file() and b"Traceback" not in done.stderr


@pytest.fixture
def again(place, here):
    """A copy of the run, begun with a photo of its own name, and the command that began it."""
    shutil.copytree(place / "run", here / "run")
    shutil.copy(place / "photo.png", here / "gone.png")
    record = json.loads((here / "run" / "config.json").read_text())
    record["config"]["data.image"] = "gone.png"
    (here / "run" / "config.json").write_text(json.dumps(record))
    return [
        *("train", "--config=quickstart:tiny", "--workdir=run"),
        *(f"--config.{key}={value}" for key, value in FEW.items()),
    ]


def test_a_run_goes_on_with_its_own_photo_when_the_upload_is_gone(call, here, again):
    code, _, err = call(*again, "--config.data.image=gone.png")
    assert code == 0 and "no longer there" not in err
    os.rename("gone.png", "moved.png")
    code, _, err = call(*again, "--config.data.image=gone.png")
    assert code == 0, err
    (line,) = [line for line in err.splitlines() if "no longer there" in line]
    own = here / "run" / "pair"
    assert line == f"gone.png: no longer there; goes on with the run's own copy in {own}"
    # The same photo from elsewhere is the same run; one that is not there is only hinted at.
    assert call(*again, "--config.data.image=moved.png")[0] == 0
    code, _, err = call(*again, "--config.data.image=typo.png")
    assert code == 2 and "typo.png: no such file" in err
    assert f"the run in {here / 'run'} has a copy of its own photo: it goes on without --config" in err
    # Another photo, or other settings, are refused as ever.
    images.write_png("gone.png", 255 - images.read_image("moved.png"))
    code, _, err = call(*again, "--config.data.image=gone.png")
    assert code == 2 and "holds a run with other settings (another photo or primitive)" in err
    os.remove("gone.png")
    code, _, err = call(*again, "--config.data.image=gone.png", "--config.seed=5")
    assert code == 2 and "holds a run with other settings (seed: 0 -> 5)" in err
    # What begins has no copy.
    code, _, err = call(*again, "--config.data.image=gone.png", "--workdir=new")
    assert code == 2 and "gone.png: no such file" in err and "copy" not in err
    assert not (here / "new").exists()


def test_a_program_s_run_goes_on_without_its_photo_too(here, again):
    config = least.config(data__kind="seg", train__steps=2)
    os.remove("gone.png")
    model = deepsim_jax.train("gone.png", config=config, workdir="run")
    assert model.finished
    np.testing.assert_array_equal(model.photo, images.read_image("run/pair/photo.png"))
    with pytest.raises(UserError, match="other.png: no such file"):
        deepsim_jax.train("other.png", config=config, workdir="run")


@pytest.mark.slow
def test_a_finished_run_is_extended_without_its_config_and_photo(call, here, again):
    os.remove("gone.png")
    code, _, err = call("train", "--workdir=run", "--config.train.steps=3", "--extend")
    assert code == 0, err
    assert deepsim_jax.load("run").step == 3


def test_a_second_process_in_a_folder_is_refused_and_readers_are_not(call, here, again):
    (here / "photos").mkdir()
    shutil.copy("gone.png", "photos/1.png")
    with locks.held(here / "run", doing="trains"):
        for words in (
            [*again, "--config.data.image=gone.png"],
            ["train", "--workdir=run"],
            ["train_folder", "--input=photos", "--workdir=run"],
            ["table", "--input=photos", "--workdir=run", "--config=quickstart:tiny"],
        ):
            code, _, err = call(*words)
            assert code == 2 and err.strip().endswith("wait for its end, or choose another workdir"), err
            assert f"{here / 'run'}: another process " in err and " trains here" in err
        code, _, err = call("edit", "--workdir=run", "--input=edited.png", "--output=out.png")
        assert code == 0, err
    assert call("train", "--workdir=run")[0] == 0
    assert not (here / "run" / locks.NAME).exists()
