"""Trains one scale of SinGAN: its networks, random inputs, losses and result. Reads no config.

Whatever comes from coarser scales is an argument, so that a compiled iteration holds no weights.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from deepsim_jax.systems.singan import networks, noise, pyramid, quantising, sampling, wgan
from deepsim_jax.systems.singan.learned import Learned
from deepsim_jax.systems.singan.pyramid import Pyramid


@struct.dataclass
class Finished:
    """The result of the trained scales, from which the next one starts.

    Attributes:
      learned: the trained scales.
      discriminator: parameters of the finest one's discriminator; None: the next scale draws its own.
      rebuilt: (1, h, w, C) in [-1, 1], the finest one's reconstruction, from {z*, 0, ..., 0}.
    """

    learned: Learned
    discriminator: Any
    rebuilt: jax.Array


@struct.dataclass
class Target:
    """The training data of a scale.

    Attributes:
      real: (1, h, w, C) in [-1, 1], the photo at this scale.
      previous: (1, h, w, C) in [-1, 1], the coarser scales' reconstruction at this size; 0 at scale 0.
    """

    real: jax.Array
    previous: jax.Array


@struct.dataclass
class Carried:
    """The state of a scale in training, apart from its parameters.

    Attributes:
      amplitude: scalar, of its noise.
      fixed_noise: (1, h, w, C), its reconstruction noise: z* at scale 0, zeros above.
      statistics: the generator's "batch_stats"; an empty dict without running statistics.
    """

    amplitude: jax.Array
    fixed_noise: jax.Array
    statistics: Any


@struct.dataclass
class Draws:
    """The random inputs of one iteration with k critic updates and n samples.

    Attributes:
      noise: (n, h, w, C), of this scale, the same for all updates as in the published program.
      previous: (k, n, h, w, C) in [-1, 1], random samples of the coarser scales at this size.
      mix: (k, n, 1, 1, 1), uniform in [0, 1], for the gradient penalty.
    """

    noise: jax.Array
    previous: jax.Array
    mix: jax.Array


@dataclasses.dataclass(frozen=True)
class Task:
    """The training of one scale, as `training.alternating` calls it.

    Attributes:
      pyramid: sizes and widths of all scales.
      scale: which one; 0 is the coarsest.
      running: whether running statistics are kept (`networks.BatchNorm`).
      dtype: of the convolutions, "float32" or "bfloat16".
      critic_updates: of the discriminator in one iteration.
      penalty_weight: lambda, of the gradient penalty.
      reconstruction_weight: alpha; 100 for super-resolution.
      noise_weight: of the reconstruction error in the noise's amplitude.
      noise_margin: whether there is noise in the generators' margins too, as in the published
        program's animations.
      redrawn: whether z* is drawn anew in each iteration of scale 0, the last one staying, as in the
        published program; else it is drawn once, as in the paper.
      centres: colours, in [-1, 1] for each channel, to which all that comes from the coarser scales is
        reduced (`quantising`); None: it stays as it is.
    """

    pyramid: Pyramid
    scale: int
    running: bool = False
    dtype: str = "float32"
    critic_updates: int = 3
    penalty_weight: float = 0.1
    reconstruction_weight: float = 10.0
    noise_weight: float = 0.1
    noise_margin: bool = False
    redrawn: bool = False
    centres: tuple[tuple[float, ...], ...] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of this scale's pictures."""
        return self.pyramid.sizes[self.scale]

    def target(self, picture: jax.Array, finished: Finished | None) -> Target:
        """The training data, of the photo at this scale (h, w, C) and the coarser scales (None at 0)."""
        real = picture[None]
        if finished is None:
            return Target(real, jnp.zeros_like(real))
        return Target(real, self._enters(finished.rebuilt))

    def frozen(self, finished: Finished | None) -> Learned | None:
        """The weights of the coarser scales, which an iteration uses."""
        return None if finished is None else finished.learned

    def init(self, key: jax.Array, finished: Finished | None, channels: int = 3):
        """Parameters of both networks by name: the coarser scale's where the widths agree."""
        widths = self.pyramid.widths
        if (
            finished is not None
            and finished.discriminator is not None
            and widths[self.scale] == widths[self.scale - 1]
        ):
            inherited = {
                "generator": finished.learned.generators[-1],
                "discriminator": finished.discriminator,
            }
            return jax.tree.map(jnp.copy, inherited)
        g_key, d_key = jax.random.split(key)
        image = jnp.zeros((1, *self.size, channels))
        return {
            "generator": self._generator().init(g_key, image, image)["params"],
            "discriminator": self._discriminator().init(d_key, image)["params"],
        }

    def carried(self, key: jax.Array, target: Target) -> Carried:
        """The scale's state before its first iteration."""
        channels = target.real.shape[-1]
        image = jnp.zeros((1, *self.size, channels))
        # Fresh statistics are constants: the key has no influence.
        shapes = jax.eval_shape(self._generator().init, key, image, image).get("batch_stats", {})
        statistics = jax.tree_util.tree_map_with_path(
            lambda path, leaf: (jnp.ones if path[-1].key == "var" else jnp.zeros)(leaf.shape, leaf.dtype),
            shapes,
        )
        if self.scale:
            return Carried(
                noise.amplitude(target.real, target.previous, weight=self.noise_weight),
                jnp.zeros((1, *self._noise_size(), channels)),
                statistics,
            )
        return Carried(noise.amplitude(target.real, None), self._noise(key, channels), statistics)

    def draw(self, keys: jax.Array, learned: Learned | None, carried: Carried) -> tuple[Draws, Carried]:
        """Draws the random inputs of an iteration, and z* again if `redrawn` is set.

        Args:
          keys: (n,), one for each sample.
          learned: the coarser scales; None at scale 0.
          carried: of this scale.
        """
        channels, count = carried.fixed_noise.shape[-1], self.critic_updates
        # Folded so that no key meets the numbers of the scales that `sampling` folds in.
        noise_keys, mix_keys, previous_keys, fixed_noise_keys = jax.vmap(
            lambda key: jax.random.split(key, 4)
        )(keys).T
        noise_maps = jax.vmap(lambda key: self._noise(key, channels)[0])(noise_keys)
        mix = jax.vmap(lambda key: jax.random.uniform(key, (count, 1, 1, 1)))(mix_keys).swapaxes(0, 1)
        if learned is None:
            previous = jnp.zeros((count, len(keys), *self.size, channels))
        else:
            update_keys = jax.vmap(lambda key: jax.random.split(key, count), out_axes=1)(previous_keys)
            maps = sampling.noise_maps(update_keys.reshape(-1), learned, sampling.scale_sizes(learned))
            below = sampling.refine(learned, maps)[-1]
            previous = self._enters(below)
            previous = previous.reshape(count, len(keys), *previous.shape[1:])
        if self.scale == 0 and self.redrawn:
            carried = dataclasses.replace(carried, fixed_noise=self._noise(fixed_noise_keys[0], channels))
        return Draws(noise_maps, previous, mix), carried

    def judged(self, generator, draws: Draws, carried: Carried) -> list[tuple[jax.Array, jax.Array]]:
        """Fake images for the critic: (images, mix) for each update, all by the same generator."""
        count, samples = draws.previous.shape[:2]
        previous = draws.previous.reshape(-1, *draws.previous.shape[2:])
        noise_maps = jnp.tile(draws.noise, (count, 1, 1, 1))
        fake, _ = self._generate(generator, carried, noise_maps, previous)
        return list(zip(fake.reshape(count, samples, *fake.shape[1:]), draws.mix, strict=True))

    def critic_loss(self, discriminator, judged: tuple[jax.Array, jax.Array], target: Target):
        """(loss, terms) of one critic update (`wgan.critic_loss`)."""
        fake, mix = judged
        return wgan.critic_loss(
            self._critic(discriminator), target.real, fake, mix, penalty_weight=self.penalty_weight
        )

    def generator_loss(self, generator, discriminator, draws: Draws, target: Target, carried: Carried):
        """(loss, (terms, carried)) of one generator update (`wgan.generator_loss`).

        The generated pictures, those of the last critic update, are made anew by the parameters at
        hand. (The published program makes them once and carries the slopes of all its updates
        through that graph; see `adversarial_loss`.)

        Beside the loss's terms: "psnr" of the reconstruction, dB, and "contrast", the generated
        pictures' standard deviation over the photo's, which tells a collapse.
        """
        samples = len(draws.noise)
        images, carried = self._generate(
            generator,
            carried,
            jnp.concatenate([draws.noise, carried.fixed_noise]),
            jnp.concatenate([draws.previous[-1], target.previous]),
        )
        fake, rebuilt = images[:samples], images[samples:]
        loss, terms = wgan.generator_loss(
            self._critic(discriminator)(fake),
            rebuilt,
            target.real,
            reconstruction_weight=self.reconstruction_weight,
        )
        figures = {"psnr": _psnr(terms), "contrast": _contrast(fake, target)}
        return loss, ({**terms, **figures}, carried)

    def adversarial_loss(self, generator, discriminator, draws: Draws, target: Target, carried: Carried):
        """The first term of `generator_loss` alone, for the generated pictures; returns as it does."""
        fake, carried = self._generate(generator, carried, draws.noise, draws.previous[-1])
        loss = -self._critic(discriminator)(fake).mean()
        return loss, ({"g_adversarial": loss, "contrast": _contrast(fake, target)}, carried)

    def reconstruction_loss(self, generator, target: Target, carried: Carried):
        """The second term alone, weighted."""
        rebuilt, carried = self._generate(generator, carried, carried.fixed_noise, target.previous)
        terms = {"g_reconstruction": jnp.square(rebuilt - target.real).mean()}
        loss = self.reconstruction_weight * terms["g_reconstruction"]
        return loss, ({**terms, "psnr": _psnr(terms)}, carried)

    def finish(
        self, finished: Finished | None, generator, discriminator, carried: Carried, target: Target
    ) -> Finished:
        """The result with this scale added; also while it is still training."""
        fixed_noise = carried.fixed_noise
        learned = Learned((), (), (), fixed_noise, self.pyramid, self.dtype)
        if finished is not None:
            learned = finished.learned
        learned = dataclasses.replace(
            learned,
            generators=(*learned.generators, generator),
            statistics=(*learned.statistics, carried.statistics),
            amplitudes=(*learned.amplitudes, carried.amplitude),
        )
        rebuilt = learned.apply(self.scale, fixed_noise, target.previous)
        return Finished(learned, discriminator, jnp.clip(rebuilt, -1, 1))

    def _enters(self, below):
        """The output of the scale below, upsampled (and quantised) as the input of this one."""
        previous = pyramid.upsample(below, self.pyramid.factor, self.size)
        if self.centres is None:
            return previous
        return quantising.quantise(previous, jnp.asarray(self.centres, previous.dtype))

    def _generator(self):
        return networks.Generator(self.pyramid.widths[self.scale], self.running, jnp.dtype(self.dtype))

    def _discriminator(self):
        return networks.Discriminator(self.pyramid.widths[self.scale], jnp.dtype(self.dtype))

    def _critic(self, params):
        return lambda images: self._discriminator().apply({"params": params}, images)

    def _generate(self, params, carried, noise_maps, previous):
        """(pictures, carried with the statistics of these pictures added)."""
        variables = {"params": params}
        if not self.running:
            return self._generator().apply(variables, noise_maps, previous, carried.amplitude), carried
        images, changed = self._generator().apply(
            {**variables, "batch_stats": carried.statistics},
            noise_maps,
            previous,
            carried.amplitude,
            mutable=["batch_stats"],
        )
        return images, dataclasses.replace(carried, statistics=changed["batch_stats"])

    def _noise(self, key, channels):
        return noise.draw(key, self._noise_size(), coarsest=self.scale == 0, channels=channels)

    def _noise_size(self):
        margin = 2 * networks.PADDING * self.noise_margin
        height, width = self.size
        return height + margin, width + margin


def _psnr(terms):
    """Of the reconstruction, in dB; the pictures span 2, from -1 to 1."""
    return 10 * jnp.log10(4 / jnp.maximum(terms["g_reconstruction"], 1e-12))


def _contrast(fake, target):
    return jnp.std(fake) / (jnp.std(target.real) + 1e-6)
