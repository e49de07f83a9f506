"""Registration of two drawings by a smooth field: the coarse half of the estimated flow.

The displacement is a tensor product of cubic B-splines over few control points. It minimises

    sum rho(|source(x + u) - new(x)|^2) + stiffness * t * (|grad u|^2 + BENDING * |grad grad u|^2)

with rho Cauchy's robust function and t the source's mean squared gradient, which makes the stiffness
independent of how much is drawn and how. Gauss-Newton steps with the mean of both drawings' gradients
(Benhimane and Malis, "Real-time image-based tracking of planes using efficient second-order
minimization", 2004) reach far: 15 px of 192 are no difficulty. The penalty on the gradient is what keeps
parts at rest about which a drawing says nothing; bending alone would carry them along with others.
"""

import dataclasses
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
    model = _model(height, width)
    shape = model.down.shape[1], model.across.shape[1]
    count = shape[0] * shape[1]
    across, down = _slopes(source)
    gradient_energy = float(((across**2).sum(-1) + (down**2).sum(-1)).mean())
    penalty = stiffness * max(gradient_energy, 1e-12) * model.penalty
    ridge = _RIDGE * np.eye(2 * count, dtype=np.float64)
    points = np.zeros((2, count))
    still = fields.identity(height, width)

    def displacement():
        planes = [model.down @ part.reshape(shape) @ model.across.T for part in points]
        return np.stack(planes, axis=-1).astype(np.float32)

    for _ in range(STEPS):
        positions = still + displacement()
        warped = fields.interpolate(source, positions)
        residual = warped - new
        across, down = _slopes((warped + new) / 2)
        weight = 1 / (1 + np.einsum("yxc,yxc->yx", residual, residual) / _ROBUST)
        weight *= ((positions >= -0.5) & (positions <= [width - 0.5, height - 0.5])).all(-1)

        def product(a, b, weight=weight):
            return weight * np.einsum("yxc,yxc->yx", a, b)

        xx, xy, yy = (
            model.squared(product(*pair)) for pair in ((across, across), (across, down), (down, down))
        )
        system = np.block([[xx + penalty, xy], [xy, yy + penalty]]) + ridge
        slope = [model.down.T @ product(slopes, residual) @ model.across for slopes in (across, down)]
        slope = np.stack(slope).reshape(2, count) + points @ penalty
        # The ridge makes the system positive definite.
        step = cv2.solve(system, -slope.reshape(-1, 1), flags=cv2.DECOMP_CHOLESKY)[1]
        points += step.reshape(2, count)
    return displacement()


def _slopes(planes):
    """Derivatives of (h, w, C) planes along x and y."""
    down, across = np.gradient(planes, axis=(0, 1))
    return across, down


@dataclasses.dataclass(frozen=True)
class _Model:
    """The splines of a size of pictures, as products of those down and those across.

    All products with them stay so small that BLAS uses one thread (and OpenCV solves with one): threads
    that wait for each other cost several times as much as the work.

    Attributes:
      down, across: (h, a) and (w, b) values of the splines along each axis.
      penalty: (a * b, a * b), symmetric, summed over the pixels.
    """

    down: np.ndarray
    across: np.ndarray
    penalty: np.ndarray

    def squared(self, weight: np.ndarray) -> np.ndarray:
        """(n, n): the sums over all pixels of products of two splines, for (h, w) weights."""
        (height, a), (width, b) = self.down.shape, self.across.shape
        down = (self.down[:, :, None] * self.down[:, None]).reshape(height, -1)
        across = (self.across[:, :, None] * self.across[:, None]).reshape(width, -1)
        sums = (down.T @ weight @ across).reshape(a, a, b, b)
        return sums.transpose(0, 2, 1, 3).reshape(a * b, a * b)


@functools.lru_cache(maxsize=8)
def _model(height: int, width: int) -> _Model:
    longer = max(height, width)
    sizes = [max(4, round(POINTS * side / longer)) for side in (height, width)]
    down, across = (_splines(n, side) for n, side in zip(sizes, (height, width), strict=True))

    def energy(along_y, along_x):
        parts = []
        for factor, times in ((down, along_y), (across, along_x)):
            for _ in range(times):
                factor = np.gradient(factor, axis=0)
            parts.append(factor.T @ factor)
        return np.kron(*parts)

    bending = energy(2, 0) + 2 * energy(1, 1) + energy(0, 2)
    return _Model(down, across, energy(1, 0) + energy(0, 1) + BENDING * longer**2 * bending)


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
