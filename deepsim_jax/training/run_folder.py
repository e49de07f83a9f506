"""A run's folder: claims it for a run, and checks a second start in it.

config.json      the config, the pair's hash, the version; written last, it makes the folder a run
pair/            what is trained on: the pair, or the photo alone
checkpoints/     by step
metrics.jsonl    the losses
samples/         previews during training
edits/           edits made from the command line: pictures, and a record of each
made/            pictures that SinGAN has made from the command line, likewise
report.html      all of it on one page
"""

import hashlib
import json
import logging
import os
import pathlib
import shutil
from collections.abc import Callable
from typing import Protocol

import ml_collections

from deepsim_jax.config.flat import differences, flatten
from deepsim_jax.config.schema import Schema
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as image_io

log = logging.getLogger("deepsim_jax")

CONFIG = "config.json"
STARTING = "config.json.starting"
OURS = ("pair", "checkpoints", "samples", "metrics.jsonl")


class Source(Protocol):
    """The training data of a run."""

    def hash(self) -> str:
        """A digest of all of it."""
        ...

    def save(self, folder: pathlib.Path) -> None:
        """Writes it into a folder."""
        ...


def claim(
    workdir: pathlib.Path,
    config: ml_collections.ConfigDict,
    source: Source,
    schema: Schema,
    *,
    extend: bool,
) -> Callable[[], None]:
    """Makes a folder the home of a run, or checks that it is this run's already.

    Args:
      workdir: the folder, which may not exist yet.
      config: validated.
      source: what is trained on.
      schema: of the config.
      extend: whether `train.steps` may be larger than when the run was started.

    Returns:
      A function to call when the first checkpoint is saved; only then is the folder a run. A start
      that was killed before leaves a mark, by which the next start may clear its remains.

    Raises:
      UserError: the folder holds another run (naming what differs), something else, or cannot be
        written.
    """
    _check_name(workdir)
    record = {"config": flatten(config), "pair": source.hash()}
    text = json.dumps(record, indent=1).encode()
    if is_run(workdir):
        if _must_grow(workdir, record, schema, extend):
            return lambda: image_io.write_bytes_atomic(workdir / CONFIG, text)
        return lambda: None
    if (workdir / STARTING).is_file():
        for name in ("pair", "checkpoints"):
            shutil.rmtree(workdir / name, ignore_errors=True)
    else:
        foreign = [name for name in OURS if (workdir / name).exists()]
        if foreign:
            raise UserError(
                f"{workdir}: holds {foreign[0]} but no {CONFIG}, so it is not a run of this "
                "program; choose another workdir"
            )
    image_io.write_bytes_atomic(workdir / STARTING, text)
    source.save(workdir / "pair")
    return lambda: os.replace(workdir / STARTING, workdir / CONFIG)


def _must_grow(workdir, record, schema, extend) -> bool:
    """Whether the stored config must be rewritten because the run is extended."""
    stored, pair_hash = _read_flat(workdir)
    old, new = _completed(workdir, stored, schema), dict(record["config"])
    old_steps, new_steps = old.pop("train.steps", None), new.pop("train.steps")
    differing = _differing(old, new, schema, same_pair=pair_hash == record["pair"])
    if old_steps != new_steps:
        same_system = stored.get("system", schema.system) == schema.system
        may_extend = (
            same_system and new_steps > old_steps and schema.is_extendable(schema.unflatten(stored))
        )
        if not (extend and may_extend):
            advice = " (--extend allows more)" if may_extend else ""
            differing.append(f"train.steps: {old_steps} -> {new_steps}{advice}")
    if differing:
        raise UserError(
            f"{workdir}: holds a run with other settings ({'; '.join(differing)}); "
            "choose another workdir or repeat the old settings"
        )
    return old_steps != new_steps


def read_config(workdir: pathlib.Path, schema: Schema) -> ml_collections.ConfigDict:
    """The config of the run in a folder.

    Raises:
      UserError: there is none, or it is damaged.
    """
    stored, _ = _read_flat(workdir)
    return _validated(workdir, stored, schema)


def read_system(workdir: pathlib.Path) -> str | None:
    """The name of the system that the run in a folder is of, None in the oldest runs.

    Raises:
      UserError: there is no run, or its config is damaged.
    """
    stored, _ = _read_flat(workdir)
    return stored.get("system")


def run_differences(
    workdir: pathlib.Path, config: ml_collections.ConfigDict, source: Source, schema: Schema
) -> list[str]:
    """The differences between a folder's run and another, in words; raises as `read_config` does."""
    stored, pair_hash = _read_flat(workdir)
    old = _completed(workdir, stored, schema)
    return _differing(old, flatten(config), schema, same_pair=pair_hash == source.hash())


def _differing(old, new, schema, *, same_pair):
    words = differences(old, new, ignore=schema.source_keys)
    return words + ["another photo or primitive"] * (not same_pair)


def warn_of_other_settings(
    workdir: pathlib.Path, config: ml_collections.ConfigDict, schema: Schema, *, verb: str
) -> None:
    """Says in one line where a config that a verb leaves aside differs from that of the run.

    Args:
      workdir: of the run, with whose own settings and photo the verb works.
      config: what was given beside it; a source that it does not name is none that differs.
      schema: of the run's system.
      verb: as the user wrote it.

    Raises:
      UserError: the run's config is damaged.
    """
    given = flatten(config)
    unnamed = [key for key in schema.source_keys if not given.get(key)]
    words = differences(flatten(read_config(workdir, schema)), given, ignore=unnamed)
    if words:
        log.warning(
            "%s: the run's own photo and settings are used, the --config is left aside (%s)",
            verb,
            "; ".join(words),
        )


def identity(config: ml_collections.ConfigDict, source: Source, schema: Schema) -> str:
    """A digest of a run's settings, without the paths of its files, and of its pair."""
    flat = {key: value for key, value in flatten(config).items() if key not in schema.source_keys}
    return hashlib.sha256(json.dumps([flat, source.hash()]).encode()).hexdigest()


def is_run(workdir: pathlib.Path) -> bool:
    """Whether the folder holds a run."""
    return (workdir / CONFIG).is_file()


def _check_name(workdir):
    """Refuses a name that is no text: the library that keeps checkpoints opens names in UTF-8 alone."""
    try:
        str(workdir).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"{workdir}: a name that is no UTF-8; rename it, or choose another workdir"
        ) from error


def _read_flat(workdir):
    """(flat config, hash of the pair) of the run in a folder, not validated."""
    _check_name(workdir)
    path = workdir / CONFIG
    if (workdir / STARTING).is_file() and not path.is_file():
        raise UserError(f"{workdir}: its training was stopped before it began; start it again")
    if not path.is_file():
        raise UserError(f"{workdir}: no run in this folder (no {CONFIG})")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return dict(record["config"].items()), str(record["pair"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: damaged ({error}); restore it from a copy") from error


def _validated(workdir, stored, schema):
    try:
        return schema.unflatten(stored)
    except UserError as error:
        raise UserError(f"{workdir / CONFIG}: damaged ({error}); restore it from a copy") from error


def _completed(workdir, stored, schema):
    """A stored flat config with defaults for keys that it lacks; another system's stays as it is."""
    if stored.get("system", schema.system) != schema.system:
        return dict(stored)
    return flatten(_validated(workdir, stored, schema))
