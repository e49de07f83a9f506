"""GMAC/s of SinGAN's convolutions in each direction, beside PyTorch where it is installed, and the peak.

    python benchmarks/singan_conv.py [--sizes 25x25 250x188] [--channels 32 64 128] [--batches 1 3] \\
        [--select 'inner'] [--runs 7] [--budget 2] [--output singan_conv.json]

The unpadded 3x3 layers of a generator: the first (3 channels to the inner ones), the inner and the last
(to 3), at pictures of these sizes (WIDTHxHEIGHT). Directions: forward, input gradient, kernel gradient,
and second order: what the gradient penalty asks for, both gradients of an input gradient. Of PyTorch
(extra `torch`), NCHW as one writes it, the same by `autograd.grad` on a graph that is kept; its answers
must agree.

Both run in turn; figures are medians over the runs. Only useful arithmetic is counted. The peak is the
fastest float32 matrix product of NumPy and `jnp.dot`, before and after.
"""

import argparse
import importlib.util
import re
from collections.abc import Callable
from typing import NamedTuple

import conv
import jax
import matmul
import numpy as np
import record
import step

from deepsim_jax.nets.conv import conv2d
from deepsim_jax.runtime import hugepages
from deepsim_jax.systems.singan import networks

DIRECTIONS = ("forward", "input", "kernel", "second order")
_KERNEL = 3


class Layer(NamedTuple):
    """A layer for pictures of a (height, width): x (batch, h, w, before) to `after` channels."""

    kind: str
    size: tuple[int, int]
    before: int
    after: int
    batch: int

    @property
    def name(self) -> str:
        height, width = self.size
        return f"{self.kind} {self.before}-{self.after}, {width}x{height} px, batch {self.batch}"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of x: the padded picture, less what the layers before have taken away."""
        more = {"first": 2 * networks.PADDING, "inner": 2 * networks.PADDING - 2, "last": _KERNEL - 1}
        height, width = (side + more[self.kind] for side in self.size)
        return self.batch, height, width, self.before

    def gmac(self, direction: str) -> float:
        batch, height, width, before = self.shape
        once = batch * (height - 2) * (width - 2) * _KERNEL**2 * before * self.after / 1e9
        return 2 * once if direction == "second order" else once

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(x, kernel, slope of the result), normal; x serves as the slope of an input gradient, too."""
        rng = np.random.default_rng(0)
        batch, height, width, before = self.shape
        shapes = (
            self.shape,
            (_KERNEL, _KERNEL, before, self.after),
            (batch, height - 2, width - 2, self.after),
        )
        x, kernel, slope = (rng.standard_normal(shape, dtype=np.float32) for shape in shapes)
        return x, 0.02 * kernel, slope


def layers(sizes, channels, batches) -> list[Layer]:
    return [
        Layer(kind, size, before or width, after or width, batch)
        for batch in batches
        for size in sizes
        for width in channels
        for kind, before, after in (("first", 3, 0), ("inner", 0, 0), ("last", 0, 3))
    ]


def ours(layer: Layer) -> dict[str, Callable]:
    """direction -> what computes it."""
    arrays = [jax.device_put(array) for array in layer.arrays()]

    def slope_of_input(slope, kernel):
        return jax.vjp(lambda x: conv2d(x, kernel), arrays[0])[1](slope)[0]

    functions: dict[str, Callable] = {
        "forward": lambda x, kernel, slope: conv2d(x, kernel),
        "input": lambda x, kernel, slope: jax.vjp(lambda x: conv2d(x, kernel), x)[1](slope)[0],
        "kernel": lambda x, kernel, slope: jax.vjp(lambda k: conv2d(x, k), kernel)[1](slope)[0],
        "second order": lambda x, kernel, slope: jax.vjp(slope_of_input, slope, kernel)[1](x),
    }
    jitted = {direction: jax.jit(function) for direction, function in functions.items()}
    return {direction: lambda f=function: f(*arrays) for direction, function in jitted.items()}


def in_torch(layer: Layer) -> dict[str, Callable]:
    """The same by PyTorch: tensors (N, C, H, W) and kernels (D, C, 3, 3)."""
    import torch

    x, kernel, slope = layer.arrays()
    x, slope = (torch.tensor(a.transpose(0, 3, 1, 2).copy(), requires_grad=True) for a in (x, slope))
    kernel = torch.tensor(kernel.transpose(3, 2, 0, 1).copy(), requires_grad=True)
    out = torch.nn.functional.conv2d(x, kernel)
    gradient = torch.autograd.grad
    (of_input,) = gradient(out, x, slope, create_graph=True)
    fixed, fixed_slope = x.detach(), slope.detach()

    @torch.no_grad()
    def forward():
        return torch.nn.functional.conv2d(x, kernel)

    return {
        "forward": forward,
        "input": lambda: gradient(out, x, fixed_slope, retain_graph=True)[0],
        "kernel": lambda: gradient(out, kernel, fixed_slope, retain_graph=True)[0],
        "second order": lambda: gradient(of_input, (slope, kernel), fixed, retain_graph=True),
    }


def check_same(direction: str, one, other):
    """Compares an answer of ours with PyTorch's.

    Raises:
      RuntimeError: they differ by more than rounding.
    """
    pairs = list(zip(one, other, strict=True)) if direction == "second order" else [(one, other)]
    for number, (mine, plain) in enumerate(pairs):
        is_kernel = direction == "kernel" or number == 1
        plain = plain.detach().numpy().transpose((2, 3, 1, 0) if is_kernel else (0, 2, 3, 1))
        error = np.abs(np.asarray(mine) - plain).max() / np.abs(plain).max()
        if not error < 1e-3:
            raise RuntimeError(f"{direction}: ours and PyTorch's are {error:.2g} of the largest apart")


def measure(layer: Layer, *, with_torch: bool, runs: int, budget: float) -> dict:
    """direction -> who -> seconds and GMAC/s."""
    functions = {"ours": ours(layer)} | ({"torch": in_torch(layer)} if with_torch else {})
    found: dict = {}
    for direction in DIRECTIONS:
        these = {who: of[direction] for who, of in functions.items()}
        if with_torch:
            check_same(direction, *(function() for function in these.values()))
        gmac = layer.gmac(direction)
        found[direction] = {
            who: {"seconds": seconds, "gmac_per_second": gmac / seconds}
            for who, seconds in conv.alternately(these, (), runs, budget).items()
        }
    return found


def _size(text):
    width, height = text.split("x")
    return int(height), int(width)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = ["25x25", "66x49", "102x77", "160x121", "250x188"]
    parser.add_argument("--sizes", nargs="*", default=sizes, help="WIDTHxHEIGHT of the pictures")
    parser.add_argument("--channels", type=int, nargs="*", default=[32, 64, 128])
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 3])
    parser.add_argument("--select", default="", help="a regular expression on a layer's name")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--budget", type=float, default=2.0, help="seconds per figure")
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    about = None
    if importlib.util.find_spec("torch"):
        import torch

        about = {"version": torch.__version__, "threads": torch.get_num_threads()}
    peak = matmul.peak(sizes=(2048,))
    found = {
        layer.name: measure(layer, with_torch=about is not None, runs=options.runs, budget=options.budget)
        for layer in layers([_size(text) for text in options.sizes], options.channels, options.batches)
        if re.search(options.select, layer.name)
    }
    peak = max(peak, matmul.peak(sizes=(2048,)))
    for directions in found.values():
        for of in directions.values():
            for figures in of.values():
                figures["share_of_peak"] = 2 * figures["gmac_per_second"] / peak
    record.write(
        options.output,
        {"runs": options.runs, "torch": about, "peak_gflops": peak, "layers": step.rounded(found)},
    )


if __name__ == "__main__":
    hugepages.restart()  # as the command line
    main()
