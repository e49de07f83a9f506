import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import least
import pytest

import deepsim_jax
from deepsim_jax import api
from deepsim_jax.commands import train_folder as folder
from deepsim_jax.images import io as images

LAUNCH = Path(deepsim_jax.__file__).parent.parent / "launch"
# So long a job may take on a busy machine, s; a hanging one is ended with all that it has started.
LIMIT = 900


@pytest.fixture
def ray_folder(monkeypatch):
    monkeypatch.syspath_prepend(LAUNCH)
    import ray_folder

    return ray_folder


@pytest.fixture
def job(tmp_path, scene):
    """Starts the job on two photos and a broken one: (flags) -> process in a group of its own."""
    pytest.importorskip("ray")
    for name in ("cat.png", "dog.png"):
        images.write_png(tmp_path / "photos" / name, scene if name == "cat.png" else scene[::-1])
    (tmp_path / "photos" / "broken.png").write_bytes(b"no picture")
    keys = {**least.KEYS, "data.kind": "edges", "train.log_every": 1}
    started = []

    def start(*flags):
        started.append(
            subprocess.Popen(
                [
                    sys.executable,
                    LAUNCH / "ray_folder.py",
                    f"--input={tmp_path / 'photos'}",
                    f"--workdir={tmp_path / 'runs'}",
                    "--config=quickstart:tiny",
                    *flags,
                    *(f"--config.{key}={value}" for key, value in keys.items()),
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def rows(tmp_path):
    return json.loads((tmp_path / "runs" / "album.json").read_text())["photos"]


@pytest.mark.slow
def test_two_workers_train_a_folder_on_cores_of_their_own(job, tmp_path):
    text, _ = (process := job("--workers=2", "--threads=1", "--config.train.steps=4")).communicate(
        timeout=LIMIT
    )
    assert process.returncode == 1, text
    found = rows(tmp_path)
    assert {name: row["state"] for name, row in found.items()} == {
        "broken.png": "failed",
        "cat.png": "trained",
        "dog.png": "trained",
    }, text
    assert "failed: broken.png: image" in text and "3 photos: 2 trained, 1 failed" in text
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        cores = [found[name]["cores"] for name in ("cat.png", "dog.png")]
        assert all(len(own) == 1 for own in cores) and cores[0] != cores[1]
        assert all(found[name]["machine"]["cores"] == 1 for name in ("cat.png", "dog.png"))
    # Without Ray the album is the same: what is trained is not trained again.
    summary = folder.train_folder(
        tmp_path / "photos", tmp_path / "runs", api.read_config(tmp_path / "runs" / "cat.png")
    )
    assert summary["counts"] == {"already trained": 2, "failed": 1}


@pytest.mark.slow
def test_ctrl_c_saves_what_is_running(job, tmp_path):
    process = job("--workers=1", "--threads=1", "--config.train.steps=1000000")
    watchdog = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"""
import os, signal, time
time.sleep({LIMIT})
os.killpg({process.pid}, signal.SIGKILL)""",
        ]
    )
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if ": step " in line:
                break
        process.send_signal(signal.SIGINT)
        text = "".join(lines) + process.communicate()[0]
    finally:
        watchdog.kill()
        watchdog.wait()
    assert process.returncode == 130, text
    found = rows(tmp_path)
    assert {name: row["state"] for name, row in found.items()} == {
        "broken.png": "failed",
        "cat.png": "stopped",
        "dog.png": "not begun",
    }, text
    assert 0 < found["cat.png"]["steps"] < 1000000
    assert "the same command continues the album" in text


def test_a_machine_has_room_for_its_cores_and_gpus(ray_folder):
    def node(cpu, gpu=0, alive=True):
        return {"Alive": alive, "Resources": {"CPU": cpu, "memory": 1e9, **({"GPU": gpu} if gpu else {})}}

    cluster = [node(8.0), node(5.0), node(64.0, alive=False), {"Alive": True, "Resources": {}}]
    assert ray_folder.capacity(cluster, 2, False) == 6
    assert ray_folder.capacity(cluster, 8, False) == 1 and ray_folder.capacity(cluster, 9, False) == 0
    assert ray_folder.choose_threads(cluster, False) == 1
    mixed = [node(64.0), node(16.0, 4.0), node(24.0, 2.0)]
    assert ray_folder.choose_threads(mixed, True) == 4
    assert ray_folder.capacity(mixed, 4, True) == 6 and ray_folder.capacity(mixed, 8, True) == 4


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system ties no process to cores")
def test_cores_are_claimed_once_and_let_go(tmp_path):
    code = f"""
import os, sys, tempfile
tempfile.tempdir = {str(tmp_path)!r}
sys.path.insert(0, {str(LAUNCH)!r})
import ray_folder
count = len(os.sched_getaffinity(0))
with ray_folder.own_cores(1) as first:
    assert os.sched_getaffinity(0) == set(first) and len(first) == 1
    assert os.environ["PJRT_NPROC"] == "1"
    with ray_folder.own_cores(1) as second:  # of the one core that this process has now
        assert second == []
with ray_folder.own_cores(1) as third:
    assert third == first
with ray_folder.own_cores(count + 1) as fourth:
    assert fourth == []
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT)


def test_without_ray_the_other_command_is_named(tmp_path, scene):
    images.write_png(tmp_path / "photos" / "cat.png", scene)
    (tmp_path / "ray.py").write_text("raise ImportError('no ray')")
    done = subprocess.run(
        [
            sys.executable,
            LAUNCH / "ray_folder.py",
            f"--input={tmp_path / 'photos'}",
            f"--workdir={tmp_path / 'runs'}",
        ],
        text=True,
        capture_output=True,
        timeout=LIMIT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                [str(tmp_path), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
            ),
        },
    )
    assert done.returncode == 2 and "deepsim_jax train_folder" in done.stderr.splitlines()[-1]


def test_an_address_without_a_ray_is_told_at_once(tmp_path, scene):
    pytest.importorskip("ray")
    images.write_png(tmp_path / "photos" / "cat.png", scene)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"  # bound, but nobody listens
        done = subprocess.run(
            [
                sys.executable,
                LAUNCH / "ray_folder.py",
                f"--input={tmp_path / 'photos'}",
                f"--workdir={tmp_path / 'runs'}",
                f"--address={address}",
            ],
            text=True,
            capture_output=True,
            timeout=LIMIT,
        )
    assert done.returncode == 2 and f"--address={address}: no Ray there" in done.stderr
