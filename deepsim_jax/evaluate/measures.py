"""All columns of a table of results at once, and which of them this machine can compute."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from absl import logging

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import frechet, perceptual, pixelwise
from deepsim_jax.evaluate.columns import COLUMNS
from deepsim_jax.weights import pretrained

_SIFID = {"sifid_64": 64, "sifid_192": 192}
_LPIPS = {"lpips_alex": "alex", "lpips_vgg16": "vgg16"}
_PLAIN = {"frechet_vgg16": frechet.frechet_vgg16, "ssim": pixelwise.ssim, "psnr": pixelwise.psnr,
          "rmse": pixelwise.rmse}


def measure(
    a, b, columns: Sequence[str] | None = None, inception: str | Path | None = None
) -> dict[str, float | np.ndarray]:
    """The figures of a table's row.

    Args:
      a, b: (H, W, 3) or (N, H, W, 3) of equal shapes, uint8 or floats in [-1, 1].
      columns: keys of `columns.COLUMNS`; None: all that `available(inception)` names.
      inception: the file of torchvision's Inception-v3; None: the published one, from the cache folder
        or downloaded into it.

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


def available(
    inception: str | Path | None = None, *, download: bool = True
) -> tuple[list[str], dict[str, str]]:
    """The columns that can be computed here, and why the others cannot.

    Args:
      inception: as for `measure`.
      download: whether Inception's published file may be downloaded when it is not in the cache folder.

    Returns:
      Keys of `columns.COLUMNS` in its order, and absent key -> one sentence.

    Raises:
      UserError: a named `inception` file cannot be used.
    """
    try:
        pretrained.load_inception("imagenet", inception, download=download)
    except UserError as error:
        if inception is not None:
            raise
        logging.info("No SIFID: %s", error)
        reason = ("The published weights of torchvision's Inception-v3 are not on this machine and were "
                  "not downloaded; name a copy of the file to have this column.")
        return [key for key in COLUMNS if key not in _SIFID], dict.fromkeys(_SIFID, reason)
    return list(COLUMNS), {}


def _figure(key, a, b, inception):
    if key in _SIFID:
        return frechet.sifid(a, b, channels=_SIFID[key], file=inception)
    if key in _LPIPS:
        return perceptual.lpips(a, b, net=_LPIPS[key])
    return _PLAIN[key](a, b)
