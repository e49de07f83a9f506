"""Masks of pixels to replace: read from a file, or made from pictures, colours and polygons.

A mask in words, as the command line takes it (`read`):

    mask.png                     the lighter part = masked, or what is painted on an empty layer
    outline.json                 polygons, see `by_polygons`
    difference:clean.png         where the picture differs from another one
    color:255,255,0              pixels of a colour; color:255,255,0,60 within 60 grey levels of it
    bright  bright:220           subtitles: the bright pixels, by Otsu's threshold or from a level on
    dark  dark:40                the dark ones
    bright:220&lower.json        what both masks have

Masks are bool (H, W), True = masked. A file's pixels are masked from half way between its two tones on
(`read_mask`), so that black need not be 0, compression noise does not matter, and a soft brush keeps the
shape that was drawn.
"""

import json
import logging
import os
from pathlib import Path

import cv2
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import changes
from deepsim_jax.images import io as images
from deepsim_jax.images.text_files import read_text
from deepsim_jax.runtime.paths import user_path

log = logging.getLogger("deepsim_jax")

TOLERANCE = 40
"""Grey levels by which a channel may differ from a colour, or from the other picture."""

_NUMBERED = 40
"""Up to this value a mask of several flat levels holds numbers of objects; 0 is the background."""

_DARK = 0.05  # part of a mask's range up to which a flat level counts as its black
_MODE = 0.25  # part of the distance of both tones within which a level belongs to one of them
_OF_MODES, _BETWEEN = 0.8, 0.7  # pixels at the tones, and variance that they explain, of a real mask

_WORDS = "difference:PICTURE, color:R,G,B, bright, bright:LEVEL, dark, dark:LEVEL"


def read(source, picture: np.ndarray, *, grow: int = 0) -> np.ndarray:
    """The mask that a user names for a picture, checked.

    Args:
      source: an array as `read_mask` takes it, a path, or words as in the module's docstring.
      picture: uint8 (H, W, 3).
      grow: pixels by which the mask is finally widened, because letters have soft borders.

    Returns:
      bool (H, W) of the picture's size, with masked and unmasked pixels.

    Raises:
      UserError: it cannot be read or understood, has another size, masks nothing or everything.
    """
    if isinstance(source, str | os.PathLike):
        terms = _split_terms(str(source))
        mask = np.logical_and.reduce(
            [_checked_size(_read_term(term, picture), term, picture) for term in terms]
        )
        label = f"mask {source}"
    else:
        label = "mask"
        mask = _checked_size(read_mask(source, name=label), label, picture)
    if not mask.any():
        raise UserError(
            f"{label}: no pixel is masked, so that there is nothing to do; paint what is to be replaced "
            "white on black"
        )
    if grow < 0:
        raise UserError(f"grow={grow}: pixels, 0 or more")
    mask = widened(mask, grow)
    if mask.all():
        raise UserError(
            f"{label}: every pixel is masked, so that nothing is left to learn from; "
            "unmasked pixels are black"
        )
    tell(mask, label, "masked")
    return mask


def read_keep(source, sizes) -> np.ndarray:
    """Reads and checks a mask of the pixels to keep from the photo.

    Args:
      source: as for `read_mask`.
      sizes: the (height, width) that it may have.

    Returns:
      bool (H, W), True = kept, with kept and other pixels.

    Raises:
      UserError: it cannot be read, has another size, keeps nothing or everything.
    """
    pixels, label = images.load(source, "keep")
    if pixels.shape[:2] not in sizes:
        allowed = " or ".join(dict.fromkeys(f"{width}x{height}" for height, width in sizes))
        raise UserError(f"keep: {_size(pixels)} px, it must be {allowed}")
    mask = _masked(pixels, label)
    if mask.all():
        raise UserError("keep: every pixel is kept, so that nothing can change; unkept pixels are black")
    if not mask.any():
        raise UserError("keep: no pixel is kept; kept pixels are white; to keep nothing leave it out")
    if not _is_decided(source):
        tell(~mask, "keep", "not kept")
    return mask


def read_mask(source, *, name: str = "mask") -> np.ndarray:
    """Reads a mask from a file or an array: True in its lighter part.

    The border lies half way between the two tones that most pixels have, in the brightest channel. Of
    flat levels all but the darkest ones are masked, whether they are colours or numbers of things. Where
    the alpha channel has a shape, paint of one tone, black or white, masks what it covers, and of several
    tones the lighter ones; a constant alpha channel is ignored.

    Args:
      source: a path, or a bool or numeric array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).
      name: what messages begin with.

    Returns:
      (H, W) bool; one of a single level is masked wholly or, where that is zero, not at all.

    Raises:
      UserError: as in `images.io.read_image`, where arrays may have any bool or numeric type; or it is a
        picture with all tones and no mask.
    """
    return _masked(*images.load(source, name))


def _masked(pixels, label) -> np.ndarray:
    if pixels.dtype.kind not in "buif":
        raise UserError(f"{label}: an array of {pixels.dtype}; give bool or numbers")
    levels = pixels[..., :3].max(axis=-1).astype(np.float64)
    if not np.isfinite(levels).all():
        raise UserError(f"{label}: holds NaN or infinite values; give bool or numbers")
    if pixels.shape[2] < 4 or np.ptp(pixels[..., 3]) == 0:
        return _lighter(levels, np.ones(levels.shape, bool), label)
    painted = _lighter(pixels[..., 3].astype(np.float64), np.ones(levels.shape, bool), label)
    full = np.iinfo(pixels.dtype).max if pixels.dtype.kind in "ui" else 1.0
    tones = levels[painted]
    if np.ptp(np.percentile(tones, [1, 99])) <= _MODE * full:
        return painted
    return _lighter(levels, painted, label)


def tell(mask: np.ndarray, label: str, what: str) -> None:
    """Says how much of the picture a mask covers; in a warning where that is most of it.

    Args:
      mask: bool (H, W).
      label: what the line begins with.
      what: what the covered pixels are: "masked", "not kept".
    """
    share = mask.mean()
    if share > changes.MUCH:
        log.warning(
            "%s: %.1f %% of the picture is %s; if that is the wrong way round, swap black and white",
            label,
            100 * share,
            what,
        )
    else:
        log.info("%s: %d pixels, %.1f %% of the picture, %s", label, mask.sum(), 100 * share, what)


def _is_decided(source) -> bool:
    return isinstance(source, np.ndarray) and source.dtype == bool


def _lighter(levels, region, label) -> np.ndarray:
    """bool (H, W): the lighter of the levels inside."""
    values = levels[region]
    low, high = values.min(), values.max()
    if low == high:
        return region & (levels > 0)
    tones = np.unique(values)
    if len(tones) > 2 and (_in_flat_blocks(levels, region) or high - low <= 2):
        least = low if 0 <= low and high <= _NUMBERED else low + _DARK * (high - low)
        return region & (levels > least)
    if len(tones) == 2:
        return region & (levels > low)
    return region & (levels > _threshold(values, low, high, label))


def _in_flat_blocks(levels, region) -> bool:
    """Whether each level fills flat areas for the greater part: nothing is soft or noisy."""
    block = np.ones(levels.shape, bool)
    for dy, dx in ((0, 1), (1, 0), (1, 1)):
        block[: levels.shape[0] - dy, : levels.shape[1] - dx] &= (
            levels[dy:, dx:] == levels[: levels.shape[0] - dy, : levels.shape[1] - dx]
        )
    block[-1], block[:, -1] = False, False
    flat = cv2.dilate(block.astype(np.uint8), np.ones((2, 2), np.uint8), anchor=(0, 0)) > 0
    _, index = np.unique(levels[region], return_inverse=True)
    counts = np.bincount(index)
    return bool((np.bincount(index, weights=flat[region]) >= counts / 2).all())


def _threshold(levels, low, high, label) -> float:
    """The level between the two tones of (n,) levels, which Otsu's threshold (1979) separates."""
    bins = np.rint((levels - low) * (255 / (high - low))).astype(np.uint8)
    level, _ = cv2.threshold(bins[None], 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    upper = bins > level
    # The tones are those of the insides, not of soft borders.
    dark, light = np.percentile(bins[~upper], 10), np.percentile(bins[upper], 90)
    reach = _MODE * (light - dark)
    near = np.minimum(np.abs(bins - dark), np.abs(bins - light)) <= reach
    share = upper.mean()
    variance_between = share * (1 - share) * (bins[upper].mean() - bins[~upper].mean()) ** 2
    if near.mean() < _OF_MODES or variance_between < _BETWEEN * bins.var():
        raise UserError(
            f"{label}: has all tones like a photo, so that it shows no shape; paint what is meant white "
            "on black"
        )
    return low + (dark + light) / 2 * (high - low) / 255


def by_difference(picture: np.ndarray, other: np.ndarray, *, tolerance: float = TOLERANCE) -> np.ndarray:
    """Where two pictures, uint8 (H, W, 3) of one size, differ by more than `tolerance` in a channel.

    Raises:
      UserError: their sizes differ.
    """
    if picture.shape != other.shape:
        raise UserError(
            f"mask by difference: pictures of {_size(picture)} and {_size(other)} px; both "
            "need the same size"
        )
    return np.any(cv2.absdiff(picture, other) > tolerance, axis=-1)


def by_color(picture: np.ndarray, color, *, tolerance: float = TOLERANCE) -> np.ndarray:
    """Pixels all of whose channels are within `tolerance` of (red, green, blue), each 0 to 255.

    Raises:
      UserError: no such colour.
    """
    color = np.asarray(color)
    if color.shape != (3,) or not np.isin(color, np.arange(256)).all():
        raise UserError(f"mask by colour: {color.tolist()}; give red,green,blue, each 0 to 255")
    return (np.abs(picture.astype(np.int16) - color.astype(np.int16)) <= tolerance).all(axis=-1)


def by_level(picture: np.ndarray, *, dark: bool = False, level: int | None = None) -> np.ndarray:
    """Binarisation of a picture's luminance, as the report on SinGAN inpainting finds subtitles.

    Args:
      picture: uint8 (H, W, 3).
      dark: whether the dark pixels are masked instead of the bright ones.
      level: 0 to 255; pixels at it or beyond it are masked. None: by Otsu's method (1979), which
        separates the two best and needs a picture in which nothing else is as bright.

    Raises:
      UserError: no such level.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if level is None:
        otsu, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        level = int(otsu) + (not dark)  # Otsu's threshold itself belongs to the dark pixels.
    if not 0 <= level <= 255:
        raise UserError(f"mask by level: {level}; give 0 to 255")
    return grey <= level if dark else grey >= level


def by_polygons(source, height: int, width: int) -> np.ndarray:
    """The inside of polygons, borders included.

    Args:
      source: path of a JSON file, or its content: {"size": [640, 480], "polygons": [[[10, 10], [90, 10],
        [50, 60]]]}, points (x, y) in pixels of a picture of that size, by default of the mask's.
      height, width: of the mask in pixels.

    Returns:
      bool (height, width).

    Raises:
      UserError: no such file, not JSON, or not as above.
    """
    label, content = "polygons", source
    if not isinstance(source, dict):
        label = f"polygons {source}"
        try:
            content = json.loads(read_text(user_path(source)))
        except (OSError, ValueError) as error:
            raise UserError(f"{label}: cannot be read ({error})") from error
    try:
        size = np.array(content.get("size", [width, height]), np.float64)
        polygons = [np.array(polygon, np.float64) for polygon in content["polygons"]]
        fits = (
            size.shape == (2,)
            and (size > 0).all()
            and polygons
            and all(
                p.ndim == 2 and p.shape[1] == 2 and len(p) >= 3 and (np.abs(p) < 1e6).all()
                for p in polygons
            )
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        fits = False
    if not fits or set(content) - {"size", "polygons"}:
        raise UserError(
            f'{label}: not understood; it is {{"size": [width, height], "polygons": [[[x, '
            "y], [x, y], [x, y]]]}, each polygon of at least three points in pixels"
        )
    canvas = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        points = (polygon + 0.5) * ([width, height] / size) - 0.5
        cv2.fillPoly(canvas, [np.rint(points).astype(np.int32)], 1)
    return canvas > 0


def widened(mask: np.ndarray, radius: int) -> np.ndarray:
    """The mask and all pixels up to `radius` px from it."""
    if not radius:
        return mask
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = (x * x + y * y <= radius * radius).astype(np.uint8)
    return cv2.dilate(mask.astype(np.uint8), disk) > 0


def _split_terms(words):
    """The terms that "&" joins; the names of files may contain it, too."""
    pieces, terms = words.split("&"), []
    while pieces:
        joined = ["&".join(pieces[:n]) for n in range(len(pieces), 1, -1)]
        term = next(
            (candidate for candidate in joined if _exists(candidate.removeprefix("difference:"))),
            pieces[0],
        )
        terms.append(term)
        pieces = pieces[term.count("&") + 1 :]
    return terms


def _exists(name):
    return os.path.isfile(user_path(name))


def _read_term(words, picture):
    """The mask of one term of the user's words."""
    kind, _, argument = words.partition(":")
    if _exists(words) and Path(words).suffix:  # its name may begin like one of the words
        kind = ""
    try:
        if kind == "difference":
            return by_difference(picture, images.read_image(argument, name="difference"))
        if kind == "color":
            color, tolerance = (numbers := [int(n) for n in argument.split(",")])[:3], numbers[3:]
            return by_color(picture, color, tolerance=tolerance[0] if tolerance else TOLERANCE)
        if kind in ("bright", "dark"):
            return by_level(picture, dark=kind == "dark", level=int(argument) if argument else None)
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"mask {words}: not understood; give {_WORDS}") from error
    if Path(words).suffix.lower() == ".json":
        return by_polygons(words, *picture.shape[:2])
    if not os.path.exists(user_path(words)):
        raise UserError(f"mask {words}: no such file; give a mask, a .json of polygons, or {_WORDS}")
    return read_mask(words)


def _checked_size(mask, label, picture):
    if mask.shape != picture.shape[:2]:
        raise UserError(
            f"{label}: {_size(mask)} px, the picture has {_size(picture)}; give a mask of "
            "the picture's size"
        )
    return mask


def _size(array):
    return f"{array.shape[1]}x{array.shape[0]}"
