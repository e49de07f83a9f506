import pytest

from deepsim_jax import settings
from deepsim_jax.systems.singan import pyramid
from deepsim_jax.systems.singan.config import SCHEMA


def test_the_defaults_are_the_published_numbers():
    flat = settings.flatten(settings.default("singan"))
    assert (flat["pyramid.factor"], flat["pyramid.min_size"], flat["pyramid.max_size"]) == (0.75, 25, 250)
    assert (flat["model.filters"], flat["model.most_filters"]) == (32, 128)
    assert (flat["loss.penalty"], flat["loss.reconstruction"], flat["noise.amplitude"]) == (0.1, 10, 0.1)
    assert (flat["optim.g_rate"], flat["optim.b1"], flat["optim.b2"]) == (5e-4, 0.5, 0.999)
    assert flat["optim.g_updates"] == flat["optim.d_updates"] == 3
    assert flat["train.steps"] * flat["train.constant_fraction"] == 1600 and flat["train.drop"] == 0.1


def test_the_ways_to_count_and_to_round_scales_are_the_pyramids():
    assert SCHEMA.keys["pyramid.steps"].choices == pyramid.STEPS
    assert SCHEMA.keys["pyramid.compat"].choices == pyramid.COMPAT


@pytest.mark.parametrize("name", [name for name in settings.shipped_configs() if "singan" in name])
def test_z_is_drawn_in_each_iteration_but_for_the_papers(name):
    assert settings.load(name).noise.compat == "code"
    assert settings.load("singan_paper:paper").noise.compat == "paper"


def test_a_config_from_before_a_key_was_there_means_what_it_meant():
    flat = settings.flatten(settings.default("singan")) | {"noise.compat": "paper"}
    del flat["pyramid.compat"]
    old = settings.unflatten(flat)
    assert (old.noise.compat, old.pyramid.compat) == ("paper", "paper")


def test_tiny_still_has_several_scales():
    config = settings.default("singan")
    SCHEMA.shrink(config)
    assert settings.validate(config).train.steps <= 10
    asked = config.pyramid
    found = pyramid.plan((150, 180), min_size=asked.min_size, max_size=asked.max_size, keep=asked.keep)
    assert len(found.sizes) == 2
