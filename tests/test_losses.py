import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax import losses
from deepsim_jax.errors import UserError
from deepsim_jax.nets.patch import MultiscaleDiscriminator
from deepsim_jax.systems.deepsim.networks import GlobalGenerator
from deepsim_jax.weights import convert


def nhwc(array):
    return jnp.transpose(array, (0, 2, 3, 1))


def two_scales(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    shapes = [(2, 7, 5, 1), (2, 4, 3, 1)]
    return [jnp.float32(rng.normal(0, scale, shape)) for shape in shapes]


def features(seed):
    """Features of a discriminator with two scales and three layers, the last one the logits."""
    rng = np.random.default_rng(seed)
    shapes = [(2, 6, 6, 3), (2, 4, 4, 5), (2, 3, 3, 1)]
    return [[jnp.float32(rng.normal(size=shape)) for shape in shapes] for _ in range(2)]


def test_losses_equal_the_published_programs(networks):
    def read(kind):
        return [[nhwc(networks[f"D_{kind}_{i}_{j}"]) for j in range(5)] for i in range(2)]

    real, fake = read("real"), read("fake")
    real_logits, fake_logits = ([scale[-1] for scale in side] for side in (real, fake))
    published = {name: networks[f"loss_{name}"] for name in ("D_real", "D_fake", "G_GAN")}
    for ours, theirs in [
        (
            losses.adversarial_d("lsgan", real_logits, fake_logits),
            (published["D_real"] + published["D_fake"]) / 2,
        ),
        (losses.adversarial_g("lsgan", fake_logits), published["G_GAN"]),
        (10 * losses.feature_matching(real, fake), networks["loss_G_GAN_Feat"]),
    ]:
        np.testing.assert_allclose(ours, theirs, atol=1e-4, rtol=0)


@pytest.mark.slow
def test_gradients_of_one_shared_forward_equal_the_published_programs(train_steps):
    g_arch = convert.generator_architecture(train_steps["G"])
    d_arch = convert.discriminator_architecture(train_steps["D"])
    assert g_arch.pop("kind") == "global" and g_arch.pop("n_blocks_local") == 0
    generator, discriminator = GlobalGenerator(**g_arch), MultiscaleDiscriminator(**d_arch)
    g_arch["kind"] = "global"
    x, y = nhwc(train_steps["x"]), nhwc(train_steps["y"])

    def both_losses(g_params, d_params):
        fake = generator.apply({"params": g_params}, x)
        pairs = jnp.concatenate([jnp.concatenate([x, y], -1), jnp.concatenate([x, fake], -1)])
        judged = discriminator.apply({"params": d_params}, pairs)
        real_side, fake_side = ([[f[i : i + 1] for f in s] for s in judged] for i in (0, 1))
        real_logits, fake_logits = ([s[-1] for s in side] for side in (real_side, fake_side))
        g_gan = losses.adversarial_g("lsgan", fake_logits)
        g_features = 10 * losses.feature_matching(real_side, fake_side)
        d = losses.adversarial_d("lsgan", real_logits, fake_logits)
        return (g_gan + g_features, d), (g_gan, g_features, d)

    @jax.jit
    def gradients(g_params, d_params):
        _, pull_back, terms = jax.vjp(both_losses, g_params, d_params, has_aux=True)
        return pull_back((1.0, 0.0))[0], pull_back((0.0, 1.0))[1], terms

    g_grad, d_grad, terms = gradients(
        convert.generator_params(train_steps["G"], g_arch),
        convert.discriminator_params(train_steps["D"], d_arch),
    )
    g_gan, g_features, d_fake, d_real = train_steps["losses_0"]
    np.testing.assert_allclose(terms, (g_gan, g_features, (d_fake + d_real) / 2), rtol=1e-3)
    for ours, published in [
        (convert.generator_state_dict(g_grad, g_arch), train_steps["gradG_0"]),
        (convert.discriminator_state_dict(d_grad, d_arch), train_steps["gradD_0"]),
    ]:
        assert ours.keys() == published.keys()
        difference = np.sqrt(sum(np.square(ours[k] - published[k]).sum() for k in ours))
        norm = np.sqrt(sum(np.square(v).sum() for v in published.values()))
        assert difference < 1e-3 * norm


def test_log_losses_are_the_papers_logarithms():
    real, fake = two_scales(0), two_scales(1)

    def sigmoid(t):
        return 1 / (1 + np.exp(-np.float64(t)))

    for_d = sum(-np.log(sigmoid(t)).mean() for t in real)
    for_d += sum(-np.log(1 - sigmoid(t)).mean() for t in fake)
    for_g = sum(-np.log(sigmoid(t)).mean() for t in fake)
    np.testing.assert_allclose(losses.adversarial_d("log", real, fake), for_d, rtol=1e-5)
    np.testing.assert_allclose(losses.adversarial_g("log", fake), for_g, rtol=1e-5)


@pytest.mark.parametrize("kind", losses.ADVERSARIAL_KINDS)
def test_signs_pull_the_two_networks_apart(kind):
    # Between the labels 0 and 1, where the two still disagree.
    logits = [0.5 + 0.4 * jnp.tanh(t) for t in two_scales(2)]

    def slope(loss):
        return jax.grad(lambda shift: loss([t + shift for t in logits]))(0.0)

    assert slope(lambda t: losses.adversarial_d(kind, t, logits)) < 0
    assert slope(lambda t: losses.adversarial_d(kind, logits, t)) > 0
    assert slope(lambda t: losses.adversarial_g(kind, t)) < 0


def test_log_losses_stay_finite_for_any_logit():
    extreme = [jnp.array([-1e5, -90.0, 0.0, 90.0, 1e5]).reshape(1, 5, 1, 1)]
    assert np.isfinite(losses.adversarial_d("log", extreme, extreme))
    grad = jax.grad(lambda t: losses.adversarial_g("log", [t]))(extreme[0])
    assert np.isfinite(grad).all()


def test_unknown_adversarial_kind_is_refused():
    with pytest.raises(UserError, match="'wgan': allowed are 'lsgan' and 'log'"):
        losses.adversarial_g("wgan", two_scales(0))


def test_feature_matching_is_four_times_the_mean_over_layers_and_scales():
    real, fake = features(0), features(1)
    means = [
        np.abs(real[scale][layer] - fake[scale][layer]).mean() for scale in (0, 1) for layer in (0, 1)
    ]
    expected = 4 * np.mean(means)
    np.testing.assert_allclose(losses.feature_matching(real, fake), expected, rtol=1e-5)
    assert losses.feature_matching(real, real) == 0


def test_feature_matching_leaves_out_logits_and_holds_real_features_constant():
    real, fake = features(0), features(1)
    g_real, g_fake = jax.grad(losses.feature_matching, argnums=(0, 1))(real, fake)
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(g_real))
    for scale in g_fake:
        assert all((abs(layer) > 0).all() for layer in scale[:-1])
        assert (scale[-1] == 0).all()


def test_perceptual_is_a_weighted_sum_with_gradients_of_the_generated_side_only():
    a, b = features(0)[0], features(1)[0]
    weights = (0.5, 2.0, 1.0)
    expected = sum(w * np.abs(p - q).mean() for w, p, q in zip(weights, a, b, strict=True))
    np.testing.assert_allclose(losses.perceptual(a, b, weights), expected, rtol=1e-5)
    g_a, g_b = jax.grad(losses.perceptual, argnums=(0, 1))(a, b, weights)
    assert all((abs(leaf) > 0).all() for leaf in g_a)
    assert all((leaf == 0).all() for leaf in g_b)


def test_perceptual_wants_one_weight_per_activation():
    a = features(0)[0]
    with pytest.raises(ValueError):
        losses.perceptual(a, a, (1.0,))


def test_terms_are_float32_for_bfloat16_networks():
    narrow = [t.astype(jnp.bfloat16) for t in two_scales(0)]
    terms = [
        losses.adversarial_d("lsgan", narrow, narrow),
        losses.adversarial_g("log", narrow),
        losses.perceptual(narrow, narrow, (1.0, 1.0)),
        losses.feature_matching([narrow], [narrow]),
    ]
    assert {term.dtype for term in terms} == {jnp.dtype(jnp.float32)}
