"""The matrix-product peak of the machine, which other speeds are compared with."""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np


def peak(dtype: str = "float32", *, sizes: tuple[int, ...] = (2048, 4096), runs: int = 5) -> float:
    """GFLOP/s of the fastest of all runs of jitted `jnp.dot` and, in float32 on a CPU, of NumPy."""
    best = 0.0
    for n in sizes:
        a = np.random.default_rng(0).standard_normal((n, n), dtype=np.float32)
        b = jnp.asarray(a, dtype)
        products: list[tuple[Callable, object]] = [(jax.jit(jnp.dot), b)]
        if dtype == "float32" and jax.default_backend() == "cpu":
            products.append((np.dot, a))
        for product, factor in products:
            jax.block_until_ready(product(factor, factor))
            for _ in range(runs):
                start = time.perf_counter()
                jax.block_until_ready(product(factor, factor))
                best = max(best, 2 * n**3 / (time.perf_counter() - start) / 1e9)
    return best
