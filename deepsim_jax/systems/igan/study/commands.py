"""iGAN's tables on the command line: trains what each of them compares."""

import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from deepsim_jax.config.flat import flatten
from deepsim_jax.errors import UserError
from deepsim_jax.systems import runs
from deepsim_jax.systems.contract import Call
from deepsim_jax.systems.igan import collection, projection
from deepsim_jax.systems.igan.config import SCHEMA
from deepsim_jax.systems.igan.listings import StoredListing
from deepsim_jax.systems.igan.model import IganModel
from deepsim_jax.systems.igan.study import tables
from deepsim_jax.systems.igan.training import TRAINING

_MEASURED = 100  # held-out pictures of each collection


def run(call: Call, inputs: Sequence[str]) -> dict:
    """Makes a table, or goes on with it.

    Args:
      call: with "rows" and a config of iGAN.
      inputs: for "reconstruction" one collection, by default the config's; for "classes" two or more, of
        different names, with their labels after a colon where they are labelled ("mnist:5+7"); for
        "transfers" photos to edit, of the kind of the config's collection.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: another system's config, or unusable inputs.
    """
    config, workdir = call.config, call.workdir
    assert config is not None and workdir is not None  # the verb does not do without
    if config.system != SCHEMA.system:
        raise UserError(
            f"--rows={call.rows} is a table of iGAN, the config is for {config.system}; take one such as "
            "igan_quickstart"
        )
    return _TABLES[call.rows](config, workdir, inputs, {"settings": flatten(config)})


def _reconstruction(config, workdir, inputs, common):
    if len(inputs) > 1:
        raise UserError(f"--rows=reconstruction: --input names {len(inputs)} collections; give one")
    spec = inputs[0] if inputs else config.data.pictures
    model = _trained(collection.read(config, spec), config, workdir / "run")
    if model is None:
        return _stopped(workdir)
    held_out = collection.evenly(model.collection.held_out, _MEASURED)
    solvers = {name: functools.partial(_rebuilt, model, solver=name) for name in tables.SOLVERS}
    return tables.reconstruction(workdir, {_name(spec): held_out}, solvers, **common)


def _classes(config, workdir, inputs, common):
    named: dict[str, str] = {}
    for spec in inputs:
        other = named.setdefault(_name(spec), spec)
        if other != spec:
            raise UserError(
                f"--input={other},{spec}: both are called {_name(spec)} in the table; rename one of them"
            )
    stored = {}
    for name, spec in named.items():
        folder = workdir / "collections" / name
        if not (folder / collection.RECORD).is_file():
            collection.read(*_labelled(config, spec)).save(folder)
        stored[name] = collection.load(folder)

    def train(names, folder):
        listing = StoredListing([stored[name].pictures for name in names])
        source = collection.Unread(listing, config.data.size)
        model = _trained(source, config, folder)
        return None if model is None else functools.partial(_rebuilt, model, solver="hybrid")

    held_out = {name: collection.evenly(found.held_out, _MEASURED) for name, found in stored.items()}
    return tables.classes(workdir, held_out, train, **common)


def _transfers(config, workdir, inputs, common):
    model = _trained(collection.read(config), config, workdir / "run")
    if model is None:
        return _stopped(workdir)

    def project(photo):
        found = model.project(photo)
        return found.latent, found.framed.box

    return tables.transfers(workdir, inputs, project, model.generate, **common)


def _trained(source, config, folder: pathlib.Path) -> IganModel | None:
    model: Any = runs.train(TRAINING, source, config, folder)
    return model if model.finished else None


def _stopped(workdir):
    """What the verb is told where the training that a table begins with was stopped."""
    return {"findings": [f"{workdir}: the training was stopped"], "pending": ["run"]}


def _rebuilt(model: IganModel, pictures: np.ndarray, *, solver: str) -> np.ndarray:
    return projection.project(model.learned, model.perception, pictures, solver=solver).pictures


def _name(spec):
    source, colon, labels = spec.rpartition(":")
    tidy = source.rstrip("/\\") + colon + labels  # as "shoes/:5+7"
    return (pathlib.Path(tidy).name or spec).replace(":", "-")


def _labelled(config, spec):
    """(config, source) of an input, whose labels may stand at its end: FOLDER:5+7."""
    source, _, labels = spec.rpartition(":")
    if source in ("", "tfds") or not all(label.isdecimal() for label in labels.split("+")):
        return config, spec
    config = config.copy_and_resolve_references()
    config.data.classes = labels.replace("+", ",")
    return config, source


_TABLES = {"reconstruction": _reconstruction, "classes": _classes, "transfers": _transfers}
