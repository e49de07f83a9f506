"""Training and loading runs of any system, through its `Training`."""

import contextlib
import logging
import pathlib
from collections.abc import Callable
from typing import Any

import ml_collections
import optax

from deepsim_jax.errors import UserError
from deepsim_jax.runtime import locks
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.systems.training import ModelT, SourceT, TrainedT, Training
from deepsim_jax.training import checkpoint, devices, foreground, loop, run_folder
from deepsim_jax.training.listeners import Listener

log = logging.getLogger("deepsim_jax")


def moments(optim: ml_collections.ConfigDict) -> optax.GradientTransformation:
    """The optimisers that the keys of `config.shared.optim` describe, without their learning rates."""
    return optax.scale_by_adam(b1=optim.b1, b2=optim.b2, mu_dtype=optim.mu_dtype)


def loop_arguments(keys: ml_collections.ConfigDict) -> dict[str, Any]:
    """The arguments of a `training.loop.Run` that come from keys of `config.shared.train`.

    Args:
      keys: the section "train" of a config; a system without "measure_every" never measures.
    """
    return {
        "cadence": loop.Cadence(
            log=keys.log_every,
            save=keys.save_every,
            preview=keys.preview_every,
            keep=keys.keep,
            measure=keys.get("measure_every", 0),
        ),
        "tensorboard": keys.tensorboard,
        "steps_per_dispatch": devices.steps_per_dispatch(keys.steps_per_dispatch),
        "precision": keys.precision,
    }


def train(
    training: Training[SourceT, TrainedT, ModelT],
    source: SourceT,
    config: ml_collections.ConfigDict,
    workdir: str | pathlib.Path,
    *,
    extend: bool = False,
    listener: Listener | None = None,
    stop: Callable[[], bool] | None = None,
) -> ModelT:
    """Trains on a source that is already read, or continues an interrupted training.

    Processes that have joined each other (`training.devices.join`) call it alike and get the same
    model; the first alone writes the folder.

    Args:
      training: of the system.
      source: what is trained on.
      config: validated.
      workdir: the run's folder.
      extend: allows an existing run to go on to more steps than it was started with.
      listener: is told how the training goes, instead of the terminal.
      stop: asked after every dispatch of steps whether to save and return; None: Ctrl-C and SIGTERM
        stop the training.

    Returns:
      The model; where it was stopped, as far as it is trained.

    Raises:
      UserError: an unusable config or folder, another process that trains there, or a training that
        failed (`loop.Diverged`).
    """
    workdir = user_path(workdir).absolute()
    with devices.together():
        run = training.build(source, config, workdir)
    if len(set(devices.gather(run_folder.identity(config, source, training.schema)))) > 1:
        raise UserError(
            "the processes were given different photos, primitives or settings; start all of "
            "them with the same command and files"
        )
    with contextlib.ExitStack() as stack:
        with devices.together():
            begun: Callable[[], None] = lambda: None  # noqa: E731
            if devices.is_first():
                stack.enter_context(locks.held(workdir, doing="trains"))
                begun = run_folder.claim(workdir, config, source, training.schema, extend=extend)
        end = foreground.train(run, begun=begun, listener=listener, stop=stop)
    model = training.model(devices.local(end.trained), source, config, workdir=workdir, step=end.step)
    if model.finished:
        log.info("trained %d steps; %s", end.step, training.advice(workdir))
    else:
        log.warning(
            "stopped and saved at step %d of %d; the same command continues from there",
            end.step,
            run.steps,
        )
    return model


def load(training: Training[SourceT, TrainedT, ModelT], workdir: str | pathlib.Path) -> ModelT:
    """The model of a run's folder, from its newest checkpoint; works while it is still training.

    Raises:
      UserError: no run there, or a damaged file.
    """
    workdir = user_path(workdir).absolute()
    config = run_folder.read_config(workdir, training.schema)
    source = training.load_source(workdir / "pair")
    with checkpoint.newest(workdir) as (saver, step):
        trained = training.restore(source, config, workdir, saver, step)
    model = training.model(trained, source, config, workdir=workdir, step=step)
    if not model.finished:
        total = training.total_steps(config, source)
        log.warning("%s: trained for %d of %d steps so far", workdir, step, total)
    return model
