"""The brushes' actions in a session as strokes of `constraints`, and back."""

from collections.abc import Mapping
from typing import Any, get_args

from deepsim_jax.errors import UserError
from deepsim_jax.systems.igan.constraints import Brush, Stroke

BRUSHES: tuple[str, ...] = get_args(Brush)

LEAST_RADIUS, LEAST_REACH = 0.5, 1.0
"""Of a line, and of half a patch's side, in pixels of the drawing."""

MOST_RADIUS = 2048.0
"""In pixels of the drawing, which it covers whole."""


def strokes_of(tool: str, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An action of a brush as strokes, which `constraints.parse` checks.

    Args:
      tool: "color", "sketch" or "warp".
      options: of the action, with "points", or "from" and "to" of a warp, in pixels of the drawing.

    Raises:
      UserError: a warp without as many points to go to as there are to grab.
    """
    kept = {
        name: value for name, value in options.items() if name not in ("radius", "reach", "from", "to")
    }
    if "radius" in options:
        kept["width"] = 2 * options["radius"] + 1
    if tool != "warp":
        return [{"brush": tool, **kept}]
    starts, ends = options["from"], options["to"]
    if not isinstance(starts, list | tuple) or not isinstance(ends, list | tuple):
        raise UserError("action: warp: lists of points are needed")
    if len(starts) != len(ends) or not starts:
        raise UserError(f"action: warp: {len(starts)} points from, {len(ends)} to; as many are needed")
    if "reach" in options:
        kept["width"] = 2 * options["reach"]
    return [
        {"brush": tool, "from": start, "to": end, **kept} for start, end in zip(starts, ends, strict=True)
    ]


def action_of(stroke: Stroke, scale: tuple[float, float]) -> dict[str, Any]:
    """The action of which `strokes_of` makes a stroke.

    What is thinner than the tools' least is as thin as it, less than a pixel of the generator's; what is
    broader than their most covers everything, too.

    Args:
      stroke: of a drawing of any size.
      scale: (x, y), pixels of the session's drawing in one of the stroke's.
    """
    points = [list(point) for point in stroke.points]
    if scale != (1, 1):
        points = [[(p + 0.5) * s - 0.5 for p, s in zip(point, scale, strict=True)] for point in points]
    found: dict[str, Any] = {"tool": stroke.brush}
    width = None if stroke.width is None else stroke.width * min(scale)
    if stroke.brush == "warp":
        found |= {"from": points[:1], "to": points[1:]}
        return found if width is None else {**found, "reach": max(LEAST_REACH, width / 2)}
    found["points"] = points
    if width is not None:
        found["radius"] = min(max(LEAST_RADIUS, (width - 1) / 2), MOST_RADIUS)
    if stroke.color is not None:
        found["color"] = list(stroke.color)
    if stroke.erase:
        found["erase"] = True
    return found
