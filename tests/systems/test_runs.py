"""Training and loading through the seam, in a thread, with a listener and a stop."""

import threading

import jax
import least
import numpy as np
import pytest

from deepsim_jax import api
from deepsim_jax.systems import runs
from deepsim_jax.training import checkpoint
from deepsim_jax.training.listeners import Listener


class Events(Listener):
    """Collects what it is told."""

    def __init__(self):
        self.advanced, self.saved_steps, self.closed = [], [], False

    def advance(self, step):
        self.advanced.append(step)

    def saved(self, step):
        self.saved_steps.append(step)

    def close(self):
        self.closed = True


def params(workdir):
    return checkpoint.digest(api.load(workdir)._params)


@pytest.mark.slow
def test_a_thread_trains_is_heard_and_stopped_and_the_run_goes_on_bit_for_bit(tmp_path, scene):
    config = least.config(data__kind="edges", train__log_every=1)
    events, models = Events(), []
    source = api.read_source(config, scene)

    def work():
        models.append(
            api.train_source(
                source,
                config,
                tmp_path / "stopped",
                listener=events,
                stop=lambda: len(events.advanced) >= 3,
            )
        )

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert events.advanced == [1, 2, 3] and events.saved_steps[-1] == 3 and events.closed
    assert not models[0].finished and models[0].step == 3
    api.train_source(source, config, tmp_path / "stopped")
    api.train_source(source, config, tmp_path / "whole")
    assert params(tmp_path / "stopped") == params(tmp_path / "whole")


def test_a_model_is_loaded_as_it_was_trained(trained):
    from deepsim_jax.systems.deepsim.training import TRAINING

    again = runs.load(TRAINING, trained.workdir)
    assert again.finished and again.step == trained.step
    jax.tree.map(np.testing.assert_array_equal, again._params, trained._params)
