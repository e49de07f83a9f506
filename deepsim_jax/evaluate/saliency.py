"""ASVS: how much an inpainted region draws the eye."""

import cv2
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import inputs
from deepsim_jax.images import ranges

_METHODS = {
    "fine_grained": "StaticSaliencyFineGrained_create",
    "spectral_residual": "StaticSaliencySpectralResidual_create",
}


def asvs(image, region, *, method: str = "fine_grained") -> float | np.ndarray:
    """Average squared visual salience over a region: sum of S'(p)^2 over p in the region / its size.

    The metric is that of the report on inpainting with SinGAN (section 3.2), where S' is the salience
    of the inpainted image and the region is the hole; lower is less noticeable. The report does not
    name its saliency model, so figures made here are comparable with each other (same method, same
    version of OpenCV) and not with its table.

    Args:
      image: (H, W, 3) or (N, H, W, 3), uint8 or floats in [-1, 1] (which are rounded to uint8).
      region: (H, W), or (N, H, W) for one region per picture; non-zero (True) = in the region.
      method: OpenCV's model: "fine_grained" (Montabone & Soto 2010) or "spectral_residual" (Hou &
        Zhang 2007).

    Returns:
      A float, or float64 (N,) for a batch; in [0, 1].

    Raises:
      UserError: a type, shape or range that `inputs.as_batch` refuses, a region of another size, an
        empty region, or an unknown method.
    """
    if method not in _METHODS:
        raise UserError(f"asvs: method={method!r}; the methods are {', '.join(_METHODS)}")
    pictures, single = inputs.as_batch(image, "image")
    mask = np.asarray(region) != 0
    allowed = [pictures.shape[1:3]] + [pictures.shape[:3]] * (not single)
    if mask.shape not in allowed:
        raise UserError(
            f"asvs: a region of shape {mask.shape} for pictures of shape "
            f"{np.shape(image)}; give {' or '.join(map(str, allowed))}"
        )
    masks = np.broadcast_to(mask, pictures.shape[:3])
    if not masks.any((1, 2)).all():
        raise UserError("asvs: the region is empty; mark the pixels to be measured with non-zero values")
    values = [
        np.mean(_salience(picture, method)[region_mask].astype(np.float64) ** 2)
        for picture, region_mask in zip(pictures, masks, strict=True)
    ]
    return inputs.as_result(values, single)


def _salience(picture: np.ndarray, method: str) -> np.ndarray:
    """S' of a picture (H, W, 3): (H, W) in [0, 1]."""
    levels = picture if picture.dtype == np.uint8 else ranges.to_uint8(picture.astype(np.float32))
    model = getattr(cv2.saliency, _METHODS[method])()
    _, salience = model.computeSaliency(np.ascontiguousarray(levels[..., ::-1]))
    return np.clip(salience, 0, 1)
