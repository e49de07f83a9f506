"""Random warps of the training pair, which make a data set of one photograph.

"Deep Single Image Manipulation" (Vinker et al. 2020, section 3.2) warps primitive and photograph
together by a random thin-plate spline, plus flips and rotations. Here a crop, a flip, an affine map
and a spline are composed into one coordinate field, which says for each pixel of the result where in
the pair it looks, and `resample.warp` samples each layer of the pair once.

Everything is drawn from the key, with no state and no host code, so that all of it runs under
`jax.jit` and `jax.vmap`.
"""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.geometry import affine, grid, tps
from deepsim_jax.systems.deepsim.device_pair import Pair
from deepsim_jax.systems.deepsim.warp import warp

COMPAT = ("paper", "code")
_PROBABILITIES = ("flip", "tps", "rotation", "shear", "translation", "crop", "cutmix", "canny")
# Each coin and size has its own place in one vector of uniform numbers: switching one on leaves the
# others as they were, and one call of the generator compiles five times faster than three.
_COINS = ("flip", "tps", "rotation", "shear_x", "shear_y", "translation")
_SIZES = ("rotation", "shear_x", "shear_y", "translation_x", "translation_y")


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Which augmentations are drawn, how often and how strongly; hashable, hence static under jit.

    Each augmentation is drawn independently with its own probability, except in "code".

    Attributes:
      flip: probability of exchanging left and right.
      tps: probability of a thin-plate spline warp.
      tps_points: control points along x and y, from border to border.
      tps_jitter: a control point moves by up to this fraction of the image's extent, uniformly,
        along each axis.
      tps_smoothing: the paper's lambda, in normalised units; 0 follows the jitter exactly.
      rotation: probability of a rotation about the middle.
      rotation_degrees: uniform in plus or minus this.
      shear: probability of a shear, for each of the two axes independently.
      shear_range: uniform in plus or minus this.
      translation: probability of a shift.
      translation_range: uniform in plus or minus this fraction of the image's extent, per axis.
      crop: probability of enlarging a random window of the pair to its full size.
      crop_fraction: the window's side, as a fraction of the image's.
      cutmix: probability of exchanging two squares of the result, edges included.
      cutmix_side: smallest and largest side of the squares in pixels; both are capped at half of
        the image's shorter side, so that two squares always fit.
      canny: probability of another layer of edges than the primitive's own.
      compat: "paper", or "code" for what the published program does: an affine map only where no
        spline was drawn, rotations of a tenth of `rotation_degrees`, a jitter relative to the
        image's width along both axes, and a spline from the jittered points back to the regular
        ones with the four corners held.
    """

    flip: float = 0.5
    tps: float = 1.0
    tps_points: tuple[int, int] = (3, 3)
    tps_jitter: float = 0.1
    tps_smoothing: float = 0.0
    rotation: float = 0.0
    rotation_degrees: float = 10.0
    shear: float = 0.0
    shear_range: float = 0.3
    translation: float = 0.0
    translation_range: float = 0.2
    crop: float = 0.0
    crop_fraction: float = 256 / 480
    cutmix: float = 0.0
    cutmix_side: tuple[int, int] = (32, 96)
    canny: float = 0.0
    compat: str = "paper"

    def __post_init__(self):
        for name in _PROBABILITIES:
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name}={getattr(self, name)}: a probability is from 0 to 1")
        for name in (
            "tps_jitter",
            "tps_smoothing",
            "rotation_degrees",
            "shear_range",
            "translation_range",
        ):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UserError(f"{name}={getattr(self, name)}: it must be finite, 0 or more")
        if not 0 < self.crop_fraction <= 1:
            raise UserError(f"crop_fraction={self.crop_fraction}: it must be above 0, up to 1")
        if self.compat not in COMPAT:
            raise UserError(f"compat={self.compat!r}: {' or '.join(COMPAT)} is allowed")
        for name in ("tps_points", "cutmix_side"):
            object.__setattr__(self, name, tuple(int(v) for v in getattr(self, name)))
        if len(self.tps_points) != 2 or min(self.tps_points) < 2:
            raise UserError(f"tps_points={self.tps_points}: two numbers, 2 or more each")
        if len(self.cutmix_side) != 2 or not 1 <= self.cutmix_side[0] <= self.cutmix_side[1]:
            raise UserError(f"cutmix_side={self.cutmix_side}: smallest and largest side, from 1")


def augment(key: jax.Array, pair: Pair, settings: Augmentation) -> tuple[jax.Array, jax.Array]:
    """One random warp of a pair.

    Args:
      key: random key; the result depends on nothing else.
      pair: the training pair, (H, W).
      settings: static.

    Returns:
      (primitive, image), both (H, W, 3) float32 in [-1, 1].

    Raises:
      UserError: for `canny` above 0 with a pair that has fewer than two layers of edges.
    """
    field_key, uniform_key = jax.random.split(key)
    height, width = pair.image.shape[:2]
    field = sample_field(field_key, height, width, settings)
    uniform = jax.random.uniform(uniform_key, (9,))
    primitive, image = warp(pair, field, _edge_layer(uniform[:2], pair, settings))
    if settings.cutmix > 0:
        pixels = jnp.concatenate([primitive, image], axis=-1)
        pixels = pixels.reshape(height * width, 6)
        pixels = jnp.take(pixels, _swap(uniform[2:], height, width, settings), axis=0)
        primitive, image = pixels[..., :3], pixels[..., 3:]
    return primitive, image


def sample_field(key: jax.Array, height: int, width: int, settings: Augmentation) -> jax.Array:
    """(height, width, 2) normalised points of the pair at which the result's pixels look.

    Spline first, then translation, rotation, shear, flip and crop, as seen from the result. Smooth;
    the squares of cutmix are exchanged later, in the sampled layers.
    """
    n_coins, n_uniform = len(_COINS), len(_COINS) + len(_SIZES)
    uniform = jax.random.uniform(key, (n_uniform + 2 * math.prod(settings.tps_points),))
    coins = dict(zip(_COINS, uniform[:n_coins], strict=True))
    sizes = dict(zip(_SIZES, 2 * uniform[n_coins:n_uniform] - 1, strict=True))
    jitter = 2 * uniform[n_uniform:].reshape(-1, 2) - 1
    warped = coins["tps"] < settings.tps
    points = grid.pixel_grid(height, width)
    if settings.tps > 0 and settings.tps_jitter > 0:
        bend = _bend_code if settings.compat == "code" else _bend
        points += jnp.where(warped, bend(jitter, height, width, settings), 0)
    matrix = _affine(coins, sizes, height, width, settings)
    if settings.compat == "code":
        matrix = jnp.where(warped, jnp.eye(3), matrix)
    flip = jnp.where(coins["flip"] < settings.flip, affine.flip_x(), jnp.eye(3))
    points = affine.apply(affine.compose(flip, matrix), points)
    if settings.crop > 0:
        coin, *place = jax.random.uniform(jax.random.fold_in(key, 1), (3,))
        points = jnp.where(coin < settings.crop, _window(points, place, height, width, settings), points)
    return points


@functools.lru_cache(maxsize=2)
def _pixel_basis(n_x: int, n_y: int, height: int, width: int, smoothing: float) -> np.ndarray:
    """(H * W, n): any spline over the regular control points as one matrix product."""
    with jax.ensure_compile_time_eval():
        points = np.asarray(grid.pixel_grid(height, width)).reshape(-1, 2)
    control = tps.control_grid(n_x, n_y, height, width)
    return tps.basis(control, points, smoothing=smoothing)


def _bend(jitter: jax.Array, height: int, width: int, settings: Augmentation) -> jax.Array:
    """(H, W, 2) displacement by a spline over fixed points of the result with jittered targets.

    A spline reproduces affine maps whatever its smoothing, so that the displacement is the spline
    of the targets' displacement. `jitter` is (n, 2) in [-1, 1).
    """
    n_x, n_y = settings.tps_points
    basis = _pixel_basis(n_x, n_y, height, width, float(settings.tps_smoothing))
    reach = settings.tps_jitter * 2 * grid.half_extent(height, width)
    jitter = jitter * jnp.asarray(reach, jitter.dtype)
    moved = jnp.matmul(basis, jitter, precision=jax.lax.Precision.HIGHEST)
    return moved.reshape(height, width, 2)


def _bend_code(jitter: jax.Array, height: int, width: int, settings: Augmentation) -> jax.Array:
    """(H, W, 2) displacement by the published program's spline: jittered to regular points."""
    n_x, n_y = settings.tps_points
    control = jnp.asarray(tps.control_grid(n_x, n_y, height, width))
    corners = jnp.asarray(tps.control_grid(2, 2, height, width))
    jitter = jitter * (settings.tps_jitter * 2 * width / max(height, width))
    points = jnp.concatenate([control + jitter, corners])
    displacement = jnp.concatenate([-jitter, jnp.zeros_like(corners)])
    spline = tps.solve(points, displacement, smoothing=settings.tps_smoothing)
    return tps.evaluate(spline, grid.pixel_grid(height, width))


def _affine(
    coins: dict[str, jax.Array],
    sizes: dict[str, jax.Array],
    height: int,
    width: int,
    settings: Augmentation,
) -> jax.Array:
    """The (3, 3) product of the affine maps whose coin fell right."""

    def draw(name: str, coin: str, probability: float, limit: float) -> jax.Array:
        return jnp.where(coins[coin] < probability, sizes[name] * limit, 0)

    matrices = [jnp.eye(3)]
    if settings.shear > 0:
        for name, axes in (("shear_x", (1, 0)), ("shear_y", (0, 1))):
            size = draw(name, name, settings.shear, settings.shear_range)
            matrices.append(affine.shear(size * axes[0], size * axes[1]))
    if settings.rotation > 0:
        degrees = settings.rotation_degrees / (10 if settings.compat == "code" else 1)
        angle = draw("rotation", "rotation", settings.rotation, math.radians(degrees))
        matrices.append(affine.rotation(angle))
    if settings.translation > 0:
        limits = settings.translation_range * 2 * grid.half_extent(height, width)
        matrices.append(
            affine.translation(
                *(
                    draw(f"translation_{axis}", "translation", settings.translation, float(limit))
                    for axis, limit in zip("xy", limits, strict=True)
                )
            )
        )
    return affine.compose(*matrices)


def _window(points, place, height: int, width: int, settings: Augmentation) -> jax.Array:
    """The points within a window of the pair; `place` (2,) in [0, 1) is its place along x and y."""
    fraction = settings.crop_fraction
    free = (1 - fraction) * jnp.asarray(grid.half_extent(height, width), points.dtype)
    return fraction * points + free * (2 * jnp.stack(place) - 1)


def _edge_layer(uniform: jax.Array, pair: Pair, settings: Augmentation) -> int | jax.Array:
    """The edge layer to draw: the primitive's own, or one of the others."""
    if settings.canny == 0:
        return 0
    count = 0 if pair.edges is None else pair.edges.shape[0]
    if count < 2:
        raise UserError(f"canny={settings.canny} with {count} edge layers: 2 or more are needed")
    coin, choice = uniform
    return jnp.where(coin < settings.canny, 1 + _below(choice, count - 1), 0)


def _below(uniform: jax.Array, count: int | jax.Array) -> jax.Array:
    """A whole number from 0 to count - 1 made from uniform numbers in [0, 1)."""
    return jnp.minimum((uniform * count).astype(jnp.int32), count - 1)


def _swap(uniform: jax.Array, height: int, width: int, settings: Augmentation) -> jax.Array:
    """(H, W) flat pixel indices: a permutation that exchanges two squares, or none.

    The squares never overlap, else the exchange would lose pixels: along one axis, drawn by a coin,
    the second begins where the first has ended or later.
    """
    cap = min(height, width) // 2
    low, high = (min(side, cap) for side in settings.cutmix_side)
    side = low + _below(uniform[0], high - low + 1)
    sideways = uniform[1] < 0.5
    along, across = jnp.where(sideways, jnp.array([width, height]), jnp.array([height, width]))
    starts = jnp.sort(_below(uniform[2:4], along - 2 * side + 1)) + jnp.array([0, 1]) * side
    offsets = _below(uniform[4:6], across - side + 1)
    x_a, x_b = jnp.where(sideways, starts, offsets)
    y_a, y_b = jnp.where(sideways, offsets, starts)
    x, y = jnp.arange(width)[None, :], jnp.arange(height)[:, None]

    def inside(left, top):
        return (x >= left) & (x < left + side) & (y >= top) & (y < top + side)

    step = (y_b - y_a) * width + (x_b - x_a)
    step = jnp.where(uniform[6] < settings.cutmix, step, 0)
    return y * width + x + step * (inside(x_a, y_a).astype(int) - inside(x_b, y_b))
