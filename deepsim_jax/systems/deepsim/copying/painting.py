"""Tests, with known answers, whether a network paints what a photo lacks better than it is copied.

The photo itself is the answer. A part of it is laid over another place, so that it lacks what was there,
and just that is asked for, in a warp that goes farther than a training's. The copy has only the covered
photo to take from, the network only the drawing, and the true picture is the warped photo.
"""

import dataclasses
import logging
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from deepsim_jax.evaluate import edits, perceptual
from deepsim_jax.images import compositing
from deepsim_jax.ops import field as fields
from deepsim_jax.ops import sampling
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.systems.deepsim.copying import channels, engine, flow, moves, trial

log = logging.getLogger("deepsim_jax")

DRAWS = 3

JITTER = 0.08
"""How far control points of a warp move, as a fraction of the picture's extent."""

RADII = 0.06, 0.18
"""Smallest and largest radius of what is laid over the photo, as fractions of its longer side."""

LACKING = 0.003, 0.2
"""The least and the largest share of a picture that is lacking in a draw that counts."""

_TRIES = 16  # places that are tried for each draw
_FOLD = 1  # of the seed: other warps than those by which `trial` chooses


class Comparison(NamedTuple):
    """How a network and the copy show what the photo lacks.

    Attributes:
      copied, painted: LPIPS (AlexNet) around what is lacking, without and with the network's picture of
        it: the mean over the draws.
    """

    copied: float
    painted: float

    @property
    def is_painted_better(self) -> bool:
        """Whether what the network paints is at least as near to the truth."""
        return self.painted <= self.copied


def choose(source: pair.Source, paint: Callable[[np.ndarray], np.ndarray], *, steps: int | None) -> str:
    """The engine of an edit, "both" or "copy", by `compare`; says in one line what it found.

    Args:
      source, paint: as for `compare`.
      steps: for which the network was trained, for the line; None: not known.
    """
    found = compare(source, paint)
    if found is None:
        return "both"
    figures = f"LPIPS {found.painted:.3f} painted, {found.copied:.3f} copied"
    if found.is_painted_better:
        log.info("edits: the network paints what the photo lacks (tests on the photo: %s)", figures)
        return "both"
    log.warning(
        "edits: the network%s paints what the photo lacks worse than it is copied (tests on the photo: "
        "%s), so that all is copied; train longer, or choose engine=both",
        "" if steps is None else f", trained for {steps} steps,",
        figures,
    )
    return "copy"


class Draw(NamedTuple):
    """A test with a known answer.

    Attributes:
      drawing: (h, w, 3) uint8, the primitive that is asked for.
      truth: (h, w, 3) uint8, the picture of it.
      copied: what a copy makes of it that lacks something.
    """

    drawing: np.ndarray
    truth: np.ndarray
    copied: engine.Copied


def compare(
    source: pair.Source, paint: Callable[[np.ndarray], np.ndarray], *, seed: int = 0
) -> Comparison | None:
    """Compares a network with the copy on held-out warps of a photo that lacks something.

    Args:
      source: the photo and its primitive.
      paint: makes the network's picture of a primitive, both uint8 (h, w, 3).
      seed: of the warps; the same seed compares the same.

    Returns:
      The comparison; None for a photo that is too small for LPIPS (`perceptual.SMALLEST`), or has a
      drawing in which no part that is laid over another makes a difference.
    """
    if min(source.primitive.shape[:2]) < perceptual.SMALLEST:
        return None
    errors = []
    for found in draws(source, seed=seed):
        copied, lacking = found.copied.picture, found.copied.lacking
        painted = engine.repaint(copied, paint(found.drawing), lacking)
        region = compositing.soften(lacking, dilation=edits.GROWTH * max(lacking.shape), feather=0) > 0
        errors.append([edits.region_lpips(made, found.truth, region) for made in (copied, painted)])
    return Comparison(*np.mean(errors, axis=0).tolist()) if errors else None


def draws(source: pair.Source, *, seed: int = 0) -> list[Draw]:
    """Up to `DRAWS` tests, fewer where what is laid over the photo often makes no difference."""
    random = np.random.default_rng([seed, _FOLD])
    parts = channels.take_apart(source.primitive, source.spec)
    height, width = source.primitive.shape[:2]
    found = []
    for _ in range(DRAWS):
        field = trial.draw_field(height, width, random, jitter=JITTER, local=False)
        drawing = primitives.compose(trial.warp(parts, field).layers, source.spec)
        truth = sampling.sample(source.image, field)
        for _ in range(_TRIES):
            covered = _cover(source, parts, random)
            copied = engine.Copier(covered, settings=flow.Settings()).copy(
                drawing, field=field, full=False
            )
            if LACKING[0] <= copied.lacking.mean() <= LACKING[1]:
                found.append(Draw(drawing, truth, copied))
                break
    return found


def _cover(source, parts, random) -> pair.Source:
    """A pair with a part of it, all within an ellipse, laid over another place."""
    height, width = parts.labels.shape
    radii = random.uniform(*RADII, 2) * max(height, width)
    still = fields.identity(height, width)
    origin = np.rint(random.uniform(0, 1, 2) * [width - 1, height - 1])
    # Small regions are covered as often as large ones.
    label = random.choice(np.unique(parts.labels))
    place = random.choice(still[parts.labels == label])
    inside = np.square((still - origin) / radii).sum(-1) <= 1
    shift = place - origin
    moved = moves.Shift(inside, [[1, 0, shift[0]], [0, 1, shift[1]]])
    field = moves.field_of([moved], height, width)
    lines = parts.lines
    if lines is not None:
        lines = fields.look_up(lines.view(np.uint8), field) > 0
    layers = primitives.Layers(fields.look_up(parts.colors, field), lines)
    image = fields.look_up(source.image, field)
    return dataclasses.replace(
        source, photo=image, image=image, primitive=primitives.compose(layers, source.spec), original=None
    )
