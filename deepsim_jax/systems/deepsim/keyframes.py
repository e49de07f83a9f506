"""What lies between two edits of a photo: movements part of the way, the rest as soon as it is there."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepsim_jax.systems.deepsim import areas

Action = Mapping[str, Any]

_WHOLE = ("tool", "color", "flip", "closed", "at", "like", "spare")
"""Options that have nothing between two values: between two places lies something else's region."""

_MOVING = ("warp", "move", "copy")
_CHOOSING = ("move", "copy", "delete")
_AREAS = ("polygon", "points", "radius")
"""Options by which these tools choose what there is; others draw such an area, which may be anywhere."""


def between(
    first: Sequence[Action], second: Sequence[Action], share: float, *, in_turn: bool = False
) -> list[dict[str, Any]]:
    """The actions of the edit at a share of the way from one to another.

    What both begin with stays. After that, actions that differ in their numbers alone go from one to the
    other; where the edits go separate ways, the first one's movements become shorter while the second
    one's become longer, and what is painted is there while its movements are.

    Args:
      first, second: actions {"tool": name, ...}.
      share: 0 to 1.
      in_turn: whether the steps of each way are made one after the other instead of all at once, since
        one takes hold of what another has moved or drawn (`documents.takes_hold`).
    """
    if share <= 0 or share >= 1:
        return [dict(action) for action in (first if share <= 0 else second)]
    common = shared(first, second)
    begun = [dict(action) for action in first[:common]]
    before, after = first[common:], second[common:]
    pairs = list(zip(before, after, strict=False))
    blended = [_blended(one, other, share) for one, other in pairs]
    if len(before) == len(after) and all(action is not None for action in blended):
        return begun + [action for action in blended if action is not None]
    shortened = shortened_in_turn if in_turn else _shortened_at_once
    return begun + shortened(before, 1 - share) + shortened(after, share)


def step_of(action: Action) -> dict[str, dict[str, Any]]:
    """The step of a recipe that an action is."""
    return {action["tool"]: {name: value for name, value in action.items() if name != "tool"}}


def _shortened_at_once(actions: Sequence[Action], amount: float) -> list[dict[str, Any]]:
    parts = [_shortened(action, amount) for action in actions]
    return [action for action in parts if action is not None]


def shortened_in_turn(actions: Sequence[Action], amount: float) -> list[dict[str, Any]]:
    """Actions as far as they are made when each begins as those before it are complete.

    The movements share the way; what has none is there as soon as it is its turn, and what protects the
    photo from the beginning.

    Args:
      actions: {"tool": name, ...}.
      amount: 0 to 1, the share of the whole way.
    """
    movements = sum(action["tool"] in _MOVING for action in actions)
    if not movements:
        return _shortened_at_once(actions, amount)
    found, left = [], amount * movements
    for action in actions:
        if action["tool"] in _MOVING:
            part, left = min(left, 1.0), left - 1
            if part > 0:
                found.append(with_amount(action["tool"], action, part) if part < 1 else dict(action))
        elif left >= 0 or action["tool"] == "keep":
            found.append(dict(action))
    return found


def shared(first: Sequence[Action], second: Sequence[Action]) -> int:
    """With how many equal actions both begin."""
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return sum(1 for _ in pairs)


def with_amount(tool: str, options: Action, amount: float) -> dict[str, Any]:
    """The options of a step or action whose movement goes further, or only part of the way.

    Args:
      tool: its kind. "to" of a "warp" is scaled, of "move" and "copy" what is given of "by", "scale" and
        "rotate"; a flip is none below a half.
      options: of it.
      amount: 0 is no movement, 1 the whole.

    Raises:
      LookupError, TypeError, ValueError, OverflowError: options that are no movement.
    """
    found = dict(options)
    if tool == "warp":
        start, end = (np.asarray(options[name], np.float64) for name in ("from", "to"))
        found["to"] = (start + amount * (end - start)).tolist()
    if tool in ("move", "copy"):
        if "by" in options:
            found["by"] = (amount * np.asarray(options["by"], np.float64)).tolist()
        if "scale" in options:
            found["scale"] = areas.positive(options["scale"], "scale") ** amount
        if "rotate" in options:
            found["rotate"] = amount * float(options["rotate"])
        if options.get("flip") and amount < 0.5:
            found["flip"] = False
    return found


def _shortened(action: Action, amount: float) -> dict[str, Any] | None:
    """An action whose movement goes only part of the way; None for one of which nothing is there yet."""
    if action["tool"] in _MOVING:
        return with_amount(action["tool"], action, amount)
    # What is painted, drawn or protected has no half.
    return dict(action) if amount >= 0.5 else None


def _blended(first: Action, second: Action, share: float) -> dict[str, Any] | None:
    """An action between two of a kind; None where more than numbers differ, or what they choose."""
    if first.keys() != second.keys():
        return None
    result: dict[str, Any] = {}
    for name in first:
        one, other = first[name], second[name]
        if one == other:
            result[name] = one
            continue
        if (
            name in _WHOLE
            or (first["tool"] in _CHOOSING and name in _AREAS)
            or isinstance(one, str | bool | None)
        ):
            return None
        try:
            start, end = np.asarray(one, np.float64), np.asarray(other, np.float64)
        except (TypeError, ValueError):
            return None
        if start.shape != end.shape:
            return None
        result[name] = (start + share * (end - start)).tolist()
    return result
