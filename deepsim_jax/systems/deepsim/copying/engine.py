"""Edits a photo by copying its own pixels."""

import dataclasses
import functools
import hashlib
from collections.abc import Callable

import cv2
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import compositing
from deepsim_jax.ops import completion, sampling, seams
from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.systems.deepsim.copying import channels, flow, mismatch, moves, trial

SHADE = 24
"""Levels by which a shade of a soft painting may differ from the one that is copied."""

_REMEMBERED = 32
"""Completions that are remembered: what is asked for again, as while a hand moves, comes at once."""


@dataclasses.dataclass(frozen=True)
class Copied:
    """An edit made of the photo's own pixels.

    Attributes:
      picture: (H, W, 3) uint8, at the photo's size or at the primitive's.
      field: (h, w, 2) float32 at the primitive's size, see `ops.field`.
      keep: (h, w) bool, True where nothing moves and the picture is the photo, bit for bit. The
        difference of the drawings does not give such a mask: inside of a large region that moves, the
        drawing does not change.
      mismatch: (h, w) bool, where the field alone does not show what was drawn, see `mismatch.find`.
        In wrong areas the picture shows what the label rule made of it.
      lacking: (h, w) bool, the part of it that a network paints better than it is copied, see
        `mismatch.find_lacking`.
      ignored: (h, w) bool, what was drawn and changes nothing in a copy, see `mismatch.find_ignored`.
      reach: (h, w) float32, how far the label rule reached for a source, see `ops.field.Ruled`.
      share: the mismatch's share of all pixels.
      confidence: the share of the edited pixels, those at which the drawing differs from the photo's
        own, that do match; 1 if there are none.
    """

    picture: np.ndarray
    field: np.ndarray
    keep: np.ndarray
    mismatch: np.ndarray
    lacking: np.ndarray
    ignored: np.ndarray
    reach: np.ndarray
    share: float
    confidence: float


def repaint(copied: np.ndarray, painted: np.ndarray, lacking: np.ndarray) -> np.ndarray:
    """A copy with another picture blended in where it is the better one.

    Args:
      copied: uint8 (H, W, 3).
      painted: uint8 (h, w, 3), enlarged where it is smaller.
      lacking: bool (h, w).

    Returns:
      uint8 (H, W, 3).
    """
    height, width = copied.shape[:2]
    radius = mismatch.TOLERANCE * max(lacking.shape) / 192
    weights = compositing.soften(lacking, dilation=radius, feather=radius)
    if weights.shape != (height, width):
        weights = cv2.resize(weights, (width, height), interpolation=cv2.INTER_LINEAR)
    return compositing.blend(copied, painted, weights)


class Copier:
    """Makes edits of one photo by copying.

    Attributes:
      source: the photo and its primitive.
    """

    def __init__(self, source: pair.Source, *, settings: flow.Settings | None = None, seed: int = 0):
        """Takes the primitive apart.

        Args:
          source: the photo and its primitive, as `pair.prepare` gives them.
          settings: of the flow; None chooses them by `trial.choose`, when a flow is first estimated.
          seed: of that choice.
        """
        self.source = source
        parts = channels.take_apart(source.primitive, source.spec)
        self._channels = channels.Channels(parts, source.spec)
        self._parts = self._channels.labelled(parts)
        self._fixed_settings, self._seed = settings, seed
        self._completed: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
        self._newest: tuple[np.ndarray, np.ndarray] | None = None  # of far areas: where, and donors

    @functools.cached_property
    def _drawing(self):
        return self._channels.draw(self._parts)

    @functools.cached_property
    def _choice(self) -> tuple[flow.Settings, float | None]:
        if self._fixed_settings is not None:
            return self._fixed_settings, None
        source = self.source
        return trial.choose(self._parts, self._channels, source.image, source.spec, seed=self._seed)

    @property
    def settings(self) -> flow.Settings:
        """The settings of the estimated flow; choosing them takes a second or two."""
        return self._choice[0]

    @property
    def trial_error(self) -> float | None:
        """Geometric mean, in pixels, of the errors with which these settings found random warps again.

        None for settings that were given.
        """
        return self._choice[1]

    def copy(
        self,
        primitive: np.ndarray,
        *,
        field: np.ndarray | None = None,
        full: bool = True,
        both_ways: bool = True,
        within: Callable[[np.ndarray], np.ndarray] | None = None,
        pieces: np.ndarray | None = None,
    ) -> Copied:
        """Copies the photo to where an edited primitive wants it.

        An unchanged primitive returns the photo itself.

        Args:
          primitive: (h, w, 3) uint8, edited; of the source's primitive's size.
          field: (h, w, 2) where each pixel comes from, if that is known (see `moves`); otherwise it is
            estimated.
          full: whether the picture has the photo's size, instead of the primitive's.
          both_ways: whether an estimated flow is estimated back, too, to find where it is wrong. It
            takes as long again.
          within: of the field, says where the picture is wanted, (h, w) bool; elsewhere it may be the
            photo.
          pieces: (h, w) uint8, where the field that is known completes the photo (`complete`), so that
            lines that come along need not be drawn, and where it lays parts of it, which take on the
            light there: `moves.Traced.pieces`.

        Raises:
          UserError: a primitive, field or mask of another size.
        """
        self._check("primitive", primitive, (*self.source.primitive.shape[:2], 3))
        photo = self.source.photo if full else self.source.image
        height, width = primitive.shape[:2]
        primitive, _ = primitives.conform(primitive, self.source.spec)
        changed = (primitive != self.source.primitive).any(-1)
        nowhere = np.zeros((height, width), bool)
        pieces = nowhere.astype(np.uint8) if pieces is None else pieces
        self._check("pieces", pieces, (height, width))
        if field is None and not changed.any():
            still, reach = fields.identity(height, width), np.zeros((height, width), np.float32)
            return Copied(photo.copy(), still, ~nowhere, nowhere, nowhere, nowhere, reach, 0.0, 1.0)
        new = self._take_apart(primitive)
        backward = None
        if field is None:
            field, backward = self._estimate(new, both_ways)
        else:
            self._check("field", field, (height, width, 2))
        field = field.astype(np.float32)
        return self._make_copy(photo, new, field, backward, changed, within, pieces)

    def draft(
        self,
        layers: primitives.Layers,
        field: np.ndarray,
        pieces: np.ndarray,
        finish: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
        *,
        completes: bool = True,
    ) -> np.ndarray:
        """The picture of a drawing whose field is known, quickly, at the primitive's size.

        Args:
          layers: of the edited primitive.
          field: (h, w, 2) float32.
          pieces: (h, w) uint8, as for `copy`.
          finish: of the copied picture and of what is lacking, bool (h, w), makes the final picture.
          completes: whether areas far from all of their label are completed anew if they have to be; else
            as the last ones were, or by the label rule.

        Returns:
          uint8 (h, w, 3), as `copy` makes it, finished.
        """
        new = self._channels.labelled(channels.parts_of(layers))
        ruled = self._apply_label_rule(new, field, completes=completes)
        picture = self._sample(self.source.image, ruled.field, new, pieces)
        if finish is None:
            return picture
        return finish(picture, self._lacking(new, ruled, self._mismatch(new, ruled, pieces)))

    def mismatch(self, layers: primitives.Layers, field: np.ndarray, pieces: np.ndarray) -> np.ndarray:
        """bool (h, w): where a copy does not show a drawing with a known field."""
        new = self._channels.labelled(channels.parts_of(layers))
        return self._mismatch(new, self._apply_label_rule(new, field), pieces)

    def complete(
        self, layers: primitives.Layers, field: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Finds what of the rest of the picture completes it in a mask, by coherent patches.

        Args:
          layers: what is to be drawn.
          field: (h, w, 2) of the picture so far, of which the mask's part goes.
          mask: (h, w) bool, neither empty nor everything.

        Returns:
          Rows and columns of what is copied there, in the order of `np.nonzero(mask)`.
        """
        return self._complete(self._channels.labelled(channels.parts_of(layers)).labels, field, mask)

    def _complete(self, labels, field, mask):
        """As `complete`, from what is remembered, if it is."""
        key = self._key(labels, field, mask)
        donors = self._completed.pop(key, None)
        if donors is None:
            # What was only painted shows another label's colours, which are none of its own.
            is_shown = fields.look_up(self._parts.labels, field) == labels
            picture = fields.interpolate(self.source.image, field)
            donors = completion.complete(picture, np.where(is_shown | mask, labels, -1), mask)
        self._completed[key] = donors  # the newest is the last
        while len(self._completed) > _REMEMBERED:
            self._completed.pop(next(iter(self._completed)), None)
        return donors

    @staticmethod
    def _key(labels, field, mask) -> bytes:
        digest = hashlib.blake2b(moves.key_of(mask))
        for part in (labels, field[~mask]):
            digest.update(part.tobytes())
        return digest.digest()

    def ignored(self, layers: primitives.Layers, field: np.ndarray, *, painted: bool) -> np.ndarray:
        """bool (h, w): what was drawn and changes nothing in a copy with a known field.

        Args:
          layers, field: as for `draft`.
          painted: whether a network paints what is lacking.
        """
        new = self._channels.labelled(channels.parts_of(layers))
        changed = (layers.regions != self._parts.colors).any(-1)
        if layers.edges is not None:
            changed |= layers.edges != self._parts.lines
        ruled = self._apply_label_rule(new, field, completes=False)
        found = mismatch.find_ignored(new, self._parts, ruled, changed)
        return found & ~mismatch.find_lacking(new, self._parts, ruled) if painted else found

    def _mismatch(self, new, ruled, pieces, back=None):
        return mismatch.find(new, self._parts, ruled, pieces & moves.FILLED > 0, back)

    def _lacking(self, new, ruled, mismatched):
        return mismatch.find_lacking(new, self._parts, ruled) if self.has_labels else mismatched

    @property
    def has_labels(self) -> bool:
        """Whether the drawing has regions whose labels can be right or wrong."""
        return self._channels.has_labels

    def _take_apart(self, primitive):
        return self._channels.labelled(channels.take_apart(primitive, self.source.spec))

    def _apply_label_rule(self, new, field, *, completes=True) -> fields.Ruled:
        """The label rule, and where it reaches far, patches that go together."""
        if self._channels.soft:
            copied = fields.interpolate(self._parts.colors, field)
            wrong = cv2.absdiff(new.colors, copied).max(-1) > SHADE
        elif self.has_labels:
            wrong = fields.look_up(self._parts.labels, field) != new.labels
        else:
            wrong = np.zeros(field.shape[:2], bool)
        ruled = fields.apply_label_rule(field, self._parts.labels, new.labels, wrong)
        distance = mismatch.REACH * max(wrong.shape) / 192
        far = (ruled.reach > distance) & np.isfinite(ruled.reach)
        if self._channels.soft or not far.any() or far.all():
            return ruled
        if not completes and self._key(new.labels, ruled.field, far) not in self._completed:
            return ruled._replace(field=self._completed_before(ruled.field, far))
        donors = self._complete(new.labels, ruled.field, far)
        places = np.zeros((*far.shape, 2), int)
        places[far] = np.stack(donors, -1)
        self._newest = far, places
        completed = ruled.field.copy()
        completed[far] = completed[donors]
        return ruled._replace(field=completed)

    def _completed_before(self, field, patched):
        """A field, completed where it was so lately, so that nothing flickers while a hand moves."""
        if self._newest is None:
            return field
        known = patched & self._newest[0]
        completed = field.copy()
        completed[known] = field[tuple(self._newest[1][known].T)]
        return completed

    def _sample(self, photo, field, new, pieces, wanted=None):
        """The photo along a field, with what completes it and what was laid elsewhere evened out."""
        picture = sampling.sample(photo, field, new.labels, wanted)
        laid = pieces & moves.LAID > 0
        correction = seams.find_correction(self.source.image, field, ((pieces > 0) & ~laid, laid))
        return picture if correction is None else seams.even_out(picture, correction)

    def estimate(self, primitive: np.ndarray) -> np.ndarray:
        """The estimated (h, w, 2) field of an edited primitive, without the label rule."""
        self._check("primitive", primitive, self.source.primitive.shape)
        primitive, _ = primitives.conform(primitive, self.source.spec)
        return self._estimate(self._take_apart(primitive), False)[0]

    def _estimate(self, new, both_ways):
        drawing = self._channels.draw(new)
        field = flow.estimate(drawing, self._drawing, self.settings)
        return field, flow.estimate(self._drawing, drawing, self.settings) if both_ways else None

    def _make_copy(self, photo, new, field, backward, changed, within, pieces) -> Copied:
        made = self._apply_label_rule(new, field)
        ruled = made.field
        wanted = None if within is None else within(ruled)
        picture = self._sample(photo, ruled, new, pieces, wanted)
        keep = (ruled == fields.identity(*changed.shape)).all(-1)
        mismatched = self._mismatch(new, made, pieces, backward)
        edited = np.count_nonzero(changed)
        lost = np.count_nonzero(mismatched & changed) / edited if edited else 0.0
        return Copied(
            picture,
            ruled,
            keep,
            mismatched,
            self._lacking(new, made, mismatched),
            mismatch.find_ignored(new, self._parts, made, changed),
            made.reach,
            float(mismatched.mean()),
            float(1 - lost),
        )

    @staticmethod
    def _check(name, array, shape):
        if np.shape(array) != tuple(shape):
            raise UserError(f"{name} of shape {np.shape(array)}: {tuple(shape)} is needed here")
