from deepsim_jax import settings
from deepsim_jax.models.singan import pyramid
from deepsim_jax.settings import singan


def test_the_defaults_are_the_published_numbers():
    flat = settings.flatten(settings.default("singan"))
    assert (flat["pyramid.factor"], flat["pyramid.min_size"], flat["pyramid.max_size"]) == (0.75, 25, 250)
    assert (flat["model.filters"], flat["model.most_filters"]) == (32, 128)
    assert (flat["loss.penalty"], flat["loss.reconstruction"], flat["noise.amplitude"]) == (0.1, 10, 0.1)
    assert (flat["optim.g_rate"], flat["optim.b1"], flat["optim.b2"]) == (5e-4, 0.5, 0.999)
    assert flat["optim.g_updates"] == flat["optim.d_updates"] == 3
    assert flat["train.steps"] * flat["train.constant_fraction"] == 1600 and flat["train.drop"] == 0.1


def test_the_ways_to_count_scales_are_the_pyramids():
    assert singan.CHOICES["pyramid.steps"] == pyramid.STEPS


def test_tiny_still_has_several_scales():
    config = settings.default("singan")
    singan.shrink(config)
    assert settings.validate(config).train.steps <= 10
    asked = config.pyramid
    found = pyramid.plan((150, 180), min_size=asked.min_size, max_size=asked.max_size, keep=asked.keep)
    assert len(found.sizes) == 2
