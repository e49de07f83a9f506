"""iGAN's keys."""

import pytest

from deepsim_jax import settings
from deepsim_jax.errors import UserError
from deepsim_jax.systems.igan import build, config


def changed(**keys):
    made = settings.default("igan")
    for name, value in keys.items():
        section, _, own = name.partition("__")
        made[section][own] = value
    return settings.validate(made)


def test_the_defaults_are_the_published_ones():
    assert settings.flatten(settings.load("igan_paper")) == settings.flatten(settings.default("igan"))
    sizes = build.sizes(settings.load("igan_paper"))
    assert settings.load("igan_paper").train.measure_every, "a collapse must be noticed"
    assert (sizes.size, sizes.latent, sizes.kernel, sizes.d_norm) == (64, 100, "5x5", "batch")


@pytest.mark.parametrize("name", ["igan_quickstart", "igan_fast", "igan_paper"])
def test_shipped_configs_can_be_shrunk(name):
    made = settings.load(f"{name}:tiny")
    assert made.data.size == 16 and made.train.steps == made.encoder.steps == 4
    assert build.total_steps(made, None) == 8


def test_sizes_are_powers_of_two():
    with pytest.raises(UserError, match="data.size=48: it must be a power of two"):
        changed(data__size=48)


def test_labels_in_words():
    assert config.classes(changed(data__classes=" 5, 7,9")) == (5, 7, 9)
    assert config.classes(changed()) == ()
    with pytest.raises(UserError, match="data.classes='shoes': labels with commas"):
        changed(data__classes="shoes")
