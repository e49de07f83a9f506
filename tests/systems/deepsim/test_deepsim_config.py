from deepsim_jax import settings
from deepsim_jax.systems.deepsim.config import SCHEMA


def test_tiny_makes_everything_smaller_and_nothing_else():
    config = settings.default("deepsim")
    before = settings.flatten(config)
    SCHEMA.shrink(config)
    after = settings.flatten(settings.validate(config))
    changed = {key for key in before if before[key] != after[key]}
    assert {"data.max_side", "model.filters", "train.steps"} <= changed
    assert not {key for key in changed if key.startswith(("augment", "optim"))}
    assert all(after[key] < before[key] for key in changed - {"data.max_side"})


def test_each_key_of_a_source_names_a_path():
    flat = settings.flatten(settings.default("deepsim"))
    assert all(flat[key] == "" for key in SCHEMA.source_keys)
