"""Runs killed with SIGKILL at awkward moments and continued, against runs that never were."""

import json
import os
import signal
import subprocess
import sys

import jax
import numpy as np
import pytest

import deepsim_jax
from deepsim_jax import api, settings
from deepsim_jax.training import checkpoint
from deepsim_jax.training import run_folder as rundir
from deepsim_jax.training import state as states

pytestmark = pytest.mark.slow  # several processes train for each

# Sends itself a signal at a moment: as soon as that has come and Python touches a file or folder.
SIGNAL = """
import os, pathlib, sys

run, moment, number = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def listen(event, _):
    global number
    if number and event.startswith(("open", "os.")):
        waiting, number = number, 0  # what is done here touches folders, too
        try:
            has_come = any(run.glob(moment))
        except OSError:  # a folder was removed meanwhile
            has_come = False
        if has_come:
            os.kill(os.getpid(), waiting)
        else:
            number = waiting

sys.addaudithook(listen)
"""

PROGRAM = """
import sys, numpy as np, deepsim_jax
from deepsim_jax import settings
config = settings.load("quickstart:tiny")
with config.unlocked():
    config.update({
        "model": {"blocks": 0, "downsamplings": 1, "d_scales": 1, "d_layers": 1},
        "loss": {"perceptual": "none"},
        "train": {
            "steps": 11, "coarse_steps": 4, "save_every": 4, "log_every": 3, "ema": 0.9}})
photo = np.random.default_rng(0).integers(0, 255, (6, 5, 3)).repeat(8, 0).repeat(8, 1)
deepsim_jax.train(photo.astype("uint8"), config=config, workdir=sys.argv[1])
"""

MOMENTS = {
    "as the folder is made": rundir.STARTING,
    "in the first save": "checkpoints/0*",
    "in a save between two stages": "checkpoints/4*",
    "off the logging grid": "checkpoints/8",
}
"""What there is in the folder of the run then."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    cache = tmp_path_factory.mktemp("compiled")
    return {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, environment):
    run = tmp_path_factory.mktemp("undisturbed")
    subprocess.run([sys.executable, "-c", PROGRAM, str(run)], env=environment, check=True)
    return run


def interrupt(program, run, environment, moment, number=signal.SIGKILL):
    """Starts the program, which gets the signal at the moment."""
    words = [sys.executable, "-c", SIGNAL + program, str(run), moment, str(int(number))]
    return subprocess.run(words, env=environment, stderr=subprocess.PIPE, text=True, timeout=1800)


def final_trees(run):
    saver = checkpoint.Checkpoints(run / "checkpoints", read_only=True)
    config = api.read_config(run)
    source = api.load_source(run)
    abstract = jax.eval_shape(api.build_run(source, config, run).stages[0].begin)
    return saver.restore(saver.latest(), states.to_trees(abstract))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_continues_bit_for_bit(tmp_path, environment, undisturbed, moment):
    run = tmp_path / "run"
    killed = interrupt(PROGRAM, run, environment, MOMENTS[moment])
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if rundir.is_run(run):
        assert deepsim_jax.load(run).step in (0, 4, 8, 11)
    else:
        with pytest.raises(deepsim_jax.UserError, match="before it began|no run"):
            deepsim_jax.load(run)
    subprocess.run([sys.executable, "-c", PROGRAM, str(run)], env=environment, check=True)

    ours, theirs = final_trees(run), final_trees(undisturbed)
    assert int(ours["training"]["step"]) == 11 - 4  # counted within the second stage
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)
    rows, expected = ((r / "metrics.jsonl").read_text() for r in (run, undisturbed))
    assert rows == expected
    assert [json.loads(row)["step"] for row in rows.splitlines()] == [3, 4, 6, 9, 11]


def test_ctrl_c_saves_and_says_how_to_continue(tmp_path, environment, undisturbed):
    run = tmp_path / "run"
    stopped = interrupt(PROGRAM, run, environment, "checkpoints/4", signal.SIGINT)
    assert stopped.returncode == 0 and "the same command continues" in stopped.stderr
    assert 4 <= deepsim_jax.load(run).step < 11
    subprocess.run([sys.executable, "-c", PROGRAM, str(run)], env=environment, check=True)
    jax.tree.map(np.testing.assert_array_equal, final_trees(run), final_trees(undisturbed))


def test_settings_survive_the_folder(undisturbed):
    config = api.read_config(undisturbed)
    assert config.train.steps == 11 and config.train.ema == 0.9
    assert settings.unflatten(settings.flatten(config)).to_dict() == config.to_dict()


SINGAN_PROGRAM = """
import sys, numpy as np, deepsim_jax
from deepsim_jax import settings
config = settings.load("singan_quickstart:tiny")
with config.unlocked():
    config.update({"train": {"steps": 5, "save_every": 3, "log_every": 2}})
photo = np.random.default_rng(0).integers(0, 255, (6, 5, 3)).repeat(4, 0).repeat(4, 1)
deepsim_jax.train(photo.astype("uint8"), config=config, workdir=sys.argv[1])
"""

# Scale 0 has the steps 1 to 5, scale 1 the steps 6 to 10; saved are every third step and both ends.
SINGAN_MOMENTS = {"within the first scale": 3, "at the scale's end": 5, "within the second scale": 6}


@pytest.fixture(scope="module")
def undisturbed_singan(tmp_path_factory, environment):
    run = tmp_path_factory.mktemp("undisturbed_singan")
    subprocess.run([sys.executable, "-c", SINGAN_PROGRAM, str(run)], env=environment, check=True)
    return run


@pytest.mark.parametrize("moment", SINGAN_MOMENTS)
def test_a_killed_pyramid_continues_bit_for_bit(tmp_path, environment, undisturbed_singan, moment):
    run, saved = tmp_path / "run", SINGAN_MOMENTS[moment]
    killed = interrupt(SINGAN_PROGRAM, run, environment, f"checkpoints/{saved}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    half = checkpoint.Checkpoints(run / "checkpoints", read_only=True)
    assert saved <= half.latest() < 10

    subprocess.run([sys.executable, "-c", SINGAN_PROGRAM, str(run)], env=environment, check=True)
    ours, theirs = deepsim_jax.load(run), deepsim_jax.load(undisturbed_singan)
    assert (ours.step, ours.scales, ours.finished) == (10, 2, True)
    jax.tree.map(np.testing.assert_array_equal, ours.learned, theirs.learned)
    assert (run / "metrics.jsonl").read_text() == (undisturbed_singan / "metrics.jsonl").read_text()
