"""Edits that ask for what the photo does not show: copied, and painted by networks of several configs.

    python benchmarks/new_content.py quickstart paper [--seconds 300] [--cases FOLDER] [--size 256] \\
        [--pictures FOLDER] [--output new-content.json]

Each config trains on each case for --seconds on this machine, compilation included, or to its end. Then
every row is asked for the edited drawing, as a painted file, of which no recipe tells what moved:

    unchanged       the photo as it is
    copied          nothing trained
    NAME            what the config's network paints
    NAME, both      the copy, and the network where the photo lacks what is drawn; "auto" tells whether
                    an edit takes this row or the copied one when nothing is said

Measured are, in the changed region alone, recall, precision and F1 of the drawn lines (or of the borders
of drawn areas) among the lines of the result; and, where the truth is known, LPIPS (AlexNet) and PSNR.

Two cases are made of scikit-image's photos: something is taken away, something is added. Each folder in
--cases is one more: photo.png, drawing.png (its primitive), edit.png (the edited one), kind.txt (such as
"seg"), and truth.png where there is one.
"""

import argparse
import math
import pathlib
import tempfile
import time
from typing import NamedTuple

import numpy as np
import record
import skimage.data

import deepsim_jax
from deepsim_jax.evaluate import edits
from deepsim_jax.images import io as images
from deepsim_jax.primitives import drawings
from deepsim_jax.primitives import make as primitives

_RECIPES = {
    "rocket, a mast taken away": (
        "rocket",
        {"delete": {"polygon": [[178, 70], [228, 70], [236, 352], [172, 352]]}},
    ),
    "coffee, a second spoon": (
        "coffee",
        {
            "copy": {
                "polygon": [[325, 275], [345, 240], [380, 235], [405, 270], [395, 320], [355, 328]],
                "by": [140, 30],
            }
        },
    ),
}
"""Name -> photo of `skimage.data` and the step that draws the edit, in its own pixels."""


class Case(NamedTuple):
    """One edit.

    Attributes:
      photo: (h, w, 3) uint8, or a file.
      drawing: the file of its primitive; None: as the config draws it.
      edit: the file of the edited primitive, or a recipe.
      kind: of the primitive; "" for the config's.
      truth: the file of what it should look like, or None.
    """

    photo: np.ndarray | pathlib.Path
    drawing: pathlib.Path | None
    edit: pathlib.Path | dict
    kind: str
    truth: pathlib.Path | None


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="+", help="names or paths, with changed keys after commas")
    parser.add_argument("--seconds", type=float, default=300.0, help="of each training")
    parser.add_argument("--cases", default="", help="a folder of more cases")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--pictures", default="", help="folder for a sheet of each case")
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    cases = {**made_cases(), **read_cases(options.cases)}
    found = {}
    for name, case in cases.items():
        sheet, found[name] = measure(case, options)
        if options.pictures:
            images.write_png(pathlib.Path(options.pictures) / f"{name}.png", sheet)
        record.write(options.output, {"size": options.size, "seconds": options.seconds, "cases": found})


def made_cases() -> dict[str, Case]:
    """The cases of scikit-image's photos."""
    found = {}
    for name, (photo, step) in _RECIPES.items():
        picture = getattr(skimage.data, photo)()
        recipe = {"size": [picture.shape[1], picture.shape[0]], "steps": [step]}
        found[name] = Case(picture, None, recipe, "", None)
    return found


def read_cases(folder: str) -> dict[str, Case]:
    """The cases in a folder."""
    found = {}
    for path in sorted(pathlib.Path(folder).iterdir()) if folder else []:
        photo, drawing, edit, truth = (path / f"{of}.png" for of in ("photo", "drawing", "edit", "truth"))
        kind = (path / "kind.txt").read_text().strip()
        found[path.name] = Case(photo, drawing, edit, kind, truth if truth.exists() else None)
    return found


def measure(case: Case, options) -> tuple[np.ndarray, dict]:
    """A sheet of one case, and its figures by row."""
    changes = {"data.max_side": options.size} | ({"data.kind": case.kind} if case.kind else {})
    first = deepsim_jax.open(
        case.photo, case.drawing, config=record.config(*_with(options.configs[0], changes))
    )
    if isinstance(case.edit, dict):
        edit = first.apply_recipe(case.edit)
    else:
        edit = first.read_primitive(case.edit)
        edit = drawings.resize_to_own(edit, first.primitive, first.spec, first.photo)
        edit, _ = primitives.conform(edit, first.spec)
    truth = None
    if case.truth is not None:
        truth = images.resize_to_limit(images.read_image(case.truth), options.size)
    unchanged = images.resize_to_limit(first.photo, options.size)
    pictures = {"unchanged": unchanged, "copied": first.edit(edit, engine="copy")}
    trained = {}
    for label in options.configs:
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            model = deepsim_jax.train(
                case.photo,
                case.drawing,
                config=record.config(*_with(label, changes)),
                workdir=folder,
                stop=lambda begun=begun: time.monotonic() - begun > options.seconds,
            )
            seconds = time.monotonic() - begun
            pictures[label] = model.edit(edit, engine="network")
            pictures[f"{label}, both"] = model.edit(edit, engine="both")
            trained[label] = {
                "steps": model.step,
                "seconds": round(seconds, 1),
                "auto": model.auto_engine,
            }
    region = edits.changed_region(first.primitive, edit, first.spec)
    lines = edits.drawn_lines(edit, first.spec)
    rows = {}
    for label, picture in pictures.items():
        row = edits.following(lines, picture, sigma=first.spec.canny_sigma, region=region)
        if truth is not None:
            row["lpips"] = edits.region_lpips(picture, truth, region)
            row["psnr"] = edits.region_psnr(picture, truth, region)
        rows[label] = {key: None if math.isnan(value) else round(value, 4) for key, value in row.items()}
    shown = [first.primitive, edit, *pictures.values(), *([] if truth is None else [truth])]
    return np.concatenate(shown, axis=1), {
        "changed": round(float(region.mean()), 4),
        "trained": trained,
        "rows": rows,
    }


def _with(label, changes):
    name, own = record.read(label)
    return name, {**own, **changes}


if __name__ == "__main__":
    main()
