import json

import numpy as np
import pytest

from deepsim_jax import settings
from deepsim_jax.errors import UserError
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.systems.deepsim.config import SCHEMA
from deepsim_jax.training import run_folder as rundir


def config(**train):
    found = settings.load("quickstart:tiny")
    found.train.update({"ema": 0.0, **train})
    return found


@pytest.fixture(scope="module")
def source():
    picture = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    return pair.prepare(picture.repeat(8, 0).repeat(8, 1), kind="seg")


@pytest.fixture
def run(tmp_path, source):
    """The folder of a run that has begun."""
    rundir.claim(tmp_path / "run", config(), source, SCHEMA, extend=False)()
    return tmp_path / "run"


def content(folder):
    return {p.relative_to(folder): p.is_file() and p.read_bytes() for p in folder.rglob("*")}


def test_a_folder_becomes_a_run_when_the_first_checkpoint_is_there(tmp_path, source):
    folder = tmp_path / "a" / "run"
    begun = rundir.claim(folder, config(), source, SCHEMA, extend=False)
    assert not rundir.is_run(folder)
    with pytest.raises(UserError, match="stopped before it began; start it again"):
        rundir.read_config(folder, SCHEMA)
    begun()
    assert rundir.is_run(folder)
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "pair"]
    assert rundir.read_config(folder, SCHEMA).to_dict() == config().to_dict()
    assert pair.Source.load(folder / "pair").hash() == source.hash()
    assert json.loads((folder / "config.json").read_text())["pair"] == source.hash()


def test_the_same_run_may_go_on_from_other_paths(run, source):
    before, same = content(run), config()
    same.data.image, same.data.root = "moved/photo.png", "elsewhere"
    rundir.claim(run, same, source, SCHEMA, extend=False)()
    rundir.claim(run, config(), source, SCHEMA, extend=True)()
    assert content(run) == before


@pytest.mark.parametrize(
    "train, extend, message",
    [
        (dict(batch=2), False, "train.batch: 1 -> 2"),
        (dict(ema=0.5, log_every=3), True, "train.ema: 0.0 -> 0.5; train.log_every: 2 -> 3"),
        (dict(steps=9), False, r"train.steps: 6 -> 9 \(--extend allows more\)"),
        (dict(steps=5), False, r"train.steps: 6 -> 5\)"),
        (dict(steps=5), True, r"train.steps: 6 -> 5\)"),
    ],
)
def test_other_settings_are_refused_by_name(run, source, train, extend, message):
    before = content(run)
    with pytest.raises(UserError, match=message) as found:
        rundir.claim(run, config(**train), source, SCHEMA, extend=extend)
    assert "choose another workdir" in str(found.value) and "\n" not in str(found.value)
    assert content(run) == before


def test_another_pair_is_refused(run, source):
    before = content(run)
    other = pair.prepare(255 - source.photo, kind="seg")
    with pytest.raises(UserError, match="another photo or primitive"):
        rundir.claim(run, config(), other, SCHEMA, extend=True)
    assert content(run) == before


def test_an_extended_run_remembers_its_new_length(run, source):
    begun = rundir.claim(run, config(steps=9), source, SCHEMA, extend=True)
    assert rundir.read_config(run, SCHEMA).train.steps == 6, "not before the checkpoint has been read"
    begun()
    assert rundir.read_config(run, SCHEMA).train.steps == 9
    rundir.claim(run, config(steps=9), source, SCHEMA, extend=False)


@pytest.mark.parametrize("name", rundir.OURS)
def test_what_others_have_made_is_left_alone(tmp_path, source, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "precious").write_text("data")
    before = content(tmp_path)
    with pytest.raises(UserError, match=f"holds {name} but no config.json"):
        rundir.claim(tmp_path, config(), source, SCHEMA, extend=False)
    assert content(tmp_path) == before


def test_other_files_may_lie_there(tmp_path, source):
    (tmp_path / "notes.txt").write_text("mine")
    rundir.claim(tmp_path, config(), source, SCHEMA, extend=False)()
    assert (tmp_path / "notes.txt").read_text() == "mine" and rundir.is_run(tmp_path)


def test_the_remains_of_a_start_that_was_killed_are_cleared(tmp_path, source):
    rundir.claim(tmp_path, config(), source, SCHEMA, extend=False)
    (tmp_path / "checkpoints" / "0.orbax-checkpoint-tmp").mkdir(parents=True)
    other = pair.prepare(255 - source.photo, kind="seg")
    rundir.claim(tmp_path, config(steps=50), other, SCHEMA, extend=False)()
    assert not (tmp_path / "checkpoints").exists()
    assert pair.Source.load(tmp_path / "pair").hash() == other.hash()
    assert rundir.read_config(tmp_path, SCHEMA).train.steps == 50


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"config": {}}',
        '{"config": 3, "pair": "x"}',
        '{"config": [], "pair": 1}',
        '{"config": {"train.stps": 3}, "pair": "x"}',
        '{"config": {"train.steps": "x"}, "pair": "x"}',
    ],
)
def test_a_damaged_config_is_told(run, source, text):
    (run / "config.json").write_text(text)
    for use in (
        lambda run: rundir.read_config(run, SCHEMA),
        lambda run: rundir.claim(run, config(), source, SCHEMA, extend=False),
    ):
        with pytest.raises(UserError, match="config.json: damaged .*; restore it") as found:
            use(run)
        assert "\n" not in str(found.value)
    assert (run / "config.json").read_text() == text


def test_no_run_is_told(tmp_path):
    assert not rundir.is_run(tmp_path / "none")
    with pytest.raises(UserError, match="none: no run in this folder"):
        rundir.read_config(tmp_path / "none", SCHEMA)


def test_a_place_that_cannot_be_written_is_told(tmp_path, source):
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UserError, match="cannot be written"):
            rundir.claim(folder, config(), source, SCHEMA, extend=False)
    assert content(tmp_path) == {(tmp_path / "file").relative_to(tmp_path): b"mine"}


def test_a_name_that_is_no_text_is_refused_before_anything_is_written(tmp_path, source):
    """As an old archive unpacks them: such a folder can be made, but no checkpoint be kept in it."""
    folder = tmp_path / "caf\udce9"
    for use in (
        lambda: rundir.claim(folder, config(), source, SCHEMA, extend=False),
        lambda: rundir.read_config(folder, SCHEMA),
    ):
        with pytest.raises(UserError, match="a name that is no UTF-8; rename it"):
            use()
    assert not list(tmp_path.iterdir())
