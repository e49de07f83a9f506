"""Trains and loads SinGAN for generic code, which does not know it by name."""

import dataclasses
import logging
import pathlib

from deepsim_jax.systems.contract import Training
from deepsim_jax.systems.singan import build, pyramid, source, task
from deepsim_jax.systems.singan.config import SCHEMA
from deepsim_jax.systems.singan.model import SinganModel
from deepsim_jax.training import checkpoint, loop

log = logging.getLogger("deepsim_jax")


def restore(photo, config, workdir, saver: checkpoint.Checkpoints, step: int) -> task.Finished:
    """The result of a training at a saved step.

    It has the scales that are completely trained, or the coarsest alone while that is in training.
    """
    run = build.build_run(photo, config, workdir)
    return loop.restore(run, saver, step).complete


def model(trained: task.Finished, photo: source.Photo, config, *, workdir, step: int) -> SinganModel:
    """The model that a training's result makes."""
    counts = build.iterations(config, build.plan(config, photo.photo.shape[:2]))
    learned = trained.learned
    learned = dataclasses.replace(learned, pyramid=pyramid.coarser(learned.pyramid, learned.scales))
    result = SinganModel(
        learned,
        photo.photo,
        workdir=workdir,
        step=step,
        finished=step >= sum(counts),
        original=photo.original,
    )
    if not result.finished:
        height, width = result.size
        so_far = (
            f"{result.scales} of {len(counts)} scales are trained so far"
            if step >= counts[0]
            else "the coarsest scale is still in training"
        )
        log.warning("%s: pictures have %dx%d px", so_far, width, height)
    return result


def advice(workdir: pathlib.Path) -> str:
    """Tells what to do with a trained run, as one sentence for the user."""
    return f"make pictures like the photo with deepsim_jax sample --workdir={workdir}"


TRAINING = Training(
    schema=SCHEMA,
    read_source=source.read,
    load_source=source.Photo.load,
    build=build.build_run,
    total_steps=build.total_steps,
    restore=restore,
    model=model,
    advice=advice,
)
"""SinGAN's part of the seam."""
