import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.systems.deepsim.networks import GlobalGenerator, LocalEnhancer
from deepsim_jax.weights import convert


def nhwc(array):
    return np.transpose(array, (0, 2, 3, 1))


def generate(network, state_dict, x, **options):
    arch = convert.generator_architecture(state_dict)
    params = convert.generator_params(state_dict, arch)
    sizes = {name: arch[name] for name in network.__dataclass_fields__ if name in arch}
    return jax.jit(network(**sizes, **options).apply)({"params": params}, x)


@pytest.mark.slow
def test_global_generator_equals_the_published_program(networks, train_steps):
    for arrays, image in ((networks, "G_out"), (train_steps, "fake_0")):
        got = generate(GlobalGenerator, arrays["G"], nhwc(arrays["x"]))
        np.testing.assert_allclose(got, nhwc(arrays[image]), atol=1e-4, rtol=0)


def test_local_enhancer_equals_the_published_program(networks):
    got = generate(LocalEnhancer, networks["L"], nhwc(networks["x"]))
    np.testing.assert_allclose(got, nhwc(networks["L_out"]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("network, count", [(GlobalGenerator, 182_443_267), (LocalEnhancer, 730_725_891)])
def test_default_generators_have_the_published_number_of_parameters(network, count):
    x = jax.ShapeDtypeStruct((1, 256, 320, 3), jnp.float32)
    image, variables = jax.eval_shape(network().init_with_output, jax.random.key(0), x)
    assert image.shape == x.shape
    assert sum(leaf.size for leaf in jax.tree.leaves(variables)) == count


@pytest.mark.parametrize("network, multiple", [(GlobalGenerator, 4), (LocalEnhancer, 8)])
def test_sizes_that_do_not_divide_are_refused(network, multiple):
    net = network(filters=2, n_down=2, n_blocks=1)
    good = jnp.zeros((1, 2 * multiple, 3 * multiple, 3))
    assert jax.eval_shape(net.init_with_output, jax.random.key(0), good)[0].shape == good.shape
    bad = jnp.zeros((1, 2 * multiple, 3 * multiple + 2, 3))
    with pytest.raises(UserError, match=rf"{3 * multiple + 2}x{2 * multiple} .*of {multiple};"):
        jax.eval_shape(net.init, jax.random.key(0), bad)


@pytest.mark.slow
def test_bfloat16_generator_returns_a_float32_image_near_the_float32_one(networks):
    narrow = generate(LocalEnhancer, networks["L"], nhwc(networks["x"]), dtype=jnp.bfloat16)
    image = nhwc(networks["L_out"])
    assert narrow.dtype == jnp.float32
    assert 1e-4 < np.abs(narrow - image).max() < 0.1
    assert np.abs(narrow - image).mean() < 0.01
