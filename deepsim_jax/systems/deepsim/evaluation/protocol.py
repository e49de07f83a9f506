"""The paper's protocol (section 4.2): train on one frame of a video, draw the others, compare.

`HeldOut` gives a network the frames that it was not trained on: for each a drawing and the true picture,
at the size of the training. `measure` renders the drawings and writes, frame by frame, the figures of the
pictures, beside those of what needs no training: the training frame, unchanged or copied along.
"""

import contextlib
import dataclasses
import json
import logging
import pathlib
import time
import zlib
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import tqdm.auto

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import edits, measures, perceptual
from deepsim_jax.evaluate.columns import EDIT_COLUMNS
from deepsim_jax.images import io as images
from deepsim_jax.primitives import make as primitives
from deepsim_jax.runtime import machine
from deepsim_jax.systems.deepsim.evaluation.held_out import HeldOut

log = logging.getLogger("deepsim_jax")

RESULTS = "evaluation.json"
FRAMES = "frames.jsonl"

UNTRAINED = {"copied": "copied, nothing trained", "unchanged": "training frame unchanged"}
"""Rows of results that need no training: key -> label."""

BATCH = 8
"""Frames that are measured together."""

STRIPS = 6
"""Frames that are shown as pictures, evenly spread."""

Edit = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Method:
    """What makes pictures of drawings.

    Attributes:
      key: of its row; one of `UNTRAINED` says that it needs no training.
      label: the same in words.
      edit: drawing (h, w, 3) uint8, conformed -> picture of the same size.
    """

    key: str
    label: str
    edit: Edit


def during_training(held_out: HeldOut, count: int) -> Callable[[Edit], dict[str, float]]:
    """A function that measures a network on a few frames while it is trained.

    Args:
      held_out: the frames.
      count: how many of them, evenly spread; 0 for all.

    Returns:
      Function of an edit (drawing -> picture) that returns {"lpips_alex": mean over the frames}.
    """
    pairs = [held_out.frame(i) for i in _spread(held_out.sequence.held_out, count)]
    truths = np.stack([truth for _, truth in pairs])

    def measure(edit):
        outputs = np.stack([edit(drawing) for drawing, _ in pairs])
        return {"lpips_alex": float(np.mean(perceptual.lpips(outputs, truths, net="alex")))}

    return measure


def columns(inception: str | None = None) -> tuple[list[str], dict[str, str]]:
    """The columns that are measured here, and why others are not; as `measures.available`."""
    known, absent = measures.available(inception)
    return [*known, *EDIT_COLUMNS], absent


def measure(
    methods: Sequence[Method],
    held_out: HeldOut,
    folder: pathlib.Path,
    *,
    about: dict,
    heldout: Sequence[dict] = (),
    inception: str | None = None,
    known: dict | None = None,
) -> dict:
    """Renders and measures every held-out frame; writes pictures, `frames.jsonl`, `evaluation.json`.

    A measurement that was interrupted goes on after its last complete frame, if `about`, the columns and
    the frames themselves are the same.

    Args:
      methods: what is compared; the first one's pictures are shown with their errors.
      held_out: the frames.
      folder: where to write.
      about: JSON values that say which network is measured, e.g. its steps, seed and a digest of its
        parameters; part of the result.
      heldout: rows of the run's `heldout.jsonl`, to be shown beside.
      inception: file of Inception weights for SIFID, or "download"; None: as far as they are there.
      known: an earlier result on the same frames at the same size, of any network, from which the
        figures of what needs no training are taken instead of being computed again.

    Returns:
      The content of `evaluation.json`.

    Raises:
      UserError: a frame cannot be read, or the folder not be written.
    """
    sequence, started = held_out.sequence, time.monotonic()
    shown, absent = columns(inception)
    about = {
        "sequence": sequence.name,
        "size": list(held_out.size),
        "train_frame": sequence.frames[sequence.train],
        **about,
        "inception": measures.weights_digest(inception),
        "primitive": {"kind": held_out.spec.kind, "edges_from": held_out.edges_from},
    }
    inception = None if inception == "download" else inception
    clock = _Clock()
    header = {
        **about,
        "columns": shown,
        "first": _digest(held_out.first, held_out.before),
        "methods": [method.key for method in methods],
    }
    finished = _finished_frames(folder / FRAMES, header)
    untrained = _untrained_figures(known, header)
    measured = _measure_frames(methods, held_out, folder, finished, untrained, shown, inception, clock)
    names = [sequence.frames[i] for i in sequence.held_out]
    labels = {method.key: method.label for method in methods}
    evaluation = {
        **header,
        "absent": absent,
        "rows": [
            _row(key, label, names, finished)
            for key, label in (
                *labels.items(),
                ("unchanged", f"frame {sequence.frames[sequence.train]} unchanged"),
            )
        ],
        "digests": {name: finished[name]["digest"] for name in names},
        "strips": [
            _strip(sequence.frames[i], labels) for i in sorted(set(_spread(sequence.held_out, STRIPS)))
        ],
        "heldout": list(heldout),
        "machine": machine.describe(),
        "seconds": {**clock.seconds, "frames": measured, "all": round(time.monotonic() - started, 2)},
    }
    content = json.dumps(evaluation, indent=1, allow_nan=False)
    images.write_bytes_atomic(folder / RESULTS, content.encode())
    return evaluation


def _measure_frames(
    methods, held_out: HeldOut, folder, finished, untrained, shown, inception, clock
) -> int:
    """Measures the frames that `finished` lacks, and adds them to it; returns how many those were."""
    sequence, path = held_out.sequence, folder / FRAMES
    strip_frames = set(_spread(sequence.held_out, STRIPS))
    measured, snapped = 0, 0
    try:
        with open(path, "a", encoding="utf-8") as file:
            for batch in _batches(sequence.held_out, sequence.name):
                frame_pairs = {sequence.frames[i]: held_out.frame(i) for i in batch}
                digests = {
                    name: _digest(*drawing_and_truth) for name, drawing_and_truth in frame_pairs.items()
                }
                # A frame is done if it was measured on the very same drawing and picture.
                remaining = [n for n in frame_pairs if finished.get(n, {}).get("digest") != digests[n]]
                measured += len(remaining)
                if not remaining:
                    continue
                truths = [frame_pairs[name][1] for name in remaining]
                conformed = [
                    primitives.conform(frame_pairs[name][0], held_out.spec) for name in remaining
                ]
                snapped += sum(changed > 0 for _, changed in conformed)
                drawings = [drawing for drawing, _ in conformed]
                with clock("edit"):
                    results = {
                        method.key: [method.edit(drawing) for drawing in drawings] for method in methods
                    }
                known = [untrained.get(digests[name], {}) for name in remaining]
                unchanged = {"unchanged": [held_out.first] * len(remaining)}
                with clock("metrics"):
                    figures = {
                        key: [figures[key] for figures in known]
                        if all(key in figures for figures in known)
                        else _figures(pictures, truths, drawings, held_out, shown, inception)
                        for key, pictures in (results | unchanged).items()
                    }
                for number, name in enumerate(remaining):
                    _save_pictures(
                        folder,
                        name,
                        *frame_pairs[name],
                        {key: pictures[number] for key, pictures in results.items()},
                        with_inputs=sequence.frames.index(name) in strip_frames,
                    )
                    finished[name] = {
                        "digest": digests[name],
                        **{key: rows[number] for key, rows in figures.items()},
                    }
                    file.write(json.dumps({"frame": name, **finished[name]}, allow_nan=False) + "\n")
                    file.flush()
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    if snapped:
        log.warning(
            "%s: %d of the drawings had colours that the training frame has not; they were snapped to "
            "the nearest ones",
            sequence.name,
            snapped,
        )
    return measured


def read_results(folder: pathlib.Path) -> dict | None:
    """The content of a folder's `evaluation.json`, or None if it has not come to that."""
    path = folder / RESULTS
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}); delete it and evaluate again") from error


def summary(results: dict) -> str:
    """The mean of each column in each row, as lines of text for a terminal."""
    columns = [c for c in results["columns"] if c != "rmse"]
    rows = [
        ["", *columns],
        *(
            [row["label"], *("-" if row["mean"][c] is None else f"{row['mean'][c]:.4f}" for c in columns)]
            for row in results["rows"]
        ),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns) + 1)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _spread(indices: Sequence[int], count: int) -> list[int]:
    """`count` of the indices, evenly spread; all of them for 0."""
    if not count or count >= len(indices):
        return list(indices)
    places = (np.arange(count) + 0.5) * len(indices) / count
    return [indices[int(place)] for place in places]


class _Clock:
    """Seconds by name, of what is done within `with clock(name)`."""

    def __init__(self):
        self.seconds = {}

    @contextlib.contextmanager
    def __call__(self, name):
        begun = time.monotonic()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - begun, 2)


def _digest(*pictures) -> str:
    """A checksum of pictures, to recognise those that were measured before."""
    return "-".join(f"{zlib.crc32(np.ascontiguousarray(picture).data):08x}" for picture in pictures)


def _finished_frames(path, header) -> dict[str, dict]:
    """Reads the frames that an earlier start has measured; starts a new file for another network."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    rows, lines = [], []
    for line in text.splitlines(keepends=True):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
        lines.append(line)
        if not line.endswith("\n"):
            rows.pop()
            lines.pop()
    if not rows or rows[0] != json.loads(json.dumps(header)):
        rows, lines = [header], [json.dumps(header) + "\n"]
    images.write_bytes_atomic(path, "".join(lines).encode())
    return {row["frame"]: {k: v for k, v in row.items() if k != "frame"} for row in rows[1:]}


def _untrained_figures(earlier, header) -> dict[str, dict[str, dict[str, float]]]:
    """Digest of a drawing and its true picture -> row -> figures, from an earlier result."""
    same = ("columns", "first", "inception", "primitive")
    if earlier is None or any(earlier.get(key) != header[key] for key in same):
        return {}
    found: dict[str, dict] = {}
    for row in earlier["rows"]:
        if row["key"] in UNTRAINED:
            for frame in row["frames"]:
                digest = earlier["digests"][frame["frame"]]
                found.setdefault(digest, {})[row["key"]] = {c: frame[c] for c in header["columns"]}
    return found


def _batches(indices: Sequence[int], name: str) -> Iterator[list[int]]:
    """The indices in nearly equal batches, with a progress bar on a terminal and lines in a log."""
    bar = tqdm.auto.tqdm(total=len(indices), unit="frame", desc=name, dynamic_ncols=True, disable=None)
    begun, measured = time.monotonic(), 0
    with bar:
        for batch in np.array_split(np.asarray(indices), -(-len(indices) // BATCH)):
            yield batch.tolist()
            measured += len(batch)
            bar.update(len(batch))
            if bar.disable:
                seconds_left = (time.monotonic() - begun) / measured * (len(indices) - measured)
                log.info(
                    "%s: %d of %d frames measured, %s left",
                    name,
                    measured,
                    len(indices),
                    tqdm.tqdm.format_interval(seconds_left),
                )


def _figures(pictures, truths, drawings, held_out, shown, inception) -> list[dict[str, float | None]]:
    """The columns of each picture; None where none is finite, as the PSNR of equal pictures."""
    compared = np.stack(pictures), np.stack(truths)
    of_pictures = [column for column in shown if column not in EDIT_COLUMNS]
    measured = {
        **measures.measure(*compared, columns=of_pictures, inception=inception),
        **edits.measure(*compared, np.stack(drawings), held_out.before, held_out.spec),
    }
    values = {column: np.asarray(measured[column]) for column in shown}
    return [
        {c: float(values[c][n]) if np.isfinite(values[c][n]) else None for c in shown}
        for n in range(len(pictures))
    ]


def _row(key, label, names, finished) -> dict:
    """A row of the result; its means leave out frames whose figure is infinite."""
    rows, mean = [{"frame": name, **finished[name][key]} for name in names], {}
    for column in finished[names[0]][key]:
        finite = [row[column] for row in rows if row[column] is not None]
        mean[column] = float(np.mean(finite)) if finite else None
    return {"key": key, "label": label, "mean": mean, "frames": rows}


def _save_pictures(folder, name, drawing, truth, results, *, with_inputs):
    """Writes the first result of a frame, and with the inputs the others' beside it."""
    path = folder / "pictures"
    first, *others = results
    images.write_png(path / f"{name}.result.png", results[first])
    if with_inputs:
        images.write_png(path / f"{name}.primitive.png", drawing)
        images.write_png(path / f"{name}.truth.png", truth)
        images.write_png(path / f"{name}.error.png", error_map(results[first], truth))
        for key in others:
            images.write_png(path / f"{name}.{key}.png", results[key])


def error_map(result: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean absolute difference of two uint8 (H, W, 3) pictures as a heat map; full heat at 127.5."""
    error = np.abs(result.astype(np.int16) - truth).mean(axis=-1)
    return heat_map(error, 127.5)


def heat_map(values: np.ndarray, top: float) -> np.ndarray:
    """(H, W) figures as a uint8 (H, W, 3) picture: black at 0, light yellow from `top` on."""
    scaled = np.clip(255 * values / max(float(top), 1e-12), 0, 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(scaled, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def _strip(name, labels) -> dict:
    first, *others = labels
    captions = {
        "primitive": "primitive",
        "result": labels[first],
        **{key: labels[key] for key in others},
        "truth": "true frame",
        "error": f"mean absolute error, {labels[first]}",
    }
    return {
        "frame": name,
        "pictures": [[caption, f"pictures/{name}.{role}.png"] for role, caption in captions.items()],
    }
