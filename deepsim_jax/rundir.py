"""A run's folder: whose it is, and what a second start in it may do.

    config.json      the config, the pair's hash, the version; written last, it makes the folder a run
    pair/            what is trained on: the pair, or the photo alone
    checkpoints/     by step
    metrics.jsonl    the losses
    samples/         previews during training
    edits/           edits made from the command line
    made/            pictures that SinGAN has made from the command line
    report.html      all of it on one page
"""

import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable

from deepsim_jax import settings
from deepsim_jax.data import images, pair, photo
from deepsim_jax.errors import UserError

CONFIG = "config.json"
STARTING = "config.json.starting"
Source = pair.Source | photo.Photo
OURS = ("pair", "checkpoints", "samples", "metrics.jsonl")


def claim(workdir: pathlib.Path, config, source: Source, *, extend: bool) -> Callable[[], None]:
    """Makes a folder the home of a run, or checks that it is this run's already.

    Args:
      workdir: the folder, which may not exist yet.
      config: validated.
      source: what is trained on.
      extend: whether `train.steps` may be larger than when the run was started.

    Returns:
      A function to call when the first checkpoint is saved; only then is the folder a run. A start
      that was killed before leaves a mark, by which the next start may clear its remains.

    Raises:
      UserError: the folder holds another run (naming what differs), something else, or cannot be
        written.
    """
    record = {"config": settings.flatten(config), "pair": source.hash()}
    text = json.dumps(record, indent=1).encode()
    if (workdir / CONFIG).is_file():
        if _same_run(workdir, record, extend):
            return lambda: images.write_bytes_atomic(workdir / CONFIG, text)
        return lambda: None
    if (workdir / STARTING).is_file():
        for name in ("pair", "checkpoints"):
            shutil.rmtree(workdir / name, ignore_errors=True)
    else:
        found = [name for name in OURS if (workdir / name).exists()]
        if found:
            raise UserError(f"{workdir}: holds {found[0]} but no {CONFIG}, so it is not a run of this "
                            "program; choose another workdir")
    images.write_bytes_atomic(workdir / STARTING, text)
    source.save(workdir / "pair")
    return lambda: os.replace(workdir / STARTING, workdir / CONFIG)


def _same_run(workdir, record, extend) -> bool:
    """Whether the stored config must be rewritten because the run is extended."""
    stored, hash_of_pair = _read(workdir)
    old, new = settings.flatten(stored), dict(record["config"])
    before, after = old.pop("train.steps"), new.pop("train.steps")
    differing = _differing(old, new, same_pair=hash_of_pair == record["pair"])
    more = after > before and settings.extendable(stored)
    if before != after and not (extend and more):
        advice = " (--extend allows more)" if more else ""
        differing.append(f"train.steps: {before} -> {after}{advice}")
    if differing:
        raise UserError(f"{workdir}: holds a run with other settings ({'; '.join(differing)}); "
                        "choose another workdir or repeat the old settings")
    return before != after


def read_config(workdir: pathlib.Path):
    """The config of the run in a folder.

    Raises:
      UserError: there is none, or it is damaged.
    """
    return _read(workdir)[0]


def differences(workdir: pathlib.Path, config, source: Source) -> list[str]:
    """What differs between the run in a folder and another, in words; raises as `read_config` does."""
    stored, hash_of_pair = _read(workdir)
    return _differing(settings.flatten(stored), settings.flatten(config),
                      same_pair=hash_of_pair == source.hash())


def _differing(old, new, *, same_pair):
    return settings.differences(old, new) + ["another photo or primitive"] * (not same_pair)


def identity(config, source: Source) -> str:
    """A digest of what makes a run what it is: the settings, its files' places aside, and the pair."""
    flat = {k: v for k, v in settings.flatten(config).items() if k not in settings.SOURCE_KEYS}
    return hashlib.sha256(json.dumps([flat, source.hash()]).encode()).hexdigest()


def is_run(workdir: pathlib.Path) -> bool:
    """Whether the folder holds a run."""
    return (workdir / CONFIG).is_file()


def _read(workdir):
    """(config, hash of the pair) of the run in a folder."""
    path = workdir / CONFIG
    if (workdir / STARTING).is_file() and not path.is_file():
        raise UserError(f"{workdir}: its training was stopped before it began; start it again")
    if not path.is_file():
        raise UserError(f"{workdir}: no run in this folder (no {CONFIG})")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return settings.unflatten(dict(record["config"].items())), str(record["pair"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: damaged ({error}); restore it from a copy") from error
