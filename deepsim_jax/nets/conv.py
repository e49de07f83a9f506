"""Convolutions over NHWC images that are fast in all three directions on every platform.

A TPU runs the compiler's own convolution, a GPU too except where another form is faster:

* Gradients that XLA does not recognise, and so does not give to cuDNN: see there.
* 7x7 to RGB: in cells of 2x4 pixels, 36 against 78 us at 256x256, with its gradients 81 against 192
  (one H200, bfloat16).
* Input gradient of 3x3 with 1024 channels at 16x16: one product to all taps, 16 against 25 us.

A CPU does where that comes near the speed of a matrix product; elsewhere the product is written out
here. Why (`benchmarks/conv.py`; two AVX-512 cores, per cent of the matrix-product peak, native against
here):

* 3x3 with 1024 channels at 16x16, a kernel larger than the image: 35-65 against 90, by one product
  with all taps side by side, or to all taps and shifted sums; its kernel gradient 30-45 against 45-60.
* Input gradient of a strided convolution, and its twin, the transposed one: 25-90 against 75-95.
* Kernel gradient of a transposed convolution, and where the output is larger than the input: 1
  against 50-85, by a product per row of taps. Of any strided one: 15-80, by version, against 40-80.
* Four or fewer output channels, the 7x7 to RGB: 2 against 35-45; its kernel gradient 10 against 30.
* Four or fewer input channels, the 7x7 from RGB: 9-30 against 45-60, the compiler's older library,
  which jax 0.10 takes only if the output is wider than the input. (jax 0.12 always takes it.)

Scratch memory is bounded by bands of rows and taps in turn, all unrolled: convolutions and products
inside of an XLA loop are up to 90 times slower on a CPU. The backward pass keeps x and the kernel.

Shapes: x (N, H, W, C), kernel (KH, KW, C, D) (HWIO), result (N, H', W', D) in x's dtype. Products
accumulate in float32 or better, whatever the dtype.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array
Pads = tuple[tuple[int, int], tuple[int, int]]  # ((top, bottom), (left, right))

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")
_THIN = 4  # channels of an image or a logit map, too few to fill a vector register
_SCRATCH_BYTES = 128 * 2**20  # the most that a table of taps may take
_CACHE_BYTES = 12 * 2**20  # the same where a kernel is small, so that bands are cheap
_MOST_BANDS = 8
_TRANSPOSED_PADS = ((1, 0), (1, 0))
_CELL = (2, 4)  # rows and columns of pixels
_FEW_PIXELS = 512  # where a GPU gets an input gradient sooner by one product than by cuDNN


def conv2d(x: Array, kernel: Array, *, stride: int = 1, padding: int | Pads = 0) -> Array:
    """Correlates x with the kernel (no flip), zeros outside of the image.

    Args:
      x: (N, H, W, C), any float dtype, which is also the result's.
      kernel: (KH, KW, C, D); its gradient has its dtype, which may be wider than x's.
      stride: the same along both axes.
      padding: zeros on each side, or ((top, bottom), (left, right)).

    Raises:
      ValueError: the channels disagree, or the kernel is larger than the padded image.
    """
    pads = ((padding, padding),) * 2 if isinstance(padding, int) else tuple(map(tuple, padding))
    _check_shapes(x, kernel, pads)
    return _conv(x, kernel, stride, pads)


def conv_transpose2d(x: Array, kernel: Array) -> Array:
    """Doubles height and width: 3x3, stride 2, padding 1, output padding 1.

    Equals the correlation of the kernel (3, 3, C, D) with x spread out by inserted zeros:
    x[i, j] lies at (2i + 1, 2j + 1) of an image of (2H + 2, 2W + 2) pixels, all others zero.
    Dtypes and errors as in `conv2d`.
    """
    if kernel.shape[:2] != (3, 3):
        raise ValueError(f"kernel {kernel.shape}: a transposed convolution takes (3, 3, C, D)")
    _check_shapes(x, kernel, ((1, 1), (1, 1)))
    return _conv_transpose(x, kernel)


def _check_shapes(x: Array, kernel: Array, pads: Pads) -> None:
    if x.ndim != 4 or kernel.ndim != 4 or x.shape[3] != kernel.shape[2]:
        raise ValueError(f"x {x.shape} and kernel {kernel.shape}: NHWC and HWIO with equal C")
    if min(_output_size(x.shape[1:3], kernel.shape[:2], 1, pads)) < 1:
        raise ValueError(f"kernel {kernel.shape} is larger than x {x.shape} padded by {pads}")


# ------------------------------------------------------------------------ gradients and platforms


def _by_platform(
    on_cpu: Callable[..., Array], native: Callable[..., Array], *args,
    on_gpu: Callable[..., Array] | None = None,
) -> Array:
    """Runs on_cpu when compiled for a CPU, on_gpu for a GPU if that is given, else native.

    Decided when a program is lowered, for the platform that it is lowered for: right also for a
    CPU computation on a machine with a GPU, which `jax.default_backend()` would misjudge, and for
    simulated devices, pmap and vmap. A program for one platform gets that platform's branch only,
    which the compiler inlines: no conditional is left around the convolution.
    """
    on_gpu = on_gpu or native
    return lax.platform_dependent(*args, cpu=on_cpu, cuda=on_gpu, rocm=on_gpu, default=native)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _conv(x: Array, kernel: Array, stride: int, pads: Pads) -> Array:
    sizes = dict(stride=stride, pads=pads)
    return _by_platform(partial(_cpu_conv, **sizes), partial(_native_conv, **sizes),
                        x, kernel.astype(x.dtype), on_gpu=partial(_gpu_conv, **sizes))


def _conv_backward(stride, pads, residuals, g):
    x, kernel = residuals
    dx = _input_gradient(g, kernel.astype(x.dtype), x.shape[1:3], stride, pads)
    return dx, _kernel_gradient(x, g, kernel.shape[:2], stride, pads, kernel.dtype)


_conv.defvjp(lambda x, kernel, *rest: (_conv(x, kernel, *rest), (x, kernel)), _conv_backward)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _input_gradient(g: Array, kernel: Array, size: tuple, stride: int, pads: Pads) -> Array:
    """Has a backward pass of its own for losses of a gradient, such as a gradient penalty.

    Derived from the one here, the kernel's would be that of a convolution whose output is larger
    than its input, the slowest of all on a CPU. It is the kernel gradient of `_conv` itself.
    """
    sizes = dict(size=size, stride=stride, pads=pads)
    return _by_platform(
        partial(_cpu_input_gradient, **sizes), partial(_native_input_gradient, **sizes), g, kernel,
        on_gpu=partial(_gpu_input_gradient, **sizes))


def _input_gradient_backward(size, stride, pads, residuals, slope):
    g, kernel = residuals
    return (_conv(slope, kernel, stride, pads),
            _kernel_gradient(slope, g, kernel.shape[:2], stride, pads, kernel.dtype))


_input_gradient.defvjp(
    lambda g, kernel, *rest: (_input_gradient(g, kernel, *rest), (g, kernel)),
    _input_gradient_backward)


def _kernel_gradient(
    x: Array, g: Array, size: tuple, stride: int, pads: Pads, dtype: jnp.dtype
) -> Array:
    sizes = dict(size=size, stride=stride, pads=pads, dtype=dtype)
    return _by_platform(
        partial(_cpu_kernel_gradient, **sizes), partial(_native_kernel_gradient, **sizes), x, g,
        on_gpu=partial(_gpu_kernel_gradient, **sizes))


@jax.custom_vjp
def _conv_transpose(x: Array, kernel: Array) -> Array:
    return _by_platform(
        _cpu_transpose, _native_transpose, x, kernel.astype(x.dtype), on_gpu=_gpu_transpose)


def _conv_transpose_backward(residuals, g):
    x, kernel = residuals
    dx = _native_conv(g, _adjoint(kernel.astype(x.dtype)), stride=2, pads=_TRANSPOSED_PADS)
    dkernel = _by_platform(
        partial(_cpu_transpose_kernel_gradient, dtype=kernel.dtype),
        lambda x, g: _transposed(
            lambda k: _native_transpose(x, k.astype(x.dtype)), kernel, g), x, g,
        on_gpu=partial(_gpu_transpose_kernel_gradient, dtype=kernel.dtype))
    return dx, dkernel


_conv_transpose.defvjp(
    lambda x, kernel: (_conv_transpose(x, kernel), (x, kernel)), _conv_transpose_backward)


def _transposed(linear: Callable[[Array], Array], like: Array, g: Array) -> Array:
    """The transpose of a linear function of an array such as `like`, applied to g."""
    (out,) = jax.linear_transpose(linear, jax.ShapeDtypeStruct(like.shape, like.dtype))(g)
    return out


def _native_conv(x: Array, kernel: Array, *, stride: int, pads: Pads) -> Array:
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), pads, dimension_numbers=_DIMENSIONS)


def _native_transpose(x: Array, kernel: Array) -> Array:
    return lax.conv_general_dilated(
        x, kernel, (1, 1), ((1, 2), (1, 2)), lhs_dilation=(2, 2), dimension_numbers=_DIMENSIONS)


def _native_input_gradient(
    g: Array, kernel: Array, *, size: tuple[int, int], stride: int, pads: Pads
) -> Array:
    like = jax.ShapeDtypeStruct((g.shape[0], *size, kernel.shape[2]), g.dtype)
    return _transposed(lambda x: _native_conv(x, kernel, stride=stride, pads=pads), like, g)


def _native_kernel_gradient(
    x: Array, g: Array, *, size: tuple[int, int], stride: int, pads: Pads, dtype
) -> Array:
    like = jax.ShapeDtypeStruct((*size, x.shape[3], g.shape[3]), dtype)
    return _transposed(
        lambda k: _native_conv(x, k.astype(x.dtype), stride=stride, pads=pads), like, g)


# ------------------------------------------------------------------------------- the ways on a GPU
# XLA gives cuDNN what it recognises as the gradient of a convolution; what it does not, it writes as a
# forward one, which multiplies zeros or has a kernel as large as an image. Barriers keep its
# simplifications from hiding the gradients.


def _gpu_conv(x: Array, kernel: Array, *, stride: int, pads: Pads) -> Array:
    if _wants_cells(kernel.shape, stride):
        return _cells_conv(x, kernel, pads)
    return _native_conv(x, kernel, stride=stride, pads=pads)


def _gpu_input_gradient(
    g: Array, kernel: Array, *, size: tuple[int, int], stride: int, pads: Pads
) -> Array:
    shape = (g.shape[0], *size, kernel.shape[2])
    if _wants_cells(kernel.shape, stride):
        like = jax.ShapeDtypeStruct(shape, g.dtype)
        return _transposed(lambda x: _cells_conv(x, kernel, pads), like, g)
    few = g.shape[0] * g.shape[1] * g.shape[2] <= _FEW_PIXELS
    if few and stride == 1 and _kernel_dominates(shape, kernel.shape, stride, pads):
        return _scatter_input_gradient(g, kernel, size, stride, pads)
    return _native_input_gradient(g, kernel, size=size, stride=stride, pads=pads)


def _gpu_kernel_gradient(
    x: Array, g: Array, *, size: tuple[int, int], stride: int, pads: Pads, dtype
) -> Array:
    """Pads x beforehand where the output is the larger one, or XLA would exchange the two."""
    shape = (*size, x.shape[3], g.shape[3])
    if _wants_cells(shape, stride):
        like = jax.ShapeDtypeStruct(shape, x.dtype)
        return _transposed(lambda k: _cells_conv(x, k, pads), like, g).astype(dtype)
    if stride == 1 and (g.shape[1] > x.shape[1] or g.shape[2] > x.shape[2]):
        x, pads = lax.optimization_barrier(_zero_pad(x, pads)), ((0, 0), (0, 0))
    return _native_kernel_gradient(x, g, size=size, stride=stride, pads=pads, dtype=dtype)


def _wants_cells(kernel: tuple, stride: int) -> bool:
    return stride == 1 and kernel[3] <= _THIN and min(kernel[:2]) >= 5


def _cells_conv(x: Array, kernel: Array, pads: Pads) -> Array:
    """Makes a cell of 2x4 output pixels at once, as the channels of one pixel.

    cuDNN's kernels have 32 output channels at least: with 24 instead of 3 they are up to four times
    faster, although the kernel of a cell is larger and mostly zero.
    """
    (rows, columns), (kh, kw, _, d) = _CELL, kernel.shape
    height, width = _output_size(x.shape[1:3], (kh, kw), 1, pads)
    (top, bottom), (left, right) = pads
    x = _zero_pad(x, ((top, bottom + -height % rows), (left, right + -width % columns)))
    kernels = [
        jnp.pad(kernel, ((a, rows - 1 - a), (b, columns - 1 - b), (0, 0), (0, 0)))
        for a in range(rows) for b in range(columns)]
    cells = lax.conv_general_dilated(
        x, lax.concatenate(kernels, 3), _CELL, "VALID", dimension_numbers=_DIMENSIONS)
    n, down, across, _ = cells.shape
    pixels = jnp.swapaxes(cells.reshape(n, down, across, rows, columns, d), 2, 3)
    return pixels.reshape(n, down * rows, across * columns, d)[:, :height, :width]


def _gpu_transpose(x: Array, kernel: Array) -> Array:
    """As the input gradient of the strided convolution beside it, known by its turned kernel."""
    strided = lax.optimization_barrier(_adjoint(kernel))
    like = jax.ShapeDtypeStruct((x.shape[0], 2 * x.shape[1], 2 * x.shape[2], kernel.shape[3]), x.dtype)
    return _transposed(
        lambda y: _native_conv(y, strided, stride=2, pads=_TRANSPOSED_PADS), like, x)


def _gpu_transpose_kernel_gradient(x: Array, g: Array, *, dtype) -> Array:
    """As the kernel gradient of the strided convolution, whose input is g."""
    return _adjoint(_native_kernel_gradient(
        g, x, size=(3, 3), stride=2, pads=_TRANSPOSED_PADS, dtype=dtype))


# ----------------------------------------------------------------------------- the choice on a CPU


def forward_path(x: tuple, kernel: tuple, stride: int, pads: Pads) -> str:
    """Which way a CPU computes a convolution, from the shapes alone."""
    if stride == 1 and kernel[3] <= _THIN:
        return "planes"
    if stride == 1 and kernel[2] <= _THIN and min(kernel[:2]) >= 5:
        return "wide"
    return "columns" if stride == 1 and _kernel_dominates(x, kernel, stride, pads) else "native"


def input_gradient_path(x: tuple, kernel: tuple, stride: int, pads: Pads) -> str:
    """Which way a CPU computes the gradient with respect to x."""
    if stride == 1 and kernel[2] <= _THIN:
        return "planes"
    height, width = _output_size(x[1:3], kernel[:2], stride, pads)
    fits = 4 * x[0] * height * width * kernel[0] * kernel[1] * kernel[2] <= _SCRATCH_BYTES
    dominates = stride > 1 or _kernel_dominates(x, kernel, stride, pads)
    return "scatter" if fits and dominates else "native"


def kernel_gradient_path(x: tuple, kernel: tuple, stride: int, pads: Pads) -> str:
    """Which way a CPU computes the gradient with respect to the kernel."""
    if stride == 1 and kernel[3] <= _THIN:
        return "thin"
    height, width = _output_size(x[1:3], kernel[:2], stride, pads)
    larger = height > x[1] or width > x[2]
    return "taps" if stride > 1 or larger or _kernel_dominates(x, kernel, stride, pads) else "native"


def _kernel_dominates(x: tuple, kernel: tuple, stride: int, pads: Pads) -> bool:
    """Whether the kernel is so large beside the image that its reading costs like the product."""
    height, width = _output_size(x[1:3], kernel[:2], stride, pads)
    return 2 * x[0] * height * width <= kernel[0] * kernel[1] * min(kernel[2:])


def _output_size(size: tuple, kernel: tuple, stride: int, pads: Pads) -> tuple[int, int]:
    (height, width), (kh, kw) = size, kernel
    return (height + sum(pads[0]) - kh) // stride + 1, (width + sum(pads[1]) - kw) // stride + 1


def _cpu_conv(x: Array, kernel: Array, *, stride: int, pads: Pads) -> Array:
    path = forward_path(x.shape, kernel.shape, stride, pads)
    if path == "planes":
        return _planes_conv(x, kernel, pads)
    if path == "wide":
        return _wide_conv(x, kernel, pads)
    if path == "columns":
        return _columns_conv(x, kernel, pads)
    return _native_conv(x, kernel, stride=stride, pads=pads)


def _cpu_input_gradient(
    g: Array, kernel: Array, *, size: tuple[int, int], stride: int, pads: Pads
) -> Array:
    shape = (g.shape[0], *size, kernel.shape[2])
    path = input_gradient_path(shape, kernel.shape, stride, pads)
    if path == "planes":
        return _planes_conv(g, _adjoint(kernel), _back_pads(kernel.shape[:2], pads))
    if path == "scatter":
        return _scatter_input_gradient(g, kernel, size, stride, pads)
    return _native_input_gradient(g, kernel, size=size, stride=stride, pads=pads)


def _cpu_kernel_gradient(
    x: Array, g: Array, *, size: tuple[int, int], stride: int, pads: Pads, dtype
) -> Array:
    shape = (*size, x.shape[3], g.shape[3])
    path = kernel_gradient_path(x.shape, shape, stride, pads)
    if path == "thin":
        return _thin_kernel_gradient(x, g, size, pads).astype(dtype)
    if path == "taps":
        return _taps_kernel_gradient(x, g, size, stride, pads).astype(dtype)
    return _native_kernel_gradient(x, g, size=size, stride=stride, pads=pads, dtype=dtype)


def _cpu_transpose(x: Array, kernel: Array) -> Array:
    """A transposed convolution is the input gradient of the strided convolution beside it."""
    shape = (x.shape[0], 2 * x.shape[1], 2 * x.shape[2], kernel.shape[3])
    strided = (3, 3, kernel.shape[3], kernel.shape[2])
    path = input_gradient_path(shape, strided, 2, _TRANSPOSED_PADS)
    if path == "native":
        return _native_transpose(x, kernel)
    # A product per tap, not one for all: it saves turning the kernel, and adding up separate
    # arrays is faster than slices of a common one.
    taps = [[_product(x, kernel[2 - a, 2 - b], (3,), (0,)) for b in range(3)] for a in range(3)]
    return _scatter(taps, shape[1:3], 2, _TRANSPOSED_PADS).astype(x.dtype)


def _cpu_transpose_kernel_gradient(x: Array, g: Array, *, dtype) -> Array:
    gradient = _taps_kernel_gradient(g, x, (3, 3), 2, _TRANSPOSED_PADS, adjoint=True)
    return gradient.astype(dtype)


# ------------------------------------------------------------------------------- the ways on a CPU


def _columns_conv(x: Array, kernel: Array, pads: Pads) -> Array:
    """Per band one product: each output pixel's taps in a row, times the kernel as a matrix."""
    kh, kw, c, d = kernel.shape
    height, width = _output_size(x.shape[1:3], (kh, kw), 1, pads)
    padded = _zero_pad(x, pads)

    def band(first: Array | int, rows: int) -> Array:
        part = lax.dynamic_slice_in_dim(padded, first, rows + kh - 1, axis=1)
        taps = [part[:, a : a + rows, b : b + width] for a in range(kh) for b in range(kw)]
        columns = lax.concatenate(taps, 3)
        return _product(columns, kernel.reshape(-1, d), (3,), (0,))

    table_row = x.shape[0] * width * kh * kw * c * x.dtype.itemsize
    shape = (x.shape[0], height, width, d)
    return _banded_image(band, shape, x.dtype, table_row, _SCRATCH_BYTES)


def _wide_conv(x: Array, kernel: Array, pads: Pads) -> Array:
    """The native convolution to one more column than x has, and its cropping."""
    (top, bottom), (left, right) = pads
    width = x.shape[2] + left + right - kernel.shape[1] + 1
    extra = max(0, x.shape[2] + 1 - width)
    pads = ((top, bottom), (left, right + extra))
    return _native_conv(x, kernel, stride=1, pads=pads)[:, :, :width]


def _planes_conv(x: Array, kernel: Array, pads: Pads) -> Array:
    """Per band a product of x with all taps of all output channels, then sums of shifted planes.

    Planes, (H, W) with the channels outside, because sums over rows of three numbers are slow.
    """
    kh, kw, c, d = kernel.shape
    height, width = _output_size(x.shape[1:3], (kh, kw), 1, pads)
    (top, bottom), _ = pads
    padded = _zero_pad(x, ((top, bottom), (0, 0)))
    matrix = jnp.swapaxes(kernel, 2, 3).reshape(-1, c)

    def band(first: Array | int, rows: int) -> Array:
        part = lax.dynamic_slice_in_dim(padded, first, rows + kh - 1, axis=1)
        planes = _product(matrix, part, (1,), (3,))
        planes = planes.reshape(kh, kw, d, *planes.shape[1:])
        total = sum(
            _window(planes[a, b], (a, b - pads[1][0]), (rows, width), axis=2)
            for a in range(kh) for b in range(kw))
        return jnp.moveaxis(total, 0, 3)

    table_row = x.shape[0] * x.shape[2] * kh * kw * d * 4
    shape = (x.shape[0], height, width, d)
    return _banded_image(band, shape, x.dtype, table_row, _CACHE_BYTES)


def _thin_kernel_gradient(x: Array, g: Array, size: tuple[int, int], pads: Pads) -> Array:
    """Spreads out the taps of g, which has few channels, instead of those of x, as planes."""
    n, height, width, c = x.shape
    (kh, kw), d = size, g.shape[3]
    planes = jnp.moveaxis(_zero_pad(g, _back_pads(size, pads)), 3, 0)
    # Shifts along the rows first, for all bands at once: 7 + 7 pieces to compile instead of 49.
    planes = lax.concatenate([planes[..., b : b + width] for b in range(kw)], 0)
    total = jnp.zeros((kh * kw * d, c), _sum_dtype(x))
    for first, rows in _bands(height, n * width * kh * kw * d * 4, _CACHE_BYTES):
        first = first + _zero_after(total)
        part = lax.dynamic_slice_in_dim(planes, first, rows + kh - 1, axis=2)
        table = lax.concatenate([part[:, :, a : a + rows] for a in range(kh)], 0)
        image = lax.dynamic_slice_in_dim(x, first, rows, axis=1)
        total += _product(table, image, (1, 2, 3), (0, 1, 2))
    return _adjoint(total.reshape(kh, kw, d, c))


def _scatter_input_gradient(
    g: Array, kernel: Array, size: tuple[int, int], stride: int, pads: Pads
) -> Array:
    """One product to all taps of all pixels, each added to where it had been read.

    Taps that fall into the same cell of stride x stride pixels are added as one.
    """
    (kh, kw, c, d), (n, height, width, _) = kernel.shape, g.shape
    table = _product(g, kernel.reshape(-1, d), (3,), (1,)).reshape(n, height, width, kh, kw, c)
    starts = [low // stride for low, _ in pads]  # the first cells of the image
    rows, columns = (-(-(low + length) // stride) - start
                     for (low, _), length, start in zip(pads, size, starts, strict=True))
    total = jnp.zeros((n, rows, columns, stride, stride, c), table.dtype)
    for a in range(0, kh, stride):
        for b in range(0, kw, stride):
            taps = table[:, :, :, a : a + stride, b : b + stride]
            down, right = a // stride - starts[0], b // stride - starts[1]
            missing = [(0, stride - length, 0) for length in taps.shape[3:5]]
            total += lax.pad(taps, jnp.zeros((), table.dtype), (
                (0, 0, 0), (down, rows - height - down, 0), (right, columns - width - right, 0),
                *missing, (0, 0, 0)))
    image = jnp.swapaxes(total, 2, 3).reshape(n, rows * stride, columns * stride, c)
    top, left = (low - start * stride for (low, _), start in zip(pads, starts, strict=True))
    return image[:, top : top + size[0], left : left + size[1]].astype(g.dtype)


def _taps_kernel_gradient(
    x: Array, g: Array, size: tuple[int, int], stride: int, pads: Pads, *, adjoint: bool = False
) -> Array:
    """One product of the image with the output's gradient per row of the kernel, one after the other.

    The taps of a row lie side by side: few large products are faster than one per tap and compile in a
    third of the time, and not all taps are in memory at once. `adjoint` returns the `_adjoint` of the
    kernel, without a turn of it as a whole at the end.
    """
    (kh, kw), (_, height, width, d), c = size, g.shape, x.shape[3]
    rows, columns = (height - 1) * stride + 1, (width - 1) * stride + 1
    padded, zero, lines = _zero_pad(x, pads), 0, []
    for a in range(kh):
        row = lax.dynamic_slice_in_dim(padded, a + zero, rows, axis=1)[:, ::stride]
        taps = lax.concatenate([row[:, :, b : b + columns : stride] for b in range(kw)], 3)
        if adjoint:
            line = _product(g, taps, (0, 1, 2), (0, 1, 2)).reshape(d, kw, c)
            line = jnp.moveaxis(line, 0, 1)[::-1]
        else:
            line = _product(taps, g, (0, 1, 2), (0, 1, 2)).reshape(kw, c, d)
        lines.append(line[None])
        zero = _zero_after(line)
    return lax.concatenate(lines[::-1] if adjoint else lines, 0)


# -------------------------------------------------------------------------------------- the pieces


def _product(a: Array, b: Array, axes_a: tuple, axes_b: tuple) -> Array:
    return lax.dot_general(
        a, b, ((axes_a, axes_b), ((), ())), preferred_element_type=_sum_dtype(a))


def _sum_dtype(x: Array) -> jnp.dtype:
    return jnp.promote_types(x.dtype, jnp.float32)


def _banded_image(
    band: Callable[..., Array], shape: tuple, dtype, row_bytes: int, limit: int
) -> Array:
    """An image of the shape (N, H, W, C) put together from band(first row, number of rows)."""
    bands = _bands(shape[1], row_bytes, limit)
    if len(bands) == 1:
        return band(0, shape[1]).astype(dtype)
    image = jnp.zeros(shape, dtype)
    for first, rows in bands:
        part = band(first + _zero_after(image), rows).astype(dtype)
        image = lax.dynamic_update_slice(image, part, (0, first, 0, 0))
    return image


def _bands(height: int, row_bytes: int, limit: int) -> list[tuple[int, int]]:
    """(first row, rows) of equal bands whose tables of taps take at most `limit` bytes.

    Larger tables rather than more bands than `_MOST_BANDS`: each is compiled anew.
    """
    count = min(_MOST_BANDS, -(-height // max(1, limit // row_bytes)))
    edges = [height * i // count for i in range(count + 1)]
    return [(low, high - low) for low, high in pairwise(edges)]


def _zero_after(done: Array) -> Array:
    """A zero of the default integer type that is known only when `done` is.

    Added to where the next band or tap begins it makes the compiler finish one before the other
    and reuse the memory. Otherwise all tables exist at once: at 480x480 the 7x7 convolution of 64
    channels to 3 takes 151 MiB instead of 34, and longer, because the tables leave the cache.
    `lax.optimization_barrier` has no such effect.
    """
    return lax.clamp(0, done[(0,) * done.ndim].astype(int), 0)


def _zero_pad(x: Array, pads: Pads) -> Array:
    config = ((0, 0, 0), (*pads[0], 0), (*pads[1], 0), (0, 0, 0))
    return lax.pad(x, jnp.zeros((), x.dtype), config)


def _back_pads(kernel: tuple, pads: Pads) -> Pads:
    """The padding of a stride-1 convolution's gradient that yields the size of its input."""
    ((top, bottom), (left, right)), (kh, kw) = pads, kernel
    return (kh - 1 - top, kh - 1 - bottom), (kw - 1 - left, kw - 1 - right)


def _adjoint(kernel: Array) -> Array:
    """The kernel of the transposed map: flipped, with input and output channels exchanged."""
    return jnp.swapaxes(kernel[::-1, ::-1], 2, 3)


def _scatter(taps: list, size: tuple[int, int], stride: int, pads: Pads) -> Array:
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
    """x from `start` on, `size` long, along `axis` and the next; zeros where x has nothing."""
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
