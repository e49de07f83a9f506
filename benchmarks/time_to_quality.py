"""How soon, and with how much arithmetic, configs reach a quality on frames they were not trained on.

    python benchmarks/time_to_quality.py quickstart paper,train.steps=400 --sequence FOLDER \\
        [--kinds seg seg_edges] [--size 192] [--seeds 3] [--output quality.json]

A config is a shipped name or a path, with changed keys after commas. Every run is a process of its own,
`python -m deepsim_jax.main` with an empty compile cache, in a folder below --workdir. What is finished
there is read and not trained again; an interrupted run is begun anew, since its time was cut.

seconds   From the start of the process to the last checkpoint, without the pauses in which it measures
          itself: the start (until the training clock begins, imports and the reading of the frames that
          it measures on included) plus the training clock at that checkpoint, compilation included,
          which stands while it measures.
plain     The same of a further run that measures nothing: plain time from the start of the process to
          the time stamp of the last checkpoint. It should be near `seconds` of the same seed: above it
          by the compilation of the first preview's picture, if that falls into a pause there.
tflop     Arithmetic of the leanest step (`arithmetic.py`, batch included, two per multiplication) times
          steps.
lpips     AlexNet, mean over all held-out frames, of the last step's edits: the network's pictures where
          that paints better than the photo is copied, else copies. A curve has the mean over a few of
          these frames (--frames, evenly spread) of what the network alone paints, so that it ends above
          what edits have.
reached   Where the curve is first measured at or below a target: the median of the seeds, and every
          seed. Targets are each --threshold, the training frame unchanged, and the end of each config's
          own median. Curves are noisy, so that a config can be at its end's quality before: "share" is
          the arithmetic as a fraction of what that config needed to get there first.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import arithmetic
import record

from deepsim_jax import api, settings
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.sweeps import runner
from deepsim_jax.systems.deepsim import source as sources
from deepsim_jax.systems.deepsim.evaluation import protocol
from deepsim_jax.systems.deepsim.evaluation.held_out import HeldOut, choose_kind
from deepsim_jax.training import progress

RESULT = "time_to_quality.json"
UNCHANGED = "training frame unchanged"


@dataclasses.dataclass(frozen=True, eq=False)
class Spec:
    """A config as the command line names it: "file.py,train.steps=400"."""

    label: str
    config: str
    changes: dict[str, object]

    @classmethod
    def read(cls, text: str):
        return cls(text, *record.read(text))

    def full(self, changes: dict):
        """The validated config with its own changes and these."""
        return record.config(self.config, {**self.changes, **changes})

    @property
    def folder(self) -> str:
        return re.sub(r"[^\w.=-]+", "_", self.label).strip("_.")


def changes_of(options, spec: Spec, kind: str, seed: int) -> dict:
    """Keys that this benchmark sets in every config."""
    steps = spec.full({}).train.steps
    return {
        "data.sequence": options.sequence,
        "data.kind": kind,
        "data.max_side": options.size,
        "seed": seed,
        "train.measure_frames": options.frames,
        "train.measure_every": max(1, round(steps / options.points)),
    }


def trained(config, folder: pathlib.Path) -> tuple[float, float]:
    """Trains in a new process: (seconds until the training clock began, until the last checkpoint).

    The first is 0 in a run that does not measure itself.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        file = pathlib.Path(cache) / "config.py"
        file.write_text(
            "from deepsim_jax import settings\n\n\ndef get_config():\n"
            f"    return settings.unflatten({settings.flatten(config)!r})\n"
        )
        # -P: the same package as here, whatever folder this is started in.
        command = [
            sys.executable,
            "-P",
            "-m",
            "deepsim_jax.main",
            f"--config={file}",
            f"--workdir={folder}",
        ]
        environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(pathlib.Path(cache) / "compiled")}
        heldout, clock = folder / "heldout.jsonl", 0.0
        begun = time.time()
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            try:
                # The file is made, empty, when the training clock begins.
                while config.train.measure_every and process.poll() is None and not heldout.exists():
                    time.sleep(0.02)
                clock = heldout.stat().st_mtime - begun if heldout.exists() else 0.0
                process.wait()
            except BaseException:
                process.terminate()
                raise
    if process.returncode:
        raise UserError(
            f"{folder}: the training failed with exit status {process.returncode}; "
            "what it said stands above"
        )
    saved = (folder / "checkpoints" / str(config.train.steps)).rglob("*")
    return clock, max(path.stat().st_mtime for path in saved) - begun


def run(options, spec: Spec, kind: str, seed: int) -> dict:
    """The figures of one run, from its folder if it is finished."""
    config = spec.full(changes_of(options, spec, kind, seed))
    folder = options.workdir / kind / spec.folder / str(seed)
    found = _finished(folder, config)
    if found is not None:
        return found
    load = os.getloadavg()[0]
    start, end = trained(config, folder)
    mark = progress.read_metrics(folder / "heldout.clock.json")[-1]
    seconds, model = start + mark["seconds"], api.load(folder)
    held_out, tflop = _held_out(config), _tflop(config)
    found = {
        "seed": seed,
        "seconds": round(seconds, 2),
        "start": round(start, 2),
        "pauses": round(end - seconds, 2),
        "load_before": round(load, 2),
        "lpips": _digits(protocol.during_training(held_out, 0)(model.edit)["lpips_alex"]),
        "curve": [
            {
                "step": row["step"],
                "seconds": round(start + row["seconds"], 2),
                "tflop": _digits(tflop(row["step"])),
                "lpips": _digits(row["lpips_alex"]),
            }
            for row in progress.read_metrics(folder / "heldout.jsonl")
        ],
    }
    return _keep(options, folder, config, found)


def plain(options, spec: Spec, kind: str, seed: int) -> dict:
    """The time of a run that does not measure itself."""
    changes = {**changes_of(options, spec, kind, seed), "train.measure_every": 0}
    config = spec.full(changes)
    folder = options.workdir / kind / spec.folder / f"{seed}-plain"
    found = _finished(folder, config)
    if found is not None:
        return found
    load = os.getloadavg()[0]
    found = {"seed": seed, "seconds": round(trained(config, folder)[1], 2), "load_before": round(load, 2)}
    return _keep(options, folder, config, found)


def _finished(folder, config):
    path = folder / RESULT
    if not path.is_file():
        return None
    differing = settings.differences(settings.flatten(api.read_config(folder)), settings.flatten(config))
    if differing:
        raise UserError(
            f"{folder}: trained with other settings ({'; '.join(differing)}); choose another --workdir"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def _keep(options, folder, config, found):
    """Writes the figures, which marks the run as finished; its networks only if they are wanted."""
    images.write_bytes_atomic(folder / RESULT, json.dumps(found, indent=1).encode())
    if not options.keep:
        shutil.rmtree(folder / "checkpoints")
    return found


def _held_out(config):
    source = api.read_source(config)
    return HeldOut(sources.open_sequence(config), source.spec, source.primitive.shape[:2])


def _tflop(config):
    """Steps -> the arithmetic of so many, over all stages."""
    with config.unlocked():
        config = config.copy_and_resolve_references()
        config.train.measure_every = 0
    run = api.build_run(api.read_source(config), config, pathlib.Path())
    each = [
        (
            stage.steps,
            2
            / 1e3
            * arithmetic.lean_step(stage.task, stage.pair.image.shape[:2], run.batch, stage.frozen)[
                "step"
            ],
        )
        for stage in run.stages
    ]

    def of(steps):
        total = 0.0
        for count, tflop in each:
            total += min(steps, count) * tflop
            steps = max(steps - count, 0)
        return total

    return of


def summary(spec: Spec, config, runs: list[dict], plain_run: dict | None) -> dict:
    """The figures of a config over its seeds."""
    found = {
        "config": settings.differences(
            settings.flatten(settings.default()), {**settings.flatten(config), "seed": 0}
        ),
        "steps": config.train.steps,
        "batch": config.train.batch,
        "seeds": [run["seed"] for run in runs],
        "tflop": runs[0]["curve"][-1]["tflop"],
        "seconds": spread([run["seconds"] for run in runs]),
        "lpips": spread([run["lpips"] for run in runs]),
        "lpips_at_the_curves_end": spread([run["curve"][-1]["lpips"] for run in runs]),
    }
    return found | {"plain": plain_run, "runs": runs}


def spread(values: list[float]) -> dict:
    return {
        name: _digits(of(values))
        for name, of in (("median", statistics.median), ("low", min), ("high", max))
    }


def reached(runs: list[dict], target: float) -> dict:
    """The first measurement at or below a target: of the seeds' median, and of every seed."""
    found = {}
    for name, of_seeds in ("median", statistics.median), ("every seed", max):
        for points in zip(*(run["curve"] for run in runs), strict=True):
            if of_seeds([point["lpips"] for point in points]) <= target:
                found[name] = {
                    "step": points[0]["step"],
                    "tflop": points[0]["tflop"],
                    "seconds": statistics.median(point["seconds"] for point in points),
                }
                break
    return found


def comparisons(configs: dict, targets: dict[str, float]) -> dict:
    """Target -> its LPIPS and where each config reaches it."""
    ends = {
        f"end of {label}": statistics.median(run["curve"][-1]["lpips"] for run in of["runs"])
        for label, of in configs.items()
    }
    found = {}
    for name, value in {**targets, **ends}.items():
        places = {label: reached(of["runs"], value) for label, of in configs.items()}
        own = places.get(name.removeprefix("end of "))
        for place in places.values():
            if own and "median" in place:
                place["share"] = _digits(place["median"]["tflop"] / own["median"]["tflop"])
        found[name] = {"lpips": value, "configs": places}
    return found


def _digits(value: float) -> float:
    return float(f"{value:.5g}")


def unchanged(options, spec: Spec, kind: str) -> tuple[dict, str]:
    """LPIPS of the training frame unchanged, over all held-out frames and the curves', and the edges."""
    held_out = _held_out(spec.full(changes_of(options, spec, kind, 0)))

    def same(_):
        return held_out.first

    return {
        name: _digits(protocol.during_training(held_out, count)(same)["lpips_alex"])
        for name, count in (("all", 0), ("curve", options.frames))
    }, held_out.edges_from


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="+", help="quickstart, paper,train.steps=400, file.py:option")
    parser.add_argument("--sequence", required=True, help="as data.sequence: a folder, clip:carphone ...")
    parser.add_argument("--kinds", nargs="+", default=["auto"], help="of primitive, as data.kind")
    parser.add_argument("--size", type=int, default=192, help="as data.max_side; 0: the frames' own")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--points", type=int, default=20, help="measurements during a run")
    parser.add_argument("--frames", type=int, default=8, help="of the curves, as train.measure_frames")
    parser.add_argument("--threshold", type=float, nargs="*", default=[], help="LPIPS of the curves")
    parser.add_argument("--plain", type=int, default=1, choices=(0, 1), help="runs without measuring")
    parser.add_argument("--keep", action="store_true", help="keep the trained networks")
    parser.add_argument(
        "--workdir",
        type=lambda p: pathlib.Path(p).absolute(),
        default=pathlib.Path("runs/time_to_quality").absolute(),
    )
    parser.add_argument("--output", default="")
    return parser.parse_args(arguments)


def measure(options) -> dict:
    """Trains what is not yet trained, seed by seed, and sums everything up."""
    specs = [Spec.read(text) for text in options.configs]
    if len({spec.folder for spec in specs}) < len(specs):
        raise UserError("the configs' names must differ in more than punctuation")
    todo = [(spec, kind) for kind in options.kinds for spec in specs]
    for spec, kind in todo:  # before anything is trained
        config = spec.full(changes_of(options, spec, kind, 0))
        choose_kind(sources.open_sequence(config), config.data.kind)
    runs: dict = {pair: [] for pair in todo}
    plain_runs: dict = dict.fromkeys(todo)

    def cell(spec, kind, seed, *, measured):
        def make():
            if measured:
                runs[spec, kind].append(run(options, spec, kind, seed))
            else:
                plain_runs[spec, kind] = plain(options, spec, kind, seed)
            return True

        about = "" if measured else ", nothing measured"
        return runner.Cell(f"{spec.label}, {kind}, seed {seed}{about}", make, fail=lambda error: None)

    cells = [
        cell(spec, kind, seed, measured=measured)
        for seed in range(options.seeds)
        for spec, kind in todo
        for measured in ((True, False) if options.plain and not seed else (True,))
    ]
    # Each run keeps its own result, and a failure ends the benchmark.
    runner.make_all(cells, noun="run", sweep="benchmark", after_each=lambda: None, forgiven=())
    found = {}
    for kind in options.kinds:
        configs = {
            spec.label: summary(
                spec,
                spec.full(changes_of(options, spec, kind, 0)),
                runs[spec, kind],
                plain_runs[spec, kind],
            )
            for spec in specs
        }
        still, edges_from = unchanged(options, specs[0], kind)
        targets = {f"LPIPS {value:g}": value for value in options.threshold}
        found[kind] = {
            "edges_from": edges_from,
            UNCHANGED: still,
            "configs": configs,
            "reached": comparisons(configs, {**targets, UNCHANGED: still["curve"]}),
        }
    return found


def main():
    options = parse()
    try:
        kinds = measure(options)
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on with the run that was cut short")
    sequence = options.sequence if ":" in options.sequence else pathlib.Path(options.sequence).name
    record.write(
        options.output,
        {
            "sequence": sequence,
            "size": options.size,
            "frames_of_the_curves": options.frames,
            "kinds": kinds,
        },
    )


if __name__ == "__main__":
    main()
