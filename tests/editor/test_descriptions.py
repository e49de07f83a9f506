"""Declarations as JSON: all that a page needs to draw panels for a system that it does not know."""

import json
import pkgutil

import numpy as np

from deepsim_jax import registry
from deepsim_jax.editor import descriptions
from deepsim_jax.systems import contract


def test_systems_are_told_as_json():
    told = json.loads(json.dumps(descriptions.systems(), allow_nan=False))
    assert [one["name"] for one in told] == list(registry.names())
    for one in told:
        assert one["opens"] == bool(one["opening"])
        takes_a_photo = "data.image" in registry.get(one["name"]).schema.keys
        assert bool(one["configs"]) == takes_a_photo and (takes_a_photo or not one["opens"])
        for option in one["opening"]:
            assert option["about"] and option["kind"] in ("word", "int", "float", "bool", "text")
            assert option["choices"] or option["kind"] != "word"


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
            if tool["name"] not in ("move", "copy"):
                assert tool["title"] and tool["icon"], tool["name"]
            if tool["ink"] == "color":
                assert {"color", "radius"} <= {option["name"] for option in tool["options"]}
        json.dumps(descriptions.canvas(opened.canvas))


def test_the_box_of_a_mask():
    mask = np.zeros((8, 9), bool)
    assert descriptions.box(mask) == (0, 0, 0, 0)
    mask[2:5, 3:4] = True
    assert descriptions.box(mask) == (3, 2, 1, 3)
