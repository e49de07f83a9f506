"""The tables on the command line; what they compute is tested with `study`."""

import struct

import numpy as np
import pytest

from deepsim_jax import settings
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.systems.contract import Call
from deepsim_jax.systems.igan import collection
from deepsim_jax.systems.igan import listings as sources
from deepsim_jax.systems.igan.study import commands


@pytest.fixture
def folders(tmp_path, things):
    for name, part in (("boxes", things), ("dark", things // 2)):
        for number, picture in enumerate(part):
            images.write_png(tmp_path / name / f"{number}.png", picture)
    return tmp_path


@pytest.fixture
def made(monkeypatch, trained_igan):
    """What is asked of the trainings and of the tables, none of which is made."""
    asked = {}
    monkeypatch.setattr(
        commands,
        "_trained",
        lambda source, config, folder: asked.update({folder.name: source}) or trained_igan,
    )
    for name in ("reconstruction", "classes", "transfers"):
        monkeypatch.setattr(
            commands.tables, name, lambda *args, name=name, **options: asked.update({name: args}) or {}
        )
    return asked


def call(folder, rows, config="igan_quickstart:tiny"):
    return Call("table", "table", folder, {"rows": rows}, settings.load(config))


def test_reconstruction(folders, made):
    commands.run(call(folders, "reconstruction"), [str(folders / "boxes")])
    _, held_out, solvers = made["reconstruction"]
    assert held_out["boxes"].shape == (4, 16, 16, 3) and set(solvers) == set(commands.tables.SOLVERS)
    rebuilt = solvers["network"](held_out["boxes"])
    assert rebuilt.shape == held_out["boxes"].shape
    with pytest.raises(UserError, match="names 2 collections; give one"):
        commands.run(call(folders, "reconstruction"), ["a", "b"])


def test_classes_train_on_what_is_not_held_out(folders, made):
    commands.run(call(folders, "classes"), [str(folders / "boxes"), str(folders / "dark")])
    _, held_out, train = made["classes"]
    assert {name: len(part) for name, part in held_out.items()} == {"boxes": 4, "dark": 4}
    train(("boxes", "dark"), folders / "together")
    listing = made["together"].listing
    assert len(listing) == 72
    trained = {listing.read(index).tobytes() for index in range(72)}
    assert not trained & {picture.tobytes() for part in held_out.values() for picture in part}
    np.testing.assert_array_equal(
        listing.read(40), collection.load(folders / "collections" / "dark").pictures[4]
    )


def test_names_of_classes_are_their_folders_and_labels():
    given = ("a/shoes", "a/shoes/", "a/shoes:5+7", "a/shoes/:5+7", "tfds:mnist")
    assert [commands._name(spec) for spec in given] == [
        "shoes",
        "shoes",
        "shoes-5+7",
        "shoes-5+7",
        "tfds-mnist",
    ]


def test_classes_of_one_name_are_refused(folders, made):
    (folders / "b").mkdir()
    (folders / "dark").rename(folders / "b" / "boxes")
    inputs = [str(folders / "boxes"), str(folders / "b" / "boxes")]
    with pytest.raises(UserError, match="b/boxes: both are called boxes in the table; rename one"):
        commands.run(call(folders, "classes"), inputs)


def test_classes_may_be_labels_of_one_collection(folders, made):
    grey = np.zeros((60, 28, 28), np.uint8)
    grey[:, 8:20, 8:20] = 200
    numbers = np.arange(60, dtype=np.uint8) % 3
    for name, array in (("images-idx3-ubyte", grey), ("labels-idx1-ubyte", numbers)):
        head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (folders / "boxes" / f"train-{name}").write_bytes(head + array.tobytes())
    config = call(folders, "classes")
    commands.run(config, [f"{folders / 'boxes'}:0+2", f"{folders / 'boxes'}:1"])
    _, held_out, _ = made["classes"]
    assert {name: len(part) for name, part in held_out.items()} == {"boxes-0+2": 4, "boxes-1": 2}
    found = collection.load(folders / "collections" / "boxes-0+2")
    assert len(found.pictures) == 36 and not config.config.data.classes


def test_transfers(folders, made, things):
    config = settings.load("igan_quickstart:tiny")
    with config.unlocked():
        config.data.pictures = str(folders / "boxes")
    commands.run(Call("table", "table", folders, {"rows": "transfers"}, config), ["x.png"])
    _, specs, project, generate = made["transfers"]
    latent, box = project(np.concatenate([things[0], things[0]], 1))
    assert specs == ["x.png"] and latent.shape == (8,) and box == (12, 0, 24, 24)
    assert generate(latent[None]).shape == (1, 16, 16, 3)


def test_another_system_s_config_is_refused(tmp_path):
    with pytest.raises(UserError, match="a table of iGAN, the config is for singan"):
        commands.run(call(tmp_path, "reconstruction", "singan_quickstart:tiny"), ["boxes"])


def test_stored_pictures_are_a_listing(things):
    listing = sources.StoredListing([things[:3], things[3:5]])
    assert len(listing) == 5 and listing.name(4) == "4"
    for index in range(5):
        np.testing.assert_array_equal(listing.read(index), things[index])
