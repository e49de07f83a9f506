"""Convolutions and their gradients written as matrix products; `nets.conv` chooses among them.

Scratch memory is bounded by bands of rows and taps in turn, all unrolled: convolutions and products
inside of an XLA loop are up to 90 times slower on a CPU.

Shapes: x (N, H, W, C), kernel (KH, KW, C, D) (HWIO), g, an output or its gradient, (N, H', W', D).
Products accumulate in float32 or better; results have x's dtype, kernel gradients the sums'.
"""

from collections.abc import Callable
from itertools import pairwise

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array
Pads = tuple[tuple[int, int], tuple[int, int]]  # ((top, bottom), (left, right))

SCRATCH_BYTES = 128 * 2**20  # the most that a table of taps may take
CACHE_BYTES = 12 * 2**20  # the same where a kernel is small, so that bands are cheap
STRIP_BYTES = 8 * 2**20  # of both factors of a kernel gradient
_MOST_BANDS = 8


def columns_conv(x: Array, kernel: Array, pads: Pads) -> Array:
    """Per band one product: each output pixel's taps in a row, times the kernel as a matrix."""
    kh, kw, c, d = kernel.shape
    height, width = output_size(x.shape[1:3], (kh, kw), 1, pads)
    padded = zero_pad(x, pads)

    def band(first: Array | int, rows: int) -> Array:
        window = lax.dynamic_slice_in_dim(padded, first, rows + kh - 1, axis=1)
        taps = [window[:, a : a + rows, b : b + width] for a in range(kh) for b in range(kw)]
        columns = lax.concatenate(taps, 3)
        return product(columns, kernel.reshape(-1, d), (3,), (0,))

    table_row = x.shape[0] * width * kh * kw * c * x.dtype.itemsize
    shape = (x.shape[0], height, width, d)
    return _banded_image(band, shape, x.dtype, table_row, SCRATCH_BYTES)


def planes_conv(x: Array, kernel: Array, pads: Pads) -> Array:
    """Per band a product of x with all taps of all output channels, then sums of shifted planes.

    Planes, (H, W) with the channels outside, because sums over rows of three numbers are slow. A CPU
    turns one side of the product for that, x or its result: the one with fewer channels, since that
    takes as long as the product.
    """
    kh, kw, c, d = kernel.shape
    height, width = output_size(x.shape[1:3], (kh, kw), 1, pads)
    (top, bottom), _ = pads
    padded = zero_pad(x, ((top, bottom), (0, 0)))
    matrix = jnp.swapaxes(kernel, 2, 3).reshape(-1, c)

    def band(first: Array | int, rows: int) -> Array:
        window = lax.dynamic_slice_in_dim(padded, first, rows + kh - 1, axis=1)
        if kh * kw * d < c:
            # The barrier keeps the compiler from exchanging the factors to save itself the turn.
            planes = jnp.moveaxis(lax.optimization_barrier(product(window, matrix, (3,), (1,))), 3, 0)
        else:
            planes = product(matrix, window, (1,), (3,))
        planes = planes.reshape(kh, kw, d, *planes.shape[1:])
        total = sum(
            _window(planes[a, b], (a, b - pads[1][0]), (rows, width), axis=2)
            for a in range(kh)
            for b in range(kw)
        )
        return jnp.moveaxis(total, 0, 3)

    table_row = x.shape[0] * x.shape[2] * kh * kw * d * 4
    shape = (x.shape[0], height, width, d)
    return _banded_image(band, shape, x.dtype, table_row, CACHE_BYTES)


def thin_kernel_gradient(x: Array, g: Array, size: tuple[int, int], pads: Pads) -> Array:
    """Spreads out the taps of g, which has few channels, instead of those of x, as planes."""
    n, height, width, c = x.shape
    (kh, kw), d = size, g.shape[3]
    planes = jnp.moveaxis(zero_pad(g, back_pads(size, pads)), 3, 0)
    # Shifts along the rows first, for all bands at once: 7 + 7 pieces to compile instead of 49.
    planes = lax.concatenate([planes[..., b : b + width] for b in range(kw)], 0)
    total = jnp.zeros((kh * kw * d, c), _sum_dtype(x))
    for first, rows in _bands(height, n * width * kh * kw * d * 4, CACHE_BYTES):
        start = first + _zero_after(total)
        window = lax.dynamic_slice_in_dim(planes, start, rows + kh - 1, axis=2)
        table = lax.concatenate([window[:, :, a : a + rows] for a in range(kh)], 0)
        image = lax.dynamic_slice_in_dim(x, start, rows, axis=1)
        total += product(table, image, (1, 2, 3), (0, 1, 2))
    return adjoint(total.reshape(kh, kw, d, c))


def scatter_input_gradient(
    g: Array, kernel: Array, size: tuple[int, int], stride: int, pads: Pads
) -> Array:
    """One product to all taps of all pixels, each added to where it had been read.

    Taps that fall into the same cell of stride x stride pixels are added as one.
    """
    (kh, kw, c, d), (n, height, width, _) = kernel.shape, g.shape
    table = product(g, kernel.reshape(-1, d), (3,), (1,)).reshape(n, height, width, kh, kw, c)
    starts = [low // stride for low, _ in pads]  # the first cells of the image
    rows, columns = (
        -(-(low + length) // stride) - start
        for (low, _), length, start in zip(pads, size, starts, strict=True)
    )
    total = jnp.zeros((n, rows, columns, stride, stride, c), table.dtype)
    for a in range(0, kh, stride):
        for b in range(0, kw, stride):
            taps = table[:, :, :, a : a + stride, b : b + stride]
            down, right = a // stride - starts[0], b // stride - starts[1]
            missing = [(0, stride - length, 0) for length in taps.shape[3:5]]
            total += lax.pad(
                taps,
                jnp.zeros((), table.dtype),
                (
                    (0, 0, 0),
                    (down, rows - height - down, 0),
                    (right, columns - width - right, 0),
                    *missing,
                    (0, 0, 0),
                ),
            )
    image = jnp.swapaxes(total, 2, 3).reshape(n, rows * stride, columns * stride, c)
    top, left = (low - start * stride for (low, _), start in zip(pads, starts, strict=True))
    return image[:, top : top + size[0], left : left + size[1]].astype(g.dtype)


def planar_kernel_gradient(x: Array, g: Array, size: tuple[int, int], stride: int, pads: Pads) -> Array:
    """As `taps_kernel_gradient`, with x as planes: copying few channels of a pixel at a time is slow."""
    (kh, kw), (_, height, width, d), c = size, g.shape, x.shape[3]
    rows, columns = (height - 1) * stride + 1, (width - 1) * stride + 1
    zero: Array | int = 0
    lines: list[Array] = []
    planes = lax.optimization_barrier(
        jnp.moveaxis(zero_pad(x, pads), 3, 0)
    )  # or each tap would be turned by itself
    for a in range(kh):
        row = lax.dynamic_slice_in_dim(planes, a + zero, rows, axis=2)[:, :, ::stride]
        taps = lax.concatenate([row[..., b : b + columns : stride] for b in range(kw)], 0)
        lines.append(product(taps, g, (1, 2, 3), (0, 1, 2)).reshape(1, kw, c, d))
        zero = _zero_after(lines[-1])
    return lax.concatenate(lines, 0)


def taps_kernel_gradient(
    x: Array, g: Array, size: tuple[int, int], stride: int, pads: Pads, *, adjoint: bool = False
) -> Array:
    """One product of the image with the output's gradient per row of the kernel, one after the other.

    The taps of a row lie side by side: few large products are faster than one per tap and compile in a
    third of the time, and not all taps are in memory at once. `adjoint` returns the `adjoint` of the
    kernel, without a turn of it as a whole at the end.

    A CPU turns the left factor before it multiplies: the taps, or g and then the result.
    """
    (kh, kw), (n, height, width, d), c = size, g.shape, x.shape[3]
    swapped = n * height * width * (kw * c - d) > kw * c * d
    rows, columns = (height - 1) * stride + 1, (width - 1) * stride + 1
    padded, lines = zero_pad(x, pads), []
    zero: Array | int = 0
    for a in range(kh):
        row = lax.dynamic_slice_in_dim(padded, a + zero, rows, axis=1)[:, ::stride]
        taps = lax.concatenate([row[:, :, b : b + columns : stride] for b in range(kw)], 3)
        if adjoint:
            line = product(g, taps, (0, 1, 2), (0, 1, 2)).reshape(d, kw, c)
            line = jnp.moveaxis(line, 0, 1)[::-1]
        elif swapped:
            line = lax.optimization_barrier(product(g, taps, (0, 1, 2), (0, 1, 2)))
            line = jnp.moveaxis(line.reshape(d, kw, c), 0, 2)
        else:
            line = product(taps, g, (0, 1, 2), (0, 1, 2)).reshape(kw, c, d)
        lines.append(line[None])
        zero = _zero_after(line)
    return lax.concatenate(lines[::-1] if adjoint else lines, 0)


def strips_kernel_gradient(gradient: Callable[[Array, Array], Array], x: Array, g: Array) -> Array:
    """The sum of gradient(x, g) over strips of rows of each sample, one strip after the other.

    `gradient` is the kernel gradient of a convolution of stride 1 without padding.
    """
    total: Array | None = None
    lap = x.shape[1] - g.shape[1]
    for sample in range(len(x)):
        for first, rows in strips(x.shape[1:], g.shape[1:]):
            start = first if total is None else first + _zero_after(total)
            strip = [
                lax.dynamic_slice(array, (sample, start, 0, 0), (1, length, *array.shape[2:]))
                for array, length in ((x, rows + lap), (g, rows))
            ]
            share = gradient(*strip)
            total = share if total is None else total + share
    assert total is not None  # there is a sample
    return total


def strips(x: tuple, g: tuple) -> list[tuple[int, int]]:
    """(first row, rows) of the strips of g (H', W', D), with x (H, W, C), in `strips_kernel_gradient`."""
    row_bytes = 4 * sum(width * channels for _, width, channels in (x, g))
    return _bands(g[0], row_bytes, STRIP_BYTES)


# -------------------------------------------------------------------------------------- the pieces


def output_size(size: tuple, kernel: tuple, stride: int, pads: Pads) -> tuple[int, int]:
    """(H', W') of a convolution of an image of `size` (H, W) with a kernel (KH, KW)."""
    (height, width), (kh, kw) = size, kernel
    return (height + sum(pads[0]) - kh) // stride + 1, (width + sum(pads[1]) - kw) // stride + 1


def product(a: Array, b: Array, axes_a: tuple, axes_b: tuple) -> Array:
    """Contracts these axes, summing in float32 or better."""
    return lax.dot_general(a, b, ((axes_a, axes_b), ((), ())), preferred_element_type=_sum_dtype(a))


def _sum_dtype(x: Array) -> jnp.dtype:
    return jnp.promote_types(x.dtype, jnp.float32)


def _banded_image(band: Callable[..., Array], shape: tuple, dtype, row_bytes: int, limit: int) -> Array:
    """An image of the shape (N, H, W, C) put together from band(first row, number of rows)."""
    bands = _bands(shape[1], row_bytes, limit)
    if len(bands) == 1:
        return band(0, shape[1]).astype(dtype)
    image = jnp.zeros(shape, dtype)
    for first, rows in bands:
        band_image = band(first + _zero_after(image), rows).astype(dtype)
        image = lax.dynamic_update_slice(image, band_image, (0, first, 0, 0))
    return image


def _bands(height: int, row_bytes: int, limit: int) -> list[tuple[int, int]]:
    """(first row, rows) of equal bands whose tables of taps take at most `limit` bytes.

    Larger tables rather than more bands than `_MOST_BANDS`: each is compiled anew.
    """
    count = min(_MOST_BANDS, -(-height // max(1, limit // row_bytes)))
    edges = [height * i // count for i in range(count + 1)]
    return [(low, high - low) for low, high in pairwise(edges)]


def _zero_after(result: Array) -> Array:
    """A zero of the default integer type that is known only when `result` is.

    Added to where the next band or tap begins it makes the compiler finish one before the other
    and reuse the memory. Otherwise all tables exist at once: at 480x480 the 7x7 convolution of 64
    channels to 3 takes 151 MiB instead of 34, and longer, because the tables leave the cache.
    `lax.optimization_barrier` has no such effect.
    """
    return lax.clamp(0, result[(0,) * result.ndim].astype(int), 0)


def zero_pad(x: Array, pads: Pads) -> Array:
    """(N, H, W, C) with zeros around; negative pads crop."""
    config = ((0, 0, 0), (*pads[0], 0), (*pads[1], 0), (0, 0, 0))
    return lax.pad(x, jnp.zeros((), x.dtype), config)


def back_pads(kernel: tuple, pads: Pads) -> Pads:
    """The padding of a stride-1 convolution's gradient that yields the size of its input."""
    ((top, bottom), (left, right)), (kh, kw) = pads, kernel
    return (kh - 1 - top, kh - 1 - bottom), (kw - 1 - left, kw - 1 - right)


def adjoint(kernel: Array) -> Array:
    """The kernel of the transposed map: flipped, with input and output channels exchanged."""
    return jnp.swapaxes(kernel[::-1, ::-1], 2, 3)


def scatter(taps: list, size: tuple[int, int], stride: int, pads: Pads) -> Array:
    """Adds taps[a][b][n, i, j] to pixel (i * stride + a - top, j * stride + b - left).

    For each remainder of a pixel's coordinates by the stride this is a sum of shifted images; the
    results are interleaved at the end. What falls outside of `size` is dropped.
    """
    (top, _), (left, _) = pads
    height, width = (-(-s // stride) for s in size)
    zeros = jnp.zeros((taps[0][0].shape[0], height, width, taps[0][0].shape[3]), taps[0][0].dtype)
    phases = [[zeros] * stride for _ in range(stride)]
    for a, row in enumerate(taps):
        down, r = divmod(a - top, stride)
        for b, tap in enumerate(row):
            right, s = divmod(b - left, stride)
            phases[r][s] += _window(tap, (-down, -right), (height, width), axis=1)
    return _interleaved(phases)[:, : size[0], : size[1]]


def _window(x: Array, start: tuple[int, int], size: tuple[int, int], axis: int) -> Array:
    """The window of x at `start`, `size` long, along `axis` and the next one; zeros outside of x."""
    config = [(0, 0, 0)] * x.ndim
    for i, (first, length) in enumerate(zip(start, size, strict=True)):
        config[axis + i] = (-first, first + length - x.shape[axis + i], 0)
    return lax.pad(x, jnp.zeros((), x.dtype), config)


def _interleaved(phases: list[list[Array]]) -> Array:
    """phases[r][s][:, i, j] becomes pixel (i * stride + r, j * stride + s)."""
    stride = len(phases)
    n, height, width, c = phases[0][0].shape
    rows = [jnp.stack(row, 3).reshape(n, height, 1, stride * width, c) for row in phases]
    return lax.concatenate(rows, 2).reshape(n, stride * height, stride * width, c)
