"""The scripts of `launch/`, with stand-ins for the commands of clusters."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import deepsim_jax
from deepsim_jax.images import io as images

ROOT = Path(deepsim_jax.__file__).parent.parent
SCRIPTS = sorted((ROOT / "launch").glob("*.sh"))


@pytest.fixture
def start(tmp_path):
    """Runs a script with this Python's environment and programs of one's own before all others."""

    def run(script, *arguments, programs, environment):
        for name, text in programs.items():
            (tmp_path / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
            (tmp_path / name).chmod(0o755)
        return subprocess.run(
            ["bash", str(ROOT / "launch" / script), *arguments],
            text=True,
            capture_output=True,
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", **environment},
        )

    return run


@pytest.fixture
def venv(tmp_path):
    """An environment as `install.sh` makes it, with this Python."""
    folder = tmp_path / "venv" / "bin"
    folder.mkdir(parents=True)
    for name in "python", "deepsim_jax":
        (folder / name).write_text(f'#!/usr/bin/env bash\nexec {sys.executable} "$@"\n')
        (folder / name).chmod(0o755)
    return str(tmp_path / "venv")


@pytest.mark.parametrize("script", [path.name for path in SCRIPTS])
def test_bash_understands_it(script):
    subprocess.run(["bash", "-n", str(ROOT / "launch" / script)], check=True)


@pytest.mark.slow
def test_one_machine_trains_with_what_it_has(tmp_path, scene, start, venv):
    images.write_png(tmp_path / "me.png", scene)
    done = start(
        "gpus.sh",
        "--config=quickstart:tiny",
        f"--workdir={tmp_path / 'run'}",
        f"--config.data.image={tmp_path / 'me.png'}",
        programs={},
        environment={
            "DEEPSIM_VENV": venv,
            "JAX_NUM_CPU_DEVICES": "2",
            "JAX_DEFAULT_MATMUL_PRECISION": "highest",
        },
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "run" / "report.html")
    assert "a batch of 1 runs on 1 of 2 devices" in done.stderr


def test_slurm_starts_the_command_line_as_tasks(tmp_path, start, venv):
    done = start(
        "slurm.sh",
        "--workdir=a run",
        programs={"srun": 'printf "%s\\n" "$@"'},
        environment={"DEEPSIM_VENV": venv, "SLURM_SUBMIT_DIR": str(ROOT)},
    )
    assert done.stdout.splitlines() == [
        "--kill-on-bad-exit=1",
        "python",
        "-m",
        "deepsim_jax.main",
        "--distributed",
        "--workdir=a run",
    ]
    done = start("slurm.sh", programs={}, environment={"SLURM_SUBMIT_DIR": ""})
    assert done.returncode and "start it with sbatch" in done.stderr


@pytest.mark.skipif(not shutil.which("git") or not (ROOT / ".git").exists(), reason="needs a checkout")
def test_a_slice_gets_the_checkout_the_files_and_the_command(tmp_path, start):
    programs = {
        "gcloud": f"""
        case "$*" in
          *" scp "*) cp "${{*: -2:1}}" {tmp_path}/sent.tgz; echo "${{*: -1}}" ;;
          *" ssh "*) printf '%s\\n' "${{*: -1}}" | tail -n 1 | bash ;;
        esac""",
        "python": 'printf "%s\\n" "$@"',
    }
    (tmp_path / "me.jpg").write_bytes(b"photo")
    done = start(
        "tpu_vm.sh",
        "--workdir=a run",
        "--config.data.image=it's.jpg",
        programs=programs,
        environment={"TPU": "slice", "FILES": os.path.relpath(tmp_path / "me.jpg", ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "slice:",
        "-m",
        "deepsim_jax.main",
        "--distributed",
        "--workdir=a run",
        "--config.data.image=it's.jpg",
    ]
    with tarfile.open(tmp_path / "sent.tgz") as sent:
        names = sent.getnames()
    assert {"launch/install.sh", "deepsim_jax/main.py", "configs/paper.py"} < set(names)
    assert any(name.endswith("me.jpg") for name in names) and not any("/runs/" in n for n in names)
    assert "set TPU" in start("tpu_vm.sh", programs={}, environment={"TPU": ""}).stderr
