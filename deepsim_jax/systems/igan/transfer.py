"""Giving an edit of a generated picture back to the photo, at the photo's own size.

Between neighbouring pictures on a path of latents little changes. So each pixel of the later one is a
pixel of the earlier one a little away, in a slightly other colour: I'(x) = A(x) I(x + u(x)), with A an
affine map. Flow u and colours A are estimated in turn and joined along the path, and then once more
against the first picture, lest small errors add up. They are enlarged by a filter that the photo guides,
and applied to the photo, which is sampled once and so stays sharp.

Zhu, Krähenbühl, Shechtman and Efros, "Generative visual manipulation on the natural image manifold",
2016, section 4.3. No program of theirs for it was released; the flow is that of `ops.optical_flow`.
"""

import dataclasses
import functools
from collections.abc import Callable

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.ops import color_change, guided_filter, sampling
from deepsim_jax.ops import field as fields
from deepsim_jax.ops.optical_flow import optical_flow, smooth

Generate = Callable[[np.ndarray], np.ndarray | jax.Array]
"""(n, d) latents -> (n, h, w, 3) pictures in [-1, 1]."""

Box = tuple[int, int, int, int]
"""(left, top, width, height) in a photo's pixels."""

BETWEEN = 8
"""Pictures between both ends of a path, as published."""

ROUNDS = 3
"""How often flow and colours of neighbours are estimated in turn, as published."""

_PLIANT = 0.3  # stiffness of colours once the flow is known; before, they would explain it away
_FLOW_SIDE = 128  # longer side, in pixels, to which pictures are enlarged for the flow
_GUIDED_SIDE = 1024  # longer side, in pixels, up to which the photo guides
_RADIUS, _EPSILON = 2, 4e-3  # of the guided filter, at the pictures' size and in squares of [0, 1]
_FADING = 1 / 16  # of a box's sides: over which a change fades out towards the rest of the photo
_SMALLEST, _LARGEST = 8, 4  # pixels of a box's side, and how often it may be as long as the photo
_GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclasses.dataclass(frozen=True)
class Changes:
    """What changed since the first of n pictures, for each of them.

    Attributes:
      fields: (n, h, w, 2), where in the first one each pixel comes from, see `ops.field`.
      colors: (n, h, w, 3, 4), how its colour changed, see `ops.color_change`.
    """

    fields: np.ndarray
    colors: np.ndarray

    def at(self, amount: float) -> tuple[np.ndarray, np.ndarray]:
        """Field and change of colour at a part of the way, from 0, the first picture, to 1, the last."""
        place = min(max(amount, 0.0), 1.0) * (len(self.fields) - 1)
        first = min(int(place), len(self.fields) - 2)
        share = np.float32(place - first)
        field, colors = (
            each[first] + share * (each[first + 1] - each[first]) for each in (self.fields, self.colors)
        )
        return field, colors


def transfer(
    generate: Generate,
    start: np.ndarray,
    end: np.ndarray,
    photo: np.ndarray,
    *,
    box: Box | None = None,
    amount: float = 1.0,
    between: int = BETWEEN,
    color: bool = True,
) -> np.ndarray:
    """A photo after the edit that leads from one latent to another.

    Args:
      generate: see `Generate`.
      start, end: (d,) latents; the generated picture of the first shows what the photo shows.
      photo: (H, W, 3) uint8.
      box, amount, color: see `apply`.
      between: see `path`.

    Returns:
      (H, W, 3) uint8.
    """
    check(photo, box)
    return apply(follow(path(generate, start, end, between=between)), photo, amount, box=box, color=color)


def path(generate: Generate, start: np.ndarray, end: np.ndarray, *, between: int = BETWEEN) -> np.ndarray:
    """Pictures on the straight line between two latents, (between + 2, h, w, 3) float32 in [-1, 1]."""
    start, end = (np.asarray(latent, np.float32).reshape(-1) for latent in (start, end))
    shares = np.linspace(0, 1, between + 2, dtype=np.float32)[:, None]
    return np.asarray(generate((1 - shares) * start + shares * end), np.float32)


def follow(frames: np.ndarray) -> Changes:
    """What changed since the first of several pictures between whose neighbours little changes.

    Args:
      frames: (n, h, w, 3) in [-1, 1], n of 2 or more.

    Raises:
      UserError: of another shape.
    """
    frames = np.asarray(frames, np.float32)
    if frames.ndim != 4 or frames.shape[3] != 3 or len(frames) < 2:
        raise UserError(f"pictures of shape {frames.shape} to follow: (2 or more, h, w, 3) is needed")
    frames = np.clip((frames + 1) / 2, 0, 1)
    height, width = frames.shape[1:3]
    still, nothing = fields.identity(height, width), color_change.none(height, width)
    field, colors = still, nothing
    all_fields, all_colors = [field], [colors]
    for old, new in zip(frames[:-1], frames[1:], strict=True):
        step, change = _match(new, old, still, nothing, ROUNDS, color_change.STIFFNESS)
        planes = fields.interpolate(colors.reshape(height, width, 12), step)
        colors = color_change.compose(change, planes.reshape(colors.shape))
        field, colors = _match(new, frames[0], fields.compose(step, field), colors, 1, _PLIANT)
        all_fields.append(field)
        all_colors.append(colors)
    return Changes(np.stack(all_fields), np.stack(all_colors))


def apply(
    changes: Changes,
    photo: np.ndarray,
    amount: float = 1.0,
    *,
    box: Box | None = None,
    color: bool = True,
) -> np.ndarray:
    """Makes a photo change as generated pictures did.

    Args:
      changes: of the pictures.
      photo: (H, W, 3) uint8.
      amount: the part of the way, from 0, the photo itself, to 1.
      box: what of the photo the pictures show; None: all of it. The rest does not change. It may reach
        beyond the photo, where the pictures show white.
      color: whether colours change, too, and not only shapes.

    Returns:
      (H, W, 3) uint8.

    Raises:
      UserError: as for `check`.
    """
    box = check(photo, box)
    field, colors = changes.at(amount)
    moved = field - fields.identity(*field.shape[:2])
    if not color:
        colors = np.zeros_like(colors)
    if not moved.any() and not colors.any():
        return photo.copy()
    part = cut(photo, box)
    moved, colors = _enlarged(moved, colors, part)
    fading = _fading(box, photo.shape[:2], moved.shape[:2])
    if fading is not None:
        moved, colors = moved * fading[..., None], colors * fading[..., None, None]
    seen = sampling.sample(part, fields.identity(*moved.shape[:2]) + moved)
    return put(photo, box, _recolored(seen, colors) if color else seen)


def check(photo: np.ndarray, box: Box | None) -> Box:
    """The box of a photo, or that of the whole photo.

    Raises:
      UserError: a photo that is not (H, W, 3) uint8, or a box that does not meet it or is of no size.
    """
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
        raise UserError(
            f"a photo of shape {photo.shape} and type {photo.dtype}: (H, W, 3) uint8 is needed"
        )
    height, width = photo.shape[:2]
    if box is None:
        return 0, 0, width, height
    left, top, wide, tall = (int(value) for value in box)
    apart = left >= width or top >= height or left + wide <= 0 or top + tall <= 0
    if apart or min(wide, tall) < _SMALLEST or max(wide, tall) > _LARGEST * max(width, height):
        raise UserError(
            f"box {left},{top} of {wide}x{tall} px: it must meet the photo of {width}x{height} px, and "
            f"its sides be at least {_SMALLEST} px and at most {_LARGEST} times the photo's"
        )
    return left, top, wide, tall


def cut(photo: np.ndarray, box: Box) -> np.ndarray:
    """What a box shows: white where it reaches beyond the photo."""
    left, top, width, height = box
    part = np.full((height, width, 3), 255, np.uint8)
    inside, there = _overlap(photo, box)
    part[there] = photo[inside]
    return part


def put(photo: np.ndarray, box: Box, part: np.ndarray) -> np.ndarray:
    """A copy of a photo with something else in a box, as far as that lies in the photo.

    Args:
      photo: (H, W, 3) uint8.
      box: where.
      part: (height, width, 3) uint8 of the box.
    """
    result = photo.copy()
    inside, there = _overlap(photo, box)
    result[inside] = part[there]
    return result


def _overlap(photo: np.ndarray, box: Box) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a photo and a box meet: in the photo, and in the box."""
    left, top, width, height = box
    found = []
    for first, count, side in ((top, height, photo.shape[0]), (left, width, photo.shape[1])):
        low, high = max(first, 0), min(first + count, side)
        found.append((slice(low, high), slice(low - first, high - first)))
    (rows, rows_there), (columns, columns_there) = found
    return (rows, columns), (rows_there, columns_there)


def _match(
    new: np.ndarray,
    old: np.ndarray,
    field: np.ndarray,
    change: np.ndarray,
    rounds: int,
    stiffness: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Improves the field and the change of colour that lead from one picture, in [0, 1], to another."""
    still = fields.identity(*new.shape[:2])
    for _ in range(rounds):
        rest = flow(new, color_change.apply(change, fields.interpolate(old, field)))
        field = fields.compose(still + rest, field)
        field = still + smooth(field - still, new)
        change = color_change.estimate(
            new, fields.interpolate(old, field), start=change, stiffness=stiffness
        )
    return field, change


def flow(new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Where each pixel of a picture lies in another one, relative to itself, by optical flow.

    It is found between enlarged greys: patches of some pixels should see details.

    Args:
      new, old: (h, w, 3) float32 in [0, 1].

    Returns:
      (h, w, 2) float32, (x, y) in pixels.
    """
    height, width = new.shape[:2]
    zoom = max(1, round(_FLOW_SIDE / max(height, width)))

    def large(picture):
        grey = np.clip(picture @ _GREY, 0, 1) * 255
        grey = cv2.resize(grey, (zoom * width, zoom * height), interpolation=cv2.INTER_CUBIC)
        return np.clip(np.rint(grey), 0, 255).astype(np.uint8)

    found = optical_flow(large(new), large(old), 0)
    return cv2.resize(found, (width, height), interpolation=cv2.INTER_AREA) / zoom


def _enlarged(moved, colors, part) -> tuple[np.ndarray, np.ndarray]:
    """A displacement, and a change of colour, at the size of a photo, or somewhat below of a large one.

    What guides is the photo as it will look: it is moved first, by what plain interpolation gives.
    """
    height, width = moved.shape[:2]
    reduce = min(1.0, _GUIDED_SIDE / max(part.shape[:2]))
    tall, wide = size = tuple(max(round(side * reduce), 1) for side in part.shape[:2])
    guide = cv2.resize(part, size[::-1], interpolation=cv2.INTER_AREA) if reduce < 1 else part
    if tall < height or wide < width:  # a photo smaller than the generated picture
        scale = np.array([wide / width, tall / height], np.float32)
        planes = cv2.resize(moved, size[::-1], interpolation=cv2.INTER_AREA) * scale
        flat = colors.reshape(height, width, 12)
        return planes, _by_fours(flat, size, cv2.INTER_AREA).reshape(*size, 3, 4)
    rough = sampling.enlarge(moved, size) + fields.identity(*size)
    guide = fields.interpolate(guide, rough).astype(np.float32) / 255
    source = np.concatenate([moved, colors.reshape(height, width, 12)], axis=-1)
    large = np.array(_guided(source, guide))
    large[..., :2] *= np.array([wide / width, tall / height], np.float32)
    return large[..., :2], large[..., 2:].reshape(*size, 3, 4)


@jax.jit
def _guided(source, guide):
    return guided_filter.enlarge(
        jnp.asarray(source), jnp.asarray(guide), radius=_RADIUS, epsilon=_EPSILON
    )


def _recolored(picture: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """A uint8 picture after a change of colour that may be of a smaller size."""
    size = picture.shape[1::-1]
    x = picture.astype(np.float32) / 255
    result = x.copy()
    for row in range(3):
        plane = np.ascontiguousarray(colors[:, :, row])
        if plane.shape[:2] != picture.shape[:2]:
            plane = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)
        result[..., row] += (plane[..., :3] * x).sum(-1) + plane[..., 3]
    return np.clip(np.rint(result * 255), 0, 255).astype(np.uint8)


def _by_fours(planes, size, kernel):
    """Resizes planes of any number, which OpenCV does up to four at a time."""
    parts = [
        cv2.resize(np.ascontiguousarray(planes[..., first : first + 4]), size[::-1], interpolation=kernel)
        for first in range(0, planes.shape[-1], 4)
    ]
    return np.concatenate(parts, axis=-1)


@functools.lru_cache(maxsize=8)
def _fading(box: Box, photo: tuple[int, int], size: tuple[int, int]) -> np.ndarray | None:
    """(h, w) weights at a size that fall to 0 at those sides of a box beyond which the photo goes on."""
    left, top, width, height = box
    open_sides = (left > 0, left + width < photo[1]), (top > 0, top + height < photo[0])
    if not any(map(any, open_sides)):
        return None
    ramps = []
    for (before, after), count in zip(open_sides, size[::-1], strict=True):
        places = (np.arange(count, dtype=np.float32) + 0.5) / count
        ramp = np.ones(count, np.float32)
        if before:
            ramp = np.minimum(ramp, places / _FADING)
        if after:
            ramp = np.minimum(ramp, (1 - places) / _FADING)
        ramps.append(ramp * ramp * (3 - 2 * ramp))
    return ramps[1][:, None] * ramps[0]
