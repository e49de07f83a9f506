"""How good and how varied a generator's pictures are, on a fixed set of samples."""

import functools
import logging
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.evaluate.frechet import frechet_distance
from deepsim_jax.images import ranges
from deepsim_jax.nets.features import vgg_features
from deepsim_jax.systems.igan.collection import evenly
from deepsim_jax.systems.igan.learned import Learned, draw
from deepsim_jax.weights import pretrained

log = logging.getLogger("deepsim_jax")

SAMPLES = 512
"""Pictures of the fixed set, and of those that it is compared with at most."""

_CHUNK = 64
_TAP = "relu3_3"
_COLLAPSED = 0.3  # share of the collection's diversity


class Measure:
    """Compares the same samples, over and over, with pictures that are not trained on.

    Of a generator it gives "frechet": the Fréchet distance of VGG16's relu3_3, averaged over each picture
    (a figure of this program, comparable with itself alone), and "diversity": the mean over pixels
    of the samples' standard deviation as a share of the collection's, near 0 where the generator has
    collapsed. In the encoder's stage, in which the generator stays, it gives "rmse", of the encoder's
    projections, in levels of 255.
    """

    def __init__(self, pictures):
        """Of `stages.Pictures`, which are opened when something is first measured.

        Where fewer than 64 pictures are held out it compares with those that are trained on.
        """
        self._pictures = pictures

    @functools.cached_property
    def _reference(self) -> tuple[np.ndarray, float]:
        """(features, diversity) of the collection."""
        chosen = reference(self._pictures.collection)
        return features(chosen), float(ranges.to_float(chosen).std(0).mean())

    def __call__(self, left: Learned) -> dict[str, float]:
        """The figures of what a training leaves."""
        if left.encoder is not None:
            wanted = reference(self._pictures.collection)
            error = [
                np.square(part - np.asarray(rebuilt(left, part))).mean((1, 2, 3))
                for part in map(ranges.to_float, _chunks(wanted))
            ]
            return {"rmse": 127.5 * float(np.sqrt(np.concatenate(error)[: len(wanted)].mean()))}
        made = samples(left, SAMPLES, seed=0)
        wanted, spread = self._reference
        diversity = float(ranges.to_float(made).std(0).mean()) / (spread + 1e-6)
        if diversity < _COLLAPSED:
            log.warning(
                "the samples hardly differ: %.0f %% of the collection's diversity; if it stays so, train "
                "in a new folder with smaller optim.g_rate and optim.d_rate, or with a larger loss.r1",
                100 * diversity,
            )
        return {"frechet": frechet_distance(features(made), wanted), "diversity": diversity}


def reference(collection) -> np.ndarray:
    """Pictures to compare samples with, (N, size, size, 3) uint8: those held out, or else trained on.

    Of more than `SAMPLES` they are evenly spread.
    """
    held_out = collection.held_out
    chosen = held_out if len(held_out) >= 64 else collection.pictures
    return evenly(chosen, SAMPLES)


def samples(learned: Learned, count: int, *, seed: int = 0) -> np.ndarray:
    """Random pictures, uint8 (count, size, size, 3); the first of a seed do not depend on the count."""
    latents = _draws(seed, jnp.arange(-(-count // _CHUNK) * _CHUNK), learned.sizes.latent)
    made = [
        ranges.to_uint8(generate(learned, part)) for part in np.split(latents, len(latents) // _CHUNK)
    ]
    return np.concatenate(made)[:count]


@functools.partial(jax.jit, static_argnums=2)
def _draws(seed, numbers, latent):
    keys = jax.vmap(lambda number: jax.random.fold_in(jax.random.key(seed), number))(numbers)
    return jax.vmap(lambda key: draw(key, 1, latent)[0])(keys)


generate = jax.jit(Learned.generate)
"""`Learned.generate`, compiled for each number of pictures."""


def features(pictures: np.ndarray) -> np.ndarray:
    """VGG16's relu3_3, averaged over each picture: uint8 (N, h, w, 3) -> float32 (N, 256)."""
    made = [np.asarray(_features(_vgg16(), ranges.to_float(part))) for part in _chunks(pictures)]
    return np.concatenate(made)[: len(pictures)]


def nearest(pictures: np.ndarray, collection: np.ndarray) -> np.ndarray:
    """The number of the picture of a collection that is nearest to each, by squared pixel differences.

    Args:
      pictures: (N, h, w, 3) uint8.
      collection: (M, h, w, 3) uint8, read in parts.

    Returns:
      (N,) integers.
    """
    wanted = pictures.reshape(len(pictures), -1).astype(np.float32)
    best = np.full(len(pictures), np.inf)
    number = np.zeros(len(pictures), int)
    for start in range(0, len(collection), 2048):
        part = np.asarray(collection[start : start + 2048])
        part = part.reshape(len(part), -1).astype(np.float32)
        distance = np.square(part).sum(1) - 2 * wanted @ part.T  # and a constant of each picture
        closest = distance.argmin(1)
        least = distance[np.arange(len(pictures)), closest]
        number = np.where(least < best, start + closest, number)
        best = np.minimum(best, least)
    return number


def tiled(pictures: np.ndarray, columns: int, *, least: int = 64) -> np.ndarray:
    """Pictures of one size as one, in rows, uint8; each as often doubled as `least` px need."""
    times = -(-least // pictures.shape[1])
    pictures = np.repeat(np.repeat(pictures, times, 1), times, 2)
    missing = -len(pictures) % columns
    blank = np.full((missing, *pictures.shape[1:]), 255, np.uint8)
    grid = np.concatenate([pictures, blank]).reshape(-1, columns, *pictures.shape[1:])
    return np.concatenate([np.concatenate(list(row), axis=1) for row in grid])


def _chunks(pictures: np.ndarray) -> Iterator[np.ndarray]:
    """Parts of one length, the last one filled up with its last picture, so that one program does all."""
    for start in range(0, len(pictures), _CHUNK):
        yield pictures[np.minimum(np.arange(start, start + _CHUNK), len(pictures) - 1)]


@functools.cache
def _vgg16() -> Any:
    return jax.device_put(pretrained.load_vgg16())


@jax.jit
def rebuilt(learned: Learned, pictures: jax.Array) -> jax.Array:
    """What the generator makes of the encoder's z of pictures (N, size, size, 3) in [-1, 1]."""
    return learned.generate(learned.encode(pictures))


@jax.jit
def _features(params, pictures):
    return vgg_features(params, pictures, [_TAP])[0].mean((1, 2))
