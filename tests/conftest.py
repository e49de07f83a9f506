"""Settings of all tests: CPU, exact float32 products, two simulated devices, a cache of their own.

And what several of them share: a trained model, numbers of the published program, PyTorch files.
"""

import collections
import io
import os
import pickle
import sys
import tempfile
import types
import zipfile
from pathlib import Path
from unittest import mock

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Each program is compiled once in a session, also for the processes that tests start.
_COMPILED = tempfile.TemporaryDirectory()
os.environ["JAX_COMPILATION_CACHE_DIR"] = _COMPILED.name
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.2"

import jax  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_default_matmul_precision", "highest")

FIXTURES = Path(__file__).parent / "fixtures"
_STORAGES = {np.float32: "FloatStorage", np.float16: "HalfStorage", np.int64: "LongStorage"}


@pytest.fixture(scope="session")
def scene():
    """A photo of 180x150 px: a bright disk and a box before a slope, with some noise."""
    y, x = np.mgrid[:150, :180]
    picture = np.stack([x, y, 160 - y], -1) / 2 + 40
    picture[(x - 60) ** 2 + (y - 70) ** 2 < 1600] = 230, 190, 60
    picture[90:130, 110:160] = 30, 60, 150
    noise = np.random.default_rng(0).normal(0, 4, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, scene):
    """A model trained on the scene in the folder of its run, at 64x53 px. Not to be changed."""
    import deepsim_jax

    run = tmp_path_factory.mktemp("trained") / "run"
    return deepsim_jax.train(scene, config="quickstart:tiny", workdir=run)


@pytest.fixture(scope="session")
def trained_singan(tmp_path_factory, scene):
    """A SinGAN trained on the scene in the folder of its run: two scales, 26x22 px. Not to be changed."""
    import deepsim_jax

    run = tmp_path_factory.mktemp("trained") / "singan"
    return deepsim_jax.train(scene, config="singan_quickstart:tiny", workdir=run)


@pytest.fixture(scope="session")
def untrained_pyramid():
    """Makes a small SinGAN of random weights, by default of a photo of 28x22 px at three scales."""
    from deepsim_jax.models.singan import learned, networks, noise, pyramid

    def make(*, running=False, margin=0, scales=3, size=(22, 28), min_size=12):
        plan = pyramid.plan(size, min_size=min_size, steps="nearest", filters=4)
        rng = np.random.default_rng(0)
        generators, statistics = [], []
        for size, width in zip(plan.sizes[:scales], plan.widths, strict=False):
            picture = np.zeros((1, *size, 3), np.float32)
            shapes = jax.eval_shape(networks.Generator(width, running=running).init, jax.random.key(0),
                                    picture, picture)
            generators.append(jax.tree.map(
                lambda leaf: rng.normal(0, 0.3, leaf.shape).astype(np.float32), shapes["params"]))
            statistics.append(jax.tree.map(
                lambda leaf: rng.uniform(0.5, 1, leaf.shape).astype(np.float32),
                shapes.get("batch_stats", {})))
        size = tuple(side + margin for side in plan.sizes[0])
        return learned.Learned(
            tuple(generators), tuple(statistics), tuple(np.float32([1, 0.3] + [0.2] * scales)[:scales]),
            noise.draw(jax.random.key(7), size, coarsest=True), plan)

    return make


@pytest.fixture(scope="session")
def sequence_folder(tmp_path_factory):
    """Four frames of 80x64 px with segmentations, in the DeepSIM authors' layout: a box that moves."""
    from deepsim_jax.data import images

    root = tmp_path_factory.mktemp("sequences") / "box"
    for index in range(4):
        segmentation = np.full((64, 80, 3), 200, np.uint8)
        segmentation[16:40, 8 + 8 * index: 40 + 8 * index] = 40
        noise = np.random.default_rng(index).integers(0, 30, segmentation.shape)
        split = "test" if index else "train"
        images.write_png(root / f"{split}_seg" / f"{index}.png", segmentation)
        images.write_png(root / f"{split}_B" / f"{index}.png",
                         (segmentation // 2 + 60 + noise).astype(np.uint8))
    return root


@pytest.fixture
def networks():
    """The published program's tiny generator "G", local enhancer "L" and discriminator "D"."""
    return _read_groups("networks.npz")


@pytest.fixture
def train_steps():
    """Three training steps of the published program, from the weights "G" and "D"."""
    return _read_groups("train_steps.npz")


def _read_groups(file):
    """Arrays by name; those called "group/name" are in a dictionary of their own."""
    found = {}
    for name, array in np.load(FIXTURES / file).items():
        group, slash, rest = name.partition("/")
        if slash:
            found.setdefault(group, {})[rest] = array
        else:
            found[name] = array
    return found


@pytest.fixture
def call(monkeypatch, capsys):
    """Runs a command line in this process: its arguments -> (exit code, stdout, stderr)."""

    from absl import flags

    from deepsim_jax import main

    def run(*arguments):
        argv = ["deepsim_jax", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", argv)
        for name in [n for n in flags.FLAGS if n.startswith("config.")]:
            delattr(flags.FLAGS, name)
        flags.FLAGS.unparse_flags()
        for flag in flags.FLAGS.get_key_flags_for_module(main):
            flag.unparse()
        try:
            main._guarded(main._parse(argv))
            code = 0
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return run


class _Tensor:
    def __init__(self, array, utils, key):
        self.array, self.utils, self.key = array, utils, key

    def __reduce__(self):
        item = self.array.itemsize
        strides = tuple(step // item for step in self.array.strides)
        arguments = 0, self.array.shape, strides, False, collections.OrderedDict()
        return self.utils._rebuild_tensor_v2, (_Storage(self), *arguments)


class _Storage:
    def __init__(self, tensor):
        self.tensor = tensor


@pytest.fixture
def write_pth():
    """Writes arrays as torch.save does: stand-ins give the pickle torch's names."""

    def write(path, arrays, *, order="little"):
        torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
        for name in _STORAGES.values():
            setattr(torch, name, type(name, (), {"__module__": "torch"}))

        def _rebuild_tensor_v2():
            pass

        _rebuild_tensor_v2.__module__ = "torch._utils"
        _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
        utils._rebuild_tensor_v2 = _rebuild_tensor_v2

        class Pickler(pickle.Pickler):
            def persistent_id(self, obj):
                if not isinstance(obj, _Storage):
                    return None
                array = obj.tensor.array
                kind = getattr(torch, _STORAGES[array.dtype.type])
                return "storage", kind, obj.tensor.key, "cpu", array.size

        entries = collections.OrderedDict(
            (name, _Tensor(array, utils, str(i))) for i, (name, array) in enumerate(arrays.items())
        )
        modules = ["", *dict.fromkeys(name.rpartition(".")[0] for name in arrays)]
        entries._metadata = collections.OrderedDict((name, {"version": 1}) for name in modules)
        buffer = io.BytesIO()
        with mock.patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
            Pickler(buffer, 2).dump(entries)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("net/data.pkl", buffer.getvalue())
            archive.writestr("net/.format_version", "1")
            archive.writestr("net/.storage_alignment", "64")
            archive.writestr("net/byteorder", order)
            for i, array in enumerate(arrays.values()):
                swapped = array.astype(array.dtype.newbyteorder("<" if order == "little" else ">"))
                archive.writestr(f"net/data/{i}", swapped.tobytes("A"))
            archive.writestr("net/version", "3\n")
        return path

    return write
