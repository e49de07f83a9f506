"""From a config of SinGAN to its training: the one place that translates keys into plain arguments."""

import jax
import jax.numpy as jnp

from deepsim_jax.errors import UserError
from deepsim_jax.images import ranges
from deepsim_jax.systems import runs
from deepsim_jax.systems.singan import pyramid, sampling
from deepsim_jax.systems.singan import source as photo
from deepsim_jax.systems.singan import task as singan
from deepsim_jax.training import loop, stages
from deepsim_jax.training import step as steps

_SHOWN, _SHOWN_HEIGHT = 3, 96  # samples in a preview; px at least
_EFFORT_OF_WIDTH = 1.5  # the power; twice the channels take 2.4 to 3.0 times as long (results/README.md)


def plan(config, size: tuple[int, int]) -> pyramid.Pyramid:
    """The pyramid that a config describes, of a photo of (height, width)."""
    options = config.pyramid
    return pyramid.plan(
        size,
        factor=options.factor,
        min_size=options.min_size,
        max_size=options.max_size,
        steps=options.steps,
        compat=options.compat,
        keep=options.keep or None,
        filters=config.model.filters,
        most_filters=config.model.most_filters,
    )


def build_run(source: photo.Photo, config, workdir) -> loop.Run:
    """The one place that translates a config of SinGAN into plain arguments: one stage for each scale."""
    if jax.process_count() > 1:
        raise UserError("SinGAN trains in one process, on one device: start it without --distributed")
    pyramid.check_photo(source.photo)
    planned = plan(config, source.photo.shape[:2])
    photos = pyramid.pictures(jnp.asarray(ranges.to_float(source.photo)), planned)
    optim, cadence = config.optim, config.train
    trained, moments = [], runs.moments(optim)
    for scale, ((height, width), count) in enumerate(
        zip(planned.sizes, iterations(config, planned), strict=True)
    ):
        updates = steps.Updates(
            moments=moments,
            g_rate=optim.g_rate,
            d_rate=optim.d_rate,
            steps=count,
            ema=cadence.ema,
            drop=cadence.drop,
            constant_steps=round(count * cadence.constant_fraction),
        )
        task = singan.Task(
            planned,
            scale,
            running=config.model.running_statistics,
            dtype=config.model.dtype,
            critic_updates=optim.d_updates,
            penalty_weight=config.loss.penalty,
            reconstruction_weight=config.loss.reconstruction,
            noise_weight=config.noise.amplitude,
            noise_margin=config.noise.margin,
            redrawn=config.noise.compat == "code",
        )
        trained.append(
            stages.AlternatingStage(
                task=task,
                updates=updates,
                generator_updates=optim.g_updates,
                slopes=optim.g_slopes,
                seed=config.seed,
                number=scale,
                picture=photos[scale],
                about={"scale": scale},
                effort=height * width * planned.widths[scale] ** _EFFORT_OF_WIDTH,
                title=f"scale {scale} of 0 to {len(planned.sizes) - 1}, {width}x{height} px",
            )
        )
    return loop.Run(
        workdir=workdir,
        stages=tuple(trained),
        batch=1,
        device_count=1,
        **runs.loop_arguments(cadence),
        preview=_preview(source, photos),
    )


def iterations(config, planned: pyramid.Pyramid) -> list[int]:
    """How many each scale is trained for, coarsest first; see `train.decline`."""
    pixels = [height * width for height, width in planned.sizes]
    return [
        max(1, round(config.train.steps * (pixels[0] / own) ** config.train.decline)) for own in pixels
    ]


def total_steps(config, source: photo.Photo) -> int:
    """How many iterations a training has, over all scales."""
    return sum(iterations(config, plan(config, source.photo.shape[:2])))


def _preview(source, photos):
    def preview_images(finished):
        scale = finished.learned.scales - 1
        keys = jax.random.split(jax.random.key(0), _SHOWN)
        samples = _samples(keys, finished.learned)
        times = -(-_SHOWN_HEIGHT // photos[scale].shape[0])  # coarse scales are stamps
        return [
            ranges.to_uint8(image).repeat(times, 0).repeat(times, 1)
            for image in (photos[scale], finished.rebuilt[0], *samples)
        ]

    return preview_images


# Compiled as one program: the network of each scale is compiled again whenever there is one more.
_samples = jax.jit(sampling.sample)
