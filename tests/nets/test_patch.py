import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.nets.patch import MultiscaleDiscriminator
from deepsim_jax.weights import convert


@pytest.fixture
def published(networks):
    """The published program's tiny discriminator: its inputs and features, network, weights."""
    arch = convert.discriminator_architecture(networks["D"])
    params = convert.discriminator_params(networks["D"], arch)
    return networks, MultiscaleDiscriminator(**arch), params


def nhwc(array):
    return np.transpose(array, (0, 2, 3, 1))


@pytest.mark.parametrize("kind, image", [("real", "y"), ("fake", "G_out")])
def test_features_equal_the_published_programs(published, kind, image):
    arrays, net, params = published
    x = jnp.concatenate([nhwc(arrays["x"]), nhwc(arrays[image])], -1)
    for i, scale in enumerate(jax.jit(net.apply)({"params": params}, x)):
        assert len(scale) == 5
        for j, feature in enumerate(scale):
            expected = nhwc(arrays[f"D_{kind}_{i}_{j}"])
            np.testing.assert_allclose(feature, expected, atol=1e-4, rtol=0)


def test_default_network_has_the_published_sizes():
    net = MultiscaleDiscriminator()
    x = jax.ShapeDtypeStruct((1, 256, 256, 6), jnp.float32)
    scales, variables = jax.eval_shape(net.init_with_output, jax.random.key(0), x)
    assert [[f.shape[1] for f in scale] for scale in scales] == [
        [129, 65, 33, 34, 35],
        [65, 33, 17, 18, 19],
    ]
    assert [f.shape[-1] for f in scales[0]] == [64, 128, 256, 512, 1]
    assert sum(leaf.size for leaf in jax.tree.leaves(variables)) == 5_535_618


def test_widths_stop_at_512():
    net = MultiscaleDiscriminator(filters=64, n_layers=5, n_scales=1)
    x = jax.ShapeDtypeStruct((1, 64, 64, 6), jnp.float32)
    (features,), _ = jax.eval_shape(net.init_with_output, jax.random.key(0), x)
    assert [f.shape[-1] for f in features] == [64, 128, 256, 512, 512, 512, 1]


def test_samples_of_a_batch_do_not_interact(published):
    arrays, net, params = published
    pairs = [jnp.concatenate([nhwc(arrays["x"]), nhwc(arrays[y])], -1) for y in ("y", "G_out")]
    together = jax.jit(net.apply)({"params": params}, jnp.concatenate(pairs))
    for i, scale in enumerate(together):
        for j, feature in enumerate(scale):
            np.testing.assert_allclose(feature[:1], nhwc(arrays[f"D_real_{i}_{j}"]), atol=1e-4)
            np.testing.assert_allclose(feature[1:], nhwc(arrays[f"D_fake_{i}_{j}"]), atol=1e-4)


def test_bfloat16_features_stay_near_float32(published):
    arrays, net, params = published
    x = jnp.concatenate([nhwc(arrays["x"]), nhwc(arrays["y"])], -1)
    narrow = jax.jit(net.clone(dtype=jnp.bfloat16).apply)({"params": params}, x)
    for i, scale in enumerate(narrow):
        for j, feature in enumerate(scale):
            assert feature.dtype == jnp.bfloat16
            error = np.abs(np.float32(feature) - nhwc(arrays[f"D_real_{i}_{j}"])).mean()
            assert 0 < error < 0.02
