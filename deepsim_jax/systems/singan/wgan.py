"""The losses of one scale: WGAN-GP and reconstruction (§2.2; Gulrajani et al. 2017).

Pictures are (N, H, W, C), score maps (N, H', W', 1). A critic is a function of pictures alone, its
parameters bound, whose samples do not interact. Terms are scalars.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Critic = Callable[[jax.Array], jax.Array]


def critic_loss(
    critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array, *, penalty_weight: float = 0.1
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The discriminator's loss: mean score of the fake minus that of the real, plus the penalty.

    Args:
      critic: pictures -> score maps.
      real: the photo at this scale.
      fake: generated pictures of its size; constants.
      mix: in [0, 1], as in `gradient_penalty`.
      penalty_weight: lambda.

    Returns:
      (loss, its terms unweighted: "d_real" and "d_fake", the mean scores, and "d_penalty").
    """
    fake = jax.lax.stop_gradient(fake)
    scores = critic(jnp.concatenate([real, fake]))
    terms = {
        "d_real": scores[: len(real)].mean(),
        "d_fake": scores[len(real) :].mean(),
        "d_penalty": gradient_penalty(critic, real, fake, mix),
    }
    return terms["d_fake"] - terms["d_real"] + penalty_weight * terms["d_penalty"], terms


def gradient_penalty(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array) -> jax.Array:
    """How far the critic's slope between real and fake is from 1: mean over pixels of (|g| - 1)^2.

    g is the gradient of the sum of the score map with respect to mix * real + (1 - mix) * fake, |g|
    its norm over the channels at each pixel, as in the published program. (Gulrajani et al. take
    one norm over all pixels; there the score is a single number and not a map.)

    Args:
      critic: pictures -> score maps.
      real, fake: of one size.
      mix: a scalar or (N, 1, 1, 1), uniform in [0, 1].
    """
    mixed = mix * real + (1 - mix) * fake
    slopes = jax.grad(lambda pictures: critic(pictures).sum())(mixed)
    squares = jnp.square(slopes).sum(axis=-1)
    # The root's derivative at 0 is infinite: there the norm counts as a constant.
    norms = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
    return jnp.square(norms - 1).mean()


def generator_loss(
    fake_scores: jax.Array,
    rebuilt: jax.Array,
    real: jax.Array,
    *,
    reconstruction_weight: float = 10.0,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The generator's loss (eq. 4): minus the mean score of its pictures, plus the reconstruction.

    Args:
      fake_scores: the critic's map of the generated pictures.
      rebuilt: what the generator makes of the reconstruction noise ({z*, 0, ..., 0}).
      real: the photo at this scale.
      reconstruction_weight: alpha; 100 for super-resolution.

    Returns:
      (loss, its terms unweighted: "g_adversarial" and "g_reconstruction").
    """
    terms = {"g_adversarial": -fake_scores.mean(), "g_reconstruction": jnp.square(rebuilt - real).mean()}
    return terms["g_adversarial"] + reconstruction_weight * terms["g_reconstruction"], terms
