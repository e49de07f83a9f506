"""Two processes on one machine that train as one, as two hosts would."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.training import devices

STEPS = 30
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith("SLURM_")},
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "JAX_DEFAULT_MATMUL_PRECISION": "highest",
}
SETTINGS = {
    "data.max_side": 32,
    "model.downsamplings": 1,
    "model.blocks": 0,
    "model.d_scales": 1,
    "model.d_layers": 1,
    "loss.perceptual_weight": 0.0,
    "train.batch": 2,
    "train.steps": STEPS,
    "train.save_every": 3,
    "train.log_every": 5,
    "train.preview_every": 15,
}

# The command of a process that gets SIGTERM in its seventh step.
STOPPED = """
import runpy, signal
from deepsim_jax.training import devices

agreed = devices.stop_agreed

def stop_agreed(call, asked):
    if call == 7:
        signal.raise_signal(signal.SIGTERM)
    return agreed(call, asked)

devices.stop_agreed = stop_agreed
runpy.run_module("deepsim_jax.main", run_name="__main__", alter_sys=True)
"""


class Process:
    """One process of the command line, its two streams in files."""

    def __init__(self, folder, name, arguments, environment, program=("-m", "deepsim_jax.main")):
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        command = [
            sys.executable,
            *program,
            "--config=quickstart:tiny",
            f"--workdir={folder / 'run'}",
            f"--config.data.image={folder / 'photo.png'}",
            *(f"--config.{key}={value}" for key, value in SETTINGS.items()),
            *arguments,
        ]
        with open(self.out, "w") as out, open(self.err, "w") as err:
            self._process = subprocess.Popen(
                command, stdout=out, stderr=err, env={**ENVIRONMENT, **environment}
            )
        self.send = self._process.send_signal

    def code(self):
        return self._process.wait(timeout=900)

    def printed(self):
        """Its standard output without the lines of the library that carries the CPU's sums."""
        return [line for line in self.out.read_text().splitlines() if not line.startswith("[Gloo]")]

    def told(self):
        return self.err.read_text()


def pair_of(folder, *, second=(), program=("-m", "deepsim_jax.main")):
    """Two processes that are told of each other; further arguments and the program of the second."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return [
        Process(
            folder,
            f"process{index}",
            ["--distributed", *(second if index else ())],
            {
                "JAX_COORDINATOR_ADDRESS": address,
                "JAX_NUM_PROCESSES": "2",
                "JAX_PROCESS_ID": str(index),
                "JAX_NUM_CPU_DEVICES": "1",
            },
            *([program] if index else ()),
        )
        for index in range(2)
    ]


def wait_for(condition, processes):
    deadline = time.monotonic() + 900
    while not condition():
        assert time.monotonic() < deadline and all(p._process.poll() is None for p in processes)
        time.sleep(0.01)


def rows(folder):
    """The rows of the metrics file that a run without interruption has too."""
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["step"] % 5 == 0]


def files(folder):
    return {
        str(p.relative_to(folder / "run"))
        for p in (folder / "run").rglob("*")
        if p.is_file() and "checkpoints" not in p.parts
    }


@pytest.fixture
def folder(tmp_path, scene):
    images.write_png(tmp_path / "photo.png", scene)
    return tmp_path


@pytest.mark.slow
def test_two_processes_train_as_one_killed_and_stopped_or_not(folder, tmp_path_factory, scene):
    alone = tmp_path_factory.mktemp("alone")
    images.write_png(alone / "photo.png", scene)
    reference = Process(alone, "alone", [], {"JAX_NUM_CPU_DEVICES": "2"})
    assert reference.code() == 0, reference.told()

    killed = pair_of(folder)
    wait_for((folder / "run" / "config.json").exists, killed)
    for process in killed:
        process.send(signal.SIGKILL)
    assert [process.code() for process in killed] == [-signal.SIGKILL] * 2

    stopped = first, second = pair_of(folder, program=("-c", STOPPED))
    assert [process.code() for process in stopped] == [130, 130], first.told() + second.told()
    assert "the same command continues" in first.told()

    finished = first, second = pair_of(folder)
    assert [process.code() for process in finished] == [0, 0], first.told() + second.told()
    assert "continuing from step" in first.told()
    assert first.printed() == [str(folder / "run" / "report.html")] and not second.printed()
    # Where it was stopped there is a picture more.
    assert {name for name in files(folder) ^ files(alone) if not name.startswith("samples")} == set()
    ours, theirs = rows(folder), rows(alone)
    assert [row["step"] for row in ours] == list(range(5, STEPS + 1, 5))
    assert [list(row) for row in ours] == [list(row) for row in theirs]
    np.testing.assert_allclose(
        [list(row.values()) for row in ours], [list(row.values()) for row in theirs], rtol=1e-3
    )


@pytest.mark.parametrize(
    "second, messages",
    [
        (
            "--config.data.image=none.png",
            ("process 1: image none.png: no such file", "image none.png: no such file"),
        ),
        ("--config.seed=7", ("the processes were given different photos, primitives or settings",) * 2),
    ],
)
def test_what_one_process_cannot_do_stops_both_at_once(folder, second, messages):
    processes = pair_of(folder, second=[second])
    for process, message in zip(processes, messages, strict=True):
        assert process.code() == 2
        assert process.told().splitlines()[-1].startswith(f"error: {message}")
    assert not (folder / "run" / "config.json").exists()


@pytest.mark.parametrize(
    "given, message",
    [
        ({"JAX_COORDINATOR_ADDRESS": "here:1"}, "JAX_NUM_PROCESSES is not set, though JAX_COORD"),
        (
            {"JAX_COORDINATOR_ADDRESS": "here:1", "JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "2"},
            "JAX_PROCESS_ID=2, JAX_NUM_PROCESSES=2: whole numbers",
        ),
        ({}, "this process cannot join others .*before any JAX calls.*set JAX_COORDINATOR_ADDRESS"),
    ],
)
def test_what_is_missing_to_join_others_is_told(monkeypatch, given, message):
    devices.is_first()  # JAX is in use from here on
    for name in devices.ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=message):
        devices.join()


def test_a_process_alone_has_nobody_to_agree_with():
    assert devices.gather("here") == ["here"] and devices.is_first()
    assert devices.stop_agreed(3, True) and not devices.stop_agreed(3, False)
    with pytest.raises(UserError, match="^mine$"), devices.together():
        raise UserError("mine")
