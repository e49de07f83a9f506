"""Chooses the settings of the estimation for each photo, by tests with known answers.

The photo's own primitive is warped by random fields, some of the whole picture and some of a place in
it, near and far; each setting is judged by how well it finds these fields again, which are known.
Settings hold for every size, so a reduced pair is tried.
"""

import dataclasses
import functools

import cv2
import numpy as np

from deepsim_jax.geometry import grid, tps
from deepsim_jax.images import io as images
from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.primitives.edges import canny_edges, resize_edges, thin_edges
from deepsim_jax.systems.deepsim.copying import flow
from deepsim_jax.systems.deepsim.copying.channels import Channels, Drawing, Parts, parts_of

SIDE = 192
"""Longer side, in pixels, at which a larger pair is tried: that of which settings count pixels."""

DRAWS = 6
STIFFNESSES = (1.0, 3.0, 10.0, flow.STIFFEST)
SMOOTHINGS = (2.0, 4.0, 8.0)

JITTERS = (0.03, 0.06, 0.12)
"""How far control points of a drawn warp move, as a fraction of the picture's extent."""

_CONTROL = 3  # control points of a drawn warp along each axis
_FLOOR = 0.05  # pixels: better than this is not better
_LEAST = 16  # pixels
_SHARPEST = 0.5  # pixels; of a sharper detector noise is lines
_DETECTED = 0.9  # share of a drawing's lines that agrees with automatic ones if it is automatic


def choose(
    source: Parts,
    channels: Channels,
    image: np.ndarray,
    spec: primitives.PrimitiveSpec,
    *,
    seed: int = 0,
) -> tuple[flow.Settings, float]:
    """Finds the settings that follow random warps of a drawing best.

    Lines that were found automatically are found again in the warped photo, where they come and go as
    they do in any other picture; others are warped. It takes a second or two of one processor, whatever
    the size.

    Args:
      source: the photo's own primitive, taken apart.
      channels: of that primitive.
      image: (h, w, 3) uint8, the photo at the primitive's size.
      spec: of the primitive.
      seed: of the warps; the same seed chooses the same.

    Returns:
      The settings, and the geometric mean over the warps of their mean error in pixels of the
      primitive.
    """
    random = np.random.default_rng(seed)
    shrink = min(1.0, SIDE / max(image.shape[:2]))
    detected = source.lines is not None and _are_detected(source.lines, image, spec)
    if shrink < 1:
        # Of a long strip's shorter side something is left for the flow to search in.
        height, width = (max(round(shrink * side), min(side, _LEAST)) for side in image.shape[:2])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        # What is found is as fine, for its size, as in the whole photo.
        spec = dataclasses.replace(spec, canny_sigma=max(spec.canny_sigma * shrink, _SHARPEST))
        lines = _detect(image, spec) if detected else None
        source = _reduced(source, channels, height, width, lines)
    drawing = channels.draw(source)
    height, width = source.labels.shape
    errors = np.zeros((DRAWS, len(STIFFNESSES), len(SMOOTHINGS)))
    for number in range(DRAWS):
        jitter, local = JITTERS[number // 2 % len(JITTERS)], number % 2 == 1
        truth = draw_field(height, width, random, jitter=jitter, local=local)
        warped = warp(source, truth)
        if detected:
            lines = _detect(fields.interpolate(image, truth), spec)
            warped = dataclasses.replace(warped, lines=lines)
        errors[number] = np.log(_FLOOR + _errors(channels.draw(warped), drawing, truth))
    row, column = pick(errors)
    return flow.Settings(STIFFNESSES[row], SMOOTHINGS[column]), float(
        np.exp(errors[:, row, column].mean()) / shrink
    )


def _errors(new: Drawing, source: Drawing, truth: np.ndarray) -> np.ndarray:
    """(stiffnesses, smoothings): the error of each setting in pixels; each start is tried only once."""
    starts = flow.starts(new, source, STIFFNESSES)
    misses = [flow.miss(new, source, start) for start in starts]

    @functools.cache
    def errors_from(number):
        rests = flow.rests(new, source, starts[number])
        tried = [flow.Settings(smoothing=smoothing) for smoothing in SMOOTHINGS]
        return [error(flow.refine(starts[number], rests, settings), truth) for settings in tried]

    # As `flow.estimate` chooses: among rest, the own spline, and the stiffest one.
    choices = [(0, own, len(starts) - 1) for own in range(1, len(starts))]
    return np.array([errors_from(min(choice, key=misses.__getitem__)) for choice in choices])


def _reduced(source, channels, height, width, lines) -> Parts:
    """A smaller drawing; its lines are given where they were found in the photo."""
    if channels.soft:
        colors = cv2.resize(source.colors, (width, height), interpolation=cv2.INTER_AREA)
    else:
        colors = images.resize_labels(source.colors, height, width)
    if lines is None and source.lines is not None:
        lines = resize_edges(source.lines, height, width)
    return channels.labelled(parts_of(primitives.Layers(colors, lines)))


def pick(errors: np.ndarray) -> tuple[int, int]:
    """The stiffest setting within one standard error of the best, each with its best smoothing.

    An edit moves less of the picture than a warp does. (The rule of one standard error: Breiman,
    Friedman, Olshen and Stone, "Classification and regression trees", 1984.)

    Args:
      errors: (draws, stiffnesses, smoothings).
    """
    columns = errors.mean(0).argmin(1)
    best = errors[:, np.arange(len(columns)), columns]
    worse = best - best[:, [best.mean(0).argmin()]]
    slack = worse.std(0, ddof=1) / np.sqrt(len(worse))
    row = int(np.nonzero(worse.mean(0) <= slack)[0].max())
    return row, int(columns[row])


def _detect(image, spec) -> np.ndarray:
    lines = canny_edges(image, sigma=spec.canny_sigma)
    return thin_edges(lines) if spec.thin else lines


def _are_detected(lines, image, spec) -> bool:
    detected = _detect(image, spec)
    if not (lines.any() and detected.any()):
        return False
    near = (
        (fields.distances(detected)[lines] <= 1.5).mean(),
        (fields.distances(lines)[detected] <= 1.5).mean(),
    )
    return min(near) > _DETECTED


def draw_field(
    height: int, width: int, random: np.random.Generator, *, jitter: float, local: bool
) -> np.ndarray:
    """A random smooth (height, width, 2) field.

    Args:
      height, width: pixels.
      random: where the numbers come from.
      jitter: largest movement of a control point, as a fraction of the extent along each axis.
      local: whether only a round place, a quarter to a half of the longer side wide, moves.
    """
    control = tps.control_grid(_CONTROL, _CONTROL, height, width)
    still = fields.identity(height, width)
    points = (still - [(width - 1) / 2, (height - 1) / 2]) / (max(height, width) / 2)
    reach = 2 * jitter * grid.half_extent(height, width)
    targets = random.uniform(-1, 1, control.shape) * reach
    moved = tps.basis(control, points) @ targets * (max(height, width) / 2)
    if local:
        centre = random.uniform(0.25, 0.75, 2) * [width, height]
        radius = random.uniform(0.25, 0.5) * max(height, width) / 2
        share = np.clip(2 - np.linalg.norm(still - centre, axis=-1) / radius, 0, 1)
        moved *= (share * share * (3 - 2 * share))[..., None]
    return still + moved.astype(np.float32)


def warp(parts: Parts, field: np.ndarray) -> Parts:
    """The parts as they look along a smooth field; lines stay about one pixel thin."""
    lines = parts.lines
    if lines is not None:
        # Three times as large, a line is three pixels wide and survives being sampled.
        size = tuple(3 * side for side in field.shape[1::-1])
        fine = (cv2.resize(field, size, interpolation=cv2.INTER_LINEAR) * 3 + 1).astype(np.float32)
        large = cv2.resize(lines.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        fine_lines = fields.look_up(large, fine).reshape(field.shape[0], 3, field.shape[1], 3)
        lines = thin_edges(fine_lines.sum((1, 3)) >= 3)
    return Parts(fields.look_up(parts.colors, field), fields.look_up(parts.labels, field), lines)


def error(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance in pixels between two fields where the true one leads into the picture."""
    height, width = truth.shape[:2]
    inside = ((truth >= 0) & (truth <= [width - 1, height - 1])).all(-1)
    return float(np.linalg.norm(found - truth, axis=-1)[inside].mean())
