"""From a config to what is trained on: a pair or a photo, from files, a folder or a sequence."""

import dataclasses
import pathlib

import numpy as np

from deepsim_jax.data import frames, images, pair, photo
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import protocol


def read_source(config, image=None, primitive=None) -> pair.Source | photo.Photo:
    """What a config says to train on; `image` and `primitive` replace its paths.

    Returns:
      A pair for DeepSIM, the photo alone for SinGAN.

    Raises:
      UserError: no photo is named, or files cannot be used.
    """
    if config.system == "singan":
        return _read_photo(config.data.image if image is None else image, primitive)
    data, given, kind = config.data, {}, config.data.kind
    if data.sequence and image is None:
        if data.image or data.root or data.primitive:
            raise UserError("data.sequence is given together with data.image, data.primitive or "
                            "data.root: choose one")
        return read_frame(open_sequence(config), config)
    image = data.image if image is None else image
    primitive = (data.primitive or None) if primitive is None else primitive
    if data.root:
        if isinstance(image, str) and not image:
            image, given, found = pair.folder_layout(pathlib.Path(data.root))
            kind = found if kind == "auto" else kind
        else:
            raise UserError("data.root and data.image are both given: choose one")
    if isinstance(image, str) and not image:
        raise UserError("no photo: give --config.data.image=photo.jpg, --config.data.root=folder or "
                        "--config.data.sequence=folder-of-frames")
    if kind == "auto":
        kind = "landmarks" if data.landmarks else "seg_edges"
    return _pair(config, image, primitive, kind, given)


def load_source(config, folder: pathlib.Path) -> pair.Source | photo.Photo:
    """What a run is trained on, from the folder in which it keeps it.

    Raises:
      UserError: a file is missing or damaged.
    """
    return (photo.Photo if config.system == "singan" else pair.Source).load(folder)


def _read_photo(image, primitive):
    if primitive is not None:
        raise UserError("primitive: SinGAN learns from a photo alone; leave it out, or take a config for "
                        "deepsim, such as quickstart")
    if isinstance(image, str) and not image:
        raise UserError("no photo: give --config.data.image=photo.jpg")
    return photo.Photo(images.read_image(image, name="image"))


def _pair(config, image, primitive, kind, given):
    data = config.data
    return pair.prepare(
        image, primitive, kind=kind,
        segmentation=given.get("segmentation"), edge_map=given.get("edges"),
        landmarks=data.landmarks or None, max_side=data.max_side, edge_color=data.edge_color,
        canny_sigma=data.canny_sigma, method=data.segmentation, colors=data.colors,
        thin=data.thin_edges, seed=config.seed)


def read_frame(sequence: frames.Sequence, config) -> pair.Source:
    """The training frame of a sequence, with the parts of a primitive that it comes with.

    Raises:
      UserError: the config's kind of primitive cannot be drawn for the sequence.
    """
    kind = protocol.choose_kind(sequence, config.data.kind)
    parts = {name: sequence.part(name, sequence.train) for name in sequence.parts}
    return _pair(config, sequence.image(sequence.train), None, kind, parts)


def open_sequence(config) -> frames.Sequence:
    """The sequence that a config names.

    Raises:
      UserError: it cannot be read, or `data.sequence` names several.
    """
    data = config.data
    return only_sequence(data.sequence, limit=data.frames, train=data.train_frame)


def trained_on(sequence: frames.Sequence, photo: np.ndarray) -> frames.Sequence:
    """The sequence with the frame that a network was trained on as its training frame.

    So the other frames are held out for certain, whatever a config or a command line says.

    Raises:
      UserError: none of its frames is the photo, bit for bit.
    """
    for index in (sequence.train, *sequence.held_out):
        if np.array_equal(sequence.image(index), photo):
            return dataclasses.replace(sequence, train=index)
    # Another machine's video decoder may round differently.
    first = sequence.image(sequence.train)
    if first.shape == photo.shape and np.abs(first.astype(np.int16) - photo).mean() < 1:
        return sequence
    raise UserError(f"{sequence.name}: none of its {len(sequence)} frames is the photo that this network "
                    "was trained on; evaluate it on the sequence that it was trained on, or train on "
                    "a frame of this one with --config.data.sequence")


def only_sequence(spec: str, *, limit: int = 0, train: int = 0) -> frames.Sequence:
    """The one sequence that `frames.open_sequences` finds, or the one of a name.

    Args:
      spec: as `open_sequences` takes it; where that finds several, with the name of one after a "#",
        as in "cityscapes:folder#aachen_000003".
      limit, train: see there.

    Raises:
      UserError: it finds none or several.
    """
    spec, name = str(spec), ""
    if "#" in spec and not pathlib.Path(spec).exists():
        spec, _, name = spec.rpartition("#")
    found = frames.open_sequences(spec, limit=limit, train=train)
    named = [sequence for sequence in found if not name or sequence.name == name]
    if name and not named:
        raise UserError(f"{spec}: no sequence called {name!r}; it has "
                        f"{', '.join(sequence.name for sequence in found[:8])}")
    if len(named) != 1:
        names = ", ".join(sequence.name for sequence in found[:4]) + ", ..." * (len(found) > 4)
        raise UserError(f"{spec}: it has {len(found)} sequences ({names}), one is needed here; put "
                        "its name behind a #, or use --mode=table for all of them")
    return named[0]
