"""The paper's analysis of a trained network (section 5, Figure 7), as a page."""

import json

import cv2
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images import ranges
from deepsim_jax.primitives import make as primitives
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.sequences import frames
from deepsim_jax.systems import runs
from deepsim_jax.systems.deepsim import build, pair
from deepsim_jax.systems.deepsim import source as sources
from deepsim_jax.systems.deepsim.config import SCHEMA
from deepsim_jax.systems.deepsim.evaluation import protocol
from deepsim_jax.systems.deepsim.evaluation.held_out import HeldOut
from deepsim_jax.systems.deepsim.study import patches, patches_page
from deepsim_jax.systems.deepsim.training import TRAINING
from deepsim_jax.training import run_folder as rundir


def nearest_patches(
    workdir,
    sequence,
    *,
    frame: str | None = None,
    copies: int = patches.COPIES,
    seed: int = 0,
    folder=None,
) -> dict:
    """Compares where a network errs with how new the patches of its drawing are, and writes a page.

    Args:
      workdir: a run's folder.
      sequence: a `frames.Sequence`, or what `frames.only_sequence` takes: the one trained on.
      frame: name of the test frame; None: the middle one of those held out.
      copies: copies of the training drawing, each with a random spline as in the training and nothing
        else, at least 1.
      seed: of their draws.
      folder: where `patches.json`, the pictures and `report.html` go; None: `analysis/<sequence>-<frame>`
        in the run's folder.

    Returns:
      The content of `patches.json`: the mean distance "without" and "with" the copies, the share of
      positions whose distance falls by more than 10 %, and the rank "correlation" of the prediction
      error with each of the two.

    Raises:
      UserError: no such run, sequence or frame.
    """
    workdir = user_path(workdir).absolute()
    model, source = runs.load(TRAINING, workdir), pair.Source.load(workdir / "pair")
    if not isinstance(sequence, frames.Sequence):
        sequence = frames.only_sequence(sequence)
    if copies < 1:
        raise UserError(f"copies={copies}: at least 1 is needed")
    sequence = sources.trained_on(sequence, source.photo)
    held_out = HeldOut(sequence, source.spec, source.primitive.shape[:2])
    index = _index(sequence, frame)
    name = sequence.frames[index]
    folder = workdir / "analysis" / f"{sequence.name}-{name}" if folder is None else user_path(folder)

    drawing, truth = held_out.frame(index)
    drawing, _ = primitives.conform(drawing, source.spec)  # as the network sees it
    result = model.edit(drawing, engine="network")
    device_pair = pair.to_device(source, multiple=1)
    only_warps = build.augmentation(
        rundir.read_config(workdir, SCHEMA),
        tps=1.0,
        flip=0.0,
        rotation=0.0,
        shear=0.0,
        translation=0.0,
        crop=0.0,
        cutmix=0.0,
        canny=0.0,
    )
    warped = patches.warped_copies(device_pair, only_warps, count=copies, seed=seed)
    test = patches.activations(ranges.to_float(drawing)[None])[0]
    train = patches.activations(np.concatenate([ranges.to_float(source.primitive)[None], warped]))
    plain_distances = patches.nearest_distances(test, train[:1])
    distances = np.minimum(plain_distances, patches.nearest_distances(test, train[1:]))
    errors = patches.error_map(ranges.to_float(result), ranges.to_float(truth))
    analysis = {
        "sequence": sequence.name,
        "frame": name,
        "steps": model.step,
        "copies": copies,
        "seed": seed,
        "layer": f"VGG16 {patches.LAYER}",
        "primitive": source.spec.kind,
        "edges_from": held_out.edges_from,
        "distance": {"without": float(plain_distances.mean()), "with": float(distances.mean())},
        "fallen_by_a_tenth": float((distances < 0.9 * plain_distances).mean()),
        "correlation": {
            "without": patches.rank_correlation(plain_distances, errors),
            "with": patches.rank_correlation(distances, errors),
        },
    }
    figures = {
        "train-primitive": source.primitive,
        "train-photo": source.image,
        "test-primitive": drawing,
        "result": result,
        "truth": truth,
        "distance-without": _heat(plain_distances, plain_distances.max(), drawing),
        "distance-with": _heat(distances, plain_distances.max(), drawing),
        "error": _heat(errors, errors.max(), drawing),
    }
    for title, image in figures.items():
        images.write_png(folder / f"{title}.png", image)
    content = json.dumps(analysis, indent=1, allow_nan=False)
    images.write_bytes_atomic(folder / "patches.json", content.encode())
    patches_page.write(folder)
    return analysis


def _index(sequence, frame):
    if frame is None:
        return sequence.held_out[len(sequence.held_out) // 2]
    names = [sequence.frames[i] for i in sequence.held_out]
    if str(frame) not in names:
        raise UserError(
            f"{sequence.name}: no held-out frame {str(frame)!r}; there are {names[0]} to {names[-1]}"
        )
    return sequence.frames.index(str(frame))


def _heat(values, top, like):
    """A map as a picture, enlarged to the size of another."""
    return cv2.resize(protocol.heat_map(values, top), like.shape[1::-1], interpolation=cv2.INTER_NEAREST)
