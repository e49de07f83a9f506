"""Least squares with a penalty on differences between neighbours, on the host.

Minimising |data(x) - wanted|^2 + stiffness * |grad x|^2 over the pixels of a picture is a system of
linear equations, as many as there are values, which conjugate gradients solve in some tens of steps.
"""

from collections.abc import Callable

import numpy as np

_SOLVED = 1e-12  # preconditioned squared rest below which further steps change nothing


def roughness(values: np.ndarray) -> np.ndarray:
    """Half the slope of |grad x|^2 for (h, w, ...) values: the negative Laplacian of free borders."""
    result = np.zeros_like(values)
    steps = np.diff(values, axis=0)
    result[:-1] -= steps
    result[1:] += steps
    steps = np.diff(values, axis=1)
    result[:, :-1] -= steps
    result[:, 1:] += steps
    return result


def neighbours(height: int, width: int) -> np.ndarray:
    """(height, width) float32 numbers of a pixel's neighbours: the diagonal of `roughness`."""
    count = np.full((height, width), 4, np.float32)
    for edge in (count[0], count[-1], count[:, 0], count[:, -1]):
        edge -= 1
    return count


def solve(
    product: Callable[[np.ndarray], np.ndarray],
    wanted: np.ndarray,
    *,
    precondition: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    steps: int,
) -> np.ndarray:
    """Solves product(x) = wanted for a symmetric positive definite product.

    Args:
      product: a linear function of arrays like `wanted`.
      wanted: the right side.
      precondition: an easy linear function that nearly undoes the product.
      start: a first guess.
      steps: at most.
    """
    found = start
    rest = wanted - product(found)
    way = scaled = precondition(rest)
    size = float(np.vdot(rest, scaled))
    for _ in range(steps):
        if size <= _SOLVED:
            break
        turned = product(way)
        length = np.float32(size / float(np.vdot(way, turned)))
        found = found + length * way
        rest = rest - length * turned
        scaled = precondition(rest)
        before, size = size, float(np.vdot(rest, scaled))
        way = scaled + np.float32(size / before) * way
    return found
