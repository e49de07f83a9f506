from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from deepsim_jax.nets import conv, products


def _same(n):
    return ((n, n), (n, n))


# x, kernel, stride, padding, and the ways a CPU takes: forward, input gradient, kernel gradient.
# Every kind of layer of the networks with few channels, odd sizes, single pixels, batches.
CASES = {
    "block": ((1, 6, 6, 128), (3, 3, 128, 128), 1, _same(0), "columns scatter taps"),
    "block, odd, batch": ((2, 5, 7, 64), (3, 3, 64, 64), 1, _same(0), "columns scatter taps"),
    "vgg": ((2, 11, 12, 8), (3, 3, 8, 8), 1, _same(1), "native native strips"),
    "vgg, one": ((1, 11, 12, 8), (3, 3, 8, 8), 1, _same(1), "native native native"),
    "unpadded": ((1, 13, 12, 8), (3, 3, 8, 7), 1, _same(0), "cropped native native"),
    "unpadded, odd, batch": ((3, 11, 9, 8), (3, 3, 8, 8), 1, _same(0), "cropped native strips"),
    "vgg from RGB": ((1, 9, 8, 3), (3, 3, 3, 32), 1, _same(1), "native planes planar"),
    "from RGB": ((2, 19, 18, 3), (5, 5, 3, 8), 1, _same(0), "wide planes planar"),
    "from RGB, tiny": ((1, 5, 5, 3), (5, 5, 3, 8), 1, _same(0), "wide planes planar"),
    "to RGB": ((2, 19, 18, 8), (5, 5, 8, 3), 1, _same(0), "planes native thin"),
    "to RGB, tiny": ((1, 7, 8, 8), (7, 7, 8, 3), 1, _same(0), "planes scatter thin"),
    "down": ((1, 8, 12, 7), (3, 3, 7, 9), 2, _same(1), "native scatter taps"),
    "down, odd, batch": ((3, 9, 7, 8), (3, 3, 8, 9), 2, _same(1), "native scatter taps"),
    "down to a pixel": ((1, 2, 1, 7), (3, 3, 7, 9), 2, _same(1), "native scatter taps"),
    "patch": ((2, 16, 13, 6), (4, 4, 6, 8), 2, _same(2), "native scatter planar"),
    "patch, stride 1": ((2, 9, 10, 7), (4, 4, 7, 9), 1, _same(2), "native native taps"),
    "patch, stride 1, small": ((2, 3, 4, 24), (4, 4, 24, 9), 1, _same(2), "columns scatter taps"),
    "patch logits": ((2, 9, 8, 16), (4, 4, 16, 1), 1, _same(2), "planes native thin"),
    "uneven padding": ((1, 9, 8, 5), (3, 4, 5, 6), 1, ((2, 0), (1, 3)), "native native planar"),
    "uneven padding, thin": ((1, 9, 8, 5), (3, 4, 5, 2), 1, ((2, 0), (1, 3)), "planes native thin"),
    "more padding than kernel": ((1, 3, 4, 5), (2, 2, 5, 2), 1, _same(4), "planes native thin"),
    "kernel smaller than stride": ((1, 5, 6, 5), (1, 1, 5, 7), 2, _same(0), "native scatter planar"),
}


def _plain(x, kernel, stride, pads):
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _plain_transpose(x, kernel):
    return lax.conv_general_dilated(
        x,
        kernel,
        (1, 1),
        ((1, 2), (1, 2)),
        lhs_dilation=(2, 2),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def _value_and_gradients(function, x, kernel):
    """The value, and both gradients for the same cotangent."""
    value, pull_back = jax.vjp(function, x, kernel)
    g = _normal(*value.shape, seed=2).astype(value.dtype)
    return value, *pull_back(g)


def _exact(function, x, kernel):
    with jax.enable_x64(True):
        found = jax.jit(partial(_value_and_gradients, function))(jnp.float64(x), jnp.float64(kernel))
        return [np.asarray(array) for array in found]


def _assert_close(got, expected, tolerance=1e-5):
    assert got.shape == expected.shape
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def _arrays(name):
    x, kernel, stride, pads, _ = CASES[name]
    return _normal(*x), _normal(*kernel, seed=1), stride, pads


@pytest.mark.parametrize("name", CASES)
def test_the_rule_takes_the_intended_ways(name):
    x, kernel, stride, pads, ways = CASES[name]
    rules = conv.forward_path, conv.input_gradient_path, conv.kernel_gradient_path
    assert " ".join(rule(x, kernel, stride, pads) for rule in rules) == ways


@pytest.mark.parametrize("name", CASES)
def test_conv2d_and_its_gradients_are_the_plain_ones(name):
    x, kernel, stride, pads = _arrays(name)
    ours = partial(conv.conv2d, stride=stride, padding=pads)
    found = jax.jit(partial(_value_and_gradients, ours))
    plain = partial(_plain, stride=stride, pads=pads)
    for got, expected in zip(found(x, kernel), _exact(plain, x, kernel), strict=True):
        assert got.dtype == jnp.float32
        _assert_close(got, expected)


@pytest.mark.parametrize(
    "x, kernel, stride",
    [
        ((1, 9, 8, 3), (3, 3, 3, 16), 1),
        ((2, 9, 8, 16), (3, 3, 16, 16), 1),
        ((1, 9, 8, 16), (3, 3, 16, 1), 1),
        ((1, 9, 8, 8), (4, 4, 8, 8), 2),
        ((3, 12, 9, 8), (3, 3, 8, 8), 1),
    ],
)
def test_the_gradient_of_a_gradient_is_the_plain_one(x, kernel, stride):
    def penalty(convolve, x, kernel):
        slopes = jax.grad(lambda x: jnp.sin(convolve(x, kernel)).sum())(x)
        return jnp.square(slopes).sum()

    def gradients(convolve, x, kernel):
        return jax.grad(partial(penalty, convolve), (0, 1))(x, kernel)

    x, kernel = _normal(*x), _normal(*kernel, seed=1)
    ours = partial(conv.conv2d, stride=stride)
    plain = partial(_plain, stride=stride, pads=((0, 0), (0, 0)))
    with jax.enable_x64(True):
        expected = jax.jit(partial(gradients, plain))(jnp.float64(x), jnp.float64(kernel))
        wide = jax.jit(partial(gradients, ours))(jnp.float64(x), jnp.float64(kernel))
        for got, exact in zip(wide, expected, strict=True):
            _assert_close(got, exact, tolerance=1e-12)
    for got, exact in zip(jax.jit(partial(gradients, ours))(x, kernel), expected, strict=True):
        _assert_close(got, exact)


@pytest.mark.parametrize("x, features", [((1, 4, 5, 8), 4), ((2, 1, 3, 3), 8), ((3, 7, 6, 16), 1)])
def test_conv_transpose2d_and_its_gradients_are_the_plain_ones(x, features):
    x, kernel = _normal(*x), _normal(3, 3, x[3], features, seed=1)
    found = jax.jit(partial(_value_and_gradients, conv.conv_transpose2d))(x, kernel)
    assert found[0].shape == (x.shape[0], 2 * x.shape[1], 2 * x.shape[2], features)
    for got, expected in zip(found, _exact(_plain_transpose, x, kernel), strict=True):
        _assert_close(got, expected)


def test_conv_transpose2d_is_the_transpose_of_a_strided_convolution():
    x, y = _normal(1, 4, 5, 6), _normal(1, 8, 10, 3, seed=1)
    kernel = _normal(3, 3, 6, 3, seed=2)
    turned = jnp.swapaxes(kernel[::-1, ::-1], 2, 3)
    strided = conv.conv2d(y, turned, stride=2, padding=((1, 0), (1, 0)))
    np.testing.assert_allclose(
        jnp.vdot(conv.conv_transpose2d(x, kernel), y), jnp.vdot(x, strided), rtol=1e-4
    )


# Each way by itself, on shapes for which the rule would not take it too.


@pytest.fixture
def two_bands(monkeypatch):
    """Cuts every image, whatever its size, into two bands of rows if it has as many."""
    bands = products._bands
    monkeypatch.setattr(products, "_bands", lambda height, *_: bands(height, 1, -(-height // 2)))
    jax.clear_caches()  # of what was traced without it
    yield
    jax.clear_caches()


@pytest.mark.parametrize(
    "name",
    ["vgg", "to RGB", "from RGB, tiny", "patch, stride 1", "uneven padding", "more padding than kernel"],
)
def test_ways_of_stride_1_for_any_shape_in_bands(name, two_bands):
    x, kernel, _, pads = _arrays(name)
    value, _, dkernel = _exact(partial(_plain, stride=1, pads=pads), x, kernel)
    for way in products.columns_conv, products.planes_conv, conv._cropped_conv:
        _assert_close(jax.jit(partial(way, pads=pads))(x, kernel), value)
    g, size = jnp.asarray(_normal(*value.shape, seed=2)), kernel.shape[:2]
    thin = jax.jit(partial(products.thin_kernel_gradient, size=size, pads=pads))
    _assert_close(thin(jnp.asarray(x), g), dkernel)
    plain = partial(conv._native_kernel_gradient, size=size, stride=1, pads=_same(0), dtype=jnp.float32)
    strips = jax.jit(partial(products.strips_kernel_gradient, plain))
    _assert_close(strips(products.zero_pad(jnp.asarray(x), pads), g), dkernel)


@pytest.mark.parametrize(
    "name",
    ["vgg", "to RGB", "from RGB, tiny", "patch, stride 1", "uneven padding", "more padding than kernel"],
)
def test_gradient_ways_for_any_shape(name):
    x, kernel, stride, pads = _arrays(name)
    value, dx, dkernel = _exact(partial(_plain, stride=stride, pads=pads), x, kernel)
    g, settings = _normal(*value.shape, seed=2), {"stride": stride, "pads": pads}
    scatter = jax.jit(partial(products.scatter_input_gradient, size=x.shape[1:3], **settings))
    _assert_close(scatter(g, kernel), dx)
    for way in products.taps_kernel_gradient, products.planar_kernel_gradient:
        _assert_close(jax.jit(partial(way, size=kernel.shape[:2], **settings))(x, g), dkernel)


def test_transpose_beyond_the_scratch_limit_is_the_same(monkeypatch):
    x, kernel = _normal(1, 4, 5, 8), _normal(3, 3, 8, 4, seed=1)
    within = conv.conv_transpose2d(x, kernel)
    monkeypatch.setattr(products, "SCRATCH_BYTES", 1)
    monkeypatch.setattr(products, "scatter", None)  # the other way
    jax.clear_caches()
    _assert_close(conv.conv_transpose2d(x, kernel), within)
    jax.clear_caches()


@pytest.mark.parametrize(
    "x, kernel, stride, pads, ways",
    [
        ((1, 18, 18, 1024), (3, 3, 1024, 1024), 1, _same(0), "columns scatter taps"),
        ((1, 32, 32, 1024), (3, 3, 1024, 1024), 1, _same(0), "columns scatter taps"),
        ((1, 34, 34, 256), (3, 3, 256, 256), 1, _same(0), "columns scatter taps"),
        ((1, 256, 256, 64), (3, 3, 64, 64), 1, _same(1), "native native strips"),
        ((1, 27, 40, 32), (3, 3, 32, 32), 1, _same(0), "cropped native native"),
        ((1, 190, 252, 128), (3, 3, 128, 128), 1, _same(0), "cropped native strips"),
        ((3, 190, 252, 32), (3, 3, 32, 32), 1, _same(0), "cropped native strips"),
        ((2, 33, 33, 256), (4, 4, 256, 512), 1, _same(2), "native native taps"),
        ((1, 486, 486, 64), (7, 7, 64, 3), 1, _same(0), "planes native thin"),
        ((4, 480, 480, 64), (3, 3, 64, 128), 2, _same(1), "native native taps"),
    ],
)
def test_the_rule_at_full_size(x, kernel, stride, pads, ways):
    rules = conv.forward_path, conv.input_gradient_path, conv.kernel_gradient_path
    assert " ".join(rule(x, kernel, stride, pads) for rule in rules) == ways


def test_scratch_memory_is_bounded():
    x = jax.ShapeDtypeStruct((1, 486, 486, 64), jnp.float32)
    kernel = jax.ShapeDtypeStruct((7, 7, 64, 3), jnp.float32)
    compiled = jax.jit(conv.conv2d).lower(x, kernel).compile()
    # One table of all bands would take 139 MB, all taps of x 2.9 GB.
    assert compiled.memory_analysis().temp_size_in_bytes < 4 * products.CACHE_BYTES


def test_the_strips_of_a_kernel_gradient_are_in_memory_one_after_the_other():
    x = jax.ShapeDtypeStruct((3, 190, 252, 32), jnp.float32)
    g = jax.ShapeDtypeStruct((3, 188, 250, 32), jnp.float32)

    def gradient(x, g):
        return conv._kernel_gradient(x, g, (3, 3), 1, _same(0), jnp.dtype("float32"))

    compiled = jax.jit(gradient).lower(x, g).compile()
    # x and g take 37 MB.
    assert compiled.memory_analysis().temp_size_in_bytes < 2 * products.STRIP_BYTES


@pytest.mark.parametrize("name", ["block", "patch logits", "from RGB, tiny", "down"])
def test_bfloat16_is_accumulated_in_float32(name):
    """Long sums of positive numbers: adding in bfloat16 would stop growing at 256 terms."""
    x, kernel, stride, pads = _arrays(name)
    x, kernel = jnp.bfloat16(np.abs(x)), np.abs(kernel)
    ours = partial(conv.conv2d, stride=stride, padding=pads)
    plain = partial(_plain, stride=stride, pads=pads)
    value, dx, dkernel = jax.jit(partial(_value_and_gradients, ours))(x, kernel)
    assert (value.dtype, dx.dtype, dkernel.dtype) == (jnp.bfloat16, jnp.bfloat16, jnp.float32)
    rounded = jnp.float32(jnp.bfloat16(kernel))
    _assert_close(value, plain(jnp.float32(x), rounded), 2**-8)
    g = jnp.float32(jnp.bfloat16(_normal(*value.shape, seed=2)))
    _, pull_back = jax.vjp(plain, jnp.float32(x), rounded)
    for got, expected in zip((dx, dkernel), pull_back(g), strict=True):
        _assert_close(got, expected, 2**-8)


def test_bfloat16_transpose():
    x, kernel = jnp.bfloat16(np.abs(_normal(1, 3, 4, 600))), np.abs(_normal(3, 3, 600, 4, seed=1))
    value, dx, dkernel = _value_and_gradients(conv.conv_transpose2d, x, kernel)
    assert (value.dtype, dx.dtype, dkernel.dtype) == (jnp.bfloat16, jnp.bfloat16, jnp.float32)
    rounded = jnp.float32(jnp.bfloat16(kernel))
    _assert_close(value, _plain_transpose(jnp.float32(x), rounded), 2**-8)


@pytest.mark.parametrize("name", ["block", "patch logits", "down"])
def test_second_derivatives(name):
    """Those of a penalty on the input gradient."""
    x, kernel, stride, pads = _arrays(name)

    def penalty(function, kernel):
        return (jax.grad(lambda x: (function(x, kernel) ** 2).sum())(x) ** 2).mean()

    ours = partial(conv.conv2d, stride=stride, padding=pads)
    plain = partial(_plain, stride=stride, pads=pads)
    got = jax.jit(jax.grad(partial(penalty, ours)))(kernel)
    _assert_close(got, jax.jit(jax.grad(partial(penalty, plain)))(kernel), 1e-4)


@pytest.mark.parametrize("name", ["block", "patch logits", "down"])
def test_vmap_and_pmap_over_two_devices(name, two_bands):
    x, kernel, stride, pads = _arrays(name)
    xs = np.stack([x, 2 * x])

    def loss(x, kernel):
        return (conv.conv2d(x, kernel, stride=stride, padding=pads) ** 2).sum()

    gradients = jax.jit(jax.grad(loss, (0, 1)))
    each = [gradients(x, kernel) for x in xs]
    for mapping in jax.vmap, partial(jax.pmap, devices=jax.devices("cpu")[:2]):
        mapped = mapping(gradients, in_axes=(0, None))(xs, kernel)
        for got, first, second in zip(mapped, *each, strict=True):
            _assert_close(got, np.stack([first, second]))


@pytest.mark.parametrize("name", CASES)
def test_the_ways_of_a_gpu_are_the_plain_ones(name):
    x, kernel, stride, pads = _arrays(name)
    value, dx, dkernel = _exact(partial(_plain, stride=stride, pads=pads), x, kernel)
    g, sizes = _normal(*value.shape, seed=2), {"stride": stride, "pads": pads}
    _assert_close(jax.jit(partial(conv._gpu_conv, **sizes))(x, kernel), value)
    back = jax.jit(partial(conv._gpu_input_gradient, size=x.shape[1:3], **sizes))
    _assert_close(back(g, kernel), dx)
    across = partial(conv._gpu_kernel_gradient, size=kernel.shape[:2], dtype=jnp.float32, **sizes)
    _assert_close(jax.jit(across)(x, g), dkernel)
    if stride == 1:
        _assert_close(jax.jit(partial(conv._cells_conv, pads=pads))(x, kernel), value)
    _assert_close(jax.jit(partial(conv._rows_conv, **sizes))(x, kernel), value)


@pytest.mark.parametrize("x, features", [((1, 4, 5, 8), 4), ((2, 1, 3, 3), 8)])
def test_the_transposed_ways_of_a_gpu_are_the_plain_ones(x, features):
    x, kernel = _normal(*x), _normal(3, 3, x[3], features, seed=1)
    value, _, dkernel = _exact(_plain_transpose, x, kernel)
    _assert_close(jax.jit(conv._gpu_transpose)(x, kernel), value)
    across = jax.jit(partial(conv._gpu_transpose_kernel_gradient, dtype=jnp.float32))
    _assert_close(across(x, _normal(*value.shape, seed=2)), dkernel)


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize("name", CASES)
def test_other_platforms_run_one_convolution_or_a_product_to_one_channel(platform, name):
    x, kernel, stride, pads = _arrays(name)
    function = jax.jit(partial(conv.conv2d, stride=stride, padding=pads))
    text = function.trace(x, kernel).lower(lowering_platforms=(platform,)).as_text()
    product = platform == "cuda" and kernel.shape[3] == 1
    assert (text.count("stablehlo.convolution"), "dot_general" in text) == (not product, product)


def test_a_compiled_cpu_program_has_neither_a_choice_nor_the_other_branch():
    x, kernel, _, pads = _arrays("block")
    text = jax.jit(partial(conv.conv2d, padding=pads)).lower(x, kernel).compile().as_text()
    assert " dot(" in text and " conditional(" not in text and " convolution(" not in text


def test_wrong_shapes_are_named():
    x = jnp.zeros((1, 8, 8, 3))
    with pytest.raises(ValueError, match=r"\(1, 8, 8, 3\) and kernel \(3, 3, 4, 8\).*equal C"):
        conv.conv2d(x, jnp.zeros((3, 3, 4, 8)))
    with pytest.raises(ValueError, match="larger than x"):
        conv.conv2d(x, jnp.zeros((11, 3, 3, 8)), padding=1)
    with pytest.raises(ValueError, match=r"takes \(3, 3, C, D\)"):
        conv.conv_transpose2d(x, jnp.zeros((4, 4, 3, 8)))
