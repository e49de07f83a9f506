import ast
import json
import math
import re
import sys

import pytest
from ml_collections import ConfigDict

from deepsim_jax import registry, settings
from deepsim_jax.errors import UserError


def changed(system="deepsim", **keys):
    """The defaults with some keys, written section__name, set to anything whatever."""
    config = settings.default(system)
    for key, value in keys.items():
        section, _, name = key.partition("__")
        with config.ignore_type():
            config[section][name] = value
    return config


def file(tmp_path, body, name="mine.py"):
    path = tmp_path / name
    path.write_text(f"from deepsim_jax import settings\ndef get_config(option=''):\n    {body}\n")
    return path


@pytest.mark.parametrize("system", registry.names())
def test_defaults_are_valid_and_a_loaded_config_is_a_locked_copy(system):
    given = settings.default(system)
    loaded = settings.load(given)
    assert settings.flatten(loaded) == settings.flatten(given)
    loaded.train.steps = 7
    assert given.train.steps != 7
    with pytest.raises(AttributeError):
        loaded.train.stepz = 7


def test_reading_a_config_leaves_nothing_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "steps_of_mine.py").write_text("STEPS = 9\n")
    monkeypatch.syspath_prepend(tmp_path)
    body = "import steps_of_mine; c = settings.default(); c.train.steps = steps_of_mine.STEPS; return c"
    path = file(tmp_path, body)
    assert settings.load(path).train.steps == 9
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.py", "steps_of_mine.py"]
    assert not sys.dont_write_bytecode


@pytest.mark.parametrize("name", registry.names())
def test_every_key_is_explained_and_every_number_has_a_range(name):
    schema = registry.get(name).schema
    assert list(schema.flat()) == ["system", *schema.keys]
    for name, key in schema.keys.items():
        assert key.about and key.about[-1] != ".", name
        number = isinstance(key.default, int | float) and not isinstance(key.default, bool)
        assert number == (key.low is not None) or name == "seed" or isinstance(key.default, tuple), name
        assert not key.choices or key.default in key.choices
        key.check(name, key.default)


@pytest.mark.parametrize("name", ["quickstart", "paper", "local_enhancer"])
@pytest.mark.parametrize("option", ["", ":tiny"])
def test_shipped_configs_load_by_name_and_by_path(name, option):
    path = settings.shipped_configs()[name]
    by_name, by_path = (settings.load(f"{n}{option}") for n in (name, path))
    assert by_name.to_dict() == by_path.to_dict()
    assert (by_name.train.steps <= 10) == (option == ":tiny")
    if not option:
        assert settings.load(path).to_dict() == by_name.to_dict()


def test_each_shipped_config_tells_command_time_and_score():
    for name, path in settings.shipped_configs().items():
        text = ast.get_docstring(ast.parse(path.read_text()))
        assert f"--config=configs/{name}.py" in text and "--workdir" in text
        assert re.search(r"\d+ (seconds?|minutes|hours)", text) and "Expected score:" in text, name


def test_the_paper_has_the_published_numbers():
    paper, code = settings.load("paper"), settings.load("paper:code")
    assert (paper.train.steps, paper.optim.g_rate, paper.optim.b1) == (16000, 2e-4, 0.5)
    assert (paper.model.filters, paper.model.blocks, paper.loss.feature_matching) == (64, 9, 10)
    assert (paper.augment.compat, paper.augment.rotation_degrees) == ("paper", 10.0)
    assert code.augment.compat == "code" and not code.loss.perceptual_normalise


@pytest.mark.parametrize(
    "keys, message",
    [
        (dict(train__stps=3), "'train.stps' does not exist: did you mean 'train.steps'"),
        (dict(train__steps=2.5), "train.steps=2.5: a whole number"),
        (dict(train__steps="many"), "train.steps='many': a whole number"),
        (dict(train__steps=True), "train.steps=True: a whole number"),
        (dict(train__steps=math.inf), "train.steps=inf: a whole number"),
        (dict(train__steps=-1), "train.steps=-1: it must be at least 0"),
        (dict(optim__g_rate=2.0), "optim.g_rate=2.0: it must be between 0.0 and 1.0"),
        (dict(optim__g_rate=math.nan), "optim.g_rate=nan: a number"),
        (dict(loss__feature_matching=math.inf), "loss.feature_matching=inf: a number"),
        (dict(train__ema=1.0), "train.ema=1.0: it must be between"),
        (dict(data__thin_edges=1), "data.thin_edges=1: a bool"),
        (dict(data__kind=3), "data.kind=3: a str"),
        (dict(data__kind="edge"), "data.kind='edge': choose one of auto, edges, seg"),
        (dict(augment__tps_points=5), "augment.tps_points=5: a tuple"),
        (dict(augment__tps_points=(3,)), r"augment.tps_points=\[3\]: 2 numbers"),
        (
            dict(augment__tps_points=(3, 1)),
            r"augment.tps_points=\[3, 1\]: each must be at least 2 .control points",
        ),
        (dict(augment__tps_points=(3.5, 3)), "whole numbers"),
        (dict(augment__cutmix_side=(0, 3)), "positive"),
        (dict(augment__canny_sigmas=()), "augment.canny_sigmas"),
        (dict(model__generator="local", model__filters=7), "model.filters=7: .* even"),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(keys, message):
    with pytest.raises(UserError, match=message) as found:
        settings.load(changed(**keys))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    "keys, message",
    [
        (dict(train__stps=3), "'train.stps' does not exist: did you mean 'train.steps'"),
        (dict(data__primitive="a.png"), "'data.primitive' does not exist"),
        (
            dict(pyramid__steps="code"),
            "pyramid.steps='code': choose one of published, published_sr, nearest",
        ),
        (dict(pyramid__min_size=10), "pyramid.min_size=10: it must be between 11 and"),
        (dict(pyramid__factor=1.0), "pyramid.factor=1.0: it must be between"),
        (dict(pyramid__max_size=25), "pyramid.max_size=25: it must be above pyramid.min_size, .* 25"),
        (dict(optim__d_updates=0), "optim.d_updates=0: it must be between 1"),
    ],
)
def test_the_other_systems_keys_have_rules_of_their_own(keys, message):
    with pytest.raises(UserError, match=message):
        settings.load(changed("singan", **keys))


def test_a_config_says_of_which_system_it_is():
    for system in registry.names():
        flat = settings.flatten(settings.default(system))
        assert flat["system"] == system and settings.unflatten(flat).system == system
        assert settings.unflatten({"system": system, "train.steps": 3}).train.steps == 3
    config = settings.default("singan")
    config.system = "deepsim"
    message = (
        "system='deepsim': this is a config for 'singan'; leave the key as it is, or take a config for "
        "'deepsim'"
    )
    with pytest.raises(UserError, match=message):
        settings.load(config)
    config.system = "gan"
    for given in (config, "gan"):
        with pytest.raises(UserError, match="system='gan': choose one of deepsim, singan"):
            settings.load(given) if given is config else settings.default(given)


def test_missing_keys_and_sections_are_told():
    config = settings.default()
    del config.train["steps"]
    with pytest.raises(UserError, match="'train.steps' is missing"):
        settings.load(config)
    with pytest.raises(UserError, match="'trian.steps' does not exist: did you mean 'train.steps'"):
        settings.load(ConfigDict({"trian": {"steps": 3}}))


def test_flattening_survives_json_and_back():
    config = changed(train__steps=7, augment__tps_points=(4, 5), data__image="a b.png")
    flat = json.loads(json.dumps(settings.flatten(config)))
    back = settings.unflatten(flat)
    assert back.to_dict() == config.to_dict() and back.augment.tps_points == (4, 5)
    assert settings.unflatten({"train.steps": 3}).train.steps == 3
    for damaged in ({"train.stps": 3}, {"train.steps": "x"}, {"train": 3}, {"data.kind": ["a"]}):
        with pytest.raises(UserError, match="train|data.kind"):
            settings.unflatten(damaged)


def test_differences_leave_the_sources_aside():
    one = settings.flatten(settings.default())
    other = {**one, "train.steps": 5, "data.image": "other.png", "new": 1}
    assert settings.differences(one, other) == ["train.steps: 16000 -> 5", "new: None -> 1"]
    assert settings.differences(one, dict(one)) == []


def test_a_users_own_file_and_its_option(tmp_path):
    path = file(
        tmp_path, "c = settings.default(); c.train.steps = 9; settings.apply_option(c, option); return c"
    )
    assert settings.load(path).train.steps == settings.load(str(path)).train.steps == 9
    assert settings.load(f"{path}:tiny").model.filters == 4
    with pytest.raises(UserError, match="option 'teeny': choose one of tiny"):
        settings.load(f"{path}:teeny")


@pytest.mark.parametrize(
    "body, message",
    [
        ("return 3", "get_config must return"),
        ("return settings.defalt()", "AttributeError: .*defalt"),
        ("c = settings.default(); c.trian.steps = 3; return c", "AttributeError: .*trian"),
        ("c = settings.default(); c.train.steps = 'x'; return c", "TypeError"),
        ("c = settings.default(); c.train.stepz = 3; return c", "did you mean 'train.steps'"),
        ("return (", "SyntaxError"),
    ],
)
def test_a_broken_file_is_told_in_one_line(tmp_path, body, message):
    with pytest.raises(UserError, match=message) as found:
        settings.load(file(tmp_path, body))
    assert "\n" not in str(found.value)


def test_what_is_no_config_is_told(tmp_path):
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "note.txt").write_text("hello")
    for given, message in [
        ("nope", "'nope': no such file, nor one of fast, igan_fast, igan_paper"),
        (tmp_path, "no such file"),
        (tmp_path / "empty.py", "get_config"),
        (tmp_path / "note.txt", "Python file with a function get_config"),
        (3, "of type int"),
        (None, "of type NoneType"),
    ]:
        with pytest.raises(UserError, match=message):
            settings.load(given)
