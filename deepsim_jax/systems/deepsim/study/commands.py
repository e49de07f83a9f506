"""The verbs that measure: "evaluate", "analyse" and DeepSIM's tables."""

import json
import pathlib

from deepsim_jax.errors import UserError
from deepsim_jax.sequences import frames
from deepsim_jax.systems import runs
from deepsim_jax.systems.contract import Call
from deepsim_jax.systems.deepsim import source as sources
from deepsim_jax.systems.deepsim.config import SCHEMA
from deepsim_jax.systems.deepsim.evaluation import protocol
from deepsim_jax.systems.deepsim.study import nearest_patches, tables
from deepsim_jax.systems.deepsim.training import TRAINING
from deepsim_jax.training import run_folder


def evaluate(call: Call):
    """Measures a run on the frames of a sequence that it was not trained on.

    Raises:
      UserError: the sequence cannot be read, or the run was not trained on a frame of it.
    """
    sequence = _sequence(call)
    folder = pathlib.Path(call.output) if call.output else call.folder / "evaluations" / sequence.name
    model = runs.load(TRAINING, call.folder)
    results = model.evaluate(sequence, folder=folder, inception=call.inception)
    print(protocol.summary(results))
    print(folder / "report.html")


def analyse(call: Call):
    """How new the patches of a test drawing are, and where the network errs.

    Raises:
      UserError: no such sequence or frame.
    """
    sequence = _sequence(call)
    result = nearest_patches.nearest_patches(call.folder, sequence, frame=call.frame, folder=call.output)
    print(json.dumps(result, indent=1))
    default = call.folder / "analysis" / f"{sequence.name}-{result['frame']}"
    print((pathlib.Path(call.output) if call.output else default) / "report.html")


def table(call: Call, inputs: list[str]) -> dict:
    """Trains and evaluates every row of a table on every sequence: `study.tables.run`."""
    return tables.run(
        call.folder, inputs, call.config, rows=call.rows, seeds=call.seeds, inception=call.inception
    )


def _sequence(call):
    """Opens the sequence that --input names, by default the one that the run was trained on."""
    config = run_folder.read_config(call.folder, SCHEMA)
    if call.input:
        return frames.only_sequence(call.input, limit=config.data.frames)
    if not config.data.sequence:
        raise UserError("--input is needed: this run was not trained on a frame of a sequence")
    return sources.open_sequence(config)
