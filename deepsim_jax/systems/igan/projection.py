"""Projection: the z whose picture is nearest to a photo (section 4.1), by search, by network, by both."""

import dataclasses
import time

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import ranges
from deepsim_jax.systems.igan import lockstep, measuring
from deepsim_jax.systems.igan.learned import Learned
from deepsim_jax.systems.igan.perception import Perception

SOLVERS = ("hybrid", "optimise", "network")

EDGE = 0.99
"""A start's z is kept from the ends of its range, where tanh is flat."""

_ROWS = 128  # searches at once, because of the memory


@dataclasses.dataclass(frozen=True)
class Projection:
    """The nearest pictures that a generator makes.

    Attributes:
      latents: (N, latent) float32 in (-1, 1).
      costs: (N,), see `perception.Perception.cost`.
      pictures: (N, size, size, 3) uint8, what the generator makes of the latents.
      seconds: that it took, for all of them together; the first time, compilation included.
    """

    latents: np.ndarray
    costs: np.ndarray
    pictures: np.ndarray
    seconds: float


def project(
    learned: Learned,
    perception: Perception,
    photos: np.ndarray,
    masks: np.ndarray | None = None,
    *,
    solver: str = "hybrid",
    starts: int = 4,
    iterations: int = 200,
    seed: int = 0,
) -> Projection:
    """Finds for each picture the z whose picture is nearest.

    Args:
      learned: the networks.
      perception: what nearness is.
      photos: (N, size, size, 3) uint8.
      masks: (N, size, size) from 0 to 1, what counts; None: all.
      solver: "optimise": L-BFGS-B on arctanh(z) from several random starts, of which the cheapest is
        kept; "network": what the encoder says; "hybrid": L-BFGS-B from there.
      starts: of "optimise".
      iterations: of L-BFGS-B at most (published: 200).
      seed: of the random starts.

    Raises:
      UserError: an unknown solver, or an encoder that is not trained yet.
    """
    if solver not in SOLVERS:
        raise UserError(f"solver={solver!r}: choose one of {', '.join(SOLVERS)}")
    if solver != "optimise" and learned.encoder is None:
        raise UserError(f"solver={solver}: the encoder is not trained yet; take --solver=optimise")
    begun = time.perf_counter()
    wanted = ranges.to_float(photos)
    masks = np.ones(photos.shape[:3], np.float32) if masks is None else masks.astype(np.float32)
    if solver == "optimise":
        count = starts
        rng = np.random.default_rng(seed)
        # The same starts for each picture: what else is projected has no influence.
        latents = np.tile(rng.uniform(-1, 1, (starts, learned.sizes.latent)), (len(photos), 1))
    else:
        count, latents = 1, np.asarray(_encode(learned, wanted), np.float64)
    wanted, masks = np.repeat(wanted, count, 0), np.repeat(masks, count, 0)
    found = [
        _search(learned, perception, *rows, iterations=0 if solver == "network" else iterations)
        for rows in _groups(latents, wanted, masks)
    ]
    latents, costs = (np.concatenate(part)[: len(wanted)] for part in zip(*found, strict=True))
    costs = costs.reshape(len(photos), count)
    best = costs.argmin(1)
    latents = latents.reshape(len(photos), count, -1)[np.arange(len(photos)), best].astype(np.float32)
    pictures = ranges.to_uint8(measuring.generate(learned, latents))
    return Projection(latents, costs.min(1), pictures, time.perf_counter() - begun)


def _search(learned, perception, latents, wanted, masks, *, iterations):
    """(z, costs) of some rows."""
    wanted, masks = jnp.asarray(wanted), jnp.asarray(masks)

    def function(points):
        return jax.device_get(_evaluate(learned, perception, np.float32(points), wanted, masks))

    starts = to_free(latents)
    if not iterations:
        return latents, function(starts)[0]
    points, costs = lockstep.minimise(function, starts, iterations=iterations)
    return np.tanh(points), costs


def to_free(latents: np.ndarray) -> np.ndarray:
    """arctanh of z, kept from the ends: where a search has no bounds."""
    return np.arctanh(np.clip(latents, -EDGE, EDGE))


def _groups(*rows):
    """Parts of one length, the last one filled up by repeating the last row."""
    total = len(rows[0])
    length = min(total, _ROWS)
    for start in range(0, total, length):
        chosen = np.minimum(np.arange(start, start + length), total - 1)
        yield [part[chosen] for part in rows]


@jax.jit
def _evaluate(learned, perception, points, wanted, masks):
    """(costs, gradients) of arctanh(z), one row by itself."""

    def total(points):
        costs = perception.cost(learned.generate(jnp.tanh(points)), wanted, masks)
        return costs.sum(), costs

    slopes, costs = jax.grad(total, has_aux=True)(points)
    return costs, slopes


_encode = jax.jit(Learned.encode)
