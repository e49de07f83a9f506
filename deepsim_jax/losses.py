"""Adversarial, feature matching and perceptual losses.

All terms are scalars in float32 at least, averaged over the batch; the caller weighs them.
A discriminator's output is, for each scale, the list of its features with the logits last; the
adversarial terms take the list of the scales' logits.
"""

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from deepsim_jax.errors import UserError

# Of one scale, or one layer: the sizes differ among them.
Logits = Float[Array, "batch _ _ 1"]
Features = Float[Array, "batch _ _ _"]
Scalar = Float[Array, ""]
Penalty = Callable[[Array], Array]

ADVERSARIAL_KINDS = ("lsgan", "log")


def adversarial_d(kind: str, real_logits: Sequence[Logits], fake_logits: Sequence[Logits]) -> Scalar:
    """The discriminator's loss: means over patches, summed over scales.

    "lsgan": ((D(real) - 1)^2 + D(fake)^2) / 2 (Mao et al. 2017; the published DeepSIM).
    "log": -log D(real) - log(1 - D(fake)) with D the sigmoid of the logits (Goodfellow et al. 2014;
    what the DeepSIM paper's eq. 2 means: as printed, its signs are turned around).
    Its gradient with respect to the generator is not zero and has no use: differentiate it with
    respect to the discriminator's parameters only.
    """
    real, fake = _penalties(kind)
    total = _over_scales(real, real_logits) + _over_scales(fake, fake_logits)
    return total / 2 if kind == "lsgan" else total


def adversarial_g(kind: str, fake_logits: Sequence[Logits]) -> Scalar:
    """The generator's adversarial term: the discriminator's penalty if fakes were labelled real.

    "lsgan": (D(fake) - 1)^2. "log": -log D(fake), the non-saturating form that the DeepSIM paper's
    eq. 3 means (as printed, its sign is turned around). Mean over patches, summed over scales.
    """
    real, _ = _penalties(kind)
    return _over_scales(real, fake_logits)


def feature_matching(
    real_features: Sequence[Sequence[Features]], fake_features: Sequence[Sequence[Features]]
) -> Scalar:
    """L1 distance between the discriminator's features of real and of generated pairs.

    Four times the mean over layers of the mean absolute difference, averaged over the scales; the
    logits are left out and the real features are constants. The four is pix2pixHD's constant, which
    makes the factor of each layer one in a discriminator with four hidden layers.
    """
    total = jnp.zeros(())
    for real, fake in zip(real_features, fake_features, strict=True):
        layers = [_l1(f, r) for f, r in zip(fake[:-1], real[:-1], strict=True)]
        total += sum(layers) * 4 / len(layers)
    return total / len(real_features)


def perceptual(
    features_a: Sequence[Features],
    features_b: Sequence[Features],
    weights: Sequence[float],
) -> Scalar:
    """Weighted sum of mean absolute differences of a feature network's activations.

    Gradients flow into `features_a` (of the generated image) and not into `features_b` (of the real
    one). One weight per activation (Johnson et al. 2016 with the distance of pix2pixHD).
    """
    terms = (weight * _l1(a, b) for weight, a, b in zip(weights, features_a, features_b, strict=True))
    return sum(terms, start=jnp.zeros(()))


def _penalties(kind: str) -> tuple[Penalty, Penalty]:
    """How far a logit is from the label "real" and from the label "fake"."""
    if kind == "lsgan":
        return lambda logits: jnp.square(logits - 1), jnp.square
    if kind == "log":
        # -log sigmoid(t) = softplus(-t) and -log(1 - sigmoid(t)) = softplus(t), without overflow.
        return lambda logits: nn.softplus(-logits), nn.softplus
    allowed = " and ".join(map(repr, ADVERSARIAL_KINDS))
    raise UserError(f"adversarial loss {kind!r}: allowed are {allowed}")


def _over_scales(penalty: Penalty, logits: Sequence[Logits]) -> Scalar:
    return sum((penalty(_widen(scale)).mean() for scale in logits), start=jnp.zeros(()))


def _l1(a: Float[Array, "*shape"], constant: Float[Array, "*shape"]) -> Scalar:
    return jnp.abs(_widen(a) - _widen(jax.lax.stop_gradient(constant))).mean()


def _widen(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
