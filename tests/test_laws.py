"""What holds for the program's text: its layers, sizes, names and words."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import deepsim_jax
from deepsim_jax.geometry import tps

PACKAGE = Path(deepsim_jax.__file__).parent
ROOT = PACKAGE.parent
FILES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CONFIGS = sorted((ROOT / "configs").glob("*.py"))

# folder or module -> what it may import of the package, itself aside.
MAY_IMPORT = {
    "errors": (), "types": (), "version": (), "compilation": (), "hugepages": (),
    "machine": ("version",),
    "geometry": ("errors", "types"),
    "resample": ("types", "geometry"),
    "augment": ("errors", "types", "geometry", "resample"),
    "data": ("errors", "types", "geometry"),
    "nets": ("errors", "types"),
    "losses": ("errors", "types", "nets"),
    "weights": ("errors", "types", "nets"),
    "models": ("errors", "types", "geometry", "augment", "nets", "losses", "weights"),
    "training": ("errors", "types", "data", "geometry", "augment", "nets", "losses",
                 "compilation"),
    "settings": ("errors",),
    "pages": ("errors", "data"),
    "plots": ("pages",),
    "evaluate": ("errors", "types", "geometry", "resample", "augment", "data", "nets", "weights",
                 "pages", "plots", "machine"),
    "editing": ("errors", "types", "data", "geometry"),
    "sheets": (),
    "applications": ("errors", "data", "models", "editing", "sheets"),
    "inpainting": ("errors", "data", "models", "editing"),
    "picture_tables": ("errors", "machine", "compilation", "data", "evaluate"),
    "singan_tables": ("errors", "data", "models", "evaluate", "applications", "inpainting",
                      "picture_tables"),
    "recipes": ("errors", "types", "data", "geometry", "resample"),
    "rundir": ("errors", "settings", "data"),
    "report": ("errors", "data", "pages", "plots", "training"),
    "sources": ("errors", "data", "evaluate"),
    "api": ("errors", "types", "settings", "rundir", "data", "augment", "models", "training",
            "weights", "evaluate", "editing", "recipes", "sources", "applications", "inpainting"),
    "analysis": ("errors", "rundir", "data", "pages", "evaluate", "sources", "api"),
    "tables": ("errors", "settings", "rundir", "data", "machine", "training", "evaluate", "sources",
               "api"),
    "restoration": ("errors", "settings", "data", "inpainting", "api"),
    "singan_commands": ("errors", "data", "models", "editing", "sheets", "applications", "report",
                        "singan_tables", "api"),
    "folder": ("errors", "settings", "rundir", "data", "machine", "compilation", "training", "report",
               "sources", "api"),
}


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
    assert {part(path) for path in FILES} - set(MAY_IMPORT) == {"__init__", "main"}
    wrong = [f"{path.relative_to(ROOT)} imports {name}" for path in FILES if part(path) in MAY_IMPORT
             for name in imports(path) - {part(path)} if name not in MAY_IMPORT[part(path)]]
    assert not wrong


def test_only_the_outer_layer_knows_settings():
    knowing = {part(path) for path in FILES if "settings" in imports(path) - {part(path)}}
    assert knowing == {"api", "folder", "main", "restoration", "rundir", "tables"}
    assert all("settings" in path.read_text() for path in CONFIGS)


def test_the_systems_and_the_libraries_stay_in_their_places():
    for path in FILES:
        text = path.read_text()
        if path != PACKAGE / "training" / "checkpoint.py":
            assert not re.search(r"^\s*(import|from) orbax", text, re.M), path
        assert not re.search(r"^\s*(import|from) torch\b", text, re.M) or part(path) == "weights"


def test_the_command_line_is_imported_by_nobody():
    assert not [path for path in FILES if {"main"} & imports(path)]


def test_modules_and_functions_are_short():
    for path in FILES + TESTS + CONFIGS:
        assert len(path.read_text().splitlines()) <= 450, path
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 80, f"{path}: {node.name}"


def test_everything_public_is_explained():
    silent = []
    for path in FILES + CONFIGS:
        if path.name != "__init__.py" or path.read_text().strip():
            silent += [str(path)] * (not ast.get_docstring(tree(path)))
        silent += [f"{path}: {name}" for name, node in functions(path)
                   if not any(n.startswith("_") for n in name.split("."))
                   and not ast.get_docstring(node)]
    assert not silent, "\n".join(silent)


def test_nothing_is_left_open():
    for path in FILES + CONFIGS + TESTS:
        if path != Path(__file__):
            assert not re.search(r"TODO|FIXME|XXX|NotImplementedError", path.read_text()), path
    assert not [p for p in FILES if p.stem in ("utils", "helpers", "misc", "common")]


def test_no_path_of_a_machine_is_in_the_tree():
    places = [ROOT / name for name in ("deepsim_jax", "configs", "launch", "tests", "benchmarks",
                                       "docs", ".ci")]
    texts = [p for place in places if place.exists() for p in place.rglob("*")
             if p.suffix in (".py", ".sh", ".md", ".ipynb", ".json", ".txt", "") and p.is_file()]
    texts += [p for name in ("README.md", "setup.cfg", "pyproject.toml", ".gitignore")
              if (p := ROOT / name).exists()]
    assert len(texts) > 60
    for path in texts:
        if path != Path(__file__):
            found = re.search(r"/(home|work|root|Users|tmp|mnt|content)/\w+|[A-Z]:\\\\\w+",
                              path.read_text(encoding="utf-8"))
            assert not found, f"{path}: {found[0]}"


@pytest.mark.parametrize("function, signature", [
    (deepsim_jax.train, "(image, primitive=None, *, config='quickstart', workdir"),
    (deepsim_jax.load, "(workdir)"),
    (deepsim_jax.inpaint, "(image, mask, reference=None, *, config='singan_quickstart', workdir, grow"),
    (deepsim_jax.Model.edit, "(self, primitive, *, keep=None)"),
    (deepsim_jax.make_primitive, "(image, kind: str = 'edges', *, "),
    (deepsim_jax.import_torch, "(generator_path, *, image=None"),
    (tps.solve, "(points, targets, *, smoothing"),
    (tps.evaluate, "(spline, points)"),
])
def test_the_public_signatures(function, signature):
    shown = str(inspect.signature(function))
    if function in (tps.solve, tps.evaluate):  # their types may change
        shown = re.sub(r": [\w.| ]+(?=[,=)])|: [\w.| ]+ (?==)| -> .*", "", shown)
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
    assert folders <= {path.parent.relative_to(PACKAGE) for path in FILES}
    known = "__init__", "errors", "types", "version", "compilation", "state", "task"
    for path in FILES:
        if path.stem not in known:
            assert any(name.startswith(f"test_{path.stem}") for name in names), path
