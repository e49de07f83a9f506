"""A scale of a trained SinGAN, trained again on a few colours, for drawings without shades.

Paint-to-image's quantised variant (the published program's `--quantization_flag`) finds the photo's main
colours at the start scale and trains that scale alone again, on the output of the scales below reduced to
these colours. It is a run of its own, with a loop, checkpoints and a folder like any other.
"""

import dataclasses

import jax
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import ranges
from deepsim_jax.runtime import locks
from deepsim_jax.systems.singan import applications, quantising, sampling
from deepsim_jax.systems.singan import task as tasks
from deepsim_jax.systems.singan.learned import Learned
from deepsim_jax.training import foreground, loop, stages


def retrained(
    learned: Learned,
    photo: np.ndarray,
    whole: loop.Run,
    start_scale: int,
    *,
    colors: int = 5,
    unfinished_at: int | None = None,
) -> tuple[Learned, np.ndarray]:
    """Trains one scale again; returns all scales and the colours, for `applications.paint`.

    Args:
      learned: the trained scales.
      photo: uint8 (H, W, 3).
      whole: the run that trained them. The retrained scale is stored in `quantised/` in its folder and
        is trained only once; an interrupted training goes on.
      start_scale: 1 to the number of scales - 1.
      colors: how many, at least 2.
      unfinished_at: the step of a run that is still to be trained, whose colours may be others than at
        its end; what is stored for it is used at this step alone.

    Raises:
      UserError: another process trains this scale again, an argument is out of range, or the training
        was stopped.
    """
    centres = applications.main_colors(learned, photo, start_scale, colors=colors)
    name = f"scale-{start_scale}-colors-{colors}"
    if unfinished_at is not None:
        name += f"-step-{unfinished_at}"
    folder = whole.workdir / "quantised" / name
    stage = whole.stages[start_scale]
    assert isinstance(stage, stages.AlternatingStage)
    task = dataclasses.replace(stage.task, centres=tuple(map(tuple, centres.tolist())))
    stage = dataclasses.replace(stage, task=task, title=f"{stage.title}, in {len(centres)} colours")
    below = quantising.below(learned, start_scale)
    finished = tasks.Finished(below, None, sampling.reconstruct(below)[-1])

    def preview(trained):
        preview_images = ranges.to_uint8(
            np.stack([stage.picture, stage.inputs(finished)[0].previous[0], trained.rebuilt[0]])
        )
        return list(preview_images)

    run = dataclasses.replace(
        whole, workdir=folder, stages=(stages.FollowUpStage(stage, finished),), preview=preview
    )
    with locks.held(folder, doing="trains a scale again"):
        end = foreground.train(run, begun=lambda: None)
    if not end.finished:
        raise UserError(
            f"stopped at step {end.step} of {run.steps} of training scale {start_scale} "
            "again; the same command goes on from there"
        )
    return quantising.with_scale(learned, jax.device_get(end.trained.learned)), centres
