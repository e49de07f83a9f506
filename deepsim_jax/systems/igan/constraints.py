"""What a hand asks of a generated picture: strokes of three brushes, and how far a picture is from them.

    {"size": [384, 384],
     "strokes": [
       {"brush": "color", "points": [[120, 200], [150, 204]], "width": 12, "color": [200, 30, 30]},
       {"brush": "sketch", "points": [[60, 90], [80, 40]]},
       {"brush": "sketch", "points": [[200, 90]], "width": 20, "erase": true},
       {"brush": "warp", "from": [300, 250], "to": [330, 240], "width": 72}]}

Points are (x, y) in pixels of a drawing of the given size (width, height), by default the generated
picture's own, with pixel centres at whole numbers. The colour brush asks for a colour; the sketch brush
for edges along a line, or for none (`erase`); the warp brush for the colours and edges of a square patch
at another place. Strokes add up, and where they overlap the newest wins. (Zhu, Krähenbühl, Shechtman and
Efros, "Generative visual manipulation on the natural image manifold", 2016, sections 4.2 and 5.1.)
"""

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import cv2
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import ranges
from deepsim_jax.images.text_files import read_text
from deepsim_jax.ops import field as fields
from deepsim_jax.ops.hog import hog

SKETCH_WEIGHT = 0.2
"""Of the term of edges beside that of colours, as in the published program."""

WIDTHS = {"color": 3.0, "sketch": 1.0, "warp": 24.0}
"""Widths where none is given: of a line, or a patch's side, in pixels of a picture of 64."""

Brush = Literal["color", "sketch", "warp"]

_KEYS = {
    "color": ({"points", "color"}, {"width"}),
    "sketch": ({"points"}, {"width", "erase"}),
    "warp": ({"from", "to"}, {"width"}),
}  # needed and optional ones
_MOST_POINTS = 100_000
_FRACTION = 4  # bits of a pixel to which OpenCV draws
_SMALLEST = 1e-5  # share of masked pixels below which a term fades out, as published
_REFERENCE = 64  # side, in pixels, to which default widths and blocks of 8 belong


@dataclasses.dataclass(frozen=True)
class Stroke:
    """One gesture of a brush.

    Attributes:
      brush: which.
      points: (x, y) along the line; of a warp, where the patch is grabbed and where it goes.
      width: of the line, or the patch's side, in the points' pixels; None: see `WIDTHS`.
      color: (r, g, b) of 0 to 255, of a colour brush.
      erase: whether a sketch brush asks for no edges.
    """

    brush: Brush
    points: tuple[tuple[float, float], ...]
    width: float | None = None
    color: tuple[int, int, int] | None = None
    erase: bool = False


@dataclasses.dataclass(frozen=True)
class Strokes:
    """All gestures of an edit, the oldest first.

    Attributes:
      strokes: the gestures.
      size: (width, height) of what they were drawn on, in pixels; None: the generated picture.
    """

    strokes: tuple[Stroke, ...]
    size: tuple[int, int] | None = None


class Constraints(flax.struct.PyTreeNode):
    """Strokes as arrays of the generated picture's size; float32, pictures in [-1, 1], masks 0 or 1.

    Attributes:
      color: (h, w, 3), asked for where
      color_mask: (h, w) is 1.
      sketch: (h, w, 3), white lines on black.
      sketch_mask: (h, w), 1 where the sketch brush was last.
      warp: (h, w, 3), the picture with its patches displaced.
      warp_mask: (h, w), 1 where a patch lies and the sketch brush was not later.
    """

    color: jax.Array | np.ndarray
    color_mask: jax.Array | np.ndarray
    sketch: jax.Array | np.ndarray
    sketch_mask: jax.Array | np.ndarray
    warp: jax.Array | np.ndarray
    warp_mask: jax.Array | np.ndarray

    def combine(self, newer: "Constraints") -> "Constraints":
        """These and newer ones, which win where both say something."""
        edges = np.maximum(newer.sketch_mask, newer.warp_mask)
        ground = newer.warp if np.any(newer.warp_mask) else self.warp
        return Constraints(
            color=_over(self.color, newer.color, newer.color_mask),
            color_mask=np.maximum(self.color_mask, newer.color_mask),
            sketch=_over(self.sketch, newer.sketch, newer.sketch_mask),
            sketch_mask=np.maximum(self.sketch_mask * (1 - edges), newer.sketch_mask),
            warp=_over(_over(ground, self.warp, self.warp_mask), newer.warp, newer.warp_mask),
            warp_mask=np.maximum(self.warp_mask * (1 - edges), newer.warp_mask),
        )


def empty(size: tuple[int, int]) -> Constraints:
    """Constraints of pictures of (height, width) that ask for nothing."""
    black, nowhere = np.full((*size, 3), -1, np.float32), np.zeros(size, np.float32)
    return Constraints(black, nowhere, black, nowhere, black, nowhere)


def parse(data: Mapping | Sequence | str | os.PathLike) -> Strokes:
    """Strokes from JSON data or from a file of it, all checked.

    Args:
      data: as in the module's docstring, or the list of strokes alone, or the path of a file.

    Raises:
      UserError: no such file, or something in it that is not understood; one line says which.
    """
    name = "strokes"
    if isinstance(data, str | os.PathLike):
        name = f"strokes {os.fspath(data)}"
        try:
            data = json.loads(read_text(data))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{name}: cannot be read ({error})") from error
    if isinstance(data, Mapping):
        unknown = sorted(map(str, set(data) - {"size", "strokes"}))
        if unknown or "strokes" not in data:
            raise UserError(
                f"{name}: "
                + (f"unknown key {unknown[0]!r}; " if unknown else "")
                + 'give {"strokes": [...]}, and "size": [width, height] if they were drawn larger'
            )
        size, found = data.get("size"), data["strokes"]
    else:
        size, found = None, data
    if size is not None:
        size = _size(size, name)
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise UserError(f"{name}: a list of strokes is needed, not {_short(found)}")
    return Strokes(tuple(_stroke(each, f"{name}[{n}]") for n, each in enumerate(found)), size)


def to_json(strokes: Strokes) -> dict[str, Any]:
    """The data from which `parse` makes the same strokes."""
    data: dict[str, Any] = {} if strokes.size is None else {"size": list(strokes.size)}
    data["strokes"] = []
    for stroke in strokes.strokes:
        points = [list(point) for point in stroke.points]
        found: dict[str, Any] = {"brush": stroke.brush}
        found |= {"from": points[0], "to": points[1]} if stroke.brush == "warp" else {"points": points}
        if stroke.width is not None:
            found["width"] = stroke.width
        if stroke.color is not None:
            found["color"] = list(stroke.color)
        if stroke.erase:
            found["erase"] = True
        data["strokes"].append(found)
    return data


def draw(strokes: Strokes, size: tuple[int, int], picture: np.ndarray | None = None) -> Constraints:
    """What strokes ask of a generated picture.

    Args:
      strokes: the oldest first.
      size: (height, width) of the generated picture.
      picture: (h, w, 3), uint8 or in [-1, 1], from which warp brushes grab: the generated picture that
        the edit begins with.

    Raises:
      UserError: a warp stroke and no picture, or one of another size.
    """
    if picture is not None:
        picture = np.asarray(picture)
        if picture.shape != (*size, 3):
            raise UserError(f"a picture of shape {picture.shape} to warp: {(*size, 3)} is needed")
        picture = ranges.to_float(picture) if picture.dtype == np.uint8 else picture.astype(np.float32)
    drawn_on = strokes.size or size[::-1]
    scale = np.array([size[1] / drawn_on[0], size[0] / drawn_on[1]])
    found = empty(size)
    for stroke in strokes.strokes:
        points = (np.array(stroke.points) + 0.5) * scale - 0.5
        if stroke.width is None:
            width = WIDTHS[stroke.brush] * min(size) / _REFERENCE
        else:
            width = stroke.width * float(scale.min())
        if stroke.brush == "warp":
            if picture is None:
                raise UserError("a warp stroke needs the picture from which its patch is taken")
            new = _warped(points, width, picture)
        else:
            new = _painted(stroke, points, width, size)
        found = found.combine(new)
    return found


def cost(images: jax.Array, constraints: Constraints, *, block: int | None = None) -> jax.Array:
    """How far pictures are from what is asked of them.

    Mean over the asked pixels of the squared difference of colours, and `SKETCH_WEIGHT` times that over
    the asked blocks of the difference of `ops.hog`'s histograms. A block is asked where a pixel of its
    histogram was painted; of sketches and displaced patches in one block, each has its painted share.

    Args:
      images: (n, h, w, 3) in [-1, 1].
      constraints: of that size.
      block: side of the histograms' blocks; None: an eighth of the side, 8 at 64 px as published.

    Returns:
      (n,) costs >= 0, 0 where nothing is asked.
    """
    block = block or block_for((images.shape[1], images.shape[2]))
    error = jnp.square(images - constraints.color)
    colors = _masked_mean(error, jnp.asarray(constraints.color_mask))
    sketched, warped = _near(jnp.stack([constraints.sketch_mask, constraints.warp_mask]), block)
    painted = sketched + warped
    share = sketched / jnp.maximum(painted, _SMALLEST)
    wanted = hog(jnp.stack([constraints.sketch, constraints.warp]), block=block)
    wanted = share[..., None] * wanted[0] + (1 - share)[..., None] * wanted[1]
    error = jnp.square(hog(images, block=block) - wanted)
    edges = _masked_mean(error, (painted > _SMALLEST).astype(error.dtype))
    return colors + SKETCH_WEIGHT * edges


def block_for(size: tuple[int, int]) -> int:
    """The side of the histograms' blocks for pictures of (height, width): about an eighth of theirs."""
    common, most = math.gcd(*size), max(1, min(size) // 8)
    return max(side for side in range(1, most + 1) if common % side == 0)


def _masked_mean(error, mask):
    """(n, h, w, c) errors and a (h, w) mask -> (n,), as published."""
    return jnp.mean(error * mask[..., None], axis=(1, 2, 3)) / (jnp.mean(mask) + _SMALLEST)


def _near(masks, block):
    """(..., h, w) -> (..., rows, columns): masked pixels of each block's histogram."""
    window = (1,) * (masks.ndim - 2) + (2 * block, 2 * block)
    strides = (1,) * (masks.ndim - 2) + (block, block)
    border = [(0, 0)] * (masks.ndim - 2) + [(block // 2, block - block // 2)] * 2
    return jax.lax.reduce_window(masks, 0.0, jax.lax.add, window, strides, border)


def _over(older, newer, mask):
    return np.where(np.asarray(mask)[..., None] > 0, newer, older)


def _painted(stroke, points, width, size) -> Constraints:
    """The constraints of one stroke of a colour or sketch brush."""
    canvas = np.zeros(size, np.uint8)
    limit = 4 * max(size)  # far outside, where OpenCV's whole numbers still hold
    fixed = np.rint(np.clip(points, -limit, limit) * 2**_FRACTION).astype(np.int32)
    if len(fixed) == 1:
        fixed = np.repeat(fixed, 2, axis=0)
    thickness = int(min(max(1, round(width)), 255))
    cv2.polylines(canvas, [fixed], False, 1, thickness, cv2.LINE_8, _FRACTION)
    mask = canvas.astype(np.float32)
    nothing = empty(size)
    if stroke.brush == "color":
        color = np.broadcast_to(ranges.to_float(np.array(stroke.color)), (*size, 3))
        return nothing.replace(color=color, color_mask=mask)
    sketch = np.full((*size, 3), -1, np.float32)
    if not stroke.erase:
        sketch[canvas > 0] = 1
    return nothing.replace(sketch=sketch, sketch_mask=mask)


def _warped(points, width, picture) -> Constraints:
    """The constraints of a patch that is displaced, as far as it lies and comes to lie in the picture."""
    height, across = size = picture.shape[:2]
    start, end = points
    still = fields.identity(*size)
    mask = (np.abs(still - end) <= max(width, 1) / 2).all(-1)
    source = (still + (start - end)).astype(np.float32)
    mask &= ((source >= -0.5) & (source <= [across - 0.5, height - 0.5])).all(-1)
    moved = fields.interpolate(picture, source)
    placed = np.where(mask[..., None], moved, picture)
    found = mask.astype(np.float32)
    return empty(size).replace(color=placed, color_mask=found, warp=placed, warp_mask=found)


def _stroke(data, name) -> Stroke:
    """One checked stroke."""
    if not isinstance(data, Mapping):
        raise UserError(f'{name}: {_short(data)} is no stroke; give {{"brush": ...}}')
    brush = data.get("brush")
    if not isinstance(brush, str) or brush not in _KEYS:
        raise UserError(f"{name}: brush {_short(brush)}; there are {', '.join(_KEYS)}")
    needed, optional = _KEYS[brush]
    given = set(data) - {"brush"}
    for key in sorted(map(str, needed - given)):
        raise UserError(f"{name}: a {brush} stroke needs {key!r}")
    for key in sorted(map(str, given - needed - optional)):
        raise UserError(
            f"{name}: a {brush} stroke has no {key!r}; it takes {', '.join(sorted(needed | optional))}"
        )
    if brush == "warp":
        points = [_point(data[key], f"{name}: {key}") for key in ("from", "to")]
    else:
        listed = data["points"]
        if not _is_list(listed) or not 1 <= len(listed) <= _MOST_POINTS:
            raise UserError(f"{name}: points {_short(listed)}; give a list of [x, y]")
        points = [_point(point, f"{name}: points[{n}]") for n, point in enumerate(listed)]
    width = data.get("width")
    if width is not None and (not _is_number(width) or not 0 < width <= 1e5):
        raise UserError(f"{name}: width {_short(width)}; a number above 0 is needed")
    erase = data.get("erase", False)
    if not isinstance(erase, bool):
        raise UserError(f"{name}: erase {_short(erase)}; true or false is needed")
    color = None
    if brush == "color":
        color = data["color"]
        if not _is_list(color) or len(color) != 3 or not all(_is_level(level) for level in color):
            raise UserError(f"{name}: color {_short(color)}; give [red, green, blue] of 0 to 255")
        color = tuple(map(int, color))
    width = None if width is None else float(width)
    return Stroke(brush, tuple(points), width, color, erase)  # type: ignore[arg-type]  # one of _KEYS


def _size(size, name) -> tuple[int, int]:
    if not _is_list(size) or len(size) != 2 or not all(_is_whole(side, 1, 100_000) for side in size):
        raise UserError(f"{name}: size {_short(size)}; give [width, height] in pixels")
    return int(size[0]), int(size[1])


def _point(point, name) -> tuple[float, float]:
    if not _is_list(point) or len(point) != 2 or not all(map(_is_number, point)):
        raise UserError(f"{name} {_short(point)}; give [x, y] in pixels")
    return float(point[0]), float(point[1])


def _is_list(data):
    return isinstance(data, Sequence | np.ndarray) and not isinstance(data, str)


def _is_number(data):
    is_number = isinstance(data, int | float | np.number) and not isinstance(data, bool)
    return is_number and abs(data) <= 1e6  # which NaN is not


def _is_whole(data, low, high):
    return isinstance(data, int | np.integer) and not isinstance(data, bool) and low <= data <= high


def _is_level(data):
    return _is_whole(data, 0, 255)


def _short(data):
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "..."
