"""Inpainting: a hole in a picture, filled by SinGAN from a reference, or by OpenCV from its border.

The method is that of the report "Image manipulation with generative adversarial networks" (El Mennaoui
and Kerroumi), section 3: train SinGAN on the damaged picture, put a reference that resembles the whole
picture (a neighbouring frame, a sample) into a scale, and take what it makes inside the hole. Pictures
are uint8 (H, W, 3), masks bool (H, W), True = the hole (`data.masks`). Outside of the hole every result
is the picture, bit for bit.
"""

import logging
from typing import NamedTuple

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images import compositing as editing
from deepsim_jax.images import io as images
from deepsim_jax.images import ranges
from deepsim_jax.systems.singan import injection, sampling
from deepsim_jax.systems.singan.learned import Learned

log = logging.getLogger("deepsim_jax")

CLASSICAL = {"telea": cv2.INPAINT_TELEA, "navier_stokes": cv2.INPAINT_NS}
"""OpenCV's methods: fast marching (Telea 2004), fluid dynamics (Bertalmio, Bertozzi & Sapiro 2001)."""

RADIUS = 3
"""Pixels around a point of the hole that OpenCV's methods look at."""

TRAINED_ON = ("filled", "damaged")
"""What is trained on: the picture with its hole filled, or as it is."""


class Inpainted(NamedTuple):
    """A filled picture.

    Attributes:
      picture: uint8 (H, W, 3) of the damaged picture's size.
      made: uint8 (h, w, 3) at the training size: what the network made of the whole reference.
      reference: uint8 (H, W, 3), what was put in.
    """

    picture: np.ndarray
    made: np.ndarray
    reference: np.ndarray


def inpaint(
    learned: Learned,
    picture: np.ndarray,
    hole: np.ndarray,
    reference=None,
    *,
    start_scale: int | None = None,
    seed: int = 0,
) -> Inpainted:
    """Fills the hole of a picture with what SinGAN makes of a reference.

    Args:
      learned: the trained scales of `training_picture`.
      picture: uint8 (H, W, 3), damaged.
      hole: bool (H, W).
      reference: path or array of a picture that resembles the whole undamaged one, of its size or the
        training size: a neighbouring frame, a sample. None: the picture with its hole filled by Telea's
        method, to which SinGAN adds the picture's patches; only a guess.
      start_scale: 1 to the number of scales - 1, counted from the coarsest, 0; the finer, the more of
        the reference stays; by default `default_start_scale`.
      seed: of the noise.

    Raises:
      UserError: a mask or a reference of another size, or a start scale out of range.
    """
    if start_scale is None:
        start_scale = default_start_scale(learned, guided=reference is not None)
    reference = (
        guess(picture, hole)
        if reference is None
        else read_reference(reference, picture, learned.pyramid.sizes[learned.scales - 1])
    )
    outputs = injection.inject(
        jax.random.key(seed)[None],
        learned,
        jnp.asarray(ranges.to_float(reference)),
        start_scale=start_scale,
    )
    output = ranges.to_uint8(outputs[0])
    return Inpainted(paste(picture, hole, output), output, reference)


def default_start_scale(learned: Learned, *, guided: bool) -> int:
    """The scale that a reference is put into where none is named.

    The report says "one of the coarse scales; in practice the last one" of a pyramid that it does not
    describe. A reference that shows what was behind the hole (`guided`) is put into the second finest
    scale: coarser ones move its edges, which costs more than it gains (`results/`). A guess is put into
    the middle one, because it has no details to be kept.
    """
    sampling.check_start_scale(learned, learned.scales - 1, least=1)
    return max(1, learned.scales - 2 if guided else learned.scales // 2)


def training_picture(picture: np.ndarray, hole: np.ndarray, *, trained_on: str = "filled") -> np.ndarray:
    """The picture that SinGAN is trained on, uint8 (H, W, 3).

    The report trains on the damaged picture ("damaged"), so that the network learns the patches of the
    subtitles, too. "filled" fills the hole first by Telea's method, so that the network learns smooth
    patches there instead of those that are to be removed.

    Raises:
      UserError: another word.
    """
    if trained_on not in TRAINED_ON:
        raise UserError(f"trained_on={trained_on!r}: choose one of {', '.join(TRAINED_ON)}")
    return picture if trained_on == "damaged" else guess(picture, hole)


def guess(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The picture with its hole filled without any learning, by Telea's method."""
    return classical(picture, hole, "telea")


def classical(picture: np.ndarray, hole: np.ndarray, method: str) -> np.ndarray:
    """The hole filled from its border by OpenCV, uint8 (H, W, 3).

    Args:
      picture: uint8 (H, W, 3).
      hole: bool (H, W).
      method: a key of `CLASSICAL`.

    Raises:
      UserError: an unknown method.
    """
    if method not in CLASSICAL:
        raise UserError(f"method {method!r}: choose one of {', '.join(CLASSICAL)}")
    return cv2.inpaint(np.ascontiguousarray(picture), hole.astype(np.uint8), RADIUS, CLASSICAL[method])


def paste(picture: np.ndarray, hole: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The other picture inside the hole, enlarged to the picture's size if it is smaller.

    There is no soft seam: it would let what is to be removed shine through.
    """
    return editing.blend(picture, other, hole.astype(np.float64))


def read_reference(reference, picture: np.ndarray, trained: tuple[int, int]) -> np.ndarray:
    """A reference, uint8 of the damaged picture's size or of the training size.

    Raises:
      UserError: it cannot be read or has another size.
    """
    image = images.read_image(reference, name="reference")
    if image.shape[:2] not in (picture.shape[:2], tuple(trained)):
        sizes = " or ".join(dict.fromkeys(f"{w}x{h}" for h, w in (picture.shape[:2], trained)))
        raise UserError(f"reference: {image.shape[1]}x{image.shape[0]} px, it must be {sizes}")
    return image
