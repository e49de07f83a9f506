"""Metrics between pictures: uint8 or floats in [-1, 1], (H, W, 3) or (N, H, W, 3).

from deepsim_jax import evaluate

evaluate.lpips(edited, truth)                    # a float; (N,) for batches
columns, absent = evaluate.available()           # what this machine can compute, and why not more
evaluate.measure(edited, truth, columns)         # {"lpips_alex": ..., "ssim": ..., ...}
"""

from deepsim_jax.evaluate.columns import COLUMNS
from deepsim_jax.evaluate.frechet import frechet_distance, frechet_vgg16, sifid
from deepsim_jax.evaluate.measures import available, measure
from deepsim_jax.evaluate.naturalness import niqe
from deepsim_jax.evaluate.perceptual import lpips
from deepsim_jax.evaluate.pixelwise import contrast, diversity, psnr, rmse, ssim
from deepsim_jax.evaluate.saliency import asvs

__all__ = [
    "COLUMNS",
    "asvs",
    "available",
    "contrast",
    "diversity",
    "frechet_distance",
    "frechet_vgg16",
    "lpips",
    "measure",
    "niqe",
    "psnr",
    "rmse",
    "sifid",
    "ssim",
]
