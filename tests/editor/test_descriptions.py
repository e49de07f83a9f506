"""Declarations as JSON: all that a page needs to draw panels for a system that it does not know."""

import json
import pkgutil
import shutil

import numpy as np

from deepsim_jax import registry
from deepsim_jax.editor import autosave, descriptions
from deepsim_jax.editor.catalogue import Catalogue
from deepsim_jax.editor.workspaces import Workspace
from deepsim_jax.systems import contract


def test_systems_are_told_as_json():
    told = json.loads(json.dumps(descriptions.systems(), allow_nan=False))
    assert [one["name"] for one in told] == list(registry.names())
    for one in told:
        assert one["opens"] == bool(one["opening"])
        takes_a_photo = bool(registry.get(one["name"]).photo_key)
        assert bool(one["purpose"] and one["promise"]) == takes_a_photo
        assert bool(one["configs"]) == takes_a_photo and (takes_a_photo or not one["opens"])
        for option in one["opening"]:
            assert option["about"] and option["kind"] in ("word", "int", "float", "bool", "text")
            assert option["choices"] or option["kind"] != "word"


def test_what_systems_say_of_their_keys_is_of_keys_that_people_change():
    for system in registry.systems():
        assert system.photo_key in ("", *system.schema.source_keys, "data.image")
        shown = (*(system.opening.keys if system.opening else ()), *system.train_keys)
        for name, label in system.labels.items():
            key = system.schema.keys[name]
            assert name in shown and {*label.titles, *label.hints, *label.left_out} <= set(key.choices), (
                name
            )
            assert label.end is None or label.end > (key.low or 0), name
            for other, choices in label.only_with.items():
                assert other in shown and set(choices) <= set(system.schema.keys[other].choices), name


def test_an_option_is_told_with_its_label():
    label = contract.Label(
        "How far", 8, 3, {"a": "Near"}, {"a": "Not far."}, left_out=("c",), only_with={"b": ("x",)}
    )
    declared = contract.Option("reach", "word", "of it", choices=("a", "b", "c"), label=label)
    told = json.loads(json.dumps(descriptions.option(declared)))
    assert told == {
        "name": "reach",
        "kind": "word",
        "about": "of it",
        "default": None,
        "choices": ["a", "b"],
        "low": None,
        "high": None,
        "needed": False,
        "title": "How far",
        "end": 8,
        "suggested": 3,
        "titles": {"a": "Near"},
        "hints": {"a": "Not far."},
        "only_with": {"b": ["x"]},
    }


def test_tools_of_all_sessions_can_be_drawn(trained, trained_singan, trained_igan):
    taken = {
        "stroke": {"points"},
        "points": {"at", "from"},
        "region": {"polygon", "mask"},
        "picture": {"picture"},
        "none": {"candidate"},
    }
    for name, model in (("deepsim", trained), ("singan", trained_singan), ("igan", trained_igan)):
        system = registry.get(name)
        opened = pkgutil.resolve_name(system.session)(model)
        assert isinstance(opened, contract.Regional) == (system.opening is not None)
        assert isinstance(opened, contract.Drawn) == (name != "singan")
        told = json.loads(json.dumps([descriptions.tool(tool) for tool in opened.tools]))
        names = [tool["name"] for tool in told]
        keys = [tool["key"] for tool in told if tool["key"]]
        assert len(set(names)) == len(names) and len(set(keys)) == len(keys)
        for tool in told:
            assert taken[tool["gesture"]] & set(tool["takes"]) or not tool["takes"], tool["name"]
            assert not {o["kind"] for o in tool["options"]} & {"path", "text"}, tool["name"]
            assert tool["ground"] in ("", *opened.canvas.layers), tool["name"]
            if tool["name"] not in ("move", "copy"):
                assert tool["title"] and tool["icon"], tool["name"]
            if tool["ink"] == "color":
                assert {"color", "radius"} <= {option["name"] for option in tool["options"]}
        json.dumps(descriptions.canvas(opened.canvas))


def test_the_size_of_results_follows_what_is_undone_and_restored(tmp_path, trained_igan, photo, scene):
    catalogue = Catalogue(tmp_path / "workdir")
    shutil.copytree(trained_igan.workdir, catalogue.workdir / "things")
    (run,) = catalogue.runs()
    one = catalogue.open_run(run)
    id_, _ = one.add_picture(photo)
    one.act(one.history.current.id, {"tool": "open", "picture": id_})
    size = list(scene.shape[1::-1])
    assert descriptions.moved(one)["output_size"] == size
    one.move(0)
    assert descriptions.moved(one)["output_size"] == [384, 384]
    one.move(1)
    again = Workspace.restore(one.id, autosave.Folder(one.folder.path), catalogue.workdir)
    assert descriptions.workspace(again, {})["canvas"]["output_size"] == size
    next((one.folder.path / "pictures").iterdir()).unlink()
    again = Workspace.restore(one.id, autosave.Folder(one.folder.path), catalogue.workdir)
    assert descriptions.workspace(again, {})["canvas"]["output_size"] == [384, 384]
    catalogue.close()


def test_the_box_of_a_mask():
    mask = np.zeros((8, 9), bool)
    assert descriptions.box(mask) == (0, 0, 0, 0)
    mask[2:5, 3:4] = True
    assert descriptions.box(mask) == (3, 2, 1, 3)
