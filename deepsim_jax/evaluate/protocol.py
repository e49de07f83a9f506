"""The paper's protocol (section 4.2): train on one frame of a video, draw the others, compare.

`HeldOut` is a sequence as a network meets it: for every frame that it was not trained on a drawing
and the true picture, at the size of the training. `measure` renders the drawings and writes, frame by
frame, what the pictures are worth, beside the trivial answer: the training frame, unchanged.
"""

import contextlib
import json
import logging
import pathlib
import time
import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tqdm.auto

from deepsim_jax import machine, pages
from deepsim_jax.data import frames, images, pair, primitives
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import measures, perceptual

log = logging.getLogger("deepsim_jax")

RESULTS = "evaluation.json"
FRAMES = "frames.jsonl"
KINDS = ("edges", "seg", "seg_edges")
"""The kinds of primitive that a sequence can be drawn in."""

TRUE_FRAMES = "true frames"
"""`edges_from` of edges that were drawn from the very frames that are to be predicted."""

BATCH = 8
"""Frames that are measured together."""

STRIPS = 6
"""Frames that are shown as pictures, evenly spread."""

Edit = Callable[[np.ndarray], np.ndarray]


def default_kind(sequence: frames.Sequence) -> str:
    """The richest kind of primitive that a sequence gives by itself; without any, edges."""
    if "segmentation" in sequence.parts:
        return "seg_edges" if "edges" in sequence.parts else "seg"
    return "edges"


def check_kind(sequence: frames.Sequence, kind: str):
    """Refuses a kind of primitive that cannot be drawn for the frames of a sequence.

    Segmentations made automatically frame by frame would not agree on their colours, so they must be
    given.

    Raises:
      UserError: saying which kinds are possible.
    """
    possible = KINDS if "segmentation" in sequence.parts else ("edges",)
    if kind not in possible:
        reason = "" if "segmentation" in sequence.parts else ": its frames have no segmentations"
        raise UserError(f"{sequence.name}: data.kind={kind} cannot be evaluated on it{reason}; choose "
                        f"{' or '.join(possible)}")


def choose_kind(sequence: frames.Sequence, kind: str) -> str:
    """The kind that `data.kind` names for a sequence, "auto" included; raises as `check_kind`."""
    kind = default_kind(sequence) if kind == "auto" else kind
    check_kind(sequence, kind)
    return kind


class HeldOut:
    """The frames of a sequence that a network was not trained on, at the network's size.

    Attributes:
      sequence: the frames.
      spec: how the network's primitive is drawn.
      size: (h, w) of its primitives and pictures.
      first: the true picture of the training frame, the trivial answer for all others.
      edges_from: where the edges of the drawings come from: "" (the kind has none), "given" (by the
        sequence) or `TRUE_FRAMES` (Canny on the very picture that is to be predicted: they leak).
    """

    def __init__(self, sequence: frames.Sequence, spec: primitives.PrimitiveSpec, size: tuple[int, int]):
        """Checks that kind and size fit.

        Raises:
          UserError: the sequence has another aspect than the network, or lacks what its kind needs.
        """
        check_kind(sequence, spec.kind)
        self.sequence, self.spec, self.size = sequence, spec, tuple(size)
        edges = spec.kind != "seg"
        self.edges_from = ("given" if "edges" in sequence.parts else TRUE_FRAMES) if edges else ""
        self.first = self.frame(sequence.train)[1]
        found = self.first.shape[:2]
        if found != self.size:
            raise UserError(f"{sequence.name}: its frames become {found[1]}x{found[0]} px, the network "
                            f"makes {self.size[1]}x{self.size[0]}; evaluate it on the sequence that it "
                            "was trained on")
        if min(self.size) < perceptual.SMALLEST:
            raise UserError(f"{sequence.name}: frames of {found[1]}x{found[0]} px cannot be measured; "
                            f"each side needs {perceptual.SMALLEST}")

    def frame(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The drawing of a frame and its true picture, both (h, w, 3) uint8.

        The drawing is made as the training frame's was; the picture is shrunk by averaging over areas.
        """
        photo = self.sequence.image(index)
        small = images.resize_to_limit(photo, max(self.size))
        part = {name: self.sequence.part(name, index) for name in self.sequence.parts}
        drawing = pair.draw(photo, small, self.spec.kind, segmentation=part.get("segmentation"),
                            edge_map=part.get("edges"), edge_color=self.spec.edge_color,
                            canny_sigma=self.spec.canny_sigma)
        return drawing, small


def during_training(held_out: HeldOut, count: int) -> Callable[[Edit], dict[str, float]]:
    """A function that measures a network on a few frames while it is trained.

    Args:
      held_out: the frames.
      count: how many of them, evenly spread; 0 for all.

    Returns:
      Function of an edit (drawing -> picture) that returns {"lpips_alex": mean over the frames}.
    """
    chosen = [held_out.frame(i) for i in _spread(held_out.sequence.held_out, count)]
    truths = np.stack([truth for _, truth in chosen])

    def measure(edit):
        pictures = np.stack([edit(drawing) for drawing, _ in chosen])
        return {"lpips_alex": float(np.mean(perceptual.lpips(pictures, truths, net="alex")))}

    return measure


def measure(edit: Edit, held_out: HeldOut, folder: pathlib.Path, *, about: dict, heldout: list = (),
            inception: str | None = None, known: dict | None = None) -> dict:
    """Renders and measures every held-out frame; writes pictures, `frames.jsonl`, `evaluation.json`.

    A measurement that was interrupted goes on after its last complete frame, if `about`, the columns and
    the frames themselves are the same.

    Args:
      edit: drawing (h, w, 3) uint8 -> picture of the same size.
      held_out: the frames.
      folder: where to write.
      about: JSON values that say which network is measured, e.g. its steps, seed and a digest of its
        parameters; part of the result.
      heldout: rows of the run's `heldout.jsonl`, to be shown beside.
      inception: file of Inception weights for SIFID, or "download"; None: as far as they are there.
      known: an earlier result on the same frames at the same size, of any network, from which the
        trivial answer's figures are taken instead of being computed again.

    Returns:
      The content of `evaluation.json`.

    Raises:
      UserError: a frame cannot be read, or the folder not be written.
    """
    sequence, started = held_out.sequence, time.monotonic()
    columns, absent = measures.available(inception)
    about = {"sequence": sequence.name, "size": list(held_out.size),
             "train_frame": sequence.frames[sequence.train], **about,
             "inception": measures.weights_digest(inception),
             "primitive": {"kind": held_out.spec.kind, "edges_from": held_out.edges_from}}
    inception = None if inception == "download" else inception
    path, clock = folder / FRAMES, _Clock()
    shown = set(_spread(sequence.held_out, STRIPS))
    first = held_out.first
    done = _finished_frames(path, {**about, "columns": columns, "first": _digest(first)})
    trivial = _trivial(known, _digest(first), columns, about["inception"])
    measured = 0
    try:
        with open(path, "a", encoding="utf-8") as file:
            for batch in _batches(sequence.held_out, sequence.name):
                pictures = {sequence.frames[i]: held_out.frame(i) for i in batch}
                digests = {name: _digest(*both) for name, both in pictures.items()}
                # A frame is done if it was measured on the very same drawing and picture.
                left = [n for n in pictures if done.get(n, {}).get("digest") != digests[n]]
                measured += len(left)
                if not left:
                    continue
                truths = [pictures[name][1] for name in left]
                with clock("edit"):
                    results = [edit(pictures[name][0]) for name in left]
                with clock("metrics"):
                    figures = _figures(results, truths, columns, inception)
                    same = [trivial.get(_digest(truth)) for truth in truths]
                    if not all(same):
                        same = _figures([first] * len(left), truths, columns, inception)
                for number, name in enumerate(left):
                    _save_pictures(folder, name, *pictures[name], results[number],
                                   all_of_them=sequence.frames.index(name) in shown)
                    done[name] = {"digest": digests[name], "truth": _digest(truths[number]),
                                  "network": figures[number], "unchanged": same[number]}
                    file.write(json.dumps({"frame": name, **done[name]}, allow_nan=False) + "\n")
                    file.flush()
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    names = [sequence.frames[i] for i in sequence.held_out]
    results = {
        **about, "columns": columns, "absent": absent, "first": _digest(first),
        "rows": [_row(key, label, names, done) for key, label in (
            ("network", "trained network"),
            ("unchanged", f"frame {sequence.frames[sequence.train]} unchanged"))],
        "truths": {name: done[name]["truth"] for name in names},
        "strips": [_strip(sequence.frames[i]) for i in sorted(shown)],
        "heldout": list(heldout), "machine": machine.describe(),
        "seconds": {**clock.seconds, "frames": measured,
                    "all": round(time.monotonic() - started, 2)}}
    content = json.dumps(results, indent=1, allow_nan=False)
    images.write_bytes_atomic(folder / RESULTS, content.encode())
    return results


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
    rows = [["", *columns], *([row["label"], *(
        "-" if row["mean"][c] is None else f"{row['mean'][c]:.4f}" for c in columns)]
                              for row in results["rows"])]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns) + 1)]
    return "\n".join("  ".join(cell.rjust(width) if number else cell.ljust(width)
                               for number, (cell, width) in enumerate(zip(row, widths, strict=True)))
                     for row in rows)


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
    """Tells whether pictures are those that were measured before."""
    return "-".join(f"{zlib.crc32(np.ascontiguousarray(picture)):08x}" for picture in pictures)


def _finished_frames(path, header) -> dict[str, dict]:
    """Frames that an earlier start has measured; the file is begun anew if it is of another network."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    rows, kept = [], []
    for line in text.splitlines(keepends=True):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
        kept.append(line)
        if not line.endswith("\n"):
            rows.pop()
            kept.pop()
    if not rows or rows[0] != json.loads(json.dumps(header)):
        rows, kept = [header], [json.dumps(header) + "\n"]
    images.write_bytes_atomic(path, "".join(kept).encode())
    return {row["frame"]: {k: v for k, v in row.items() if k != "frame"} for row in rows[1:]}


def _trivial(known, first: str, columns, inception: str) -> dict[str, dict[str, float]]:
    """Digest of a true picture -> figures of the unchanged training frame, from an earlier result."""
    same = {"columns": columns, "first": first, "inception": inception}
    if known is None or any(known.get(key) != value for key, value in same.items()):
        return {}
    frames = next(row["frames"] for row in known["rows"] if row["key"] == "unchanged")
    return {known["truths"][frame["frame"]]: {c: frame[c] for c in columns} for frame in frames}


def _batches(indices: Sequence[int], name: str) -> Iterator[list[int]]:
    """The indices in nearly equal batches, with a progress bar on a terminal and lines in a log."""
    bar = tqdm.auto.tqdm(total=len(indices), unit="frame", desc=name, dynamic_ncols=True, disable=None)
    begun, done = time.monotonic(), 0
    with bar:
        for batch in np.array_split(np.asarray(indices), -(-len(indices) // BATCH)):
            yield batch.tolist()
            done += len(batch)
            bar.update(len(batch))
            if bar.disable:
                left = (time.monotonic() - begun) / done * (len(indices) - done)
                log.info("%s: %d of %d frames measured, %s left", name, done, len(indices),
                         tqdm.tqdm.format_interval(left))


def _figures(pictures, truths, columns, inception) -> list[dict[str, float | None]]:
    """The columns of each picture; None where a figure is infinite, as the PSNR of equal pictures."""
    measured = measures.measure(np.stack(pictures), np.stack(truths), columns=columns,
                                inception=inception)
    return [{c: float(measured[c][n]) if np.isfinite(measured[c][n]) else None for c in columns}
            for n in range(len(pictures))]


def _row(key, label, names, done) -> dict:
    """A row of the result; its means leave out frames whose figure is infinite."""
    rows, mean = [{"frame": name, **done[name][key]} for name in names], {}
    for column in done[names[0]][key]:
        finite = [row[column] for row in rows if row[column] is not None]
        mean[column] = float(np.mean(finite)) if finite else None
    return {"key": key, "label": label, "mean": mean, "frames": rows}


def _save_pictures(folder, name, drawing, truth, result, *, all_of_them):
    path = folder / "pictures"
    images.write_png(path / f"{name}.result.png", result)
    if all_of_them:
        images.write_png(path / f"{name}.primitive.png", drawing)
        images.write_png(path / f"{name}.truth.png", truth)
        images.write_png(path / f"{name}.error.png", error_map(result, truth))


def error_map(result: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean absolute difference of two uint8 (H, W, 3) pictures as a heat map; full heat at 127.5."""
    error = np.abs(result.astype(np.int16) - truth).mean(axis=-1)
    return pages.heat_map(error, 127.5)


def _strip(name) -> dict:
    captions = {"primitive": "primitive", "result": "result", "truth": "true frame",
                "error": "mean absolute error"}
    return {"frame": name, "pictures": [[caption, f"pictures/{name}.{part}.png"]
                                        for part, caption in captions.items()]}
