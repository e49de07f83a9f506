"""Random warps of the training pair: the data set that is made from one photograph.

"Deep Single Image Manipulation" (Vinker et al. 2020, section 3.2) warps primitive and photograph
together by a random thin-plate spline, plus flips and rotations. Here a flip, an affine map and a
spline are composed into one coordinate field, which says for each pixel of the result where in the
pair it looks, and each layer of the pair is sampled once:

- the photograph bilinearly;
- flat colour regions at the nearest pixel, so that no colour appears that was not there;
- edges are drawn anew, one pixel thick as the edges that a user draws later, wherever the warped
  edge line crosses a pixel.

Outside of the image everything continues mirrored at the outer pixels' centres, as in the
networks' reflection padding; a line along the border is thus not doubled.

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
from deepsim_jax.types import Pair

COMPAT = ("paper", "code")
_PROBABILITIES = ("flip", "tps", "rotation", "shear", "translation", "cutmix", "canny")
# Each coin and size has its own place in one vector of uniform numbers: switching one on leaves the
# others as they were, and one call of the generator compiles five times faster than three.
_COINS = ("flip", "tps", "rotation", "shear_x", "shear_y", "translation")
_SIZES = ("rotation", "shear_x", "shear_y", "translation_x", "translation_y")


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What is drawn, how often and how strongly. Plain numbers, hashable, hence static under jit.

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
    cutmix: float = 0.0
    cutmix_side: tuple[int, int] = (32, 96)
    canny: float = 0.0
    compat: str = "paper"

    def __post_init__(self):
        for name in _PROBABILITIES:
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name}={getattr(self, name)}: a probability is from 0 to 1")
        for name in ("tps_jitter", "tps_smoothing", "rotation_degrees", "shear_range",
                     "translation_range"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UserError(f"{name}={getattr(self, name)}: it must be finite, 0 or more")
        if self.compat not in COMPAT:
            raise UserError(f"compat={self.compat!r}: {' or '.join(COMPAT)} is allowed")
        for name in ("tps_points", "cutmix_side"):
            object.__setattr__(self, name, tuple(int(v) for v in getattr(self, name)))
        if len(self.tps_points) != 2 or min(self.tps_points) < 2:
            raise UserError(f"tps_points={self.tps_points}: two numbers, 2 or more each")
        if len(self.cutmix_side) != 2 or not 1 <= self.cutmix_side[0] <= self.cutmix_side[1]:
            raise UserError(f"cutmix_side={self.cutmix_side}: smallest and largest side, from 1")


def augment(
    key: jax.Array, pair: Pair, settings: Augmentation
) -> tuple[jax.Array, jax.Array]:
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
    field_key, other_key = jax.random.split(key)
    height, width = pair.image.shape[:2]
    field = sample_field(field_key, height, width, settings)
    uniform = jax.random.uniform(other_key, (9,))
    primitive, image = warp(pair, field, _edge_layer(uniform[:2], pair, settings))
    if settings.cutmix > 0:
        both = jnp.concatenate([primitive, image], axis=-1)
        both = both.reshape(height * width, 6)
        both = jnp.take(both, _swap(uniform[2:], height, width, settings), axis=0)
        primitive, image = both[..., :3], both[..., 3:]
    return primitive, image


def sample_field(key: jax.Array, height: int, width: int, settings: Augmentation) -> jax.Array:
    """(height, width, 2) normalised points of the pair at which the result's pixels look.

    Spline first, then translation, rotation, shear and flip, as seen from the result. Smooth; the
    squares of cutmix are exchanged later, in what was sampled.
    """
    n_coins, n_drawn = len(_COINS), len(_COINS) + len(_SIZES)
    uniform = jax.random.uniform(key, (n_drawn + 2 * math.prod(settings.tps_points),))
    coins = dict(zip(_COINS, uniform[:n_coins], strict=True))
    sizes = dict(zip(_SIZES, 2 * uniform[n_coins:n_drawn] - 1, strict=True))
    jitter = 2 * uniform[n_drawn:].reshape(-1, 2) - 1
    warped = coins["tps"] < settings.tps
    points = grid.pixel_grid(height, width)
    if settings.tps > 0 and settings.tps_jitter > 0:
        bend = _bend_code if settings.compat == "code" else _bend
        points += jnp.where(warped, bend(jitter, height, width, settings), 0)
    matrix = _affine(coins, sizes, height, width, settings)
    if settings.compat == "code":
        matrix = jnp.where(warped, jnp.eye(3), matrix)
    flip = jnp.where(coins["flip"] < settings.flip, affine.flip_x(), jnp.eye(3))
    return affine.apply(affine.compose(flip, matrix), points)


def warp(
    pair: Pair, field: jax.Array, edge_layer: int | jax.Array = 0
) -> tuple[jax.Array, jax.Array]:
    """Samples every layer of a pair at a smooth field.

    Args:
      pair: the pair, (H, W).
      field: (H, W, 2) normalised points of the pair at which the result's pixels look.
      edge_layer: which of the pair's edge layers is drawn.

    Returns:
      (primitive, image), both (H, W, 3) float32 in [-1, 1].
    """
    height, width = pair.image.shape[:2]
    where = grid.to_pixels(field, height, width)
    x, x_sign = _reflect(where[..., 0], width)
    y, y_sign = _reflect(where[..., 1], height)
    layers = [pair.image]
    if pair.smooth_regions:
        layers.append(pair.regions)
    if pair.edges is not None:
        layers.append(pair.edges[edge_layer])
    # All that is interpolated goes through one set of gathers.
    corners, across, down = _corners(jnp.concatenate(layers, axis=-1), x, y)
    sampled = _bilinear(corners, across, down)
    image = sampled[..., :3]
    primitive = sampled[..., 3:6] if pair.smooth_regions else _nearest(pair.regions, x, y)
    if pair.edges is not None:
        drawn = _crosses_edge(
            offset=(sampled[..., -2] * x_sign, sampled[..., -1] * y_sign),
            corner_offsets=[[(c[..., -2], c[..., -1]) for c in row] for row in corners],
            across=across,
            down=down,
            steps=_steps(where),
        )
        primitive = jnp.where(drawn[..., None], pair.edge_value, primitive)
    return primitive, image


def render(pair: Pair, edge_layer: int | jax.Array = 0) -> jax.Array:
    """The (H, W, 3) primitive of a pair as it is, without any augmentation."""
    if pair.edges is None:
        return pair.regions
    drawn = (pair.edges[edge_layer] == 0).all(axis=-1, keepdims=True)
    return jnp.where(drawn, pair.edge_value, pair.regions)


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
        matrices.append(affine.translation(*(
            draw(f"translation_{axis}", "translation", settings.translation, float(limit))
            for axis, limit in zip("xy", limits, strict=True)
        )))
    return affine.compose(*matrices)


def _edge_layer(uniform: jax.Array, pair: Pair, settings: Augmentation) -> int | jax.Array:
    """The edge layer to draw: the primitive's own, or one of the others."""
    if settings.canny == 0:
        return 0
    count = 0 if pair.edges is None else pair.edges.shape[0]
    if count < 2:
        raise UserError(f"canny={settings.canny} with {count} edge layers: 2 or more are needed")
    coin, which = uniform
    return jnp.where(coin < settings.canny, 1 + _below(which, count - 1), 0)


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
    others = _below(uniform[4:6], across - side + 1)
    x_a, x_b = jnp.where(sideways, starts, others)
    y_a, y_b = jnp.where(sideways, others, starts)
    x, y = jnp.arange(width)[None, :], jnp.arange(height)[:, None]

    def inside(left, top):
        return (x >= left) & (x < left + side) & (y >= top) & (y < top + side)

    step = (y_b - y_a) * width + (x_b - x_a)
    step = jnp.where(uniform[6] < settings.cutmix, step, 0)
    return y * width + x + step * (inside(x_a, y_a).astype(int) - inside(x_b, y_b))


def _reflect(position: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
    """Mirrors pixel positions at the outer pixel centres, which are not repeated.

    Returns the position within [0, size - 1] and, 1 or -1, whether it now runs backwards.
    """
    period = 2 * (size - 1)
    folded = jnp.mod(position, period)
    forward = folded <= size - 1
    return jnp.where(forward, folded, period - folded), jnp.where(forward, 1.0, -1.0)


def _take(layer: jax.Array, column: jax.Array, row: jax.Array) -> jax.Array:
    """The pixels of an (H, W, C) layer at whole positions within it."""
    _, width, channels = layer.shape
    flat = row.astype(jnp.int32) * width + column.astype(jnp.int32)
    return jnp.take(layer.reshape(-1, channels), flat, axis=0, mode="clip")


def _nearest(layer: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    return _take(layer, jnp.floor(x + 0.5), jnp.floor(y + 0.5))


def _corners(
    layer: jax.Array, x: jax.Array, y: jax.Array
) -> tuple[list[list[jax.Array]], jax.Array, jax.Array]:
    """The four pixels around each position, and how far across and down it lies among them.

    Returns ([[top left, top right], [bottom left, bottom right]], (...) and (...) in [0, 1]).
    """
    height, width = layer.shape[:2]
    left, top = jnp.clip(jnp.floor(x), 0, width - 2), jnp.clip(jnp.floor(y), 0, height - 2)
    corners = [[_take(layer, left + i, top + j) for i in (0, 1)] for j in (0, 1)]
    return corners, x - left, y - top


def _bilinear(corners: list[list[jax.Array]], across: jax.Array, down: jax.Array) -> jax.Array:
    across, down = across[..., None], down[..., None]
    top, bottom = (left + (right - left) * across for left, right in corners)
    return top + (bottom - top) * down


# Drawing edges is arithmetic on vector fields. They are kept as pairs of (H, W) planes, on which a
# CPU is several times faster than on (H, W, 2) arrays.
_Vector = tuple[jax.Array, jax.Array]


def _dot(a: _Vector, b: _Vector) -> jax.Array:
    return a[0] * b[0] + a[1] * b[1]


def _steps(where: jax.Array) -> tuple[_Vector, _Vector]:
    """How far the pixel positions (H, W, 2) move per pixel along the result's x and y axes."""
    x_steps, y_steps = (jnp.gradient(where[..., i], axis=(1, 0)) for i in (0, 1))
    return (x_steps[0], y_steps[0]), (x_steps[1], y_steps[1])


def _crosses_edge(
    offset: _Vector,
    corner_offsets: list[list[_Vector]],
    across: jax.Array,
    down: jax.Array,
    steps: tuple[_Vector, _Vector],
) -> jax.Array:
    """Whether the edge line runs through each pixel of the result, (H, W) bool.

    A line is drawn one pixel thick and without gaps if, wherever it crosses the segment between two
    neighbouring pixel centres, it marks the nearer one. Two tests find these pixels. On a straight
    stretch, with phi the distance to the line in the pair's pixels and n the direction to it, the
    distance changes by g = J^T n from pixel to pixel of the result: phi <= max(|g_x|, |g_y|) / 2.
    At bends, ends and single points the offsets of two neighbours point at each other.

    Interpolated offsets are exact beside a line but cancel halfway between two lines. There, the
    line points that the four corner pixels name are all far away, which tells the two apart.

    Args:
      offset: interpolated offset to the line.
      corner_offsets: the offsets of the four pixels around, as from `_corners`.
      across: (H, W) position among these four pixels.
      down: (H, W).
      steps: the columns of J, the change of position per pixel of the result along x and y.
    """
    distance = jnp.sqrt(_dot(offset, offset))
    # g times the distance, and the comparison likewise: no division by a distance of 0.
    slope = jnp.maximum(*(jnp.abs(_dot(step, offset)) for step in steps))
    found = (distance <= 1e-4) | (distance * distance <= 0.5 * slope)
    for step, axis in zip(steps, (1, 0), strict=True):
        found |= _meets_neighbour(offset, distance, step, axis)
    gaps = []
    for j, row in enumerate(corner_offsets):
        for i, (x, y) in enumerate(row):
            gap = (x + (i - across), y + (j - down))
            gaps.append(_dot(gap, gap))
    # Named points are half a pixel or less from the foot of the perpendicular; 1e-3 for rounding.
    reach = 0.25 * jnp.maximum(*(_dot(step, step) for step in steps))
    return found & (functools.reduce(jnp.minimum, gaps) <= reach + 0.25 + 1e-3)


def _meets_neighbour(offset: _Vector, distance: jax.Array, step: _Vector, axis: int) -> jax.Array:
    """Whether the line passes between a pixel and its neighbour, and closer to this pixel.

    Args:
      offset: offset to the line.
      distance: (H, W) its length.
      step: from a pixel to the next along `axis`.
      axis: 1 for the neighbours left and right, 0 for those above and below.
    """

    def shorten(plane: jax.Array, start: int) -> jax.Array:
        return jax.lax.slice_in_dim(plane, start, start + plane.shape[axis] - 1, axis=axis)

    here, there = (tuple(shorten(plane, i) for plane in offset) for i in (0, 1))
    near, far = shorten(distance, 0), shorten(distance, 1)
    step = tuple(shorten(plane, 0) for plane in step)
    change = (here[0] - there[0], here[1] - there[1])
    # Were both looking at one stretch of line, the change would be that part of the step which
    # crosses it, or the whole step if they look at one point.
    alike = _dot(change, change) <= 1.5 * _dot(step, step)
    between = alike & (_dot(here, there) <= 0) & (_dot(change, step) > 0)

    def pad(found: jax.Array, before: int) -> jax.Array:
        sides = [(0, 0), (0, 0)]
        sides[axis] = (before, 1 - before)
        return jnp.pad(found, sides)

    return pad(between & (near <= far), 0) | pad(between & (far < near), 1)
