"""What holds for the project around the program: versions, hooks, CI and the changelog agree."""

import configparser
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import deepsim_jax

ROOT = Path(deepsim_jax.__file__).parent.parent


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load(read(".github/workflows/tests.yml"))["jobs"]["tests"]


def test_ci_runs_on_the_versions_that_are_promised(workflow):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    promised = re.findall(r"Python :: (3\.\d+)", setup["metadata"]["classifiers"])
    assert workflow["strategy"]["matrix"]["python"] == promised
    assert setup["options"]["python_requires"] == f">={promised[0]}"
    pyproject = tomllib.loads(read("pyproject.toml"))
    assert pyproject["tool"]["ruff"]["target-version"] == "py" + promised[0].replace(".", "")


def test_ci_runs_the_same_commands_everywhere(workflow):
    assert [step["run"] for step in workflow["steps"] if "run" in step] == ["bash .ci/run"]
    assert "bash launch/test.sh" in read(".ci/run")


def test_the_hooks_are_checked_by_the_tests_too():
    """By launch/test.sh, for those who have not installed them."""
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    entries = [hook["entry"].split() for hook in repository["hooks"]]
    assert len(entries) >= 4 and all(hook["language"] == "system" for hook in repository["hooks"])
    commands = read("launch/test.sh")
    for tool, *words in entries:
        command = " ".join([tool, *(word for word in words if not word.startswith("-"))])
        assert re.search(rf"^{re.escape(command)}\b", commands, re.M), command


def test_modules_that_moved_are_where_the_changelog_says():
    table = read("CHANGELOG.md").partition("### Modules that moved")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", table, re.M)
    assert len(rows) > 50
    for before, now in rows:
        for name in re.findall(r"`(.+?)`", now):
            assert importlib.util.find_spec(f"deepsim_jax.{name}"), f"{before} -> {name}"


def test_modules_without_types_exist():
    """So that the list of those that mypy passes over becomes shorter."""
    overrides = tomllib.loads(read("pyproject.toml"))["tool"]["mypy"]["overrides"]
    modules = [name for entry in overrides for name in entry["module"]]
    assert len(set(modules)) == len(modules)
    for name in modules:
        assert importlib.util.find_spec(name.removesuffix(".*")), name
