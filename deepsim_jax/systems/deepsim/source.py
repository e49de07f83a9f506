"""From a config to the pair that is trained on, from files, a folder or a sequence."""

import dataclasses
import pathlib

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.sequences import frames
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.systems.deepsim.evaluation.held_out import choose_kind


def read(config, image=None, primitive=None) -> pair.Source:
    """Reads the pair that a config names; `image` and `primitive` replace its paths.

    Raises:
      UserError: no photo is named, or files cannot be used.
    """
    data, kind = config.data, config.data.kind
    parts: dict[str, pathlib.Path] = {}
    if data.sequence and image is None:
        if data.image or data.root or data.primitive:
            raise UserError(
                "data.sequence is given together with data.image, data.primitive or data.root: choose one"
            )
        return read_frame(open_sequence(config), config)
    image = data.image if image is None else image
    primitive = (data.primitive or None) if primitive is None else primitive
    if data.root:
        if isinstance(image, str) and not image:
            image, parts, folder_kind = pair.folder_layout(user_path(data.root))
            kind = folder_kind if kind == "auto" else kind
        else:
            raise UserError("data.root and data.image are both given: choose one")
    if isinstance(image, str) and not image:
        raise UserError(
            "no photo: give --config.data.image=photo.jpg, --config.data.root=folder or "
            "--config.data.sequence=folder-of-frames"
        )
    if kind == "auto":
        kind = "landmarks" if data.landmarks else "seg_edges"
    return _prepare(config, image, primitive, kind, parts)


def _prepare(config, image, primitive, kind, parts):
    data = config.data
    return pair.prepare(
        image,
        primitive,
        kind=kind,
        segmentation=parts.get("segmentation"),
        edge_map=parts.get("edges"),
        landmarks=data.landmarks or None,
        max_side=data.max_side,
        edge_color=data.edge_color,
        canny_sigma=data.canny_sigma,
        method=data.segmentation,
        colors=data.colors,
        thin=data.thin_edges,
        seed=config.seed,
    )


def read_frame(sequence: frames.Sequence, config) -> pair.Source:
    """The training frame of a sequence, with a primitive from the parts that the sequence has.

    Raises:
      UserError: the config's kind of primitive cannot be drawn for the sequence.
    """
    kind = choose_kind(sequence, config.data.kind)
    parts = {name: sequence.part(name, sequence.train) for name in sequence.parts}
    return _prepare(config, sequence.image(sequence.train), None, kind, parts)


def open_sequence(config) -> frames.Sequence:
    """The sequence that a config names.

    Raises:
      UserError: it cannot be read, or `data.sequence` names several.
    """
    data = config.data
    return frames.only_sequence(data.sequence, limit=data.frames, train=data.train_frame)


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
    raise UserError(
        f"{sequence.name}: none of its {len(sequence)} frames is the photo that this network "
        "was trained on; evaluate it on the sequence that it was trained on, or train on "
        "a frame of this one with --config.data.sequence"
    )
