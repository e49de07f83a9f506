"""Coordinate mathematics: grids, thin-plate splines, affine maps. No images, no randomness."""

from deepsim_jax.geometry import affine, grid, tps

__all__ = ["affine", "grid", "tps"]
