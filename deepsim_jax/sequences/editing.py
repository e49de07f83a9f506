"""Edits of pictures, folders of pictures and films."""

import contextlib
import itertools
import logging
import pathlib
from collections.abc import Callable

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import compositing, picture_files
from deepsim_jax.images import io as images
from deepsim_jax.images.original import Original
from deepsim_jax.sequences import film_files

log = logging.getLogger("deepsim_jax")

SECONDS = 0.1
"""How long a picture of a folder is shown in a film."""


def edit_path(
    edit: Callable[[np.ndarray], np.ndarray],
    source: pathlib.Path,
    output: pathlib.Path,
    *,
    read: Callable[[pathlib.Path | np.ndarray], np.ndarray] | None = None,
    size: tuple[int, int] | None = None,
    original: Original | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Applies an edit function to a picture, a folder of pictures or a film of primitives.

    What is logged of many frames alike is logged of the first of them alone.

    Args:
      edit: primitive, uint8 (H, W, 3) -> picture.
      source: a picture, a folder, or a film (a video or an animation); its content says which.
      output: a picture, a folder (pictures of the same names) or, for a folder or a film of primitives,
        a file with a suffix in `film_files.WRITTEN`, each of whose frames is shown as long as the
        primitive was; of a folder's a tenth of a second.
      read: path of a picture, or a frame with transparent parts -> primitive, uint8 (H, W, 3); by
        default `images.io.read_image`.
      size: (height, width) of the primitives. Video has even sizes: frames with one row or column
        more than this are cropped.
      original: see `compositing.write_picture`.

    Returns:
      (primitive, picture) of the first and, of several, the last frame; the others are on the disk.

    Raises:
      UserError: the source is missing or unreadable, the output cannot be written or is of another
        kind. Frames that are done stay.
    """
    read = read or (lambda path: images.read_image(path, name="input"))
    if not source.exists():
        raise UserError(f"input {source}: no such file or folder")
    if output.exists() and output.samefile(source):
        raise UserError(f"output {output}: is the input itself; choose another name")
    if source.is_dir():
        names, shown = _folder(source, read)
    elif film_files.is_film(source):
        names, shown = _film(source, size, read)
        if output.suffix and output.suffix.lower() not in film_files.WRITTEN:
            raise UserError(
                f"input {source}: moves, so that the output is a folder or a "
                f"{film_files.WRITTEN_IN_WORDS} file, not {output}; or give one picture of it"
            )
    else:
        primitive = read(source)
        compositing.check_name(output)
        picture = edit(primitive)
        compositing.write_picture(output, picture, original)
        return [(primitive, picture)]
    pairs = (((primitive, edit(primitive)), seconds) for primitive, seconds in shown)
    with _said_once():
        if output.suffix.lower() in film_files.WRITTEN:
            return _write_film(output, pairs)
        if output.suffix:
            raise UserError(f"output {output}: give a folder or a {film_files.WRITTEN_IN_WORDS} file")
        ends: list = []
        for name, (done, _) in zip(names, pairs, strict=False):
            compositing.write_picture(output / name, done[1], original)
            ends = [*ends[:1], done]
        return ends


class _Once(logging.Filter):
    """Passes what is said of the first frame that it is said of; of a film it holds for all alike."""

    def __init__(self):
        super().__init__()
        self._said = set()

    def filter(self, record):
        """Whether a record's words, its numbers aside, are new."""
        is_new = record.msg not in self._said
        self._said.add(record.msg)
        return is_new


@contextlib.contextmanager
def _said_once():
    """Until its end, whatever that is, what is said of many frames is said of the first alone."""
    once = _Once()
    log.addFilter(once)
    try:
        yield
    finally:
        log.removeFilter(once)


def _folder(folder, read):
    paths = picture_files.find(folder, label=f"input {folder}")
    if not paths:
        raise UserError(f"input {folder}: no pictures in it")
    names = [p.with_suffix(".png").name for p in paths]
    if len(set(names)) < len(names):
        raise UserError(f"input {folder}: two pictures differ only in their suffix")
    return names, ((read(p), SECONDS) for p in paths)


def _film(path, size, read):
    shown = film_files.shown(path)
    # How many frames there are is not known of every video; a first one says that it can be read.
    first = next(shown, None)
    if first is None:
        raise UserError(f"input {path}: not a video that can be read")
    height, width = first[0].shape[:2]
    if size is not None and (height, width) == tuple(n + n % 2 for n in size):
        height, width = size
    frames = (
        (frame[:height, :width] if frame.shape[2] == 3 else read(frame[:height, :width]), seconds)
        for frame, seconds in itertools.chain([first], shown)
    )
    return (f"{i:05d}.png" for i in itertools.count()), frames


def _write_film(output, pairs):
    ends = []

    def pictures():
        for done, seconds in pairs:
            ends[:] = [*ends[:1], done]
            yield done[1], seconds

    film_files.write_shown(output, pictures())
    return ends
