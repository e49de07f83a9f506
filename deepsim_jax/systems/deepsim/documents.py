"""A primitive as it is edited: how it looks, what is protected, and where each pixel comes from."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import recipes
from deepsim_jax.systems.deepsim.copying import moves


@dataclasses.dataclass(frozen=True)
class Document:
    """The primitive as it is edited so far; never changed.

    Attributes:
      actions: what was done, in order: {"tool": kind of a recipe's step, ...}.
      layers: of the primitive.
      keep: bool (h, w), True where the photo is protected.
      edits: what moved something, in order.
      field: (h, w, 2) float32, of the edits (`ops.field`).
    """

    actions: tuple[Mapping[str, Any], ...]
    layers: primitives.Layers
    keep: np.ndarray
    edits: tuple[moves.Move | moves.Rest, ...]
    field: np.ndarray


class RecipeEdit(NamedTuple):
    """What `Model.edit` takes of a recipe.

    Attributes:
      primitive: uint8 (h, w, 3), edited.
      field: (h, w, 2) float32, where each of its pixels comes from.
      protected: bool (h, w), True where the photo is kept.
    """

    primitive: np.ndarray
    field: np.ndarray
    protected: np.ndarray


def begin(layers: primitives.Layers) -> Document:
    """The document in which nothing is changed."""
    height, width = layers.regions.shape[:2]
    keep = _read_only(np.zeros((height, width), bool))
    return Document((), _frozen(layers), keep, (), _read_only(fields.identity(height, width)))


def extended(
    document: Document,
    step: dict,
    original: primitives.Layers,
    spec: primitives.PrimitiveSpec,
    *,
    unit=(1.0, 1.0),
) -> Document:
    """A new document, with one more step of a recipe.

    Args:
      document: stays what it was.
      step, original, spec, unit: as for `recipes.apply_step`.

    Raises:
      UserError: the step is not understood.
    """
    where: dict[str, Any] = {"number": len(document.actions) + 1, "unit": unit}
    layers = recipes.apply_step(step, document.layers, original, spec, **where)
    edit = recipes.edit_of(step, document.layers, **where)
    kept = recipes.kept_by(step, document.layers, **where)
    ((kind, options),) = step.items()
    found = dataclasses.replace(
        document,
        actions=(*document.actions, {"tool": kind, **options}),
        layers=_frozen(layers),
        keep=document.keep if kept is None else _read_only(document.keep | kept),
    )
    if edit is None:
        return found
    field = _read_only(moves.extended(document.field, document.edits, edit))
    return dataclasses.replace(found, edits=(*document.edits, edit), field=field)


def follow(recipe: dict, primitive: np.ndarray, spec: primitives.PrimitiveSpec) -> Document:
    """What a recipe makes of a primitive.

    Args:
      recipe: see `recipes`.
      primitive: uint8 (H, W, 3).
      spec: how it is drawn.

    Raises:
      UserError: naming the step that is not understood.
    """
    original = primitives.decompose(primitive.copy(), spec)  # what is in a document cannot be written to
    steps, unit = recipes.steps_of(recipe, *primitive.shape[:2])
    document = begin(original)
    for step in steps:
        document = extended(document, step, original, spec, unit=unit)
    return document


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def _frozen(layers: primitives.Layers) -> primitives.Layers:
    """Layers whose arrays cannot be written to."""
    for array in (layers.regions, layers.edges):
        if array is not None:
            array.setflags(write=False)
    return layers
