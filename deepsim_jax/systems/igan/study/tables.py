"""iGAN's tables: reconstruction by three solvers, models of one class and of several, edit transfer.

Each can be stopped and continued (`picture_tables`). What is trained, and how a picture is projected, is
left to the caller's functions.
"""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate.sharpness import finest_octave
from deepsim_jax.images import collections as photos
from deepsim_jax.images import io as images
from deepsim_jax.images import ranges
from deepsim_jax.ops import field as fields
from deepsim_jax.ops import sampling
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.sweeps import picture_tables
from deepsim_jax.sweeps.picture_tables import Result, Row
from deepsim_jax.systems.igan import transfer
from deepsim_jax.systems.igan.study import published
from deepsim_jax.systems.igan.study.realism import Realism

Rebuild = Callable[[np.ndarray], np.ndarray]
"""(N, h, w, 3) uint8 pictures -> what a generator makes of their projections, of the same shape."""

Project = Callable[[np.ndarray], tuple[np.ndarray, transfer.Box]]
"""(H, W, 3) uint8 photo -> its (d,) latent, and the box of the photo that generated pictures show."""

SOLVERS = {
    "optimise": "optimisation, several starts",
    "network": "network",
    "hybrid": "network, then optimisation",
}
"""Key of a solver -> label, in the order of the table."""

TOWARDS = 0.5
"""The part of the way to another photo's latent that an edit of the table of transfers goes."""

_RUNS = "runs"  # folder of the trainings of the table of classes
_TOGETHER = "all together"
_SHOWN = 8  # pictures of a strip


def reconstruction(
    workdir,
    held_out: Mapping[str, np.ndarray],
    solvers: Mapping[str, Rebuild],
    *,
    settings: Mapping,
) -> dict:
    """How well each solver rebuilds pictures that were not trained on (section 6.4).

    Args:
      workdir: the table's folder.
      held_out: name of each collection -> (N, h, w, 3) uint8 pictures.
      solvers: keys of `SOLVERS` -> what each makes of pictures.
      settings: JSON values that name the training, so that a folder does not mix two.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: an unknown solver, no pictures, or another table in the folder.
    """
    for key in solvers:
        if key not in SOLVERS:
            raise UserError(f"solver {key!r}: there are {', '.join(SOLVERS)}")
    _check_pictures(held_out)

    def make(pictures, folder):
        strip, rows = [("held out", _write(folder, "held-out", _row(pictures)))], []
        for key in (key for key in SOLVERS if key in solvers):
            begun = time.perf_counter()
            rebuilt = solvers[key](pictures)
            seconds = (time.perf_counter() - begun) / len(pictures)
            rows.append(Row(key, SOLVERS[key], {**_errors(rebuilt, pictures), "seconds": seconds}))
            strip.append((SOLVERS[key], _write(folder, key, _row(rebuilt))))
        return Result(
            rows, f"Means over {len(pictures)} held-out pictures of {_size(pictures)} px.", strip
        )

    table = picture_tables.Table(
        title="Reconstruction by iGAN",
        columns=["rmse", "psnr", "seconds"],
        absent={},
        published=(),
        note="Means over held-out pictures; a picture's time is its share of a batch's, which includes "
        "compilation. " + published.RECONSTRUCTION_NOTE,
        settings={**settings, "pictures": _counts(held_out)},
        findings=_best_solver,
    )
    return picture_tables.run(
        workdir, table, {name: functools.partial(make, pictures) for name, pictures in held_out.items()}
    )


def classes(
    workdir,
    held_out: Mapping[str, np.ndarray],
    train: Callable[[tuple[str, ...], Path], Rebuild | None],
    *,
    settings: Mapping,
) -> dict:
    """How well a class is rebuilt by its own model, by one of all classes and by another's (section 6.4).

    Args:
      workdir: the table's folder; the trainings have folders in it.
      held_out: name of each class, two or more -> (N, h, w, 3) uint8 pictures.
      train: (names of the classes to train on, folder of the run) -> what the model makes of pictures,
        or None if it was stopped. It continues, or only loads, a run that it finds in the folder.
      settings: as in `reconstruction`.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: fewer than two classes, no pictures, or another table in the folder.
    """
    names = list(held_out)
    if len(names) < 2 or {_RUNS, _TOGETHER} & set(names):
        raise UserError(
            f"classes {', '.join(names)}: the table needs two or more, of other names than "
            f"{_RUNS} and {_TOGETHER}"
        )
    _check_pictures(held_out)
    runs = user_path(workdir).absolute() / _RUNS

    def make(name, folder):
        pictures = held_out[name]
        other = names[(names.index(name) + 1) % len(names)]
        strip, rows = [("held out", _write(folder, "held-out", _row(pictures)))], []
        for key, label, trained_on in (
            ("own", "model of this class", (name,)),
            ("together", "model of all classes", tuple(names)),
            ("wrong", "model of another class", (other,)),
        ):
            run = runs / (trained_on[0] if len(trained_on) == 1 else _TOGETHER)
            run.parent.mkdir(parents=True, exist_ok=True)
            rebuild = train(trained_on, run)
            if rebuild is None:
                return None
            rebuilt = rebuild(pictures)
            rows.append(Row(key, label, _errors(rebuilt, pictures)))
            strip.append((label, _write(folder, key, _row(rebuilt))))
        return Result(rows, f"{len(pictures)} held-out pictures; the other class is {other}.", strip)

    table = picture_tables.Table(
        title="iGAN: models of one class and of several",
        columns=["rmse", "psnr"],
        absent={},
        published=(),
        note="Means over held-out pictures, projected alike. " + published.CLASSES_NOTE,
        settings={**settings, "pictures": _counts(held_out)},
        findings=_best_class,
    )
    return picture_tables.run(workdir, table, {name: functools.partial(make, name) for name in names})


def transfers(
    workdir,
    specs: Sequence[str | Path],
    project: Project,
    generate: transfer.Generate,
    *,
    settings: Mapping,
) -> dict:
    """What edited photos look like by edit transfer and by other ways (section 6.4).

    Each photo is edited half of the way to the next one's latent, by

    - the generated picture, enlarged,
    - adding the change of the generated picture's pixels, enlarged ("pasted"),
    - one optical flow between both generated pictures ("aligned"),
    - the same with the pixels' remaining difference added ("aligned-pasted"), and
    - `transfer`, of the shape alone and of shape and colour.

    "rmse" is how far the result, reduced, is from the generated picture that was asked for; realism is
    `realism.Realism` to the other photos; "finest_octave" is the share of the photo's finest detail.

    Args:
      workdir: the table's folder.
      specs: photos of one kind, three or more, as `images.collections.find` takes them.
      project: see `Project`.
      generate: see `transfer.Generate`.
      settings: as in `reconstruction`.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: fewer than three photos, or another table in the folder.
    """
    found = photos.find(specs)
    names = list(found)
    if len(names) < 3:
        raise UserError(f"{len(names)} photos: the table of transfers needs 3 or more of one kind")
    seen = functools.cache(lambda name: project(photos.read(found[name])))

    def cropped(name):
        return transfer.cut(photos.read(found[name]), seen(name)[1])

    def make(name, folder):
        photo = photos.read(found[name])
        (start, box), (goal, _) = seen(name), seen(names[(names.index(name) + 1) % len(names)])
        others = [other for other in names if other != name]
        realism = Realism([cropped(other) for other in others[:: max(1, len(others) // 16)]])
        frames = transfer.path(generate, start, start + np.float32(TOWARDS) * (goal - start))
        before, part = finest_octave(cropped(name)), cropped(name)
        rows, strip = [], []
        for key, (label, method) in _METHODS.items():
            begun = time.perf_counter()
            made = transfer.cut(method(photo, frames, box), box)
            seconds = time.perf_counter() - begun
            rows.append(
                Row(
                    key,
                    label,
                    {
                        "rmse": evaluate.rmse(_reduced(made, frames), ranges.to_uint8(frames[-1])),
                        "frechet_photos": realism(made),
                        "finest_octave": 100 * finest_octave(made) / max(before, 1e-6),
                        "seconds": seconds,
                    },
                )
            )
            strip.append((label, _write(folder, key, made)))
        rows.append(Row("photo", "the photo, not edited", {"frechet_photos": realism(part)}, muted=True))
        strip.append(("photo", _write(folder, "photo", part)))
        return Result(rows, f"{photo.shape[1]}x{photo.shape[0]} px.", strip)

    table = picture_tables.Table(
        title="Edits given back to photos",
        columns=["rmse", "frechet_photos", "finest_octave", "seconds"],
        absent={},
        published=published.TRANSFERS,
        note="RMSE is from the generated picture that the edit asks for, at its size. "
        + published.TRANSFERS_NOTE,
        settings={**settings, "towards the next photo": TOWARDS, "photos": names},
        findings=_best_transfer,
    )
    return picture_tables.run(workdir, table, {name: functools.partial(make, name) for name in names})


def paste(photo: np.ndarray, frames: np.ndarray, box: transfer.Box) -> np.ndarray:
    """A photo plus the change of the generated pictures' pixels, enlarged.

    Args:
      photo: (H, W, 3) uint8.
      frames: (n, h, w, 3) in [-1, 1], from the photo's generated picture to the wanted one.
      box: of the photo, which they show.
    """
    part = transfer.cut(photo, box).astype(np.float32)
    change = 127.5 * _enlarged(frames[-1] - frames[0], box)
    return transfer.put(photo, box, np.clip(np.rint(part + change), 0, 255).astype(np.uint8))


def align(photo: np.ndarray, frames: np.ndarray, box: transfer.Box, *, color: bool = False) -> np.ndarray:
    """A photo along one optical flow between the first and the last generated picture.

    Args:
      photo, frames, box: as for `paste`.
      color: whether the difference of pixels that is left after the flow is added, enlarged.
    """
    first, last = (np.clip((frame + 1) / 2, 0, 1).astype(np.float32) for frame in frames[[0, -1]])
    field = fields.identity(*first.shape[:2]) + transfer.flow(last, first)
    seen = sampling.sample(transfer.cut(photo, box), field)
    if color:
        left = 255 * _enlarged(last - fields.interpolate(first, field), box)
        seen = np.clip(np.rint(seen + left), 0, 255).astype(np.uint8)
    return transfer.put(photo, box, seen)


def _generated(photo, frames, box):
    made = ranges.to_uint8(_enlarged(frames[-1], box))
    return transfer.put(photo, box, made)


def _transferred(photo, frames, box, *, color):
    return transfer.apply(transfer.follow(frames), photo, box=box, color=color)


_METHODS = {
    "generated": ("generated picture, enlarged", _generated),
    "pasted": ("change of pixels, enlarged", paste),
    "aligned": ("optical-flow alignment", align),
    "aligned-pasted": (
        "optical-flow alignment, colours pasted",
        functools.partial(align, color=True),
    ),
    "shape": ("transfer, shape alone", functools.partial(_transferred, color=False)),
    "transfer": ("transfer, shape and colour", functools.partial(_transferred, color=True)),
}


def _best_solver(means):
    order = sorted(means, key=lambda key: means[key]["rmse"])
    figures = ", ".join(f"{SOLVERS[key]} {means[key]['rmse']:.1f}" for key in order)
    return [f"RMSE of 255: {figures}."]


def _best_class(means):
    own, together, wrong = (means[key]["rmse"] for key in ("own", "together", "wrong"))
    return [
        f"RMSE of 255: a class's own model {own:.1f}, the model of all {together:.1f}, another class's "
        f"{wrong:.1f}."
    ]


def _best_transfer(means):
    sentences = []
    for key in ("generated", "pasted", "aligned", "aligned-pasted"):
        ours, theirs = (means[k]["frechet_photos"] for k in ("transfer", key))
        word = "more" if ours < theirs else "not more"
        sentences.append(
            f"Transfer is {word} realistic than {_METHODS[key][0]}: Fréchet distance {ours:.1f} against "
            f"{theirs:.1f}."
        )
    share = means["transfer"]["finest_octave"]
    return [*sentences, f"It keeps {share:.0f} % of the photo's finest detail."]


def _errors(made, pictures):
    """Means over pictures of one size."""
    return {
        "rmse": float(np.mean([evaluate.rmse(a, b) for a, b in zip(made, pictures, strict=True)])),
        "psnr": float(np.mean([evaluate.psnr(a, b) for a, b in zip(made, pictures, strict=True)])),
    }


def _check_pictures(held_out):
    for name, pictures in held_out.items():
        if not len(pictures):
            raise UserError(f"{name}: no pictures were held out, of which the table could be made")


def _counts(held_out):
    return {name: len(pictures) for name, pictures in held_out.items()}


def _enlarged(picture, box):
    """A float picture at a box's size."""
    return cv2.resize(np.asarray(picture, np.float32), box[2:], interpolation=cv2.INTER_CUBIC)


def _reduced(picture, frames):
    """A picture at the generated pictures' size."""
    return cv2.resize(picture, frames.shape[2:0:-1], interpolation=cv2.INTER_AREA)


def _row(pictures):
    """The first pictures side by side, small ones doubled until 64 px high."""
    times = -(-64 // pictures.shape[1])
    row = np.concatenate(list(pictures[:_SHOWN]), axis=1)
    return np.repeat(np.repeat(row, times, 0), times, 1)


def _size(pictures):
    return f"{pictures.shape[2]}x{pictures.shape[1]}"


def _write(folder, name, picture):
    """Writes a picture beside the figures; its file's name."""
    images.write_png(folder / f"{name}.png", np.ascontiguousarray(picture))
    return f"{name}.png"
