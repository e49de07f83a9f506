"""What goes over the wire: strict JSON in, JSON and pictures out, errors as a line for the person."""

import json
import logging
import urllib.parse
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from starlette.responses import Response

from deepsim_jax.errors import UserError, one_line
from deepsim_jax.images import io as image_io
from deepsim_jax.systems.contract import Rendering

log = logging.getLogger("deepsim_jax")

DEPTH = 16
VALUES = 200_000
TEXT = 20_000
LARGEST = 1e12
PREVIEW_QUALITY = 85


def failure(error: Exception, what: str) -> str:
    """The line in which the page says that something in the background failed; the log says all."""
    if isinstance(error, UserError):
        return one_line(error)
    log.error("editor: %s", what, exc_info=error)
    if isinstance(error, OSError) and error.strerror:
        return f"{what}: {error.strerror}"
    return f"{type(error).__name__}; the terminal says more"


def read_json(body: bytes) -> Any:
    """The value of a body.

    Raises:
      UserError: it is no JSON, holds NaN or numbers that are not finite or beyond `LARGEST`, is nested
        deeper than `DEPTH` or holds more than `VALUES` values or a text longer than `TEXT`.
    """
    if _depth(body) > DEPTH:
        raise UserError(f"JSON: nested deeper than {DEPTH}")
    # Those within texts count too: there are never so many.
    if max(body.count(b","), body.count(b"[") + body.count(b"{")) > VALUES:
        raise UserError(f"JSON: more than {VALUES} values")
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise UserError(f"JSON: cannot be read ({str(error)[:80]})") from error
    left, open_ = VALUES, [value]
    while open_:
        item = open_.pop()
        left -= 1
        if left < 0:
            raise UserError(f"JSON: more than {VALUES} values")
        if isinstance(item, dict):
            open_ += item.values()
            left -= len(item)
            item = max(item, key=len, default="")
        elif isinstance(item, list):
            open_ += item
        if isinstance(item, str) and len(item) > TEXT:
            raise UserError(f"JSON: a text of more than {TEXT} letters")
        if isinstance(item, int | float) and not abs(item) <= LARGEST:  # as NaN
            raise UserError("JSON: a number that is too large")
    return value


def read_object(body: bytes) -> dict[str, Any]:
    """The object that a body holds; raises as `read_json`, and for anything else."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise UserError("JSON: an object is needed")
    return value


def _no_constant(name):
    raise ValueError(f"{name} is no number")


def _depth(body: bytes) -> int:
    """How deep brackets are nested; those within texts count too, which is enough for a bound."""
    codes = np.frombuffer(body, np.uint8)
    steps = np.isin(codes, (0x5B, 0x7B)).astype(np.int8) - np.isin(codes, (0x5D, 0x7D))
    return int(np.cumsum(steps, dtype=np.int64).max(initial=0))


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response of JSON."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Response(text, status, dict(headers or {}), "application/json")


def error(status: int, words: str, **more: Any) -> Response:
    """A response that says what is wrong."""
    return answer({"error": " ".join(words.split()), **more}, status)


def picture(content: bytes, kind: str = "image/png", **headers: str) -> Response:
    """A response with a file."""
    return Response(content, 200, {name.replace("_", "-"): text for name, text in headers.items()}, kind)


def png(image: np.ndarray) -> bytes:
    """A quick, lossless PNG of a uint8 (H, W), (H, W, 3) or (H, W, 4) picture for the page."""
    if image.ndim == 3:
        code = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        image = cv2.cvtColor(image, code)
    return cv2.imencode(".png", np.ascontiguousarray(image), [cv2.IMWRITE_PNG_COMPRESSION, 1])[
        1
    ].tobytes()


def webp(image: np.ndarray, quality: int = PREVIEW_QUALITY) -> bytes:
    """A WebP of a uint8 (H, W, 3) picture, for previews."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()


def mask_png(mask: np.ndarray) -> bytes:
    """A bool (H, W) mask as PNG, white = True."""
    return png(mask.astype(np.uint8) * np.uint8(255))


def thumbnail(image: np.ndarray, side: int = 96) -> bytes:
    """A WebP, at most so many pixels long."""
    scale = min(1.0, side / max(image.shape[:2]))
    size = tuple(max(1, round(length * scale)) for length in image.shape[1::-1])
    return webp(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def fitted(image: np.ndarray, side: int) -> np.ndarray:
    """A picture, at most so many pixels long."""
    return image_io.resize_to_limit(image, max(side, image_io.MIN_SIDE))


def rendering_headers(rendering: Rendering) -> dict[str, str]:
    """What a page is told beside a picture."""
    headers = {
        "Milliseconds": f"{rendering.milliseconds:.1f}",
        "Candidates": str(len(rendering.images)),
        "Chosen": str(rendering.chosen),
        "Doubts": urllib.parse.quote(json.dumps(list(rendering.doubts))),
    }
    return headers | ({"Rate": f"{rendering.rate:g}"} if rendering.rate else {})
