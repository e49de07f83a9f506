import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import least
import numpy as np
import pytest
from PIL import Image

import deepsim_jax
from deepsim_jax import api, settings
from deepsim_jax.commands import train_folder as folder
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.training import listeners

SCRIPT = Path(deepsim_jax.__file__).parent.parent / "launch" / "train_folder.py"


@pytest.fixture(scope="module")
def config():
    """Few steps."""
    return least.config(data__kind="edges", train__steps=4, train__log_every=1)


@pytest.fixture
def photos(tmp_path, scene):
    return write_photos(tmp_path / "photos", scene)


def write_photos(place, scene):
    """Two photos of one stem, a broken one before them, and files that are none."""
    images.write_png(place / "cat.png", scene)
    Image.fromarray(scene[::-1]).save(place / "cat.jpg")
    (place / "broken.png").write_bytes((place / "cat.png").read_bytes()[:500])
    (place / "notes.txt").write_text("no photo")
    (place / ".hidden.png").write_bytes(b"")
    (place / "more").mkdir()
    return place


@pytest.fixture(scope="module")
def album(tmp_path_factory, scene, config):
    """An album that was stopped in its second photo and started again: (folder, both summaries)."""
    place = tmp_path_factory.mktemp("album")
    write_photos(place / "photos", scene)
    advance, done = listeners.Bar.advance, []

    def stop_at_second(bar, step):
        advance(bar, step)
        done.append(bar)
        if len(done) == 2:
            signal.raise_signal(signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listeners.Bar, "advance", stop_at_second)
        stopped = folder.train_folder(place / "photos", place / "runs", config)
    return place, stopped, folder.train_folder(place / "photos", place / "runs", config)


@pytest.mark.slow
def test_an_interrupted_photo_continues(album):
    place, stopped, summary = album
    assert stopped["counts"] == {"failed": 1, "stopped": 1, "not begun": 1}
    assert folder.exit_code(stopped) == 130
    interrupted = stopped["photos"]["cat.jpg"]
    assert (interrupted["state"], interrupted["steps"]) == ("stopped", 2)
    assert summary["photos"]["cat.jpg"]["state"] == "trained"
    logged = (place / "runs" / "cat.jpg" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in logged] == [1, 2, 3, 4]


@pytest.mark.slow
def test_a_failed_photo_is_told_and_stops_no_other(album):
    place, _, summary = album
    assert json.loads((place / "runs" / "album.json").read_text()) == summary
    states = {name: row["state"] for name, row in summary["photos"].items()}
    assert states == {"broken.png": "failed", "cat.jpg": "trained", "cat.png": "trained"}
    assert "damaged" in summary["photos"]["broken.png"]["reason"]
    assert summary["other"] == ["notes.txt"] and folder.exit_code(summary) == 1
    for name in ("cat.jpg", "cat.png"):
        assert summary["photos"][name]["steps"] == 4 and summary["photos"][name]["machine"]["cores"] >= 1
        assert (place / "runs" / name / "report.html").is_file()
        model = api.load(place / "runs" / name)
        assert np.array_equal(model.photo, images.read_image(place / "photos" / name))
    text = folder.describe(summary)
    assert f"failed: broken.png: {summary['photos']['broken.png']['reason']}" in text
    assert "notes.txt" in text and "3 photos: 2 trained, 1 failed" in text


@pytest.mark.slow
def test_a_third_start_trains_only_what_is_missing(album, tmp_path, config, scene, monkeypatch):
    place = tmp_path / "again"
    shutil.copytree(album[0], place)
    begun = []

    def train(source, config, run, *, extend):
        begun.append((run.name, extend))
        raise UserError("not in this test")

    images.write_png(place / "photos" / "broken.png", scene)
    with monkeypatch.context() as patch:
        patch.setattr(api, "train_source", train)
        summary = folder.train_folder(place / "photos", place / "runs", config)
        assert begun == [("broken.png", False)]
        assert summary["counts"] == {"already trained": 2, "failed": 1}
        longer = settings.unflatten({**settings.flatten(config), "train.steps": 5})
        folder.train_photo(place / "photos" / "cat.jpg", place / "runs", longer, extend=True)
        assert begun[1:] == [("cat.jpg", True)]
        # A run without its page was killed at its very end.
        (place / "runs" / "cat.png" / "report.html").unlink()
        row = folder.train_photo(place / "photos" / "cat.png", place / "runs", config)
        assert begun[2:] == [("cat.png", False)] and (row["state"], row["steps"]) == ("failed", 4)
    # Another photo of a known name is no finished one, and does not overwrite its network.
    images.write_png(place / "photos" / "cat.png", scene[:, ::-1])
    row = folder.train_photo(place / "photos" / "cat.png", place / "runs", config)
    assert row["state"] == "failed" and "another photo or primitive" in row["reason"]


def test_any_exception_of_a_photo_leaves_the_others(photos, tmp_path, config, monkeypatch, caplog):
    begun = []

    def fail(source, config, run, **more):
        begun.append(run.name)
        raise MemoryError("no room\nfor it")

    monkeypatch.setattr(api, "train_source", fail)
    summary = folder.train_folder(photos, tmp_path / "album", config)
    assert begun == ["cat.jpg", "cat.png"]
    assert summary["photos"]["cat.jpg"]["reason"] == "MemoryError: no room for it"
    assert "Traceback" in caplog.text


def test_a_stop_outside_the_training_is_told(photos, tmp_path, config, monkeypatch):
    def stop(*arguments, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "train_source", stop)
    summary = folder.train_folder(photos, tmp_path / "album", config)
    assert summary["counts"] == {"failed": 1, "stopped": 1, "not begun": 1}
    assert folder.exit_code(summary) == 130


@pytest.mark.parametrize(
    "change, words",
    [
        ({"input": "nowhere"}, "no such folder"),
        ({"input": "photos/more"}, "no photos there"),
        ({"workdir": "photos"}, "choose another workdir"),
        ({"config": least.config(data__image="me.jpg")}, "data.image names"),
        ({"config": "quickest"}, "no such file"),
    ],
)
def test_what_cannot_be_an_album(photos, config, change, words):
    given = {"input": "photos", "workdir": "album", "config": config, **change}
    with pytest.raises(UserError, match=words):
        folder.open_album(
            photos.parent / given["input"], photos.parent / given["workdir"], given["config"]
        )


def test_a_workdir_that_is_not_shared_is_told(photos, tmp_path, config):
    row = folder.train_photo(photos / "cat.png", tmp_path / "elsewhere", config)
    assert row["state"] == "failed" and "is not seen here" in row["reason"]


@pytest.mark.slow
def test_the_command(photos):
    for name in ("cat.png", "cat.jpg"):
        (photos / name).unlink()
    command = [
        sys.executable,
        SCRIPT,
        f"--input={photos}",
        f"--workdir={photos.parent / 'album'}",
        "--config=quickstart:tiny",
    ]
    done = subprocess.run(command, text=True, capture_output=True, timeout=600)
    assert done.returncode == 1 and "1 photo: 1 failed" in done.stdout
    done = subprocess.run(
        [*command, "--config.train.stepz=3"], text=True, capture_output=True, timeout=600
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: config key 'train.stepz'") and done.stderr.count("\n") == 1
