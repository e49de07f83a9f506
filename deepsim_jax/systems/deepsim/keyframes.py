"""What lies between two edits of a photo: movements part of the way, the rest as soon as it is there."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Action = Mapping[str, Any]


def between(first: Sequence[Action], second: Sequence[Action], share: float) -> list[dict[str, Any]]:
    """The actions of the edit at a share of the way from one to another.

    What both begin with stays. After that, actions that differ in their numbers alone go from one to the
    other; where the edits go separate ways, the first one's movements become shorter while the second
    one's become longer, and what is painted is there while its movements are.

    Args:
      first, second: actions {"tool": name, ...}.
      share: 0 to 1.
    """
    if share <= 0 or share >= 1:
        return [dict(action) for action in (first if share <= 0 else second)]
    common = 0
    while common < min(len(first), len(second)) and first[common] == second[common]:
        common += 1
    shared = [dict(action) for action in first[:common]]
    before, after = first[common:], second[common:]
    pairs = list(zip(before, after, strict=False))
    blended = [_blended(one, other, share) for one, other in pairs]
    if len(before) == len(after) and all(action is not None for action in blended):
        return shared + [action for action in blended if action is not None]
    parts = [_shortened(action, 1 - share) for action in before]
    parts += [_shortened(action, share) for action in after]
    return shared + [action for action in parts if action is not None]


def _shortened(action: Action, amount: float) -> dict[str, Any] | None:
    """An action whose movement goes only part of the way; None for one of which nothing is there yet."""
    action, tool = dict(action), action["tool"]
    if tool == "warp":
        start = np.asarray(action["from"], np.float64)
        end = np.asarray(action["to"], np.float64)
        return {**action, "to": (start + amount * (end - start)).tolist()}
    if tool in ("move", "copy"):
        action["by"] = (amount * np.asarray(action.get("by", (0, 0)), np.float64)).tolist()
        action["scale"] = float(action.get("scale", 1.0)) ** amount
        action["rotate"] = amount * float(action.get("rotate", 0.0))
        if action.get("flip") and amount < 0.5:
            action["flip"] = False
        return action
    # What is painted, drawn or protected has no half.
    return action if amount >= 0.5 else None


def _blended(first: Action, second: Action, share: float) -> dict[str, Any] | None:
    """An action between two of a kind; None where they differ in more than numbers."""
    if first.keys() != second.keys():
        return None
    result: dict[str, Any] = {}
    for name in first:
        one, other = first[name], second[name]
        if one == other:
            result[name] = one
            continue
        if name in ("color", "flip", "closed") or isinstance(one, str | bool | None):
            return None
        try:
            start, end = np.asarray(one, np.float64), np.asarray(other, np.float64)
        except (TypeError, ValueError):
            return None
        if start.shape != end.shape:
            return None
        result[name] = (start + share * (end - start)).tolist()
    return result
