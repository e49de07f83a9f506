"""Runs of a few numbers, of both kinds of stages, and listeners, for the tests beside."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import struct

from deepsim_jax.training import checkpoint, loop, stages
from deepsim_jax.training import step as steps
from deepsim_jax.training.listeners import Listener

LENGTH = 5
"""Steps of each stage of `alternating_run`."""


class Pull:
    """Two numbers that pull at each other; `spoil` turns a loss bad from a step on."""

    def __init__(self, spoil=lambda g: 0.0, contrast=1.0):
        self.spoil, self.contrast = spoil, contrast

    def init(self, key):
        return {"generator": {"a": jnp.zeros(3)}, "discriminator": {"b": jnp.ones(2)}}

    def batch(self, keys, pair):
        return jax.vmap(jax.random.uniform)(keys) * pair

    def losses(self, g, d, batch, frozen):
        g_loss = jnp.sum((g["a"] - 1) ** 2) + jnp.mean(batch) + self.spoil(g["a"])
        d_loss = jnp.sum((d["b"] - g["a"][:2]) ** 2)
        return (g_loss, d_loss), {"g": g_loss, "d": d_loss, "contrast": jnp.float32(self.contrast)}


def joint_run(
    workdir,
    task=None,
    *,
    total=9,
    log=2,
    save=4,
    preview=0,
    keep=2,
    ema=0.0,
    rate=0.1,
    show=lambda params: [],
    measure=None,
    every=0,
    dispatch=1,
):
    """One stage, with a batch of two."""
    stage = stages.JointStage(
        task=task or Pull(),
        seed=3,
        pair=jnp.float32(1),
        frozen=None,
        updates=steps.Updates(
            moments=optax.scale_by_adam(b1=0.5, b2=0.999),
            g_rate=rate,
            d_rate=rate,
            steps=total,
            constant_steps=total,
            ema=ema,
        ),
    )
    return loop.Run(
        workdir=workdir,
        stages=(stage,),
        batch=2,
        device_count=1,
        cadence=loop.Cadence(log=log, save=save, preview=preview, keep=keep, measure=every),
        preview=show,
        measure=measure,
        steps_per_dispatch=dispatch,
    )


@struct.dataclass
class Exported:
    """The generators of all stages, as arrays of growing size, and an empty thing for each."""

    generators: tuple
    nothing: tuple
    name: str = struct.field(pytree_node=False)


@dataclasses.dataclass(frozen=True)
class Follow:
    """Stage k moves k + 2 numbers to what the last number of the stage before is, plus noise."""

    number: int

    def target(self, picture, previous):
        return picture if previous is None else picture + previous.generators[-1][-1]

    def init(self, key, previous):
        generator = jax.random.normal(key, (self.number + 2,))
        return {"generator": generator, "discriminator": jnp.float32(0)}

    def carried(self, key, target):
        return {"drawn": jnp.float32(0), "key": jax.random.uniform(key), "nothing": {}}

    def frozen(self, previous):
        return None if previous is None else previous.generators

    def draw(self, keys, frozen, carried):
        noise = jax.vmap(jax.random.normal)(keys)[0]
        return noise + (0 if frozen is None else frozen[0].sum()), {**carried, "drawn": noise}

    def judged(self, generator, draws, carried):
        return [generator.sum() + draws]

    def critic_loss(self, discriminator, judged, target):
        return (discriminator - judged) ** 2, {"d": discriminator}

    def generator_loss(self, generator, discriminator, draws, target, carried):
        return jnp.sum((generator - target) ** 2) + discriminator * draws, ({"g": draws}, carried)

    def finish(self, previous, generator, discriminator, carried, target):
        before = ((), ()) if previous is None else (previous.generators, previous.nothing)
        return Exported((*before[0], generator), (*before[1], {}), f"{self.number + 1} stages")


def alternating_run(workdir, *, count=3, save=2, log=2, preview=0, ema=0.0):
    """Several stages, each on top of the ones before."""
    updates = steps.Updates(optax.scale_by_adam(b1=0.5, b2=0.999), 0.1, 0.1, LENGTH, LENGTH, ema=ema)
    trained = tuple(
        stages.AlternatingStage(
            task=Follow(k),
            updates=updates,
            generator_updates=2,
            seed=1,
            number=k,
            picture=jnp.float32(k),
            title=f"stage {k}",
            about={"scale": k},
        )
        for k in range(count)
    )
    return loop.Run(
        workdir=workdir,
        stages=trained,
        batch=1,
        device_count=1,
        cadence=loop.Cadence(log=log, save=save, preview=preview, keep=99),
        preview=lambda exported: [np.full((8, 8, 3), len(exported.generators), np.uint8)],
    )


class At(Listener):
    """Does something when a step is dispatched."""

    def __init__(self, step, act):
        self._step, self._act = step, act

    def advance(self, step):
        if step == self._step:
            self._act()


class Events(Listener):
    """Collects what it is told as (name of the event, arguments)."""

    def __init__(self):
        self.all = []

    def named(self, name):
        """The arguments of the events of one kind."""
        return [arguments for event, *arguments in self.all if event == name]

    def begin(self, start, legs):
        self.all.append(("begin", start, legs))

    def stage(self, index):
        self.all.append(("stage", index))

    def advance(self, step):
        self.all.append(("advance", step))

    def report(self, step, values):
        self.all.append(("report", step, values))

    def saved(self, step):
        self.all.append(("saved", step))

    def preview(self, step, pictures):
        self.all.append(("preview", step, pictures))

    def measured(self, step, values):
        self.all.append(("measured", step, values))

    def close(self):
        self.all.append(("close",))


def interrupt():
    """As Ctrl-C does to a program that does not listen for it."""
    raise KeyboardInterrupt


def train(run, begun=lambda: None, **options):
    """Where a run has come to."""
    return loop.train(run, begun=begun, **options)


def saved(run):
    """The steps that have a checkpoint."""
    return checkpoint.Checkpoints(run.checkpoint_folder, read_only=True).steps()


def same(a, b):
    """Asserts that two trees are equal bit for bit."""
    jax.tree.map(np.testing.assert_array_equal, a, b)
