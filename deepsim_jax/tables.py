"""Whole tables: trains and evaluates every row on every sequence, as often as there are seeds.

    <workdir>/table.json, report.html           the table so far, rewritten after every cell
    <workdir>/<sequence>/<row>/<seed>/          a run like any other, with
    <workdir>/<sequence>/<row>/<seed>/evaluation/

A killed table continues where it was: a finished cell is read, a half-trained one resumes.
"""

import json
import logging
import pathlib
import statistics
import time

import tqdm.auto

from deepsim_jax import api, machine, rundir, settings
from deepsim_jax.data import frames, images
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import curves, protocol, published, results_page
from deepsim_jax.training import progress

log = logging.getLogger("deepsim_jax")

TABLE = "table.json"
CONFIG = "base_config.json"
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
    if isinstance(rows, str) and rows not in published.TABLES:
        raise UserError(f"rows={rows!r}: choose one of {', '.join(published.TABLES)}")
    table = published.TABLES[rows] if isinstance(rows, str) else rows
    if seeds < 1:
        raise UserError(f"seeds={seeds}: at least 1 is needed")
    cells = _plan(workdir, specs, config, table, seeds)
    _claim(workdir, config)
    for config_of_cell, _, sequence in cells.values():
        protocol.check_kind(sequence, _kind(config_of_cell, sequence))
    begun, made = time.monotonic(), 0
    for number, (folder, (changed, _, sequence)) in enumerate(cells.items(), 1):
        if not _finished(folder, changed):
            left = "" if not made else ", " + tqdm.tqdm.format_interval(
                (time.monotonic() - begun) / made * (len(cells) - number + 1)) + " left"
            log.info("%d of %d: %s%s", number, len(cells), folder.relative_to(workdir), left)
            model = api.train_source(api.read_source(changed), changed, folder)
            if model.step < changed.train.steps:
                log.warning("stopped; the same command continues the table")
                break
            known = [found for other, (_, _, of) in cells.items() if of is sequence
                     and (found := protocol.read_results(other / "evaluation"))]
            model.evaluate(sequence, folder=folder / "evaluation", inception=inception,
                           known=known[0] if known else None)
            made += 1
        _write(workdir, config, table, cells)
    return _write(workdir, config, table, cells)


def _plan(workdir, specs, config, table, seeds):
    """Folder -> (config, row, sequence) of every cell, in the order in which they are made."""
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
                folder = workdir / sequence.name / row.key / str(seed)
                cells[folder] = settings.unflatten(flat), row, sequence
    return cells


def _claim(workdir, config):
    """Makes the folder this table's, or checks that it is: its cells must not mix base configs."""
    path, flat = workdir / CONFIG, settings.flatten(config)
    if path.is_file():
        differing = settings.differences(json.loads(path.read_text(encoding="utf-8")), flat)
        if differing:
            raise UserError(f"{workdir}: holds a table with other settings ({'; '.join(differing)}); "
                            "choose another workdir or repeat the old settings")
    images.write_bytes_atomic(path, json.dumps(flat, indent=1).encode())


def _kind(config, sequence):
    return protocol.default_kind(sequence) if config.data.kind == "auto" else config.data.kind


def _finished(folder, config):
    """Whether a cell is done; a folder of other settings is refused."""
    if protocol.read_results(folder / "evaluation") is None:
        return False
    stored = settings.flatten(rundir.read_config(folder))
    differing = settings.differences(stored, settings.flatten(config))
    if differing:
        raise UserError(f"{folder}: evaluated with other settings ({'; '.join(differing)})")
    return True


def _write(workdir, config, table, cells) -> dict:
    """table.json and report.html from what is on disk."""
    results = {folder: protocol.read_results(folder / "evaluation") for folder in cells}
    done = {folder: found for folder, found in results.items() if found is not None}
    sequences = list(dict.fromkeys(sequence.name for _, _, sequence in cells.values()))
    columns = next(iter(done.values()))["columns"] if done else []
    rows = []
    for name in sequences:
        for row in table.rows:
            of_row = {f: r for f, r in done.items() if cells[f][1] == row and r["sequence"] == name}
            if of_row:
                rows.append(_row(workdir, row.key, row.label, of_row, "network", columns))
        of_sequence = {f: r for f, r in done.items() if r["sequence"] == name}
        if of_sequence:
            folder, first = next(iter(of_sequence.items()))
            label = next(r["label"] for r in first["rows"] if r["key"] == "unchanged")
            rows.append(_row(workdir, "unchanged", label, {folder: first}, "unchanged", columns))
    found = {
        "title": table.title, "note": f"{table.note} {DRAWS[config.augment.compat]}".strip(),
        "config": settings.differences(settings.flatten(settings.default()), settings.flatten(config)),
        "columns": columns, "sequences": sequences,
        "absent": next(iter(done.values()))["absent"] if done else {}, "rows": rows,
        "averages": _averages(table, rows, sequences, columns),
        "published": {"where": table.where, "note": table.note, "columns": ["lpips", "sifid"],
                      "labels": {r.key: r.label for r in table.rows},
                      "rows": {r.key: dict(r.printed) for r in table.rows if r.printed}},
        "curves": _curves(cells), "strips": _strips(workdir, table, done),
        "pending": [str(f.relative_to(workdir)) for f in cells if f not in done],
        "machine": machine.describe()}
    found["findings"] = curves.findings(found["curves"], [row.key for row in table.rows])
    images.write_bytes_atomic(workdir / TABLE, json.dumps(found, indent=1).encode())
    results_page.write_table(workdir)
    return found


def _row(workdir, key, label, results, kind, columns):
    means = [next(r["mean"] for r in result["rows"] if r["key"] == kind) for result in results.values()]
    first = next(iter(results.values()))
    return {
        "key": key, "label": label, "sequence": first["sequence"], "size": first["size"],
        "primitive": first["primitive"]["kind"], "edges_from": first["primitive"]["edges_from"],
        "steps": first["steps"], "seeds": len(means), "frames": len(first["rows"][0]["frames"]),
        "mean": {c: statistics.fmean(m[c] for m in means) for c in columns},
        "spread": {c: [min(m[c] for m in means), max(m[c] for m in means)] for c in columns},
        "folders": [str(folder.relative_to(workdir)) for folder in results]}


def _averages(table, rows, sequences, columns):
    """Rows averaged over the sequences, for those that are complete."""
    averages = []
    for key, label in [*((row.key, row.label) for row in table.rows),
                       ("unchanged", "training frame unchanged")]:
        found = [row for row in rows if row["key"] == key]
        if len(sequences) > 1 and len(found) == len(sequences):
            averages.append({"key": key, "label": label, "sequences": len(found), "mean": {
                c: statistics.fmean(row["mean"][c] for row in found) for c in columns}})
    return averages


def _curves(cells):
    """Held-out quality over the steps of every run that measured it, unfinished ones included."""
    found = []
    for folder, (config, row, sequence) in cells.items():
        points = progress.read_metrics(folder / "heldout.jsonl")
        if points:
            found.append({"key": row.key, "label": row.label, "sequence": sequence.name,
                          "seed": config.seed, "points": points})
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
