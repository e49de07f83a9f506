"""The drawing that conditions the network: making it, taking it apart, accepting an edited one.

A primitive is a (H, W, 3) uint8 image of one of these kinds:

  edges      one-pixel lines on a plain background
  seg        flat colour regions
  seg_edges  lines on colour regions: the "super primitive" of the paper
  paint      a free drawing, with flat or smooth colours
  landmarks  points and polylines on a plain background

`PrimitiveSpec` says how it was drawn in training, `analyse` finds that out, and `conform` makes an
edited primitive match it.
"""

import logging
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from scipy import ndimage

from deepsim_jax.errors import UserError
from deepsim_jax.images.io import read_image, resize_labels
from deepsim_jax.primitives.edges import canny_edges, read_edges, resize_edges, thin_edges
from deepsim_jax.primitives.landmarks import rasterise_landmarks
from deepsim_jax.primitives.line_drawings import find_lines
from deepsim_jax.primitives.palettes import (
    Palette,
    by_area,
    find_palette,
    merge_palette,
    paint_palette,
    snap,
)
from deepsim_jax.primitives.segmentation import segment

log = logging.getLogger("deepsim_jax")

KINDS = ("edges", "seg", "seg_edges", "paint", "landmarks")
EDGE_COLORS = {"black": 0, "white": 255}
"""Names of edge colours and the value that an edge pixel has in all channels."""

_EDGE_OPTIONS = ("sigma", "edge_color", "edges")
_REGION_OPTIONS = ("method", "colors", "seed", "segmentation")
OPTIONS = {
    "edges": _EDGE_OPTIONS,
    "seg": _REGION_OPTIONS,
    "seg_edges": _EDGE_OPTIONS + _REGION_OPTIONS,
    "paint": _REGION_OPTIONS,
    "landmarks": ("landmarks",),
}
"""The options of `make_primitive` that each kind uses."""

# Lines thicker than this are areas: a region that has the colour of edges.
_THICKEST_LINE = 6
# Automatic regions stay this far from the colour of edges, so that lines show on all of them.
_EDGE_CONTRAST = 48


@dataclass(frozen=True)
class PrimitiveSpec:
    """How a primitive was drawn in training, which an edited one must match.

    Attributes:
      kind: one of `KINDS`.
      edge_color: "black" or "white"; without meaning for a kind that has no edges.
      palette: colours of the regions, the largest area first; None for `edges` and for smooth
        drawings. If it contains the colour of edges, lines and regions of that colour cannot be
        told apart, and nothing is thinned.
      thin: whether lines are one pixel wide.
      canny_sigma: of automatic edges, in pixels.

    Raises:
      UserError: an unknown kind or edge colour.
    """

    kind: str
    edge_color: str = "black"
    palette: Palette | None = None
    thin: bool = True
    canny_sigma: float = 2.0

    def __post_init__(self):
        _check_kind(self.kind)
        _check_edge_color(self.edge_color)

    @property
    def edge_rgb(self) -> tuple[int, int, int]:
        """The colour of an edge pixel."""
        return (EDGE_COLORS[self.edge_color],) * 3

    def to_json(self) -> dict:
        """The spec as a dict that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict) -> "PrimitiveSpec":
        """The inverse of `to_json`, also after a round through `json.dumps`.

        Raises:
          UserError: not what `to_json` gave.
        """
        try:
            content = dict(content)
            palette = content.pop("palette")
            if palette is not None:
                palette = tuple((int(r), int(g), int(b)) for r, g, b in palette)
            return cls(palette=palette, **content)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"primitive specification: damaged ({error}); train again") from error


@dataclass(frozen=True)
class Layers:
    """A primitive taken apart.

    Attributes:
      regions: (H, W, 3) uint8, the colours below the lines, too; the plain background for `edges`.
      edges: (H, W) bool, or None for a kind without edges.
    """

    regions: np.ndarray
    edges: np.ndarray | None = None


def make_primitive(
    image,
    kind: str = "edges",
    *,
    sigma: float = 2.0,
    edge_color: str = "black",
    method: str = "slic",
    colors: int = 8,
    segmentation=None,
    edges=None,
    landmarks=None,
    seed: int = 0,
) -> np.ndarray:
    """Draws the primitive of a photo, automatically or from given parts.

    The default `sigma` gives few, clean lines that are easy to edit: on photos of 256 pixels they
    cover about 5 %, the outlines and the features of a face. At 0.5, the published program's value
    for training, it is 12 %, most of it texture that nobody would redraw. Lower it for small or
    faint things, raise it for large photos.

    `OPTIONS` tells which of the options a kind uses; others must stay at their defaults.

    Args:
      image: the photo, a path or an array as `images.io.read_image` takes it.
      kind: one of `KINDS`.
      sigma: of automatic edges (`edges.canny_edges`), in pixels.
      edge_color: "black" (on white, for `edges`) or "white" (on black).
      method, colors, seed: of automatic regions, see `segmentation.segment`.
      segmentation: a path or array of the photo's size, to be used as the regions.
      edges: a path or array of the photo's size, to be used as the lines, see `edges.read_edges`.
      landmarks: a path or dict, see `landmarks.rasterise_landmarks`; `landmarks` needs it.

    Returns:
      (H, W, 3) uint8 of the photo's size. Automatic lines are one pixel wide; given parts are drawn
      as they are.

    Raises:
      UserError: an unreadable file, an unknown kind or option value, an option that the kind does
        not use, a part of another size than the photo, or no edge found for `edges`.
    """
    options = dict(
        sigma=sigma,
        edge_color=edge_color,
        method=method,
        colors=colors,
        seed=seed,
        segmentation=segmentation,
        edges=edges,
        landmarks=landmarks,
    )
    _check_options(kind, options)
    value = EDGE_COLORS[edge_color]
    photo = read_image(image)
    if kind == "landmarks":
        return rasterise_landmarks(landmarks, *photo.shape[:2])
    if kind in ("seg", "paint"):
        return _regions(photo, segmentation, method, colors, seed)
    if kind == "edges":
        regions = np.full_like(photo, 255 - value)
    else:
        regions = _regions(photo, segmentation, method, colors, seed)
        if segmentation is None:
            regions = _contrast_with_edges(regions, value)
    lines = _lines(photo, edges, sigma)
    if kind == "edges" and not lines.any():
        raise UserError(f"edges: none were found with sigma {sigma:g}; lower it, or use the kind 'seg'")
    return _draw(regions, lines, value)


def analyse(
    primitive: np.ndarray,
    kind: str,
    *,
    edge_color: str = "black",
    thin: bool = True,
    canny_sigma: float = 2.0,
) -> tuple[np.ndarray, PrimitiveSpec]:
    """Cleans the primitive that will be trained on, and finds out how it is drawn.

    Lines are told from the background or the regions and thinned, near-identical colours merged,
    soft borders and stray pixels given one of the real colours.

    Args:
      primitive: (H, W, 3) uint8.
      kind: one of `KINDS`.
      edge_color: colour of the lines in it.
      thin: whether to thin the lines to one pixel.
      canny_sigma: of the automatic edges in it; only recorded.

    Returns:
      The cleaned primitive and its spec. `conform` changes nothing in that primitive.

    Raises:
      UserError: an unknown kind or colour, no edges or edges that cover most of the drawing, or a
        segmentation with more colours than a palette holds.
    """
    spec = PrimitiveSpec(kind, edge_color, None, bool(thin), float(canny_sigma))
    if kind == "edges":
        lines = _binary(primitive, spec)
        _check_lines(lines, edge_color)
        # Of the lines alone, in which nothing is to be told a second time.
        return conform(_draw(_background(primitive, spec), lines, spec.edge_rgb), spec)[0], spec
    if kind == "seg_edges":
        return _analyse_super(primitive, spec)
    if kind == "seg":
        cleaned, palette = merge_palette(primitive)
        _tell_merged(primitive, cleaned, palette)
        return cleaned, _with_palette(spec, palette)
    spec = _with_palette(spec, paint_palette(primitive))
    return conform(primitive, spec)[0], spec


def conform(primitive: np.ndarray, spec: PrimitiveSpec) -> tuple[np.ndarray, int]:
    """Makes an edited primitive match the one that the network saw in training.

    Colours are snapped to the palette and the colour of edges (`palettes.snap`), lines made black or
    white and thinned; pixels that thinning frees take the colour of the nearest region.

    Args:
      primitive: (H, W, 3) uint8.
      spec: of the primitive that was trained on.

    Returns:
      (H, W, 3) uint8 and the number of pixels that had a colour that training did not know.
    """
    if spec.kind == "edges":
        lines = _binary(primitive, spec)
        cleaned = _draw(_background(primitive, spec), lines, spec.edge_rgb)
        foreign = int(np.count_nonzero((cleaned != primitive).any(axis=-1)))
        lines = thin_edges(lines) if spec.thin else lines
        return compose(Layers(_background(primitive, spec), lines), spec), foreign
    if spec.palette is None:
        return primitive, 0
    if spec.kind != "seg_edges" or spec.edge_rgb in spec.palette:
        return snap(primitive, spec.palette)
    snapped, foreign = snap(primitive, (*spec.palette, spec.edge_rgb))
    return _thinned(snapped, spec), foreign


def decompose(primitive: np.ndarray, spec: PrimitiveSpec) -> Layers:
    """Takes a primitive (as `analyse` or `conform` give it) apart; `compose` is the inverse.

    Where regions may have the colour of edges, the parts of that colour that are thicker than any
    line are regions.
    """
    if spec.kind == "edges":
        return Layers(_background(primitive, spec), _binary(primitive, spec))
    if spec.kind != "seg_edges":
        return Layers(primitive)
    lines = (primitive == spec.edge_rgb).all(axis=-1)
    if spec.palette and spec.edge_rgb in spec.palette:
        lines &= ~_areas(lines)
    return Layers(_fill(primitive, lines, spec), lines)


def compose(layers: Layers, spec: PrimitiveSpec) -> np.ndarray:
    """Draws the layers as one (H, W, 3) uint8 primitive: lines over regions."""
    if layers.edges is None:
        return layers.regions
    return _draw(layers.regions, layers.edges, spec.edge_rgb)


def resize_primitive(
    primitive: np.ndarray, kind: str, height: int, width: int, *, edge_color: str = "black"
) -> np.ndarray:
    """Shrinks a drawn primitive with its photo: lines stay whole and thin, colours unmixed.

    Args:
      primitive: (H, W, 3) uint8, also one that was not yet cleaned by `analyse`.
      kind: one of `KINDS`.
      height, width: pixels, not more than H and W.
      edge_color: colour of the lines in it.
    """
    spec = PrimitiveSpec(kind, edge_color)
    if primitive.shape[:2] == (height, width):
        return primitive
    if kind == "paint":
        return cv2.resize(primitive, (width, height), interpolation=cv2.INTER_AREA)
    if kind not in ("edges", "seg_edges"):
        return resize_labels(primitive, height, width)
    if kind == "seg_edges":
        # Soft lines would be lost; taking areas in the colour of edges for lines would be worse.
        palette = find_palette(primitive, known=(spec.edge_rgb,))
        spec = _with_palette(spec, palette)
        primitive = primitive if palette is None else snap(primitive, palette)[0]
    layers = decompose(primitive, spec)
    regions = resize_labels(layers.regions, height, width)
    edges = None if layers.edges is None else resize_edges(layers.edges, height, width)
    return compose(Layers(regions, edges), spec)


def _check_kind(kind) -> None:
    if kind not in KINDS:
        raise UserError(f"kind of primitive {kind!r}: choose one of {', '.join(KINDS)}")


def _check_edge_color(edge_color) -> None:
    if edge_color not in EDGE_COLORS:
        raise UserError(f"edge color {edge_color!r}: choose black or white")


def _check_options(kind: str, options: dict) -> None:
    """Refuses options that would be ignored; an option at its default asks for nothing."""
    _check_kind(kind)
    _check_edge_color(options["edge_color"])
    defaults = make_primitive.__kwdefaults__ or {}
    for option, value in options.items():
        is_default = value is defaults[option] or (
            isinstance(value, str | int | float) and value == defaults[option]
        )
        if option not in OPTIONS[kind] and not is_default:
            raise UserError(
                f"option {option}: the kind {kind!r} does not use it, only {', '.join(OPTIONS[kind])}"
            )
    if kind == "landmarks" and options["landmarks"] is None:
        raise UserError("kind 'landmarks': give landmarks, a JSON file of points and polylines")


def _check_lines(lines: np.ndarray, edge_color: str) -> None:
    share = lines.mean()
    if share == 0:
        raise UserError(
            f"primitive of kind 'edges': it has no {edge_color} line; set the edge color to the "
            "lines' own, or draw some"
        )
    if share > 0.5:
        opposite = "white" if edge_color == "black" else "black"
        raise UserError(
            f"primitive of kind 'edges': {share:.0%} of it is {edge_color}; for {opposite} lines set "
            f"the edge color to {opposite}"
        )


def _read_part(source, photo: np.ndarray, name: str, reader) -> np.ndarray:
    """Reads a given part of a primitive, which must have the photo's size."""
    part = reader(source, name=name)
    if part.shape[:2] != photo.shape[:2]:
        raise UserError(
            f"{name}: {part.shape[1]}x{part.shape[0]} pixels, but the photo has "
            f"{photo.shape[1]}x{photo.shape[0]}; give both in one size"
        )
    return part


def _regions(photo, segmentation, method, colors, seed) -> np.ndarray:
    if segmentation is None:
        return segment(photo, method=method, colors=colors, seed=seed)
    return _read_part(segmentation, photo, "segmentation", read_image)


def _lines(photo, edges, sigma) -> np.ndarray:
    if edges is None:
        return thin_edges(canny_edges(photo, sigma=sigma))
    return _read_part(edges, photo, "edges", read_edges)


def _contrast_with_edges(regions: np.ndarray, edge_value: int) -> np.ndarray:
    """Squeezes the colours away from the edges' colour, if one is too near to it."""
    if np.abs(regions.astype(np.int16) - edge_value).max(axis=-1).min() >= _EDGE_CONTRAST:
        return regions
    opposite = 255 - edge_value
    keep = 1 - _EDGE_CONTRAST / 255
    return np.round(opposite + (regions - float(opposite)) * keep).astype(np.uint8)


def _with_palette(spec: PrimitiveSpec, palette: Palette | None) -> PrimitiveSpec:
    return PrimitiveSpec(spec.kind, spec.edge_color, palette, spec.thin, spec.canny_sigma)


def _analyse_super(primitive, spec) -> tuple[np.ndarray, PrimitiveSpec]:
    palette = find_palette(primitive, known=(spec.edge_rgb,))
    if palette is None:
        raise UserError("segmentation with edges: too many colours; draw flat regions")
    snapped, _ = snap(primitive, palette)
    lines = (snapped == spec.edge_rgb).all(axis=-1)
    if _areas(lines).any():
        _tell_merged(primitive, snapped, palette)
        return snapped, _with_palette(spec, by_area(snapped))
    _tell_merged(primitive, snapped, palette)
    cleaned = _thinned(snapped, spec)
    return cleaned, _with_palette(spec, by_area(_fill(snapped, lines, spec)))


def _tell_merged(primitive, cleaned, palette) -> None:
    """Says how many colours a drawing had beside its real ones, and how much of it they covered."""
    merged = (primitive != cleaned).any(axis=-1)
    if merged.any():
        colors = len({*by_area(primitive)} - {*palette})
        log.info(
            "drawing: %d colours; %d more in %.1f %% of the pixels (soft borders, noise, specks) were "
            "merged into them",
            len(palette),
            colors,
            100 * merged.mean(),
        )


def _thinned(primitive: np.ndarray, spec: PrimitiveSpec) -> np.ndarray:
    """A `seg_edges` primitive with thinned lines, if the spec says so."""
    lines = (primitive == spec.edge_rgb).all(axis=-1)
    thinned = thin_edges(lines) if spec.thin else lines
    return compose(Layers(_fill(primitive, lines, spec), thinned), spec)


def _binary(primitive: np.ndarray, spec: PrimitiveSpec) -> np.ndarray:
    """(H, W) bool: the lines of an `edges` primitive."""
    return find_lines(primitive, white=spec.edge_color == "white")


def _background(primitive: np.ndarray, spec: PrimitiveSpec) -> np.ndarray:
    return np.full_like(primitive, 255 - EDGE_COLORS[spec.edge_color])


def _draw(regions: np.ndarray, lines: np.ndarray, color) -> np.ndarray:
    return np.where(lines[..., None], np.uint8(color), regions)


def _fill(primitive: np.ndarray, lines: np.ndarray, spec: PrimitiveSpec) -> np.ndarray:
    """The regions, continued under the lines from the nearest pixel."""
    if lines.all():
        return np.full_like(primitive, spec.palette[0]) if spec.palette else primitive
    nearest = ndimage.distance_transform_edt(lines, return_distances=False, return_indices=True)
    return primitive[tuple(nearest)]


def _areas(mask: np.ndarray) -> np.ndarray:
    """(H, W) bool: the parts of a mask that are thicker than a line, with their rounded corners."""
    size = _THICKEST_LINE + 1
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((size, size), np.uint8))
    return (cv2.dilate(opened, np.ones((3, 3), np.uint8)) > 0) & mask
