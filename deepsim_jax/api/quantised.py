"""A scale of a trained SinGAN, trained again on a few colours, for drawings without shades.

Paint-to-image's quantised variant (the published program's `--quantization_flag`): the photo's main
colours at the start scale are found, and that scale alone is trained again on what the scales below make,
reduced to these colours. It is a run of its own, with a loop, checkpoints and a folder like any other.
"""

import dataclasses

import jax
import numpy as np

from deepsim_jax import applications
from deepsim_jax.data import pair
from deepsim_jax.errors import UserError
from deepsim_jax.models.singan import quantising, sampling
from deepsim_jax.models.singan import task as tasks
from deepsim_jax.models.singan.learned import Learned
from deepsim_jax.training import loop, stages


def retrained(
    learned: Learned, photo: np.ndarray, whole: loop.Run, start_scale: int, *, colors: int = 5
) -> tuple[Learned, np.ndarray]:
    """The scales with one that is trained again, and the colours, for `applications.paint`.

    Args:
      learned: the trained scales.
      photo: uint8 (H, W, 3).
      whole: the run that they are of. What is trained here stays in `quantised/` in its folder and is
        trained once; an interrupted training goes on.
      start_scale: 1 to the number of scales - 1.
      colors: how many, at least 2.

    Raises:
      UserError: an argument is out of range, or the training was stopped.
    """
    centres = applications.main_colors(learned, photo, start_scale, colors=colors)
    folder = whole.workdir / "quantised" / f"scale-{start_scale}-colors-{colors}"
    stage = whole.stages[start_scale]
    task = dataclasses.replace(stage.task, centres=tuple(map(tuple, centres.tolist())))
    stage = dataclasses.replace(stage, task=task, title=f"{stage.title}, in {len(centres)} colours")
    below = quantising.below(learned, start_scale)
    finished = tasks.Finished(below, None, sampling.reconstruct(below)[-1])

    def preview(left):
        shown = pair.to_uint8(np.stack([stage.picture, stage.given(finished)[0].previous[0],
                                        left.rebuilt[0]]))
        return list(shown)

    run = dataclasses.replace(whole, workdir=folder, stages=(stages.After(stage, finished),),
                              preview=preview)
    end = loop.train(run, begun=lambda: None)
    if not end.finished:
        raise UserError(f"stopped at step {end.step} of {run.steps} of training scale {start_scale} "
                        "again; the same command goes on from there")
    return quantising.with_scale(learned, jax.device_get(end.left.learned)), centres
