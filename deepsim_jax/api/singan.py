"""SinGAN for a program: `SinganModel`, and how a config becomes a run."""

import logging
import pathlib
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import optax

from deepsim_jax import applications, inpainting, rundir
from deepsim_jax.api import quantised
from deepsim_jax.data import images, masks, pair, photo
from deepsim_jax.errors import UserError
from deepsim_jax.models.singan import pyramid, sampling
from deepsim_jax.models.singan import task as singan
from deepsim_jax.models.singan.learned import Learned
from deepsim_jax.training import checkpoint, devices, loop, stages
from deepsim_jax.training import step as steps

log = logging.getLogger("deepsim_jax")

_SHOWN, _SHOWN_HEIGHT = 3, 96  # samples in a preview; px at least


class SinganModel:
    """A photo's trained scales, from which pictures like it are made.

    Pictures are uint8 (H, W, 3). Scale 0 is the coarsest; a picture that starts from a finer one keeps
    the photo's arrangement below it.

    Attributes:
      learned: the scales, for the functions of `deepsim_jax.models.singan`.
      workdir: the run's folder.
      step: iterations done, over all scales.
      finished: whether these are all that its training was to have.
    """

    def __init__(self, learned: Learned, photo: np.ndarray, *, workdir=None, step=None, finished=True):
        """Made by `train` and `load`."""
        self.learned, self._photo = learned, photo
        self.workdir, self.step, self.finished = workdir, step, finished

    @property
    def photo(self) -> np.ndarray:
        """uint8 (H, W, 3), the photo at its full size."""
        return self._photo.copy()

    @property
    def scales(self) -> int:
        """How many scales are trained."""
        return self.learned.scales

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the finest of them: the training size, which samples have by default."""
        return self.learned.pyramid.sizes[-1]

    def sample(self, count: int = 1, *, start_scale: int = 0, size: tuple[int, int] | None = None,
               seed: int = 0) -> np.ndarray:
        """Random pictures with the photo's patches: (count, height, width, 3).

        Args:
          count: how many.
          start_scale: 0 to the number of scales - 1; below it all is as in the photo.
          size: (height, width); by default the training size.
          seed: another one, other pictures. The first pictures of a seed do not depend on the count.

        Raises:
          UserError: an argument is out of range.
        """
        return applications.sample(self.learned, count, seed=seed, start_scale=start_scale, size=size)

    def retarget(self, size: tuple[int, int], count: int = 1, *, start_scale: int | None = None,
                 seed: int = 0) -> np.ndarray:
        """The photo in another size and aspect: `applications.retarget`."""
        return applications.retarget(self.learned, size, count, seed=seed, start_scale=start_scale)

    def paint(self, drawing, count: int = 1, *, start_scale: int = 1, seed: int = 0,
              colors: int = 0) -> np.ndarray:
        """A drawing (path or array) with the photo's patches: `applications.paint`.

        Args:
          drawing, count, start_scale, seed: see there.
          colors: above 0, the quantised variant: the start scale is trained again on so many of the
            photo's colours (published: 5), once, in the run's folder (`api.quantised`); the drawing is
            taken in these colours.
        """
        learned, centres = self.learned, None
        if colors:
            if self.workdir is None:
                raise UserError("paint: colors need a run's folder, in which the scale is trained again")
            config = rundir.read_config(self.workdir)
            whole = build_run(photo.Photo(self._photo), config, self.workdir)
            learned, centres = quantised.retrained(
                learned, self._photo, whole, start_scale, colors=colors)
        return applications.paint(learned, drawing, count, start_scale=start_scale, seed=seed,
                                  centres=centres)

    def edit(self, edited, mask=None, *, start_scale: int | None = None, seed: int = 0) -> np.ndarray:
        """An edited photo made seamless, at the photo's size: `applications.edit`.

        Args:
          edited: path or array of the changed photo, of the photo's or the training size.
          mask: non-zero = changed; None: where it differs from the photo.
          start_scale, seed: see there.

        Returns:
          The photo, bit for bit, where the widened mask does not reach.
        """
        return applications.edit(self.learned, self._photo, edited, mask, start_scale=start_scale,
                                 seed=seed).picture

    def harmonise(self, pasted, mask=None, *, start_scale: int | None = None,
                  seed: int = 0) -> np.ndarray:
        """A pasted object in the photo's colours and texture: as `edit`, `applications.harmonise`."""
        return applications.harmonise(self.learned, self._photo, pasted, mask, start_scale=start_scale,
                                      seed=seed).picture

    def enlarge(self, times: float, picture=None, *, seed: int = 0) -> np.ndarray:
        """The photo, or another picture (path or array), `times` as large: `applications.enlarge`."""
        return applications.enlarge(self.learned, self._photo if picture is None else picture, times,
                                    seed=seed)

    def animate(self, *, frames: int = 100, alpha: float = 0.1, beta: float = 0.9,
                start_scale: int | None = None, seed: int = 0) -> Iterator[np.ndarray]:
        """The frames of a moving picture of the photo: `applications.animate`."""
        return applications.animate(self.learned, frames=frames, alpha=alpha, beta=beta,
                                    start_scale=start_scale, seed=seed)

    def inpaint(self, mask, reference=None, picture=None, *, start_scale: int | None = None,
                seed: int = 0) -> np.ndarray:
        """A picture with its hole filled: `inpainting.inpaint`.

        Args:
          mask: non-zero = the hole, as `data.masks.read` takes it.
          reference: a picture that resembles the whole undamaged one; None: a guess.
          picture: path or array of the damaged picture; by default what was trained on.
          start_scale, seed: see there.

        Returns:
          The picture, bit for bit, outside of the hole.
        """
        damaged = self._photo if picture is None else images.read_image(picture, name="picture")
        hole = masks.read(mask, damaged)
        return inpainting.inpaint(self.learned, damaged, hole, reference, start_scale=start_scale,
                                  seed=seed).picture

    def reconstruct(self) -> list[np.ndarray]:
        """What the noise {z*, 0, ..., 0} yields at each scale, nearly the photo: uint8 (h, w, 3)."""
        return [pair.to_uint8(picture[0]) for picture in sampling.reconstruct(self.learned)]


def plan(config, size: tuple[int, int]) -> pyramid.Pyramid:
    """The pyramid that a config describes, of a photo of (height, width)."""
    asked = config.pyramid
    return pyramid.plan(
        size, factor=asked.factor, min_size=asked.min_size, max_size=asked.max_size,
        steps=asked.steps, keep=asked.keep or None, filters=config.model.filters,
        most_filters=config.model.most_filters)


def build_run(source: photo.Photo, config, workdir) -> loop.Run:
    """The one place that translates a config of SinGAN into plain arguments: one stage for each scale."""
    if jax.process_count() > 1:
        raise UserError("SinGAN trains in one process, on one device: start it without --distributed")
    pyramid.check_photo(source.photo)
    planned = plan(config, source.photo.shape[:2])
    pictures = pyramid.pictures(jnp.asarray(pair.to_float(source.photo)), planned)
    optim, cadence = config.optim, config.train
    trained, moments = [], optax.scale_by_adam(b1=optim.b1, b2=optim.b2, mu_dtype=optim.mu_dtype)
    for scale, ((height, width), count) in enumerate(
            zip(planned.sizes, iterations(config, planned), strict=True)):
        updates = steps.Updates(
            moments=moments, g_rate=optim.g_rate, d_rate=optim.d_rate, steps=count, ema=cadence.ema,
            drop=cadence.drop, constant_steps=round(count * cadence.constant_fraction))
        task = singan.Task(
            planned, scale, running=config.model.running_statistics, dtype=config.model.dtype,
            critic_updates=optim.d_updates, penalty_weight=config.loss.penalty,
            reconstruction_weight=config.loss.reconstruction, noise_weight=config.noise.amplitude,
            noise_margin=config.noise.margin, redrawn=config.noise.compat == "code")
        trained.append(stages.Alternating(
            task=task, updates=updates, generator_updates=optim.g_updates, seed=config.seed,
            number=scale, picture=pictures[scale], about={"scale": scale},
            effort=height * width * planned.widths[scale],
            title=f"scale {scale} of 0 to {len(planned.sizes) - 1}, {width}x{height} px"))
    return loop.Run(
        workdir=workdir, stages=tuple(trained), batch=1, device_count=1,
        cadence=loop.Cadence(log=cadence.log_every, save=cadence.save_every,
                             preview=cadence.preview_every, keep=cadence.keep),
        preview=_preview(source, pictures), tensorboard=cadence.tensorboard,
        steps_per_dispatch=devices.steps_per_dispatch(cadence.steps_per_dispatch),
        precision=cadence.precision)


def advice(workdir: pathlib.Path) -> str:
    """What can be done with a trained run."""
    return f"make pictures like the photo with --mode=sample --workdir={workdir}"


def iterations(config, planned: pyramid.Pyramid) -> list[int]:
    """How many each scale is trained for, coarsest first; see `train.decline`."""
    pixels = [height * width for height, width in planned.sizes]
    return [max(1, round(config.train.steps * (pixels[0] / own) ** config.train.decline))
            for own in pixels]


def total_steps(config, source: photo.Photo) -> int:
    """How many iterations a training has, over all scales."""
    return sum(iterations(config, plan(config, source.photo.shape[:2])))


def restore(source, config, workdir, saver: checkpoint.Checkpoints, step: int) -> singan.Finished:
    """What the training has left at a step that is saved.

    The scales that are completely trained; the coarsest, too, while there is no other.
    """
    run = build_run(source, config, workdir)
    return loop.restore(run, saver, step).complete


def model(left: singan.Finished, source: photo.Photo, config, *, workdir, step: int) -> SinganModel:
    """A model from what a training leaves."""
    counts = iterations(config, plan(config, source.photo.shape[:2]))
    learned = left.learned
    learned = learned.replace(pyramid=pyramid.coarser(learned.pyramid, learned.scales))
    made = SinganModel(learned, source.photo, workdir=workdir, step=step, finished=step >= sum(counts))
    if not made.finished:
        height, width = made.size
        trained = (f"{made.scales} of {len(counts)} scales are trained so far"
                   if step >= counts[0] else "the coarsest scale is still in training")
        log.warning("%s: pictures have %dx%d px", trained, width, height)
    return made


def _preview(source, pictures):
    def shown(left):
        scale = left.learned.scales - 1
        keys = jax.random.split(jax.random.key(0), _SHOWN)
        samples = _samples(keys, left.learned)
        times = -(-_SHOWN_HEIGHT // pictures[scale].shape[0])  # coarse scales are stamps
        return [pair.to_uint8(picture).repeat(times, 0).repeat(times, 1)
                for picture in (pictures[scale], left.rebuilt[0], *samples)]

    return shown


# Compiled as one program: the network of each scale is compiled again whenever there is one more.
_samples = jax.jit(sampling.sample)
