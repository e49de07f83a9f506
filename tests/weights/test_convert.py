import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.nets.patch import MultiscaleDiscriminator
from deepsim_jax.systems.deepsim.networks import GlobalGenerator, LocalEnhancer
from deepsim_jax.weights import convert

ARCHITECTURES = [
    {"kind": "global", "filters": 4, "n_down": 3, "n_blocks": 3, "n_blocks_local": 0},
    {"kind": "global", "filters": 3, "n_down": 1, "n_blocks": 0, "n_blocks_local": 0},
    {"kind": "local", "filters": 2, "n_down": 2, "n_blocks": 1, "n_blocks_local": 3},
    {"kind": "local", "filters": 2, "n_down": 1, "n_blocks": 2, "n_blocks_local": 0},
]


def shapes(tree):
    return jax.tree.map(lambda leaf: leaf.shape, tree)


def random_like(net, channels):
    """Parameters of a network's own shapes with random numbers in every leaf."""
    x = jax.ShapeDtypeStruct((1, 16, 16, channels), jnp.float32)
    params = jax.eval_shape(net.init, jax.random.key(0), x)["params"]
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), params)


def random_generator(arch):
    sizes = {name: value for name, value in arch.items() if name != "kind"}
    if arch["kind"] == "local":
        return random_like(LocalEnhancer(**sizes), 3)
    assert sizes.pop("n_blocks_local") == 0
    return random_like(GlobalGenerator(**sizes), 3)


def random_state_dict(arch):
    return convert.generator_state_dict(random_generator(arch), arch)


def test_published_generator_is_recognised_and_converted(train_steps):
    state = train_steps["G"]
    arch = convert.generator_architecture(state)
    assert arch == ARCHITECTURES[0]
    params = convert.generator_params(state, arch)
    assert shapes(params) == shapes(random_generator(arch))
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype(np.float32)}
    back = convert.generator_state_dict(params, arch)
    assert back.keys() == state.keys()
    for name, value in back.items():
        np.testing.assert_array_equal(value, state[name])


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_generators_survive_the_way_to_pytorch_and_back(arch):
    params = random_generator(arch)
    state = convert.generator_state_dict(params, arch)
    assert convert.generator_architecture(state) == arch
    assert len(state) == len(jax.tree.leaves(params))
    jax.tree.map(np.testing.assert_array_equal, convert.generator_params(state, arch), params)


@pytest.mark.parametrize(
    "arch",
    [
        {"filters": 4, "n_layers": 3, "n_scales": 2},
        {"filters": 2, "n_layers": 1, "n_scales": 3},
        {"filters": 256, "n_layers": 2, "n_scales": 1},
    ],
)
def test_discriminators_survive_the_way_to_pytorch_and_back(arch):
    params = random_like(MultiscaleDiscriminator(**arch), 6)
    state = convert.discriminator_state_dict(params, arch)
    assert convert.discriminator_architecture(state) == arch
    jax.tree.map(np.testing.assert_array_equal, convert.discriminator_params(state, arch), params)


def test_full_resolution_comes_first_for_us_and_last_for_pytorch(train_steps):
    state = train_steps["D"]
    arch = convert.discriminator_architecture(state)
    params = convert.discriminator_params(state, arch)
    np.testing.assert_array_equal(params["scale_0"]["layer_0"]["bias"], state["scale1_layer0.0.bias"])


def test_layouts_are_those_of_the_two_libraries():
    arch = ARCHITECTURES[2]
    state = random_state_dict(arch)
    params = convert.generator_params(state, arch)
    plain, transposed = state["model1_1.4.weight"], state["model1_2.3.weight"]
    assert (plain.shape, transposed.shape) == ((4, 2, 3, 3), (4, 2, 3, 3))
    assert params["down"]["kernel"][0, 2, 1, 3] == plain[3, 1, 0, 2]
    assert params["up"]["kernel"][0, 1, 3, 1] == transposed[3, 1, 2, 1]


def test_half_precision_checkpoints_become_float32():
    arch = ARCHITECTURES[1]
    state = {name: value.astype(np.float16) for name, value in random_state_dict(arch).items()}
    params = convert.generator_params(state, convert.generator_architecture(state))
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype(np.float32)}


def damaged(change):
    state = random_state_dict(ARCHITECTURES[0])
    change(state)
    return state


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.clear(), "no weights: not a DeepSIM generator"),
        (lambda s: s.pop("model.1.weight"), "has no model.1.weight"),
        (lambda s: s.pop("model.7.bias"), "has no model.7.bias"),
        (lambda s: s.pop("model.26.weight"), "DeepSIM generator"),
        (lambda s: s.pop("model.14.conv_block.5.weight"), "has no model.14.conv_block.5.weight"),
        (lambda s: s.update({"model2_1.1.weight": np.zeros(3)}), "has no such weight"),
        (lambda s: s.update({"model.1.weight": np.zeros(3)}), "not a DeepSIM generator"),
        (
            lambda s: s.update({"model.1.weight": np.zeros((4, 36, 7, 7), np.float32)}),
            r"model.1.weight of shape \(4, 36, 7, 7\).*\(4, 3, 7, 7\)",
        ),
        (
            lambda s: s.update({"model.26.bias": np.float32([0, np.nan, 0])}),
            "model.26.bias: holds values that are not finite",
        ),
    ],
)
def test_weights_of_something_else_are_refused_by_name(change, message):
    state = damaged(change)
    with pytest.raises(UserError, match=message) as error:
        convert.generator_architecture(state)
    assert "\n" not in str(error.value)


def test_generator_and_discriminator_are_not_confused(train_steps):
    with pytest.raises(UserError, match="not a DeepSIM generator"):
        convert.generator_architecture(train_steps["D"])
    with pytest.raises(UserError, match="not a DeepSIM discriminator"):
        convert.discriminator_architecture(train_steps["G"])


def test_weights_must_fit_the_architecture_that_is_asked_for():
    state = random_state_dict(ARCHITECTURES[0])
    with pytest.raises(UserError, match="DeepSIM generator"):
        convert.generator_params(state, {**ARCHITECTURES[0], "n_blocks": 4})
