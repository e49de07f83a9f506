"""What lies in the folder of the page: libraries as they were taken, an engine that needs no browser."""

import hashlib
import pathlib
import re
import shutil
import subprocess

import pytest

import deepsim_jax

STATIC = pathlib.Path(deepsim_jax.__file__).parent / "editor" / "static"
ENGINE_TESTS = pathlib.Path(__file__).parents[1] / "engine"


def test_libraries_have_the_hashes_that_are_written_down():
    lines = (STATIC / "vendor" / "SHA256SUMS").read_text("utf-8").splitlines()
    written = dict(reversed(line.split("  ")) for line in lines)
    lying = {path.name for path in (STATIC / "vendor").glob("*") if path.suffix in (".js", ".LICENSE")}
    assert set(written) == lying
    for name, digest in written.items():
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest, name


def test_every_import_is_a_file_of_the_page():
    for path in STATIC.rglob("*.js"):
        for name in re.findall(r'(?<!")\b(?:from|import)\s*"([^"]+)"', path.read_text("utf-8")):
            assert name.startswith("."), (path, name)
            assert (path.parent / name).resolve().is_file(), (path, name)


def test_nothing_is_loaded_from_elsewhere():
    for path in [
        *STATIC.glob("*.html"),
        *STATIC.glob("*.css"),
        *STATIC.glob("[!v]*/*.js"),
        *STATIC.glob("*.js"),
    ]:
        found = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", path.read_text("utf-8").replace("//#", ""))
        assert not found, (path, found)


def test_names_of_systems_are_unknown_to_the_page():
    from deepsim_jax import registry

    for path in [*STATIC.glob("*.js"), *STATIC.glob("[!v]*/*.js")]:
        words = path.read_text("utf-8").lower()
        for system in registry.systems():
            assert system.name not in words, (path, system.name)


def test_keys_of_configs_and_their_words_are_unknown_to_the_page():
    from deepsim_jax import registry

    told = {"kind", "seed", "steps"}  # of every option, tool or training
    words = set()
    for system in registry.systems():
        opening = system.opening.keys if system.opening else ()
        for name in (*opening, *system.train_keys):
            words |= {name.rpartition(".")[2], *system.schema.keys[name].choices} - told
    known = re.compile(rf"""(?<!class=)["'.](?:{"|".join(words)})["']|\b(?:{"|".join(words)}): ["\d]""")
    assert known.search("{ colors: 32 }") and known.search("'data.colors'")
    for path in [*STATIC.glob("*.js"), *STATIC.glob("[!v]*/*.js")]:
        found = known.search(path.read_text("utf-8"))
        assert not found, (path, found)


def test_text_is_never_taken_for_markup():
    for path in [*STATIC.glob("*.js"), *STATIC.glob("[!v]*/*.js")]:
        words = path.read_text("utf-8")
        for name in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "dangerouslySetInnerHTML",
            "document.write",
            "eval(",
        ):
            assert name not in words, (path, name)


def test_the_engine_passes_its_own_tests():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; CI has it")
    done = subprocess.run(
        [node, "--test", str(ENGINE_TESTS)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
