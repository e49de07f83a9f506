"""What a program calls: `train` and `load` for both systems, and what each of them has beside."""

import logging
import pathlib

from deepsim_jax import rundir, settings, sources
from deepsim_jax.api import deepsim, singan
from deepsim_jax.api.deepsim import Model, import_torch, make_primitive
from deepsim_jax.api.singan import SinganModel
from deepsim_jax.errors import UserError
from deepsim_jax.training import checkpoint, devices, loop

__all__ = ["Model", "SinganModel", "import_torch", "load", "make_primitive", "train"]

log = logging.getLogger("deepsim_jax")

_SYSTEMS = {"deepsim": deepsim, "singan": singan}


def train(
    image, primitive=None, *, config="quickstart", workdir, extend=False
) -> Model | SinganModel:
    """Trains on one photo, or continues an interrupted training.

    Args:
      image: path or uint8 array (H, W, 3) of the photo.
      primitive: for DeepSIM: path or uint8 array of its primitive, of the same size; None: the config's,
        or made automatically, of the kind that the config names.
      config: the name of a shipped config ("quickstart", "paper", "fast", "local_enhancer", and of SinGAN
        "singan_quickstart", "singan_paper", "singan_fast"; an option after a colon:
        "quickstart:tiny"), the path of a config file, or a ConfigDict.
      workdir: the run's folder. If it holds an interrupted run of the same config and pair, that run
        is continued; a finished one is loaded.
      extend: allows a run of DeepSIM to continue with more steps than it was started with.

    Returns:
      The trained model. After Ctrl-C: the model as far as it is trained.

    Raises:
      UserError: an unusable photo, config or folder. `training.loop.Diverged`, a kind of it: the
        training failed; the last good checkpoint is kept.
    """
    config = settings.load(config)
    with config.unlocked():
        for key, value in (("image", image), ("primitive", primitive)):
            if value is not None and key in config.data:
                config.data[key] = str(value) if isinstance(value, str | pathlib.Path) else ""
    with devices.together():
        source = sources.read_source(config, image, primitive)
    return train_source(source, config, workdir, extend=extend)


def train_source(source, config, workdir, *, extend: bool = False) -> Model | SinganModel:
    """`train`, from what is already read (`sources.read_source`).

    Processes that have joined each other (`training.devices.join`) call it alike and get the same
    model; the first alone writes the folder.
    """
    workdir, system = pathlib.Path(workdir).absolute(), _SYSTEMS[config.system]
    with devices.together():
        run = system.build_run(source, config, workdir)
    if len(set(devices.gather(rundir.identity(config, source)))) > 1:
        raise UserError("the processes were given different photos, primitives or settings; start all of "
                        "them with the same command and files")
    with devices.together():
        begun = (rundir.claim(workdir, config, source, extend=extend) if devices.is_first()
                 else lambda: None)
    end = loop.train(run, begun=begun)
    model = system.model(devices.local(end.left), source, config, workdir=workdir, step=end.step)
    if model.finished:
        log.info("trained %d steps; %s", end.step, system.advice(workdir))
    else:
        log.warning("stopped and saved at step %d of %d; the same command continues from there",
                    end.step, run.steps)
    return model


def build_run(source, config, workdir) -> loop.Run:
    """The training that a config describes, with all that it is to be trained on."""
    return _SYSTEMS[config.system].build_run(source, config, workdir)


def total_steps(config, source) -> int:
    """How many steps that training has, over all its stages."""
    return _SYSTEMS[config.system].total_steps(config, source)


def load(workdir) -> Model | SinganModel:
    """The model of a run's folder, from its newest checkpoint; works while it is still training.

    Raises:
      UserError: no run there, or a damaged file.
    """
    workdir = pathlib.Path(workdir).absolute()
    config = rundir.read_config(workdir)
    system, source = _SYSTEMS[config.system], sources.load_source(config, workdir / "pair")
    with checkpoint.newest(workdir) as (saver, step):
        left = system.restore(source, config, workdir, saver, step)
    model = system.model(left, source, config, workdir=workdir, step=step)
    if not model.finished:
        log.warning("%s: trained for %d of %d steps so far", workdir, step, total_steps(config, source))
    return model
