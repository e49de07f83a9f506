"""The verb "train": which config and source it goes on with."""

import shutil

import pytest

from deepsim_jax.commands import train
from deepsim_jax.errors import UserError
from deepsim_jax.systems.contract import Call


def test_a_folder_without_a_run_needs_a_config(tmp_path):
    call = Call("train", "train", tmp_path, {"distributed": False, "extend": False})
    with pytest.raises(UserError, match="--config is needed for a new run"):
        train.run(call)
    assert not list(tmp_path.iterdir())


def test_a_finished_run_goes_on_from_its_folder_alone(trained, call, tmp_path):
    run = shutil.copytree(trained.workdir, tmp_path / "run")
    code, out, err = call(f"--workdir={run}")
    assert code == 0 and out.strip() == str(run / "report.html"), err
