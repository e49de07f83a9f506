"""Chooses the settings of the estimation for each photo, by tests with known answers.

The photo's own primitive is warped by random fields, some of the whole picture and some of a place in
it, near and far; each setting is judged by how well it finds these fields again, which are known.
"""

import dataclasses

import cv2
import numpy as np

from deepsim_jax.geometry import grid, tps
from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.primitives.edges import canny_edges, thin_edges
from deepsim_jax.systems.deepsim.copying import flow
from deepsim_jax.systems.deepsim.copying.channels import Channels, Parts

DRAWS = 6
STIFFNESSES = (1.0, 3.0, 10.0, flow.STIFFEST)
SMOOTHINGS = (2.0, 4.0, 8.0)

JITTERS = (0.03, 0.06, 0.12)
"""How far control points of a drawn warp move, as a fraction of the picture's extent."""

_CONTROL = 3  # control points of a drawn warp along each axis
_FLOOR = 0.05  # pixels: better than this is not better
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
    they do in any other picture; others are warped.

    Args:
      source: the photo's own primitive, taken apart.
      channels: of that primitive.
      image: (h, w, 3) uint8, the photo at the primitive's size.
      spec: of the primitive.
      seed: of the warps; the same seed chooses the same.

    Returns:
      The settings, and the geometric mean over the warps of their mean error in pixels.
    """
    random = np.random.default_rng(seed)
    drawing = channels.draw(source)
    height, width = source.labels.shape
    detected = source.lines is not None and _are_detected(source.lines, image, spec)
    errors = np.zeros((DRAWS, len(STIFFNESSES), len(SMOOTHINGS)))
    for number in range(DRAWS):
        jitter, local = JITTERS[number // 2 % len(JITTERS)], number % 2 == 1
        truth = draw_field(height, width, random, jitter=jitter, local=local)
        warped = warp(source, truth)
        if detected:
            lines = _detect(fields.interpolate(image, truth), spec)
            warped = dataclasses.replace(warped, lines=lines)
        new = channels.draw(warped)
        starts = flow.starts(new, drawing, STIFFNESSES)
        for row, stiffness in enumerate(STIFFNESSES):
            coarse = flow.choose_start(new, drawing, [*starts[:1], starts[1 + row], starts[-1]])
            rests = flow.rests(new, drawing, coarse)
            for column, smoothing in enumerate(SMOOTHINGS):
                estimated = flow.refine(coarse, rests, flow.Settings(stiffness, smoothing))
                errors[number, row, column] = np.log(_FLOOR + error(estimated, truth))
    row, column = pick(errors)
    return flow.Settings(STIFFNESSES[row], SMOOTHINGS[column]), float(
        np.exp(errors[:, row, column].mean())
    )


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
