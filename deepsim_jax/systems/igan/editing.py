"""Edits on the manifold: candidates are drawn to what the strokes ask for (section 4.2, section 5).

Many z near the first one go down the cost (eq. 5) at once, by Adam on arctanh(z):

    cost(G(z), strokes) + smoothness * mean((z - z0)^2) + realism * softplus(-D(G(z)))
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from deepsim_jax.images import ranges
from deepsim_jax.systems.contract import Progress
from deepsim_jax.systems.igan import constraints as strokes
from deepsim_jax.systems.igan import measuring
from deepsim_jax.systems.igan.learned import Learned
from deepsim_jax.systems.igan.projection import EDGE, to_free

SMOOTHNESS = 5.0
"""Published lambda_s, towards an original; there is none from scratch."""

SMOOTHNESS_OF_SKETCHES = 1.0
"""Where a sketch asks for edges, which hardly count beside the published one (measured: `results/`)."""

SHOWN, CHUNK, FROZEN = 9, 5, 150
"""Candidates that are shown at most, steps between pictures, steps after which their order stays."""

_SPREAD = 0.5  # of the perturbations of z0
_ADAM = optax.adam(0.1, b1=0.9)


@dataclasses.dataclass(frozen=True)
class Search:
    """Candidates on their way; never changed.

    Attributes:
      origin: (latent,) z0 in (-1, 1), from which they are held; None from scratch.
      points: (N, latent), arctanh(z).
      moments: of Adam.
      costs: (N,) at the points; infinite before the first step.
      steps: done.
      order: all of them, the cheapest first; it is frozen after 150 steps, so that what a person looks at
        stays where it is.
    """

    origin: np.ndarray | None
    points: jax.Array
    moments: Any
    costs: np.ndarray
    steps: int
    order: tuple[int, ...]

    @property
    def latents(self) -> np.ndarray:
        """(N, latent) z in (-1, 1)."""
        return np.tanh(np.asarray(self.points))

    def shown(self, most: int = SHOWN) -> list[int]:
        """Numbers of the candidates that are worth being shown: none far above the best ones' cost."""
        best = np.sort(self.costs)[: max(1, most // 2)].mean()
        return [i for i in self.order if self.costs[i] <= 2 * best][:most]


def begin(origin: np.ndarray | None, latent: int, count: int, *, seed: int = 0) -> Search:
    """The candidates before the first step.

    Args:
      origin: (latent,) z0, or None to begin anywhere.
      latent: length of z.
      count: how many; published: 64.
      seed: of the perturbations. The first candidate of an origin is the origin itself.
    """
    rng = np.random.default_rng(seed)
    if origin is None:
        latents = rng.uniform(-1, 1, (count, latent))
    else:
        latents = origin + _SPREAD * rng.uniform(-1, 1, (count, latent))
        latents[0] = origin
    points = jnp.asarray(to_free(np.clip(latents, -EDGE, EDGE)), jnp.float32)
    return Search(origin, points, _ADAM.init(points), np.full(count, np.inf), 0, tuple(range(count)))


def advance(
    learned: Learned,
    search: Search,
    wanted: strokes.Constraints,
    *,
    steps: int = CHUNK,
    smoothness: float | None = None,
    realism: float = 0.0,
    progress: Progress | None = None,
) -> Search:
    """The candidates some steps on.

    Args:
      learned: the networks.
      search: where they are.
      wanted: what was drawn.
      steps: how many; published: 40 after each change.
      smoothness: weight of the distance from the origin, where there is one; None: `SMOOTHNESS`, or
        `SMOOTHNESS_OF_SKETCHES` if there is one.
      realism: weight of the discriminator's judgement; published: 0, because of the time. A discriminator
        with `model.spread` judges neighbouring candidates together, and one with `model.d_norm=batch`
        normalises all candidates by each other.
      progress: is told after every `CHUNK` steps how many are done, of how many.
    """
    points, moments = search.points, search.moments
    held = search.origin is not None
    if smoothness is None:
        smoothness = SMOOTHNESS_OF_SKETCHES if np.any(wanted.sketch_mask) else SMOOTHNESS
    origin = jnp.zeros(points.shape[1]) if search.origin is None else jnp.asarray(search.origin)
    weights = jnp.float32(smoothness if held else 0.0), jnp.float32(realism)
    for step in range(1, steps + 1):
        # One after the other from the host: convolutions in a loop are many times slower on a CPU.
        points, moments = _step(learned, points, moments, origin, wanted, weights, realism > 0)
        if progress is not None and step % CHUNK == 0:
            points.block_until_ready()
            progress(step, steps)
    costs = np.asarray(_costs(learned, points, origin, wanted, weights, realism > 0))
    done = search.steps + steps
    order = search.order
    if search.steps < FROZEN:
        order = tuple(int(i) for i in np.argsort(costs, kind="stable"))
    return Search(search.origin, points, moments, costs, done, order)


def pictures(learned: Learned, search: Search, numbers: list[int]) -> np.ndarray:
    """What some candidates look like: uint8 (len(numbers), size, size, 3)."""
    return ranges.to_uint8(measuring.generate(learned, search.latents))[numbers]


def _costs_of(learned, points, origin, wanted, weights, judged):
    latents = jnp.tanh(points)
    made = learned.generate(latents)
    smoothness, realism = weights
    costs = strokes.cost(made, wanted) + smoothness * jnp.square(latents - origin).mean(1)
    if judged:
        costs = costs + realism * jax.nn.softplus(-learned.judge(made))
    return costs


_costs = jax.jit(_costs_of, static_argnums=5)


def _one_step(learned, points, moments, origin, wanted, weights, judged):
    slopes = jax.grad(lambda p: _costs_of(learned, p, origin, wanted, weights, judged).sum())(points)
    changes, moments = _ADAM.update(slopes, moments, points)
    return optax.apply_updates(points, changes), moments


_step = jax.jit(_one_step, static_argnums=6)
