"""From a config of DeepSIM to its training: the one place that translates keys into plain arguments."""

import dataclasses
import logging
import math

import jax

from deepsim_jax.errors import UserError
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.systems import runs
from deepsim_jax.systems.deepsim import augment, pair
from deepsim_jax.systems.deepsim import config as keys
from deepsim_jax.systems.deepsim import source as sources
from deepsim_jax.systems.deepsim import task as deepsim
from deepsim_jax.systems.deepsim.evaluation import protocol
from deepsim_jax.systems.deepsim.evaluation.held_out import HeldOut
from deepsim_jax.systems.deepsim.model import Model
from deepsim_jax.training import checkpoint, devices, loop, stages
from deepsim_jax.training import run_folder as rundir
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps
from deepsim_jax.weights import pretrained

log = logging.getLogger("deepsim_jax")


def architecture(config) -> deepsim.Architecture:
    """The generator's sizes that a config names."""
    model = config.model
    return deepsim.Architecture(
        kind=model.generator,
        filters=model.filters,
        downsamplings=model.downsamplings,
        blocks=model.blocks,
        local_blocks=model.local_blocks,
        dtype=model.dtype,
    )


def augmentation(config, **changes) -> augment.Augmentation:
    """How a config draws samples; `changes` replace single attributes of `augment.Augmentation`."""
    draws = {
        k: tuple(v) if isinstance(v, list | tuple) else v
        for k, v in config.augment.to_dict().items()
        if k != "canny_sigmas"
    }
    return augment.Augmentation(**{**draws, **changes})


def _task(config):
    loss = config.loss
    return deepsim.Task(
        architecture=architecture(config),
        augmentation=augmentation(config),
        d_filters=config.model.d_filters,
        d_layers=config.model.d_layers,
        d_scales=config.model.d_scales,
        adversarial=loss.adversarial,
        adversarial_weight=loss.adversarial_weight,
        feature_matching=loss.feature_matching,
        perceptual_weight=loss.perceptual_weight,
        perceptual_depth=loss.perceptual_depth,
        perceptual_levels=loss.perceptual_levels,
        perceptual_normalise=loss.perceptual_normalise,
    )


def build_run(source, config, workdir) -> loop.Run:
    """The one place that translates a config of DeepSIM into plain arguments."""
    loss, optim, cadence = config.loss, config.optim, config.train
    sizes, task, moments = architecture(config), _task(config), runs.moments(optim)
    sigmas = tuple(config.augment.canny_sigmas) if config.augment.canny > 0 else ()
    frozen, initial = _perceptual_weights(loss, cadence.steps), _initial(config, workdir)

    def stage(source, count, constant, number, scale=1.0):
        height, width = source.primitive.shape[:2]
        # At half the size, one level fewer gives VGG windows of the same size.
        levels = max(1, task.perceptual_levels + round(math.log2(scale)))
        if frozen is not None:
            _check_windows(height, width, levels, loss)
        return stages.JointStage(
            task=dataclasses.replace(task, perceptual_levels=levels),
            seed=config.seed + number,
            effort=height * width * (1 if frozen is None else _effort_per_pixel(levels)),
            title=f"at {width}x{height} px" if coarse else "",
            updates=steps.Updates(
                moments=moments,
                g_rate=optim.g_rate,
                d_rate=optim.d_rate,
                steps=count,
                constant_steps=constant,
                ema=cadence.ema,
            ),
            pair=pair.to_device(source, multiple=sizes.multiple, canny_sigmas=sigmas),
            frozen=frozen,
            initial=initial,
            dtype=sizes.dtype,
        )

    coarse = keys.coarse_steps(config)
    fine = cadence.steps - coarse
    scale = cadence.coarse_scale
    trained = [stage(_coarse(source, scale), coarse, coarse, 0, scale)] if coarse else []
    trained.append(stage(source, fine, round(fine * cadence.constant_fraction), len(trained)))
    return loop.Run(
        workdir=workdir,
        stages=tuple(trained),
        batch=cadence.batch,
        device_count=devices.choose(
            cadence.batch, cadence.devices, available=jax.device_count(), processes=jax.process_count()
        ),
        **runs.loop_arguments(cadence),
        preview=_preview(source, sizes),
        measure=_held_out_measure(source, sizes, config),
    )


def _initial(config, workdir):
    """The networks of the newest checkpoint of the run that `train.start_from` names.

    None to begin with random ones, or if the run in the workdir has begun and has its own.
    """
    if not config.train.start_from or rundir.is_run(workdir):
        return None
    folder = user_path(config.train.start_from).absolute()
    if rundir.read_system(folder) not in (keys.SCHEMA.system, None):
        raise UserError(f"train.start_from={folder}: a run of DeepSIM is needed")
    start_config = rundir.read_config(folder, keys.SCHEMA)
    differing = [
        f"model.{key}={config.model[key]}, there {value}"
        for key, value in start_config.model.items()
        if key != "dtype" and value != config.model[key]
    ]
    if differing:
        raise UserError(
            f"train.start_from={folder}: its networks have other sizes than this config's "
            f"({'; '.join(differing)}); set train.start_from= to begin with random ones"
        )
    shapes = jax.eval_shape(
        lambda: states.create(
            _task(start_config).init(jax.random.key(0)),
            runs.moments(start_config.optim),
            averaged=("generator",) if start_config.train.ema > 0 else (),
        )
    )
    with checkpoint.newest(folder) as (saver, step):
        state, _ = states.from_trees(saver.restore(step, states.to_trees(shapes)))
    log.info("beginning with the networks of %s", config.train.start_from)
    return {"generator": state.best("generator"), "discriminator": state.params["discriminator"]}


def _effort_per_pixel(levels):
    """How long a step takes for a pixel, as a share of one in which VGG sees the whole picture.

    In the quickstart's step VGG takes three fifths of the time; at several levels it sees fewer pixels.
    """
    return 0.4 + 0.6 * levels / 4 ** (levels - 1)


def _coarse(source, scale):
    try:
        return pair.reduced(source, scale)
    except UserError as error:
        raise UserError(
            f"train.coarse_steps: this pair at train.coarse_scale={scale} of its size is too "
            f"small ({error}); set train.coarse_steps=0"
        ) from error


def _check_windows(height, width, levels, loss):
    """Refuses a picture whose windows are too small for VGG, with the keys that would help."""
    parts, least = 2 ** (levels - 1), 2 ** (loss.perceptual_depth - 1)
    if levels > 1 and min(height, width) // parts < least:
        raise UserError(
            f"loss.perceptual_levels={loss.perceptual_levels}: windows of {width // parts}x"
            f"{height // parts} pixels of a picture of {width}x{height} are too small for VGG's "
            f"{loss.perceptual_depth} activations, which need {least}; choose fewer levels"
        )


def _held_out_measure(source, sizes, config):
    if not config.train.measure_every:
        return None
    if not config.data.sequence:
        raise UserError(
            "train.measure_every: the held-out frames of data.sequence are measured; give "
            "--config.data.sequence=folder-of-frames, or set it to 0"
        )
    held_out = HeldOut(sources.open_sequence(config), source.spec, source.primitive.shape[:2])
    measure = protocol.during_training(held_out, config.train.measure_frames)
    return lambda params: measure(Model(sizes, params, primitive=source.primitive, spec=source.spec).edit)


def _perceptual_weights(loss, steps):
    if steps == 0 or loss.perceptual == "none" or loss.perceptual_weight == 0:
        return None
    if loss.perceptual == "vgg19":
        return pretrained.load_vgg19(loss.vgg19_file or None)
    return pretrained.load_vgg16()


def _preview(source, sizes):
    def pictures(params):
        model = Model(sizes, params, primitive=source.primitive, spec=source.spec)
        return [source.primitive, model.edit(source.primitive, engine="network"), source.image]

    return pictures
