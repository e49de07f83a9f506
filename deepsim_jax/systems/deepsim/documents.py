"""A primitive as it is edited: how it looks, what is protected, and where each pixel comes from."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import recipes
from deepsim_jax.systems.deepsim.copying import moves

Complete = Callable[[primitives.Layers, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""What is to be drawn, the field (h, w, 2) of what is seen before, a mask (h, w) of what goes from there
-> the rows and columns of what is seen instead, in the order of `np.nonzero(mask)`; none lies in it."""


def complete_with_nearest(
    layers: primitives.Layers, field: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest pixels outside of the mask: a `Complete` that needs no photo, and no time."""
    return fields.nearest(~mask, mask)


@dataclasses.dataclass(frozen=True)
class Document:
    """The primitive as it is edited so far; never changed.

    Attributes:
      actions: what was done, in order: {"tool": kind of a recipe's step, ...}.
      layers: of the primitive.
      keep: bool (h, w), True where the photo is protected.
      trace: what moved something, in order, or took it away.
    """

    actions: tuple[Mapping[str, Any], ...]
    layers: primitives.Layers
    keep: np.ndarray
    trace: moves.Trace

    @property
    def field(self) -> np.ndarray:
        """(h, w, 2) float32: where each pixel comes from (`ops.field`)."""
        return self.trace.found.field

    @property
    def filled(self) -> np.ndarray:
        """bool (h, w): where something was taken away, so that the field completes the photo."""
        return self.trace.found.filled


class RecipeEdit(NamedTuple):
    """What `Model.edit` takes of a recipe.

    Attributes:
      primitive: uint8 (h, w, 3), edited.
      field: (h, w, 2) float32, where each of its pixels comes from.
      protected: bool (h, w), True where the photo is kept.
      filled: bool (h, w), True where something was taken away, so that the field completes the photo.
    """

    primitive: np.ndarray
    field: np.ndarray
    protected: np.ndarray
    filled: np.ndarray


def begin(layers: primitives.Layers) -> Document:
    """The document in which nothing is changed."""
    height, width = layers.regions.shape[:2]
    nowhere = _read_only(np.zeros((height, width), bool))
    return Document((), _frozen(layers), nowhere, moves.Trace(height, width))


def extended(
    document: Document,
    step: dict,
    original: primitives.Layers,
    spec: primitives.PrimitiveSpec,
    *,
    complete: Complete = complete_with_nearest,
    unit=(1.0, 1.0),
) -> Document:
    """A new document, with one more step of a recipe.

    Args:
      document: stays what it was.
      step, original, spec, unit: as for `recipes.apply_step`.
      complete: finds what is seen where something is taken away, when that is asked for.

    Raises:
      UserError: the step is not understood.
    """
    where: dict[str, Any] = {"number": len(document.actions) + 1, "unit": unit}
    layers = recipes.apply_step(step, document.layers, original, spec, **where)

    def fill(layers, mask):
        return moves.Fill(mask, lambda: complete(layers, document.field, mask))

    edit = recipes.edit_of(step, document.layers, fill, **where)
    kept = recipes.kept_by(step, document.layers, **where)
    ((kind, options),) = step.items()
    return dataclasses.replace(
        document,
        actions=(*document.actions, {"tool": kind, **options}),
        layers=_frozen(layers),
        keep=document.keep if kept is None else _read_only(document.keep | kept),
        trace=document.trace if edit is None else document.trace.followed_by(edit),
    )


def follow(
    recipe: dict,
    primitive: np.ndarray,
    spec: primitives.PrimitiveSpec,
    *,
    complete: Complete = complete_with_nearest,
) -> Document:
    """What a recipe makes of a primitive.

    Args:
      recipe: see `recipes`.
      primitive: uint8 (H, W, 3).
      spec: how it is drawn.
      complete: as for `extended`.

    Raises:
      UserError: naming the step that is not understood.
    """
    original = primitives.decompose(primitive.copy(), spec)  # what is in a document cannot be written to
    steps, unit = recipes.steps_of(recipe, *primitive.shape[:2])
    document = begin(original)
    for step in steps:
        document = extended(document, step, original, spec, complete=complete, unit=unit)
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
