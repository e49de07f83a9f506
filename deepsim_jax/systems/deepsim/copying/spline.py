"""Registration of two drawings by a smooth field: the coarse half of the estimated flow.

The displacement is a tensor product of cubic B-splines over few control points. It minimises

    sum rho(|source(x + u) - new(x)|^2) + stiffness * t * (|grad u|^2 + BENDING * |grad grad u|^2)

with rho Cauchy's robust function and t the source's mean squared gradient, which makes the stiffness
independent of how much is drawn and how. Gauss-Newton steps with the mean of both drawings' gradients
(Benhimane and Malis, "Real-time image-based tracking of planes using efficient second-order
minimization", 2004) reach far: 15 px of 192 are no difficulty. The penalty on the gradient is what keeps
parts at rest about which a drawing says nothing; bending alone would carry them along with others.
"""

import functools

import cv2
import numpy as np

from deepsim_jax.ops import field as fields

SIDE = 32
"""Longer side, in pixels, at which drawings are registered."""

POINTS = 8
"""Control points along the longer side."""

STEPS = 6
BENDING = 1e-3
"""Weight of the second derivatives beside the first, both in units of the longer side."""

_ROBUST = 0.25  # squared difference at which a pixel counts for a half: of an object that is gone
_RIDGE = 1e-3


def register(new: np.ndarray, source: np.ndarray, stiffness: float) -> np.ndarray:
    """Finds the smooth field along which a source's planes become the new ones.

    Args:
      new, source: (h, w, C) float32 planes that differ by about 1 between different things.
      stiffness: above 0; the more, the less the field bends.

    Returns:
      (h, w, 2) float32 field.
    """
    height, width = new.shape[:2]
    shrink = min(1.0, SIDE / max(height, width))
    size = max(4, round(height * shrink)), max(4, round(width * shrink))
    new, source = _reduced(new, *size), _reduced(source, *size)
    moved = _minimise(new, source, stiffness)
    scale = np.array([width / size[1], height / size[0]], np.float32)
    large = cv2.resize(moved, (width, height), interpolation=cv2.INTER_CUBIC)
    return fields.identity(height, width) + large * scale


def _reduced(planes, height, width):
    """Reduces planes to the size of registration and blurs them by one pixel there."""
    parts = []
    for first in range(0, planes.shape[-1], 4):
        chunk = np.ascontiguousarray(planes[..., first : first + 4])
        chunk = cv2.resize(chunk, (width, height), interpolation=cv2.INTER_AREA)
        parts.append(cv2.GaussianBlur(chunk, (0, 0), 1.0).reshape(height, width, -1))
    return np.concatenate(parts, axis=-1)


def _minimise(new, source, stiffness) -> np.ndarray:
    """(h, w, 2) displacement between planes of the size of registration."""
    height, width = new.shape[:2]
    basis, penalty = _model(height, width)
    count = basis.shape[1]
    across, down = _slopes(source)
    gradient_energy = float(((across**2).sum(-1) + (down**2).sum(-1)).mean())
    penalty = stiffness * max(gradient_energy, 1e-12) * penalty
    ridge = _RIDGE * np.eye(2 * count, dtype=np.float64)
    points = np.zeros((count, 2))
    still = fields.identity(height, width)
    for _ in range(STEPS):
        positions = still + (basis @ points).reshape(height, width, 2).astype(np.float32)
        warped = fields.interpolate(source, positions)
        residual = warped - new
        across, down = _slopes((warped + new) / 2)
        weight = 1 / (1 + np.einsum("yxc,yxc->yx", residual, residual) / _ROBUST)
        weight *= ((positions >= -0.5) & (positions <= [width - 0.5, height - 0.5])).all(-1)

        def product(a, b, weight=weight):
            return (weight * np.einsum("yxc,yxc->yx", a, b)).reshape(-1, 1)

        xx, xy, yy = product(across, across), product(across, down), product(down, down)
        xx, xy, yy = (basis.T @ (block * basis) for block in (xx, xy, yy))
        system = np.block([[xx + penalty, xy], [xy, yy + penalty]]) + ridge
        slope = np.concatenate([basis.T @ product(across, residual), basis.T @ product(down, residual)])[
            :, 0
        ]
        slope += np.concatenate([penalty @ points[:, 0], penalty @ points[:, 1]])
        step = np.linalg.solve(system, -slope)
        points += step.reshape(2, count).T
    return (basis @ points).reshape(height, width, 2).astype(np.float32)


def _slopes(planes):
    """Derivatives of (h, w, C) planes along x and y."""
    down, across = np.gradient(planes, axis=(0, 1))
    return across, down


@functools.lru_cache(maxsize=8)
def _model(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(h * w, n) values of the splines and (n, n) their penalty, summed over the pixels."""
    longer = max(height, width)
    sizes = [max(4, round(POINTS * side / longer)) for side in (height, width)]
    down, across = (_splines(n, side) for n, side in zip(sizes, (height, width), strict=True))
    values = np.einsum("ya,xb->yxab", down, across).reshape(height * width, -1)

    def energy(along_y, along_x):
        parts = []
        for factor, times in ((down, along_y), (across, along_x)):
            for _ in range(times):
                factor = np.gradient(factor, axis=0)
            parts.append(factor.T @ factor)
        return np.kron(*parts)

    bending = energy(2, 0) + 2 * energy(1, 1) + energy(0, 2)
    penalty = energy(1, 0) + energy(0, 1) + BENDING * longer**2 * bending
    return values.astype(np.float32), penalty


def _splines(count: int, side: int) -> np.ndarray:
    """(side, count) cubic B-splines with equal knots, at the pixels' centres."""
    place = (np.arange(side) + 0.5) / side * (count - 3)
    first = np.minimum(place.astype(int), count - 4)
    t = place - first
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], -1
    )
    values = np.zeros((side, count))
    values[np.arange(side)[:, None], first[:, None] + np.arange(4)] = weights / 6
    return values
