"""The modes of iGAN on the command line, from a folder of pictures to an edited photo."""

import importlib
import json
import pathlib
import re
import shutil

import numpy as np
import pytest

from deepsim_jax.images import io as images

RED = [{"brush": "color", "points": [[4, 8], [12, 8]], "width": 4, "color": [250, 20, 20]}]


@pytest.fixture
def run(tmp_path, trained_igan):
    """A copy of the trained run."""
    return shutil.copytree(trained_igan.workdir, tmp_path / "run")


@pytest.fixture
def files(tmp_path, things):
    """A photo and strokes."""
    images.write_png(tmp_path / "photo.png", things[3].repeat(2, 0).repeat(2, 1))
    (tmp_path / "strokes.json").write_text(json.dumps({"strokes": RED}))
    return tmp_path


@pytest.fixture
def vases(monkeypatch):
    """The benchmark that renders photos."""
    monkeypatch.syspath_prepend(str(pathlib.Path(__file__).parents[3] / "benchmarks"))
    return importlib.import_module("igan_photos")


@pytest.mark.slow
def test_from_a_folder_of_photos_to_an_edited_photo(call, vases, tmp_path):
    folder, run = tmp_path / "vases", tmp_path / "new"
    vases.write_photos(folder, 40)
    shapes = {images.read_image(path, quiet=True).shape for path in folder.iterdir()}
    assert len(shapes) > 20 and {path.suffix for path in folder.iterdir()} == {".png", ".jpg"}
    (folder / "broken.png").write_bytes(b"nothing")
    words = ["--config=igan_quickstart:tiny", f"--config.data.pictures={folder}", f"--workdir={run}"]
    code, out, err = call(*words)
    assert code == 0 and out.strip() == str(run / "report.html"), err
    assert "left out 1 of 41 pictures: broken.png (" in err
    assert "look at samples with deepsim_jax samples --workdir=" in err
    page = (run / "report.html").read_text()
    counts = re.search(r"iGAN on (\d+) pictures of 16×16 px, (\d+) held out", page).groups()
    assert sum(map(int, counts)) == 40 and "nearest training pictures" in page
    photo, there = vases.vase(vases.HELD_OUT, 90, aspect=1.5)
    images.write_png(tmp_path / "photo.png", photo)
    (tmp_path / "strokes.json").write_text(json.dumps({"strokes": RED}))
    searched = ["--count=4", "--iterations=20", "--smoothness=0", "--solver=network"]
    code, out, err = call(
        "transfer",
        f"--workdir={run}",
        f"--input={tmp_path / 'photo.png'}",
        f"--strokes={tmp_path / 'strokes.json'}",
        f"--output={tmp_path / 'out.png'}",
        *searched,
    )
    assert code == 0, err
    made = images.read_image(tmp_path / "out.png")
    beside = np.zeros(there.shape, bool)
    beside[:, :22] = beside[:, -22:] = True  # the middle square is what the generator sees
    assert made.shape == photo.shape and (made[~beside] != photo[~beside]).any()
    np.testing.assert_array_equal(made[beside], photo[beside])
    code, out, err = call(*words)  # the same command goes on: there is nothing left to do
    assert code == 0, err
    code, _, err = call(*words, "--config.data.size=32")
    assert code == 2 and "holds a run with other settings" in err and "another photo" in err


def test_samples(call, run, trained_igan, tmp_path):
    words = ["--mode=samples", f"--workdir={run}", "--count=3", "--seed=2"]
    code, out, err = call(*words, f"--output={tmp_path / 'made'}")
    assert code == 0, err
    for number, picture in enumerate(trained_igan.sample(3, seed=2)):
        np.testing.assert_array_equal(images.read_image(tmp_path / "made" / f"00{number}.png"), picture)
    code, _, err = call(*words, f"--output={tmp_path / 'sheet.png'}")
    assert code == 0 and images.read_image(tmp_path / "sheet.png").shape[0] > 2 * 128, err
    assert len(list((run / "made").glob("*-samples.png"))) == 2


@pytest.mark.slow
def test_project_edit_candidates_and_transfer(call, run, files):
    given = [f"--workdir={run}", f"--input={files / 'photo.png'}"]
    output = files / "out.png"
    code, out, err = call("--mode=project", *given, f"--output={output}", "--solver=network")
    assert code == 0 and "RMSE" in out, err
    assert images.read_image(output).shape == (16, 16, 3)
    strokes = [f"--strokes={files / 'strokes.json'}", "--count=4", "--iterations=3", "--solver=network"]
    code, _, err = call("--mode=edit", *given, *strokes, f"--output={output}")
    assert code == 0 and images.read_image(output).shape == (16, 16, 3), err
    code, _, err = call("--mode=edit", *given[:1], *strokes[:3], f"--output={output}")  # from scratch
    assert code == 0, err
    code, _, err = call("--mode=candidates", *given, *strokes, f"--output={files / 'several'}")
    assert code == 0 and (files / "several" / "000.png").is_file(), err
    code, _, err = call("--mode=transfer", *given, *strokes, f"--output={output}", "--amount=0.5")
    assert code == 0 and images.read_image(output).shape == (48, 48, 3), err
    assert "transfer" in (run / "report.html").read_text()


@pytest.mark.slow
def test_morph(call, run, files, things):
    images.write_png(files / "other.png", things[9])
    words = [f"--input={files / 'photo.png'}", f"--other={files / 'other.png'}", "--solver=network"]
    code, out, err = call(
        "--mode=morph", f"--workdir={run}", *words, f"--output={files / 'film.gif'}", "--frames=3"
    )
    assert code == 0 and (files / "film.gif").stat().st_size > 0, err


def test_help_and_mistakes(call, run, files):
    code, out, _ = call("--mode=transfer", "--help")
    assert code == 0 and "--strokes" in out and "--amount" in out
    code, out, _ = call("--help")
    assert "iGAN" in out
    words = [f"--workdir={run}", f"--strokes={files / 'strokes.json'}"]
    code, _, err = call("--mode=edit", *words, f"--output={files / 'out.jpg'}")
    assert code == 2 and "a name ending in .png" in err
    code, _, err = call("--mode=edit", *words, f"--output={files / 'out.png'}", "--box=1,2")
    assert code == 2 and "LEFT,TOP,WIDTH,HEIGHT" in err
    code, _, err = call("--mode=morph", f"--workdir={run}", "--input=a", "--other=b", "--output=c.png")
    assert code == 2 and "films are written as" in err
    code, _, err = call("--mode=project", f"--workdir={run}", f"--output={files / 'out.png'}")
    assert code == 2 and "--input" in err
