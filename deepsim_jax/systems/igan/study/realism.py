"""How far a picture's features are from those of photos."""

import functools
from collections.abc import Sequence
from typing import Any

import cv2
import jax
import numpy as np

from deepsim_jax.evaluate.frechet import frechet_distance
from deepsim_jax.images import ranges
from deepsim_jax.nets.features import vgg_features
from deepsim_jax.weights import pretrained

SIDE = 256
"""Side in px to which pictures are resized, so large that a generated one shows how coarse it is."""

_TAP = "relu2_2"


class Realism:
    """The statistic of `evaluate.frechet_vgg16` between one picture and a set of photos."""

    def __init__(self, photos: Sequence[np.ndarray]):
        """Takes (H, W, 3) uint8 photos of any sizes; about twenty are enough."""
        self._features = np.concatenate([_features_of(photo) for photo in photos])

    def __call__(self, picture: np.ndarray) -> float:
        """The distance of a (H, W, 3) uint8 picture of any size; 0 or more."""
        return frechet_distance(_features_of(picture), self._features)


def _features_of(picture):
    """(positions, channels) of a picture at the common size."""
    kernel = cv2.INTER_AREA if min(picture.shape[:2]) > SIDE else cv2.INTER_CUBIC
    picture = cv2.resize(picture, (SIDE, SIDE), interpolation=kernel)
    found = np.asarray(_features(_vgg16(), ranges.to_float(picture)[None]))
    return found.reshape(-1, found.shape[-1])


@functools.cache
def _vgg16() -> Any:
    return jax.device_put(pretrained.load_vgg16())


@jax.jit
def _features(params, pictures):
    return vgg_features(params, pictures, [_TAP])[0]
