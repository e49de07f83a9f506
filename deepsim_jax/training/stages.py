"""The stages of a run: each has a compiled step of its own and begins with what the ones before left.

A stage has `steps`, how many; `begin(earlier)`, the state before the first; `make_step(axis)`, as
`step.make_step`; `given(earlier)`, the (data, frozen weights) that each step gets; `leave(earlier,
state)`, what pictures are made from, at its end or before; `hand_on(earlier, state)`, what the next
stage begins with, and `builds_on`, whether that one needs it throughout, as its `earlier`; `title` and
`about`, words and figures that say where one is in the run; `effort`, about how long a step takes on
a CPU, in any unit that the run's stages share. `earlier` is None for the first stage. The states' steps
are counted within the stage.
"""

import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from deepsim_jax.training import alternating
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps


@dataclasses.dataclass(frozen=True, eq=False)
class Simultaneous:
    """A stage in which both networks are trained at once (`step.make_step`).

    It leaves the generator's parameters. One that follows another goes on with its state; their sizes
    of pictures may differ.

    Attributes:
      task: has `init(key)`, `batch(keys, pair)` and `losses(g, d, batch, frozen)`.
      updates: the optimiser's part.
      seed: of the run.
      pair: what is trained on, on the device.
      frozen: weights that are used but not trained, or None.
      initial: (generator, discriminator) parameters before the first step, or None for random ones.
      dtype: that the networks compute in.
    """

    task: Any
    updates: steps.Updates
    seed: int
    pair: Any
    frozen: Any
    initial: Any = None
    dtype: str = "float32"
    title: str = ""
    about: dict[str, float] = dataclasses.field(default_factory=dict)
    effort: float = 1.0
    builds_on: ClassVar[bool] = False

    @property
    def steps(self) -> int:
        """How many it has."""
        return self.updates.steps

    def begin(self, earlier: states.TrainState | None = None) -> states.TrainState:
        """The state before the first step: that handed on, or a new one, made in one compiled call."""
        if earlier is not None:
            return earlier.replace(step=jnp.zeros((), jnp.int32))
        # The default generator takes half a second to compile for every single array.
        return self._create(jax.random.key(self.seed, impl="rbg"), self.initial)

    @functools.cached_property
    def _create(self):
        def create(key, initial):
            # Copied: the steps are given the state's arrays to overwrite.
            init = self.task.init if initial is None else lambda _: jax.tree.map(jnp.copy, initial)
            return states.create(init, key, self.updates.moments, ema=self.updates.ema > 0)

        return jax.jit(create)

    def make_step(self, axis: str | None):
        """The step."""
        return steps.make_step(
            self.task.batch, self.task.losses, self.updates, seed=self.seed, axis=axis,
            dtype=self.dtype)

    def given(self, earlier: None = None):
        """(pair, frozen)."""
        return self.pair, self.frozen

    def leave(self, earlier: None, state: states.TrainState):
        """The generator's parameters, its moving average where there is one."""
        return state.best_generator

    def hand_on(self, earlier: None, state: states.TrainState) -> states.TrainState:
        """The state."""
        return state


@dataclasses.dataclass(frozen=True, eq=False)
class Alternating:
    """A stage in which the networks are trained in turns (`alternating.make_step`), one of several.

    Attributes:
      task: hashable; beside what `alternating.make_step` asks for, it has `target(picture, earlier)`,
        `init(key, earlier)`, `carried(key, target)`, `frozen(earlier)` and `finish(earlier, generator,
        discriminator, carried, target)`.
      updates: the optimiser's part.
      generator_updates: in one iteration.
      seed: of the run.
      number: of the stage, from 0.
      picture: what is trained on, on the device.
      title, about, effort: see above.
    """

    task: Any
    updates: steps.Updates
    generator_updates: int
    seed: int
    number: int
    picture: jax.Array
    title: str = ""
    about: dict[str, float] = dataclasses.field(default_factory=dict)
    effort: float = 1.0
    builds_on: ClassVar[bool] = True

    @property
    def steps(self) -> int:
        """How many iterations it has."""
        return self.updates.steps

    def begin(self, earlier) -> states.TrainState:
        """The state before the first iteration, made in one compiled call."""
        # The default generator takes half a second to compile for every single array.
        key = jax.random.fold_in(jax.random.key(self.seed, impl="rbg"), self.number)
        return _begin(self.task, self.updates.moments, self.updates.ema > 0, key, self.picture, earlier)

    def make_step(self, axis: str | None):
        """The step, for one device."""
        return alternating.make_step(self.task, self.updates, seed=self.seed, stage=self.number,
                                     generator_updates=self.generator_updates)

    def given(self, earlier):
        """(what is trained on, the weights of earlier stages)."""
        return _target(self.task, self.picture, earlier), self.task.frozen(earlier)

    def leave(self, earlier, state: states.TrainState):
        """What the task makes of it."""
        return _finish(self.task, earlier, state.best_generator, state.discriminator, state.carried,
                       self.picture)

    hand_on = leave


@dataclasses.dataclass(frozen=True, eq=False)
class After:
    """A stage that begins with what stages of another run have left; a run's only one.

    Attributes:
      stage: which one.
      left: what it begins with.
    """

    stage: Any
    left: Any

    @property
    def steps(self) -> int:
        """How many it has."""
        return self.stage.steps

    @property
    def title(self) -> str:
        """The stage's."""
        return self.stage.title

    @property
    def about(self) -> dict[str, float]:
        """The stage's."""
        return self.stage.about

    @property
    def effort(self) -> float:
        """The stage's."""
        return self.stage.effort

    def begin(self, earlier: None = None) -> states.TrainState:
        """The state before the first step."""
        return self.stage.begin(self.left)

    def make_step(self, axis: str | None):
        """The step."""
        return self.stage.make_step(axis)

    def given(self, earlier: None = None):
        """The (data, frozen weights) of each step."""
        return self.stage.given(self.left)

    def leave(self, earlier: None, state: states.TrainState):
        """What the stage leaves."""
        return self.stage.leave(self.left, state)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _begin(task, moments, ema, key, picture, earlier):
    of_weights, of_noise = jax.random.split(key)
    carried = task.carried(of_noise, task.target(picture, earlier))
    return states.create(lambda key: task.init(key, earlier), of_weights, moments, ema=ema,
                         carried=carried)


@functools.partial(jax.jit, static_argnums=0)
def _target(task, picture, earlier):
    return task.target(picture, earlier)


@functools.partial(jax.jit, static_argnums=0)
def _finish(task, earlier, generator, discriminator, carried, picture):
    return task.finish(earlier, generator, discriminator, carried, task.target(picture, earlier))
