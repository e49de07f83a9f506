"""SinGAN's wiring of one scale: networks, draws, losses, what is left to the next. Reads no config.

All that comes from coarser scales is an argument, so that a compiled iteration holds no weights.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from deepsim_jax.models.singan import networks, noise, pyramid, quantising, sampling, wgan
from deepsim_jax.models.singan.learned import Learned
from deepsim_jax.models.singan.pyramid import Pyramid


@struct.dataclass
class Finished:
    """What the scales that are trained leave to the next one.

    Attributes:
      learned: their generators and what belongs to them.
      discriminator: parameters, of the last of them; None: the next one's are drawn.
      rebuilt: (1, h, w, C) in [-1, 1], what the last of them makes of {z*, 0, ..., 0}.
    """

    learned: Learned
    discriminator: Any
    rebuilt: jax.Array


@struct.dataclass
class Target:
    """What a scale is trained on.

    Attributes:
      real: (1, h, w, C) in [-1, 1], the photo at this scale.
      previous: (1, h, w, C) in [-1, 1], the coarser scales' reconstruction at this size; 0 at scale 0.
    """

    real: jax.Array
    previous: jax.Array


@struct.dataclass
class Carried:
    """What a scale in training has beside its parameters.

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
    """What is random in one iteration with k critic updates and n samples.

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
        """What to train on: from the photo at this scale (h, w, C) and the coarser scales (None at 0)."""
        real = picture[None]
        if finished is None:
            return Target(real, jnp.zeros_like(real))
        return Target(real, self._enters(finished.rebuilt))

    def frozen(self, finished: Finished | None) -> Learned | None:
        """The weights of the coarser scales, which an iteration uses."""
        return None if finished is None else finished.learned

    def init(self, key: jax.Array, finished: Finished | None, channels: int = 3):
        """(generator's parameters, discriminator's): the coarser scale's where the widths agree."""
        widths = self.pyramid.widths
        inherits = finished is not None and finished.discriminator is not None
        if inherits and widths[self.scale] == widths[self.scale - 1]:
            return jax.tree.map(jnp.copy, (finished.learned.generators[-1], finished.discriminator))
        g_key, d_key = jax.random.split(key)
        picture = jnp.zeros((1, *self.size, channels))
        return (self._generator().init(g_key, picture, picture)["params"],
                self._discriminator().init(d_key, picture)["params"])

    def carried(self, key: jax.Array, target: Target) -> Carried:
        """What belongs to the scale before its first iteration."""
        channels = target.real.shape[-1]
        picture = jnp.zeros((1, *self.size, channels))
        # Of fresh statistics the values are constants: the key is of no influence.
        shapes = jax.eval_shape(self._generator().init, key, picture, picture).get("batch_stats", {})
        statistics = jax.tree_util.tree_map_with_path(
            lambda path, leaf: (jnp.ones if path[-1].key == "var" else jnp.zeros)(leaf.shape, leaf.dtype),
            shapes)
        if self.scale:
            return Carried(noise.amplitude(target.real, target.previous, weight=self.noise_weight),
                           jnp.zeros((1, *self._noise_size(), channels)), statistics)
        return Carried(noise.amplitude(target.real, None), self._noise(key, channels), statistics)

    def draw(self, keys: jax.Array, learned: Learned | None, carried: Carried) -> tuple[Draws, Carried]:
        """What is random in an iteration, and z*, which may be redrawn.

        Args:
          keys: (n,), one for each sample.
          learned: the coarser scales; None at scale 0.
          carried: of this scale.
        """
        channels, count = carried.fixed_noise.shape[-1], self.critic_updates
        # Folded so that no key meets the numbers of the scales that `sampling` folds in.
        of_noise, of_mix, of_previous, of_fixed = jax.vmap(lambda key: jax.random.split(key, 4))(keys).T
        drawn = jax.vmap(lambda key: self._noise(key, channels)[0])(of_noise)
        mix = jax.vmap(lambda key: jax.random.uniform(key, (count, 1, 1, 1)))(of_mix).swapaxes(0, 1)
        if self.scale == 0:
            previous = jnp.zeros((count, len(keys), *self.size, channels))
        else:
            each = jax.vmap(lambda key: jax.random.split(key, count), out_axes=1)(of_previous)
            maps = sampling.noise_maps(each.reshape(-1), learned, sampling.scale_sizes(learned))
            below = sampling.refine(learned, maps)[-1]
            previous = self._enters(below)
            previous = previous.reshape(count, len(keys), *previous.shape[1:])
        if self.scale == 0 and self.redrawn:
            carried = carried.replace(fixed_noise=self._noise(of_fixed[0], channels))
        return Draws(drawn, previous, mix), carried

    def judged(self, generator, draws: Draws, carried: Carried) -> list[tuple[jax.Array, jax.Array]]:
        """(generated pictures, mix) for each critic update: the generator stands still meanwhile."""
        count, samples = draws.previous.shape[:2]
        previous = draws.previous.reshape(-1, *draws.previous.shape[2:])
        drawn = jnp.tile(draws.noise, (count, 1, 1, 1))
        fake, _ = self._generate(generator, carried, drawn, previous)
        return list(zip(fake.reshape(count, samples, *fake.shape[1:]), draws.mix, strict=True))

    def critic_loss(self, discriminator, judged: tuple[jax.Array, jax.Array], target: Target):
        """(loss, terms) of one critic update (`wgan.critic_loss`)."""
        fake, mix = judged
        return wgan.critic_loss(self._critic(discriminator), target.real, fake, mix,
                                penalty_weight=self.penalty_weight)

    def generator_loss(self, generator, discriminator, draws: Draws, target: Target, carried: Carried):
        """(loss, (terms, carried)) of one generator update (`wgan.generator_loss`).

        The generated pictures, those of the last critic update, are made anew by the parameters at
        hand. (The published program makes them once and carries the slopes of all its updates
        through the parameters that it began with.)

        Beside the loss's terms: "psnr" of the reconstruction, dB, and "contrast", the generated
        pictures' standard deviation over the photo's, which tells a collapse.
        """
        samples = len(draws.noise)
        made, carried = self._generate(
            generator, carried, jnp.concatenate([draws.noise, carried.fixed_noise]),
            jnp.concatenate([draws.previous[-1], target.previous]))
        fake, rebuilt = made[:samples], made[samples:]
        loss, terms = wgan.generator_loss(self._critic(discriminator)(fake), rebuilt, target.real,
                                          reconstruction_weight=self.reconstruction_weight)
        # The pictures span 2, from -1 to 1.
        psnr = 10 * jnp.log10(4 / jnp.maximum(terms["g_reconstruction"], 1e-12))
        contrast = jnp.std(fake) / (jnp.std(target.real) + 1e-6)
        return loss, ({**terms, "psnr": psnr, "contrast": contrast}, carried)

    def finish(self, finished: Finished | None, generator, discriminator, carried: Carried,
               target: Target) -> Finished:
        """What is left with this scale; also while it is still training."""
        fixed_noise = carried.fixed_noise
        learned = Learned((), (), (), fixed_noise, self.pyramid, self.dtype)
        if finished is not None:
            learned = finished.learned
        learned = learned.replace(
            generators=(*learned.generators, generator),
            statistics=(*learned.statistics, carried.statistics),
            amplitudes=(*learned.amplitudes, carried.amplitude))
        rebuilt = learned.apply(self.scale, fixed_noise, target.previous)
        return Finished(learned, discriminator, jnp.clip(rebuilt, -1, 1))

    def _enters(self, below):
        """What the scale below makes, as it enters this one."""
        previous = pyramid.upsample(below, self.pyramid.factor, self.size)
        if self.centres is None:
            return previous
        return quantising.quantise(previous, jnp.asarray(self.centres, previous.dtype))

    def _generator(self):
        return networks.Generator(self.pyramid.widths[self.scale], self.running, jnp.dtype(self.dtype))

    def _discriminator(self):
        return networks.Discriminator(self.pyramid.widths[self.scale], jnp.dtype(self.dtype))

    def _critic(self, params):
        return lambda pictures: self._discriminator().apply({"params": params}, pictures)

    def _generate(self, params, carried, drawn, previous):
        """(pictures, carried with the statistics of these pictures added)."""
        variables = {"params": params}
        if not self.running:
            return self._generator().apply(variables, drawn, previous, carried.amplitude), carried
        made, changed = self._generator().apply(
            {**variables, "batch_stats": carried.statistics}, drawn, previous, carried.amplitude,
            mutable=["batch_stats"])
        return made, carried.replace(statistics=changed["batch_stats"])

    def _noise(self, key, channels):
        return noise.draw(key, self._noise_size(), coarsest=self.scale == 0, channels=channels)

    def _noise_size(self):
        margin = 2 * networks.PADDING * self.noise_margin
        height, width = self.size
        return height + margin, width + margin
