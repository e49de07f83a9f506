"""Whole tables: trains and evaluates every row on every sequence, as often as there are seeds.

    <workdir>/table.json, report.html           the table so far, rewritten after every cell
    <workdir>/<sequence>/<row>/<seed>/          a run like any other, with
    <workdir>/<sequence>/<row>/<seed>/evaluation/

A killed table continues where it was: a finished cell is read, a half-trained one resumes.
"""

import dataclasses
import json
import logging
import pathlib
import statistics
import time

import ml_collections
import tqdm.auto

from deepsim_jax import api, rundir, settings, sources
from deepsim_jax.data import frames, images
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import curves, measures, protocol, published, results_page
from deepsim_jax.training import loop, progress

log = logging.getLogger("deepsim_jax")

TABLE = "table.json"
CONFIG = "base_config.json"
FAILED = "failed.json"
DRAWS = {"paper": "Here each augmentation is drawn independently.",
         "code": "Here augmentations are drawn as the published program does: an affine map only where "
                 "no spline was drawn."}
"""augment.compat -> what a page says of it."""


def run(workdir, specs, config, *, rows="baseline", seeds: int = 1, inception=None) -> dict:
    """Trains and evaluates a table; see the module's docstring for what it writes.

    Args:
      workdir: the table's folder.
      specs: sequences, each as `deepsim_jax.data.frames.open_sequences` takes it.
      config: the base config (name, path or ConfigDict); the rows change their keys in it.
      rows: a name in `evaluate.published.TABLES`, or a `Table` of your own.
      seeds: trainings per row and sequence, with seeds from the config's on.
      inception: see `Model.evaluate`.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: unusable sequences, rows or config, or a folder with another table.
    """
    config, workdir = settings.load(config), pathlib.Path(workdir).absolute()
    if config.system != "deepsim":
        raise UserError(f"a table compares trainings of DeepSIM, the config is for {config.system!r}; "
                        "take one such as quickstart")
    if isinstance(rows, str) and rows not in published.TABLES:
        raise UserError(f"rows={rows!r}: choose one of {', '.join(published.TABLES)}")
    table = published.TABLES[rows] if isinstance(rows, str) else rows
    if seeds < 1:
        raise UserError(f"seeds={seeds}: at least 1 is needed")
    cells = _plan(workdir, specs, config, table, seeds)
    for cell in cells.values():
        _check(cell)
    columns, _ = measures.available(inception)
    _claim(workdir, config, table)
    left = [folder for folder, cell in cells.items() if not _finished(folder, cell, columns)]
    begun = time.monotonic()
    for number, folder in enumerate(left):
        spent = (time.monotonic() - begun) / max(number, 1)
        log.info("%s: %d of %d cells to make%s", folder.relative_to(workdir), len(left) - number,
                 len(cells), f", {tqdm.tqdm.format_interval(spent * (len(left) - number))} left"
                 if number else "")
        if not _make(folder, cells, inception):
            log.warning("stopped; the same command continues the table")
            break
        _write(workdir, config, table, cells)
    return _write(workdir, config, table, cells)


def _make(folder, cells, inception) -> bool:
    """Trains and evaluates one cell; False if the training was stopped."""
    cell = cells[folder]
    try:
        model = api.train_source(sources.read_frame(cell.sequence, cell.config), cell.config, folder)
    except loop.Diverged as error:
        # Another start would end the same way; the other cells are still worth making.
        log.warning("%s: %s", folder, error)
        images.write_bytes_atomic(folder / FAILED, json.dumps({"reason": str(error)}).encode())
        return True
    if not model.finished:
        return False
    known = [found for other, of in cells.items() if of.sequence is cell.sequence
             and (found := protocol.read_results(other / "evaluation"))]
    model.evaluate(cell.sequence, folder=folder / "evaluation", inception=inception,
                   known=known[0] if known else None)
    return True


@dataclasses.dataclass(frozen=True)
class Cell:
    """One training: its config, its row, its sequence."""

    config: ml_collections.ConfigDict
    row: published.Row
    sequence: frames.Sequence


def _plan(workdir, specs, config, table, seeds) -> dict[pathlib.Path, Cell]:
    """Folder -> what is made in it, in the order in which they are made."""
    sequences, named = {}, {}
    for spec in specs:
        for sequence in frames.open_sequences(spec, limit=config.data.frames,
                                              train=config.data.train_frame):
            if sequence.name in sequences:
                raise UserError(f"{spec}: a second sequence called {sequence.name}; rename its folder")
            sequences[sequence.name], named[sequence.name] = sequence, f"{spec}#{sequence.name}"
    cells = {}
    # Seed by seed, so that a table that is still being made has all of its rows early.
    for seed in range(config.seed, config.seed + seeds):
        for sequence in sequences.values():
            for row in table.rows:
                flat = {**settings.flatten(config), **row.changes, "seed": seed,
                        "data.sequence": named[sequence.name]}
                cells[workdir / sequence.name / row.key / str(seed)] = Cell(
                    settings.unflatten(flat), row, sequence)
    return cells


def _check(cell):
    """Finds before anything is trained what would stop the table later."""
    kind = protocol.choose_kind(cell.sequence, cell.config.data.kind)
    if cell.config.augment.canny > 0 and kind == "seg":
        raise UserError(f"{cell.sequence.name}: the row {cell.row.label!r} redraws edges, and its "
                        "primitives have none; give --config.data.kind=seg_edges or edges")


def _claim(workdir, config, table):
    """Makes the folder this table's, or checks that it is: its cells must not mix base configs."""
    path, flat = workdir / CONFIG, settings.flatten(config)
    if path.is_file():
        stored = json.loads(path.read_text(encoding="utf-8"))
        differing = settings.differences(stored["config"], flat)
        if stored["rows"] != [row.key for row in table.rows]:
            differing.append("other rows")
        if differing:
            raise UserError(f"{workdir}: holds a table with other settings ({'; '.join(differing)}); "
                            "choose another workdir or repeat the old settings")
    record = {"config": flat, "rows": [row.key for row in table.rows]}
    images.write_bytes_atomic(path, json.dumps(record, indent=1).encode())


def _finished(folder, cell, columns) -> bool:
    """Whether a cell is done, or has failed; a folder of another training is refused."""
    if (folder / FAILED).is_file():
        return True
    found = protocol.read_results(folder / "evaluation")
    if found is None:
        return False
    differing = rundir.differences(
        folder, cell.config, sources.read_frame(cell.sequence, cell.config))
    if differing:
        raise UserError(f"{folder}: trained with other settings ({'; '.join(differing)}); choose another "
                        "workdir")
    held_out = [cell.sequence.frames[i] for i in cell.sequence.held_out]
    return found["columns"] == columns and list(found.get("truths", ())) == held_out


def _write(workdir, config, table, cells) -> dict:
    """table.json and report.html from what is on disk."""
    results = {folder: protocol.read_results(folder / "evaluation") for folder in cells}
    done = {folder: found for folder, found in results.items() if found is not None}
    failed = {folder: json.loads((folder / FAILED).read_text(encoding="utf-8"))["reason"]
              for folder in cells if (folder / FAILED).is_file()}
    sequences = list(dict.fromkeys(cell.sequence.name for cell in cells.values()))
    columns = next(iter(done.values()))["columns"] if done else []
    rows = []
    for name in sequences:
        for row in table.rows:
            of_row = {f: r for f, r in done.items() if cells[f].row == row and r["sequence"] == name}
            if of_row:
                rows.append(_row(workdir, row.key, row.label, of_row, "network", columns))
        of_sequence = {f: r for f, r in done.items() if r["sequence"] == name}
        if of_sequence:
            folder, first = next(iter(of_sequence.items()))
            label = next(r["label"] for r in first["rows"] if r["key"] == "unchanged")
            rows.append(_row(workdir, "unchanged", label, {folder: first}, "unchanged", columns))
    note = f"{table.note} {DRAWS[config.augment.compat]}".strip()
    found = {
        "title": table.title, "note": note,
        "config": settings.differences(settings.flatten(settings.default()), settings.flatten(config)),
        "columns": columns, "sequences": sequences,
        "absent": next(iter(done.values()))["absent"] if done else {}, "rows": rows,
        "averages": _averages(table, rows, sequences, columns),
        "published": {"where": table.where, "note": note, "columns": ["lpips", "sifid"],
                      "labels": {r.key: r.label for r in table.rows},
                      "rows": {r.key: dict(r.printed) for r in table.rows if r.printed}},
        "curves": _curves(cells), "strips": _strips(workdir, table, done),
        "draws": {row.label: describe_draws(cell.config.augment) for row in table.rows
                  for cell in [next(c for c in cells.values() if c.row == row)]},
        "pending": [str(f.relative_to(workdir)) for f in cells if f not in done and f not in failed],
        "failed": {str(folder.relative_to(workdir)): reason for folder, reason in failed.items()},
        "machine": _machine(done)}
    found["findings"] = curves.findings(found["curves"], [row.key for row in table.rows])
    if found["pending"]:
        found["findings"] = [f"So far: {sentence}" for sentence in found["findings"]]
    images.write_bytes_atomic(workdir / TABLE, json.dumps(found, indent=1).encode())
    results_page.write_table(workdir)
    return found


def _row(workdir, key, label, results, kind, columns):
    means = [next(r["mean"] for r in result["rows"] if r["key"] == kind) for result in results.values()]
    first = next(iter(results.values()))
    return {
        "key": key, "label": label, "sequence": first["sequence"], "size": first["size"],
        "primitive": first["primitive"]["kind"] if kind == "network" else "none",
        "edges_from": first["primitive"]["edges_from"] if kind == "network" else "",
        "steps": first["steps"], "seeds": len(means), "frames": len(first["rows"][0]["frames"]),
        "mean": {c: _mean(m.get(c) for m in means) for c in columns},
        "spread": {c: [min(known), max(known)] for c in columns
                   if (known := [m[c] for m in means if m.get(c) is not None])},
        "by_seed": {folder.name: {c: mean.get(c) for c in columns}
                    for folder, mean in zip(results, means, strict=True)},
        "folders": [str(folder.relative_to(workdir)) for folder in results]}


def _mean(values) -> float | None:
    """The mean, or None where a figure is missing."""
    values = list(values)
    return None if None in values else statistics.fmean(values)


def _machine(done) -> dict:
    """The machine that the cells were measured on; the dates as a range, several machines as such."""
    found = {}
    for key in dict.fromkeys(key for result in done.values() for key in result["machine"]):
        values = [result["machine"].get(key, "unknown") for result in done.values()]
        distinct = sorted({", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in values})
        if key == "date":
            found[key] = f"{distinct[0]} to {distinct[-1]}" if len(distinct) > 1 else distinct[0]
        else:
            found[key] = "; ".join(distinct)
    return found


def describe_draws(augment) -> str:
    """What a config's section `augment` draws, in words: "TPS .99, rotation .5"."""
    names = {"tps": "TPS", "flip": "flip", "rotation": "rotation", "shear": "shear",
             "translation": "translation", "crop": "crop", "cutmix": "CutMix", "canny": "Canny sigma"}
    drawn = [f"{label} {augment[name]:g}" for name, label in names.items() if augment[name] > 0]
    return ", ".join(drawn) or "nothing"


def _averages(table, rows, sequences, columns):
    """Rows averaged over the sequences, for those that have every sequence with the same seeds.

    The range is that of the averages of each seed.
    """
    averages = []
    for key, label in [*((row.key, row.label) for row in table.rows),
                       ("unchanged", "training frame unchanged")]:
        found = [row for row in rows if row["key"] == key]
        seeds = [list(row["by_seed"]) for row in found]
        if len(sequences) < 2 or len(found) < len(sequences) or (
                key != "unchanged" and any(of != seeds[0] for of in seeds)):
            continue
        each = {c: [_mean(row["by_seed"][seed][c] for row in found) for seed in seeds[0]]
                for c in columns} if key != "unchanged" else {}
        averages.append({
            "key": key, "label": label, "sequences": len(found), "seeds": len(seeds[0]),
            "mean": {c: _mean(row["mean"][c] for row in found) for c in columns},
            "spread": {c: [min(v), max(v)] for c, v in each.items() if None not in v}})
    return averages


def _curves(cells):
    """Held-out quality over the steps of every run that measured it, unfinished ones included."""
    found = []
    for folder, cell in cells.items():
        points = progress.read_metrics(folder / "heldout.jsonl")
        if points:
            found.append({"key": cell.row.key, "label": cell.row.label, "sequence": cell.sequence.name,
                          "seed": cell.config.seed, "points": points})
    return found


def _strips(workdir, table, done):
    """For each sequence a few frames, with the first seed's results of the rows side by side."""
    strips, by_row = [], {}
    for folder, result in done.items():
        by_row.setdefault(result["sequence"], {}).setdefault(folder.parent.name, (folder, result))
    for sequence, rows in by_row.items():
        shown = [row for row in table.rows if row.key in rows]
        folder, first = rows[shown[0].key]
        for strip in first["strips"][1::2]:
            def path(of, part, frame=strip["frame"]):
                return str((of / "evaluation" / "pictures" / f"{frame}.{part}.png").relative_to(workdir))

            strips.append({"title": f"{sequence}, frame {strip['frame']}", "pictures": [
                ["primitive", path(folder, "primitive")],
                *([row.label, path(rows[row.key][0], "result")] for row in shown),
                ["true frame", path(folder, "truth")]]})
    return strips
