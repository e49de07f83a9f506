"""Trainings that begin with the networks of another one (`train.start_from`)."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepsim_jax
from deepsim_jax import UserError, api, settings
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.training import checkpoint, loop


@pytest.fixture
def run(tmp_path, trained):
    """A copy of the trained run."""
    return shutil.copytree(trained.workdir, tmp_path / "run")


@pytest.mark.slow
def test_a_training_can_begin_with_another_runs_networks(tmp_path, run, scene):
    kept = jax.tree.map(np.asarray, deepsim_jax.load(run)._params)
    old = api.read_config(run)
    judge = loop.restore(
        api.build_run(api.load_source(run), old, run),
        checkpoint.Checkpoints(run / "checkpoints", read_only=True),
        6,
    )
    config = settings.load("quickstart:tiny")
    config.train.start_from, config.seed = str(run), 1
    source = pair.prepare(scene, kind="seg_edges", max_side=64)
    (stage,) = api.build_run(source, config, tmp_path / "new").stages
    begun = stage.begin()
    jax.tree.map(np.testing.assert_array_equal, begun.params["generator"], kept)
    jax.tree.map(np.testing.assert_array_equal, begun.ema["generator"], kept)
    discriminators = begun.params["discriminator"], judge.state.params["discriminator"]
    jax.tree.map(np.testing.assert_array_equal, *discriminators)
    shapes = jax.eval_shape(stage.begin)
    assert jax.tree.map(jnp.shape, begun) == jax.tree.map(lambda leaf: leaf.shape, shapes)

    model = deepsim_jax.train(scene, config=config, workdir=tmp_path / "new")
    shutil.rmtree(run)
    (stage,) = api.build_run(source, config, tmp_path / "new").stages
    assert stage.initial is None, "a run that has begun does not need it any more"
    again = deepsim_jax.train(scene, config=config, workdir=tmp_path / "new")
    np.testing.assert_array_equal(again.edit(again.primitive), model.edit(model.primitive))


def test_a_beginning_that_does_not_fit_is_refused(tmp_path, run, trained_singan, scene):
    source = pair.prepare(scene, kind="seg_edges", max_side=64)
    config = settings.load("quickstart:tiny")
    for chosen, change, message in (
        (
            run,
            {"blocks": 2, "filters": 8},
            "blocks=2, there 1; model.filters=8, there 4.; "
            "set train.start_from= to begin with random ones",
        ),
        (trained_singan.workdir, {}, "a run of DeepSIM is needed"),
        (tmp_path / "none", {}, "none: no run in this folder"),
    ):
        config.train.start_from = str(chosen)
        config.model.update(change)
        with pytest.raises(UserError, match=message):
            api.build_run(source, config, tmp_path / "new")
    shutil.rmtree(run / "checkpoints")
    config = settings.load("quickstart:tiny")
    config.train.start_from = str(run)
    with pytest.raises(UserError, match="no complete checkpoint"):
        api.build_run(source, config, tmp_path / "new")
