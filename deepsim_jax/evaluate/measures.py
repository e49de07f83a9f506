"""Computes the columns of a table of results, and tells which of them this machine can compute."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import frechet, perceptual, pixelwise
from deepsim_jax.evaluate.columns import COLUMNS
from deepsim_jax.weights import pretrained

log = logging.getLogger("deepsim_jax")

_SIFID = {
    "sifid_64": (64, "imagenet"),
    "sifid_192": (192, "imagenet"),
    "sifid_64_fid": (64, "fid"),
    "sifid_192_fid": (192, "fid"),
}
_LPIPS = {"lpips_alex": "alex", "lpips_vgg16": "vgg16"}
_PLAIN = {
    "frechet_vgg16": frechet.frechet_vgg16,
    "ssim": pixelwise.ssim,
    "psnr": pixelwise.psnr,
    "rmse": pixelwise.rmse,
}


def measure(
    a, b, columns: Sequence[str] | None = None, inception: str | Path | None = None
) -> dict[str, float | np.ndarray]:
    """The figures of a table's row.

    Args:
      a, b: (H, W, 3) or (N, H, W, 3) of equal shapes, uint8 or floats in [-1, 1].
      columns: keys of `columns.COLUMNS`; None: all that `available(inception)` names.
      inception: a file of Inception-v3 weights; None: torchvision's published one, if it is in the cache
        folder.

    Returns:
      Column -> a float, or float64 (N,) for batches, in the order of `columns`.

    Raises:
      UserError: an unknown column, or what the metrics themselves refuse.
    """
    columns = available(inception)[0] if columns is None else columns
    unknown = [key for key in columns if key not in COLUMNS]
    if unknown:
        raise UserError(f"no column is called {unknown[0]!r}; the columns are {', '.join(COLUMNS)}")
    return {key: _figure(key, a, b, inception) for key in columns}


def available(inception: str | Path | None = None) -> tuple[list[str], dict[str, str]]:
    """The columns that can be computed here, and why the others cannot.

    Args:
      inception: a file of Inception-v3 weights: torchvision's, or those of FID, whose figures have
        columns of their own; None: torchvision's published one, if it is in the cache folder;
        "download": the same, downloaded if it is not there.

    Returns:
      Keys of `columns.COLUMNS` in its order, and absent key -> one sentence.

    Raises:
      UserError: the named file cannot be used, or the download failed.
    """
    weights, reason = "imagenet", ""
    if inception == "download":
        pretrained.load_inception("imagenet")
    elif inception is not None:
        weights, digest = pretrained.identify_inception(inception)
        if weights == "unknown":
            log.warning(
                "%s: not a published file (SHA-256 begins with %s); SIFID's columns take it for "
                "torchvision's weights",
                inception,
                digest,
            )
            weights = "imagenet"
        pretrained.load_inception(weights, inception)
        reason = "The file that was named holds the weights of FID."
    else:
        try:
            pretrained.load_inception("imagenet", download=False)
        except UserError as error:
            weights = ""
            log.info("SIFID's columns are absent: %s", error)
            reason = (
                "The weights of torchvision's Inception-v3 are not on this machine; "
                "--inception=download fetches them, or name a copy."
            )
    columns = [key for key in COLUMNS if _SIFID.get(key, (0, weights))[1] == weights]
    return columns, {
        key: reason for key, (_, label) in _SIFID.items() if label == "imagenet" and key not in columns
    }


def weights_digest(inception: str | Path | None) -> str:
    """Tells figures of different Inception weights apart: "" or the beginning of a file's SHA-256."""
    return "" if inception in (None, "download") else pretrained.identify_inception(inception)[1]


def _figure(key, a, b, inception):
    if key in _SIFID:
        channels, weights = _SIFID[key]
        return frechet.sifid(a, b, channels=channels, weights=weights, file=inception)
    if key in _LPIPS:
        return perceptual.lpips(a, b, net=_LPIPS[key])
    return _PLAIN[key](a, b)
