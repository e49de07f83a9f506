"""Reads the training pair from a user's files and puts it on the device."""

import dataclasses
import hashlib
import json
import logging
import pathlib

import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images import picture_files, ranges
from deepsim_jax.images.original import Original
from deepsim_jax.primitives import drawings, edges
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim.device_pair import Pair

log = logging.getLogger("deepsim_jax")


@dataclasses.dataclass(frozen=True)
class Source:
    """A photo and its primitive as uint8 pictures, with everything that an edit needs.

    Attributes:
      photo: (H, W, 3) uint8, at the size that the user gave.
      image: (h, w, 3) uint8, the photo at the training size.
      primitive: (h, w, 3) uint8.
      spec: how the primitive is drawn.
      original: the photo as its file has it, or None where it came as an array.
    """

    photo: np.ndarray
    image: np.ndarray
    primitive: np.ndarray
    spec: primitives.PrimitiveSpec
    original: Original | None = None

    def hash(self) -> str:
        """SHA-256 over both training pictures and the way the primitive is drawn."""
        digest = hashlib.sha256(json.dumps(self.spec.to_json(), sort_keys=True).encode())
        for array in (self.image, self.primitive):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def save(self, folder: pathlib.Path):
        """Writes photo.png, image.png, primitive.png and primitive.json."""
        images.write_photo(folder / "photo.png", self.photo, self.original)
        images.write_png(folder / "image.png", self.image)
        images.write_png(folder / "primitive.png", self.primitive)
        text = json.dumps(self.spec.to_json(), indent=1)
        images.write_bytes_atomic(folder / "primitive.json", text.encode())

    @classmethod
    def load(cls, folder: pathlib.Path) -> "Source":
        """Reads what `save` wrote.

        Raises:
          UserError: a file is missing or damaged.
        """
        path = folder / "primitive.json"
        try:
            spec = primitives.PrimitiveSpec.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}: cannot be read ({error}); the run's folder is damaged") from error
        photo, original = images.reread_photo(folder / "photo.png")
        images_by_name = {
            name: images.read_image(folder / f"{name}.png", name=name) for name in ("image", "primitive")
        }
        return cls(photo=photo, original=original, spec=spec, **images_by_name)


def folder_layout(root: pathlib.Path) -> tuple[pathlib.Path, dict[str, pathlib.Path], str]:
    """Finds the training pair in the DeepSIM authors' folder layout.

    Args:
      root: a folder with train_B (the photo) and train_seg, train_edges or both. The pair is the
        first photo in name order and the drawings of the same name, or the first ones. An empty
        train_edges asks for automatic edges.

    Returns:
      (photo, {"segmentation": path, "edges": path} as far as there are, kind of primitive).

    Raises:
      UserError: the folder is not like that.
    """
    if not root.is_dir():
        raise UserError(f"data.root={root}: no such folder")
    photos = picture_files.find(root / "train_B")
    if not photos:
        raise UserError(f"{root}: train_B with a photo is needed, beside train_seg or train_edges")
    photo, parts = photos[0], {}
    for option, name in (("segmentation", "train_seg"), ("edges", "train_edges")):
        files = picture_files.find(root / name)
        if files:
            parts[option] = next((p for p in files if p.stem == photo.stem), files[0])
    has_edges = (root / "train_edges").is_dir()
    if "segmentation" in parts:
        kind = "seg_edges" if has_edges else "seg"
    elif has_edges:
        kind = "edges"
    else:
        raise UserError(f"{root}: train_seg or train_edges is needed beside train_B")
    return photo, parts, kind


def prepare(
    image,
    primitive=None,
    *,
    kind: str = "seg_edges",
    segmentation=None,
    edge_map=None,
    landmarks=None,
    max_side: int = 0,
    edge_color: str = "black",
    canny_sigma: float = 2.0,
    method: str = "slic",
    colors: int = 8,
    thin: bool = True,
    seed: int = 0,
) -> Source:
    """Reads a photo and reads or makes its primitive, at the training size.

    Args:
      image: path or array of the photo, see `images.io.read_image`.
      primitive: path or array of a complete primitive of the photo's size, or None to make one.
      kind: one of `primitives.make.KINDS`.
      segmentation, edge_map, landmarks: parts given for a primitive that is made.
      max_side: the longest side in training, px; 0 for the photo's own size.
      edge_color, canny_sigma, method, colors, seed: see `primitives.make.make_primitive`.
      thin: whether edges are drawn one pixel wide.

    Raises:
      UserError: unusable files, or a primitive of another size than the photo.
    """
    photo, original = images.read_photo(image, name="image")
    small = images.resize_to_limit(photo, max_side) if max_side else photo
    _log_sizes(photo, small, max_side)
    if primitive is not None:
        primitive_image = _read_part(primitive, "primitive", kind, photo, small, edge_color)
    else:
        primitive_image = draw(
            photo,
            small,
            kind,
            segmentation=segmentation,
            edge_map=edge_map,
            landmarks=landmarks,
            edge_color=edge_color,
            canny_sigma=canny_sigma,
            method=method,
            colors=colors,
            seed=seed,
        )
    primitive_image, spec = primitives.analyse(
        primitive_image, kind, edge_color=edge_color, thin=thin, canny_sigma=canny_sigma
    )
    if (primitive is not None or segmentation is not None) and _is_of_one_color(primitive_image):
        raise UserError(
            "primitive: it has a single colour, so that there is nothing to edit; draw regions in "
            "colours that differ, or lines"
        )
    return Source(photo=photo, image=small, primitive=primitive_image, spec=spec, original=original)


def _is_of_one_color(primitive):
    return bool((primitive == primitive[0, 0]).all())


def draw(
    photo,
    small,
    kind,
    *,
    segmentation=None,
    edge_map=None,
    landmarks=None,
    edge_color="black",
    canny_sigma=2.0,
    method="slic",
    colors=8,
    seed=0,
) -> np.ndarray:
    """The primitive of a photo at the training size, from the parts that are given.

    Args:
      photo: (H, W, 3) uint8, the photo, whose size the given parts have.
      small: (h, w, 3) uint8, the photo at the training size; parts that are not given are made of it.
      kind, segmentation, edge_map, landmarks, edge_color, canny_sigma, method, colors, seed: as for
        `prepare`.

    Returns:
      (h, w, 3) uint8.

    Raises:
      UserError: a part of another size than the photo.
    """
    options = {
        "sigma": canny_sigma,
        "edge_color": edge_color,
        "method": method,
        "colors": colors,
        "seed": seed,
        "landmarks": landmarks,
    }
    if segmentation is not None:
        options["segmentation"] = _read_part(
            segmentation, "segmentation", "seg", photo, small, edge_color
        )
    if edge_map is not None:
        mask = edges.read_edges(edge_map, name="edges")
        _check_same_size("edges", mask, photo)
        options["edges"] = edges.resize_edges(mask, *small.shape[:2])
    used = {k: v for k, v in options.items() if k in primitives.OPTIONS.get(kind, ())}
    return primitives.make_primitive(small, kind, **used)


def _read_part(source, name, kind, photo, small, edge_color):
    primitive = drawings.read(source, kind, name=name, edge_color=edge_color)
    _check_same_size(name, primitive, photo)
    return primitives.resize_primitive(primitive, kind, *small.shape[:2], edge_color=edge_color)


def _check_same_size(name, part, photo):
    (height, width), (high, wide) = part.shape[:2], photo.shape[:2]
    if (height, width) != (high, wide):
        raise UserError(f"{name}: {width}x{height} px, it must have the photo's size {wide}x{high}")


def _log_sizes(photo, small, max_side):
    size, trained = (f"{a.shape[1]}x{a.shape[0]}" for a in (photo, small))
    if size == trained:
        log.info("photo %s px: trained and edited at its own size", size)
    else:
        log.info(
            "photo %s px: trained at %s (data.max_side=%d); an edit comes back at %s, with keep at %s",
            size,
            trained,
            max_side,
            trained,
            size,
        )


def reduced(source: Source, scale: float) -> Source:
    """The pair at `scale` (0 to 1) times the training size, as if the photo were that small."""
    image = images.resize_to_limit(source.image, max(1, round(scale * max(source.image.shape[:2]))))
    primitive = primitives.resize_primitive(
        source.primitive, source.spec.kind, *image.shape[:2], edge_color=source.spec.edge_color
    )
    return dataclasses.replace(source, image=image, primitive=primitive)


def to_device(source: Source, *, multiple: int, canny_sigmas: tuple[float, ...] = ()) -> Pair:
    """The pair as the training step takes it: padded, split into layers, scaled to [-1, 1].

    Args:
      source: the pictures.
      multiple: height and width are padded by reflection to multiples of this.
      canny_sigmas: further edge maps of the photo to train on, for primitives that have edges.

    Raises:
      UserError: such sigmas for a primitive without edges.
    """
    image, _ = images.pad_to_multiple(source.image, multiple)
    primitive, _ = images.pad_to_multiple(source.primitive, multiple)
    layers = primitives.decompose(primitive, source.spec)
    offsets = None
    if canny_sigmas and layers.edges is None:
        raise UserError(
            f"augment.canny: a primitive of kind {source.spec.kind!r} has no edges; set it to 0"
        )
    if layers.edges is not None:
        maps = [layers.edges]
        for sigma in canny_sigmas:
            edge_map = edges.canny_edges(source.image, sigma=sigma)
            edge_map = edges.thin_edges(edge_map) if source.spec.thin else edge_map
            maps.append(images.pad_to_multiple(edge_map[..., None], multiple)[0][..., 0])
        offsets = jnp.asarray(np.stack([edges.edge_offsets(m) for m in maps]))
    return Pair(
        image=jnp.asarray(ranges.to_float(image)),
        regions=jnp.asarray(ranges.to_float(layers.regions)),
        edges=offsets,
        edge_value=1.0 if source.spec.edge_color == "white" else -1.0,
        smooth_regions=source.spec.kind == "paint" and source.spec.palette is None,
    )
