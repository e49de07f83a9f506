"""Convolutions over NHWC images that are fast in all three directions on every platform.

A TPU runs the compiler's own convolution, a GPU too except where another form is faster:

* Gradients that XLA does not recognise, and so does not give to cuDNN: see there.
* 7x7 to RGB: in cells of 2x4 pixels, 36 against 78 us at 256x256, with its gradients 81 against 192
  (one H200, bfloat16).
* Input gradient of 3x3 with 1024 channels at 16x16: one product to all taps, 15 against 22 us; at 30x30
  34 against 41.
* Few input channels, such as a picture's: cuDNN pads them to 8 in kernels of their own. The taps of a
  kernel's row side by side are up to 24: 3 per cent of the paper's step at 256x256.
* One output channel, the discriminators' logits: products and sums of planes, 1 per cent.

A CPU does where that comes near the speed of a matrix product; elsewhere the product is written
out. Why (`benchmarks/conv.py`; two AVX-512 cores, per cent of the matrix-product peak, native against
here):

* 3x3 with 1024 channels at 16x16, a kernel larger than the image: 35-65 against 90, by one product
  with all taps side by side, or to all taps and shifted sums; its kernel gradient 30-45 against 45-60.
* Input gradient of a strided convolution, and its twin, the transposed one: 25-90 against 75-95.
* Kernel gradient of a transposed convolution, and where the output is larger than the input: 1
  against 50-85, by a product per row of taps. Of any strided one: 15-80, by version, against 40-80.
* Four or fewer output channels, the 7x7 to RGB: 2 against 35-45; its kernel gradient 10 against 30.
* Four or fewer input channels, the 7x7 from RGB: 9-30 against 45-60, the compiler's older library,
  which jax 0.10 takes only if the output is wider than the input. (jax 0.12 always takes it.)
* An output narrower than the input, as without padding: 20-80 against 85-95, by a convolution to as
  many columns as the input has, and its cropping.
* Kernel gradient with six or fewer input channels: a fifth to three quarters of the time, by products
  with x as planes.
* Kernel gradient of several samples, or of more pixels than a cache holds: 15-35 against 80-90, by
  the native one of strips of rows of each sample, added up.

The products stand in `nets.products`. The backward pass keeps x and the kernel.

Shapes: x (N, H, W, C), kernel (KH, KW, C, D) (HWIO), result (N, H', W', D) in x's dtype. Products
accumulate in float32 or better, whatever the dtype.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from deepsim_jax.nets import products
from deepsim_jax.nets.products import Array, Pads

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")
_THIN = 4  # channels of an image or a logit map, too few to fill a vector register
_FEW = 6  # channels of a picture and its drawing
_TRANSPOSED_PADS = ((1, 0), (1, 0))
_CELL = (2, 4)  # rows and columns of pixels
_EIGHTH = 8  # cuDNN's fast kernels want a multiple of this number of input channels
_FEW_PIXELS = 900  # up to which a GPU gets an input gradient sooner by one product than by cuDNN


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
    if isinstance(padding, int):
        padding = ((padding, padding), (padding, padding))
    (top, bottom), (left, right) = padding
    pads = (top, bottom), (left, right)
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
    if min(products.output_size(x.shape[1:3], kernel.shape[:2], 1, pads)) < 1:
        raise ValueError(f"kernel {kernel.shape} is larger than x {x.shape} padded by {pads}")


# ------------------------------------------------------------------------ gradients and platforms


def _by_platform(
    on_cpu: Callable[..., Array],
    native: Callable[..., Array],
    *args,
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
@partial(jax.jit, static_argnums=(2, 3))
def _conv(x: Array, kernel: Array, stride: int, pads: Pads) -> Array:
    sizes: dict[str, Any] = dict(stride=stride, pads=pads)
    return _by_platform(
        partial(_cpu_conv, **sizes),
        partial(_native_conv, **sizes),
        x,
        kernel.astype(x.dtype),
        on_gpu=partial(_gpu_conv, **sizes),
    )


def _conv_backward(stride, pads, residuals, g):
    x, kernel = residuals
    dx = _input_gradient(g, kernel.astype(x.dtype), x.shape[1:3], stride, pads)
    return dx, _kernel_gradient(x, g, kernel.shape[:2], stride, pads, kernel.dtype)


_conv.defvjp(lambda x, kernel, *rest: (_conv(x, kernel, *rest), (x, kernel)), _conv_backward)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
@partial(jax.jit, static_argnums=(2, 3, 4))
def _input_gradient(g: Array, kernel: Array, size: tuple, stride: int, pads: Pads) -> Array:
    """Has a backward pass of its own for losses of a gradient, such as a gradient penalty.

    Automatic differentiation would derive the kernel's from a convolution whose output is larger than
    its input, the slowest of all on a CPU. It equals the kernel gradient of `_conv`.
    """
    sizes: dict[str, Any] = dict(size=size, stride=stride, pads=pads)
    return _by_platform(
        partial(_cpu_input_gradient, **sizes),
        partial(_native_input_gradient, **sizes),
        g,
        kernel,
        on_gpu=partial(_gpu_input_gradient, **sizes),
    )


def _input_gradient_backward(size, stride, pads, residuals, slope):
    g, kernel = residuals
    return (
        _conv(slope, kernel, stride, pads),
        _kernel_gradient(slope, g, kernel.shape[:2], stride, pads, kernel.dtype),
    )


_input_gradient.defvjp(
    lambda g, kernel, *rest: (_input_gradient(g, kernel, *rest), (g, kernel)), _input_gradient_backward
)


@partial(jax.jit, static_argnums=(2, 3, 4, 5))
def _kernel_gradient(x: Array, g: Array, size: tuple, stride: int, pads: Pads, dtype: jnp.dtype) -> Array:
    sizes: dict[str, Any] = dict(size=size, stride=stride, pads=pads, dtype=dtype)
    return _by_platform(
        partial(_cpu_kernel_gradient, **sizes),
        partial(_native_kernel_gradient, **sizes),
        x,
        g,
        on_gpu=partial(_gpu_kernel_gradient, **sizes),
    )


@jax.custom_vjp
@jax.jit
def _conv_transpose(x: Array, kernel: Array) -> Array:
    return _by_platform(
        _cpu_transpose, _native_transpose, x, kernel.astype(x.dtype), on_gpu=_gpu_transpose
    )


def _conv_transpose_backward(residuals, g):
    x, kernel = residuals
    dx = _native_conv(g, products.adjoint(kernel.astype(x.dtype)), stride=2, pads=_TRANSPOSED_PADS)
    dkernel = _by_platform(
        partial(_cpu_transpose_kernel_gradient, dtype=kernel.dtype),
        lambda x, g: _transposed(lambda k: _native_transpose(x, k.astype(x.dtype)), kernel, g),
        x,
        g,
        on_gpu=partial(_gpu_transpose_kernel_gradient, dtype=kernel.dtype),
    )
    return dx, dkernel


_conv_transpose.defvjp(
    lambda x, kernel: (_conv_transpose(x, kernel), (x, kernel)), _conv_transpose_backward
)


def _transposed(linear: Callable[[Array], Array], like: Array | jax.ShapeDtypeStruct, g: Array) -> Array:
    """The transpose of a linear function of an array such as `like`, applied to g."""
    (transposed,) = jax.linear_transpose(linear, jax.ShapeDtypeStruct(like.shape, like.dtype))(g)
    return transposed


def _native_conv(x: Array, kernel: Array, *, stride: int, pads: Pads) -> Array:
    return lax.conv_general_dilated(x, kernel, (stride, stride), pads, dimension_numbers=_DIMENSIONS)


def _native_transpose(x: Array, kernel: Array) -> Array:
    return lax.conv_general_dilated(
        x, kernel, (1, 1), ((1, 2), (1, 2)), lhs_dilation=(2, 2), dimension_numbers=_DIMENSIONS
    )


def _native_input_gradient(
    g: Array, kernel: Array, *, size: tuple[int, int], stride: int, pads: Pads
) -> Array:
    like = jax.ShapeDtypeStruct((g.shape[0], *size, kernel.shape[2]), g.dtype)
    return _transposed(lambda x: _native_conv(x, kernel, stride=stride, pads=pads), like, g)


def _native_kernel_gradient(
    x: Array, g: Array, *, size: tuple[int, int], stride: int, pads: Pads, dtype
) -> Array:
    like = jax.ShapeDtypeStruct((*size, x.shape[3], g.shape[3]), dtype)
    return _transposed(lambda k: _native_conv(x, k.astype(x.dtype), stride=stride, pads=pads), like, g)


# ------------------------------------------------------------------------------- the ways on a GPU
# XLA gives cuDNN what it recognises as the gradient of a convolution; what it does not, it writes as a
# forward one, which multiplies zeros or has a kernel as large as an image. Barriers keep its
# simplifications from hiding the gradients.


def _gpu_conv(x: Array, kernel: Array, *, stride: int, pads: Pads) -> Array:
    form = _gpu_form(kernel.shape, stride, pads)
    if form:
        return form(x, kernel)
    if _wants_planes(kernel.shape, stride):
        return products.planes_conv(x, kernel, pads)
    return _native_conv(x, kernel, stride=stride, pads=pads)


def _gpu_input_gradient(
    g: Array, kernel: Array, *, size: tuple[int, int], stride: int, pads: Pads
) -> Array:
    shape = (g.shape[0], *size, kernel.shape[2])
    form = _gpu_form(kernel.shape, stride, pads)
    if form:
        return _transposed(lambda x: form(x, kernel), jax.ShapeDtypeStruct(shape, g.dtype), g)
    if _wants_planes(kernel.shape, stride):
        return products.columns_conv(
            g, products.adjoint(kernel), products.back_pads(kernel.shape[:2], pads)
        )
    is_small = g.shape[0] * g.shape[1] * g.shape[2] <= _FEW_PIXELS
    if is_small and stride == 1 and _kernel_dominates(shape, kernel.shape, stride, pads):
        return products.scatter_input_gradient(g, kernel, size, stride, pads)
    return _native_input_gradient(g, kernel, size=size, stride=stride, pads=pads)


def _gpu_kernel_gradient(
    x: Array, g: Array, *, size: tuple[int, int], stride: int, pads: Pads, dtype
) -> Array:
    """Pads x beforehand where the output is the larger one, or XLA would exchange the two."""
    shape = (*size, x.shape[3], g.shape[3])
    form = _gpu_form(shape, stride, pads)
    if form:
        like = jax.ShapeDtypeStruct(shape, x.dtype)
        return _transposed(lambda k: form(x, k), like, g).astype(dtype)
    if _wants_planes(shape, stride):
        return products.thin_kernel_gradient(x, g, size, pads).astype(dtype)
    if stride == 1 and (g.shape[1] > x.shape[1] or g.shape[2] > x.shape[2]):
        x, pads = lax.optimization_barrier(products.zero_pad(x, pads)), ((0, 0), (0, 0))
    return _native_kernel_gradient(x, g, size=size, stride=stride, pads=pads, dtype=dtype)


def _gpu_form(kernel: tuple, stride: int, pads: Pads) -> Callable[[Array, Array], Array] | None:
    """Another convolution with the same result, (x, kernel) -> y, which its gradients go through, too."""
    if stride == 1 and kernel[3] <= _THIN and min(kernel[:2]) >= 5:
        return partial(_cells_conv, pads=pads)
    if kernel[2] <= _FEW and kernel[1] >= 3:
        return partial(_rows_conv, stride=stride, pads=pads)
    return None


def _wants_planes(kernel: tuple, stride: int) -> bool:
    return stride == 1 and kernel[3] == 1


def _rows_conv(x: Array, kernel: Array, stride: int, pads: Pads) -> Array:
    """With the taps of a row of the kernel side by side, as channels, and zeros up to a multiple of 8."""
    kh, kw, c, d = kernel.shape
    _, width = products.output_size(x.shape[1:3], (kh, kw), stride, pads)
    x, columns = products.zero_pad(x, ((0, 0), pads[1])), (width - 1) * stride + 1
    taps = lax.concatenate([x[:, :, b : b + columns : stride] for b in range(kw)], 3)
    missing = -kw * c % _EIGHTH
    taps = jnp.pad(taps, ((0, 0), (0, 0), (0, 0), (0, missing)))
    kernel = jnp.pad(kernel.reshape(kh, 1, kw * c, d), ((0, 0), (0, 0), (0, missing), (0, 0)))
    return lax.conv_general_dilated(
        taps, kernel, (stride, 1), (pads[0], (0, 0)), dimension_numbers=_DIMENSIONS
    )


def _cells_conv(x: Array, kernel: Array, pads: Pads) -> Array:
    """Makes a cell of 2x4 output pixels at once, as the channels of one pixel.

    cuDNN's kernels have 32 output channels at least: with 24 instead of 3 they are up to four times
    faster, although the kernel of a cell is larger and mostly zero.
    """
    (rows, columns), (kh, kw, _, d) = _CELL, kernel.shape
    height, width = products.output_size(x.shape[1:3], (kh, kw), 1, pads)
    (top, bottom), (left, right) = pads
    x = products.zero_pad(x, ((top, bottom + -height % rows), (left, right + -width % columns)))
    kernels = [
        jnp.pad(kernel, ((a, rows - 1 - a), (b, columns - 1 - b), (0, 0), (0, 0)))
        for a in range(rows)
        for b in range(columns)
    ]
    cells = lax.conv_general_dilated(
        x, lax.concatenate(kernels, 3), _CELL, "VALID", dimension_numbers=_DIMENSIONS
    )
    n, down, across, _ = cells.shape
    pixels = jnp.swapaxes(cells.reshape(n, down, across, rows, columns, d), 2, 3)
    return pixels.reshape(n, down * rows, across * columns, d)[:, :height, :width]


def _gpu_transpose(x: Array, kernel: Array) -> Array:
    """As the input gradient of the strided convolution with the adjoint kernel."""
    strided = lax.optimization_barrier(products.adjoint(kernel))
    like = jax.ShapeDtypeStruct((x.shape[0], 2 * x.shape[1], 2 * x.shape[2], kernel.shape[3]), x.dtype)
    return _transposed(lambda y: _native_conv(y, strided, stride=2, pads=_TRANSPOSED_PADS), like, x)


def _gpu_transpose_kernel_gradient(x: Array, g: Array, *, dtype) -> Array:
    """As the kernel gradient of the strided convolution, whose input is g."""
    return products.adjoint(
        _native_kernel_gradient(g, x, size=(3, 3), stride=2, pads=_TRANSPOSED_PADS, dtype=dtype)
    )


# ----------------------------------------------------------------------------- the choice on a CPU


def forward_path(x: tuple, kernel: tuple, stride: int, pads: Pads) -> str:
    """Which way a CPU computes a convolution, from the shapes alone."""
    if stride == 1 and kernel[3] <= _THIN:
        return "planes"
    if stride == 1 and kernel[2] <= _THIN and min(kernel[:2]) >= 5:
        return "wide"
    if stride == 1 and _kernel_dominates(x, kernel, stride, pads):
        return "columns"
    narrower = products.output_size(x[1:3], kernel[:2], stride, pads)[1] < x[2]
    return "cropped" if stride == 1 and narrower and kernel[2] > _THIN else "native"


def input_gradient_path(x: tuple, kernel: tuple, stride: int, pads: Pads) -> str:
    """Which way a CPU computes the gradient with respect to x."""
    if stride == 1 and kernel[2] <= _THIN:
        return "planes"
    height, width = products.output_size(x[1:3], kernel[:2], stride, pads)
    fits = 4 * x[0] * height * width * kernel[0] * kernel[1] * kernel[2] <= products.SCRATCH_BYTES
    dominates = stride > 1 or _kernel_dominates(x, kernel, stride, pads)
    return "scatter" if fits and dominates else "native"


def kernel_gradient_path(x: tuple, kernel: tuple, stride: int, pads: Pads) -> str:
    """Which way a CPU computes the gradient with respect to the kernel."""
    if stride == 1 and kernel[3] <= _THIN:
        return "thin"
    if kernel[2] <= _FEW:
        return "planar"
    height, width = products.output_size(x[1:3], kernel[:2], stride, pads)
    larger = height > x[1] or width > x[2]
    if stride > 1 or larger or _kernel_dominates(x, kernel, stride, pads):
        return "taps"
    strips = products.strips((x[1], x[2], kernel[2]), (height, width, kernel[3]))
    return "strips" if x[0] > 1 or len(strips) > 1 else "native"


def _kernel_dominates(x: tuple, kernel: tuple, stride: int, pads: Pads) -> bool:
    """Whether the kernel is so much larger than the image that reading it costs like the product."""
    height, width = products.output_size(x[1:3], kernel[:2], stride, pads)
    return 2 * x[0] * height * width <= kernel[0] * kernel[1] * min(kernel[2:])


def _cpu_conv(x: Array, kernel: Array, *, stride: int, pads: Pads) -> Array:
    path = forward_path(x.shape, kernel.shape, stride, pads)
    if path == "planes":
        return products.planes_conv(x, kernel, pads)
    if path == "wide":
        return _cropped_conv(x, kernel, pads, wider_by=1)
    if path == "cropped":
        return _cropped_conv(x, kernel, pads)
    if path == "columns":
        return products.columns_conv(x, kernel, pads)
    return _native_conv(x, kernel, stride=stride, pads=pads)


def _cpu_input_gradient(
    g: Array, kernel: Array, *, size: tuple[int, int], stride: int, pads: Pads
) -> Array:
    shape = (g.shape[0], *size, kernel.shape[2])
    path = input_gradient_path(shape, kernel.shape, stride, pads)
    if path == "planes":
        return products.planes_conv(
            g, products.adjoint(kernel), products.back_pads(kernel.shape[:2], pads)
        )
    if path == "scatter":
        return products.scatter_input_gradient(g, kernel, size, stride, pads)
    return _native_input_gradient(g, kernel, size=size, stride=stride, pads=pads)


def _cpu_kernel_gradient(
    x: Array, g: Array, *, size: tuple[int, int], stride: int, pads: Pads, dtype
) -> Array:
    shape = (*size, x.shape[3], g.shape[3])
    path = kernel_gradient_path(x.shape, shape, stride, pads)
    if path == "thin":
        return products.thin_kernel_gradient(x, g, size, pads).astype(dtype)
    if path == "planar":
        return products.planar_kernel_gradient(x, g, size, stride, pads).astype(dtype)
    if path == "taps":
        return products.taps_kernel_gradient(x, g, size, stride, pads).astype(dtype)
    native = partial(_native_kernel_gradient, size=size, stride=stride, dtype=dtype)
    if path == "strips":
        strip_gradient = partial(native, pads=((0, 0), (0, 0)))
        return products.strips_kernel_gradient(strip_gradient, products.zero_pad(x, pads), g)
    return native(x, g, pads=pads)


def _cpu_transpose(x: Array, kernel: Array) -> Array:
    """A transposed convolution is the input gradient of the corresponding strided convolution."""
    shape = (x.shape[0], 2 * x.shape[1], 2 * x.shape[2], kernel.shape[3])
    strided = (3, 3, kernel.shape[3], kernel.shape[2])
    path = input_gradient_path(shape, strided, 2, _TRANSPOSED_PADS)
    if path == "native":
        return _native_transpose(x, kernel)
    # A product per tap, not one for all: it saves turning the kernel, and adding up separate
    # arrays is faster than slices of a common one.
    taps = [[products.product(x, kernel[2 - a, 2 - b], (3,), (0,)) for b in range(3)] for a in range(3)]
    return products.scatter(taps, shape[1:3], 2, _TRANSPOSED_PADS).astype(x.dtype)


def _cpu_transpose_kernel_gradient(x: Array, g: Array, *, dtype) -> Array:
    gradient = products.taps_kernel_gradient(g, x, (3, 3), 2, _TRANSPOSED_PADS, adjoint=True)
    return gradient.astype(dtype)


def _cropped_conv(x: Array, kernel: Array, pads: Pads, *, wider_by: int = 0) -> Array:
    """The native convolution to as many columns as x has, plus `wider_by`, then cropped."""
    (top, bottom), (left, right) = pads
    width = x.shape[2] + left + right - kernel.shape[1] + 1
    extra = max(0, x.shape[2] + wider_by - width)
    pads = ((top, bottom), (left, right + extra))
    return _native_conv(x, kernel, stride=1, pads=pads)[:, :, :width]
