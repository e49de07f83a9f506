"""Edits: compositing with the photo, and edits of pictures, folders and videos."""

import itertools
import logging
import pathlib
from collections.abc import Callable

import cv2
import numpy as np
import scipy.ndimage

from deepsim_jax.data import images, pair, videos
from deepsim_jax.data.sequence import natural_order
from deepsim_jax.errors import UserError

log = logging.getLogger("deepsim_jax")

FEATHER = 0.02
"""Width of the seam between edited and kept pixels, as a fraction of the longer side."""

AUTO_REACH = 0.03
"""How far around a changed line or region `auto_keep` lets the picture change, same unit."""


def auto_keep(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The mask of what an edit leaves alone: everything outside the dilated difference.

    Args:
      before, after: uint8 (H, W, 3), the original and the edited primitive.

    Returns:
      bool (H, W), True where the photo is to be kept.
    """
    changed = np.any(before != after, axis=-1)
    radius = max(2, round(AUTO_REACH * max(changed.shape)))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    # Closing first joins the scattered pixels of moved lines into the region that they describe.
    changed = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, disk)
    return cv2.dilate(changed, disk) == 0


def composite(photo: np.ndarray, edited: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Lays the edited picture over the photo where it is not to be kept.

    The seam is feathered wholly on the edited side: where `keep` is True the result is the photo,
    bit for bit.

    Args:
      photo: uint8 (H, W, 3).
      edited: uint8 (h, w, 3) of the same aspect; enlarged to the photo's size if it is smaller.
      keep: bool of either size, True = kept.

    Returns:
      uint8 (H, W, 3).
    """
    height, width = photo.shape[:2]
    if keep.shape != (height, width):
        # A pixel that touches a kept one is kept: nearest resizing alone could free part of it.
        mode = cv2.INTER_AREA if keep.size > height * width else cv2.INTER_LINEAR
        keep = cv2.resize(keep.astype(np.float32), (width, height), interpolation=mode) > 0
    distance = scipy.ndimage.distance_transform_edt(~keep) if keep.any() else np.inf
    weights = np.clip(distance / (FEATHER * max(height, width) + 1.0), 0.0, 1.0)
    return blend(photo, edited, np.broadcast_to(weights, keep.shape))


def soften(mask: np.ndarray, *, dilation: float, feather: float) -> np.ndarray:
    """Widens a mask by a disk and blurs its border, as SinGAN's edits are laid over the photo.

    Args:
      mask: bool (H, W), True = changed.
      dilation: radius of the disk in pixels.
      feather: standard deviation of the Gaussian blur in pixels.

    Returns:
      float64 (H, W), from 0 to 1: 1 where it is highest, and exactly 0 where the blur does not reach,
      which is 4 * feather far along rows and columns.
    """
    if mask.all() or not mask.any():
        return mask.astype(np.float64)
    wide = scipy.ndimage.distance_transform_edt(~mask) <= dilation
    soft = scipy.ndimage.gaussian_filter(wide.astype(np.float64), feather, mode="nearest", truncate=4.0)
    low, high = soft.min(), soft.max()
    return (soft - low) / (high - low) if low < high else wide.astype(np.float64)


def blend(photo: np.ndarray, made: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """weights * made + (1 - weights) * photo, rounded: the photo, bit for bit, where the weight is 0.

    Args:
      photo: uint8 (H, W, 3).
      made: uint8 (h, w, 3) of the same aspect; enlarged to the photo's size if it is smaller.
      weights: float (H, W) from 0 to 1.

    Returns:
      uint8 (H, W, 3).
    """
    if made.shape != photo.shape:
        made = cv2.resize(made, photo.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    mixed = photo + weights[..., None] * (made.astype(np.float64) - photo)
    return np.where(weights[..., None] == 0, photo, np.rint(mixed).astype(np.uint8))


def edit_path(
    edit: Callable[[np.ndarray], np.ndarray],
    source: pathlib.Path,
    output: pathlib.Path,
    *,
    size: tuple[int, int] | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Applies an edit function to a picture, a folder of pictures or a video of primitives.

    Args:
      edit: primitive, uint8 (H, W, 3) -> picture.
      source: a picture, a folder or a video file.
      output: a picture, a folder (pictures of the same names) or, for a folder or a video of
        primitives, a video file with a suffix in `videos.WRITTEN`.
      size: (height, width) of the primitives. Video has even sizes: frames with one row or column
        more than this are cropped.

    Returns:
      (primitive, picture) of the first and, of several, the last frame; the others are on the disk.

    Raises:
      UserError: the source is missing or unreadable, the output cannot be written or is of another
        kind. Frames that are done stay.
    """
    if not source.exists():
        raise UserError(f"input {source}: no such file or folder")
    if output.exists() and output.samefile(source):
        raise UserError(f"output {output}: is the input itself; choose another name")
    if source.is_dir():
        names, frames, rate = _folder(source)
    elif _is_video(source):
        names, frames, rate = _video(source, size)
    else:
        primitive = images.read_image(source, name="input")
        picture = edit(primitive)
        write_picture(output, picture)
        return [(primitive, picture)]
    pairs = ((primitive, edit(primitive)) for primitive in frames)
    if output.suffix.lower() in videos.WRITTEN:
        return _write_video(output, pairs, rate)
    if output.suffix:
        raise UserError(f"output {output}: give a folder or a {' or '.join(videos.WRITTEN)} file")
    ends = []
    for name, done in zip(names, pairs, strict=False):
        images.write_png(output / name, done[1])
        ends = [*ends[:1], done]
    return ends


def strip(ends: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Edits side by side: the drawings in the upper row, their results below.

    Args:
      ends: (drawing, result) pairs, uint8 (h, w, 3) and (H, W, 3); results of one size.

    Returns:
      uint8, rows of the results' size with white gaps.
    """
    height, width = ends[0][1].shape[:2]
    gap = max(2, width // 64)
    columns = []
    for drawing, result in ends:
        drawing = cv2.resize(drawing, (width, height), interpolation=cv2.INTER_NEAREST)
        parts = np.concatenate([drawing, np.full((gap, width, 3), 255, np.uint8), result])
        columns += [np.full((len(parts), gap, 3), 255, np.uint8), parts]
    return np.concatenate(columns[1:], axis=1)


def write_picture(output: pathlib.Path, picture: np.ndarray):
    """Writes a single result, losslessly, so that kept pixels stay what they are.

    Raises:
      UserError: the name does not end in .png, or it cannot be written.
    """
    if output.suffix.lower() != ".png":
        raise UserError(f"output {output}: a .png file is needed for a single picture")
    images.write_png(output, picture)


def _is_video(path):
    return path.suffix.lower() in (".mp4", ".webm", ".avi", ".mov", ".mkv", ".gif", ".m4v")


def _folder(folder):
    paths = [p for p in folder.iterdir() if p.suffix.lower() in pair.SUFFIXES]
    if not paths:
        raise UserError(f"input {folder}: no pictures in it")
    paths.sort(key=lambda p: natural_order(p.name))
    names = [p.with_suffix(".png").name for p in paths]
    if len(set(names)) < len(names):
        raise UserError(f"input {folder}: two pictures differ only in their suffix")
    return names, (images.read_image(p, name="input") for p in paths), 10.0


def _video(path, size):
    frames = videos.decode(path)
    # How many frames there are is not known of every video; a first one says that it can be read.
    first = next(frames, None)
    if first is None:
        raise UserError(f"input {path}: not a video that can be read")
    reader = cv2.VideoCapture(str(path))
    rate = reader.get(cv2.CAP_PROP_FPS) or 10.0
    reader.release()
    height, width = first.shape[:2]
    if size is not None and (height, width) == tuple(n + n % 2 for n in size):
        height, width = size
    frames = (frame[:height, :width] for frame in itertools.chain([first], frames))
    return (f"{i:05d}.png" for i in itertools.count()), frames, rate


def _write_video(output, pairs, rate):
    ends = []

    def pictures():
        for done in pairs:
            ends[:] = [*ends[:1], done]
            yield done[1]

    videos.write_video(output, pictures(), rate)
    return ends
