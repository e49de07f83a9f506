"""GFLOP/s of every convolution of the networks in each direction, beside plain lax and the peak.

    python benchmarks/conv.py [--select 'paper256|disc'] [--runs 7] [--output conv.json]

Directions: forward, input gradient, kernel gradient (the frozen VGG has none). Ours and plain run
alternately; figures are medians over the runs. Only useful arithmetic is counted: a transposed
convolution has 9 products per input pixel and channel pair. The peak is the best matrix product of
NumPy and `jnp.dot` in the same run. `sums` adds up the layers of one pass through each network.
"""

import argparse
import re
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import record
from jax import lax

from deepsim_jax.nets import conv

_DIRECTIONS = ("forward", "input", "kernel")


class Layer(NamedTuple):
    """A convolution and how often its network has it; stride 0 stands for the transposed one."""

    network: str
    name: str
    x: tuple[int, int, int, int]
    kernel: tuple[int, int, int, int]
    stride: int
    padding: int
    count: int = 1

    def ours(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        if self.stride == 0:
            return conv.conv_transpose2d(x, kernel)
        return conv.conv2d(x, kernel, stride=self.stride, padding=self.padding)

    def plain(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        dimensions = ("NHWC", "HWIO", "NHWC")
        if self.stride == 0:
            return lax.conv_general_dilated(
                x, kernel, (1, 1), ((1, 2), (1, 2)), lhs_dilation=(2, 2), dimension_numbers=dimensions
            )
        return lax.conv_general_dilated(
            x, kernel, (self.stride,) * 2, ((self.padding,) * 2,) * 2, dimension_numbers=dimensions
        )

    def flops(self, out: tuple) -> int:
        pixels = np.prod(self.x[:3] if self.stride == 0 else out[:3])
        return 2 * int(pixels) * int(np.prod(self.kernel))

    def path(self, direction: str) -> str:
        if self.stride == 0:
            return "transposed"
        rule = {
            "forward": conv.forward_path,
            "input": conv.input_gradient_path,
            "kernel": conv.kernel_gradient_path,
        }[direction]
        return rule(self.x, self.kernel, self.stride, ((self.padding,) * 2,) * 2)


def layers(batch: int) -> list[Layer]:
    vgg = [
        (3, 64, 256),
        (64, 64, 256),
        (64, 128, 128),
        (128, 128, 128),
        (128, 256, 64),
        (256, 256, 64),
        (256, 512, 32),
        (512, 512, 32),
        (512, 512, 16),
    ]
    counts = {(256, 256, 64): 3, (512, 512, 32): 3}
    return [
        *_generator("paper256", batch, 256, 64, 4, 9),
        *_generator("paper480", batch, 480, 64, 4, 9),
        *_generator("quick256", batch, 256, 32, 3, 6),
        *_discriminator("disc256", 2 * batch, 256, 64),
        *_discriminator("disc128", 2 * batch, 128, 64),
        *_discriminator("quickdisc256", 2 * batch, 256, 32),
        *(
            Layer(
                "vgg256",
                f"{c}-{d}@{size}",
                (batch, size, size, c),
                (3, 3, c, d),
                1,
                1,
                counts.get((c, d, size), 1),
            )
            for c, d, size in vgg
        ),
    ]


def _generator(network, batch, size, filters, n_down, n_blocks) -> list[Layer]:
    found = [Layer(network, "first", (batch, size + 6, size + 6, 3), (7, 7, 3, filters), 1, 0)]
    for i in range(n_down):
        side, c = size >> i, filters << i
        found.append(Layer(network, f"down{i}", (batch, side, side, c), (3, 3, c, 2 * c), 2, 1))
    side, c = size >> n_down, filters << n_down
    found.append(
        Layer(network, "block", (batch, side + 2, side + 2, c), (3, 3, c, c), 1, 0, 2 * n_blocks)
    )
    for i in range(n_down):
        side, c = size >> n_down - i, filters << n_down - i
        found.append(Layer(network, f"up{i}", (batch, side, side, c), (3, 3, c, c // 2), 0, 0))
    last = Layer(network, "last", (batch, size + 6, size + 6, filters), (7, 7, filters, 3), 1, 0)
    return [*found, last]


def _discriminator(network, batch, size, filters) -> list[Layer]:
    found, channels = [], 6
    for i, (out, stride) in enumerate(
        [(filters, 2), (2 * filters, 2), (4 * filters, 2), (8 * filters, 1), (1, 1)]
    ):
        found.append(
            Layer(network, f"layer{i}", (batch, size, size, channels), (4, 4, channels, out), stride, 2)
        )
        size, channels = size // stride + 1, out
    return found


def alternately(functions: dict[str, Callable], args: tuple, runs: int, budget: float) -> dict:
    """Median seconds of each; at least three runs, then up to `runs` within `budget` seconds."""
    for function in functions.values():
        jax.block_until_ready(function(*args))
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    begun = time.perf_counter()
    for i in range(runs):
        if i >= 3 and time.perf_counter() - begun > budget:
            break
        for name, function in functions.items():
            start = time.perf_counter()
            jax.block_until_ready(function(*args))
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def peak() -> float:
    """The best float32 matrix product, GFLOP/s."""
    best = 0.0
    for n in (2048, 4096):
        a = np.random.default_rng(0).standard_normal((n, n), dtype=np.float32)
        for product, b in (jax.jit(jnp.dot), jnp.asarray(a)), (np.dot, a):
            seconds = alternately({"": product}, (b, b), 5, 60)[""]
            best = max(best, 2 * n**3 / seconds / 1e9)
    return best


def measure(layer: Layer, runs: int, budget: float) -> dict:
    x, kernel = _normal(layer.x, 0), 0.02 * _normal(layer.kernel, 1)
    shape = jax.eval_shape(layer.plain, x, kernel).shape
    g, flops, figures = _normal(shape, 2), layer.flops(shape), {}
    for direction in _DIRECTIONS[: 2 if layer.network.startswith("vgg") else 3]:
        functions = {
            name: jax.jit(_directed(getattr(layer, name), direction)) for name in ("ours", "plain")
        }
        times = alternately(functions, (x, kernel, g), runs, budget)
        figures[direction] = {"path": layer.path(direction)} | {
            name: {"gflops": round(flops / t / 1e9, 1), "ms": round(1e3 * t, 3)}
            for name, t in times.items()
        }
    return {"gmac": round(flops / 2e9, 3), **figures}


def _directed(function: Callable, direction: str) -> Callable:
    if direction == "forward":
        return lambda x, kernel, g: function(x, kernel)
    if direction == "input":
        return lambda x, kernel, g: jax.vjp(lambda x: function(x, kernel), x)[1](g)[0]
    return lambda x, kernel, g: jax.vjp(lambda kernel: function(x, kernel), kernel)[1](g)[0]


def _normal(shape: tuple, seed: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--select", default="", help="a regular expression on 'network.layer'")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--batch", type=int, default=1, help="twice it in discriminators")
    parser.add_argument("--budget", type=float, default=3.0, help="seconds per figure")
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    figures: dict = {"batch": options.batch, "peak_gflops": round(peak(), 1), "layers": {}}
    sums: dict = {}
    for layer in layers(options.batch):
        name = f"{layer.network}.{layer.name}"
        if not re.search(options.select, name):
            continue
        found = figures["layers"][name] = measure(layer, options.runs, options.budget)
        for direction in _DIRECTIONS:
            total = sums.setdefault(layer.network, {}).setdefault(direction, {})
            for who in ("ours", "plain") if direction in found else ():
                ms = layer.count * found[direction][who]["ms"]
                total[who] = round(total.get(who, 0.0) + ms, 3)
    record.write(options.output, figures | {"sums_ms": sums})


if __name__ == "__main__":
    main()
