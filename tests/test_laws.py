"""What holds for the program's text: its layers, sizes, names and words."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import deepsim_jax
from deepsim_jax import registry
from deepsim_jax.geometry import tps

PACKAGE = Path(deepsim_jax.__file__).parent
ROOT = PACKAGE.parent
FILES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CONFIGS = sorted((ROOT / "configs").glob("*.py"))


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def part(path):
    """The folder or module of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """The parts of the package that a file imports."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("deepsim_jax.")}
    return found


def functions(path):
    """(name with its classes, node) of each function and class, the nested ones aside."""

    def walk(body, prefix):
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{node.name}.")

    return walk(tree(path).body, "")


def test_imports_go_one_way():
    """The layers stand in pyproject.toml, for import-linter."""
    path = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([path, "--no-cache"], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout


def test_the_systems_and_the_libraries_stay_in_their_places():
    for path in FILES:
        text = path.read_text()
        if path != PACKAGE / "training" / "checkpoint.py":
            assert not re.search(r"^\s*(import|from) orbax", text, re.M), path
        assert not re.search(r"^\s*(import|from) torch\b", text, re.M) or part(path) == "weights"


def test_modules_and_functions_are_short():
    for path in FILES + TESTS + CONFIGS:
        assert len(path.read_text().splitlines()) <= 500, path
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 110, f"{path}: {node.name}"


def test_everything_public_is_explained():
    silent = []
    for path in FILES + CONFIGS:
        if path.name != "__init__.py" or path.read_text().strip():
            silent += [str(path)] * (not ast.get_docstring(tree(path)))
        silent += [
            f"{path}: {name}"
            for name, node in functions(path)
            if not any(n.startswith("_") for n in name.split(".")) and not ast.get_docstring(node)
        ]
    assert not silent, "\n".join(silent)


def test_nothing_is_left_open():
    for path in FILES + CONFIGS + TESTS:
        if path != Path(__file__):
            assert not re.search(r"TODO|FIXME|XXX|NotImplementedError", path.read_text()), path
    assert not [p for p in FILES if p.stem in ("utils", "helpers", "misc", "common")]


def test_no_path_of_a_machine_is_in_the_tree():
    places = [
        ROOT / name for name in ("deepsim_jax", "configs", "launch", "tests", "benchmarks", "docs", ".ci")
    ]
    texts = [
        p
        for place in places
        if place.exists()
        for p in place.rglob("*")
        if p.suffix in (".py", ".sh", ".md", ".ipynb", ".json", ".txt", "") and p.is_file()
    ]
    texts += [
        p
        for name in ("README.md", "setup.cfg", "pyproject.toml", ".gitignore")
        if (p := ROOT / name).exists()
    ]
    assert len(texts) > 60
    for path in texts:
        if path != Path(__file__):
            found = re.search(
                r"/(home|work|root|Users|tmp|mnt|content)/\w+|[A-Z]:\\\\\w+",
                path.read_text(encoding="utf-8"),
            )
            assert not found, f"{path}: {found[0]}"


@pytest.mark.parametrize(
    "function, signature",
    [
        (deepsim_jax.train, "(image, primitive=None, *, config='quickstart', workdir"),
        (deepsim_jax.load, "(workdir)"),
        (deepsim_jax.open, "(image, primitive=None, *, config='quickstart')"),
        (
            deepsim_jax.inpaint,
            "(image, mask, reference=None, *, config='singan_quickstart', workdir, grow",
        ),
        (deepsim_jax.Model.edit, "(self, primitive, *, keep=None, engine='auto'"),
        (deepsim_jax.make_primitive, "(image, kind='edges', *, "),
        (deepsim_jax.import_torch, "(generator_path, *, image=None"),
        (tps.solve, "(points, targets, *, smoothing"),
        (tps.evaluate, "(spline, points)"),
    ],
)
def test_the_public_signatures(function, signature):
    of = inspect.signature(function)
    bare = [parameter.replace(annotation=of.empty) for parameter in of.parameters.values()]
    shown = str(of.replace(parameters=bare, return_annotation=of.empty))  # the types may change
    assert shown.startswith(signature), shown
    assert isinstance(deepsim_jax.Model.primitive, property)


def test_no_public_name_is_a_module_and_all_are_listed():
    modules = {m.name.rpartition(".")[2] for m in pkgutil.walk_packages(deepsim_jax.__path__)}
    assert not set(deepsim_jax.__all__) & modules
    for name in deepsim_jax.__all__:
        assert inspect.getdoc(getattr(deepsim_jax, name)), name
    assert importlib.import_module("deepsim_jax.geometry.tps") is tps


def test_tests_mirror_the_package():
    names = [path.stem for path in TESTS if path.stem != "conftest"]
    assert len(set(names)) == len(names)
    folders = {path.parent.relative_to(ROOT / "tests") for path in TESTS}
    # Of the program as a whole, and of the editor's page.
    folders -= {Path("golden"), Path("fixtures"), Path("editor/browser"), Path("editor/engine")}
    assert folders <= {path.parent.relative_to(PACKAGE) for path in FILES}
    known = (
        "__init__",
        "__main__",
        "build",
        "compilation",
        "device_pair",
        "errors",
        "state",
        "system",
        "task",
        "training",
        "version",
    )
    for path in FILES:
        if path.stem not in known:
            expected = f"test_{path.stem}", f"test_{path.parent.name}_{path.stem}"
            assert any(name.startswith(expected) for name in names), path


def test_generic_code_knows_no_system_by_name():
    names = "|".join(registry.names())
    for path in FILES:
        if "systems" not in path.parts and path.name != "registry.py":
            quoted = re.search(rf"[\"']({names})[\"']", path.read_text())
            assert not quoted, f"{path}: {quoted[0]}"


def test_few_modules_lie_loose_in_the_package():
    assert len(list(PACKAGE.glob("*.py"))) <= 10
    assert len((PACKAGE / "main.py").read_text().splitlines()) <= 70


def test_every_reference_of_a_system_can_be_resolved():
    for system in registry.systems():
        assert registry.get(system.name) is system and system.schema.system == system.name
        assert system.load_training().schema is system.schema
        references = [system.report, system.session, *(table.run for table in system.tables)]
        references += [verb.run for verb in system.verbs]
        assert all(callable(pkgutil.resolve_name(reference)) for reference in references)
