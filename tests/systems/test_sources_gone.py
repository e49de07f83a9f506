"""Where a run goes on when the files are gone that it was begun with."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from deepsim_jax import api, registry, settings
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.training import run_folder


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder to work in, with a photo, a drawing, the authors' layout, and a film's frames."""
    monkeypatch.chdir(tmp_path)
    photo = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    drawing = np.where(np.arange(48)[None, :, None] < 20, np.uint8(200), np.uint8(40))
    drawing = np.broadcast_to(drawing, (40, 48, 3)).copy()
    for name in ("photo.png", "root/train_B/0.png", "frames/0.png", "frames/1.png"):
        images.write_png(tmp_path / name, photo)
    for name in ("drawing.png", "root/train_seg/0.png"):
        images.write_png(tmp_path / name, drawing)
    return tmp_path


def begun(system, data):
    """A config, of which a run was begun in the folder "run"."""
    config = settings.load({"deepsim": "quickstart:tiny", "singan": "singan_quickstart:tiny"}[system])
    config.data.update(data)
    source = api.read_source(config)
    run_folder.claim(Path("run").absolute(), config, source, registry.get(system).schema, extend=False)()
    return config, source


@pytest.mark.parametrize(
    "system, data, gone",
    [
        ("singan", {"image": "photo.png"}, "photo.png"),
        ("deepsim", {"image": "photo.png", "kind": "seg"}, "photo.png"),
        ("deepsim", {"image": "photo.png", "primitive": "drawing.png", "kind": "seg"}, "drawing.png"),
        ("deepsim", {"root": "root", "kind": "seg"}, "root"),
        ("deepsim", {"sequence": "frames", "kind": "edges"}, "frames"),
        ("deepsim", {"sequence": "frames#frames", "kind": "edges"}, "frames"),
    ],
)
def test_its_own_copy_is_the_same_source(files, caplog, system, data, gone):
    config, source = begun(system, data)
    caplog.set_level(logging.INFO, "deepsim_jax")
    if (files / gone).is_dir():
        shutil.rmtree(gone)
    else:
        (files / gone).unlink()
    found = api.read_source_of_run(config, "run")
    assert found.hash() == source.hash()
    own = files / "run" / "pair"
    (line,) = [r.message for r in caplog.records if "no longer there" in r.message]
    assert line.endswith(f"no longer there; goes on with the run's own copy in {own}") and gone in line
    # It is the same run, which is not begun anew.
    schema = registry.get(system).schema
    run_folder.claim(files / "run", config, found, schema, extend=False)
    assert not (files / "run" / run_folder.STARTING).exists()
    with pytest.raises(UserError, match=gone):
        api.read_source_of_run(config, "another run")


def test_what_is_there_but_damaged_is_not_gone(files):
    config, _ = begun("deepsim", {"image": "photo.png", "kind": "seg"})
    (files / "photo.png").write_bytes(b"nothing")
    with pytest.raises(UserError, match="photo.png: .*not an image") as caught:
        api.read_source_of_run(config, "run")
    assert "copy" not in str(caught.value)


def test_a_run_of_another_system_does_not_help(files):
    begun("singan", {"image": "photo.png"})
    config = settings.load("quickstart:tiny")
    config.data.image = "gone.png"
    with pytest.raises(UserError, match="gone.png: no such file; check the name$"):
        api.read_source_of_run(config, "run")


def test_another_name_that_is_not_there_is_a_mistake(files):
    config, _ = begun("singan", {"image": "photo.png"})
    config.data.image = "foto.png"
    with pytest.raises(UserError, match="foto.png: no such file; .* has a copy of its own photo"):
        api.read_source_of_run(config, "run")
