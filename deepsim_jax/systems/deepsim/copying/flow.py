"""The estimated field between two drawings: registration by a spline, refined by optical flow.

Optical flow alone (`ops.optical_flow`) fails beyond a few pixels, because a drawing is flat almost
everywhere. The spline reaches far and leaves errors of a pixel or two, which the flow corrects well.
"""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.ops.optical_flow import optical_flow
from deepsim_jax.systems.deepsim.copying import spline
from deepsim_jax.systems.deepsim.copying.channels import Drawing

LINES = 0.5
"""Weight of the flow between lines where there are regions, too: the mean of two estimates."""

STIFFEST = 30.0
"""Stiffness of a spline that is tried beside the photo's own choice, which favours global warps."""

_ROUGH = 2  # finest scale, quarters, of the flows by which hypotheses are compared
_BROAD = 16.0  # pixels: what is smoothed by more than this has no detail that a quarter of the size lacks


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a field is estimated; chosen for each photo by `trial.choose`.

    Attributes:
      stiffness: of the spline, see `spline.register`.
      smoothing: standard deviation, in pixels of a side of 192, by which the refining flow is smoothed.
    """

    stiffness: float = 3.0
    smoothing: float = 4.0


def estimate(new: Drawing, source: Drawing, settings: Settings) -> np.ndarray:
    """The (h, w, 2) field along which a source's drawing becomes the new one of the same size."""
    coarse = choose_start(new, source, starts(new, source, sorted({settings.stiffness, STIFFEST})))
    return fields.settle(refine(coarse, rests(new, source, coarse), settings))


def starts(new: Drawing, source: Drawing, stiffnesses: Sequence[float]) -> list[np.ndarray]:
    """Where a refinement may start: rest, and the spline's field for each stiffness."""
    registered = [spline.register(new.planes, source.planes, stiffness) for stiffness in stiffnesses]
    return [fields.identity(*new.planes.shape[:2]), *registered]


def choose_start(new: Drawing, source: Drawing, starts: list[np.ndarray]) -> np.ndarray:
    """Chooses the field from which a rough flow brings the drawings closest to each other.

    Where little moves, or single things that a stiff spline cannot follow, the flow does better alone;
    where all moves far, only a pliant spline gets there.
    """
    return min(starts, key=lambda start: miss(new, source, start))


def miss(new: Drawing, source: Drawing, start: np.ndarray) -> float:
    """How much the drawings differ, in levels, along a start with a rough flow."""
    field = refine(start, rests(new, source, start, _ROUGH), Settings(smoothing=_ROUGH))
    return sum(
        float(cv2.absdiff(target, _sample_grey(grey, field)).mean())
        for target, grey in zip(new.greys, source.greys, strict=True)
    )


def rests(new: Drawing, source: Drawing, coarse: np.ndarray, finest: int = 0) -> list[np.ndarray]:
    """The remaining (h, w, 2) displacements after a coarse field, one from each grey picture.

    Args:
      new, source: the drawings.
      coarse: (h, w, 2) field from the one to the other.
      finest: scale at which the flow ends: 0 for all pixels, 1 for half as many a side, and so on.
    """
    return [
        optical_flow(target, _sample_grey(grey, coarse), finest)
        for target, grey in zip(new.greys, source.greys, strict=True)
    ]


def refine(coarse: np.ndarray, rests: list[np.ndarray], settings: Settings) -> np.ndarray:
    """Adds the remaining displacements, averaged and smoothed, to a coarse field."""
    height, width = coarse.shape[:2]
    displacement = rests[0]
    if len(rests) > 1:
        displacement = (1 - LINES) * rests[0] + LINES * rests[1]
    displacement = _smoothed(displacement, settings.smoothing * max(height, width) / 192)
    return fields.compose(fields.identity(height, width) + displacement, coarse)


def _smoothed(displacement, sigma):
    if sigma <= _BROAD:
        return cv2.GaussianBlur(displacement, (0, 0), sigma)
    # At a quarter of the size the same costs a tenth.
    height, width = displacement.shape[:2]
    small = cv2.resize(displacement, (-(-width // 4), -(-height // 4)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / 4, borderType=cv2.BORDER_REFLECT)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _sample_grey(grey, field):
    return fields.interpolate(grey[..., None], field)[..., 0]
