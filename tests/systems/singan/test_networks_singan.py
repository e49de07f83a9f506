import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.systems.singan import networks, noise

KEY = jax.random.key(0)


def setup(module, *arguments):
    """Some variables of the module (its own take long to compile), and what applies it, jitted."""
    rng = np.random.default_rng(0)
    variables = dict(jax.eval_shape(module.init, KEY, *arguments))
    variables["params"] = jax.tree.map(
        lambda leaf: rng.normal(0, 0.2, leaf.shape).astype(np.float32), variables["params"]
    )
    if "batch_stats" in variables:
        variables["batch_stats"] = jax.tree_util.tree_map_with_path(
            lambda path, leaf: np.full(leaf.shape, path[-1].key == "var", np.float32),
            variables["batch_stats"],
        )
    return variables, jax.jit(module.apply, static_argnames=("train", "mutable"))


def count(module, *arguments):
    variables = jax.eval_shape(module.init, KEY, *arguments)
    return sum(leaf.size for leaf in jax.tree.leaves(variables))


@pytest.mark.parametrize(
    "width, generator, discriminator",
    [
        # 3 * w * 9 + w; three times 9 w^2 + w; four norms of 2 w; 9 w * 3 + 3 or 9 w + 1
        (32, 896 + 3 * 9_248 + 256 + 867, 896 + 3 * 9_248 + 256 + 289),
        (64, 114_819, 113_665),
        (128, 450_819, 448_513),
    ],
)
def test_parameter_counts(width, generator, discriminator):
    picture = jnp.zeros((1, 25, 34, 3))
    assert count(networks.Generator(width), picture, picture) == generator
    assert count(networks.Discriminator(width), picture) == discriminator
    # Running statistics are two more numbers for each of four times w channels.
    assert count(networks.Generator(width, running=True), picture, picture) == generator + 8 * width


def test_results_have_the_pictures_size_and_score_maps_ten_pixels_less():
    picture = jnp.zeros((2, 25, 34, 3))
    made, _ = jax.eval_shape(networks.Generator(4).init_with_output, KEY, picture, picture)
    assert made.shape == picture.shape and made.dtype == jnp.float32
    scores, _ = jax.eval_shape(networks.Discriminator(4).init_with_output, KEY, picture)
    assert scores.shape == (2, 15, 24, 1) and scores.dtype == jnp.float32


def test_a_pixel_depends_on_11_by_11():
    assert networks.RECEPTIVE_FIELD == 11 and networks.PADDING == 5
    # With fixed statistics, because those of the picture make all depend on all.
    picture = noise.draw(KEY, (23, 25))
    variables, apply = setup(networks.Stack(4, 1, running=True), picture)

    def pixel(x):
        return apply(variables, x, train=False)[0, 4, 7, 0]

    seen = np.asarray((jax.grad(pixel)(picture)[0] != 0).any(-1))
    expected = np.zeros((23, 25), bool)
    expected[4:15, 7:18] = True
    np.testing.assert_array_equal(seen, expected)


def test_generator_adds_to_the_previous_picture():
    z, previous = noise.draw(KEY, (14, 15)), 5 * noise.draw(jax.random.key(1), (14, 15))
    params, apply = setup(networks.Generator(4), z, previous)
    made = apply(params, z, previous, 0.3)
    assert (np.abs(made - previous) < 1).all() and np.abs(made - previous).max() > 1e-3
    silent = jax.tree.map(jnp.zeros_like, params)
    np.testing.assert_array_equal(apply(silent, z, previous, 0.3), previous)


def test_noise_and_picture_are_padded_with_zeros_once():
    z, previous = noise.draw(KEY, (14, 15)), noise.draw(jax.random.key(1), (14, 15))
    params, apply = setup(networks.Generator(4), z, previous)
    made = apply(params, z, previous, 0.3)
    padded = np.pad(z, ((0, 0), (5, 5), (5, 5), (0, 0)))
    np.testing.assert_allclose(apply(params, padded, previous, 0.3), made, atol=1e-6)
    around = apply(params, noise.draw(KEY, (24, 25)), previous, 0.3)
    assert around.shape == previous.shape and (around != made).all()
    with pytest.raises(ValueError, match="its size or 10 pixels more"):
        apply(params, padded[:, 1:], previous)


def test_initial_values():
    picture = jnp.zeros((1, 12, 12, 3))
    params = jax.jit(networks.Discriminator(64).init)(KEY, picture)["params"]["stack"]
    kernel, norm = params["conv_2"]["kernel"], params["norm_1"]
    assert abs(kernel.mean()) < 5e-4 and kernel.std() == pytest.approx(0.02, rel=0.03)
    assert norm["scale"].mean() == pytest.approx(1, abs=0.01)
    assert norm["scale"].std() == pytest.approx(0.02, rel=0.3)
    assert not norm["bias"].any()
    bias = params["conv_2"]["bias"]  # U(-b, b), b = 1 / sqrt(9 * 64)
    assert 0.03 < np.abs(bias).max() < 1 / 24


def test_batch_norm_of_a_batch_of_one():
    x = 3 + 2 * noise.draw(KEY, (6, 7), channels=2)
    norm = networks.BatchNorm()
    params = {"scale": jnp.asarray([2.0, 3.0]), "bias": jnp.asarray([0.5, -1.0])}
    got = norm.apply({"params": params}, x)
    wide = np.asarray(x, np.float64)
    for channel, (scale, bias) in enumerate([(2.0, 0.5), (3.0, -1.0)]):
        plane = wide[..., channel]
        expected = (plane - plane.mean()) / np.sqrt(plane.var() + 1e-5) * scale + bias
        np.testing.assert_allclose(got[..., channel], expected, atol=1e-5)


def test_samples_of_a_batch_do_not_interact():
    x = jnp.concatenate([noise.draw(KEY, (14, 13)), 4 * noise.draw(jax.random.key(1), (14, 13)) + 1])
    params, apply = setup(networks.Discriminator(4), x)
    scores = apply(params, x)
    for i in range(2):
        np.testing.assert_allclose(apply(params, x[i : i + 1]), scores[i : i + 1], atol=1e-5)


def test_running_statistics_are_an_average_of_the_training():
    x = 3 + 2 * noise.draw(KEY, (6, 7), samples=2, channels=4)
    variables, apply = setup(networks.BatchNorm(running=True), x)
    start = networks.BatchNorm(running=True).init(KEY, x)["batch_stats"]
    np.testing.assert_array_equal(start["mean"], variables["batch_stats"]["mean"])
    np.testing.assert_array_equal(start["var"], variables["batch_stats"]["var"])
    assert not variables["batch_stats"]["mean"].any() and (variables["batch_stats"]["var"] == 1).all()
    _, once = apply(variables, x, mutable="batch_stats")
    # A tenth of the new, nine tenths of 0 and 1; the new: the average over the two samples.
    np.testing.assert_allclose(once["batch_stats"]["mean"], 0.1 * x.mean((0, 1, 2)), rtol=1e-5)
    expected = 0.9 + 0.1 * x.var((1, 2)).mean(0)
    np.testing.assert_allclose(once["batch_stats"]["var"], expected, rtol=1e-5)


def test_running_statistics_are_used_after_the_training_only():
    z, previous = noise.draw(KEY, (16, 17), samples=2), jnp.zeros((1, 16, 17, 3))
    variables, apply = setup(networks.Generator(4, running=True), z, previous)
    own = jax.jit(networks.Generator(4).apply)({"params": variables["params"]}, z, previous)
    trained, new = apply(variables, z, previous, mutable="batch_stats")
    np.testing.assert_allclose(trained, own, atol=1e-6)
    later = apply({**variables, **new}, z, previous, train=False)
    assert np.abs(later - own).max() > 1e-3
    # A pixel's result then depends on the receptive field alone.
    changed = z.at[:, 12:, 12:].set(9)
    again = apply({**variables, **new}, changed, previous, train=False)
    np.testing.assert_array_equal(again[:, :7], later[:, :7])


def test_bfloat16_returns_float32_near_it():
    z, previous = noise.draw(KEY, (14, 15)), noise.draw(jax.random.key(1), (14, 15))
    params, apply = setup(networks.Generator(8), z, previous)
    wide = apply(params, z, previous)
    narrow = jax.jit(networks.Generator(8, dtype=jnp.bfloat16).apply)(params, z, previous)
    assert narrow.dtype == jnp.float32
    assert 0 < np.abs(narrow - wide).max() < 0.1
