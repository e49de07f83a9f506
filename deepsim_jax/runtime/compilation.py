"""The compiler's options, its persistent cache, and the memory that it leaves behind."""

import ctypes
import os

import jax

from deepsim_jax.runtime.paths import cache_folder

_GRAPHED = (
    "FUSION",
    "CUBLAS",
    "CUBLASLT",
    "CUDNN",
    "CUSTOM_CALL",
    "CONVOLUTION",
    "CONDITIONAL",
    "WHILE",
    "DYNAMIC_SLICE_FUSION",
)  # kernels that a CUDA graph may hold; without CONVOLUTION a graph would end at each

_LEVEL = "xla_backend_optimization_level"  # of LLVM


def use_cache():
    """Keeps compiled programs in the user's cache folder, unless the user chose a place or none.

    `JAX_COMPILATION_CACHE_DIR` is respected; set it to an empty string for no cache. The compiled
    step of a configuration is about 10 MB.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)


def release_memory():
    """Gives the memory that a compilation has left in the C library's heap back to the system.

    Compiling the paper's step leaves 0.8 GiB there, which would stay for the whole run. Only glibc
    has the call; other C libraries return memory by themselves or not at all.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def forget_programs():
    """Gives all compiled programs back, where the next photo's sizes share none with those before.

    A hundred photos' programs would fill the memory.
    """
    jax.clear_caches()
    release_memory()


def options() -> dict[str, int | str]:
    """What the training step is to be compiled with, for `jax.stages.Lowered.compile`.

    On a CPU most of the compilation is LLVM's work on a thousand small loops, which its first level
    does in two thirds of the time; convolutions and products are library code, so that the step runs
    at the same speed. A level that the user set in `XLA_FLAGS` stands.

    CUDA gets all steps of a dispatch as one graph, convolutions included, in which kernels wait for what
    they need only. With batches of one few of them fill a GPU: one after the other, in several graphs,
    they take a quarter longer.

    Empty elsewhere.
    """
    if jax.default_backend() == "cpu":
        return {} if _LEVEL in os.environ.get("XLA_FLAGS", "") else {_LEVEL: 1}
    if "cuda" in jax.devices()[0].client.platform_version.lower():
        return {
            "xla_gpu_enable_command_buffer": ",".join(_GRAPHED),
            "xla_gpu_command_buffer_scheduling_mode": "CONCURRENT",
        }
    return {}
