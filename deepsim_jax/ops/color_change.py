"""Changes of colour that vary smoothly over a picture: an affine map of (r, g, b) at each pixel.

A change is a (h, w, 3, 4) float32 array less the identity: a pixel x becomes x + change (x, 1), so that a
change of zeros is none, and enlarging or fading a change is what one would expect.
"""

import numpy as np

from deepsim_jax.ops import smoothness

STIFFNESS = 3.0
"""Weight of a change's squared differences between neighbours beside the squared errors of colours in
[0, 1]."""

_RIDGE = 1e-4  # weight of the change itself, which decides where colours alone leave it open


def none(height: int, width: int) -> np.ndarray:
    """The (height, width, 3, 4) change that leaves all colours alone."""
    return np.zeros((height, width, 3, 4), np.float32)


def apply(change: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """A (h, w, 3) float32 picture of any values after a change of its size."""
    return picture + _seen(change, _with_one(picture))


def compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The change that makes two of one size, one after the other."""
    result = first + second
    result += np.einsum("yxij,yxjk->yxik", second[..., :3], first)
    return result


def estimate(
    new: np.ndarray,
    old: np.ndarray,
    *,
    start: np.ndarray | None = None,
    stiffness: float = STIFFNESS,
    steps: int = 20,
) -> np.ndarray:
    """The change that best turns the colours of one picture into those of another, pixel upon pixel.

    It minimises |new - old - D (old, 1)|^2 + stiffness |grad D|^2, summed over the pixels: a system of
    linear equations, solved by conjugate gradients (the term of colours in Zhu, Krähenbühl, Shechtman
    and Efros, "Generative visual manipulation on the natural image manifold", 2016, section 4.3).

    Args:
      new, old: (h, w, 3) float32 in [0, 1].
      start: (h, w, 3, 4) a change that is nearly right, or None.
      stiffness: the larger, the more alike are the changes of neighbours.
      steps: of conjugate gradients.

    Returns:
      (h, w, 3, 4) float32.
    """
    height, width = old.shape[:2]
    ones = _with_one(old)
    own = smoothness.neighbours(height, width)[..., None] * stiffness + _RIDGE
    undo = 1 / (ones * ones + own)[:, :, None]

    def spread(errors: np.ndarray) -> np.ndarray:
        return errors[..., None] * ones[:, :, None]

    def product(change: np.ndarray) -> np.ndarray:
        return spread(_seen(change, ones)) + stiffness * smoothness.roughness(change) + _RIDGE * change

    return smoothness.solve(
        product,
        spread(new - old),
        precondition=lambda rest: rest * undo,
        start=none(height, width) if start is None else start,
        steps=steps,
    )


def _seen(change: np.ndarray, ones: np.ndarray) -> np.ndarray:
    return np.einsum("yxij,yxj->yxi", change, ones)


def _with_one(picture: np.ndarray) -> np.ndarray:
    """(h, w, 3) -> (h, w, 4) float32 with a 1 for the constant."""
    return np.concatenate([picture, np.ones_like(picture[..., :1])], axis=-1, dtype=np.float32)
