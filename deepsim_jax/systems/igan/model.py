"""A trained collection in a program's hands."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images import masks, ranges
from deepsim_jax.images.original import Original
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.systems.igan import constraints, editing, framing, measuring, morph, projection, transfer
from deepsim_jax.systems.igan.collection import Collection
from deepsim_jax.systems.igan.framing import Framed
from deepsim_jax.systems.igan.learned import Learned
from deepsim_jax.systems.igan.perception import Perception

Box = tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True)
class Projected:
    """A photo and the nearest picture of the manifold.

    Attributes:
      photo: (H, W, 3) uint8, at its full size.
      framed: the square of it that was projected.
      latent: (latent,) z in (-1, 1).
      picture: (size, size, 3) uint8, what the generator makes of it.
      cost: see `perception.Perception.cost`.
      original: the photo as its file has it, or None.
    """

    photo: np.ndarray
    framed: Framed
    latent: np.ndarray
    picture: np.ndarray
    cost: float
    original: Original | None = None

    @property
    def rmse(self) -> float:
        """Root mean squared difference from the photo where it counts, in levels of 255."""
        error = (self.picture.astype(np.float64) - self.framed.picture) ** 2 * self.framed.mask[..., None]
        return float(np.sqrt(error.mean() / self.framed.mask.mean()))


@dataclasses.dataclass(frozen=True)
class Edited:
    """Candidates of an edit, the cheapest first.

    Attributes:
      latents: (K, latent) in (-1, 1).
      pictures: (K, size, size, 3) uint8.
      costs: (K,), see `editing`.
      projected: what was edited; None from scratch.
    """

    latents: np.ndarray
    pictures: np.ndarray
    costs: np.ndarray
    projected: Projected | None = None


class IganModel:
    """What a run of iGAN has learned, and what can be done with it.

    Attributes:
      learned: the networks.
      perception: what a projection minimises.
      collection: what was trained on, from the run's folder.
      fit: how a photo becomes a square, "crop" or "pad".
      workdir: the run's folder.
      step: steps done, of both stages.
      finished: whether these are all that its training was to have.
    """

    def __init__(
        self,
        learned: Learned,
        perception: Perception,
        collection: Collection,
        *,
        fit: str = "crop",
        workdir: pathlib.Path | None = None,
        step: int | None = None,
        finished: bool = True,
    ):
        """Made by `train` and `load`."""
        self.learned, self.perception, self.collection, self.fit = learned, perception, collection, fit
        self.workdir, self.step, self.finished = workdir, step, finished

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of what the generator makes."""
        return self.learned.sizes.size, self.learned.sizes.size

    @property
    def solver(self) -> str:
        """The best there is: "hybrid", or "optimise" before the encoder is trained."""
        return "optimise" if self.learned.encoder is None else "hybrid"

    def generate(self, latents: np.ndarray) -> np.ndarray:
        """Pictures (N, size, size, 3) float32 in [-1, 1] of z (N, latent) in (-1, 1)."""
        return np.asarray(measuring.generate(self.learned, np.asarray(latents, np.float32)))

    def sample(self, count: int = 1, *, seed: int = 0) -> np.ndarray:
        """Random pictures of the collection's kind: uint8 (count, size, size, 3).

        Args:
          count: how many.
          seed: another one, other pictures. The first pictures of a seed do not depend on the count.

        Raises:
          UserError: a count below 1.
        """
        if count < 1:
            raise UserError(f"count={count}: at least 1")
        return measuring.samples(self.learned, count, seed=seed)

    def nearest(self, pictures: np.ndarray) -> np.ndarray:
        """The training picture nearest to each of uint8 (N, size, size, 3), by pixels: the same shape."""
        trained = self.collection.pictures
        return np.asarray(trained[measuring.nearest(pictures, trained)])

    def project(
        self,
        photo: Any,
        *,
        solver: str | None = None,
        box: Box | None = None,
        mask: Any = None,
        starts: int = 4,
        iterations: int = 200,
        seed: int = 0,
    ) -> Projected:
        """The nearest picture that the generator makes.

        Args:
          photo: path or array, of any size.
          solver, starts, iterations, seed: see `projection.project`; by default the best there is.
          box: (left, top, width, height) of what the generator is to see; by default all, of which the
            middle square is taken or, where the collection was padded, the square around.
          mask: what of the photo counts, as `masks.read` takes it; its lighter part does. None: all.

        Raises:
          UserError: a photo, box or mask that cannot be used, or no encoder yet.
        """
        picture, original = images.read_photo(photo, name="photo")
        counts = None if mask is None else masks.read(mask, picture)
        seen = framing.framed(picture, self.size[0], fit=self.fit, box=box, mask=counts)
        found = self._nearest(seen, solver, starts=starts, iterations=iterations, seed=seed)
        return Projected(picture, seen, *found, original)

    def matched(self, projected: Projected, mask: Any, *, solver: str | None = None) -> Projected:
        """The projection of the same square of a photo, of which only a part counts.

        Args:
          projected: the photo.
          mask: what of the square counts, square and of any size: a path or an array as `masks.read_mask`
            takes it. Its lighter part counts.
          solver: see `projection.project`; by default the best there is.

        Raises:
          UserError: a mask that cannot be used, or in which nothing counts.
        """
        seen = framing.counting(projected.framed, masks.read_mask(mask))
        return Projected(projected.photo, seen, *self._nearest(seen, solver), projected.original)

    def _nearest(self, seen: Framed, solver: str | None, **options: int) -> tuple[Any, Any, float]:
        """(latent, picture, cost) of a square of a photo."""
        found = projection.project(
            self.learned,
            self.perception,
            seen.picture[None],
            seen.mask[None],
            solver=solver or self.solver,
            **options,
        )
        return found.latents[0], found.pictures[0], float(found.costs[0])

    def candidates(
        self,
        strokes: Any,
        photo: Any = None,
        *,
        count: int = 16,
        shown: int = editing.SHOWN,
        steps: int = 40,
        smoothness: float | None = None,
        realism: float = 0.0,
        seed: int = 0,
        **projecting: Any,
    ) -> Edited:
        """Pictures that follow strokes, several to choose from.

        Args:
          strokes: a path of a JSON file, or its content (`constraints.parse`).
          photo: path, array or `Projected`: what is edited; None: from scratch.
          count: candidates that are tried; published: 64.
          shown: so many of the best are given back at most.
          steps: of Adam; published: 40.
          smoothness: how strongly they are held near the photo's picture; None: 5, as published, or 1
            where there is a sketch.
          realism: weight of the discriminator's judgement; published: 0.
          seed: of the perturbations.
          projecting: arguments of `project`.

        Raises:
          UserError: strokes or a photo that cannot be used.
        """
        projected = self._projected(photo, projecting)
        search = self.search(projected, count=count, seed=seed)
        wanted = self.constraints(strokes, projected)
        search = editing.advance(
            self.learned, search, wanted, steps=steps, smoothness=smoothness, realism=realism
        )
        return self.edited(search, projected, shown)

    def edit(self, strokes: Any, photo: Any = None, **options: Any) -> np.ndarray:
        """The best of `candidates`: uint8 (size, size, 3). `transfer` gives the edit to the photo."""
        return self.candidates(strokes, photo, **options).pictures[0]

    def transfer(
        self, strokes: Any, photo: Any, *, candidate: int = 0, amount: float = 1.0, **options: Any
    ) -> np.ndarray:
        """The photo itself, changed as strokes change its picture: uint8 (H, W, 3), at its full size.

        Args:
          strokes, photo, options: as for `candidates`.
          candidate: which of them, 0 is the best.
          amount: 0 is the photo, 1 the whole edit.

        Raises:
          UserError: as `candidates`, or there is no such candidate.
        """
        edited = self.candidates(strokes, photo, **options)
        return self.transferred(edited, candidate=candidate, amount=amount)

    def transferred(self, edited: Edited, *, candidate: int = 0, amount: float = 1.0) -> np.ndarray:
        """`transfer`, of candidates that are there already; they must be of a photo."""
        if edited.projected is None:
            raise UserError("transfer: there is no photo that the edit could be given to")
        if not 0 <= candidate < len(edited.latents):
            raise UserError(f"candidate={candidate}: there are 0 to {len(edited.latents) - 1}")
        of = edited.projected
        return transfer.transfer(
            self.generate,
            of.latent,
            edited.latents[candidate],
            of.photo,
            box=of.framed.box,
            amount=amount,
        )

    def morph(
        self, photo: Any, other: Any, *, frames: int = 24, **projecting: Any
    ) -> Iterator[np.ndarray]:
        """A photo that takes on the shape and the colours of another one, frame by frame (section 6.2).

        Args:
          photo: path or array; the frames have its size.
          other: path or array, of the same kind of thing.
          frames: how many.
          projecting: arguments of `project`, for both; `box` and `mask` are the first photo's.

        Raises:
          UserError: a photo that cannot be used.
        """
        first = photo if isinstance(photo, Projected) else self.project(photo, **projecting)
        own = {name: value for name, value in projecting.items() if name not in ("box", "mask")}
        second = self.project(other, **own)
        return morph.morph(
            self.generate, first.latent, second.latent, first.photo, frames=frames, box=first.framed.box
        )

    def search(self, projected: Projected | None, *, count: int = 16, seed: int = 0) -> editing.Search:
        """Candidates before the first step, for one that goes on step by step (`editing.advance`)."""
        if count < 1:
            raise UserError(f"count={count}: at least 1")
        origin = None if projected is None else projected.latent
        return editing.begin(origin, self.learned.sizes.latent, count, seed=seed)

    def constraints(self, strokes: Any, projected: Projected | None = None) -> constraints.Constraints:
        """What strokes ask for; warp strokes grab from the projected picture."""
        picture = None if projected is None else projected.picture
        return constraints.draw(constraints.parse(strokes), self.size, picture)

    def edited(
        self, search: editing.Search, projected: Projected | None = None, shown: int = editing.SHOWN
    ) -> Edited:
        """The best candidates of a search."""
        numbers = search.shown(shown)
        return Edited(
            search.latents[numbers],
            editing.pictures(self.learned, search, numbers),
            search.costs[numbers],
            projected,
        )

    def path(self, projected: Projected, latent: np.ndarray, *, frames: int = 16) -> np.ndarray:
        """Pictures on the way from a projection to another z: uint8 (frames, size, size, 3)."""
        share = np.linspace(0, 1, frames)[:, None]
        return ranges.to_uint8(self.generate((1 - share) * projected.latent + share * latent))

    def write(self, path: Any, picture: np.ndarray, projected: Projected | None = None) -> None:
        """Writes a picture as PNG; one of a photo's full size in the colours of its file.

        Raises:
          UserError: a name that does not end in .png, or the file cannot be written.
        """
        original = None
        if projected is not None and picture.shape == projected.photo.shape:
            original = projected.original
        images.write_photo(user_path(path), picture, original)

    def _projected(self, photo: Any, projecting: Mapping[str, Any]) -> Projected | None:
        if photo is None or isinstance(photo, Projected):
            return photo
        return self.project(photo, **projecting)
