"""What copying is worth, with nothing trained: pictures of held-out frames, and far edits.

    python benchmarks/copying.py --sequence=FOLDER,clip:carphone,clip:bikes [--kinds=auto] \
      [--sizes=192,256] [--frames=0] [--far=6] [--pictures=FOLDER] [--output=copying.json]

For each sequence (see `sequences.frames.open_sequences`), kind of primitive and size, the mean over the
held-out frames of LPIPS (AlexNet), of LPIPS and PSNR in the changed region and of following, for:

    unchanged   the training frame
    copied      along the estimated field
    label rule  copied, and wrong labels corrected: what an edit returns
    bound       along the optical flow between the true photographs, which no drawing knows

and the processor's milliseconds per edit, one thread. The field's errors are those on random warps of the
training frame: the median over pixels and warps, in pixels, for each jitter of 3x3 control points.
Edges are drawn from the true frames unless the sequence has some; they leak.
"""

import argparse
import json
import pathlib
import time

import cv2
import numpy as np
import record

from deepsim_jax.evaluate import edits, perceptual
from deepsim_jax.images import io as images
from deepsim_jax.ops import field as fields
from deepsim_jax.ops import sampling
from deepsim_jax.ops.optical_flow import optical_flow
from deepsim_jax.primitives import make as primitives
from deepsim_jax.sequences import frames
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.systems.deepsim.copying import channels, engine, trial
from deepsim_jax.systems.deepsim.evaluation.held_out import HeldOut, choose_kind

ROWS = ("unchanged", "copied", "label rule", "bound")
JITTERS = (0.03, 0.06, 0.10, 0.15, 0.20)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sequence", required=True)
    parser.add_argument("--kinds", default="auto", help="auto: the richest that the sequence gives")
    parser.add_argument("--sizes", default="192")
    parser.add_argument("--frames", type=int, default=0, help="frames of each sequence; 0: all")
    parser.add_argument("--far", type=int, default=6, help="warps for each jitter; 0: none")
    parser.add_argument("--pictures", default="", help="folder for some frames of each")
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    found = []
    for spec in options.sequence.split(","):
        (sequence,) = frames.open_sequences(spec, limit=options.frames)
        for kind in options.kinds.split(","):
            for size in map(int, options.sizes.split(",")):
                kind = choose_kind(sequence, kind)
                found.append(measure(sequence, kind, size, options))
                print(json.dumps(found[-1]), flush=True)
    record.write(options.output, {"measured": found})


def measure(sequence, kind: str, size: int, options) -> dict:
    """The figures of one sequence, kind and size."""
    part = {name: sequence.part(name, sequence.train) for name in sequence.parts}
    source = pair.prepare(
        sequence.image(sequence.train),
        kind=kind,
        segmentation=part.get("segmentation"),
        edge_map=part.get("edges") if kind != "seg" else None,
        max_side=size,
    )
    held_out = HeldOut(sequence, source.spec, source.image.shape[:2])
    begun = time.process_time()
    copier = engine.Copier(source)
    settings = copier.settings  # chosen when they are first asked for
    prepared = time.process_time() - begun
    pictures, truths, drawings, shares, seconds = {row: [] for row in ROWS}, [], [], [], []
    for index in sequence.held_out:
        drawing, truth = held_out.frame(index)
        drawing, _ = primitives.conform(drawing, source.spec)
        begun = time.process_time()
        copied = copier.copy(drawing, full=False, both_ways=False)
        seconds.append(time.process_time() - begun)
        pictures["unchanged"].append(source.image)
        pictures["copied"].append(sampling.sample(source.image, copier.estimate(drawing)))
        pictures["label rule"].append(copied.picture)
        pictures["bound"].append(sampling.sample(source.image, photo_flow(truth, source.image)))
        truths.append(truth)
        drawings.append(drawing)
        shares.append(copied.share)
    if options.pictures:
        name = f"{pathlib.Path(sequence.name).name.replace(':', '-')}-{kind}-{size}.png"
        images.write_png(pathlib.Path(options.pictures) / name, sheet(source, drawings, truths, pictures))
    regions = [edits.changed_region(source.primitive, drawing, source.spec) for drawing in drawings]
    figures = {row: row_figures(pictures[row], truths, drawings, source) for row in ROWS}
    figures["true frame"] = row_figures(truths, truths, drawings, source)
    return {
        "sequence": sequence.name,
        "kind": kind,
        "size": list(source.image.shape[:2]),
        "frames": len(truths),
        "edges_from": held_out.edges_from,
        "changed_region": round(float(np.mean([region.mean() for region in regions])), 4),
        "rows": figures,
        "mismatch": round(float(np.mean(shares)), 4),
        "settings": vars(settings),
        "trial_error_px": round(copier.trial_error, 3),
        "preparing_cpu_s": round(prepared, 2),
        "edit_cpu_ms": round(1000 * float(np.median(seconds)), 1),
        "far_edits_px": far_edits(source, copier, options.far) if options.far else {},
    }


def row_figures(pictures, truths, drawings, source) -> dict[str, float]:
    """The means over the frames; frames without any changed region count where they can."""
    compared = np.stack(pictures), np.stack(truths)
    measured = edits.measure(*compared, np.stack(drawings), source.primitive, source.spec)
    figures = {"lpips": perceptual.lpips(*compared)}
    figures |= {name.removeprefix("following_"): values for name, values in measured.items()}
    return {
        name: round(float(np.mean(np.array(values)[np.isfinite(values)])), 4)
        for name, values in figures.items()
        if np.isfinite(values).any()
    }


def photo_flow(truth: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The field between two photographs by optical flow."""
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (truth, image)]
    return fields.identity(*grey[0].shape) + optical_flow(*grey, 0)


def far_edits(source: pair.Source, copier: engine.Copier, draws: int) -> dict[str, dict[str, float]]:
    """jitter -> median of the true movement, and of the field's error, where the source is inside."""
    parts, found = channels.take_apart(source.primitive, source.spec), {}
    height, width = source.primitive.shape[:2]
    for jitter in JITTERS:
        random, errors, lengths = np.random.default_rng(1), [], []
        for _ in range(draws):
            truth = trial.draw_field(height, width, random, jitter=jitter, local=False)
            warped = primitives.compose(trial.warp(parts, truth).layers, source.spec)
            inside = ((truth >= 0) & (truth <= [width - 1, height - 1])).all(-1)
            errors.append(np.linalg.norm(copier.estimate(warped) - truth, axis=-1)[inside])
            lengths.append(np.linalg.norm(truth - fields.identity(height, width), axis=-1)[inside])
        found[f"{jitter:g}"] = {
            "moved": round(float(np.median(np.concatenate(lengths))), 2),
            "error": round(float(np.median(np.concatenate(errors))), 2),
        }
    return found


def sheet(source, drawings, truths, pictures) -> np.ndarray:
    """Six frames, one below the other: drawing, truth, and the rows from left to right."""
    chosen = np.linspace(0, len(truths) - 1, 6).round().astype(int)
    return np.concatenate(
        [
            np.concatenate([drawings[i], truths[i], *(pictures[row][i] for row in ROWS)], axis=1)
            for i in chosen
        ]
    )


if __name__ == "__main__":
    main()
