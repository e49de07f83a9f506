"""SinGAN for a program: a photo's trained scales, which make pictures like it."""

import logging
from collections.abc import Iterator

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import compositing as editing
from deepsim_jax.images import io as images
from deepsim_jax.images import masks, ranges
from deepsim_jax.images.original import Original
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.systems.singan import applications, build, inpainting, quantised, sampling
from deepsim_jax.systems.singan import source as photo
from deepsim_jax.systems.singan.config import SCHEMA
from deepsim_jax.systems.singan.learned import Learned
from deepsim_jax.training import run_folder as rundir

log = logging.getLogger("deepsim_jax")


class SinganModel:
    """A photo's trained scales, from which pictures like it are made.

    Pictures are uint8 (H, W, 3) in sRGB; `write` writes them in the colours of the photo's file. Scale 0
    is the coarsest; a picture that starts from a finer one keeps the photo's arrangement below it.

    Attributes:
      learned: the scales, for the functions of `systems.singan`.
      original: the photo as its file has it, or None where it came as an array.
      workdir: the run's folder.
      step: iterations done, over all scales.
      finished: whether these are all that its training was to have.
    """

    def __init__(
        self,
        learned: Learned,
        photo: np.ndarray,
        *,
        workdir=None,
        step=None,
        finished=True,
        original: Original | None = None,
    ):
        """Call `train` or `load` instead, which make a model."""
        self.learned, self._photo, self.original = learned, photo, original
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
        """(height, width) of the finest trained scale: the training size, the default of samples."""
        return self.learned.pyramid.sizes[-1]

    def sample(
        self, count: int = 1, *, start_scale: int = 0, size: tuple[int, int] | None = None, seed: int = 0
    ) -> np.ndarray:
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

    def retarget(
        self, size: tuple[int, int], count: int = 1, *, start_scale: int | None = None, seed: int = 0
    ) -> np.ndarray:
        """The photo in another size and aspect: `applications.retarget`."""
        return applications.retarget(self.learned, size, count, seed=seed, start_scale=start_scale)

    def paint(
        self, drawing, count: int = 1, *, start_scale: int = 1, seed: int = 0, colors: int = 0
    ) -> np.ndarray:
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
            config = rundir.read_config(self.workdir, SCHEMA)
            run = build.build_run(photo.Photo(self._photo), config, self.workdir)
            learned, centres = quantised.retrained(
                learned,
                self._photo,
                run,
                start_scale,
                colors=colors,
                unfinished_at=None if self.finished else self.step,
            )
        return applications.paint(
            learned, drawing, count, start_scale=start_scale, seed=seed, centres=centres
        )

    def edit(self, edited, mask=None, *, start_scale: int | None = None, seed: int = 0) -> np.ndarray:
        """An edited photo made seamless, at the photo's size: `applications.edit`.

        Args:
          edited: path or array of the changed photo, of the photo's or the training size.
          mask: its lighter part = changed; None: where it differs from the photo (`images.changes`).
          start_scale, seed: see there.

        Returns:
          The photo, bit for bit, where the widened mask does not reach.
        """
        return applications.edit(
            self.learned, self._photo, edited, mask, start_scale=start_scale, seed=seed
        ).picture

    def harmonise(
        self, pasted, mask=None, *, start_scale: int | None = None, seed: int = 0
    ) -> np.ndarray:
        """A pasted object in the photo's colours and texture: as `edit`, `applications.harmonise`."""
        return applications.harmonise(
            self.learned, self._photo, pasted, mask, start_scale=start_scale, seed=seed
        ).picture

    def enlarge(self, times: float, picture=None, *, seed: int = 0) -> np.ndarray:
        """The photo, or another picture (path or array), `times` as large: `applications.enlarge`."""
        return applications.enlarge(
            self.learned, self._photo if picture is None else picture, times, seed=seed
        )

    def animate(
        self,
        *,
        frames: int = 100,
        alpha: float = 0.1,
        beta: float = 0.9,
        start_scale: int | None = None,
        seed: int = 0,
    ) -> Iterator[np.ndarray]:
        """The frames of a moving picture of the photo: `applications.animate`."""
        return applications.animate(
            self.learned, frames=frames, alpha=alpha, beta=beta, start_scale=start_scale, seed=seed
        )

    def inpaint(
        self, mask, reference=None, picture=None, *, start_scale: int | None = None, seed: int = 0
    ) -> np.ndarray:
        """A picture with its hole filled: `inpainting.inpaint`.

        Args:
          mask: its lighter part = the hole, as `masks.read` takes it.
          reference: a picture that resembles the whole undamaged one; None: a guess.
          picture: path or array of the damaged picture; by default what was trained on.
          start_scale, seed: see there.

        Returns:
          The picture, bit for bit, outside of the hole.
        """
        damaged = self._photo if picture is None else images.read_image(picture, name="picture")
        hole = masks.read(mask, damaged)
        return inpainting.inpaint(
            self.learned, damaged, hole, reference, start_scale=start_scale, seed=seed
        ).picture

    def write(self, path, picture: np.ndarray):
        """Writes a picture that was made with the model as PNG, in the colours of the photo's file.

        What a composite has kept of the photo has the file's own numbers and colour profile, as with
        DeepSIM's `Model.write`.

        Raises:
          UserError: a name that does not end in .png, or the file cannot be written.
        """
        editing.write_picture(user_path(path), picture, self.original)

    def reconstruct(self) -> list[np.ndarray]:
        """The reconstruction at each scale, from the noise {z*, 0, ..., 0}: uint8 (h, w, 3)."""
        return [ranges.to_uint8(picture[0]) for picture in sampling.reconstruct(self.learned)]
