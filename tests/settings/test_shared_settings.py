"""The keys that both systems have."""

import pytest

from deepsim_jax import settings
from deepsim_jax.errors import UserError
from deepsim_jax.settings import shared

OWN = {"optim.g_rate", "optim.d_rate", "train.steps", "train.constant_fraction", "train.save_every",
       "model.filters"}


@pytest.mark.parametrize("key", [*shared.RANGES, *shared.CHOICES])
def test_both_systems_have_the_key_and_refuse_the_same_values(key):
    standards = [settings.keys(system)[key] for system in settings.SYSTEMS]
    assert key in OWN or standards[0] == standards[1]
    for system in settings.SYSTEMS:
        with pytest.raises(UserError, match=key):
            settings.unflatten({**settings.keys(system), key: "wrong" if key in shared.CHOICES else -1})


def test_tiny_runs_meet_every_moment_within_a_few_steps():
    for name, steps in (("quickstart:tiny", 6), ("singan_quickstart:tiny", 4)):
        train = settings.load(name).train
        assert train.steps == steps
        assert max(train.log_every, train.save_every, train.preview_every) < steps
