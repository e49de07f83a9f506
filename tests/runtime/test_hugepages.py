import os
import subprocess
import sys

import pytest

from deepsim_jax.runtime import hugepages

PROGRAM = """
import os, sys
from deepsim_jax.runtime import hugepages
hugepages._understood = lambda: True
hugepages.restart()
print(os.getpid(), os.environ["GLIBC_TUNABLES"], *sys.argv[1:], sys.stdin.read())
"""


@pytest.fixture()
def offering(tmp_path, monkeypatch):
    """A machine on which large pages are for those that ask."""
    mode = tmp_path / "enabled"
    mode.write_text("always [madvise] never\n")
    monkeypatch.setattr(hugepages, "_MODE", mode)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "confstr", lambda name: "glibc 2.36", raising=False)
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    return mode


def test_large_pages_are_asked_for(offering):
    assert hugepages.environment() == {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def test_other_tunables_stay(offering, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=1")
    assert hugepages.environment()["GLIBC_TUNABLES"] == "glibc.malloc.check=1:glibc.malloc.hugetlb=1"


def test_what_the_user_decided_stays(offering, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0")
    assert hugepages.environment() == dict(os.environ)


@pytest.mark.parametrize("library", ["glibc 2.34", "musl", "", None])
def test_older_and_other_libraries_are_left_alone(offering, monkeypatch, library):
    monkeypatch.setattr(os, "confstr", lambda name: library)
    assert hugepages.environment() == dict(os.environ)


@pytest.mark.parametrize("text", ["[always] madvise never", "always madvise [never]", None])
def test_nothing_is_asked_for_where_it_changes_nothing(offering, text):
    offering.unlink()
    if text:
        offering.write_text(text)
    assert hugepages.environment() == dict(os.environ)


def test_other_systems_are_left_alone(offering, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert hugepages.environment() == dict(os.environ)


def test_a_program_begins_anew_once_as_the_same_process(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [sys.executable, program, "two words", "--flag"],
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    output, _ = process.communicate("typed")
    assert output == f"{process.pid} glibc.malloc.hugetlb=1 two words --flag typed\n"
