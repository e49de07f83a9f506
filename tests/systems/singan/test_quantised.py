import types

import jax
import numpy as np
import pytest

from deepsim_jax import settings
from deepsim_jax.errors import UserError
from deepsim_jax.runtime import locks
from deepsim_jax.systems.singan import applications, build, quantised
from deepsim_jax.systems.singan import source as photo
from deepsim_jax.training import loop

PICTURE = np.random.default_rng(0).integers(0, 256, (22, 28, 3), np.uint8)


@pytest.fixture
def whole(tmp_path, untrained_pyramid):
    """A run of the photo of noise, whose stages are those of the untrained pyramid."""
    config = settings.default("singan")
    config.pyramid.min_size, config.pyramid.steps, config.model.filters = 12, "nearest", 4
    config.optim.g_updates = config.optim.d_updates = 1
    config.train.steps = config.train.preview_every = 2
    return build.build_run(photo.Photo(PICTURE), config, tmp_path)


def test_a_retrained_scale_is_held_and_an_unfinished_runs_is_its_own(
    whole, untrained_pyramid, monkeypatch
):
    folders = []

    def train(run, begun):
        with pytest.raises(locks.Held), locks.held(run.workdir, doing="trains"):
            pass
        folders.append(run.workdir.name)
        return types.SimpleNamespace(finished=False, step=0, run=run)

    monkeypatch.setattr(quantised.foreground, "train", train)
    for step in (None, 5):
        with pytest.raises(UserError, match="stopped at step 0 of 2"):
            quantised.retrained(untrained_pyramid(), PICTURE, whole, 1, colors=3, unfinished_at=step)
    assert folders == ["scale-1-colors-3", "scale-1-colors-3-step-5"]


@pytest.mark.slow
def test_one_scale_is_trained_again_once(tmp_path, whole, untrained_pyramid, monkeypatch):
    learned, picture = untrained_pyramid(), PICTURE
    assert whole.stages[1].task.pyramid == learned.pyramid
    mixed, centres = quantised.retrained(learned, picture, whole, 1, colors=3)
    assert centres.shape == (3, 3) and mixed.scales == 3
    same = [
        jax.tree.all(jax.tree.map(lambda a, b: bool((np.asarray(a) == b).all()), old, new))
        for old, new in zip(learned.generators, mixed.generators, strict=True)
    ]
    assert same == [True, False, True] and mixed.amplitudes[1] != learned.amplitudes[1]
    folder = tmp_path / "quantised" / "scale-1-colors-3"
    assert (folder / "samples" / "000002.png").is_file() and not (tmp_path / "checkpoints").exists()

    def no_step(*_):
        raise AssertionError("trained twice")

    monkeypatch.setattr(loop.devices.Compiled, "__call__", no_step)
    again, found = quantised.retrained(learned, picture, whole, 1, colors=3)
    jax.tree.map(np.testing.assert_array_equal, again, mixed)
    np.testing.assert_array_equal(found, centres)
    assert applications.paint(again, picture, 2, centres=centres).shape == (2, 22, 28, 3)
    with pytest.raises(UserError, match="start scale 0: allowed are 1"):
        quantised.retrained(learned, picture, whole, 0)
