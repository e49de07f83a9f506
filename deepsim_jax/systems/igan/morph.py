"""Generative transformation: one photo takes on the shape and the colours of another, as a film.

Both photos are projected to latents; what changes between the generated pictures on the straight line
between them is given to the first photo (`transfer`). No brush is needed. (Zhu, Krähenbühl, Shechtman and
Efros, "Generative visual manipulation on the natural image manifold", 2016, section 6.2.)
"""

from collections.abc import Iterator

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.systems.igan import transfer
from deepsim_jax.systems.igan.transfer import Box, Generate

FRAMES = 16
"""Of a film, both ends among them, as published."""


def morph(
    generate: Generate,
    start: np.ndarray,
    end: np.ndarray,
    photo: np.ndarray,
    *,
    box: Box | None = None,
    frames: int = FRAMES,
    between: int = transfer.BETWEEN,
    color: bool = True,
    back: bool = False,
) -> Iterator[np.ndarray]:
    """The frames of a film in which a photo becomes like another; the first is the photo itself.

    Args:
      generate: (n, d) latents -> (n, h, w, 3) pictures in [-1, 1].
      start, end: (d,) latents of the photo and of the other one.
      photo: (H, W, 3) uint8.
      box: (left, top, width, height) in the photo's pixels that the generated pictures show; None: all.
      frames: of the way there, 2 or more.
      between: generated pictures between both ends, whose changes are joined.
      color: whether colours change, too, and not only the shape.
      back: whether the film runs back to the photo again, for playing it in a loop.

    Yields:
      (H, W, 3) uint8 frames, for `sequences.film_files.write`.

    Raises:
      UserError: fewer than 2 frames, or a box that does not meet the photo.
    """
    if frames < 2:
        raise UserError(f"a film of {frames} frames; 2 or more are needed, {FRAMES} as published")
    transfer.check(photo, box)
    changes = transfer.follow(transfer.path(generate, start, end, between=between))
    amounts = [number / (frames - 1) for number in range(frames)]
    if back:
        amounts += amounts[-2:0:-1]
    return (transfer.apply(changes, photo, amount, box=box, color=color) for amount in amounts)
