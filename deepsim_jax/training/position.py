"""A position in a run (stage, step and state), and restoring it from a checkpoint."""

import dataclasses
from typing import Any

import jax

from deepsim_jax.training import checkpoint, devices
from deepsim_jax.training import state as states
from deepsim_jax.training.run import Run
from deepsim_jax.training.stages import Stage


@dataclasses.dataclass(frozen=True)
class Position:
    """How far a run has come.

    Attributes:
      run: which one.
      index: of the stage that is trained, or that ends here.
      previous: what the stages before it have exported, if it builds on them.
      state: the stage's.
      step: counted over all stages.
    """

    run: Run
    index: int
    previous: Any
    state: states.TrainState
    step: int

    @property
    def stage(self) -> Stage:
        """The stage in training."""
        return self.run.stages[self.index]

    @property
    def end(self) -> int:
        """The step with which the stage ends."""
        return sum(stage.steps for stage in self.run.stages[: self.index + 1])

    @property
    def finished(self) -> bool:
        """Whether it is the run's last step."""
        return self.step == self.run.steps

    @property
    def trained(self):
        """The stage's export as if it ended here."""
        return self.stage.export(self.previous, devices.local(self.state))

    @property
    def complete(self):
        """The export of the finished stages; where no stage builds on them, of this one."""
        return self.trained if self.step == self.end or self.previous is None else self.previous

    def following(self) -> "Position":
        """The beginning of the next stage; to be asked for at the end of one."""
        return self._next_position(devices.local(self.state), lambda function, *args: function(*args))

    def following_shapes(self) -> "Position":
        """`following`, with shapes instead of arrays."""
        return self._next_position(self.state, jax.eval_shape)

    def _next_position(self, state, call):
        following = self.run.stages[self.index + 1]
        handoff = call(self.stage.handoff, self.previous, state)
        return dataclasses.replace(
            self,
            index=self.index + 1,
            state=call(following.begin, handoff),
            previous=handoff if following.builds_on else None,
        )

    def compiling(self) -> devices.Compiled:
        """The stage's training step, whose compilation begins if a step is left; shapes will do."""
        compiled = self.run.compiled(self.stage)
        if self.step < self.end:
            compiled.prepare(self.state, *jax.eval_shape(self.stage.inputs, self.previous))
        return compiled


def first(run: Run) -> Position:
    """The position before a run's first step."""
    return Position(run, 0, None, run.stages[0].begin(None), 0)


def shapes(run: Run, step: int) -> Position:
    """The position at a step, with shapes instead of arrays."""
    position = Position(run, 0, None, jax.eval_shape(run.stages[0].begin, None), step)
    while position.end < step and position.index + 1 < len(run.stages):
        position = position.following_shapes()
    return position


def restore(run: Run, saver: checkpoint.Checkpoints, step: int) -> Position:
    """The position at which a run was saved.

    Raises:
      UserError: the checkpoint is damaged or holds other shapes.
    """
    expected = shapes(run, step)
    trees = saver.restore(step, states.to_trees(expected.state, expected.previous))
    state, previous = states.from_trees(trees)
    return dataclasses.replace(expected, state=state, previous=previous)
