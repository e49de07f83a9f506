"""The verbs of DeepSIM."""

import functools
import logging
import pathlib

from deepsim_jax.errors import UserError
from deepsim_jax.images import compositing
from deepsim_jax.sequences import editing
from deepsim_jax.systems import runs
from deepsim_jax.systems.contract import Call
from deepsim_jax.systems.deepsim import documents, recipes, report
from deepsim_jax.systems.deepsim import source as sources
from deepsim_jax.systems.deepsim.config import SCHEMA
from deepsim_jax.systems.deepsim.training import TRAINING, untrained
from deepsim_jax.training import run_folder

log = logging.getLogger("deepsim_jax")


def edit(call: Call):
    """Applies edited primitives and adds them to the report page.

    Raises:
      UserError: an unusable primitive, recipe, mask or output.
    """
    source, output = pathlib.Path(call.input), pathlib.Path(call.output)
    model = _open_model(call)
    edited = functools.partial(model.edit, keep=model.read_keep(call.keep), engine=call.engine)
    if call.amounts:
        _sweep(call, model, source, output, edited)
        return
    if source.suffix == ".json":
        compositing.check_name(output)
        recipe_edit = model.follow_recipe(source)
        ends = [
            (
                recipe_edit.primitive,
                edited(**recipe_edit._asdict()),
                recipe_edit.field,
                recipe_edit.pieces,
            )
        ]
        model.write(output, ends[0][1])
    else:
        ends = [
            (*pair, None, None)
            for pair in editing.edit_path(
                edited,
                source,
                output,
                read=lambda path: model.read_primitive(path, name="input"),
                size=model.primitive.shape[:2],
                original=model.original,
            )
        ]
    log.info("%s: %dx%d px", output, ends[0][1].shape[1], ends[0][1].shape[0])
    _report(call, model, [(source.stem, *end) for end in ends], output)


def _open_model(call):
    """Opens the model of the run in the folder, or of the config's photo where there is no run."""
    if call.workdir is not None and (call.config is None or run_folder.is_run(call.workdir)):
        if call.config is not None:
            run_folder.warn_of_other_settings(call.workdir, call.config, SCHEMA, verb=call.spelling)
        return runs.load(TRAINING, call.workdir)
    if call.config is None:
        raise UserError(f"--workdir of a run, or a --config with a photo, is needed for {call.spelling}")
    if call.workdir is not None:
        log.warning(
            "--workdir=%s: there is no run; the photo of the --config is edited, with nothing trained",
            call.workdir,
        )
    return untrained(sources.read(call.config))


def _report(call, model, edits, output):
    """Adds edits (name, primitive, result, field, pieces) to the run's page; else names the output."""
    if model.workdir is None:
        print(output)
        return
    for name, primitive, result, field, pieces in edits:
        # Beside a network's picture alone a copy is not worth the flows that it needs.
        copied = None if call.engine == "network" else model.copy(primitive, field, pieces)
        report.keep_edit(model.workdir, name, primitive, result, copied)
    print(report.write(model.workdir))


def _sweep(call, model, source, output, edited):
    """Follows a recipe by several amounts and writes a strip: primitives above, results below."""
    try:
        amounts = [float(amount) for amount in call.amounts]
    except ValueError as error:
        raise UserError(f"--amounts={','.join(call.amounts)}: numbers are needed") from error
    if source.suffix != ".json":
        raise UserError(f"--amounts scales the movements of a recipe, --input={source} is none (.json)")
    recipe, ends = recipes.read(source), []
    _, unit = recipes.steps_of(recipe, *model.primitive.shape[:2])
    in_turn = documents.takes_hold(documents.unfold(recipe, model.primitive, model.spec), unit=unit)
    for amount in amounts:
        recipe_edit = model.follow_recipe(recipes.scaled(recipe, amount, in_turn=in_turn))
        ends.append(
            (
                recipe_edit.primitive,
                edited(**recipe_edit._asdict()),
                recipe_edit.field,
                recipe_edit.pieces,
            )
        )
    compositing.write_picture(output, compositing.strip([(drawn, made) for drawn, made, *_ in ends]))
    names = [f"{source.stem}-x{amount:g}" for amount in amounts]
    _report(call, model, [(name, *end) for name, end in zip(names, ends, strict=True)], output)
