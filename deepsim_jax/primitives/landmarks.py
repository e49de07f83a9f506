"""Landmarks: points and polylines from a JSON file, drawn as a primitive.

    {"size": [640, 480],
     "background": [0, 0, 0],
     "points": [{"xy": [310, 200.5], "color": [255, 0, 0], "radius": 3}],
     "polylines": [{"points": [[10, 10], [50, 60], [90, 10]], "color": [0, 255, 0], "width": 2,
                    "closed": false}]}

Everything but "xy" and a polyline's "points" may be left out. Coordinates are (x, y) in pixels of a
picture of "size" width x height, by default the size that is drawn; (0, 0) is the centre of its top
left pixel. Radius and width are in the same pixels.
"""

import json
import math
import os

import cv2
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images.text_files import read_text
from deepsim_jax.runtime.paths import user_path

_SHIFT = 4  # OpenCV draws at 1/16 pixel
_DEFAULTS = {"color": [255, 255, 255], "radius": 3, "width": 2, "closed": False}


def rasterise_landmarks(
    source, height: int, width: int, *, background: tuple[int, int, int] = (0, 0, 0)
) -> np.ndarray:
    """Draws landmarks without soft borders: polylines in their order, then points on top.

    Args:
      source: path of a JSON file, or its content as a dict; the form is given above.
      height, width: of the result in pixels.
      background: colour where the file names none.

    Returns:
      (height, width, 3) uint8.

    Raises:
      UserError: no such file, not JSON, or an entry that is not as above; it is named.
    """
    label, content = _read(source)
    _check_keys(content, ("size", "background", "points", "polylines"), label)
    size = _numbers(content.get("size", [width, height]), 2, f"{label}: size")
    if min(size) <= 0:
        raise UserError(f"{label}: size: {size}; width and height must be above 0")
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = _color(content.get("background", list(background)), f"{label}: background")
    scale = np.array([width / size[0], height / size[1]])
    for key, keys, draw in (
        ("polylines", ("points", "color", "width", "closed"), _draw_polyline),
        ("points", ("xy", "color", "radius"), _draw_point),
    ):
        for number, entry in enumerate(_list(content.get(key, []), f"{label}: {key}")):
            place = f"{label}: {key}[{number}]"
            _check_keys(entry, keys, place)
            draw(canvas, {**_DEFAULTS, **entry}, size, scale, place)
    return canvas


def _read(source) -> tuple[str, dict]:
    if isinstance(source, dict):
        return "landmarks", source
    if not isinstance(source, str | os.PathLike):
        raise UserError(f"landmarks: given as {type(source).__name__}; give a path or a dict")
    label = f"landmarks {user_path(source)}"
    try:
        return label, json.loads(read_text(user_path(source)))
    except OSError as error:
        raise UserError(f"{label}: cannot be read ({error.strerror}); check the name") from error
    except ValueError as error:
        raise UserError(f"{label}: not a JSON file ({error})") from error


def _draw_polyline(canvas, entry, size, scale, place):
    points = _list(entry.get("points", []), f"{place}.points")
    if len(points) < 2:
        raise UserError(f"{place}.points: {len(points)} points; a polyline needs at least 2")
    if not isinstance(entry["closed"], bool):
        raise UserError(f"{place}.closed: {entry['closed']!r}; give true or false")
    line = [_point(p, size, scale, f"{place}.points[{n}]") for n, p in enumerate(points)]
    thickness = max(1, round(_length(entry["width"], size, f"{place}.width") * scale.mean()))
    cv2.polylines(
        canvas,
        [np.array(line)],
        entry["closed"],
        _color(entry["color"], f"{place}.color"),
        thickness,
        cv2.LINE_8,
        _SHIFT,
    )


def _draw_point(canvas, entry, size, scale, place):
    if "xy" not in entry:
        raise UserError(f"{place}: has no xy; give its [x, y]")
    center = _point(entry["xy"], size, scale, f"{place}.xy")
    radius = round(_length(entry["radius"], size, f"{place}.radius") * scale.mean() * 2**_SHIFT)
    color = _color(entry["color"], f"{place}.color")
    cv2.circle(canvas, center, radius, color, cv2.FILLED, cv2.LINE_8, _SHIFT)


def _point(value, size, scale, place) -> tuple[int, int]:
    """Pixel coordinates on the canvas in units of 1/16 pixel."""
    xy = _numbers(value, 2, place)
    if any(not -side <= v <= 2 * side for v, side in zip(xy, size, strict=True)):
        raise UserError(
            f"{place}: {xy} is far outside of the {size[0]:g}x{size[1]:g} picture; give pixels, or "
            "the size that they refer to"
        )
    on_canvas = ((np.array(xy) + 0.5) * scale - 0.5) * 2**_SHIFT
    x, y = np.round(on_canvas).astype(int).tolist()
    return x, y


def _length(value, size, place) -> float:
    (length,) = _numbers([value], 1, place)
    if not 0 < length <= max(size):
        raise UserError(f"{place}: {value}; give pixels above 0 and not beyond the picture's size")
    return length


def _color(value, place) -> tuple[int, int, int]:
    color = _numbers(value, 3, place)
    if any(c != int(c) or not 0 <= c <= 255 for c in color):
        raise UserError(f"{place}: {value}; give [red, green, blue] as whole numbers 0 to 255")
    red, green, blue = (int(c) for c in color)
    return red, green, blue


def _numbers(value, count: int, place: str) -> list[float]:
    is_list = isinstance(value, list | tuple) and len(value) == count
    if not is_list or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in value
    ):
        needed = f"a list of {count} numbers" if count > 1 else "a number"
        raise UserError(f"{place}: {value!r:.80}; give {needed}")
    return list(value)


def _list(value, place: str) -> list | tuple:
    if not isinstance(value, list | tuple):
        raise UserError(f"{place}: {value!r:.80}; give a list")
    return value


def _check_keys(entry, allowed: tuple[str, ...], place: str) -> None:
    if not isinstance(entry, dict):
        raise UserError(f"{place}: {entry!r:.80}; give an object with {', '.join(allowed)}")
    unknown = [key for key in entry if key not in allowed]
    if unknown:
        raise UserError(f"{place}: unknown {unknown[0]!r}; allowed are {', '.join(allowed)}")
