"""The training pair on the device."""

import jax
from flax import struct


@struct.dataclass
class Pair:
    """One training pair on the device, split into layers that are resampled differently.

    A primitive is kept as layers because a warp must not mix the colours of a segmentation nor
    thicken an edge: regions are sampled at the nearest pixel, edges are redrawn from a distance
    field, and only the photograph is interpolated.

    Attributes:
      image: (H, W, 3) float32 in [-1, 1], the photograph.
      regions: (H, W, 3) float32 in [-1, 1], the colour layer of the primitive (a constant
        background for a pure edge primitive).
      edges: (S, H, W, 2) float32, or None for a primitive without edges. For each pixel the (x, y)
        offset in pixels from its centre to the nearest point of an edge. Layer 0 is the primitive's
        own edge map; the others are the same photograph's edges at other Canny sigmas.
      edge_value: the value that an edge pixel takes in all channels: -1 black, +1 white.
      smooth_regions: whether the colour layer is a painting with soft transitions, which is
        interpolated, rather than a set of flat regions, which is not.
    """

    image: jax.Array
    regions: jax.Array
    edges: jax.Array | None = None
    edge_value: float = struct.field(pytree_node=False, default=-1.0)
    smooth_regions: bool = struct.field(pytree_node=False, default=False)
