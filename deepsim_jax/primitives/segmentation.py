"""Automatic segmentation of a photo into a few flat colour regions.

Lengths that describe how the result looks are given for a long side of 256 pixels and grow with the
image, so that a photo is divided alike at every size.
"""

import warnings

import cv2
import numpy as np
from scipy import ndimage
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import pdist, squareform
from skimage import graph
from skimage.color import rgb2lab
from skimage.measure import label as connected_components
from skimage.segmentation import felzenszwalb, slic

from deepsim_jax.errors import UserError
from deepsim_jax.images.io import MIN_SIDE
from deepsim_jax.primitives.palettes import MAX_COLORS

METHODS = ("slic", "felzenszwalb", "kmeans")

# Lightness counts less than hue, so that shade and light on one thing stay one region.
_LAB_WEIGHTS = np.array([0.6, 1.0, 1.0], np.float32)
# Neighbouring regions are united while the squared colour error that this adds, summed over their
# pixels, stays below this for an image of 256 x 256.
_MERGE_COST = 1.5e4
# Colours closer than this (CIE Lab) are hard to tell apart with a brush in hand.
_MIN_CONTRAST = 10.0
# Larger photos are divided at this long side, in pixels; the time then no longer grows with them.
_WORKING_SIDE = 1024
# Regions below this part of the image are specks.
_SPECK = 0.002


def segment(image: np.ndarray, *, method: str = "slic", colors: int = 8, seed: int = 0) -> np.ndarray:
    """Divides a photo into a few flat regions without supervision, to be edited by hand.

    "slic" and "felzenszwalb" start from many small regions (superpixels; a graph of pixels), unite
    neighbours as long as that costs little squared colour error (Ward's criterion) and group the
    rest by colour with k-means; "kmeans" groups single pixels. Then borders are moved to where the
    photo's colour changes, specks are removed, and colours that can hardly be told apart united.

    Args:
      image: (H, W, 3) uint8.
      method: one of `METHODS`. "slic" gives the clearest objects, "felzenszwalb" the fewest
        regions, "kmeans" the most detail.
      colors: the most colours that the result has, 2 to `palettes.MAX_COLORS`.
      seed: of the random start of k-means.

    Returns:
      (H, W, 3) uint8, each region in the mean colour of all regions of its group.

    Raises:
      UserError: unknown method, or a number of colours out of range.
    """
    if method not in METHODS:
        raise UserError(f"segmentation method {method!r}: choose one of {', '.join(METHODS)}")
    if not 2 <= colors <= MAX_COLORS:
        raise UserError(f"segmentation colors {colors}: give a number from 2 to {MAX_COLORS}")
    labels = _divide(_working_copy(image), method, colors, seed)
    labels = _renumber(_enlarge(labels, image.shape[:2]))
    return np.round(_means(labels, image)).astype(np.uint8)[labels]


def _divide(image: np.ndarray, method: str, colors: int, seed: int) -> np.ndarray:
    """(H, W) labels 0..n-1, n <= colors."""
    lab = rgb2lab(image).astype(np.float32) * _LAB_WEIGHTS
    if method == "kmeans":
        labels, reach = _group_pixels(lab, colors, seed), np.inf
    else:
        labels, reach = _group_regions(_small_regions(image, lab, method), lab, colors, seed), 4.0
    labels = _follow_colors(labels, lab, reach)
    labels = _remove_specks(labels)
    return _unite_similar(labels, lab / _LAB_WEIGHTS)


def _working_copy(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    if max(height, width) <= _WORKING_SIDE:
        return image
    scale = _WORKING_SIDE / max(height, width)
    size = [max(MIN_SIDE, round(side * scale)) for side in (width, height)]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _enlarge(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Labels at a larger size, with smooth borders instead of steps."""
    if labels.shape == shape:
        return labels
    best = np.zeros(shape, labels.dtype)
    best_share = np.zeros(shape, np.float32)
    for number in range(labels.max() + 1):
        share = (labels == number).astype(np.float32)
        share = cv2.resize(share, shape[::-1], interpolation=cv2.INTER_CUBIC)
        best[share > best_share] = number
        np.maximum(best_share, share, out=best_share)
    return best


def _scale(shape: tuple[int, ...]) -> float:
    return max(shape[:2]) / 256


def _small_regions(image: np.ndarray, lab: np.ndarray, method: str) -> np.ndarray:
    """(H, W) labels 0..n-1 of a few dozen coherent regions."""
    height, width = image.shape[:2]
    area = height * width
    if method == "slic":
        count = min(1500, area // 16)
        regions = slic(image, n_segments=count, compactness=10, sigma=0.5, start_label=0)
    else:
        regions = felzenszwalb(image, scale=100, sigma=0.8, min_size=max(20, area // 1500))
    return _unite_neighbours(regions, lab, _MERGE_COST * area / 256**2)


def _unite_neighbours(regions: np.ndarray, lab: np.ndarray, cost: float) -> np.ndarray:
    """Unites adjacent regions, cheapest first, up to a cost per union; labels 0..n-1."""
    sizes, means = np.bincount(regions.ravel()), _means(regions, lab)
    adjacency = graph.RAG(regions, connectivity=1)
    for node, data in adjacency.nodes(data=True):
        data.update(labels=[node], size=float(sizes[node]), mean=means[node])

    def union_cost(nodes, first, second):
        a, b = nodes[first], nodes[second]
        difference = a["mean"] - b["mean"]
        return a["size"] * b["size"] / (a["size"] + b["size"]) * float(difference @ difference)

    def unite(rag, source, target):
        a, b = rag.nodes[source], rag.nodes[target]
        size = a["size"] + b["size"]
        b["mean"] = (a["mean"] * a["size"] + b["mean"] * b["size"]) / size
        b["size"] = size

    for first, second in adjacency.edges:
        adjacency[first][second]["weight"] = union_cost(adjacency.nodes, first, second)
    united = graph.merge_hierarchical(
        regions,
        adjacency,
        thresh=cost,
        rag_copy=False,
        in_place_merge=True,
        merge_func=unite,
        weight_func=lambda rag, _, target, other: {"weight": union_cost(rag.nodes, target, other)},
    )
    return _renumber(united)


def _group_regions(regions: np.ndarray, lab: np.ndarray, colors: int, seed: int) -> np.ndarray:
    """Groups regions by mean colour. The root of its area weighs a region: eyes count too."""
    means = _means(regions, lab)
    weights = np.sqrt(np.bincount(regions.ravel()))
    repeats = np.maximum(1, np.round(weights / weights.sum() * 4000)).astype(int)
    return _nearest(means, kmeans_centers(np.repeat(means, repeats, axis=0), colors, seed))[regions]


def _group_pixels(lab: np.ndarray, colors: int, seed: int) -> np.ndarray:
    """Groups pixels by their colour, smoothed a little."""
    sigma = 1.0 * _scale(lab.shape)
    smooth = ndimage.gaussian_filter(lab, (sigma, sigma, 0))
    step = max(1, round(np.sqrt(lab.shape[0] * lab.shape[1] / 10_000)))
    centers = kmeans_centers(smooth[::step, ::step].reshape(-1, 3), colors, seed)
    return _nearest(smooth.reshape(-1, 3), centers).reshape(lab.shape[:2])


def kmeans_centers(points: np.ndarray, colors: int, seed: int) -> np.ndarray:
    """Centres (k, d) of (n, d) points by the best of several runs of k-means; k is at most `colors`."""
    distinct = np.unique(points, axis=0)
    if len(distinct) <= colors:
        return distinct
    rng = np.random.default_rng(seed)
    best, best_cost = distinct, np.inf
    for _ in range(8):
        with warnings.catch_warnings():
            # A cluster that runs empty only leaves one colour fewer.
            warnings.filterwarnings("ignore", message="One of the clusters is empty")
            centers, labels = kmeans2(points, colors, iter=30, minit="++", rng=rng)
        cost = np.square(points - centers[labels]).sum()
        if cost < best_cost:
            best, best_cost = centers, cost
    return best


def _nearest(points: np.ndarray, centers: np.ndarray) -> np.ndarray:
    best = np.zeros(len(points), np.intp)
    best_distance = np.full(len(points), np.inf, np.float32)
    for number, center in enumerate(centers):
        distance = np.square(points - center).sum(axis=-1)
        best[distance < best_distance] = number
        np.minimum(best_distance, distance, out=best_distance)
    return best


def _follow_colors(labels: np.ndarray, lab: np.ndarray, reach: float) -> np.ndarray:
    """Moves borders by up to `reach` to where the colours of both sides meet in the photo."""
    labels = _renumber(labels)
    scale = _scale(labels.shape)
    best = labels.copy()
    best_cost = np.full(labels.shape, np.inf, np.float32)
    for number, color in enumerate(_means(labels, lab)):
        cost = np.square(lab - color.astype(np.float32)).sum(axis=-1)
        cost = ndimage.gaussian_filter(cost, scale)
        if np.isfinite(reach):
            cost[ndimage.distance_transform_edt(labels != number) > reach * scale] = np.inf
        best[cost < best_cost] = number
        np.minimum(best_cost, cost, out=best_cost)
    return best


def _remove_specks(labels: np.ndarray) -> np.ndarray:
    """Rounds borders a little and gives small regions to their neighbours."""
    scale = _scale(labels.shape)
    best = labels.copy()
    best_share = np.zeros(labels.shape, np.float32)
    for number in np.unique(labels):
        share = ndimage.gaussian_filter((labels == number).astype(np.float32), scale)
        best[share > best_share] = number
        np.maximum(best_share, share, out=best_share)
    # What a speck leaves behind may again hold specks, but ever fewer.
    for _ in range(4):
        regions = connected_components(best, connectivity=1, background=-1)
        small = (np.bincount(regions.ravel()) < _SPECK * labels.size)[regions]
        if small.all() or not small.any():
            break
        nearest = ndimage.distance_transform_edt(small, return_distances=False, return_indices=True)
        best = best[tuple(nearest)]
    return best


def _unite_similar(labels: np.ndarray, lab: np.ndarray) -> np.ndarray:
    """Unites the groups of the most similar colours until all are told apart easily."""
    labels = _renumber(labels)
    while labels.max() > 0:
        distances = squareform(pdist(_means(labels, lab)))
        np.fill_diagonal(distances, np.inf)
        first, second = np.unravel_index(distances.argmin(), distances.shape)
        if distances[first, second] >= _MIN_CONTRAST:
            break
        labels = _renumber(np.where(labels == second, first, labels))
    return labels


def _means(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n, channels) mean of (H, W, channels) values over each label 0..n-1."""
    flat = labels.ravel()
    sums = [np.bincount(flat, values[..., c].ravel()) for c in range(values.shape[2])]
    return np.stack(sums, axis=-1) / np.bincount(flat)[:, None]


def _renumber(labels: np.ndarray) -> np.ndarray:
    """The same regions with labels 0..n-1, none left out."""
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
