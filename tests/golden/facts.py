"""What can be said of a command and its files: facts that hold on every machine, and bits of this one.

Facts are JSON values: which files there are, sizes of pictures and roughly what they show, figures,
headings and captions of pages. `differences` compares them with tolerances for other processors and
other versions of jax. Bits are SHA-256 digests of the same things, for two states of the program on one
machine. Neither depends on how a page is marked up, how a picture is compressed, or what the parts of
a checkpoint are called.
"""

import collections
import hashlib
import html.parser
import json
import re
from pathlib import Path

import cv2
import jax
import numpy as np
import orbax.checkpoint as ocp
from PIL import Image, ImageSequence

FIGURES = 0.05
"""Relative tolerance of figures such as losses and metrics."""

SMALL = 2e-3
"""Absolute tolerance of the same."""

LOOK = 6
"""Tolerance of a picture's 16 mean colours, in grey levels."""

_VOLATILE = ("machine", "seconds", "date", "time")
_PICTURES = (".png", ".jpg")
_VIDEOS = (".gif", ".mp4", ".webm", ".avi")
_FLOAT = re.compile(r"(?<![\w.])-?(\d+\.\d+(e[-+]?\d+)?|\d+e[-+]?\d+)(?![\w.])")
_TIMES = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:]+(\+00:00| UTC)?|(?<=Machine: ).*|(?<=Seconds: ).*")
_DIGEST = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8})*|[0-9a-f]{64}")


def snapshot(folder: Path) -> dict[str, tuple]:
    """The files below a folder -> what changes when one is written; of a checkpoint its folder only."""
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if "checkpoints" in parts:
            depth = parts.index("checkpoints") + 2
            if len(parts) >= depth:
                found["/".join(parts[:depth])] = ()
        elif path.is_file():
            stat = path.stat()
            found["/".join(parts)] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return found


def look_at(path: Path, here: Path) -> tuple[object, str]:
    """(facts, bits) of a file or of the folder of a checkpoint; `here` is not told where it is named."""
    if path.parent.name == "checkpoints":
        return _checkpoint(path)
    if path.suffix in _PICTURES:
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        return _picture(pixels), _sha(pixels)
    if path.suffix in _VIDEOS:
        return _video(path)
    if path.suffix in (".json", ".jsonl"):
        return _json(path, here)
    if path.suffix == ".html":
        lines = page_facts(path.read_text(encoding="utf-8").replace(str(here), "<here>"))
        return [_TIMES.sub("<time>", masked(line)) for line in lines], ""
    return "", _sha(path.read_bytes())


def checkpoint_arrays(folder: Path) -> dict[str, np.ndarray]:
    """All arrays of a checkpoint by their paths in it, such as "generator/head/bias"."""
    handler = ocp.PyTreeCheckpointHandler()
    arrays = {}
    for item in sorted(folder.iterdir()):
        if (item / "manifest.ocdbt").exists():
            metadata = handler.metadata(item).tree
            as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), metadata)
            args = ocp.args.PyTreeRestore(restore_args=as_numpy)
            for path, array in jax.tree.leaves_with_path(handler.restore(item, args=args)):
                arrays[f"{item.name}/{jax.tree_util.keystr(path, simple=True, separator='/')}"] = array
    return {path: np.asarray(array) for path, array in arrays.items()}


def _checkpoint(folder):
    leaves = list(checkpoint_arrays(folder).values())
    values = np.concatenate([leaf.astype(np.float64).ravel() for leaf in leaves])
    facts = {"arrays": len(leaves), "values": len(values), "mean size": _short(np.abs(values).mean())}
    return facts, " ".join(sorted(_sha(leaf)[:12] for leaf in leaves))


def _picture(pixels):
    """Its size, and the means of its sixteenths, four by four, as hexadecimal colours."""
    height, width = pixels.shape[:2]
    pixels = pixels.reshape(height, width, -1).astype(np.float64)
    means = [
        np.rint(part.mean((0, 1))).astype(np.uint8).tobytes().hex()
        for row in np.array_split(pixels, min(4, height))
        for part in np.array_split(row, min(4, width), axis=1)
    ]
    return {"size": f"{width}x{height}", "look": " ".join(means)}


def _video(path):
    if path.suffix == ".gif":
        with Image.open(path) as file:
            frames = [
                np.asarray(frame.convert("RGB"))[..., ::-1] for frame in ImageSequence.Iterator(file)
            ]
            rate = 1000 / file.info["duration"]
    else:
        reader, frames = cv2.VideoCapture(str(path)), []
        rate = reader.get(cv2.CAP_PROP_FPS)
        while (frame := reader.read())[0]:
            frames.append(frame[1])
    facts = {
        "frames": len(frames),
        "rate": round(rate),
        "first": _picture(frames[0]),
        "last": _picture(frames[-1]),
    }
    return facts, _sha(np.stack(frames))


def _json(path, here):
    """Its content without what is measured in seconds, and without digests of pictures."""
    lines = path.read_text(encoding="utf-8").replace(str(here), "<here>")
    try:
        content = json.loads(lines)
    except ValueError:
        content = [json.loads(line) for line in lines.splitlines()]
    content = _without(content)
    bits = _sha(json.dumps(content, sort_keys=True).encode())
    return _shortened(content), bits


def _without(content):
    if isinstance(content, dict):
        return {key: _without(value) for key, value in content.items() if key not in _VOLATILE}
    return [_without(value) for value in content] if isinstance(content, list) else content


def _shortened(content):
    if isinstance(content, dict):
        return {key: _shortened(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_shortened(value) for value in content]
    if isinstance(content, str):
        return "<digest>" if _DIGEST.fullmatch(content) else content
    return _short(content) if isinstance(content, float) else content


def _short(value):
    return float(f"{value:.4g}")


def _sha(content):
    if isinstance(content, np.ndarray):
        head = f"{content.dtype} {content.shape}".encode()
        content = head + np.ascontiguousarray(content).tobytes()
    return hashlib.sha256(content).hexdigest()


def masked(line: str) -> str:
    """A line of text with a # for each number that has a point."""
    return _FLOAT.sub("#", line)


class _Page(html.parser.HTMLParser):
    """Collects a page's text block by block, and counts its pictures and plots."""

    _BLOCKS = ("title", "h1", "h2", "h3", "p", "figcaption", "li", "dt", "dd", "summary", "th", "td")

    def __init__(self):
        super().__init__()
        self.found, self._open, self._text, self._row = [], [], [], []
        self._plot = 0

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "img":
            self.found.append("plot" if "svg" in attrs.get("src", "")[:20] else "picture")
        if tag == "svg":
            self._plot += 1
            if self._plot == 1 and "key" not in attrs.get("class", ""):
                self.found.append("plot")
        if tag == "tr":
            self._row = []
        if tag in ("br", "small", "span") and self._open:
            self._text[-1].append(" ")
        if tag in self._BLOCKS:
            self._open.append(tag)
            self._text.append([])

    def handle_endtag(self, tag):
        if tag == "svg":
            self._plot -= 1
        if tag == "tr":
            self.found.append("row: " + " | ".join(self._row))
        if self._open and tag == self._open[-1]:
            text = " ".join("".join(self._text.pop()).split())
            self._open.pop()
            if tag in ("th", "td"):
                self._row.append(text)
            else:
                self.found.append(f"{tag}: {text}")

    def handle_data(self, data):
        if self._open and not self._plot:
            self._text[-1].append(data)


def page_facts(text: str) -> list[str]:
    """Headings, paragraphs, captions and tables of a page, in their order, and where pictures are."""
    page = _Page()
    page.feed(text)
    return page.found


def differences(expected, found, place: str = "") -> list[str]:
    """Where facts differ by more than the tolerances, in words; none: []."""
    if isinstance(expected, dict) and isinstance(found, dict):
        missing = [f"{place}: no longer there: {key}" for key in expected if key not in found]
        added = [f"{place}: new: {key}" for key in found if key not in expected]
        return (
            missing
            + added
            + [
                line
                for key in expected
                if key in found
                for line in differences(expected[key], found[key], f"{place} / {key}".removeprefix(" / "))
            ]
        )
    if isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found) or all(isinstance(item, str) for item in expected + found):
            return _of_lines(expected, found, place)
        return [
            line
            for number, pair in enumerate(zip(expected, found, strict=True))
            for line in differences(*pair, f"{place} [{number}]")
        ]
    if place.endswith("/ look") and isinstance(found, str) and len(expected) == len(found):
        apart = np.abs(_colors(expected) - _colors(found)).max()
        return [f"{place}: {apart} grey levels apart: {expected} -> {found}"] if apart > LOOK else []
    if isinstance(expected, float) and isinstance(found, float):
        return [] if np.isclose(expected, found, FIGURES, SMALL) else [f"{place}: {expected} -> {found}"]
    # JSON tells 1 from 1.0 and from true.
    same = type(expected) is type(found) and expected == found
    return [] if same else [f"{place}: {expected!r} -> {found!r}"]


def _colors(look):
    return np.frombuffer(bytes.fromhex(look), np.uint8).astype(int)


def _of_lines(expected, found, place):
    """What was added to and taken from a list, or that its order is another one."""
    old, new = (collections.Counter(json.dumps(item) for item in items) for items in (expected, found))
    lines = [f"{place}: - {item}{_times(count)}" for item, count in (old - new).items()]
    lines += [f"{place}: + {item}{_times(count)}" for item, count in (new - old).items()]
    return lines or ([f"{place}: in another order"] if expected != found else [])


def _times(count):
    return f" ({count} times)" if count > 1 else ""
