"""Trains and loads iGAN for generic code, which does not know it by name."""

import pathlib

from deepsim_jax.systems.contract import Training
from deepsim_jax.systems.igan import build, collection
from deepsim_jax.systems.igan.config import SCHEMA
from deepsim_jax.systems.igan.learned import Learned
from deepsim_jax.systems.igan.model import IganModel
from deepsim_jax.training import checkpoint, loop


def restore(source, config, workdir, saver: checkpoint.Checkpoints, step: int) -> Learned:
    """The result of a training at a saved step; it has no encoder before that one's stage."""
    return loop.restore(build.build_run(source, config, workdir), saver, step).trained


def model(trained: Learned, source, config, *, workdir: pathlib.Path, step: int) -> IganModel:
    """The model that a training's result makes."""
    return IganModel(
        trained,
        build.cost(config),
        collection.load(workdir / "pair"),
        fit=config.data.fit,
        workdir=workdir,
        step=step,
        finished=step >= build.total_steps(config, source),
    )


def advice(workdir: pathlib.Path) -> str:
    """Tells what to do with a trained run, as one sentence for the user."""
    return f"look at samples with deepsim_jax samples --workdir={workdir}; deepsim_jax edit edits a photo"


TRAINING = Training(
    schema=SCHEMA,
    read_source=collection.read,
    load_source=collection.load,
    build=build.build_run,
    total_steps=build.total_steps,
    restore=restore,
    model=model,
    advice=advice,
)
"""iGAN's part of the seam."""
