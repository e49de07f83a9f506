"""Photos and runs of whichever system, also of one that the editor has never heard of."""

import dataclasses
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import deepsim_jax
from deepsim_jax import UserError, registry, settings
from deepsim_jax.editor import descriptions, opening
from deepsim_jax.editor.catalogue import Catalogue
from deepsim_jax.editor.desk import Desk
from deepsim_jax.systems import contract


@pytest.fixture
def mean_colour(monkeypatch, scene, tmp_path):
    """A run of a third system, in a workdir."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "systems")
    monkeypatch.setitem(registry._MODULES, "mean_colour", "mean_colour")
    config = settings.default("mean_colour")
    settings.apply_option(config, "tiny")
    deepsim_jax.train(scene, config=config, workdir=tmp_path / "runs" / "mean")
    yield tmp_path / "runs"
    sys.modules.pop("mean_colour", None)


def test_a_system_that_is_not_known_by_name_is_edited(mean_colour, scene, picture_of, waited):
    desk = Desk(mean_colour)
    (run,) = desk.catalogue.runs()
    workspace = desk.catalogue.open_run(run)
    told = desk.describe(workspace)
    assert set(told["can"].values()) == {False}
    assert told["tools"] == [
        {
            "name": "brighten",
            "about": "adds light",
            "gesture": "none",
            "takes": [],
            "ink": "none",
            "ground": "",
            "key": "",
            "title": "",
            "help": "",
            "icon": "",
            "options": [descriptions.option(workspace.opened.session.tools[0].options[0])],
        }
    ]
    before = picture_of(workspace.result(None, 0)[0]).astype(int)
    workspace.act(1, {"tool": "brighten", "by": 7})
    np.testing.assert_array_equal(picture_of(workspace.result(None, 0)[0]) - before, 7)
    assert workspace.drawing(None).shape == scene.shape and workspace.changed_pixels(None).all()
    for what in (workspace.mismatch, workspace.recipe, lambda id_: workspace.layer(id_, "plain")):
        with pytest.raises(LookupError):
            what(None)
    with pytest.raises(UserError, match="no option 'at'"):
        workspace.act(workspace.history.current.id, {"tool": "brighten", "at": [1, 1]})
    assert desk.close()
    restored = Catalogue(mean_colour)
    again = restored.get(workspace.id)
    assert again.result(None, 0)[0] == workspace.result(None, 0)[0]
    restored.close()


def test_systems_that_edit_nothing_untrained_show_the_photo(tmp_path, photo):
    catalogue = Catalogue(tmp_path)
    system = next(system for system in registry.systems() if system.opening is None)
    workspace = catalogue.open_photo(photo, "scene.png", opening.configs(system)[0])
    assert workspace.opened.session is None and workspace.result(None, 0)[0] == photo
    with pytest.raises(UserError, match="before a training"):
        workspace.history.act({"tool": "sample"})
    with pytest.raises(UserError, match="before a training"):
        workspace.act(1, {"tool": "sample"})
    catalogue.close()


def test_keys_of_a_config_are_options_and_changed_only_where_that_is_declared():
    config = settings.load("quickstart")
    system = registry.get(config.system)
    found = {o.name: o for o in opening.options(system, ("data.kind", "data.colors", "none.such"))}
    assert {name: o.kind for name, o in found.items()} == {"data.kind": "word", "data.colors": "int"}
    assert all(o.label is system.labels[name] for name, o in found.items())
    assert opening.options(system, ("train.steps",))[0].label == contract.Label()
    assert opening.values(config, ("data.max_side",)) == {"data.max_side": 256}
    changed = opening.changed(config, {"data.colors": 5}, ("data.colors",))
    assert changed.data.colors == 5 and config.data.colors == 8
    assert opening.changed(config, {}, ()) is config
    for values, words in (
        ({"train.steps": 3}, "only data.colors"),
        ({"data.colors": 1}, "between 2 and 256"),
        ({"data.colors": "a"}, "whole number"),
    ):
        with pytest.raises(UserError, match=words):
            opening.changed(config, values, ("data.colors",))


def test_a_photo_for_which_nothing_is_said_is_opened_by_the_default_system(monkeypatch):
    known = {system.name: system for system in registry.systems()}
    default = known.pop(registry.DEFAULT)
    another = [dataclasses.replace(one, opening=contract.Opening("a:b")) for one in known.values()]
    cases = (
        ([default, *known.values()], opening.configs(default)[0]),
        ([*another, default], opening.configs(default)[0]),
        ([dataclasses.replace(default, opening=None), *another], opening.configs(another[0])[0]),
    )
    for systems, config in cases:
        monkeypatch.setattr(registry, "systems", lambda systems=systems: systems)
        assert opening.default_config() == opening.choose_config(None) == config
    assert opening.choose_config("singan_quickstart:tiny") == "singan_quickstart:tiny"


def test_where_no_system_opens_photos_the_error_says_what_to_name(monkeypatch):
    monkeypatch.setattr(registry, "systems", lambda: [registry.get("singan")])
    assert opening.default_config() is None
    with pytest.raises(
        UserError, match="no system edits a photo before .* name the config .* one of .*fast"
    ):
        opening.choose_config(None)


def test_the_quickest_config_stands_first():
    for system in registry.systems():
        assert "quickstart" in opening.configs(system)[0]


def test_runs_are_the_folder_itself_or_those_in_it(trained, tmp_path):
    assert opening.runs(trained.workdir, "editor") == {".": trained.workdir}
    assert opening.runs(tmp_path / "none", "editor") == {}
    shutil.copytree(trained.workdir, tmp_path / "one")
    shutil.copytree(trained.workdir, tmp_path / "editor")
    (tmp_path / "two").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "one")
    assert opening.runs(tmp_path, "editor") == {"one": tmp_path / "one"}
