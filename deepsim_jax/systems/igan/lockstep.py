"""Many minimisations at once, whose function is evaluated for all of them in one call."""

import concurrent.futures
import queue
from collections.abc import Callable

import numpy as np
import scipy.optimize

_TOLERANCE = 1e-6


class _Stopped(Exception):
    """Ends the other minimisations when the function has failed."""


def minimise(
    function: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    starts: np.ndarray,
    *,
    iterations: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Minimises from several starts by SciPy's L-BFGS-B, each by itself, in lockstep.

    Each start has a thread of its own, which waits until all others have asked for their next value, too.
    Rows that are finished go on being evaluated, where they are, so that all calls have one shape.

    Args:
      function: points (N, D) -> (costs (N,), gradients (N, D)); a row's depend on that row alone.
      starts: (N, D).
      iterations: at most, of each.

    Returns:
      The best points found (N, D) and their costs (N,), float64. A start's result does not depend on the
      others.
    """
    points = np.array(starts, np.float64)
    asked: queue.SimpleQueue = queue.SimpleQueue()
    replies: list[queue.SimpleQueue] = [queue.SimpleQueue() for _ in points]

    def search(row):
        def evaluated(point):
            asked.put((row, point.copy()))
            reply = replies[row].get()
            if reply is None:
                raise _Stopped
            return reply

        options = {"maxiter": iterations, "ftol": _TOLERANCE**2, "gtol": _TOLERANCE}
        try:
            return scipy.optimize.minimize(
                evaluated, starts[row], jac=True, method="L-BFGS-B", options=options
            )
        finally:
            asked.put((row, None))

    with concurrent.futures.ThreadPoolExecutor(len(points)) as pool:
        searches = [pool.submit(search, row) for row in range(len(points))]
        try:
            _answer(function, points, asked, replies)
        except BaseException:
            for reply in replies:
                reply.put(None)
            raise
        found = [search.result() for search in searches]
    return np.stack([one.x for one in found]), np.array([one.fun for one in found])


def _answer(function, points, asked, replies):
    """Evaluates whenever all that are still searching have asked."""
    searching = set(range(len(points)))
    while searching:
        waiting: set[int] = set()
        while waiting != searching:
            row, point = asked.get()
            if point is None:
                searching.discard(row)
            else:
                points[row] = point
                waiting.add(row)
        if waiting:
            costs, slopes = function(points)
            for row in waiting:
                replies[row].put((float(costs[row]), np.asarray(slopes[row], np.float64)))
