"""Reading the drawings that users make: label maps of class numbers, and layers that are transparent.

Transparency in a drawing is the drawing's own background and never white paper by itself: behind lines
it is what lines are drawn on; in a drawing to be trained on it is a region of its own; in an edited one
the original drawing shows through.
"""

import logging
import os
from pathlib import Path

import numpy as np
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import changes
from deepsim_jax.images import io as images
from deepsim_jax.primitives import label_maps, palettes
from deepsim_jax.primitives.make import EDGE_COLORS, PrimitiveSpec, conform, resize_primitive

log = logging.getLogger("deepsim_jax")

_REGIONS = ("seg", "seg_edges", "paint")
_CLEAR = 0.5  # alpha below which a pixel of a label map is no class
_DARK = 40  # grey level below which a whole picture is no drawing but numbers
_LIKE = 12  # grey levels within which a picture's colours are like those of a palette
_FAR = 32  # grey levels above which they are clearly different
_NOISY = 0.02  # a drawing with a larger share of foreign colours has a lossy file format
# Colours that a transparent region may get, the first that the drawing leaves free.
_FREE = ((255, 255, 255), (0, 0, 0), (128, 128, 128), (255, 0, 255), (0, 255, 255), (255, 255, 0))


def read(
    source, kind: str, *, name: str, edge_color: str = "black", numbered: bool | None = None
) -> np.ndarray:
    """A drawing to be trained on, uint8 (H, W, 3).

    Label maps of class numbers (`label_maps.numbers_in`) come in the colours of their numbers, and where
    they are transparent as void, 255.

    Args:
      source: a path or an array, as `images.io.read_image` takes it.
      kind: of the primitive that it is, or is a part of.
      name: what messages begin with.
      edge_color: of the lines in it, or to be drawn on it.
      numbered: whether it is a label map; None: found out, and said.

    Raises:
      UserError: as in `images.io.read_image`; or a label map as JPEG, whose numbers are not reliable.
    """
    pixels = images.read_pixels(source, name=name)
    alpha = images.shape_of(pixels)
    if kind in _REGIONS:
        levels = _levels(pixels, source)
        if levels is not None and alpha is not None:
            levels = np.where(alpha[..., 0] < _CLEAR, 255, levels)
        label_map = _as_label_map(levels, source, name, numbered)
        if label_map is not None:
            return label_map
    if alpha is None:
        return (
            images.flatten(pixels) if pixels.dtype == np.uint8 else images.read_image(source, name=name)
        )
    lines = EDGE_COLORS[edge_color]
    if kind not in _REGIONS:
        _tell_clear(name, alpha, "taken for its background")
        return images.flatten(pixels, 255 - lines if kind == "edges" else 0)
    background = _free_color(pixels, alpha, (lines,) * 3 if kind == "seg_edges" else None)
    words = "taken for a region of its own, in the colour " + ",".join(map(str, background))
    _tell_clear(name, alpha, words)
    return images.flatten(pixels, background)


def is_label_map(path, *, name: str) -> bool:
    """Whether a file is a label map of class numbers.

    Raises:
      UserError: as in `images.io.read_image`.
    """
    levels = _levels(images.read_pixels(path, name=name), path)
    return levels is not None and label_maps.numbers_in(label_maps.to_numbers(levels)) is not None


def read_edited(
    source, spec: PrimitiveSpec | None, original: np.ndarray | None, *, name: str
) -> np.ndarray:
    """An edited drawing, uint8 (H, W, 3).

    Args:
      source: a path or an array, as `images.io.read_image` takes it. Of a drawing that was a label map
        either the class numbers or the colours in which they are shown.
      spec: how the original is drawn; None if that is not known.
      original: uint8 (h, w, 3), the drawing before the edit, which shows through where an edited one of
        any kind but `edges` is transparent.
      name: what messages begin with.

    Raises:
      UserError: as in `images.io.read_image`; or grey levels that are neither numbers nor colours of a
        drawing that was a label map.
    """
    pixels = images.read_pixels(source, name=name)
    alpha = images.shape_of(pixels)
    behind: int | np.ndarray = 255
    if spec is not None and spec.kind == "edges":
        if alpha is not None:
            _tell_clear(name, alpha, "taken for its background")
        return images.flatten(pixels, 255 - spec.edge_rgb[0])
    if alpha is not None and original is not None:
        behind = images.resize_labels(original, *pixels.shape[:2])
        _tell_clear(name, alpha, "the original drawing shows through there")
    palette = (spec.palette if spec else None) or ()
    numbers = label_maps.numbers_of(palette)
    levels = None if numbers is None else _levels(pixels, source)
    if numbers is None or levels is None:
        return images.flatten(pixels, behind)
    # Transparent pixels do not count.
    opaque_levels = levels if alpha is None else levels[alpha[..., 0] >= _CLEAR]
    exact = label_maps.to_numbers(levels)
    levels = max((levels, exact), key=lambda candidate: np.isin(candidate, numbers).mean())
    share_of_numbers, share_of_colors = (
        np.isin(levels, numbers).mean(),
        _share_like(opaque_levels, palette),
    )
    if max(share_of_numbers, share_of_colors) < 0.5:
        raise UserError(
            f"{name}: its grey levels are neither class numbers of the drawing that was trained on "
            f"({_listed(numbers)}) nor their colours; start from pair/primitive.png"
        )
    if share_of_numbers <= share_of_colors:
        return images.flatten(pixels, behind)
    log.info("%s: read as a label map of the classes %s", name, _listed(np.unique(levels).tolist()))
    drawing = label_maps.to_colors(levels)
    return drawing if alpha is None else np.where(alpha < _CLEAR, behind, drawing).astype(np.uint8)


def resize_to_own(
    drawing: np.ndarray, original: np.ndarray, spec: PrimitiveSpec | None, photo: np.ndarray
) -> np.ndarray:
    """An edited drawing of the photo's size, shrunk to the original's; one of that size stays.

    Args:
      drawing, original: uint8 (H, W, 3) and (h, w, 3).
      spec: how the original is drawn; None: it is not known, and nothing can be shrunk.
      photo: at its full size.

    Raises:
      UserError: a drawing of another size.
    """
    if drawing.shape == original.shape:
        return drawing
    height, width = original.shape[:2]
    size = f"{drawing.shape[1]}x{drawing.shape[0]} px"
    if spec is None or drawing.shape != photo.shape:
        raise UserError(
            f"primitive: {size}, this model edits {width}x{height}; start from "
            "Model.primitive (pair/primitive.png)"
        )
    log.info("primitive: %s, like the photo; shrunk to the %dx%d of the training", size, width, height)
    return resize_primitive(drawing, spec.kind, height, width, edge_color=spec.edge_color)


def changed(read, given, drawn, original: np.ndarray, spec: PrimitiveSpec | None) -> np.ndarray:
    """Where a drawing was edited, without what a file format did to it (`images.changes`).

    Args:
      read: uint8 (H, W, 3), the edited drawing as `read_edited` gave it.
      given: uint8 (h, w, 3), the same at the original's size: `read` itself, or shrunk.
      drawn: uint8 (h, w, 3), the same as `conform` gave it.
      original: uint8 (h, w, 3), the drawing before the edit.
      spec: how it is drawn; None if that is not known.

    Returns:
      bool (h, w).
    """
    if spec is None or (spec.kind != "edges" and spec.palette is None):
        return changes.changed(original, given)
    conformed_original, _ = conform(original, spec)
    if spec.kind == "edges":
        return (conformed_original != drawn).any(axis=-1)
    edited = changes.redrawn(original, given, conformed_original, drawn)
    colors = (*(spec.palette or ()), spec.edge_rgb)
    if given.shape != read.shape and palettes.share_of_others(read, colors) > _NOISY:
        return changes.solid(edited)
    return edited


def _tell_clear(name, alpha, words):
    log.info("%s: %.1f %% of it is transparent: %s", name, 100 * np.mean(alpha < _CLEAR), words)


def _levels(pixels, source):
    """(H, W): the grey levels of a picture, or the indices of one whose palette hides them; or None."""
    color = pixels[..., :3]
    if (color == color[..., :1]).all():
        levels = color[..., 0]
        hidden = _indices(source) if np.ptp(levels) == 0 else None
        return levels if hidden is None or hidden.shape != levels.shape else hidden
    return None


def _indices(source):
    """(H, W) uint8: the palette indices of an image file; None if it has no palette."""
    if not isinstance(source, str | os.PathLike):
        return None
    with Image.open(source) as image:
        return np.asarray(image) if image.mode == "P" else None


def _as_label_map(levels, source, name, numbered):
    if levels is None or numbered is False:
        return None
    levels = label_maps.to_numbers(levels)
    if numbered:
        return label_maps.to_colors(levels)
    numbers = label_maps.numbers_in(levels)
    dark = np.ptp(levels) > 0 and np.percentile(levels, 99.5) <= _DARK
    if _is_jpeg(source) if numbers else dark:
        raise UserError(
            f"{name}: a label map whose class numbers a lossy format such as JPEG has changed; save it "
            "as PNG"
        )
    if numbers is None:
        return None
    log.info(
        "%s: a label map of %d classes (%s), each shown in a colour of its own",
        name,
        len(numbers),
        _listed(numbers),
    )
    return label_maps.to_colors(levels)


def _is_jpeg(source):
    return isinstance(source, str | os.PathLike) and Path(source).read_bytes()[:2] == b"\xff\xd8"


def _share_like(levels, palette):
    """Share of grey levels that are like a colour of the palette."""
    distinct, counts = np.unique(levels, return_counts=True)
    grey = np.repeat(distinct[:, None].astype(np.int64), 3, axis=1)
    near = np.abs(grey[:, None] - np.array(palette)[None]).max(axis=-1).min(axis=1) <= _LIKE
    return counts[near].sum() / max(1, counts.sum())


def _free_color(pixels, alpha, lines):
    """The first free colour that is far from all that are painted, and from the lines'."""
    painted = images.flatten(pixels[..., :3])[alpha[..., 0] >= _CLEAR]
    used = np.array(
        [*palettes.by_area(painted[None])[: palettes.MAX_COLORS], *([lines] if lines else [])]
    )

    def distance(color):
        return np.abs(used - np.array(color)).max(axis=-1).min() if len(used) else 255

    return next((color for color in _FREE if distance(color) > _FAR), max(_FREE, key=distance))


def _listed(numbers):
    numbers = sorted(numbers)
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers[:12])) + ", ..." * (len(numbers) > 12)
