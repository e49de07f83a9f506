"""Trains DeepSIM: its networks, batches and losses. Reads no config."""

import dataclasses
import functools

import jax
import jax.numpy as jnp

from deepsim_jax import losses
from deepsim_jax.nets import features, patch
from deepsim_jax.systems.deepsim import augment, networks
from deepsim_jax.systems.deepsim import crops as views

PERCEPTUAL_TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
PERCEPTUAL_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""VGG layers of the perceptual loss and their published weights."""

_PLACES = 2  # folded into a sample's key; the numbers below are what splitting it uses


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The sizes of the networks; hashable and, through `dataclasses.asdict`, JSON.

    Attributes:
      kind: "global" or "local" (the coarse-to-fine local enhancer).
      filters: channels after the first layer.
      downsamplings: stride-2 layers of the (trunk's) encoder.
      blocks: residual blocks at the coarsest resolution.
      local_blocks: residual blocks of the local enhancer.
      dtype: of the arithmetic, "float32" or "bfloat16".
    """

    kind: str = "global"
    filters: int = 64
    downsamplings: int = 4
    blocks: int = 9
    local_blocks: int = 3
    dtype: str = "float32"

    @property
    def multiple(self) -> int:
        """The number of which the generator's height and width must be multiples."""
        return 2 ** (self.downsamplings + (self.kind == "local"))

    def generator(self):
        """The generator as a linen module."""
        sizes = dict(
            filters=self.filters,
            n_down=self.downsamplings,
            n_blocks=self.blocks,
            dtype=jnp.dtype(self.dtype),
        )
        if self.kind == "local":
            return networks.LocalEnhancer(n_blocks_local=self.local_blocks, **sizes)
        return networks.GlobalGenerator(**sizes)

    def abstract_params(self):
        """Shapes of the generator's parameters, without making them."""
        shape = (1, 4 * self.multiple, 4 * self.multiple, 3)
        return jax.eval_shape(self.generator().init, jax.random.key(0), jnp.zeros(shape))["params"]


@functools.cache
def render(architecture: Architecture):
    """The jitted generator: (params, (N, H, W, 3) primitives in [-1, 1]) -> pictures in [-1, 1].

    Compiled once per architecture and shape, so that repeated edits do not compile again.
    """
    module = architecture.generator()
    return jax.jit(lambda params, primitives: module.apply({"params": params}, primitives))


@dataclasses.dataclass(frozen=True)
class Task:
    """DeepSIM's networks and losses; the trainer calls `init`, `batch` and `losses`.

    Attributes:
      architecture: of the generator.
      d_filters, d_layers, d_scales: sizes of the multi-scale patch discriminator.
      augmentation: how a step's samples are drawn.
      adversarial: "lsgan" or "log".
      adversarial_weight, feature_matching, perceptual_weight: weights of the generator's terms.
      perceptual_depth: how many of the five VGG taps are used.
      perceptual_levels: at how many scales VGG sees a picture (see `views`); 1: as it is.
      perceptual_normalise: whether VGG's input is normalised as for ImageNet.
    """

    architecture: Architecture
    augmentation: augment.Augmentation
    d_filters: int = 64
    d_layers: int = 3
    d_scales: int = 2
    adversarial: str = "lsgan"
    adversarial_weight: float = 1.0
    feature_matching: float = 10.0
    perceptual_weight: float = 10.0
    perceptual_depth: int = 5
    perceptual_levels: int = 1
    perceptual_normalise: bool = True

    def _discriminator(self):
        return patch.MultiscaleDiscriminator(
            filters=self.d_filters,
            n_layers=self.d_layers,
            n_scales=self.d_scales,
            dtype=jnp.dtype(self.architecture.dtype),
        )

    def init(self, key):
        """Parameters of both networks by name."""
        g_key, d_key = jax.random.split(key)
        side = 4 * self.architecture.multiple
        generator = self.architecture.generator().init(g_key, jnp.zeros((1, side, side, 3)))
        discriminator = self._discriminator().init(d_key, jnp.zeros((1, side, side, 6)))
        return {"generator": generator["params"], "discriminator": discriminator["params"]}

    def batch(self, keys, pair):
        """One augmented sample per key: (primitives, images, places).

        The first two are (N, H, W, 3) in [-1, 1]; places (N, levels - 1, 2) say where VGG looks.
        """

        def sample(key):
            places = views.draw(jax.random.fold_in(key, _PLACES), self.perceptual_levels)
            return *augment.augment(key, pair, self.augmentation), places

        return jax.vmap(sample)(keys)

    def losses(self, g_params, d_params, batch, frozen):
        """The losses of both networks from one forward pass.

        Args:
          g_params, d_params: parameters.
          batch: (primitives, images, places), see `batch`.
          frozen: VGG parameters, or None for a run without the perceptual loss.

        Returns:
          ((generator's loss, discriminator's loss), metrics): scalars, and a dict of scalars with the
          unweighted terms of both. "contrast" is the generated pictures' standard deviation over
          that of the photographs; it tells a collapse.
        """
        primitives, images, places = batch
        fake = self.architecture.generator().apply({"params": g_params}, primitives)
        fake = fake.astype(jnp.float32)
        discriminator_inputs = jnp.concatenate(
            [jnp.concatenate([primitives, fake], axis=-1), jnp.concatenate([primitives, images], axis=-1)]
        )
        scales = self._discriminator().apply({"params": d_params}, discriminator_inputs)
        fake_outputs = [[f[: fake.shape[0]] for f in scale] for scale in scales]
        real_outputs = [[f[fake.shape[0] :] for f in scale] for scale in scales]
        fake_logits, real_logits = ([s[-1] for s in outputs] for outputs in (fake_outputs, real_outputs))

        terms = {"g_gan": losses.adversarial_g(self.adversarial, fake_logits)}
        loss = self.adversarial_weight * terms["g_gan"]
        if self.feature_matching:
            terms["g_features"] = losses.feature_matching(real_outputs, fake_outputs)
            loss += self.feature_matching * terms["g_features"]
        if frozen is not None:
            terms["g_perceptual"] = self.perceptual(fake, images, places, frozen)
            loss += self.perceptual_weight * terms["g_perceptual"]
        terms["d"] = losses.adversarial_d(self.adversarial, real_logits, fake_logits)
        contrast = jnp.std(fake) / (jnp.std(images) + 1e-6)
        return (loss, terms["d"]), {**terms, "contrast": contrast}

    def perceptual(self, fake, images, places, frozen):
        """The perceptual loss between pictures (N, H, W, 3), seen at `places` by VGG's parameters."""
        taps = PERCEPTUAL_TAPS[: self.perceptual_depth]
        activations = functools.partial(
            features.vgg_features,
            frozen,
            taps=taps,
            normalise=self.perceptual_normalise,
            dtype=jnp.dtype(self.architecture.dtype),
        )
        return losses.perceptual(
            activations(views.views(fake, places)),
            activations(views.views(jax.lax.stop_gradient(images), places)),
            PERCEPTUAL_WEIGHTS[: self.perceptual_depth],
        )
