"""Edits of a primitive written down as JSON, so that they can be repeated and shared.

    {"size": [451, 300],
     "steps": [{"warp": {"from": [[100, 80]], "to": [[100, 60]], "fixed": [[10, 10]],
                         "reach": 40}},
               {"paint": {"polygon": [[0, 0], [9, 0], [9, 9]], "color": [10, 200, 30]}},
               {"paint": {"polygon": [[0, 0], [9, 0], [9, 9]], "like": [40, 40]}},
               {"line": {"points": [[5, 5], [50, 60]]}},
               {"copy": {"polygon": [[0, 0], [9, 0], [9, 9]], "by": [30, 0], "scale": 1.2,
                         "flip": true}},
               {"move": {"at": [40, 40], "by": [30, 0], "rotate": 15}},
               {"delete": {"at": [40, 40]}},
               {"stroke": {"points": [[5, 5], [50, 60]], "radius": 4, "like": [40, 40]}},
               {"fill": {"at": [40, 40], "color": [10, 200, 30], "spare": [[90, 60, 30]]}},
               {"restore": {"points": [[5, 5], [50, 60]], "radius": 4}},
               {"keep": {"points": [[5, 5], [50, 60]], "radius": 4}}]}

Coordinates are (x, y) pixels of a primitive of the given size, whole at their centres, and are scaled to
the real one. An area is a "polygon"; the connected region of one colour "at" a point; or a stroke along
"points" of a "radius". What has one of the colours of a "spare" stays as it is, with its lines and its
part of the photo; all steps that paint, draw or take away know it.
"""

import json
import pathlib

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images.text_files import read_text
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import keyframes, recipe_steps


def read(path: pathlib.Path) -> dict:
    """Reads a recipe file.

    Raises:
      UserError: there is no such file, or it is not JSON.
    """
    try:
        recipe = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"recipe {path}: cannot be read ({error})") from error
    return recipe


def steps_of(recipe: dict, height: int, width: int) -> tuple[list, np.ndarray]:
    """The steps of a recipe, not looked at yet, and pixels (x, y) of the drawing for each of its own.

    Args:
      recipe: as in the module's docstring.
      height, width: of the drawing in pixels.

    Raises:
      UserError: it is no recipe.
    """
    if not isinstance(recipe, dict) or not isinstance(recipe.get("steps"), list):
        raise UserError('recipe: an object with "size" and a list "steps" is needed')
    size = recipe.get("size", [width, height])
    if (
        not isinstance(size, list | tuple)
        or len(size) != 2
        or not all(isinstance(side, int | float) and side > 0 for side in size)
    ):
        raise UserError(f'recipe: "size" is {size!r:.80}, [width, height] in pixels is needed')
    return recipe["steps"], np.array([width / size[0], height / size[1]])


def rescaled(recipe: dict, height: int, width: int) -> dict:
    """The same recipe in pixels of a drawing of this size.

    Raises:
      UserError: it is no recipe, or a step whose places are none.
    """
    steps, unit = steps_of(recipe, height, width)
    if (unit == 1).all():
        return recipe
    found = []
    for number, step in enumerate(steps, 1):
        try:
            ((kind, options),) = step.items()
            options = dict(options)
            for name in options.keys() & {"from", "to", "fixed", "polygon", "points", "at", "by", "like"}:
                places = np.asarray(options[name], np.float64)
                offset = 0 if name == "by" else (unit - 1) / 2  # as `areas.points_in`
                options[name] = (places * unit + offset).tolist() if places.size else []
            for name in options.keys() & {"radius", "reach"}:
                if options[name] is not None:
                    options[name] = float(options[name]) * float(unit.mean())
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise UserError(
                f"recipe: step {number} ({step!r:.80}) is not understood ({error})"
            ) from error
        found.append({kind: options})
    return {"size": [width, height], "steps": found}


def apply(recipe: dict, primitive: np.ndarray, spec: primitives.PrimitiveSpec) -> np.ndarray:
    """Applies the steps of a recipe, in order, to a primitive.

    Args:
      recipe: as in the module's docstring.
      primitive: uint8 (H, W, 3).
      spec: how it is drawn.

    Returns:
      uint8 (H, W, 3).

    Raises:
      UserError: naming the step that is not understood.
    """
    layers = original = primitives.decompose(primitive, spec)
    steps, unit = steps_of(recipe, *primitive.shape[:2])
    for number, step in enumerate(steps, 1):
        layers = recipe_steps.apply_step(step, layers, original, spec, number=number, unit=unit)
    return primitives.compose(layers, spec)


def scaled(recipe: dict, amount: float, *, in_turn: bool = False) -> dict:
    """A recipe whose movements are longer or shorter: 0 moves nothing, 1 is the recipe, 2 twice as far.

    Args:
      recipe: as for `apply`; what of its warps, copies and moves is scaled, `keyframes.with_amount` says.
      amount: the factor.
      in_turn: whether each step begins as the ones before it are complete (`documents.takes_hold`), see
        `keyframes.shortened_in_turn`; there is nothing beyond the whole then.

    Raises:
      UserError: a warp or copy that is not understood, or an amount that there is not.
    """
    if not isinstance(recipe, dict):
        return recipe
    if in_turn and not 0 <= amount <= 1:
        raise UserError(
            f"amount {amount:g}: a step of the recipe takes hold of what another one moves or draws, so "
            "that they are made one after the other; give amounts from 0 to 1"
        )
    actions = []
    for number, step in enumerate(recipe.get("steps", []), 1):
        try:
            ((kind, options),) = step.items()
            actions.append({"tool": kind, **options})
            if not in_turn:
                actions[-1] = keyframes.with_amount(kind, actions[-1], amount)
            else:
                keyframes.with_amount(kind, actions[-1], 0.5)  # whether it can be
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise UserError(
                f"recipe: step {number} ({step!r:.80}) is not understood ({error})"
            ) from error
    if in_turn:
        actions = keyframes.shortened_in_turn(actions, amount)
    return {**recipe, "steps": [keyframes.step_of(action) for action in actions]}
