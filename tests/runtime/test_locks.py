import errno
import signal
import subprocess
import sys
import threading

import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.runtime import locks

HOLDER = """
import pathlib, signal, sys
from deepsim_jax.runtime import locks
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its background programs ignore it
with locks.held(pathlib.Path(sys.argv[1]), doing="trains"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds tmp_path / "run"."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_another_process_is_refused_until_the_first_ends_however(tmp_path, holder, end):
    for _ in range(2):
        with (
            pytest.raises(UserError, match=f"run: another process .*{holder.pid}.* trains here; wait"),
            locks.held(tmp_path / "run", doing="trains"),
        ):
            pass
    with locks.held(tmp_path / "other", doing="trains"):
        pass
    holder.send_signal(end)
    holder.wait()
    with locks.held(tmp_path / "run", doing="trains"):
        assert (tmp_path / "run" / locks.NAME).is_file()
    assert not (tmp_path / "run" / locks.NAME).exists()


def test_threads_and_the_same_one_are_refused(tmp_path):
    said = []

    def second():
        try:
            with locks.held(tmp_path, doing="trains"):
                said.append("held")
        except UserError as error:
            said.append(str(error))

    with locks.held(tmp_path, doing="makes a table"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        second()
    second()
    assert len(said) == 3 and "makes a table here" in said[0] and said[0] == said[1]
    assert said[2] == "held"


def test_it_is_open_again_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), locks.held(tmp_path / "a" / "b", doing="trains"):
            raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []  # folders that stay empty are not left behind


def test_only_one_of_many_that_come_at_once_holds_it(tmp_path):
    holding, most, failed = 0, 0, 0
    gate, guard = threading.Barrier(8), threading.Lock()

    def work():
        nonlocal holding, most, failed
        gate.wait()
        for _ in range(40):
            try:
                with locks.held(tmp_path, doing="trains"):
                    with guard:
                        holding += 1
                        most = max(most, holding)
                    with guard:
                        holding -= 1
            except UserError:
                with guard:
                    failed += 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and failed < 320 and holding == 0


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch, caplog):
    def refuse(file):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(locks, "_lock", refuse)
    with locks.held(tmp_path, doing="trains"):
        pass
    (record,) = caplog.records
    assert record.levelname == "WARNING" and "has no locks (Function not implemented)" in record.message


def test_a_folder_that_cannot_be_written_to_is_held_by_nobody(tmp_path, monkeypatch):
    def refused(*_):  # as root may write anywhere, the system's answer is given here
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(locks, "_open", refused)
    with locks.held(tmp_path, doing="trains"), locks.held(tmp_path, doing="trains"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(locks, "_open", full)
    with (
        pytest.raises(UserError, match="cannot be locked .No space"),
        locks.held(tmp_path, doing="trains"),
    ):
        pass


def test_a_file_in_the_way_of_the_folder_is_left_to_who_writes(tmp_path):
    (tmp_path / "file").write_text("")
    with locks.held(tmp_path / "file" / "run", doing="trains"):
        pass
    assert (tmp_path / "file").read_text() == ""
