"""Settings of all tests: CPU, exact float32 products, two simulated devices, a cache of their own.

And what several of them share: a trained model, numbers of the published program, PyTorch files.
"""

import base64
import collections
import html.parser
import io
import os
import pickle
import re
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
# Small networks take far longer to compile than to run; without its passes LLVM takes half as long.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
# Workers share the cores already; OpenBLAS's threads burn what they wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax  # noqa: E402
import jaxtyping  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import shape_checks  # noqa: E402

jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_default_matmul_precision", "highest")

shape_checks.switch_on()

FIXTURES = Path(__file__).parent / "fixtures"
_STORAGES = {np.float32: "FloatStorage", np.float16: "HalfStorage", np.int64: "LongStorage"}


def pytest_collection_modifyitems(items):
    """Puts files with many slow tests first: begun last, one of them would be waited for alone."""
    slow = collections.Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture
def unchecked_shapes(monkeypatch):
    """For calls with wrong shapes, to see that the function refuses them by itself."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


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
def shared_runs():
    """The files of every run that tests share: {its folder: their names}."""
    return {}


@pytest.fixture(autouse=True)
def leave_shared_runs(shared_runs):
    """Fails the test that writes into a run that others share, not those after it."""
    yield
    for run, names in shared_runs.items():
        found = _names(run)
        shared_runs[run] = found
        assert found == names, f"files of a shared run were made or removed: {sorted(found ^ names)}"


def _names(run):
    return {str(path.relative_to(run)) for path in run.rglob("*")}


@pytest.fixture(scope="session")
def trained(tmp_path_factory, scene, shared_runs):
    """A model trained on the scene in the folder of its run, at 64x53 px. Not to be changed."""
    import deepsim_jax

    run = tmp_path_factory.mktemp("trained") / "run"
    model = deepsim_jax.train(scene, config="quickstart:tiny", workdir=run)
    shared_runs[run] = _names(run)
    return model


@pytest.fixture(scope="session")
def trained_singan(tmp_path_factory, scene, shared_runs):
    """A SinGAN trained on the scene in the folder of its run: two scales, 26x22 px. Not to be changed."""
    import deepsim_jax

    run = tmp_path_factory.mktemp("trained") / "singan"
    model = deepsim_jax.train(scene, config="singan_quickstart:tiny", workdir=run)
    shared_runs[run] = _names(run)
    return model


@pytest.fixture(scope="session")
def things():
    """A small collection, uint8 (40, 24, 24, 3): boxes of all colours and widths on white."""
    side = 24
    rng = np.random.default_rng(0)
    pictures = np.full((40, side, side, 3), 255, np.uint8)
    for picture in pictures:
        width, height = rng.integers(side // 4, side, 2)
        top, left = (side - height) // 2, (side - width) // 2
        picture[top : top + height, left : left + width] = rng.integers(0, 200, 3)
    return pictures


@pytest.fixture(scope="session")
def trained_igan(tmp_path_factory, things, shared_runs):
    """An iGAN trained on the things for 4 + 4 steps, at 16 px. Not to be changed."""
    import deepsim_jax

    run = tmp_path_factory.mktemp("trained") / "igan"
    model = deepsim_jax.train(things, config="igan_quickstart:tiny", workdir=run)
    shared_runs[run] = _names(run)
    return model


@pytest.fixture(scope="session")
def untrained_pyramid():
    """Makes a small SinGAN of random weights, by default of a photo of 28x22 px at three scales."""
    from deepsim_jax.systems.singan import learned, networks, noise, pyramid

    def make(*, running=False, margin=0, scales=3, size=(22, 28), min_size=12):
        plan = pyramid.plan(size, min_size=min_size, steps="nearest", filters=4)
        rng = np.random.default_rng(0)
        generators, statistics = [], []
        for size, width in zip(plan.sizes[:scales], plan.widths, strict=False):
            picture = np.zeros((1, *size, 3), np.float32)
            shapes = jax.eval_shape(
                networks.Generator(width, running=running).init, jax.random.key(0), picture, picture
            )
            generators.append(
                jax.tree.map(
                    lambda leaf: rng.normal(0, 0.3, leaf.shape).astype(np.float32), shapes["params"]
                )
            )
            statistics.append(
                jax.tree.map(
                    lambda leaf: rng.uniform(0.5, 1, leaf.shape).astype(np.float32),
                    shapes.get("batch_stats", {}),
                )
            )
        size = tuple(side + margin for side in plan.sizes[0])
        return learned.Learned(
            tuple(generators),
            tuple(statistics),
            tuple(np.float32([1, 0.3] + [0.2] * scales)[:scales]),
            noise.draw(jax.random.key(7), size, coarsest=True),
            plan,
        )

    return make


@pytest.fixture(scope="session")
def sequence_folder(tmp_path_factory):
    """Four frames of 80x64 px with segmentations, in the DeepSIM authors' layout: a box that moves."""
    from deepsim_jax.images import io as images

    root = tmp_path_factory.mktemp("sequences") / "box"
    for index in range(4):
        segmentation = np.full((64, 80, 3), 200, np.uint8)
        segmentation[16:40, 8 + 8 * index : 40 + 8 * index] = 40
        noise = np.random.default_rng(index).integers(0, 30, segmentation.shape)
        split = "test" if index else "train"
        images.write_png(root / f"{split}_seg" / f"{index}.png", segmentation)
        images.write_png(
            root / f"{split}_B" / f"{index}.png", (segmentation // 2 + 60 + noise).astype(np.uint8)
        )
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
def call(capsys):
    """Runs a command line in this process: its arguments -> (exit code, stdout, stderr)."""
    from deepsim_jax import main

    def run(*arguments):
        return main.main(["deepsim_jax", *map(str, arguments)]), *capsys.readouterr()

    return run


class ParsedPage(html.parser.HTMLParser):
    """What a page of `deepsim_jax.reports` holds; its tags must be balanced.

    Attributes:
      source: the HTML.
      tags: (tag, attributes), in order.
      texts: the texts between tags that are not blank, stripped; `text` is all of them.
      tables: [table][row][cell], texts.
      images: (alternative text, kind, content) of each <img>, all of them data URIs.
    """

    def __init__(self, source):
        super().__init__()
        self.source, self.open = source, []
        self.tags, self.texts, self.tables, self.images = [], [], [], []
        self.feed(source)
        self.close()
        assert not self.open
        self.text = " ".join(self.texts)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        if tag == "img":
            kind, content = re.fullmatch(r"data:image/([\w+]+);base64,(.*)", attrs["src"]).groups()
            self.images.append((attrs["alt"], kind, base64.b64decode(content, validate=True)))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        data = data.replace("\N{NO-BREAK SPACE}", " ")
        if data.strip():
            self.texts.append(" ".join(data.split()))
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data

    def marked(self):
        """The figures in bold."""
        return re.findall(r"<strong>([^<]*)</strong>", self.source)

    def classes(self, name):
        """How many tags are of a class."""
        return sum(name in (attrs.get("class") or "").split() for _, attrs in self.tags)


@pytest.fixture(scope="session")
def parse():
    """The HTML of a page, or the path of one -> `ParsedPage`."""
    return lambda page: ParsedPage(page.read_text("utf-8") if isinstance(page, Path) else page)


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
