"""Measures whether an edit was carried out: LPIPS over a whole picture hardly punishes an ignored one.

The changes of the drawing cover a small part of the picture, and the unchanged photo is perfect in the
rest. So the changed region is measured separately, and the result is searched for the drawn lines.
"""

import cv2
import numpy as np
from scipy import ndimage

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import inputs, perceptual
from deepsim_jax.evaluate.columns import EDIT_COLUMNS
from deepsim_jax.primitives import edges
from deepsim_jax.primitives import make as primitives

GROWTH = 8 / 192
"""Share of the longer side by which the changed region is grown."""

TOLERANCE = 2.0
"""Pixels by which a line of the result may miss a drawn one."""


def changed_region(before: np.ndarray, after: np.ndarray, spec: primitives.PrimitiveSpec) -> np.ndarray:
    """Where two primitives disagree: another label, or a line that is missing or new, grown.

    Lines within `TOLERANCE` of each other agree.

    Args:
      before, after: (h, w, 3) uint8 conformed primitives, the training one and the drawing.
      spec: how they are drawn.

    Returns:
      (h, w) bool, grown by a disk of `GROWTH` of the longer side; empty for equal primitives.

    Raises:
      UserError: primitives of different sizes.
    """
    if before.shape != after.shape:
        raise UserError(f"primitives of shapes {before.shape} and {after.shape}: both must be equal")
    first, second = (primitives.decompose(primitive, spec) for primitive in (before, after))
    changed = (first.regions != second.regions).any(-1)
    if first.edges is not None and second.edges is not None:
        for lines, other_lines in ((first.edges, second.edges), (second.edges, first.edges)):
            changed |= lines & (_distances(other_lines) > TOLERANCE)
    if not changed.any():
        return changed
    return ndimage.distance_transform_edt(~changed) <= GROWTH * max(changed.shape)


def region_lpips(a: np.ndarray, b: np.ndarray, region: np.ndarray, *, net: str = "alex") -> float:
    """LPIPS's map (`perceptual.lpips_map`), averaged over a region.

    It punishes an edit that was ignored, for nothing else is in the region. It forgives what an edit
    spoils outside of it, and, as LPIPS does, shifts of a pixel or two and other grain of a texture.

    Args:
      a, b: (H, W, 3) of equal shapes, uint8 or floats in [-1, 1].
      region: (H, W) bool.
      net: as for `perceptual.lpips`.

    Returns:
      A float >= 0; NaN for an empty region, in which there is nothing to be compared.

    Raises:
      UserError: as `perceptual.lpips`, or a region of another size.
    """
    _check_region(region, a)
    return float(perceptual.lpips_map(a, b, net=net)[region].mean()) if region.any() else float("nan")


def region_psnr(a: np.ndarray, b: np.ndarray, region: np.ndarray) -> float:
    """PSNR in decibel over a region: 20 log10(255 / rmse), infinite where both are equal.

    It punishes ignored edits and every misplaced pixel. It forgives blur, which is rather rewarded, and
    all that is outside of the region.

    Arguments and errors as for `region_lpips`; NaN for an empty region.
    """
    first, second, _ = inputs.as_pair(a, b)
    _check_region(region, a)
    if not region.any():
        return float("nan")
    error = np.sqrt(np.mean((inputs.levels(first)[0] - inputs.levels(second)[0])[region] ** 2))
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(255 / error))


def following(
    drawn: np.ndarray, result: np.ndarray, *, sigma: float = 2.0, region: np.ndarray | None = None
) -> dict[str, float]:
    """How well the lines of a result, found by Canny's detector, agree with the drawn ones.

    A line agrees if one of the other kind is within `TOLERANCE`. It punishes an edit that is ignored
    and lines that nobody drew. It forgives every colour and texture, and edits of less than the
    tolerance; a drawing of regions says nothing of the lines inside of them, so that its precision is
    low for any sharp picture and only its recall can be compared.

    Args:
      drawn: (H, W) bool lines of the drawing, see `drawn_lines`.
      result: (H, W, 3) uint8.
      sigma: of the detector, in pixels, as for `edges.canny_edges`.
      region: (H, W) bool, where lines are counted; None: everywhere.

    Returns:
      {"precision", "recall", "f1"}, each from 0 to 1, NaN where there is no line to be counted. Of a
      result without any line precision is NaN, and f1 is 0 where lines were drawn.

    Raises:
      UserError: lines or a region of another size than the result.
    """
    _check_region(drawn, result)
    region = np.ones(drawn.shape, bool) if region is None else region
    _check_region(region, result)
    detected = edges.thin_edges(edges.canny_edges(result, sigma=sigma))
    precision, recall = (
        float((_distances(reference)[lines & region] <= TOLERANCE).mean())
        if (lines & region).any()
        else np.nan
        for lines, reference in ((detected, drawn), (drawn, detected))
    )
    total = precision + recall
    f1 = 0.0 if total == 0 or recall == 0 else 2 * precision * recall / total
    return {"precision": precision, "recall": recall, "f1": f1}


def measure(
    results: np.ndarray,
    truths: np.ndarray,
    drawings: np.ndarray,
    before: np.ndarray,
    spec: primitives.PrimitiveSpec,
) -> dict[str, np.ndarray]:
    """The columns `columns.EDIT_COLUMNS` of several results; NaN where there is nothing to be measured.

    Args:
      results, truths: (N, h, w, 3) uint8.
      drawings: (N, h, w, 3) uint8, conformed primitives.
      before: (h, w, 3) uint8, the conformed primitive of the training.
      spec: how they are drawn.

    Returns:
      Column -> float64 (N,).
    """
    maps = perceptual.lpips_map(results, truths)
    found: dict[str, list[float]] = {key: [] for key in EDIT_COLUMNS}
    for result, truth, drawing, distances in zip(results, truths, drawings, maps, strict=True):
        region = changed_region(before, drawing, spec)
        lines = drawn_lines(drawing, spec)
        followed = following(lines, result, sigma=spec.canny_sigma, region=region)
        found["changed_lpips"].append(float(distances[region].mean()) if region.any() else np.nan)
        found["changed_psnr"].append(region_psnr(result, truth, region))
        for name, value in followed.items():
            found[f"following_{name}"].append(value)
    return {key: np.array(values) for key, values in found.items()}


def drawn_lines(primitive: np.ndarray, spec: primitives.PrimitiveSpec) -> np.ndarray:
    """(h, w) bool: the lines of a conformed primitive or, if its kind has none, its regions' borders."""
    layers = primitives.decompose(primitive, spec)
    if layers.edges is not None:
        return layers.edges
    borders = np.zeros(primitive.shape[:2], bool)
    borders[:, :-1] |= (np.diff(layers.regions.astype(np.int16), axis=1) != 0).any(-1)
    borders[:-1] |= (np.diff(layers.regions.astype(np.int16), axis=0) != 0).any(-1)
    return borders


def _check_region(region, picture):
    if np.shape(region) != np.shape(picture)[:2]:
        raise UserError(
            f"region of shape {np.shape(region)} for a picture of {np.shape(picture)}: one value for "
            "each pixel is needed"
        )


def _distances(lines: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the nearest line; infinite if there is none."""
    if not lines.any():
        return np.full(lines.shape, np.inf, np.float32)
    return cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
