"""Optical flow between two pictures by dense inverse search, as OpenCV does it, and its smoothing.

Kroeger, Timofte, Dai and Van Gool, "Fast optical flow using dense inverse search", 2016.
"""

import cv2
import numpy as np

from deepsim_jax.ops import smoothness

STIFFNESS = 1e-3
"""Weight of a flow's squared differences between neighbours beside colours' squared slopes."""


def optical_flow(new: np.ndarray, source: np.ndarray, finest: int) -> np.ndarray:
    """DIS flow between two (h, w) uint8 pictures, (h, w, 2): new(x) is source(x + flow)."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(finest)
    return search.calc(new, source, None)  # type: ignore[call-overload]  # it makes the flow itself


def smooth(
    moved: np.ndarray, picture: np.ndarray, *, stiffness: float = STIFFNESS, steps: int = 30
) -> np.ndarray:
    """Trusts a flow where a picture has something to be seen moving, and only across its edges.

    It minimises (v - u) . S (v - u) + stiffness |grad v|^2, summed over the pixels, with u the given flow
    and S the matrix of the picture's squared slopes: the smoothness of Horn and Schunck ("Determining
    optical flow", 1981) for a flow that is known already.

    Args:
      moved: (h, w, 2) displacements u in pixels.
      picture: (h, w, C) float32 in [0, 1], that which has the displacements.
      stiffness: the larger, the smoother.
      steps: of conjugate gradients.

    Returns:
      (h, w, 2) float32, v.
    """
    down, across = np.gradient(picture, axis=(0, 1))
    xx, xy, yy = (
        cv2.GaussianBlur((first * second).sum(-1), (0, 0), 1.0)
        for first, second in ((across, across), (across, down), (down, down))
    )
    own = stiffness * smoothness.neighbours(*picture.shape[:2])
    xx_all, yy_all = xx + own, yy + own
    determinant = xx_all * yy_all - xy * xy

    def seen(flow: np.ndarray) -> np.ndarray:
        x, y = flow[..., 0], flow[..., 1]
        return np.stack([xx * x + xy * y, xy * x + yy * y], axis=-1)

    def undone(rest: np.ndarray) -> np.ndarray:
        x, y = rest[..., 0] / determinant, rest[..., 1] / determinant
        return np.stack([yy_all * x - xy * y, xx_all * y - xy * x], axis=-1)

    return smoothness.solve(
        lambda flow: seen(flow) + stiffness * smoothness.roughness(flow),
        seen(moved),
        precondition=undone,
        start=moved,
        steps=steps,
    )
