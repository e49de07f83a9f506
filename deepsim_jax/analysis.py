"""The paper's analysis of a trained network (section 5, Figure 7), as a page."""

import json
import pathlib

import cv2
import numpy as np

from deepsim_jax import api, pages, rundir, sources
from deepsim_jax.data import frames, images, pair, primitives
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import patches, protocol


def nearest_patches(workdir, sequence, *, frame: str | None = None, copies: int = patches.COPIES,
                    seed: int = 0, folder=None) -> dict:
    """Compares where a network errs with how new the patches of its drawing are, and writes a page.

    Args:
      workdir: a run's folder.
      sequence: a `data.frames.Sequence`, or what `sources.only_sequence` takes: the one trained on.
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
    workdir = pathlib.Path(workdir).absolute()
    model, source = api.load(workdir), pair.Source.load(workdir / "pair")
    if not isinstance(sequence, frames.Sequence):
        sequence = sources.only_sequence(sequence)
    if copies < 1:
        raise UserError(f"copies={copies}: at least 1 is needed")
    sequence = sources.trained_on(sequence, source.photo)
    held_out = protocol.HeldOut(sequence, source.spec, source.primitive.shape[:2])
    index = _index(sequence, frame)
    name = sequence.frames[index]
    folder = workdir / "analysis" / f"{sequence.name}-{name}" if folder is None else pathlib.Path(folder)

    drawing, truth = held_out.frame(index)
    drawing, _ = primitives.conform(drawing, source.spec)  # as the network sees it
    result = model.edit(drawing)
    on_device = pair.to_device(source, multiple=1)
    only_warps = api.deepsim.augmentation(
        rundir.read_config(workdir), tps=1.0, flip=0.0, rotation=0.0, shear=0.0, translation=0.0,
        crop=0.0, cutmix=0.0, canny=0.0)
    warped = patches.warped_copies(on_device, only_warps, count=copies, seed=seed)
    test = patches.activations(pair.to_float(drawing)[None])[0]
    train = patches.activations(np.concatenate([pair.to_float(source.primitive)[None], warped]))
    without = patches.nearest_distances(test, train[:1])
    distances = np.minimum(without, patches.nearest_distances(test, train[1:]))
    errors = patches.error_map(pair.to_float(result), pair.to_float(truth))
    found = {
        "sequence": sequence.name, "frame": name, "steps": model.step, "copies": copies, "seed": seed,
        "layer": f"VGG16 {patches.LAYER}", "primitive": source.spec.kind,
        "edges_from": held_out.edges_from,
        "distance": {"without": float(without.mean()), "with": float(distances.mean())},
        "fallen_by_a_tenth": float((distances < 0.9 * without).mean()),
        "correlation": {"without": patches.rank_correlation(without, errors),
                        "with": patches.rank_correlation(distances, errors)}}
    shown = {"train-primitive": source.primitive, "train-photo": source.image, "test-primitive": drawing,
             "result": result, "truth": truth, "distance-without": _heat(without, without.max(), drawing),
             "distance-with": _heat(distances, without.max(), drawing),
             "error": _heat(errors, errors.max(), drawing)}
    for title, picture in shown.items():
        images.write_png(folder / f"{title}.png", picture)
    content = json.dumps(found, indent=1, allow_nan=False)
    images.write_bytes_atomic(folder / "patches.json", content.encode())
    images.write_bytes_atomic(folder / "report.html", _page(found, shown).encode())
    return found


def _index(sequence, frame):
    if frame is None:
        return sequence.held_out[len(sequence.held_out) // 2]
    names = [sequence.frames[i] for i in sequence.held_out]
    if str(frame) not in names:
        raise UserError(f"{sequence.name}: no held-out frame {str(frame)!r}; there are {names[0]} to "
                        f"{names[-1]}")
    return sequence.frames.index(str(frame))


def _heat(values, top, like):
    """A map as a picture, enlarged to the size of another."""
    return cv2.resize(pages.heat_map(values, top), like.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def _page(found, shown):
    def row(*titles):
        return pages.row_of_figures([pages.figure(shown[t], c, lossy=True) for t, c in titles])

    copies, distance, correlation = found["copies"], found["distance"], found["correlation"]
    numbers = pages.table(
        [pages.Heading(""), pages.Heading("Mean distance to the nearest training patch", lower=True,
                                          digits=3),
         pages.Heading("Rank correlation with the prediction error", digits=2)],
        [["training drawing alone", distance["without"], correlation["without"]],
         [f"with {copies} warped copies", distance["with"], correlation["with"]]])
    title = "Distance of the test primitive's patches to the nearest training patch"
    parts = [
        row(("train-primitive", "training primitive"), ("train-photo", "training photo"),
            ("test-primitive", "test primitive"), ("result", "result"), ("truth", "true frame")),
        pages.heading(title),
        row(("distance-without", "training drawing alone"),
            ("distance-with", f"with {copies} warped copies, same scale"),
            ("error", "prediction error (own scale)")),
        numbers,
        pages.soft(f"{100 * found['fallen_by_a_tenth']:.0f} % of the positions come nearer by more than "
                   f"a tenth. Distances: Euclidean, {found['layer']}, stride {patches.STRIDE}. "
                   "Prediction error: mean absolute difference of the same layer between result and "
                   "true frame."),
    ]
    if found["edges_from"] == protocol.TRUE_FRAMES:
        parts.append(pages.warning(
            "The test primitive's edges were drawn from the true frame: they leak."))
    return pages.document(
        f"{found['sequence']}, frame {found['frame']}: nearest patches", parts,
        subtitle=f"After DeepSIM's Figure 7, which uses ResNet-50. Network trained for {found['steps']} "
                 "steps on the training pair shown.")
