"""The two stages of a training: the game of generator and discriminator, and the encoder after it."""

import dataclasses
import functools
import pathlib
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from deepsim_jax.systems.igan import augment, collection
from deepsim_jax.systems.igan.learned import Learned, draw, with_statistics
from deepsim_jax.systems.igan.networks import Sizes
from deepsim_jax.systems.igan.perception import Perception
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps
from deepsim_jax.training.step import Step, Updates


class Pictures:
    """What both stages are trained on, from a run's folder; opened when it is first asked for.

    Before a run is begun there is nothing in its folder: the collection is decoded when it is claimed.
    """

    def __init__(self, folder: pathlib.Path, *, mirror: bool = False):
        """Takes the run's folder `pair`; `mirror`: whether half of the draws are mirrored."""
        self._folder, self._mirror = folder, mirror

    @functools.cached_property
    def collection(self) -> collection.Collection:
        """The collection."""
        return collection.load(self._folder)

    @functools.cached_property
    def on_device(self) -> jax.Array:
        """The pictures that are trained on, uint8: in an accelerator's memory; on a CPU the file."""
        with jax.ensure_compile_time_eval():  # it may be first asked for its shape
            return jax.device_put(self.collection.pictures)

    def batch(self, keys: jax.Array, pictures: jax.Array) -> jax.Array:
        """Pictures drawn by keys (N,): (N, size, size, 3) in [-1, 1]."""
        number, side = jax.vmap(jax.random.split, out_axes=1)(keys)
        chosen = jax.vmap(lambda key: jax.random.randint(key, (), 0, len(pictures)))(number)
        drawn = pictures[chosen].astype(jnp.float32) / 127.5 - 1.0
        return augment.mirrored(side, drawn) if self._mirror else drawn


@dataclasses.dataclass(frozen=True, eq=False)
class GameStage:
    """Generator against discriminator, with the losses of DCGAN: a run's first stage.

    A step has some updates of the discriminator, each with pictures and samples of its own, and one of
    the generator with the last of these samples. Every sample's draws come from the key of seed, step and
    its place in the global batch, so that a resumed run repeats exactly and any number of devices draws
    the same.

    Attributes:
      sizes: of the networks.
      updates: the optimiser's part.
      seed: of the run.
      pictures: what is trained on.
      d_updates: of the discriminator in a step.
      l2: weight of half the squared kernels.
      r1: gamma of the penalty on the discriminator's gradient at real pictures (Mescheder et al. 2018).
      r1_every: steps between the penalty's updates, each so many times as strong (Karras et al. 2020,
        app. B).
      augmented: "never", "always", or "auto" for small collections.
      samples: from which the trained generator's statistics are taken.
      coverage: weight of the mean squared difference between the pictures and what the generator makes of
        an encoder's z of them; the encoder is trained along, and handed on. 0: neither. A game alone may
        leave out what is rare among the pictures, and nothing can be projected there.
    """

    sizes: Sizes
    updates: Updates
    seed: int
    pictures: Pictures
    d_updates: int = 1
    l2: float = 0.0
    r1: float = 0.0
    r1_every: int = 16
    augmented: str = "never"
    samples: int = 512
    coverage: float = 0.0
    title: str = "generator and discriminator"
    about: dict[str, float] = dataclasses.field(default_factory=lambda: {"stage": 0})
    effort: float = 1.0
    builds_on: ClassVar[bool] = False

    @property
    def steps(self) -> int:
        """How many it has."""
        return self.updates.steps

    def begin(self, previous: None = None) -> states.TrainState:
        """Random networks, made in one compiled call."""
        return _begin_game(
            jax.random.key(self.seed, impl="rbg"),
            self.sizes,
            self.updates.moments,
            self.updates.averaged,
            self.coverage > 0,
        )

    def make_step(self, axis: str | None) -> Step:
        """The step; `axis`: of devices over which gradients and the norms' statistics are averaged."""
        return Step.plain(functools.partial(self._step, axis))

    def inputs(self, previous: None = None) -> tuple[Any, Any]:
        """(the pictures, nothing)."""
        return self.pictures.on_device, None

    def export(self, previous: None, state: states.TrainState) -> Learned:
        """The networks, with the statistics of many samples."""
        generator = state.best("generator")
        return Learned(
            generator=generator,
            statistics=with_statistics(generator, self.sizes, self.samples),
            discriminator=state.params["discriminator"],
            sizes=self.sizes,
        )

    def handoff(self, previous: None, state: states.TrainState) -> Learned:
        """The same, with the encoder that was trained along, which the next stage begins with."""
        return dataclasses.replace(self.export(previous, state), encoder=state.params.get("encoder"))

    @property
    def augments(self) -> bool:
        """Whether the discriminator sees augmented pictures."""
        if self.augmented != "auto":
            return self.augmented == "always"
        return len(self.pictures.collection.pictures) < augment.SMALL

    def _step(self, axis, state, samples, pictures, frozen):
        play = _Play(self, axis, jax.random.fold_in(jax.random.key(self.seed), state.step), samples)
        decay = self.updates.decay(state.step)
        moments, rates = self.updates.moments, (self.updates.d_rate * decay, self.updates.g_rate * decay)
        made_by = {name: tree for name, tree in state.params.items() if name != "discriminator"}
        d, d_opt = state.params["discriminator"], state.opt_state["discriminator"]

        draws = 4 * self.d_updates
        real = self.pictures.batch(play.keys(draws - 3), pictures)
        (fakes, rebuilt), pull = jax.vjp(lambda made_by: play.made_and_rebuilt(made_by, real), made_by)
        for number in range(0, draws, 4):
            last = number + 4 == draws
            fake = fakes if last else play.made(made_by, play.latents(number + 4))
            shown = real if last else self.pictures.batch(play.keys(number + 1), pictures)
            shown, fake = play.seen(shown, number + 2), play.seen(fake, number + 3)
            gradient, d_terms = jax.grad(play.d_loss, has_aux=True)(d, shown, fake)
            if self.r1 and last:
                added = jax.lax.cond(
                    state.step % self.r1_every == 0,
                    lambda d, x: jax.grad(play.penalty)(d, x),
                    lambda d, x: jax.tree.map(jnp.zeros_like, d),
                    d,
                    shown,
                )
                gradient = jax.tree.map(lambda g, r: g + self.r1_every * r, gradient, added)
            d, d_opt = steps.update(moments, _averaged(gradient, axis), d_opt, d, rates[0])

        g_loss = functools.partial(play.g_loss, d, real, draws)
        slopes, g_terms = jax.grad(g_loss, (0, 1), has_aux=True)(fakes, rebuilt)
        (gradients,) = pull(list(slopes))
        kernels = jax.grad(lambda params: self.l2 * _half_squares(params))(made_by["generator"])
        gradients["generator"] = jax.tree.map(jnp.add, gradients["generator"], kernels)
        trained, opt_state = {"discriminator": d}, {"discriminator": d_opt}
        for name, gradient in _averaged(gradients, axis).items():
            trained[name], opt_state[name] = steps.update(
                moments, gradient, state.opt_state[name], made_by[name], rates[1]
            )

        metrics = {
            **g_terms,
            **d_terms,
            "contrast": fakes.std((1, 2)).mean() / (real.std((1, 2)).mean() + 1e-6),
            "diversity": fakes.std(0).mean() / (real.std(0).mean() + 1e-6),
        }
        state = steps.advanced(state, trained, opt_state, self.updates.ema)
        return state, {**_averaged(metrics, axis), "rate": rates[1]}


@dataclasses.dataclass(frozen=True)
class _Play:
    """What one step of a game draws, makes and judges.

    Attributes:
      stage: the game.
      axis: of devices.
      key: of the step.
      samples: their places in the global batch.
    """

    stage: GameStage
    axis: str | None
    key: jax.Array
    samples: jax.Array

    def keys(self, number):
        """One for each sample, of the draw of a number."""
        own = jax.random.fold_in(self.key, number)
        return jax.vmap(lambda index: jax.random.fold_in(own, index))(self.samples)

    def seen(self, x, number):
        return augment.diffaugment(self.keys(number), x) if self.stage.augments else x

    def latents(self, number):
        length = self.stage.sizes.latent
        return jax.vmap(lambda key: draw(key, 1, length)[0])(self.keys(number))

    def made(self, made_by, latents):
        return self.stage.sizes.generator(self.axis).apply({"params": made_by["generator"]}, latents)

    def made_and_rebuilt(self, made_by, real):
        """Samples, and pictures made anew: in one batch, so that one set of statistics fits both."""
        latents = self.latents(0)
        if self.stage.coverage:
            network = self.stage.sizes.encoder(self.axis)
            encoded = jnp.tanh(network.apply({"params": made_by["encoder"]}, real))
            latents = jnp.concatenate([latents, encoded])
        return jnp.split(self.made(made_by, latents), [len(self.samples)])

    def judge(self, params, x):
        return self.stage.sizes.discriminator(self.axis).apply({"params": params}, x)[:, 0]

    def d_loss(self, params, real, fake):
        on_real, on_fake = self.judge(params, real), self.judge(params, fake)
        loss = jax.nn.softplus(-on_real).mean() + jax.nn.softplus(on_fake).mean()
        terms = {"d_loss": loss, "d_real": jax.nn.sigmoid(on_real).mean()}
        terms["d_fake"] = jax.nn.sigmoid(on_fake).mean()
        return loss + self.stage.l2 * _half_squares(params), terms

    def penalty(self, params, real):
        slope = jax.grad(lambda x: self.judge(params, x).sum())(real)
        return 0.5 * self.stage.r1 * jnp.square(slope).sum((1, 2, 3)).mean()

    def g_loss(self, judging, real, number, fake, rebuilt):
        loss = jax.nn.softplus(-self.judge(judging, self.seen(fake, number))).mean()
        if not self.stage.coverage:
            return loss, {"g_loss": loss}
        missed = jnp.square(rebuilt - real).mean()
        terms = {"g_loss": loss, "rebuilt_rmse": 127.5 * jnp.sqrt(missed)}
        return loss + self.stage.coverage * missed, terms


@dataclasses.dataclass(frozen=True, eq=False)
class EncoderStage:
    """The network P, trained on what a projection minimises: cost(G(P(x)), x). The generator stays.

    Attributes:
      sizes, updates, seed, pictures: as in `GameStage`; the rate is `updates.g_rate`.
      perception: the cost.
    """

    sizes: Sizes
    updates: Updates
    seed: int
    pictures: Pictures
    perception: Perception
    title: str = "encoder"
    about: dict[str, float] = dataclasses.field(default_factory=lambda: {"stage": 1})
    effort: float = 1.0
    builds_on: ClassVar[bool] = True

    @property
    def steps(self) -> int:
        """How many it has."""
        return self.updates.steps

    def begin(self, previous: Learned) -> states.TrainState:
        """The encoder that the game has trained along, or a random one."""
        if previous.encoder is not None:
            encoder = jax.tree.map(jnp.copy, previous.encoder)  # a step's state is given up to the next
            return states.create({"encoder": encoder}, self.updates.moments)
        key = jax.random.fold_in(jax.random.key(self.seed, impl="rbg"), 1)
        return _begin_encoder(key, self.sizes, self.updates.moments)

    def make_step(self, axis: str | None) -> Step:
        """The step."""
        return Step.plain(functools.partial(self._step, axis))

    def inputs(self, previous: Learned) -> tuple[Any, Any]:
        """(the pictures, (the trained networks, the cost))."""
        return self.pictures.on_device, (previous, self.perception)

    def export(self, previous: Learned, state: states.TrainState) -> Learned:
        """All networks."""
        return dataclasses.replace(previous, encoder=state.params["encoder"])

    handoff = export

    def _step(self, axis, state, samples, pictures, frozen):
        learned, perception = frozen
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), 1), state.step)
        keys = jax.vmap(lambda index: jax.random.fold_in(key, index))(samples)
        real = self.pictures.batch(keys, pictures)
        decay = self.updates.decay(state.step)

        def loss(params):
            made = learned.replace(encoder=params).encode(real)
            made = learned.generate(made)
            cost = perception.cost(made, real).mean()
            return cost, {"cost": cost, "rmse": jnp.sqrt(jnp.square(made - real).mean()) * 127.5}

        gradient, metrics = jax.grad(loss, has_aux=True)(state.params["encoder"])
        gradient, metrics = _averaged((gradient, metrics), axis)
        encoder, opt_state = steps.update(
            self.updates.moments,
            gradient,
            state.opt_state["encoder"],
            state.params["encoder"],
            self.updates.g_rate * decay,
        )
        state = steps.advanced(state, {"encoder": encoder}, {"encoder": opt_state}, self.updates.ema)
        return state, {**metrics, "rate": self.updates.g_rate * decay}


@functools.partial(jax.jit, static_argnums=(1, 2, 3, 4))
def _begin_game(key, sizes, moments, averaged, with_encoder):
    g_key, d_key = jax.random.split(key)
    params = {
        "generator": sizes.generator().init(g_key, jnp.zeros((2, sizes.latent)))["params"],
        "discriminator": sizes.discriminator().init(d_key, _blank(sizes))["params"],
    }
    if with_encoder:
        p_key = jax.random.fold_in(key, 1)
        params["encoder"] = sizes.encoder().init(p_key, _blank(sizes))["params"]
    return states.create(params, moments, averaged=averaged)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _begin_encoder(key, sizes, moments):
    return states.create({"encoder": sizes.encoder().init(key, _blank(sizes))["params"]}, moments)


def _blank(sizes):
    return jnp.zeros((2, sizes.size, sizes.size, 3))


def _averaged(tree, axis):
    return tree if axis is None else jax.lax.pmean(tree, axis)


def _half_squares(params):
    """Half the sum of all squared kernels."""
    kernels = [leaf for leaf in jax.tree.leaves(params) if leaf.ndim > 1]
    return 0.5 * sum(jnp.square(kernel).sum() for kernel in kernels)
