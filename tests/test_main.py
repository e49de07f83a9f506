import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from deepsim_jax import main
from deepsim_jax.images import io as images
from deepsim_jax.training import listeners
from deepsim_jax.training import run_folder as rundir

CONFIG = "--config=quickstart:tiny"


@pytest.fixture
def here(tmp_path, scene, trained, monkeypatch):
    """A folder with a trained run, its photo, an edited primitive and files that are no good."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained.workdir, tmp_path / "run")
    images.write_png("photo.png", scene)
    edited = trained.primitive
    edited[10:25, 8:30] = edited[40, 50]
    for name in ("edited", "frames/1", "frames/2", "frames/10"):
        images.write_png(f"{name}.png", edited)
    images.write_png("small.png", edited[:, :60])
    upper = np.arange(150)[:, None] < np.full(180, 100)
    images.write_png("upper.png", upper * np.uint8(254) + np.uint8(1))
    images.write_png("lower.png", (~upper).astype(np.uint8))
    content = Path("photo.png").read_bytes()
    Path("cut.png").write_bytes(content[: len(content) // 2])
    Path("zero.png").write_bytes(b"")
    Path("text.png").write_text("hello")
    Path("pixel.png").write_bytes(cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes())
    huge = bytearray(cv2.imencode(".png", np.zeros((32, 32, 3), np.uint8))[1].tobytes())
    huge[16:24] = (20000).to_bytes(4, "big") * 2  # in its header only
    huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, "big")
    Path("huge.png").write_bytes(huge)
    Path("recipe.json").write_text(
        json.dumps(
            {
                "size": [64, 53],
                "steps": [{"copy": {"polygon": [[8, 10], [30, 10], [30, 40], [8, 40]], "by": [28, 6]}}],
            }
        )
    )
    Path("bend.json").write_text('{"steps": [{"bend": {}}]}')
    Path("mine.py").write_text("def get_config(option=''):\n    return {}['x']\n")
    return tmp_path


def content(folder):
    return {p: p.is_file() and p.read_bytes() for p in sorted(folder.rglob("*"))}


@pytest.mark.slow
def test_train_and_edit_from_the_command_line(tmp_path, scene, trained):
    """In processes of their own, as a user runs them, from a folder of the user's."""
    images.write_png(tmp_path / "me.png", scene)
    root = Path(main.__file__).parent.parent
    # As in this process, so that its compiled programs are found.
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "JAX_NUM_CPU_DEVICES": "2",
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    }

    def start(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "deepsim_jax.main", *arguments],
            cwd=tmp_path,
            env=environment,
            text=True,
            capture_output=True,
        )

    done = start(
        f"--config={root}/configs/quickstart.py:tiny", "--workdir=runs/me", "--config.data.image=me.png"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "runs" / "me" / "report.html")
    assert "step 6/6" in done.stderr and "trained 6 steps" in done.stderr
    done = start(
        "--mode=edit",
        "--workdir=runs/me",
        "--input=runs/me/pair/primitive.png",
        "--output=out.png",
        "--keep=auto",
    )
    assert done.returncode == 0, done.stderr
    assert "out.png: 180x150 px" in done.stderr
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), scene)

    images.write_png(tmp_path / "crop.png", scene[:, :90])
    done = start("--mode=edit", "--workdir=runs/me", "--input=crop.png", "--output=bad.png")
    assert done.returncode == 2 and not done.stdout and not (tmp_path / "bad.png").exists()
    assert done.stderr == (
        "error: primitive: 90x150 px, this model edits 64x53; start from "
        "Model.primitive (pair/primitive.png)\n"
    )


def test_a_run_goes_on_with_its_own_config(here, call, trained):
    before = content(here / "run" / "checkpoints")
    code, out, err = call("--workdir=run")
    assert code == 0 and out.strip() == str(here / "run" / "report.html")
    assert "continuing from step 6 of 6" in err
    assert content(here / "run" / "checkpoints") == before


@pytest.mark.parametrize(
    "given, keep, size",
    [
        ("edited.png", (), (53, 64)),
        ("edited.png", ("--keep=auto",), (150, 180)),
        ("edited.png", ("--keep=upper.png",), (150, 180)),
        ("recipe.json", (), (53, 64)),
    ],
)
def test_an_edit_is_written_and_reported(here, call, trained, given, keep, size):
    code, out, err = call("--mode=edit", "--workdir=run", f"--input={given}", "--output=a/o.png", *keep)
    assert code == 0 and f"a/o.png: {size[1]}x{size[0]} px" in err
    drawn = trained.follow_recipe(given)._asdict() if given.endswith("json") else {"primitive": given}
    expected = trained.edit(**drawn, keep=keep[0].partition("=")[2] if keep else None)
    np.testing.assert_array_equal(np.asarray(Image.open("a/o.png")), expected)
    stem = given.partition(".")[0]
    np.testing.assert_array_equal(
        images.read_image(here / "run" / "edits" / f"001-{stem}.result.png"), expected
    )
    assert stem in (here / "run" / "report.html").read_text()


def test_warnings_look_like_warnings(here, call):
    arguments = "--mode=edit", "--workdir=run", "--input=edited.png", "--output=o.png", "--engine=both"
    code, _, err = call(*arguments, "--keep=lower.png")
    assert code == 0
    assert (
        "\nwarning: keep: 66.7 % of the picture is not kept; if that is the wrong way round" in f"\n{err}"
    )
    code, _, err = call(*arguments, "--keep=upper.png")
    assert (
        code == 0 and "warning" not in err and "keep: 9000 pixels, 33.3 % of the picture, not kept" in err
    )


@pytest.mark.parametrize("output", ["o", "o.mp4", "o.webm"])
def test_a_folder_of_primitives(here, call, trained, output):
    code, _, _ = call("--mode=edit", "--workdir=run", "--input=frames", f"--output={output}")
    assert code == 0
    if output == "o":
        assert sorted(p.name for p in (here / "o").iterdir()) == ["1.png", "10.png", "2.png"]
        np.testing.assert_array_equal(images.read_image("o/2.png"), trained.edit("edited.png"))
    else:
        reader = cv2.VideoCapture(output)
        shapes = [reader.read()[1].shape for _ in range(3)]
        assert shapes == [(54, 64, 3)] * 3 and not reader.read()[0]
    assert len(list((here / "run" / "edits").glob("*.result.png"))) == 2, "the first and the last"


def test_a_video_of_primitives_whose_size_is_odd(here, call):
    writer = cv2.VideoWriter("in.avi", cv2.VideoWriter_fourcc(*"MJPG"), 5, (64, 54))
    frame = np.pad(images.read_image("edited.png"), ((0, 1), (0, 0), (0, 0)), mode="edge")
    for _ in range(3):
        writer.write(frame[..., ::-1])
    writer.release()
    code, _, err = call("--mode=edit", "--workdir=run", "--input=in.avi", "--output=o.webm")
    assert code == 0, err
    reader = cv2.VideoCapture("o.webm")
    assert [reader.read()[0] for _ in range(4)] == [True, True, True, False]
    assert reader.get(cv2.CAP_PROP_FPS) == 5


def test_ctrl_c_saves_and_says_how_to_go_on(here, call, monkeypatch):
    advance = listeners.Bar.advance

    def interrupted(bar, step):
        advance(bar, step)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(listeners.Bar, "advance", interrupted)
    code, _, err = call(CONFIG, "--workdir=new", "--config.data.image=photo.png")
    assert code == 130 and "saved at step 1 of 6; the same command continues" in err
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert rundir.is_run(here / "new")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--config.data.image=none.png"], "image none.png: no such file"),
        (["--config.data.image=text.png"], "image text.png: not an image"),
        (["--config.data.image=cut.png"], "image cut.png: damaged, truncated"),
        (["--config.data.image=zero.png"], "image zero.png: the file is empty"),
        (["--config.data.image=pixel.png"], "1x1 pixels are too few"),
        (["--config.data.image=huge.png"], "huge.png: more than 100 megapixels"),
        (
            ["--config.data.image=photo.png", "--config.data.primitive=small.png"],
            "primitive: 60x53 px, it must have the photo's size 180x150",
        ),
        (["--config.data.root=none"], "data.root=none: no such folder"),
        ([], "no photo: give --config.data.image"),
        (["--config.data.image=photo.png", "--config.train.stps=3"], "did you mean 'train.steps'"),
        (
            ["--config.data.image=photo.png", "--config.train.steps=many"],
            "--config.train.steps=many: .*; give a value like",
        ),
        (["--config.data.image=photo.png", "--config.train.steps=-1"], "train.steps=-1: .* at least 0"),
        (["--config.data.image=photo.png", "--config.data.kind=edge"], "choose one of auto, edges"),
        (["--config.data.image=photo.png", "--config.augment.tps_points=(3,)"], "2 numbers"),
        (["--config.data.image=photo.png", "--config.train.devices=9"], "train.devices=9: .* has 2"),
        (["--config.data.image=photo.png", "--workdir=photo.png"], "cannot be written"),
        (["--config.data.image=photo.png", "--workdir=run", "--config.seed=3"], "seed: 0 -> 3"),
        (
            ["--config.data.image=photo.png", "--config=nope.py"],
            "'nope.py': no such file, nor one of fast, igan_fast, igan_paper, igan_quickstart",
        ),
        (["--config.data.image=photo.png", "--config=quickstart:teeny"], "choose one of tiny"),
        (["--config.data.image=photo.png", "--config=mine.py"], "'mine.py': KeyError"),
        (["--config.data.image=photo.png", "--config=text.png"], "Python file with a function"),
        (["--confg.data.image=photo.png"], "Unknown command line flag 'confg.data.image'"),
        (["--mode=bake"], "--mode=bake"),
    ],
)
def test_a_training_that_cannot_be_is_one_line(here, call, arguments, message):
    before = content(here)
    code, out, err = call(CONFIG, "--workdir=new", *arguments)
    check(code, out, err, message)
    assert content(here) == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--input=none.png"], "input none.png: no such file"),
        (["--input=text.png"], "text.png: not an image"),
        (["--input=cut.png"], "cut.png: damaged"),
        (["--input=huge.png"], "megapixels"),
        (["--input=zero.png"], "empty"),
        (["--input=small.png"], "primitive: 60x53 px, this model edits 64x53; start from"),
        (["--input=none.json"], "recipe none.json: cannot be read"),
        (["--input=bend.json"], "recipe: step 1 .*no 'bend'"),
        (["--input=edited.png", "--keep=none.png"], "keep none.png: no such file"),
        (["--input=edited.png", "--keep=small.png"], "keep: 60x53 px, it must be 64x53 or 180x150"),
        (["--input=edited.png", "--output=o.jpg"], "output o.jpg: a .png file is needed"),
        (["--input=recipe.json", "--output=o.jpg"], "output o.jpg: a .png file is needed"),
        (["--input=edited.png", "--output=photo.png/o.png"], "cannot be written"),
        (["--input=edited.png", "--output=edited.png"], "is the input itself"),
        (["--input=edited.png", "--output="], "--output is needed for --mode=edit"),
        ([], "--input is needed for --mode=edit"),
        (["--input=edited.png", "--workdir=none"], "none: no run in this folder"),
        (["--input=edited.png", "--workdir="], "--workdir is needed"),
    ],
)
def test_an_edit_that_cannot_be_is_one_line(here, call, arguments, message):
    before = content(here)
    code, out, err = call("--mode=edit", "--workdir=run", "--output=o.png", *arguments)
    check(code, out, err, message)
    assert content(here) == before


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda run: os.truncate(run / "config.json", 40), "config.json: damaged .*restore it"),
        (lambda run: os.truncate(run / "pair" / "photo.png", 99), "photo.png: damaged, truncated"),
        (lambda run: (run / "pair" / "primitive.json").unlink(), "primitive.json: cannot be read"),
        (lambda run: shutil.rmtree(run / "checkpoints"), "no complete checkpoint"),
        (
            lambda run: [
                os.truncate(p, 8)
                for p in (run / "checkpoints" / "6").rglob("*")
                if p.is_file() and p.stat().st_size > 500
            ],
            "6: the checkpoint cannot be read",
        ),
    ],
)
def test_a_damaged_run_is_told(here, call, damage, message):
    damage(here / "run")
    before = content(here)
    code, out, err = call("--mode=edit", "--workdir=run", "--input=edited.png", "--output=o.png")
    check(code, out, err, message)
    assert content(here) == before


def test_a_full_disk_is_told_and_nothing_is_half_written(here, call, monkeypatch):
    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(images.os, "fsync", full)
    before = content(here)
    for arguments in (
        ["--mode=edit", "--workdir=run", "--input=edited.png", "--output=o.png"],
        [CONFIG, "--workdir=new", "--config.data.image=photo.png"],
    ):
        check(*call(*arguments), "cannot be written .No space left on device")
    assert {p for p in content(here) if p.is_file()} == {p for p in before if p.is_file()}


def check(code, out, err, message):
    """One line that begins with "error: ", after what the run may have told before."""
    *told, last = err.splitlines()
    assert code == 2 and not out and last.startswith("error: ")
    before = ("photo ", "continuing ", "warning: edits: the network, trained for 6 steps, paints")
    assert all(line.startswith(before) for line in told), told
    assert re.search(message, last), last
