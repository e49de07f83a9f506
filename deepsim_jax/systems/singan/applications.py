"""The applications of a trained SinGAN: pictures in, pictures out.

Pictures are uint8 (H, W, 3); those that are passed in may also be paths. Start scales count from the
coarsest, 0 (`systems.singan.sampling`): below it the result keeps the photo's (or the given picture's)
layout. The same seed gives the same pictures, and sample number i does not depend on how many there are.

Samples, paintings and animations come at the training size, which is logged where the photo is larger;
composites (`edit`, `harmonise`) come at the photo's own size and `enlarge` above it.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import changes, masks, ranges
from deepsim_jax.images import compositing as editing
from deepsim_jax.images import contact_sheet as sheets
from deepsim_jax.images import io as images
from deepsim_jax.primitives import segmentation
from deepsim_jax.systems.contract import Progress
from deepsim_jax.systems.singan import animation, enlarging, injection, pyramid, quantising, sampling
from deepsim_jax.systems.singan.learned import Learned

log = logging.getLogger("deepsim_jax")

EDIT_DILATION, HARMONISE_DILATION, FEATHER = 20 / 250, 7 / 250, 5 / 250
"""Radii by which masks are widened and the blur of their border, as parts of the photo's longer side
(published: 20, 7 and 5 pixels of 250)."""

ANIMATION_BETAS = (0.8, 0.85, 0.9, 0.95)
ANIMATION_START_SCALES = (0, 1, 2)
"""The published animations of a photo."""

_PIXELS_AT_ONCE = 2**19


class Composite(NamedTuple):
    """An edited photo.

    Attributes:
      picture: uint8 (H, W, 3) of the photo's size: the photo, bit for bit, where the weight is 0.
      made: uint8 (h, w, 3) at the training size: what the network made of all of it.
      weights: float (H, W) from 0 to 1, how much of `made` is in `picture`.
    """

    picture: np.ndarray
    made: np.ndarray
    weights: np.ndarray


def sample(
    learned: Learned,
    count: int = 1,
    *,
    seed: int = 0,
    start_scale: int = 0,
    size: tuple[int, int] | None = None,
    batch: int | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Random samples, uint8 (count, H, W, 3).

    Args:
      learned: the trained scales.
      count: how many.
      seed: of the noise.
      start_scale: 0 to the number of scales - 1.
      size: (height, width) of the samples; by default the training size.
      batch: how many are made at once; by default as many as the memory surely has room for.
      progress: is told after each batch how many are made, of how many.

    Raises:
      UserError: an argument is out of range.
    """
    if count < 1:
        raise UserError(f"{count} samples: at least 1 is needed")
    sampling.scale_sizes(learned, size)  # refused before it is divided by
    _tell_size(learned, "samples", size)
    return _batches(
        lambda keys: sampling.sample(keys, learned, start_scale=start_scale, size=size),
        count,
        seed,
        batch or _at_once(size or learned.pyramid.sizes[-1]),
        progress,
    )


def retarget(
    learned: Learned,
    size: tuple[int, int],
    count: int = 1,
    *,
    seed: int = 0,
    start_scale: int | None = None,
) -> np.ndarray:
    """The photo's content in another size and aspect, uint8 (count, height, width, 3).

    The reconstruction below the start scale is stretched, and from there on patches have their own size
    and proportions again. With a start scale of 0 the layout is new, too.

    Args:
      learned: the trained scales.
      size: (height, width), in pixels of the training size (`stretched`).
      count, seed: as in `sample`.
      start_scale: 0 to the number of scales - 1; by default 1.

    Raises:
      UserError: an argument is out of range.
    """
    return sample(learned, count, seed=seed, start_scale=_or_finest(learned, start_scale, 1), size=size)


def stretched(learned: Learned, height: float = 1.0, width: float = 1.0) -> tuple[int, int]:
    """(height, width) in pixels of the training size times these factors."""
    rows, columns = learned.pyramid.sizes[learned.scales - 1]
    return round(rows * height), round(columns * width)


def paint(
    learned: Learned,
    drawing,
    count: int = 1,
    *,
    start_scale: int = 1,
    seed: int = 0,
    centres: np.ndarray | None = None,
) -> np.ndarray:
    """Paint-to-image: a coarse drawing with the photo's patches, uint8 (count, H, W, 3).

    Args:
      learned: the trained scales.
      drawing: a picture of the photo's colours, of any size; stretched to the training size.
      count, seed: as in `sample`.
      start_scale: 1 to the number of scales - 1; published: 1 or 2.
      centres: float (k, 3) in [-1, 1]: the colours with which the start scale was trained again.

    Raises:
      UserError: an unusable drawing, or an argument is out of range.
    """
    primitive = jnp.asarray(ranges.to_float(images.read_image(drawing, name="drawing")))
    _tell_size(learned, "pictures", None)
    colors = None if centres is None else jnp.asarray(centres)
    return _batches(
        lambda keys: injection.inject(keys, learned, primitive, start_scale=start_scale, centres=colors),
        count,
        seed,
        _at_once(learned.pyramid.sizes[-1]),
    )


def main_colors(
    learned: Learned, photo: np.ndarray, start_scale: int, *, colors: int = 5, seed: int = 0
) -> np.ndarray:
    """The photo's main colours at a scale, for the quantised paint-to-image: float32 (k, 3) in [-1, 1].

    Args:
      learned: the trained scales.
      photo: uint8 (H, W, 3) at its own size.
      start_scale: 1 to the number of scales - 1.
      colors: how many, at least 2; fewer are found where the photo has fewer.
      seed: of the k-means' start.

    Raises:
      UserError: an argument is out of range.
    """
    sampling.check_start_scale(learned, start_scale, least=1)
    if colors < 2:
        raise UserError(f"{colors} colours: at least 2 are needed for a drawing")
    photo_at_scale = pyramid.pictures(jnp.asarray(ranges.to_float(photo)), learned.pyramid)[start_scale]
    pixels = np.asarray(photo_at_scale, np.float32).reshape(-1, photo_at_scale.shape[-1])
    return segmentation.kmeans_centers(pixels, colors, seed).astype(np.float32)


def flat_drawing(picture: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """A picture in the given colours alone, uint8 (H, W, 3): what a drawing will be taken for."""
    return ranges.to_uint8(
        quantising.quantise(jnp.asarray(ranges.to_float(picture)), jnp.asarray(centres))
    )


def edit(
    learned: Learned,
    photo: np.ndarray,
    edited,
    mask=None,
    *,
    start_scale: int | None = None,
    seed: int = 0,
    dilation: float = EDIT_DILATION,
    feather: float = FEATHER,
) -> Composite:
    """A photo whose parts were moved, copied or painted over, made seamless.

    Args:
      learned: the trained scales of the photo.
      photo: uint8 (H, W, 3) at its own size.
      edited: the changed photo, of its size or the training size.
      mask: the lighter part = changed (the opposite of DeepSIM's `keep`), of the edited photo's size: an
        array, a path, or words that `masks.read` understands; None: where the edited photo differs from
        the photo by more than its file format explains (`images.changes`).
      start_scale: 1 to the number of scales - 1; the finer, the less is changed; by default 2.
      seed: of the noise.
      dilation, feather: `images.compositing.soften` with these parts of the photo's longer side.

    Raises:
      UserError: a picture or a mask of another size, an empty mask, an argument out of range.
    """
    edited, mask = read_edited(learned, photo, edited, mask)
    start_scale = _or_finest(learned, start_scale, 2)
    key = jax.random.key(seed)[None]
    output = ranges.to_uint8(
        injection.inject(key, learned, jnp.asarray(ranges.to_float(edited)), start_scale=start_scale)[0]
    )
    longer = max(photo.shape[:2])
    weights = editing.soften(mask, dilation=dilation * longer, feather=feather * longer)
    return Composite(editing.blend(photo, output, weights), output, weights)


def read_edited(learned: Learned, photo: np.ndarray, edited, mask=None) -> tuple[np.ndarray, np.ndarray]:
    """(the edited photo, uint8 of its own size, and what of it is changed, bool (H, W) of the photo's).

    Args:
      learned, photo, edited, mask: as in `edit`.

    Raises:
      UserError: a picture or a mask of another size, or an empty mask.
    """
    edited = images.read_image(edited, name="edited photo")
    _check_size("edited photo", edited, learned, photo)
    mask = changed_pixels(photo, edited) if mask is None else masks.read(mask, edited)
    if mask.shape != photo.shape[:2]:
        mask = images.resize_labels(mask.astype(np.uint8), *photo.shape[:2]) > 0
    return edited, mask


def harmonise(
    learned: Learned,
    photo: np.ndarray,
    pasted,
    mask=None,
    *,
    start_scale: int | None = None,
    seed: int = 0,
    dilation: float = HARMONISE_DILATION,
    feather: float = FEATHER,
) -> Composite:
    """A foreign object, pasted into the photo, with the photo's colours and texture.

    As `edit`, from a finer scale (by default 3) and with a mask that is widened less.
    """
    return edit(
        learned,
        photo,
        pasted,
        mask,
        start_scale=_or_finest(learned, start_scale, 3),
        seed=seed,
        dilation=dilation,
        feather=feather,
    )


def changed_pixels(photo: np.ndarray, edited: np.ndarray) -> np.ndarray:
    """bool (H, W): where an edited photo differs from the photo, whatever format it was saved in.

    Raises:
      UserError: it has another size, or (nearly) equals the photo.
    """
    if photo.shape != edited.shape:
        raise UserError(
            "edited photo: it is smaller than the photo, so that what was changed cannot be "
            "seen from it; give the mask, or the edited photo at the photo's size"
        )
    changed = changes.changed(photo, edited)
    if not changed.any():
        raise UserError(
            "edited photo: nowhere different from the photo by more than its file format explains; "
            "change more, or give the mask"
        )
    changes.warn_of_much(
        changed,
        "edited photo",
        "so much differs from the photo and counts as changed; if you edited less, save it as PNG, or "
        "give a mask",
    )
    log.info("edited photo: %.1f %% of it differs from the photo", 100 * changed.mean())
    return changed


def enlarge(
    learned: Learned,
    picture,
    times: float,
    *,
    seed: int = 0,
    noise: float = 1.0,
    progress: Progress | None = None,
) -> np.ndarray:
    """Super-resolution: uint8 (round(times * H), round(times * W), 3).

    Args:
      learned: the trained scales.
      picture: the photo at its own size (or at another one).
      times: factor above 1.
      seed: of the noise.
      noise: its strength, in amplitudes of the finest scale; 1 as published.
      progress: is told after each size on the way how many are done, of how many.

    Raises:
      UserError: the factor is not above 1, or the result would be too large (`enlarging.enlarge`).
    """
    picture = jnp.asarray(ranges.to_float(images.read_image(picture)))
    height, width, _ = picture.shape
    enlarging.check((height, width), times)
    if (height, width) != learned.pyramid.sizes[-1]:
        _tell_size(learned, "enlarged picture", (round(times * height), round(times * width)))
    key = jax.random.key(seed)
    larger = enlarging.enlarge(key, learned, picture, times, noise=noise, progress=progress)
    return ranges.to_uint8(larger)


def animate(
    learned: Learned,
    *,
    frames: int = 100,
    alpha: float = 0.1,
    beta: float = 0.9,
    start_scale: int | None = None,
    seed: int = 0,
    batch: int | None = None,
) -> Iterator[np.ndarray]:
    """The frames of an animation of the photo, uint8 (H, W, 3) each; for `sequences.film_files.write`.

    Args:
      learned: the trained scales.
      frames: how many; 100 are ten seconds, as published.
      alpha: how close to the photo the walk stays, in [0, 1].
      beta: how smooth and slow the movement is, in [0, 1].
      start_scale: 0 to the number of scales - 1, by default 2; what is coarser stands still.
      seed: of the noise.
      batch: how many are made at once; by default as many as the memory surely has room for.

    Raises:
      UserError: an argument is out of range.
    """
    _tell_size(learned, "frames", None)
    return _frames(
        learned,
        seed,
        batch,
        frames=frames,
        alpha=alpha,
        beta=beta,
        start_scale=_or_finest(learned, start_scale, 2),
    )


def animation_sheet(
    learned: Learned,
    *,
    frames: int = 100,
    alpha: float = 0.1,
    betas: Sequence[float] = ANIMATION_BETAS,
    start_scales: Sequence[int] = ANIMATION_START_SCALES,
    seed: int = 0,
) -> Iterator[np.ndarray]:
    """Animations with several betas from several start scales beside each other, frame by frame."""
    _tell_size(learned, "frames", None)
    moving = [
        [
            _frames(learned, seed, None, frames=frames, alpha=alpha, beta=beta, start_scale=start)
            for beta in betas
        ]
        for start in start_scales
    ]
    labels = [f"start scale {start}" for start in start_scales]

    def pictures():
        for _ in range(frames):
            rows = [[next(film) for film in row] for row in moving]
            yield sheets.contact_sheet(
                list(zip(labels, rows, strict=True)), columns=[f"beta {beta:g}" for beta in betas]
            )

    return pictures()


def start_scale_sheet(
    make: Callable[[int], Sequence[np.ndarray]],
    learned: Learned,
    *,
    least: int = 0,
    given: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """A contact sheet: a row of what an application makes for each start scale that it allows.

    Args:
      make: start scale -> uint8 pictures (H, W, 3).
      learned: the trained scales.
      least: the coarsest start scale, 1 where a picture is put in.
      given: pictures that each row begins with: the photo, the drawing.
    """
    rows = []
    for start in range(least, learned.scales):
        outputs = list(make(start))
        size = f"{outputs[0].shape[1]}x{outputs[0].shape[0]} px"
        rows.append((f"start scale {start}: {size}", [*given, *outputs]))
    return sheets.contact_sheet(rows)


def scales_sheet(learned: Sequence[Learned], count: int = 3, *, seed: int = 0) -> np.ndarray:
    """The effect of the number of scales (Fig. 9): samples of trainings of one photo, a row for each."""
    rows = []
    for trained in sorted(learned, key=lambda trained: trained.scales):
        height, width = trained.pyramid.sizes[0]
        rows.append(
            (
                f"{trained.scales} scale{'s' * (trained.scales > 1)}, "
                f"the coarsest of {width}x{height} px",
                list(sample(trained, count, seed=seed)),
            )
        )
    return sheets.contact_sheet(rows)


def training_picture(learned: Learned, photo: np.ndarray) -> np.ndarray:
    """The photo at the training size, uint8 (h, w, 3), for comparison with samples."""
    return ranges.to_uint8(pyramid.pictures(jnp.asarray(ranges.to_float(photo)), learned.pyramid)[-1])


def _frames(learned, seed, batch, **walk):
    batches = animation.animate(
        jax.random.key(seed), learned, **walk, batch=batch or _at_once(learned.pyramid.sizes[-1])
    )
    return (frame for frames in batches for frame in ranges.to_uint8(frames))


def _or_finest(learned, start_scale, default):
    """The given start scale; without one the default, or the finest scale if that is coarser."""
    return min(default, learned.scales - 1) if start_scale is None else start_scale


def _batches(make, count, seed, batch, progress=None):
    """Calls `make` on `count` keys, so many at once, and joins the results."""
    batch = min(count, batch)
    key, outputs = jax.random.key(seed), []
    for begin in range(0, count, batch):
        # Filled up: a last, shorter batch would need a compilation of its own.
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(begin + np.arange(batch))
        outputs.append(ranges.to_uint8(make(keys)))
        if progress is not None:
            progress(min(begin + batch, count), count)
    return np.concatenate(outputs)[:count]


def _at_once(size):
    return max(1, min(32, _PIXELS_AT_ONCE // (size[0] * size[1])))


def _tell_size(learned, output_name, size):
    plan = learned.pyramid
    if plan.reduction < 1:
        height, width = size or plan.sizes[-1]
        log.warning(
            "%s: %dx%d px; the photo has %dx%d, but was trained at %dx%d",
            output_name,
            width,
            height,
            *plan.photo[::-1],
            *plan.sizes[-1][::-1],
        )


def _check_size(name, picture, learned, photo):
    height, width = picture.shape[:2]
    allowed = [photo.shape[:2], learned.pyramid.sizes[-1]]
    if (height, width) not in allowed:
        words = " or ".join(dict.fromkeys(f"{w}x{h}" for h, w in allowed))
        raise UserError(f"{name}: {width}x{height} px, it must be {words}")
