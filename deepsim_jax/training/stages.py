"""The stages of a run: each has a compiled step of its own and begins with the earlier ones' exports."""

import dataclasses
import functools
from typing import Any, ClassVar, Protocol

import jax
import jax.numpy as jnp

from deepsim_jax.training import alternating
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps
from deepsim_jax.training.step import Step


class Stage(Protocol):
    """The interface of a stage for the loop. The steps of its states are counted within it."""

    @property
    def steps(self) -> int:
        """How many it has."""
        ...

    @property
    def title(self) -> str:
        """Words that say where one is in the run; empty where there is nothing to say."""
        ...

    @property
    def about(self) -> dict[str, float]:
        """Figures that say the same, in every row of the log."""
        ...

    @property
    def effort(self) -> float:
        """About how long a step takes on a CPU, in any unit that the run's stages share."""
        ...

    @property
    def builds_on(self) -> bool:
        """Whether it needs the exports of earlier stages throughout, not only at its beginning.

        Only then is `previous` given to `inputs`, `export` and `handoff`; else it is None.
        """
        ...

    def begin(self, previous: Any, /) -> states.TrainState:
        """The state before the first step; `previous` is None for a run's first stage, always."""
        ...

    def make_step(self, axis: str | None, /) -> Step:
        """The training step; `axis`: over which gradients are averaged, see `step.make_step`."""
        ...

    def inputs(self, previous: Any, /) -> tuple[Any, Any]:
        """The (data, frozen weights) that each step gets."""
        ...

    def export(self, previous: Any, state: states.TrainState, /) -> Any:
        """The trained weights for making pictures, at the stage's end or before."""
        ...

    def handoff(self, previous: Any, state: states.TrainState, /) -> Any:
        """The input of the next stage's `begin`."""
        ...


@dataclasses.dataclass(frozen=True, eq=False)
class JointStage:
    """A stage in which both networks are trained at once (`step.make_step`).

    It exports the generator's parameters. One that follows another goes on with its state; their sizes
    of pictures may differ.

    Attributes:
      task: has `init(key)`, parameters by the networks' names, `batch(keys, pair)` and `losses(g, d,
        batch, frozen)`.
      updates: the optimiser's part.
      seed: of the run.
      pair: what is trained on, on the device.
      frozen: weights that are used but not trained, or None.
      initial: parameters of both before the first step, by name, or None for random ones.
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

    def begin(self, previous: states.TrainState | None = None) -> states.TrainState:
        """The state before the first step: that handed on, or a new one, made in one compiled call."""
        if previous is not None:
            return dataclasses.replace(previous, step=jnp.zeros((), jnp.int32))
        # The default generator takes half a second to compile for every single array.
        return self._create(jax.random.key(self.seed, impl="rbg"), self.initial)

    @functools.cached_property
    def _create(self):
        def create(key, initial):
            # Copied: the steps are given the state's arrays to overwrite.
            init = self.task.init if initial is None else lambda _: jax.tree.map(jnp.copy, initial)
            return states.create(init(key), self.updates.moments, averaged=self.updates.averaged)

        return jax.jit(create)

    def make_step(self, axis: str | None):
        """The step."""
        return steps.make_step(
            self.task.batch, self.task.losses, self.updates, seed=self.seed, axis=axis, dtype=self.dtype
        )

    def inputs(self, previous: None = None):
        """(pair, frozen)."""
        return self.pair, self.frozen

    def export(self, previous: None, state: states.TrainState):
        """The generator's parameters, its moving average where there is one."""
        return state.best("generator")

    def handoff(self, previous: None, state: states.TrainState) -> states.TrainState:
        """The state."""
        return state


@dataclasses.dataclass(frozen=True, eq=False)
class AlternatingStage:
    """A stage in which the networks are trained in turns (`alternating.make_step`), one of several.

    Attributes:
      task: hashable; beside what `alternating.make_step` asks for, it has `target(picture, previous)`,
        `init(key, previous)`, `carried(key, target)`, `frozen(previous)` and `finish(previous, generator,
        discriminator, carried, target)`.
      updates: the optimiser's part.
      generator_updates: in one iteration.
      slopes: of the generator, see `alternating.make_step`.
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
    slopes: str = "each"
    title: str = ""
    about: dict[str, float] = dataclasses.field(default_factory=dict)
    effort: float = 1.0
    builds_on: ClassVar[bool] = True

    @property
    def steps(self) -> int:
        """How many iterations it has."""
        return self.updates.steps

    def begin(self, previous) -> states.TrainState:
        """The state before the first iteration, made in one compiled call."""
        # The default generator takes half a second to compile for every single array.
        key = jax.random.fold_in(jax.random.key(self.seed, impl="rbg"), self.number)
        averaged, moments = self.updates.averaged, self.updates.moments
        return _begin(self.task, moments, averaged, key, self.picture, previous)

    def make_step(self, axis: str | None):
        """The step, for one device."""
        return alternating.make_step(
            self.task,
            self.updates,
            seed=self.seed,
            stage=self.number,
            generator_updates=self.generator_updates,
            slopes=self.slopes,
        )

    def inputs(self, previous):
        """(what is trained on, the weights of earlier stages)."""
        return _target(self.task, self.picture, previous), self.task.frozen(previous)

    def export(self, previous, state: states.TrainState):
        """The result of the task's `finish`, with averaged weights where there are any."""
        generator, discriminator = state.best("generator"), state.params["discriminator"]
        return _finish(self.task, previous, generator, discriminator, state.carried, self.picture)

    handoff = export


@dataclasses.dataclass(frozen=True, eq=False)
class FollowUpStage:
    """A stage that begins with what stages of another run have exported; a run's only one.

    Attributes:
      stage: which one.
      previous: what it begins with.
    """

    stage: Stage
    previous: Any
    builds_on: ClassVar[bool] = False

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

    def begin(self, previous: None = None) -> states.TrainState:
        """The state before the first step."""
        return self.stage.begin(self.previous)

    def make_step(self, axis: str | None):
        """The step."""
        return self.stage.make_step(axis)

    def inputs(self, previous: None = None):
        """The (data, frozen weights) of each step."""
        return self.stage.inputs(self.previous)

    def export(self, previous: None, state: states.TrainState):
        """The inner stage's export."""
        return self.stage.export(self.previous, state)

    def handoff(self, previous: None, state: states.TrainState):
        """The inner stage's handoff."""
        return self.stage.handoff(self.previous, state)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _begin(task, moments, averaged, key, picture, previous):
    weight_key, noise_key = jax.random.split(key)
    carried = task.carried(noise_key, task.target(picture, previous))
    return states.create(task.init(weight_key, previous), moments, averaged=averaged, carried=carried)


@functools.partial(jax.jit, static_argnums=0)
def _target(task, picture, previous):
    return task.target(picture, previous)


@functools.partial(jax.jit, static_argnums=0)
def _finish(task, previous, generator, discriminator, carried, picture):
    return task.finish(previous, generator, discriminator, carried, task.target(picture, previous))
