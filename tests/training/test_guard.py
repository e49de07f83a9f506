"""Runs that go wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from toys import joint_run, saved, train

from deepsim_jax.training import checkpoint, guard
from deepsim_jax.training import state as states


@pytest.mark.parametrize(
    "log, what", [(1, "^g not finite at step 6"), (50, "^a parameter is not finite at step 8")]
)
def test_a_loss_that_is_not_finite_stops_with_advice_and_the_last_good_state(tmp_path, log, what):
    task = toys.Pull(spoil=lambda a: jnp.where(a[0] > 0.45, jnp.nan, 0.0) * a[0])
    run = joint_run(tmp_path, task, log=log, total=20)
    with pytest.raises(
        guard.Diverged,
        match=f"{what}; the last good checkpoint is step 4; train in "
        "a new folder with smaller optim.g_rate",
    ) as found:
        train(run)
    assert "\n" not in str(found.value) and saved(run) == [0, 4]
    kept = checkpoint.Checkpoints(run.checkpoint_folder, read_only=True).restore(
        4, states.to_trees(jax.eval_shape(run.stages[0].begin))
    )
    assert np.isfinite(kept["generator"]["a"]).all()


def test_a_parameter_that_is_not_finite_is_never_saved(tmp_path):
    # The loss is finite, its gradient is not.
    task = toys.Pull(spoil=lambda a: jnp.sum(jnp.sqrt(jnp.abs(a - a))))
    with pytest.raises(guard.Diverged, match="a parameter is not finite at step 1"):
        train(joint_run(tmp_path, task, save=1, log=50))
    assert saved(joint_run(tmp_path)) == [0]


@pytest.mark.parametrize(
    "total, stops", [(guard.COLLAPSED_LOGS - 1, False), (guard.COLLAPSED_LOGS + 3, True)]
)
def test_flat_pictures_stop_a_run_after_a_while(tmp_path, total, stops):
    run = joint_run(tmp_path, toys.Pull(contrast=0.001), total=total, log=1, save=50)
    if not stops:
        assert train(run).finished
        return
    with pytest.raises(guard.Diverged, match="flat pictures since 10 logs, now at step 10"):
        train(run)
