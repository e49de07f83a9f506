"""A primitive as it is edited: how it looks, what is protected, and where each pixel comes from."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import keyframes, recipe_steps, recipes
from deepsim_jax.systems.deepsim.copying import moves

Complete = Callable[[primitives.Layers, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""What is to be drawn, the field (h, w, 2) of what is seen before, a mask (h, w) of what goes from there
-> the rows and columns of what is seen instead, in the order of `np.nonzero(mask)`; none lies in it."""


def complete_with_nearest(
    layers: primitives.Layers, field: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest pixels outside of the mask: a `Complete` that needs no photo, and no time."""
    return fields.nearest(~mask, mask)


@dataclasses.dataclass(frozen=True, eq=False)
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
    def pieces(self) -> np.ndarray:
        """uint8 (h, w): where the photo is completed, or something was laid: `moves.Traced.pieces`."""
        return self.trace.found.pieces


class RecipeEdit(NamedTuple):
    """What `Model.edit` takes of a recipe.

    Attributes:
      primitive: uint8 (h, w, 3), edited.
      field: (h, w, 2) float32, where each of its pixels comes from.
      protected: bool (h, w), True where the photo is kept.
      pieces: uint8 (h, w), where the field completes the photo, or lays parts of it elsewhere:
        `copying.moves.Traced.pieces`.
    """

    primitive: np.ndarray
    field: np.ndarray
    protected: np.ndarray
    pieces: np.ndarray


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
      step, original, spec, unit: as for `recipe_steps.apply_step`.
      complete: finds what is seen where something is taken away, when that is asked for.

    Raises:
      UserError: the step is not understood.
    """
    where: dict[str, Any] = {"number": len(document.actions) + 1, "unit": unit}
    layers = recipe_steps.apply_step(step, document.layers, original, spec, **where)
    trace = document.trace

    def fill(layers, mask):
        return moves.Fill(mask, lambda: complete(layers, trace.found.field, mask))

    edit = recipe_steps.edit_of(step, document.layers, fill, **where)
    kept = recipe_steps.kept_by(step, document.layers, **where)
    ((kind, options),) = step.items()
    return dataclasses.replace(
        document,
        actions=(*document.actions, {"tool": kind, **options}),
        layers=_frozen(layers),
        keep=document.keep if kept is None else _read_only(document.keep | kept),
        trace=trace if edit is None else trace.followed_by(edit),
    )


def unfold(
    recipe: dict,
    primitive: np.ndarray,
    spec: primitives.PrimitiveSpec,
    *,
    complete: Complete = complete_with_nearest,
) -> Iterator[Document]:
    """The documents that a recipe leads through, the first one of which is unchanged.

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
    yield document
    for step in steps:
        document = extended(document, step, original, spec, complete=complete, unit=unit)
        yield document


def follow(
    recipe: dict,
    primitive: np.ndarray,
    spec: primitives.PrimitiveSpec,
    *,
    complete: Complete = complete_with_nearest,
) -> Document:
    """What a recipe makes of a primitive: the last one of `unfold`."""
    *_, document = unfold(recipe, primitive, spec, complete=complete)
    return document


def takes_hold(documents: Iterable[Document], *, unit=(1.0, 1.0)) -> bool:
    """Whether a step takes hold of what an earlier one of them moved or drew.

    Args:
      documents: made one of the other by a step each.
      unit: pixels (x, y) of the drawing for each of the steps' own.
    """
    documents = iter(documents)
    base = before = next(documents)
    for after in documents:
        step = keyframes.step_of(after.actions[-1])
        if before is not base and _is_other(base, before, step, unit):
            return True
        before = after
    return False


def _is_other(base, before, step, unit) -> bool:
    """Whether what a step takes hold of is not what it would be in the first document."""
    chosen = recipe_steps.chosen_by(step, before.layers, unit=unit)
    if chosen is None:
        return False
    area, looked_at = chosen
    if (before.field != base.field)[looked_at].any():
        return True
    try:
        in_first = recipe_steps.chosen_by(step, base.layers, unit=unit)
    except ValueError:  # a line, or nothing
        return True
    assert in_first is not None
    first, _ = in_first
    # Of the ground a part may be covered now; of another thing hardly anything is the same.
    return bool(np.count_nonzero(area & first) < 0.5 * np.count_nonzero(area | first))


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def _frozen(layers: primitives.Layers) -> primitives.Layers:
    """Layers whose arrays cannot be written to."""
    for array in (layers.regions, layers.edges):
        if array is not None:
            array.setflags(write=False)
    return layers
