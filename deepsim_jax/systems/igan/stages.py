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

    handoff = export

    def _augments(self) -> bool:
        if self.augmented != "auto":
            return self.augmented == "always"
        return len(self.pictures.collection.pictures) < augment.SMALL

    def _step(self, axis, state, samples, pictures, frozen):
        augments = self._augments()
        key = jax.random.fold_in(jax.random.key(self.seed), state.step)
        decay = self.updates.decay(state.step)
        g, d = state.params["generator"], state.params["discriminator"]
        g_opt, d_opt = state.opt_state["generator"], state.opt_state["discriminator"]
        network = self.sizes.discriminator(axis)

        def keys(number):
            """One for each sample, of so many a draw in a step."""
            own = jax.random.fold_in(key, number)
            return jax.vmap(lambda index: jax.random.fold_in(own, index))(samples)

        def seen(x, number):
            return augment.diffaugment(keys(number), x) if augments else x

        def judge(params, x):
            return network.apply({"params": params}, x)[:, 0]

        def made(params, number):
            latents = jax.vmap(lambda key: draw(key, 1, self.sizes.latent)[0])(keys(number))
            return self.sizes.generator(axis).apply({"params": params}, latents)

        def d_loss(params, real, fake):
            on_real, on_fake = judge(params, real), judge(params, fake)
            loss = jax.nn.softplus(-on_real).mean() + jax.nn.softplus(on_fake).mean()
            terms = {"d_loss": loss, "d_real": jax.nn.sigmoid(on_real).mean()}
            terms["d_fake"] = jax.nn.sigmoid(on_fake).mean()
            return loss + self.l2 * _half_squares(params), terms

        def penalty(params, real):
            slope = jax.grad(lambda x: judge(params, x).sum())(real)
            return 0.5 * self.r1 * jnp.square(slope).sum((1, 2, 3)).mean()

        fakes, pull = jax.vjp(lambda params: made(params, 0), g)
        draws = 4 * self.d_updates
        for number in range(0, draws, 4):
            last = number + 4 == draws
            fake = fakes if last else made(g, number + 4)
            real = self.pictures.batch(keys(number + 1), pictures)
            shown = seen(real, number + 2)
            gradient, d_terms = jax.grad(d_loss, has_aux=True)(d, shown, seen(fake, number + 3))
            if self.r1 and last:
                added = jax.lax.cond(
                    state.step % self.r1_every == 0,
                    lambda d, x: jax.grad(penalty)(d, x),
                    lambda d, x: jax.tree.map(jnp.zeros_like, d),
                    d,
                    shown,
                )
                gradient = jax.tree.map(lambda g, r: g + self.r1_every * r, gradient, added)
            gradient = _averaged(gradient, axis)
            d, d_opt = steps.update(self.updates.moments, gradient, d_opt, d, self.updates.d_rate * decay)

        def g_loss(fake):
            return jax.nn.softplus(-judge(d, seen(fake, draws))).mean()

        loss, slope = jax.value_and_grad(g_loss)(fakes)
        (gradient,) = pull(slope)
        kernels = jax.grad(lambda params: self.l2 * _half_squares(params))(g)
        gradient = _averaged(jax.tree.map(jnp.add, gradient, kernels), axis)
        g, g_opt = steps.update(self.updates.moments, gradient, g_opt, g, self.updates.g_rate * decay)

        metrics = {
            "g_loss": loss,
            **d_terms,
            "contrast": fakes.std((1, 2)).mean() / (real.std((1, 2)).mean() + 1e-6),
            "diversity": fakes.std(0).mean() / (real.std(0).mean() + 1e-6),
        }
        trained = {"generator": g, "discriminator": d}
        opt_state = {"generator": g_opt, "discriminator": d_opt}
        state = steps.advanced(state, trained, opt_state, self.updates.ema)
        return state, {**_averaged(metrics, axis), "rate": self.updates.g_rate * decay}


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
        """A random encoder."""
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


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def _begin_game(key, sizes, moments, averaged):
    g_key, d_key = jax.random.split(key)
    params = {
        "generator": sizes.generator().init(g_key, jnp.zeros((2, sizes.latent)))["params"],
        "discriminator": sizes.discriminator().init(d_key, _blank(sizes))["params"],
    }
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
