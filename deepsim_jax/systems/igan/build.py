"""From a config of iGAN to its training: the one place that translates keys into plain arguments."""

from typing import Any

import jax
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import ranges
from deepsim_jax.systems import runs
from deepsim_jax.systems.igan import collection, measuring
from deepsim_jax.systems.igan.learned import Learned
from deepsim_jax.systems.igan.networks import Sizes
from deepsim_jax.systems.igan.perception import Perception, perception
from deepsim_jax.systems.igan.stages import EncoderStage, GameStage, Pictures
from deepsim_jax.training import devices, loop
from deepsim_jax.training import step as steps

_SHOWN, _ROW = 32, 8  # samples of a preview, in rows
_REBUILT = 8


def sizes(config) -> Sizes:
    """The sizes of the networks that a config describes."""
    model = config.model
    return Sizes(
        size=config.data.size,
        latent=model.latent,
        g_filters=model.g_filters,
        d_filters=model.d_filters,
        most_filters=model.most_filters,
        kernel=model.kernel,
        d_norm=model.d_norm,
        spread=model.spread,
        dtype=model.dtype,
    )


def cost(config) -> Perception:
    """What a projection minimises."""
    return perception(config.perception.weight, config.perception.size)


def build_run(source, config, workdir) -> loop.Run:
    """The two stages of a run; the collection is opened, from the run's folder, when it is trained on."""
    if jax.process_count() > 1:
        raise UserError("iGAN trains in one process, on all its devices: start it without --distributed")
    pictures = Pictures(workdir / "pair", mirror=config.data.mirror)
    optim, cadence = config.optim, config.train
    moments = runs.moments(optim)

    def updates(count, g_rate, d_rate, ema):
        return steps.Updates(
            moments=moments,
            g_rate=g_rate,
            d_rate=d_rate,
            steps=count,
            constant_steps=round(count * cadence.constant_fraction),
            ema=ema,
        )

    network = sizes(config)
    common: dict[str, Any] = dict(sizes=network, seed=config.seed, pictures=pictures)
    game = GameStage(
        **common,
        updates=updates(cadence.steps, optim.g_rate, optim.d_rate, cadence.ema),
        d_updates=optim.d_updates,
        l2=config.loss.l2,
        r1=config.loss.r1,
        r1_every=config.loss.r1_every,
        augmented=cadence.augment,
        samples=config.model.statistics,
        coverage=config.loss.coverage,
    )
    encoder = EncoderStage(
        **common,
        updates=updates(config.encoder.steps, config.encoder.rate, 0.0, 0.0),
        perception=cost(config),
    )
    return loop.Run(
        workdir=workdir,
        stages=(game, encoder),
        batch=cadence.batch,
        device_count=devices.choose(cadence.batch, cadence.devices, available=jax.device_count()),
        **runs.loop_arguments(cadence),
        preview=lambda left: preview(left, pictures),
        measure=measuring.Measure(pictures) if cadence.measure_every else None,
    )


def total_steps(config, source) -> int:
    """How many steps a training has, over both stages."""
    return config.train.steps + config.encoder.steps


def preview(left: Learned, pictures: Pictures) -> list[np.ndarray]:
    """Samples of fixed z; beside them, once there is an encoder, pictures and what it makes of them."""
    shown = [measuring.tiled(measuring.samples(left, _SHOWN), _ROW)]
    if left.encoder is not None:
        held_out = collection.evenly(measuring.reference(pictures.collection), _REBUILT)
        rebuilt = ranges.to_uint8(measuring.rebuilt(left, ranges.to_float(held_out)))
        pairs = np.stack([held_out, rebuilt], 1).reshape(-1, *held_out.shape[1:])
        shown.append(measuring.tiled(pairs, 2 * _REBUILT * _ROW // _SHOWN))  # as many rows
    return shown
