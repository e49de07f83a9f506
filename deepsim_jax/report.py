"""The report page of a run: photo, primitive, edited primitives and results, side by side."""

import base64
import html
import json
import pathlib
import re

import cv2
import numpy as np

from deepsim_jax.data import images
from deepsim_jax.training import progress

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #767676; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1240px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
.row { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; }
figure { margin: 0; } figcaption { font-size: .85rem; color: var(--soft); margin-top: .3rem; }
img { width: 100%; border: 1px solid var(--line); border-radius: 4px; background: #fff; }
.soft { color: var(--soft); font-size: .9rem; } svg { width: 100%; height: auto; }
code { font-size: .9em; } @media (max-width: 700px) { .row { grid-template-columns: repeat(2, 1fr); } }
"""

COLORS = {"g_gan": "#d1495b", "g_features": "#edae49", "g_perceptual": "#00798c", "d": "#66507a"}
"""Colour of each loss term in the curves."""

SHOWN = 1000
"""Longest side in px of a picture on the page; larger ones are shrunk, or the page would be huge."""


def add_edit(workdir: pathlib.Path, name: str, primitive: np.ndarray, result: np.ndarray):
    """Keeps an edit in the run's folder, under a running number, for the report.

    Args:
      workdir: the run's folder.
      name: what the edit is called, e.g. the input's file name.
      primitive: uint8 (h, w, 3), the edited primitive.
      result: uint8 (H, W, 3).
    """
    folder = workdir / "edits"
    clean = "".join(c if c.isalnum() or c in "-_" else "-" for c in name[:60]) or "edit"
    taken = [re.match(r"(\d+)-", p.name) for p in folder.glob("*.result.png")]
    number = 1 + max((int(found[1]) for found in taken if found), default=0)
    images.write_png(folder / f"{number:03d}-{clean}.primitive.png", primitive)
    images.write_png(folder / f"{number:03d}-{clean}.result.png", result)


def write(workdir: pathlib.Path) -> pathlib.Path:
    """Writes the self-contained page `report.html` of a run and returns its path."""
    pair = workdir / "pair"
    size = images.read_image(pair / "photo.png").shape
    config = json.loads((workdir / "config.json").read_text(encoding="utf-8"))["config"]
    rows = progress.read_metrics(workdir / "metrics.jsonl")
    original = _figure(pair / "photo.png", "photo"), _figure(pair / "primitive.png", "its primitive")
    parts = [f"<h1>{html.escape(workdir.name)}</h1><p class=soft>DeepSIM on a photo of "
             f"{size[1]}&times;{size[0]} px, {rows[-1]['step'] if rows else 0} of "
             f"{config['train.steps']} steps</p>"]
    edits = sorted((workdir / "edits").glob("[0-9]*-*.result.png"), reverse=True)
    for result in edits:
        drawn = result.with_name(result.name.replace(".result.", ".primitive."))
        title = result.name.removesuffix(".result.png").split("-", 1)[1]
        parts.append(f"<h2>{html.escape(title)}</h2><div class=row>{''.join(original)}"
                     f"{_figure(drawn, 'edited primitive')}{_figure(result, 'result')}</div>")
    samples = sorted((workdir / "samples").glob("*.png"))
    if not edits:
        parts.append(f"<h2>The training pair</h2><div class=row>{''.join(original)}</div>")
    if samples:
        parts.append("<h2>Reconstruction at the end of training</h2>"
                     + _figure(samples[-1], "primitive, generated from it, photo"))
    if len(rows) > 1:
        parts.append(f"<h2>Losses</h2>{_curves(rows)}")
    page = (f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
            f"content='width=device-width'><title>{html.escape(workdir.name)}</title>"
            f"<style>{STYLE}</style>{''.join(parts)}</html>")
    images.write_bytes_atomic(workdir / "report.html", page.encode())
    return workdir / "report.html"


def _figure(path, caption):
    picture = images.read_image(path)
    share = min(1.0, SHOWN / max(picture.shape))
    if share < 1:
        picture = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    content = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    data = base64.b64encode(content).decode()
    return (f"<figure><img alt='{html.escape(caption)}' src='data:image/png;base64,{data}'>"
            f"<figcaption>{html.escape(caption)}</figcaption></figure>")


def _curves(rows, width=1200, height=260):
    """Loss terms over steps as an SVG, each on its own scale from 0 to its largest value."""
    last, drawn = max(row["step"] for row in rows), []
    for name, color in COLORS.items():
        points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
        if not points:
            continue
        top = max(value for _, value in points) or 1.0
        line = " ".join(f"{s / last * (width - 20) + 10:.1f},{height - 30 - v / top * (height - 50):.1f}"
                        for s, v in points)
        drawn.append(f"<polyline fill=none stroke='{color}' stroke-width=1.5 points='{line}'/>"
                     f"<text x={20 + 290 * len(drawn)} y={height - 6} font-size=14 fill='{color}'>"
                     f"{name} (0 to {top:.3g})</text>")
    return f"<svg viewBox='0 0 {width} {height}' role=img>{''.join(drawn)}</svg>"
