"""The registration by a spline."""

import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.systems.deepsim.copying import channels, spline, trial


def test_the_stiffer_the_less_a_spline_bends(drawing, far_field):
    drawn, spec = drawing("seg")
    parts = channels.take_apart(drawn, spec)
    views = channels.Channels(parts, spec)
    planes = [views.draw(p).planes for p in (trial.warp(parts, far_field), parts)]
    soft, stiff, rigid = (
        np.abs(
            np.gradient(spline.register(*planes, stiffness) - fields.identity(96, 128), axis=(0, 1))
        ).mean()
        for stiffness in (1.0, 30.0, 1e6)
    )
    assert soft > stiff > rigid and rigid < 1e-3
    assert np.array_equal(spline.register(planes[1], planes[1], 3.0), fields.identity(96, 128))


def test_products_of_splines_are_summed_over_the_pixels():
    model = spline._model(24, 32)
    values = np.einsum("ya,xb->yxab", model.down, model.across).reshape(24 * 32, -1)
    weight = np.random.default_rng(0).uniform(size=(24, 32))
    expected = values.T @ (weight.reshape(-1, 1) * values)
    np.testing.assert_allclose(model.squared(weight), expected, atol=1e-9)
