"""Where a trained network should paint over what is copied from the photo.

    python benchmarks/painting.py --workdir=RUN,RUN [--sequence=...] [--output=painting.json]

Each run's network is asked for the held-out frames of its sequence (or of --sequence), and its picture is
blended into the copied one at several shares of the mismatch: LPIPS (AlexNet) over whole frames, LPIPS
and PSNR in the changed region, following, and the share of the pixels that are painted.

    copied      nothing is painted
    reach N     where the label rule reached farther than N pixels of a side of 192 for a source
    lines N     at the usual reach, and where a line was drawn farther than N such pixels from all copied
    edit        what `Model.edit` paints
    mismatch    the whole mismatch: lone lines, and where the flow there and back disagrees, too
    network     all is painted
"""

import argparse
import functools
import json
import pathlib

import numpy as np
import record

import deepsim_jax
from deepsim_jax import api
from deepsim_jax.evaluate import edits, perceptual
from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.sequences import frames
from deepsim_jax.settings import flatten
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.systems.deepsim import source as sources
from deepsim_jax.systems.deepsim.copying import channels, engine, mismatch
from deepsim_jax.systems.deepsim.evaluation.held_out import HeldOut

REACHES = (0, 2, 4, 8, 12)
LINES = (2, 4, 8, 16)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workdir", required=True, help="run folders, with commas between them")
    parser.add_argument("--sequence", default="", help="of all of them; empty: what each was trained on")
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    found = []
    for workdir in options.workdir.split(","):
        found.append(measure(pathlib.Path(workdir), options.sequence))
        print(json.dumps(found[-1]), flush=True)
    record.write(options.output, {"measured": found})


def measure(workdir: pathlib.Path, sequence_spec: str) -> dict:
    """The figures of one run."""
    config, model = flatten(api.read_config(workdir)), deepsim_jax.load(workdir)
    sequence = frames.only_sequence(sequence_spec or config["data.sequence"])
    sequence = sources.trained_on(sequence, model.photo)
    source = pair.Source.load(workdir / "pair")
    copier = engine.Copier(source)
    held_out = HeldOut(sequence, source.spec, source.primitive.shape[:2])
    parts = channels.take_apart(source.primitive, source.spec)
    pictures, shares, truths, drawings = {}, {}, [], []
    for index in sequence.held_out:
        drawing, truth = held_out.frame(index)
        drawing, _ = primitives.conform(drawing, source.spec)
        copied, painted = copier.copy(drawing, full=False), model.edit(drawing, engine="network")
        new = channels.take_apart(drawing, source.spec)
        ruled = fields.Ruled(copied.field, copied.mismatch, copied.reach)
        lacking = functools.partial(mismatch.find_lacking, new, parts, ruled)
        where = {f"reach {reach}": lacking(reach=reach, new_line=np.inf) for reach in REACHES}
        if new.lines is not None:
            where |= {f"lines {line}": lacking(new_line=line) for line in LINES}
        where |= {"edit": copied.lacking, "mismatch": copied.mismatch}
        made = {"copied": copied.picture, "network": painted}
        for name, mask in where.items():
            made[name] = engine.repaint(copied.picture, painted, mask) if mask.any() else copied.picture
            shares.setdefault(name, []).append(mask.mean())
        for name, picture in made.items():
            pictures.setdefault(name, []).append(picture)
        truths.append(truth)
        drawings.append(drawing)
    compared = np.stack(truths), np.stack(drawings), source.primitive, source.spec
    rows = {name: _figures(np.stack(made), *compared) for name, made in pictures.items()}
    for name, share in shares.items():
        rows[name]["painted"] = round(float(np.mean(share)), 4)
    return {
        "sequence": sequence.name,
        "run": {name: config[name] for name in ("data.kind", "train.steps", "seed")},
        "size": list(source.primitive.shape[:2]),
        "frames": len(truths),
        "rows": rows,
    }


def _figures(pictures, truths, drawings, primitive, spec) -> dict[str, float]:
    """The means over the frames."""
    figures = {"lpips": perceptual.lpips(pictures, truths, net="alex")}
    figures |= edits.measure(pictures, truths, drawings, primitive, spec)
    return {
        name: round(float(np.mean(np.array(values)[np.isfinite(values)])), 4)
        for name, values in figures.items()
    }


if __name__ == "__main__":
    main()
