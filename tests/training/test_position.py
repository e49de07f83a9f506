"""Places in a run of several stages, and checkpoints of earlier versions."""

import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from toys import alternating_run, joint_run, same, saved, train

from deepsim_jax.training import checkpoint, position
from deepsim_jax.training import state as states

FIXTURES = Path(__file__).parent.parent / "fixtures"


def test_places_are_restored_and_know_what_is_complete(tmp_path):
    whole = train(alternating_run(tmp_path, ema=0.5))
    saver = checkpoint.Checkpoints(whole.run.checkpoint_folder, read_only=True)
    for step, index, complete in [
        (0, 0, 1),
        (4, 0, 1),
        (5, 0, 1),
        (6, 1, 1),
        (10, 1, 2),
        (14, 2, 2),
        (15, 2, 3),
    ]:
        place = position.restore(whole.run, saver, step)
        assert (place.step, place.index) == (step, index)
        assert len(place.complete.generators) == complete and len(place.trained.generators) == index + 1
        assert int(place.state.step) == step - 5 * index


@pytest.fixture
def old(tmp_path):
    """Folders of two runs as commit 05ac2a5 left them when they were stopped."""
    with zipfile.ZipFile(FIXTURES / "toy_checkpoints.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_a_checkpoint_of_two_networks_is_read_as_it_was_written(old):
    run = joint_run(old / "joint", ema=0.5)
    place = position.restore(run, checkpoint.Checkpoints(run.checkpoint_folder, read_only=True), 5)
    state = place.state
    assert (place.step, place.index, int(state.step), place.previous) == (5, 0, 5, None)
    g_moments, d_moments = (state.opt_state[name] for name in ("generator", "discriminator"))
    assert int(g_moments.count) == int(d_moments.count) == 5
    for found, written in [
        (state.params["generator"]["a"], [0.4686100482940674] * 3),
        (state.params["discriminator"]["b"], [0.580420732498169] * 2),
        (state.ema["generator"]["a"], [0.4251331686973572] * 3),
        (g_moments.mu["a"], [-1.345421552658081] * 3),
        (g_moments.nu["a"], [0.013298631645739079] * 3),
        (d_moments.mu["b"], [0.7829053401947021] * 2),
        (d_moments.nu["b"], [0.00898433942347765] * 2),
    ]:
        np.testing.assert_array_equal(found, np.float32(written))
    end = train(run)
    assert end.finished and saved(run) == [8, 9]
    np.testing.assert_allclose(end.state.params["generator"]["a"], [0.7416125535964966] * 3, rtol=1e-6)
    np.testing.assert_allclose(end.state.ema["generator"]["a"], [0.685210645198822] * 3, rtol=1e-6)


def test_a_checkpoint_within_a_later_stage_is_read_as_it_was_written(old):
    run = alternating_run(old / "alternating", ema=0.5)
    place = position.restore(run, checkpoint.Checkpoints(run.checkpoint_folder, read_only=True), 8)
    state = place.state
    assert (place.step, place.index, int(state.step)) == (8, 1, 3)
    counts = {name: int(moments.count) for name, moments in state.opt_state.items()}
    assert counts == {"generator": 6, "discriminator": 3}
    for found, written in [
        (place.previous.generators[0], [-0.023256253451108932, -0.0009271986200474203]),
        (state.params["generator"], [-0.10825115442276001, -0.5153104662895203, 0.5146137475967407]),
        (state.params["discriminator"], -0.26303499937057495),
        (state.ema["generator"], [-0.1630648672580719, -0.5712779760360718, 0.46391189098358154]),
        (state.carried["drawn"], 0.3232201039791107),
        (state.opt_state["discriminator"].nu, 0.053508251905441284),
    ]:
        np.testing.assert_array_equal(found, np.float32(written))
    end = train(run)
    assert end.finished
    np.testing.assert_allclose(
        end.state.params["generator"],
        [1.925258994102478, 0.6375798583030701, 1.429783582687378, 0.9680016040802002],
        rtol=1e-5,
    )


def test_what_is_saved_has_the_names_that_it_always_had(tmp_path):
    run = joint_run(tmp_path, ema=0.5)
    trees = states.to_trees(train(run).state)
    assert sorted(trees) == ["ema", "generator", "training"]
    assert sorted(trees["training"]) == ["discriminator", "discriminator_opt", "generator_opt", "step"]
    assert {p.name for p in (tmp_path / "checkpoints" / "9").iterdir() if p.is_dir()} == {
        "digests",
        *trees,
    }


@pytest.mark.parametrize("averaged", [(), ("generator",), ("encoder",), ("encoder", "generator")])
def test_three_networks_are_saved_and_restored_by_name(tmp_path, averaged):
    params = {"generator": {"a": jnp.ones(2)}, "discriminator": jnp.zeros(3), "encoder": jnp.arange(4.0)}
    state = states.create(params, optax.scale_by_adam(), averaged=averaged, carried=jnp.ones(1))
    saver = checkpoint.Checkpoints(tmp_path)
    trees = states.to_trees(state, {"exported": jnp.ones(5)})
    saver.save(3, trees)
    restored, previous = states.from_trees(saver.restore(3, jax.eval_shape(lambda: trees)))
    same((restored, previous), (state, {"exported": jnp.ones(5)}))
