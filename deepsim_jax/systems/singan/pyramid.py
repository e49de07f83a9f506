"""The scales at which SinGAN learns a photo: how many, how large, how wide the networks (§2.1, §3).

Scale 0 is the coarsest everywhere. The paper fixes the shorter side of scale 0 (25 pixels), the longer
side of the finest scale (250 at most) and asks for a ratio of neighbours as close as possible to 4/3.
Its program counts otherwise and comes to up to two scales more: `STEPS` has both ways.

Sizes are (height, width); in messages, width x height.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.ops import bicubic
from deepsim_jax.systems.singan import networks

STEPS = ("published", "published_sr", "nearest")
"""Ways to count the steps between the coarsest and the finest scale (`plan`)."""

COMPAT = ("paper", "code")
"""Whether a float's last bits may round a side or a count up, as they do in the program (`plan`)."""

_ROUNDING = 1e-9  # logarithms that are whole numbers but for the last bits of a float


@dataclasses.dataclass(frozen=True)
class Pyramid:
    """The scales of one photo, coarsest first; JSON through `dataclasses.asdict`.

    Attributes:
      photo: size of the photo as it was given.
      reduction: of the photo to the finest scale, at most 1: photos are never enlarged.
      factor: from each scale to the next coarser one, below 1.
      sizes: of each scale.
      widths: channels of each scale's networks.
    """

    photo: tuple[int, int]
    reduction: float
    factor: float
    sizes: tuple[tuple[int, int], ...]
    widths: tuple[int, ...]


def plan(
    size: tuple[int, int],
    *,
    factor: float = 0.75,
    min_size: int = 25,
    max_size: int = 250,
    steps: str = "published",
    compat: str = "paper",
    keep: int | None = None,
    filters: int = 32,
    most_filters: int = 128,
) -> Pyramid:
    """The pyramid of a photo of the given (height, width).

    The photo is reduced to a longer side of `max_size` where it exceeds it. The factor is then
    adapted so that a whole number of steps leads to a shorter side of `min_size`.

    Args:
      size: (height, width) of the photo.
      factor: the wanted factor between neighbouring scales, between 0 and 1.
      min_size: shorter side of the coarsest scale. 18 for super-resolution, 20 for animations.
      max_size: longer side of the finest scale.
      steps: "published" counts as the program; "published_sr" as it does for super-resolution,
        rounding down where it otherwise rounds up; "nearest" as the paper says, so that the adapted
        factor's inverse is as close as possible to the wanted one's.
      compat: "code" rounds as the program, in floats: 25.000000000000004 pixels are 26, and
        3.0000000000000004 steps are 4. A side of the coarsest or the finest scale is then a pixel
        longer; between them more, where the factor of a long photo is another. "paper": whole numbers
        stay.
      keep: if given, only this many of the finest scales are used, for the effect of the number of
        scales (Fig. 9): sizes and factor stay, and the coarsest one left generates from noise.
      filters: channels at the coarsest scale; they double every fourth scale.
      most_filters: where the doubling ends.

    Raises:
      UserError: the photo is too small or too elongated, or an argument is out of range.
    """
    _check_arguments(factor, min_size, max_size, steps, compat, keep)
    exact = compat == "code"
    longer = max(size)
    reduction = min(max_size / longer, 1.0)
    finest = bicubic.scaled_size(size, reduction, exact=exact)
    if min(finest) <= min_size:
        _refuse(size, finest, min_size, max_size)
    if steps == "nearest":
        count = _nearest_steps(min(finest) / min_size, 1 / factor)
    else:
        up, down = (math.ceil, math.floor) if exact else (_rounded_up, _rounded_down)
        rounded = down if steps == "published_sr" else up
        all_scales = rounded(math.log(min_size / min(size), factor)) + 1
        count = all_scales - rounded(math.log(min(max_size, longer) / longer, factor))
    adapted = (min_size / min(finest)) ** (1 / count)
    sizes = tuple(bicubic.scaled_size(finest, adapted**i, exact=exact) for i in range(count, -1, -1))
    sizes = sizes if keep is None else sizes[-keep:]
    widths = tuple(min(filters * 2 ** (i // 4), most_filters) for i in range(len(sizes)))
    height, width = size
    return Pyramid((height, width), reduction, adapted, sizes, widths)


def coarser(pyramid: Pyramid, scales: int) -> Pyramid:
    """The pyramid without its finest scales: of a training that has not come to them yet."""
    missing = len(pyramid.sizes) - scales
    return dataclasses.replace(
        pyramid,
        reduction=pyramid.reduction * pyramid.factor**missing,
        sizes=pyramid.sizes[:scales],
        widths=pyramid.widths[:scales],
    )


def enlarging_steps(times: float) -> tuple[float, int]:
    """The steps in which a photo is enlarged `times` times: (factor of each, above 1; how many).

    About 2^(1/3) each (the published program: 6 steps for a factor of 4). The pyramid is planned
    with their inverse: `plan(size, factor=1 / step, min_size=18, steps="published_sr")`.

    Raises:
      UserError: the factor is not above 1.
    """
    if not times > 1:
        raise UserError(f"enlarging {times} times: the factor must be above 1, such as 4")
    count = max(1, round(3 * math.log2(times)))
    return times ** (1 / count), count


def pictures(photo: jax.Array, pyramid: Pyramid) -> list[jax.Array]:
    """The photo (H, W, C) in [-1, 1] at each scale, coarsest first, clipped to [-1, 1].

    Each is reduced from the finest one, not from its neighbour. The published program keeps whole
    grey levels between the two reductions, rounded down; here nothing is rounded.

    Raises:
      ValueError: the photo has another size than the pyramid's.
    """
    if photo.shape[:2] != pyramid.photo:
        raise ValueError(f"photo {photo.shape[:2]}: the pyramid is one of {pyramid.photo}")
    last = len(pyramid.sizes) - 1
    finest = _clip(bicubic.resize(photo, pyramid.reduction, pyramid.sizes[-1]))
    return [
        _clip(bicubic.resize(finest, pyramid.factor ** (last - i), size))
        for i, size in enumerate(pyramid.sizes)
    ]


def upsample(picture: jax.Array, factor: float | None, size: tuple[int, int]) -> jax.Array:
    """A generator's result (..., H, W, C) at the next finer scale, clipped to [-1, 1].

    Args:
      picture: values beyond [-1, 1] are clipped before, too.
      factor: the pyramid's; None: the picture is stretched to the size, for samples of another size
        than the photo, whose scales are rounded on their own.
      size: of the next scale; for a sample of another size than the photo, of the sample there.
    """
    return _clip(bicubic.resize(_clip(picture), factor and 1 / factor, size))


def check_photo(photo: np.ndarray) -> None:
    """Refuses a photo (H, W, C) of any values in which all pixels are equal.

    Raises:
      UserError: it is of one colour.
    """
    photo = np.asarray(photo)
    if (photo == photo[:1, :1]).all():
        colour = ", ".join(f"{value:g}" for value in photo[0, 0])
        raise UserError(
            f"photo of one colour ({colour}): there is nothing to learn from it; take a "
            "photo that shows something"
        )


def _clip(picture: jax.Array) -> jax.Array:
    return jnp.clip(picture, -1, 1)


def _rounded_up(x: float) -> int:
    return math.ceil(x - _ROUNDING)


def _rounded_down(x: float) -> int:
    return math.floor(x + _ROUNDING)


def _nearest_steps(total: float, ratio: float) -> int:
    """In how many equal steps a picture shrinks by `total` so that each is nearest to `ratio`."""
    fewer = max(1, _rounded_down(math.log(total, ratio)))
    return min((fewer, fewer + 1), key=lambda count: abs(total ** (1 / count) - ratio))


def _check_arguments(factor, min_size, max_size, steps, compat, keep) -> None:
    field = networks.RECEPTIVE_FIELD
    if not 0 < factor < 1:
        raise UserError(f"scale factor {factor}: it must lie between 0 and 1, such as 0.75")
    if min_size < field:
        raise UserError(
            f"min_size {min_size}: the networks look at {field}x{field} pixels at once; "
            f"take {field} or more"
        )
    if max_size <= min_size:
        raise UserError(f"max_size {max_size}: it must be above min_size, which is {min_size}")
    if steps not in STEPS:
        raise UserError(f"steps {steps!r}: allowed are {', '.join(map(repr, STEPS))}")
    if compat not in COMPAT:
        raise UserError(f"compat {compat!r}: allowed are {', '.join(map(repr, COMPAT))}")
    if keep is not None and keep < 1:
        raise UserError(f"keep {keep}: at least 1 scale is needed")


def _refuse(size, finest, min_size, max_size) -> None:
    height, width = size
    description = f"photo of {width}x{height} pixels"
    if finest != tuple(size) and min(size) > min_size:
        raise UserError(
            f"{description}: reduced to a longer side of {max_size} its shorter one has {min(finest)}, "
            f"which must be above {min_size}; crop the photo or raise max_size"
        )
    raise UserError(
        f"{description}: its shorter side must be above {min_size}, the size of the coarsest "
        "scale; take a larger photo or a smaller min_size"
    )
