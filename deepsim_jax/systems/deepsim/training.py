"""Trains and loads DeepSIM for generic code, which does not know it by name."""

import pathlib

from deepsim_jax.systems.contract import Training
from deepsim_jax.systems.deepsim import build, pair, source
from deepsim_jax.systems.deepsim.config import SCHEMA
from deepsim_jax.systems.deepsim.model import Model
from deepsim_jax.training import checkpoint


def total_steps(config, source: pair.Source) -> int:
    """How many steps a training has."""
    return config.train.steps


def restore(source: pair.Source, config, workdir, saver: checkpoint.Checkpoints, step: int):
    """The result of a training at a saved step: the generator's parameters alone."""
    tree = "ema" if config.train.ema > 0 else "generator"
    return saver.restore(step, {tree: build.architecture(config).abstract_params()})[tree]


def model(params, source: pair.Source, config, *, workdir, step: int) -> Model:
    """The model that a training's result, the generator's parameters, makes; at step 0 it copies."""
    return Model(
        build.architecture(config) if step else None,
        params if step else None,
        photo=source.photo,
        primitive=source.primitive,
        spec=source.spec,
        workdir=workdir,
        step=step,
        finished=step >= config.train.steps,
        original=source.original,
    )


def advice(workdir: pathlib.Path) -> str:
    """Tells what to do with a trained run, as one sentence for the user."""
    primitive = workdir / "pair" / "primitive.png"
    return f"edit {primitive} and apply it with deepsim_jax edit --workdir={workdir}"


def untrained(opened: pair.Source) -> Model:
    """A model of a pair, which edits by copying: nothing is trained, nothing is written."""
    return Model(
        None,
        None,
        photo=opened.photo,
        primitive=opened.primitive,
        spec=opened.spec,
        original=opened.original,
    )


TRAINING = Training(
    schema=SCHEMA,
    read_source=source.read,
    load_source=pair.Source.load,
    build=build.build_run,
    total_steps=total_steps,
    restore=restore,
    model=model,
    advice=advice,
)
"""DeepSIM's part of the seam."""
