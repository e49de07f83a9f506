"""The keys that both systems have."""

import pytest

from deepsim_jax import registry, settings
from deepsim_jax.config import shared
from deepsim_jax.errors import UserError

OWN = {
    "optim.g_rate",
    "optim.d_rate",
    "train.steps",
    "train.constant_fraction",
    "train.save_every",
}


SHARED = {
    **shared.optim(1e-3),
    **shared.train(9, about="updates", constant_fraction=0.5, falls="fall", save_every=9),
}


@pytest.mark.parametrize("key", [name for name, key in SHARED.items() if type(key.default) is not bool])
def test_both_systems_have_the_key_and_refuse_the_same_values(key):
    schemas = [system.schema for system in registry.systems()]
    standards = [schema.flat()[key] for schema in schemas]
    assert key in OWN or standards[0] == standards[1]
    for schema in schemas:
        with pytest.raises(UserError, match=key):
            settings.unflatten({**schema.flat(), key: "wrong" if SHARED[key].choices else -1})


def test_tiny_runs_meet_every_moment_within_a_few_steps():
    for name, steps in (("quickstart:tiny", 6), ("singan_quickstart:tiny", 4)):
        train = settings.load(name).train
        assert train.steps == steps
        assert max(train.log_every, train.save_every, train.preview_every) < steps
