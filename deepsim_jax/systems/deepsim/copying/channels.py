"""Turns primitives into planes for a flow, which differ where the drawing means different things.

Colours of a primitive are names: two greys that are close together stand for different things, and the
flow between grey drawings cannot tell them apart. So every label becomes a vector of its own, lines
become their nearness and density by orientation, and only a painting with soft shades is taken as it is.
"""

import dataclasses

import cv2
import numpy as np
from PIL import Image

from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives

COMMON = 12
"""So many of a painting's colours stand for all of its shades where a region's label is asked for."""

LABEL_PLANES = 8
"""So many labels get a plane each; more share them as random unit vectors."""

ORIENTATIONS = 4
NEAR = 4.0
"""Pixels at which the nearness of a line has fallen to 1 / e, of a side of 192."""

_REGION_BLUR, _LINE_BLUR = 0.7, 1.5  # pixels
_DENSITY = 3.0  # makes the density of a single blurred line about 1


@dataclasses.dataclass(frozen=True)
class Parts:
    """A conformed primitive taken apart for comparison.

    Attributes:
      colors: (h, w, 3) uint8 regions; a plain background for a kind without regions.
      labels: (h, w) int32, equal where the regions have the same colour; of a painting with soft shades,
        once `Channels.labelled` made them, where they are nearest to the same common one.
      lines: (h, w) bool, or None for a kind without lines.
    """

    colors: np.ndarray
    labels: np.ndarray
    lines: np.ndarray | None

    @property
    def layers(self) -> primitives.Layers:
        """The same, ready to be composed to a primitive again."""
        return primitives.Layers(self.colors, self.lines)


def take_apart(primitive: np.ndarray, spec: primitives.PrimitiveSpec) -> Parts:
    """The parts of a primitive that `conform` returned."""
    return parts_of(primitives.decompose(primitive, spec))


def parts_of(layers: primitives.Layers) -> Parts:
    """The parts of a primitive's layers."""
    wide = layers.regions.astype(np.int32)
    labels = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    return Parts(layers.regions, labels, layers.edges)


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A primitive as the estimation sees it.

    Attributes:
      planes: (h, w, C) float32 for the registration: differences of about 1 where things differ.
      greys: (h, w) uint8 pictures for the optical flow, slightly blurred: the regions in equally
        spaced greys, if there are several colours, and the lines, if the kind has any.
    """

    planes: np.ndarray
    greys: list[np.ndarray]


class Channels:
    """Turns the parts of primitives of one spec into drawings that can be compared."""

    def __init__(self, source: Parts, spec: primitives.PrimitiveSpec):
        self.soft = spec.kind == "paint" and spec.palette is None
        self._common = _common_colors(source.colors) if self.soft else None
        labels = np.unique(source.labels)
        if spec.palette is not None:
            red, green, blue = np.array(spec.palette, np.int32).T
            labels = np.union1d(labels, red << 16 | green << 8 | blue)
        self._labels = labels
        order = np.argsort(_luminance(labels), kind="stable")
        self._rank = np.empty(len(labels), np.uint8)
        self._rank[order] = np.linspace(0, 255, len(labels)).round().astype(np.uint8)
        if len(labels) <= LABEL_PLANES:
            self._codes = np.eye(len(labels), dtype=np.float32)
        else:
            codes = np.random.default_rng(0).normal(size=(len(labels), LABEL_PLANES))
            codes /= np.linalg.norm(codes, axis=1, keepdims=True)
            self._codes = codes.astype(np.float32)

    @property
    def has_labels(self) -> bool:
        """Whether regions have labels that can be right or wrong."""
        return not self.soft and len(self._labels) > 1

    def labelled(self, parts: Parts) -> Parts:
        """The parts; of a soft painting with labels for common colours instead of for every shade."""
        if self._common is None:
            return parts
        labels = np.zeros(parts.labels.shape, np.int32)
        nearest = np.full(labels.shape, np.inf, np.float32)
        colors = parts.colors.astype(np.float32)
        for number, color in enumerate(self._common):
            distance = np.square(colors - color).sum(-1)
            labels[distance < nearest] = number
            nearest = np.minimum(nearest, distance)
        return dataclasses.replace(parts, labels=labels)

    def draw(self, parts: Parts) -> "Drawing":
        """The inputs of both stages of the estimation, from a primitive's parts."""
        return Drawing(self._planes(parts), self._greys(parts))

    def _planes(self, parts):
        planes = []
        if self.soft:
            planes.append(cv2.cvtColor(parts.colors.astype(np.float32) / 255, cv2.COLOR_RGB2Lab) / 50)
        elif self.has_labels:
            planes.append(self._codes[self._index(parts)])
        if parts.lines is not None:
            planes += [_nearness(parts.lines)[..., None], _density(parts.lines)]
        return np.concatenate(planes, axis=-1)

    def _greys(self, parts):
        greys = []
        if self.soft:
            greys.append(_blurred(cv2.cvtColor(parts.colors, cv2.COLOR_RGB2GRAY), _REGION_BLUR))
        elif self.has_labels:
            greys.append(_blurred(self._rank[self._index(parts)], _REGION_BLUR))
        if parts.lines is not None:
            greys.append(_blurred(parts.lines * np.uint8(255), _LINE_BLUR))
        return greys

    def _index(self, parts):
        """The place of each label; a label that the palette lacks takes a neighbour's in order."""
        return np.minimum(np.searchsorted(self._labels, parts.labels), len(self._labels) - 1)


def _common_colors(picture):
    """(COMMON, 3) float32 or fewer, by median cut."""
    reduced = Image.fromarray(picture).quantize(COMMON, method=Image.Quantize.MEDIANCUT)
    palette = np.array(reduced.getpalette(), np.float32).reshape(-1, 3)
    return palette[np.unique(np.asarray(reduced))]


def _luminance(labels):
    return 0.299 * (labels >> 16) + 0.587 * (labels >> 8 & 255) + 0.114 * (labels & 255)


def _blurred(grey, blur):
    return cv2.GaussianBlur(grey, (0, 0), blur)


def _nearness(lines: np.ndarray) -> np.ndarray:
    reach = NEAR * max(lines.shape) / 192
    return np.exp(-fields.distances(lines) / reach)


def _density(lines: np.ndarray) -> np.ndarray:
    """(h, w, ORIENTATIONS) float32: the density of lines by direction."""
    blurred = cv2.GaussianBlur(lines.astype(np.float32), (0, 0), _LINE_BLUR)
    across, down = (cv2.Sobel(blurred, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    xx, xy, yy = (
        cv2.GaussianBlur(product, (0, 0), _LINE_BLUR)
        for product in (across * across, across * down, down * down)
    )
    doubled = np.arctan2(2 * xy, xx - yy)
    share = [
        np.maximum(np.cos(doubled - 2 * np.pi * number / ORIENTATIONS), 0)
        for number in range(ORIENTATIONS)
    ]
    return _DENSITY * blurred[..., None] * np.stack(share, axis=-1)
