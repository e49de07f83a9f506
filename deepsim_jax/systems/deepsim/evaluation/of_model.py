"""Measures a model and its copy on the frames of a sequence that it was not trained on."""

import functools
import pathlib
from collections.abc import Callable

import numpy as np

from deepsim_jax.primitives import make as primitives
from deepsim_jax.sequences import frames
from deepsim_jax.systems.deepsim import source as sources
from deepsim_jax.systems.deepsim.config import SCHEMA
from deepsim_jax.systems.deepsim.evaluation import evaluation_page, protocol
from deepsim_jax.systems.deepsim.evaluation.held_out import HeldOut
from deepsim_jax.training import progress, run_folder


def evaluate(
    edit: Callable[..., np.ndarray],
    sequence: frames.Sequence,
    photo: np.ndarray,
    primitive: np.ndarray,
    spec: primitives.PrimitiveSpec,
    *,
    folder: pathlib.Path,
    about: dict,
    workdir: pathlib.Path | None = None,
    inception=None,
    known=None,
) -> dict:
    """Writes what `Model.evaluate` writes, and returns the content of `evaluation.json`.

    Args:
      edit: `Model.edit`.
      sequence: in which the photo is a frame.
      photo, primitive, spec: of the model.
      folder: to write into.
      about: what the result says of the network: "steps" and "network", empty for none.
      workdir: the run's folder, or None.
      inception, known: as for `Model.evaluate`.

    Raises:
      UserError: the model was not trained on a frame of the sequence.
    """
    sequence = sources.trained_on(sequence, photo)
    held_out, heldout = HeldOut(sequence, spec, primitive.shape[:2]), []
    if workdir is not None:
        about = about | {"seed": run_folder.read_config(workdir, SCHEMA).seed}
        heldout = progress.read_metrics(workdir / "heldout.jsonl")
    results = protocol.measure(
        _methods(edit, is_trained=bool(about["network"])),
        held_out,
        folder,
        about=about,
        heldout=heldout,
        inception=inception,
        known=known,
    )
    evaluation_page.write(folder)
    return results


def _methods(edit, *, is_trained) -> list[protocol.Method]:
    """What an evaluation compares."""

    def method(key, label, engine):
        return protocol.Method(key, label, functools.partial(edit, engine=engine))

    copied = method("copied", protocol.UNTRAINED["copied"], "copy")
    if not is_trained:
        return [copied]
    both = method("both", "copied, and the network where the photo lacks it", "both")
    return [method("network", "trained network", "network"), both, copied]
