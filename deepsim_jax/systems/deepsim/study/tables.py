"""Whole tables: trains and evaluates every row on every sequence, as often as there are seeds.

    <workdir>/table.json, report.html           the table so far, rewritten after every cell
    <workdir>/<sequence>/<row>/<seed>/          a run like any other, with
    <workdir>/<sequence>/<row>/<seed>/evaluation/

A killed table continues where it was: a finished cell is read, a half-trained one resumes.
"""

import dataclasses
import functools
import json
import logging
import pathlib
import statistics

import ml_collections

from deepsim_jax.config import files
from deepsim_jax.config.flat import differences, flatten
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.sequences import frames
from deepsim_jax.sweeps import runner
from deepsim_jax.systems import runs
from deepsim_jax.systems.deepsim import source as sources
from deepsim_jax.systems.deepsim.config import SCHEMA
from deepsim_jax.systems.deepsim.evaluation import protocol
from deepsim_jax.systems.deepsim.evaluation.held_out import choose_kind
from deepsim_jax.systems.deepsim.study import curves, published, table_page
from deepsim_jax.systems.deepsim.training import TRAINING
from deepsim_jax.training import loop, progress
from deepsim_jax.training import run_folder as rundir

log = logging.getLogger("deepsim_jax")

TABLE = "table.json"
CONFIG = "base_config.json"
FAILED = "failed.json"
DRAWS = {
    "paper": "Here each augmentation is drawn independently.",
    "code": "Here augmentations are drawn as the published program does: an affine map only where "
    "no spline was drawn.",
}
"""augment.compat -> what a page says of it."""


def run(workdir, specs, config, *, rows="baseline", seeds: int = 1, inception=None) -> dict:
    """Trains and evaluates a table; see the module's docstring for what it writes.

    Args:
      workdir: the table's folder.
      specs: sequences, each as `deepsim_jax.sequences.frames.open_sequences` takes it.
      config: the base config (name, path or ConfigDict); the rows change their keys in it.
      rows: a name in `study.published.TABLES`, or a `Table` of your own.
      seeds: trainings per row and sequence, with seeds from the config's on.
      inception: see `Model.evaluate`.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: unusable sequences, rows or config, or a folder with another table.
    """
    config, workdir = files.open_config(config), user_path(workdir).absolute()
    if config.system != SCHEMA.system:
        raise UserError(
            f"a table compares trainings of DeepSIM, the config is for {config.system!r}; "
            "take one such as quickstart"
        )
    config = SCHEMA.validate(config)
    if isinstance(rows, str) and rows not in published.TABLES:
        raise UserError(f"rows={rows!r}: choose one of {', '.join(published.TABLES)}")
    table = published.TABLES[rows] if isinstance(rows, str) else rows
    if seeds < 1:
        raise UserError(f"seeds={seeds}: at least 1 is needed")
    cells = _plan(workdir, specs, config, table, seeds)
    for cell in cells.values():
        _check(cell)
    columns, _ = protocol.columns(inception)
    runner.claim(
        workdir / CONFIG,
        {"config": flatten(config), "rows": [row.key for row in table.rows]},
        _differences,
        sweep="table",
    )

    def write():
        return _write(workdir, config, table, cells)

    unfinished = [folder for folder, cell in cells.items() if not _finished(folder, cell, columns)]
    runner.make_all(
        [
            runner.Cell(
                str(folder.relative_to(workdir)),
                make=functools.partial(_make, folder, cells, inception),
                fail=functools.partial(_keep_failure, folder),
            )
            for folder in unfinished
        ],
        noun="cell",
        sweep="table",
        after_each=write,
        # Another start would end the same way; the other cells are still worth making.
        forgiven=loop.Diverged,
    )
    return write()


def _make(folder, cells, inception) -> bool:
    """Trains and evaluates one cell; False if the training was stopped."""
    cell = cells[folder]
    source = sources.read_frame(cell.sequence, cell.config)
    model = runs.train(TRAINING, source, cell.config, folder)
    if not model.finished:
        return False
    earlier = [
        results
        for other_folder, other_cell in cells.items()
        if other_cell.sequence is cell.sequence
        and (results := protocol.read_results(other_folder / "evaluation"))
    ]
    model.evaluate(
        cell.sequence,
        folder=folder / "evaluation",
        inception=inception,
        known=earlier[0] if earlier else None,
    )
    return True


def _keep_failure(folder, error):
    images.write_bytes_atomic(folder / FAILED, json.dumps({"reason": str(error)}).encode())


@dataclasses.dataclass(frozen=True)
class Cell:
    """One training: its config, its row, its sequence."""

    config: ml_collections.ConfigDict
    row: published.Row
    sequence: frames.Sequence


def _plan(workdir, specs, config, table, seeds) -> dict[pathlib.Path, Cell]:
    """Folder -> the cell that is made in it, in the order of the work."""
    sequences, sequence_specs = {}, {}
    for spec in specs:
        for sequence in frames.open_sequences(
            spec, limit=config.data.frames, train=config.data.train_frame
        ):
            if sequence.name in sequences:
                raise UserError(f"{spec}: a second sequence called {sequence.name}; rename its folder")
            sequences[sequence.name], sequence_specs[sequence.name] = sequence, f"{spec}#{sequence.name}"
    cells = {}
    # Seed by seed, so that a table that is still being made has all of its rows early.
    for seed in range(config.seed, config.seed + seeds):
        for sequence in sequences.values():
            for row in table.rows:
                flat = {
                    **flatten(config),
                    **row.changes,
                    "seed": seed,
                    "data.sequence": sequence_specs[sequence.name],
                }
                cells[workdir / sequence.name / row.key / str(seed)] = Cell(
                    SCHEMA.unflatten(flat), row, sequence
                )
    return cells


def _check(cell):
    """Refuses a cell that would stop the table later, before anything is trained."""
    kind = choose_kind(cell.sequence, cell.config.data.kind)
    if cell.config.augment.canny > 0 and kind == "seg":
        raise UserError(
            f"{cell.sequence.name}: the row {cell.row.label!r} redraws edges, and its "
            "primitives have none; give --config.data.kind=seg_edges or edges"
        )


def _differences(stored, own) -> list[str]:
    """The differences between the records of two tables, in words."""
    differing = differences(stored["config"], own["config"], ignore=SCHEMA.source_keys)
    return differing + ["other rows"] * (stored["rows"] != own["rows"])


def _finished(folder, cell, columns) -> bool:
    """Whether a cell is done, or has failed; a folder of another training is refused."""
    if (folder / FAILED).is_file():
        return True
    results = protocol.read_results(folder / "evaluation")
    if results is None:
        return False
    differing = rundir.run_differences(
        folder, cell.config, sources.read_frame(cell.sequence, cell.config), SCHEMA
    )
    if differing:
        raise UserError(
            f"{folder}: trained with other settings ({'; '.join(differing)}); choose another workdir"
        )
    frame_names = [cell.sequence.frames[i] for i in cell.sequence.held_out]
    return results["columns"] == columns and list(results.get("digests", ())) == frame_names


def _write(workdir, config, table, cells) -> dict:
    """Writes table.json and report.html from the finished cells on disk."""
    results = {folder: protocol.read_results(folder / "evaluation") for folder in cells}
    finished = {folder: content for folder, content in results.items() if content is not None}
    failed = {
        folder: json.loads((folder / FAILED).read_text(encoding="utf-8"))["reason"]
        for folder in cells
        if (folder / FAILED).is_file()
    }
    sequences = list(dict.fromkeys(cell.sequence.name for cell in cells.values()))
    columns = next(iter(finished.values()))["columns"] if finished else []
    rows = []
    for name in sequences:
        for row in table.rows:
            row_results = {
                f: r
                for f, r in finished.items()
                # With train.steps=0 there is no network, and what is not trained is left.
                if cells[f].row == row and r["sequence"] == name and r["steps"]
            }
            if row_results:
                rows.append(_row(workdir, row.key, row.label, row_results, "network", columns))
        sequence_results = {f: r for f, r in finished.items() if r["sequence"] == name}
        if sequence_results:
            folder, first = next(iter(sequence_results.items()))
            rows += [
                _row(workdir, row["key"], row["label"], {folder: first}, row["key"], columns)
                for row in first["rows"]
                if row["key"] in protocol.UNTRAINED
            ]
    note = f"{table.note} {DRAWS[config.augment.compat]}".strip()
    content = {
        "title": table.title,
        "note": note,
        "config": differences(SCHEMA.flat(), flatten(config), ignore=SCHEMA.source_keys),
        "columns": columns,
        "sequences": sequences,
        "absent": next(iter(finished.values()))["absent"] if finished else {},
        "rows": rows,
        "averages": _averages(table, rows, sequences, columns),
        "published": {
            "where": table.where,
            "note": note,
            "columns": ["lpips", "sifid"],
            "labels": {r.key: r.label for r in table.rows},
            "rows": {r.key: dict(r.printed) for r in table.rows if r.printed},
        },
        "curves": _curves(cells),
        "strips": _strips(workdir, table, finished),
        "draws": {
            row.label: describe_draws(cell.config.augment)
            for row in table.rows
            for cell in [next(c for c in cells.values() if c.row == row)]
        },
        "pending": [str(f.relative_to(workdir)) for f in cells if f not in finished and f not in failed],
        "failed": {str(folder.relative_to(workdir)): reason for folder, reason in failed.items()},
        "machine": _machine(finished),
    }
    content["findings"] = curves.findings(content["curves"], [row.key for row in table.rows])
    if content["pending"]:
        content["findings"] = [f"So far: {sentence}" for sentence in content["findings"]]
    images.write_bytes_atomic(workdir / TABLE, json.dumps(content, indent=1).encode())
    table_page.write(workdir)
    return content


def _row(workdir, key, label, results, kind, columns):
    means = [next(r["mean"] for r in result["rows"] if r["key"] == kind) for result in results.values()]
    first = next(iter(results.values()))
    return {
        "key": key,
        "label": label,
        "sequence": first["sequence"],
        "size": first["size"],
        "primitive": "none" if kind == "unchanged" else first["primitive"]["kind"],
        "edges_from": "" if kind == "unchanged" else first["primitive"]["edges_from"],
        "steps": first["steps"],
        "seeds": len(means),
        "frames": len(first["rows"][0]["frames"]),
        "mean": {c: _mean(m.get(c) for m in means) for c in columns},
        "spread": {
            c: [min(values), max(values)]
            for c in columns
            if (values := [m[c] for m in means if m.get(c) is not None])
        },
        "by_seed": {
            folder.name: {c: mean.get(c) for c in columns}
            for folder, mean in zip(results, means, strict=True)
        },
        "folders": [str(folder.relative_to(workdir)) for folder in results],
    }


def _mean(values) -> float | None:
    """The mean, or None where a figure is missing."""
    values = list(values)
    return None if None in values else statistics.fmean(values)


def _machine(results) -> dict:
    """The machine that the cells were measured on; the dates as a range, several machines as such."""
    summary = {}
    for key in dict.fromkeys(key for result in results.values() for key in result["machine"]):
        values = [result["machine"].get(key, "unknown") for result in results.values()]
        distinct = sorted({", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in values})
        if key == "date":
            summary[key] = f"{distinct[0]} to {distinct[-1]}" if len(distinct) > 1 else distinct[0]
        else:
            summary[key] = "; ".join(distinct)
    return summary


def describe_draws(augment) -> str:
    """Describes the augmentations of a config's section `augment`: "TPS .99, rotation .5"."""
    names = {
        "tps": "TPS",
        "flip": "flip",
        "rotation": "rotation",
        "shear": "shear",
        "translation": "translation",
        "crop": "crop",
        "cutmix": "CutMix",
        "canny": "Canny sigma",
    }
    words = [f"{label} {augment[name]:g}" for name, label in names.items() if augment[name] > 0]
    return ", ".join(words) or "nothing"


def _averages(table, rows, sequences, columns):
    """Averages over the sequences the rows that have every sequence with the same seeds.

    The spread is the range of the seeds' averages.
    """
    averages = []
    for key, label in [
        *((row.key, row.label) for row in table.rows),
        *protocol.UNTRAINED.items(),
    ]:
        matching = [row for row in rows if row["key"] == key]
        seeds = [list(row["by_seed"]) for row in matching]
        if (
            len(sequences) < 2
            or len(matching) < len(sequences)
            or (key not in protocol.UNTRAINED and any(row_seeds != seeds[0] for row_seeds in seeds))
        ):
            continue
        seed_means = (
            {
                c: [_mean(row["by_seed"][seed][c] for row in matching) for seed in seeds[0]]
                for c in columns
            }
            if key not in protocol.UNTRAINED
            else {}
        )
        averages.append(
            {
                "key": key,
                "label": label,
                "sequences": len(matching),
                "seeds": len(seeds[0]),
                "mean": {c: _mean(row["mean"][c] for row in matching) for c in columns},
                "spread": {c: [min(v), max(v)] for c, v in seed_means.items() if None not in v},
            }
        )
    return averages


def _curves(cells):
    """Held-out quality over the steps of every run that measured it, unfinished ones included."""
    records = []
    for folder, cell in cells.items():
        points = progress.read_metrics(folder / "heldout.jsonl")
        if points:
            records.append(
                {
                    "key": cell.row.key,
                    "label": cell.row.label,
                    "sequence": cell.sequence.name,
                    "seed": cell.config.seed,
                    "points": points,
                }
            )
    return records


def _strips(workdir, table, results):
    """For each sequence a few frames, with the first seed's results of the rows side by side."""
    strips, rows_by_sequence = [], {}
    for folder, result in results.items():
        rows_by_sequence.setdefault(result["sequence"], {}).setdefault(
            folder.parent.name, (folder, result)
        )
    for sequence, rows in rows_by_sequence.items():
        strip_rows = [row for row in table.rows if row.key in rows]
        folder, first = rows[strip_rows[0].key]
        for strip in first["strips"][1::2]:

            def path(run_folder, role, frame=strip["frame"]):
                return str(
                    (run_folder / "evaluation" / "pictures" / f"{frame}.{role}.png").relative_to(workdir)
                )

            strips.append(
                {
                    "title": f"{sequence}, frame {strip['frame']}",
                    "pictures": [
                        ["primitive", path(folder, "primitive")],
                        *([row.label, path(rows[row.key][0], "result")] for row in strip_rows),
                        [protocol.UNTRAINED["copied"], path(folder, "copied")],
                        ["true frame", path(folder, "truth")],
                    ],
                }
            )
    return strips
