"""DeepSIM for a program: a trained generator, which edits its photo."""

import functools
import logging
import pathlib

import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import changes, masks, ranges
from deepsim_jax.images import compositing as editing
from deepsim_jax.images import io as images
from deepsim_jax.images.original import Original
from deepsim_jax.primitives import drawings
from deepsim_jax.primitives import make as primitives
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.sequences import frames
from deepsim_jax.systems.deepsim import areas, documents, pair, recipes
from deepsim_jax.systems.deepsim import task as deepsim
from deepsim_jax.systems.deepsim.copying import painting
from deepsim_jax.systems.deepsim.copying.engine import Copied, Copier, repaint
from deepsim_jax.systems.deepsim.copying.mismatch import describe_ignored
from deepsim_jax.systems.deepsim.evaluation import of_model
from deepsim_jax.training import checkpoint

log = logging.getLogger("deepsim_jax")

ENGINES = ("auto", "copy", "network", "both")
"""What makes an edit, see `Model.edit`."""


class Model:
    """A photo with its primitive, and the generator that was trained on them, if one was.

    All pictures are in sRGB; `write` writes them in the colours of the photo's file.

    Attributes:
      original: the photo as its file has it, or None where it came as an array.
      workdir: the run's folder, or None for an imported model.
      step: updates done, or None for an imported model.
      finished: whether these are all that its training was to have.
    """

    def __init__(
        self,
        architecture: deepsim.Architecture | None,
        params,
        *,
        photo=None,
        primitive=None,
        spec=None,
        workdir=None,
        step=None,
        finished=True,
        original: Original | None = None,
    ):
        """Call `train`, `load`, `open` or `import_torch` instead; they explain the parts."""
        self._architecture, self._params, self._spec = architecture, params, spec
        self._photo, self._primitive = photo, primitive
        self.workdir, self.step, self.finished = workdir, step, finished
        self.original = original

    @property
    def primitive(self) -> np.ndarray | None:
        """uint8 (H, W, 3), a copy to be edited; None for an imported model without a photo."""
        return None if self._primitive is None else self._primitive.copy()

    @property
    def photo(self) -> np.ndarray | None:
        """uint8 (H, W, 3), the photo at its full size, or None."""
        return None if self._photo is None else self._photo.copy()

    @property
    def is_trained(self) -> bool:
        """Whether there is a network; without one, edits are copied from the photo."""
        return self._params is not None

    def edit(
        self,
        primitive,
        *,
        keep=None,
        engine: str = "auto",
        field: np.ndarray | None = None,
        protected: np.ndarray | None = None,
        pieces: np.ndarray | None = None,
    ) -> np.ndarray:
        """The photo that an edited primitive describes.

        Colours that the network never saw are snapped to the primitive's palette, and lines are
        binarised and thinned to what it saw, with a warning that counts the changed pixels.

        Args:
          primitive: path or uint8 (H, W, 3) of the size of `Model.primitive`, or of the photo's size,
            which is then shrunk.
          keep: None for the whole picture at the primitive's size. For the photo's size a mask (path or
            (H, W) array of the size of the primitive or of the photo), its lighter part = kept from the
            photo (`masks.read_mask`); or "auto": all outside the dilated difference of the old and the
            new primitive is kept, without what a file format did to it (`images.changes`); a copy also
            moves what moves with it.
          engine: "network", the trained generator's picture; "copy", the photo's own pixels, taken along
            the flow between the primitives (`copying`), which needs no training; "both": the copy, and
            the network's picture where the photo has nothing for what the primitive asks for
            (`copying.mismatch.find_lacking`); "auto": "both" where something is trained that paints
            better than it is copied (`auto_engine`), else "copy" (an imported model without a photo, or
            that does not know how its primitive is drawn: "network").
          field: (h, w, 2), where each pixel of the primitive comes from, for "copy" and "both"
            (`recipe_field`); None: estimated.
          protected: bool (h, w) of the primitive's size, True where the photo is kept, with and without
            `keep`, at the result's size (`recipe_keep`).
          pieces: uint8 (h, w) of the primitive's size, where the given field completes the photo, so that
            lines that come along need not be drawn, and where it lays parts that take on the light there
            (`follow_recipe`).

        Returns:
          uint8 (H, W, 3): of the primitive's size, or of the photo's full size with `keep`. Where this or
          `protected` is True it equals the photo of that size bit for bit.

        Raises:
          UserError: wrong size or an unusable file.
        """
        image = self.read_primitive(primitive)
        resized = self._resize_to_own(image)
        conformed = self._conform(resized)
        mask = None if keep is None else self._keep_mask(keep, image, resized, conformed)
        is_auto = isinstance(keep, str) and keep == "auto"
        if mask is not None and is_auto:
            # What a file format did to the rest of the drawing would be taken for movements.
            conformed = np.where(mask[..., None], self._primitive, conformed)
            if field is None:
                # What a recipe moves is known; of a file a part may have changed when it was saved.
                changes.warn_of_much(
                    ~mask,
                    "keep=auto",
                    "so much counts as changed, with a seam around it; if you edited less, save the "
                    "drawing as PNG at its own size, or give a mask",
                )
        if protected is not None and not protected.any():
            protected = None
        if protected is not None and mask is not None:
            mask = mask | (images.resize_labels(protected.astype(np.uint8), *mask.shape) > 0)
        tells, engine = engine == "auto", self._check_engine(engine)
        if engine != "network":
            edited = self._copy_edit(
                conformed,
                mask,
                field,
                protected if is_auto else None,
                pieces,
                is_auto=is_auto,
                engine=engine,
                tells=tells,
            )
        else:
            edited = self._network_edit(conformed, mask)
        if protected is not None and mask is None:
            edited = editing.composite(self._copier.source.image, edited, protected)
        return edited

    def _network_edit(self, conformed, mask):
        """The network's picture; where the mask is True, the photo."""
        if mask is None:
            return self._paint(conformed)
        if mask.all():
            return self._photo.copy()
        return editing.composite(self._photo, self._paint(conformed), mask)

    def _paint(self, primitive):
        """The network's picture of a primitive, uint8 of its size."""
        assert self._architecture is not None
        padded, size = images.pad_to_multiple(primitive, self._architecture.multiple)
        batch = jnp.asarray(ranges.to_float(padded))[None]
        output = deepsim.render(self._architecture)(self._params, batch)[0]
        return ranges.to_uint8(images.crop(np.asarray(output, np.float32), size))

    def _check_engine(self, engine):
        """An engine that this model has; "auto" only where it is between the copy and both."""
        if engine not in ENGINES:
            raise UserError(f"engine={engine!r}: choose one of {', '.join(ENGINES)}")
        if engine in ("network", "both") and not self.is_trained:
            raise UserError(f'engine="{engine}": nothing is trained yet; train a run, or take "copy"')
        if engine in ("copy", "both") and (self._spec is None or self._photo is None):
            raise UserError(
                f'engine="{engine}": an imported model does not know how its primitive is drawn'
            )
        if engine != "auto":
            return engine
        if not self.is_trained:
            return "copy"
        return "network" if self._spec is None or self._photo is None else "auto"

    @functools.cached_property
    def auto_engine(self) -> str:
        """The engine that `edit`'s "auto" is: "copy", "network" or "both"; finding it out takes a second.

        "both" where the network paints what the photo lacks at least as well as it is copied, in tests
        on warps of the photo that no training sees (`copying.painting`). The same network and photo
        always give the same.
        """
        engine = self._check_engine("auto")
        if engine != "auto":
            return engine
        return painting.choose(self._copier.source, self._paint, steps=self.step)

    def _copy_edit(self, conformed, mask, field, protected, pieces, *, is_auto, engine, tells):
        """Edits with the photo's own pixels; where the mask is True, keeps the photo bit for bit.

        Unless it only copies, the network's picture is blended in where the photo lacks what is asked.
        """

        # Without labels it is seen by the way back where the copy is wrong.
        both_ways = engine != "copy" and not self._copier.has_labels
        copy = functools.partial(
            self._copier.copy, conformed, field=field, both_ways=both_ways, pieces=pieces
        )

        def finish(copied):
            picture = self._repaint(copied.picture, copied.lacking, conformed, engine)
            ignored = copied.ignored
            if picture is not copied.picture:
                ignored = ignored & ~copied.lacking  # is painted
            if tells and ignored.any():
                log.warning("primitive: %s, or choose engine=network", describe_ignored(ignored))
            return picture

        if mask is None:
            return finish(copy(full=False))
        if mask.all() and (field is None or not is_auto):
            return self._photo.copy()

        def may_change(found):
            if not is_auto:
                return ~mask
            # Inside of a large region that moves the drawing is as before, but the photo is not. An
            # estimated field moves here and there without an edit, a given one does not.
            region = ~mask | (areas.moved_with(~mask, found) if field is None else areas.moved(found))
            return region if protected is None else region & ~protected

        # A mask of the photo's size is no part of the drawing.
        within = may_change if mask.shape == conformed.shape[:2] else None
        copied = copy(within=within)
        return editing.composite(self._photo, finish(copied), ~may_change(copied.field))

    def _repaint(self, picture, lacking, primitive, engine):
        """A copied picture, of any size, with the network's blended in where the photo has nothing.

        The network is asked, and "auto" decided, only where something is lacking.
        """
        if engine == "copy" or not lacking.any() or (engine == "auto" and self.auto_engine == "copy"):
            return picture
        return repaint(picture, self._paint(primitive), lacking)

    def copy(
        self, primitive: np.ndarray, field: np.ndarray | None = None, pieces: np.ndarray | None = None
    ) -> Copied:
        """What copying makes of an edited primitive, at its size, and where it does not show it.

        Args:
          primitive: uint8 (h, w, 3), as `read_primitive` gives it.
          field, pieces: as for `edit`.

        Raises:
          UserError: wrong size, or an imported model.
        """
        self._check_engine("copy")
        conformed, _ = primitives.conform(self._resize_to_own(primitive), self._spec)
        return self._copier.copy(conformed, field=field, full=False, pieces=pieces)

    def draft(
        self,
        layers: primitives.Layers,
        field: np.ndarray,
        keep: np.ndarray,
        pieces: np.ndarray,
        *,
        paints: bool = True,
        completes: bool = True,
    ) -> np.ndarray:
        """A quick draft of what `edit` makes of a primitive whose field is known.

        Args:
          layers: of the edited primitive.
          field: (h, w, 2), where each pixel comes from.
          keep: bool (h, w), True where the photo is kept.
          pieces: uint8 (h, w), as for `edit`.
          completes: whether areas far from all of their label are completed as `edit` does, which takes
            its time; else as they were lately, or with the nearest pixels of what is drawn there.
          paints: whether the network, if there is one, paints what the photo lacks; it takes its time.

        Returns:
          uint8 (h, w, 3), of the primitive's size.
        """

        def finish(picture, lacking):
            return self._repaint(picture, lacking, primitives.compose(layers, self._spec), "auto")

        finish_lacking = finish if paints and self.is_trained else None
        draft = self._copier.draft(layers, field, pieces, finish_lacking, completes=completes)
        return np.where(keep[..., None], self._copier.source.image, draft) if keep.any() else draft

    def copy_mismatch(
        self, layers: primitives.Layers, field: np.ndarray, pieces: np.ndarray
    ) -> np.ndarray:
        """bool (h, w): where a copy cannot show what such a primitive asks for."""
        return self._copier.mismatch(layers, field, pieces)

    def complete(
        self, layers: primitives.Layers, field: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What of the rest of an edited photo is seen where a part is taken away: `Copier.complete`."""
        return self._copier.complete(layers, field, mask)

    def ignored(self, layers: primitives.Layers, field: np.ndarray) -> np.ndarray:
        """bool (h, w): what of such a primitive "auto" leaves unchanged."""
        return self._copier.ignored(layers, field, painted=self.auto_engine == "both")

    @functools.cached_property
    def _copier(self):
        height, width = self._primitive.shape[:2]
        image = self._photo
        if image.shape[:2] != (height, width):
            image = images.resize_to_limit(image, max(height, width))
        return Copier(
            pair.Source(photo=self._photo, image=image, primitive=self._primitive, spec=self._spec)
        )

    def write(self, path, picture: np.ndarray):
        """Writes a picture that was made with the model as PNG, in the colours of the photo's file.

        Pixels that `keep` took from the photo have the file's own numbers, bit for bit (a file of 16 bits
        is rounded to 8), and its colour profile. A picture of the photo's size gets its EXIF, too.

        Args:
          path: ending in .png.
          picture: uint8 (H, W, 3), such as `edit` returns.

        Raises:
          UserError: another suffix, or the file cannot be written.
        """
        editing.write_picture(user_path(path), picture, self.original)

    def apply_recipe(self, recipe) -> np.ndarray:
        """An edited primitive, from `Model.primitive` and a recipe (see `recipes`).

        Args:
          recipe: path of a JSON file, or its content as a dict.

        Returns:
          uint8 (H, W, 3), ready for `edit`.

        Raises:
          UserError: the recipe is not understood, or an imported model has no primitive.
        """
        return primitives.compose(self._follow_recipe(recipe).layers, self._spec)

    def follow_recipe(self, recipe) -> documents.RecipeEdit:
        """All that `edit` takes of a recipe: `model.edit(**model.follow_recipe(recipe)._asdict())`.

        Args:
          recipe: as for `apply_recipe`.

        Raises:
          UserError: the recipe is not understood, or an imported model has no primitive.
        """
        document = self._follow_recipe(recipe)
        primitive = primitives.compose(document.layers, self._spec)
        return documents.RecipeEdit(primitive, document.field, document.keep, document.pieces)

    def recipe_field(self, recipe) -> np.ndarray:
        """The field of a recipe: where each pixel of its primitive comes from, for `edit`'s "copy".

        Args:
          recipe: as for `apply_recipe`.

        Returns:
          (h, w, 2) float32 of (x, y) pixels.

        Raises:
          UserError: the recipe is not understood.
        """
        return self._follow_recipe(recipe).field

    def recipe_keep(self, recipe) -> np.ndarray:
        """What a recipe's steps "keep" protect, bool (h, w), for `edit`'s `protected`."""
        return self._follow_recipe(recipe).keep

    def _follow_recipe(self, recipe) -> documents.Document:
        if self._spec is None or self._primitive is None:
            raise UserError("recipe: this model does not know how its primitive is drawn")
        if isinstance(recipe, str | pathlib.Path):
            recipe = recipes.read(user_path(recipe))
        return documents.follow(recipe, self._primitive, self._spec, complete=self.complete)

    def evaluate(self, sequence, *, folder=None, inception=None, known=None) -> dict:
        """Measures the model on the frames of a sequence that it was not trained on.

        Writes into the folder, frame by frame, and finally `evaluation.json` and `report.html`. An
        interrupted evaluation goes on where it was.

        Args:
          sequence: a `deepsim_jax.sequences.frames.Sequence`, or what `only_sequence` takes: a folder of
            frames, a video file, "clip:carphone", ...
          folder: where to write; None: `evaluations/<sequence>` in the run's folder.
          inception: file of torchvision's Inception-v3 for SIFID, or "download" for the published one;
            without either, and where it was not downloaded before, those columns say that they are
            absent.
          known: an earlier result on the same frames, which saves measuring again what needs no training.

        Returns:
          The content of `evaluation.json`.

        Raises:
          UserError: the sequence cannot be read, or the model was not trained on a frame of it.
        """
        if self._spec is None or (folder is None and self.workdir is None):
            raise UserError(
                "evaluate: an imported model does not know how its primitive is drawn; train or load one"
            )
        if not isinstance(sequence, frames.Sequence):
            sequence = frames.only_sequence(sequence)
        network = f"{checkpoint.digest(self._params):08x}" if self.is_trained else ""
        return of_model.evaluate(
            self.edit,
            sequence,
            self._photo,
            self._primitive,
            self._spec,
            folder=self.workdir / "evaluations" / sequence.name if folder is None else user_path(folder),
            about={"steps": self.step or 0, "network": network},
            workdir=self.workdir,
            inception=inception,
            known=known,
        )

    def read_primitive(self, source, *, name: str = "primitive") -> np.ndarray:
        """An edited primitive as `edit` reads it, uint8 (H, W, 3): `drawings.read_edited`.

        Args:
          source, name: path or array, as for `edit`; what messages begin with.

        Raises:
          UserError: an unusable file.
        """
        return drawings.read_edited(source, self._spec, self._primitive, name=name)

    def read_keep(self, keep) -> np.ndarray | str | None:
        """Reads `edit`'s `keep` once for many edits: a mask as bool (H, W), "auto" or None.

        Raises:
          UserError: an unusable mask.
        """
        if keep is None:
            return None
        if self._photo is None:
            raise UserError("keep: this model has no photo; give import_torch its image")
        if isinstance(keep, str) and keep == "auto":
            return keep
        primitive = self._photo if self._primitive is None else self._primitive
        return masks.read_keep(keep, (primitive.shape[:2], self._photo.shape[:2]))

    def _resize_to_own(self, primitive):
        """An edited primitive that has the photo's size, shrunk to the original's."""
        if self._primitive is None:
            return primitive
        return drawings.resize_to_own(primitive, self._primitive, self._spec, self._photo)

    def _conform(self, primitive):
        if self._spec is None:
            return primitive
        primitive, changed = primitives.conform(primitive, self._spec)
        if changed:
            share = 100 * changed / (primitive.shape[0] * primitive.shape[1])
            log.warning(
                "primitive: %d pixels (%.1f %%) had colours that the network has not seen "
                "and were snapped to the nearest of the palette",
                changed,
                share,
            )
        return primitive

    def _keep_mask(self, keep, image, resized, conformed):
        mask = self.read_keep(keep)
        if isinstance(mask, np.ndarray):
            return mask
        if self._primitive is None:
            raise UserError('keep="auto": this model has no primitive to compare with')
        changed = drawings.changed(image, resized, conformed, self._primitive, self._spec)
        return editing.auto_keep(changed)

    @property
    def spec(self) -> primitives.PrimitiveSpec | None:
        """How the primitive is drawn, None for an imported model."""
        return self._spec
