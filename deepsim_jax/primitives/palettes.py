"""The colours of a drawn segmentation: finds the real ones, and snaps a drawing to them.

A palette is a tuple of (r, g, b), 0..255. Drawings come with soft borders, compression noise and
stray pixels; all of these are told from real colours by where they lie, not by colour alone: real
colours fill flat areas or lines, and a soft border is a mixture of what lies around it.
"""

import numpy as np
from scipy.spatial import KDTree
from skimage.measure import label as connected_components

from deepsim_jax.errors import UserError

Palette = tuple[tuple[int, int, int], ...]

MAX_COLORS = 256

TOLERANCE = 10.0
"""RGB distance (Euclidean) up to which two colours of a segmentation may be one.

Compression and rounding spread a colour by up to about this; published segmentations have greys
only 6 apart, a distance of 10.4, that stand for different things. Nearer colours are two where each
fills flat areas of its own, without one pixel of the other.
"""

# A drawing with more colours than a palette holds is noisy. There, a flat colour is noise if
# another one within the first distance has 100 times its area, and the colour of a thin line must
# be at least the second distance from all others.
_NOISE_DISTANCE = 24.0
_NOISE_SHARE = 0.01
_LINE_DISTANCE = 48.0

_PURE = 0.5  # a colour is real if at least this share of its pixels lies in flat areas of exactly it
_SHADES, _STEPS = 12, 0.9  # this many colours, mostly beside similar ones, are a gradient

_FLAT = 2  # largest difference per channel inside a flat area
_MIXED = 16  # how far a mixture's channels may lie outside of the colours around it
_REACH = 8  # pixels: how far a soft border looks for the colours that it joins
_STRAY = 4  # pixels: connected pixels of a foreign colour, if fewer, are a slip

_TRIES = 4 * MAX_COLORS  # colours to look at, the most frequent first; a photo has 100,000
_SHADE = 3.0  # RGB distance of two shades that a painter may mean to differ

_DIRECTIONS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


def merge_palette(seg: np.ndarray, *, tolerance: float = TOLERANCE) -> tuple[np.ndarray, Palette]:
    """Finds the real colours of a drawn segmentation and gives every pixel one of them.

    Args:
      seg: (H, W, 3) uint8.
      tolerance: RGB distance up to which a colour is the same as a more frequent one.

    Returns:
      The cleaned (H, W, 3) uint8 segmentation, and its palette, the largest area first.

    Raises:
      UserError: more than `MAX_COLORS` real colours: a photo or a painting, not a segmentation.
    """
    palette = find_palette(seg, tolerance=tolerance)
    if palette is None:
        raise UserError(
            f"segmentation: more than {MAX_COLORS} colours; draw flat regions, or use the kind 'paint'"
        )
    merged, _ = snap(seg, palette)
    return merged, by_area(merged)


def find_palette(seg: np.ndarray, *, tolerance: float = TOLERANCE, known: Palette = ()) -> Palette | None:
    """The real colours of a drawing, in no particular order; None if more than `MAX_COLORS`.

    Args:
      seg: (H, W, 3) uint8.
      tolerance: RGB distance up to which a colour is the same as a more frequent one.
      known: colours that belong to the palette in any case and come first.
    """
    smallest = max(8, round(1e-4 * seg.shape[0] * seg.shape[1]))
    distinct = np.unique(_codes(seg))
    noisy = len(distinct) > MAX_COLORS
    flat, pure = _flat(seg), () if noisy else _pure(seg, smallest, tolerance)
    palette = _frequent(seg[flat], list(known), smallest, tolerance, noisy, pure)
    if palette is not None and palette:
        # Thin lines have no flat pixel. Their colours are no mixture of the colours around a pixel.
        not_flat = ~flat
        around = _around(np.where(flat, _nearest(seg, palette)[1], -1), not_flat)
        strange = seg[not_flat][~_explained(seg[not_flat], around, palette)]
        if noisy:
            strange = _repeated_far(strange, palette, smallest)
        palette = _frequent(strange, palette, smallest, tolerance, noisy, pure)
    if palette == [] and len(distinct) <= MAX_COLORS:
        palette = [_rgb(code) for code in distinct]
    return tuple(palette) if palette else None


def paint_palette(image: np.ndarray) -> Palette | None:
    """The palette of a free drawing, or None for a painting with smooth transitions.

    Up to `MAX_COLORS` colours are all taken as they are. More are either soft borders between flat
    areas, whose colours are the palette, or shades that snapping would destroy.
    """
    colors = by_area(image)
    if len(colors) <= MAX_COLORS:
        return colors
    palette = find_palette(image, tolerance=_SHADE)
    if palette is None or np.mean(_is_exact(image, palette)) < 2 / 3:
        return None
    # Flat areas that the palette misses are shades.
    distance, _ = _nearest(image[_flat(image)], palette)
    return palette if np.mean(distance > 2 * _SHADE) < 0.01 else None


def snap(image: np.ndarray, palette: Palette) -> tuple[np.ndarray, int]:
    """Gives every pixel of a drawing a colour of the palette.

    Pixels that have one keep it. Flat areas in a foreign colour get the nearest colour of the
    palette; soft borders the nearest of the colours that they join, so that no line of a third
    colour is left between two regions; stray pixels a colour of their surroundings.

    Args:
      image: (H, W, 3) uint8.
      palette: at least one colour.

    Returns:
      (H, W, 3) uint8 and the number of pixels that changed.
    """
    exact = _is_exact(image, palette)
    if exact.all():
        return image, 0
    labels = _nearest(image, palette)[1]
    soft = ~(exact | _flat(image))
    around = _around(np.where(soft, -1, labels), soft)
    joined = _explained(image[soft], around, palette)
    foreign = np.zeros(image.shape[:2], bool)
    foreign[soft] = ~joined
    pieces = connected_components(foreign, connectivity=2)
    stray = (np.bincount(pieces.ravel()) < _STRAY)[pieces] & foreign
    local = (joined | stray[soft]) & (around >= 0).any(axis=1)
    labels[soft] = np.where(local, _nearest_around(image[soft], around, palette), labels[soft])
    return np.array(palette, np.uint8)[labels], int(np.count_nonzero(~exact))


def share_of_others(image: np.ndarray, palette: Palette) -> float:
    """The share of the pixels whose colour the palette lacks."""
    return 1.0 - float(_is_exact(image, palette).mean())


def by_area(image: np.ndarray) -> Palette:
    """The colours of an image, the largest area first."""
    codes, counts = np.unique(_codes(image), return_counts=True)
    return tuple(_rgb(code) for code in codes[np.argsort(-counts, kind="stable")])


def _codes(colors: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 colours as (...) integers."""
    wide = colors.astype(np.int32)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]


def _rgb(code) -> tuple[int, int, int]:
    code = int(code)
    return code >> 16, (code >> 8) & 255, code & 255


def _is_exact(image: np.ndarray, palette: Palette) -> np.ndarray:
    return np.isin(_codes(image), _codes(np.array(palette)))


def _pure(seg: np.ndarray, smallest: int, tolerance: float) -> tuple[int, ...]:
    """The codes of the colours that fill flat areas of exactly them, and are no steps of a gradient."""
    codes = _codes(seg)
    distinct, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
    flat = _flat(seg, limit=0)
    flat_counts = np.bincount(index.ravel()[flat.ravel()], minlength=len(distinct))
    pure = (counts >= smallest) & (flat_counts >= _PURE * counts)
    steps = np.concatenate(
        [np.square(np.diff(seg.astype(np.int32), axis=axis)).sum(axis=-1).ravel() for axis in (0, 1)]
    )
    borders = steps[steps > 0]
    if np.count_nonzero(pure) >= _SHADES and np.mean(borders <= tolerance**2) > _STEPS:
        return ()
    return tuple(distinct[pure].tolist())


def _flat(image: np.ndarray, limit: int = _FLAT) -> np.ndarray:
    """(H, W) bool: pixels that belong to a 2x2 block whose channels differ by no more than `limit`."""
    blocks = [image[:-1, :-1], image[:-1, 1:], image[1:, :-1], image[1:, 1:]]
    spread = np.maximum.reduce(blocks) - np.minimum.reduce(blocks)
    block = (spread <= limit).all(axis=-1)
    flat = np.zeros(image.shape[:2], bool)
    for corner in (flat[:-1, :-1], flat[:-1, 1:], flat[1:, :-1], flat[1:, 1:]):
        corner |= block
    return flat


def _frequent(
    pixels: np.ndarray, palette: list, smallest: int, tolerance: float, noisy: bool, pure: tuple
) -> list | None:
    """Extends a palette by the frequent colours of (n, 3) pixels; None if it grows too large.

    The most frequent colour takes in all within the tolerance, those with `pure` codes aside, then
    the next. Colours that cover less than `smallest` pixels, or are noise beside a frequent one, are
    left out.
    """
    codes, counts = np.unique(_codes(pixels), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    codes, counts = codes[order], counts[order]
    colors = np.stack([codes >> 16, (codes >> 8) & 255, codes & 255], axis=-1)
    apart = np.isin(codes, pure)
    for color in palette:
        far = np.square(colors - color).sum(axis=-1) > tolerance**2
        colors, counts, apart = colors[far], counts[far], apart[far]
    palette = list(palette)
    accepted: list = []
    for _ in range(_TRIES):
        if counts.sum() < smallest:
            break
        color = colors[0]
        square = np.square(colors - color).sum(axis=-1)
        near = (square <= tolerance**2) & (~apart | (square == 0))
        area = counts[near].sum()
        colors, counts, apart = colors[~near], counts[~near], apart[~near]
        is_noise = noisy and any(
            area < _NOISE_SHARE * larger and np.square(color - accepted_color).sum() <= _NOISE_DISTANCE**2
            for accepted_color, larger in accepted
        )
        if area >= smallest and not is_noise:
            accepted.append((color, area))
            palette.append(tuple(int(c) for c in color))
        if len(palette) > MAX_COLORS:
            return None
    return palette


def _repeated_far(pixels: np.ndarray, palette: list, smallest: int) -> np.ndarray:
    """The (n, 3) pixels whose exact colour is repeated and unlike any of the palette.

    Compression makes many foreign colours, but each of them rarely; a pen repeats one.
    """
    _, inverse, counts = np.unique(_codes(pixels), return_inverse=True, return_counts=True)
    distance, _ = _nearest(pixels, palette)
    return pixels[(counts[inverse] >= smallest) & (distance > _LINE_DISTANCE)]


def _nearest(pixels: np.ndarray, palette) -> tuple[np.ndarray, np.ndarray]:
    """Distance to and index of the palette's nearest colour, for (..., 3) pixels."""
    codes, inverse = np.unique(_codes(pixels), return_inverse=True)
    colors = np.stack([codes >> 16, (codes >> 8) & 255, codes & 255], axis=-1)
    distance, index = KDTree(palette).query(colors)
    shape = pixels.shape[:-1]
    return distance[inverse].reshape(shape), index[inverse].reshape(shape)


def _around(labels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(n, 8) first label in each direction within reach of the n pixels; -1: none.

    `labels` is (H, W) with -1 where no label is known; `mask` selects the n pixels.
    """
    height, width = labels.shape
    rows, columns = np.nonzero(mask)
    padded = np.pad(labels, _REACH, constant_values=-1)
    around = np.full((len(rows), len(_DIRECTIONS)), -1, labels.dtype)
    for number, (dy, dx) in enumerate(_DIRECTIONS):
        for step in range(1, _REACH + 1):
            candidates = padded[rows + _REACH + dy * step, columns + _REACH + dx * step]
            around[:, number] = np.where(around[:, number] < 0, candidates, around[:, number])
    return around


def _explained(pixels: np.ndarray, around: np.ndarray, palette) -> np.ndarray:
    """(n,) bool: pixels whose channels lie within the range of the colours around them."""
    colors = np.array([*palette, (0, 0, 0)], np.float32)[around]
    missing = (around < 0)[..., None]
    low = np.where(missing, np.inf, colors).min(axis=1) - _MIXED
    high = np.where(missing, -np.inf, colors).max(axis=1) + _MIXED
    return ((low <= pixels) & (pixels <= high)).all(axis=-1)


def _nearest_around(pixels: np.ndarray, around: np.ndarray, palette) -> np.ndarray:
    """(n,) label of the best fitting of the colours around each pixel."""
    colors = np.array([*palette, (0, 0, 0)], np.float32)[around]
    distance = np.square(colors - pixels[:, None]).sum(axis=-1)
    best = np.where(around < 0, np.inf, distance).argmin(axis=1)
    return np.take_along_axis(around, best[:, None], axis=1)[:, 0]
