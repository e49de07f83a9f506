"""What the benchmarks' figures are computed from; the measuring itself is not repeated here."""

import dataclasses
import importlib
import json
import re
import shutil
import types
from pathlib import Path

import numpy as np
import pytest

from deepsim_jax import settings
from deepsim_jax.errors import UserError
from deepsim_jax.systems.deepsim import build
from deepsim_jax.systems.deepsim import task as deepsim
from deepsim_jax.systems.singan import pyramid
from deepsim_jax.systems.singan import task as singan

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """name -> the module of a benchmark; they are scripts that import each other by name."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.mark.parametrize(
    "size, batch, gmac", [((256, 256), 1, 265.93), ((320, 640), 1, 826.54), ((256, 256), 4, 4 * 265.93)]
)
def test_arithmetic_of_the_papers_step(benchmark, size, batch, gmac):
    # GMAC counted with hooks in the published program; a step needs three passes of the generator
    # less the first layer's input gradient, and so on.
    arithmetic = benchmark("arithmetic")
    config = settings.load("paper")
    task = deepsim.Task(build.architecture(config), build.augmentation(config))
    found = arithmetic.lean_step(task, size, batch, arithmetic.vgg19_shapes())
    assert found["step"] == pytest.approx(gmac, abs=0.005 * batch)
    without = arithmetic.lean_step(task, size, batch, None)
    assert without["features"] == 0
    assert without["step"] == pytest.approx(found["step"] - found["features"])
    half = dataclasses.replace(task, perceptual_levels=2)
    assert arithmetic.lean_step(half, size, batch, arithmetic.vgg19_shapes())["features"] == (
        pytest.approx(found["features"] / 2)
    )


def test_a_config_and_its_changes_are_read_from_one_word(benchmark):
    spec = benchmark("time_to_quality").Spec.read(
        "quickstart:tiny,train.steps=7,augment.tps_points=(4, 2),loss.perceptual=none,seed=3"
    )
    assert spec.config == "quickstart:tiny" and spec.changes == {
        "train.steps": 7,
        "augment.tps_points": [4, 2],
        "loss.perceptual": "none",
        "seed": 3,
    }
    config = spec.full({"seed": 1})
    assert (config.train.steps, config.augment.tps_points, config.seed) == (7, (4, 2), 1)
    with pytest.raises(UserError, match="did you mean"):
        benchmark("time_to_quality").Spec.read("paper,train.stepz=7").full({})


def test_where_curves_reach_a_target(benchmark):
    quality = benchmark("time_to_quality")

    def runs(tflop, *curves):
        return {
            "runs": [
                {
                    "curve": [
                        {"step": 10 * i, "seconds": 10.0 * i + seed, "tflop": tflop * i, "lpips": value}
                        for i, value in enumerate(curve, 1)
                    ]
                }
                for seed, curve in enumerate(curves)
            ]
        }

    slow = runs(
        3.0, [0.9, 0.6, 0.5, 0.4], [0.8, 0.7, 0.3, 0.5], [0.9, 0.8, 0.6, 0.6]
    )  # medians .9 .7 .5 .5
    fast = runs(1.0, [0.6, 0.5, 0.3], [0.7, 0.4, 0.6], [0.6, 0.5, 0.4])
    assert quality.reached(slow["runs"], 0.6) == {
        "median": {"step": 30, "seconds": 31.0, "tflop": 9.0},
        "every seed": {"step": 30, "seconds": 31.0, "tflop": 9.0},
    }
    assert quality.reached(slow["runs"], 0.1) == {}
    found = quality.comparisons({"slow": slow, "fast": fast}, {"LPIPS 0.45": 0.45})
    assert found["LPIPS 0.45"] == {
        "lpips": 0.45,
        "configs": {"slow": {}, "fast": {"median": {"step": 30, "seconds": 31.0, "tflop": 3.0}}},
    }
    of_slow = found["end of slow"]["configs"]
    assert of_slow["slow"]["share"] == 1 and "every seed" not in of_slow["slow"]
    assert of_slow["fast"]["every seed"]["step"] == 20  # .5 .4 .5
    assert of_slow["fast"]["share"] == pytest.approx(2 / 9, rel=1e-4)
    assert found["end of fast"]["configs"]["slow"] == {}


def test_losses_are_compared_over_devices(benchmark):
    scaling = benchmark("scaling")
    one = {"first_losses": {"d": 0.5, "g": -2.0}, "dtype": "float32"}
    strong = {
        "1": one,
        "2": {"first_losses": {"d": 0.5 + 2e-6, "g": -2.0}},
        "4": {"first_losses": {"d": 0.5, "g": -2.0 - 1e-5}},
        "8": {"not_measured": "no 8"},
    }
    found = scaling.agreement(strong)
    assert found["devices"] == [1, 2, 4] and found["equal"]
    assert found["largest_relative_difference"] == pytest.approx(5e-6)
    strong["2"]["first_losses"]["d"] = 0.50001
    assert not scaling.agreement(strong)["equal"]
    assert "not_measured" in scaling.agreement({"1": one})


ABOUT = {
    "date": "2026-01-02T03:04:05+00:00",
    "processor": "a processor",
    "cores": 2,
    "devices": ["cpu 0"],
    "deepsim_jax": "0.1",
    "python": "3.11",
    "jax": "0.10",
}


def test_long_names_of_configs_are_short_on_the_page(benchmark):
    page, long = (
        benchmark("quality_sections"),
        "quickstart,train.steps=9,augment.tps_points=(4, 2),seed=1",
    )
    names = page._short(["quickstart", "paper,train.steps=9", long])
    assert list(names.values()) == ["quickstart", "paper,train.steps=9", "quickstart, 3 keys changed"]
    other = long.replace("seed=1", "seed=2")
    assert page._short([long, other]) == {long: long, other: other}
    found = page._renamed(
        {
            "configs": {long: 1},
            "reached": {f"end of {long}": {"lpips": 1, "configs": {long: 2}}, "LPIPS 1": {"configs": {}}},
        },
        names,
    )
    short = names[long]
    assert found == {
        "configs": {short: 1},
        "reached": {f"end of {short}": {"lpips": 1, "configs": {short: 2}}, "LPIPS 1": {"configs": {}}},
    }


def test_the_page_shows_what_was_measured_and_names_what_was_not(benchmark, parse, tmp_path):
    page, quality = benchmark("page"), benchmark("time_to_quality")
    runs = [
        {
            "seed": seed,
            "curve": [
                {"step": 5 * i, "seconds": 20.0 * i, "tflop": 7.0 * i, "lpips": 0.4 / i + 0.01 * seed}
                for i in (1, 2)
            ],
        }
        for seed in (0, 1)
    ]
    configs = {
        "a<b": {
            "config": ["model.filters: 64 -> 8"],
            "steps": 10,
            "batch": 3,
            "seeds": [0, 1],
            "tflop": 14.0,
            "seconds": quality.spread([40.0, 42.0]),
            "lpips": quality.spread([0.2, 0.21]),
            "plain": {"seconds": 43.5},
            "runs": runs,
        }
    }
    kinds = {
        "seg_edges": {
            "edges_from": "true frames",
            "training frame unchanged": {"all": 0.41, "curve": 0.3},
            "configs": configs,
            "reached": quality.comparisons(configs, {"LPIPS 0.3": 0.3}),
        }
    }
    for name, content in (
        ("time_to_quality", {"sequence": "s", "size": 64, "frames_of_the_curves": 3, "kinds": kinds}),
        ("gpu", {"not_measured": benchmark("gpu").ABSENT}),
        (
            "singan",
            {
                "config": "singan_quickstart",
                "size": "96x64",
                "hours_of_training": 0.07,
                "peak": {"gflops": 498.0, "dtype": "float32"},
                "glibc_tunables": "x.y=1",
                "scales": {
                    "scale 0: 25x25 px": {
                        "channels": 32,
                        "seconds_per_iteration": 0.0158,
                        "gflops": 120.7,
                        "share_of_peak": 0.242,
                        "seconds_before_the_first": 2.0,
                        "first_seconds": 6.57,
                    }
                },
            },
        ),
        (
            "singan_conv",
            {
                "runs": 3,
                "torch": {"version": "2.13.0", "threads": 2},
                "peak_gflops": 480.0,
                "layers": {
                    "inner 32-32, 25x25 px, batch 1": {
                        "second order": {
                            "ours": {"gmac_per_second": 87.6, "share_of_peak": 0.365},
                            "torch": {"gmac_per_second": 43.2, "share_of_peak": 0.18},
                        }
                    }
                },
            },
        ),
        (
            "memory",
            {"config": "paper", "memory": {"64x64 saving": {"peak_GiB": 1.2345, "third_step_s": 0.5}}},
        ),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps({"benchmark": name, **ABOUT, **content}))
    text = page.page(page.read([tmp_path]))
    found = parse(text)
    assert [alt for alt, *_ in found.images] == [
        f"Held-out LPIPS, lower is better over {over}" for over in ("seconds from the start", "TFLOP")
    ]
    assert all(svg.count(b"stroke-opacity: 0.55") == 2 for *_, svg in found.images)  # seeds
    cells = re.sub(r"\s*<[^>]*>\s*", "|", text)
    assert "a&lt;b" in text and "a<b" not in text
    for part in (
        "|41 (43.5)|",
        "|0.205|",
        "|0.2–0.21|",
        "|0.5|",
        "64x64 saving||1.23|",
        "Not yet measured: no GPU.",
        "Not yet measured: benchmarks/step.py",
        "true frames",
        "|scale 0: 25x25 px||32||0.0158||121||24 %||8.57|",
        "4.2 minutes",
        "inner 32-32, 25x25 px, batch 1||87.6||36 %||43.2||18 %|",
        "PyTorch 2.13.0 with 2 threads",
        "x.y=1",
        "2026-01-02: a processor",
    ):
        assert part in cells, part
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UserError, match="other.json: benchmark None, known are step"):
        page.read([tmp_path])


def test_arithmetic_of_an_iteration_of_singan(benchmark):
    # Five 3x3 convolutions of w channels without padding, on 25x25 pixels with five zeros around for the
    # generator, counted by hand: 27 w^2 + 54 w kernel numbers at shrinking sizes.
    plan = pyramid.plan((60, 60), min_size=25, filters=8)
    task = singan.Task(plan, 0, critic_updates=1)
    found = benchmark("arithmetic").lean_iteration(task, 1)

    def layers(side, last):
        kernels = [9 * 3 * 8, *[9 * 8 * 8] * 3, 9 * 8 * last]
        return [k * (side - 2 * (i + 1)) ** 2 / 1e9 for i, k in enumerate(kernels)]

    g, d = layers(35, 3), layers(25, 1)
    critic = 2 * (3 * sum(d) - d[0]) + 2 * sum(d) + (2 * sum(d) - d[-1]) + (2 * sum(d) - d[0])
    assert found["critic"] == pytest.approx(sum(g) + critic)
    assert found["generator"] == pytest.approx(2 * (3 * sum(g) - g[0]) + 2 * sum(d))
    assert found["scales below"] == 0
    above = benchmark("arithmetic").lean_iteration(singan.Task(plan, 1, critic_updates=3), 1)
    assert above["scales below"] == pytest.approx(3 * sum(g))


def test_one_command_makes_the_pages_of_the_results(monkeypatch, parse, tmp_path):
    monkeypatch.syspath_prepend(str(FOLDER.parent / "results"))
    make_pages, copy = importlib.import_module("make_pages"), tmp_path / "results"
    shutil.copytree(FOLDER.parent / "results", copy, ignore=shutil.ignore_patterns("*.html"))
    written = make_pages.make_pages(copy)
    records = [p for name in ("table", "patches") for p in copy.glob(f"*/{name}.json")]
    assert set(written) == {copy / "benchmarks.html", *(p.with_name("report.html") for p in records)}
    assert len(written) >= 8 and all(path.is_file() for path in written)
    strips = parse(copy / "clips-baseline" / "report.html")
    assert [kind for _, kind, _ in strips.images].count("jpeg") == 18 and not strips.classes("missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no results"):
        make_pages.make_pages(tmp_path / "empty")
    (copy / "inpainting" / "table.json").write_text("{")
    with pytest.raises(UserError, match="table.json: damaged"):
        make_pages.make_pages(copy)


def test_two_systems_are_timed_in_turn(benchmark):
    calls = []
    functions = {name: lambda name=name: calls.append(name) for name in ("ours", "torch")}
    times = benchmark("step").alternately(functions, runs=2)
    assert calls == 3 * ["ours", "torch"]
    assert {len(of_kind) for each in times.values() for of_kind in each.values()} == {2}


def test_a_small_picture_is_mirrored_until_it_has_the_size(benchmark):
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    tiled = benchmark("copy_latency").tiled(picture, 3, 5)
    np.testing.assert_array_equal(tiled[:2, :2], picture)
    np.testing.assert_array_equal(tiled[2], tiled[1])
    np.testing.assert_array_equal(tiled[:, 2:4], tiled[:, 1::-1])


def test_a_layer_of_singan_and_its_second_order(benchmark):
    """What is timed as the penalty's: gradients of <dx, x> by the slope and by the kernel."""
    import jax
    from jax import lax

    speeds = benchmark("singan_conv")
    layer = speeds.layers([(5, 7)], [4], [2])[1]
    assert layer.name == "inner 4-4, 7x5 px, batch 2" and layer.shape == (2, 13, 15, 4)
    assert [one.shape[1:] for one in speeds.layers([(5, 7)], [4], [2])] == [
        (15, 17, 3),  # five zeros around
        (13, 15, 4),
        (7, 9, 4),  # to 5x7
    ]
    assert layer.gmac("kernel") == pytest.approx(2 * 11 * 13 * 9 * 16 / 1e9)
    assert layer.gmac("second order") == 2 * layer.gmac("forward")
    x, kernel, slope = layer.arrays()

    def inner(kernel, slope):
        names = ("NHWC", "HWIO", "NHWC")
        return (
            lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=names) * slope
        ).sum()

    of_kernel, of_slope = jax.grad(inner, (0, 1))(kernel, slope)
    found = speeds.ours(layer)["second order"]()
    np.testing.assert_allclose(found[0], of_slope, atol=1e-4)
    np.testing.assert_allclose(found[1], of_kernel, atol=1e-3)


def test_copying_is_timed_with_the_choice_of_its_settings(benchmark, monkeypatch):
    copying = benchmark("copying")
    asked, calls = [], iter(range(9))

    class Lazy:
        def __init__(self, source):
            asked.append("made")

        @property
        def settings(self):
            asked.append("settings")

    class Sequence(types.SimpleNamespace):
        parts, train, held_out = (), 0, [1]

        def image(self, number):
            return np.zeros((8, 8, 3), np.uint8)

    class Ended(Exception):
        pass

    def frame(number):
        raise Ended

    def time():
        asked.append(next(calls))
        return 0.0

    source = types.SimpleNamespace(spec=None, image=Sequence().image(0))
    held_out = types.SimpleNamespace(frame=frame)
    monkeypatch.setattr(copying.pair, "prepare", lambda *args, **keys: source)
    monkeypatch.setattr(copying, "HeldOut", lambda *args: held_out)
    monkeypatch.setattr(copying.engine, "Copier", Lazy)
    monkeypatch.setattr(copying.time, "process_time", time)
    with pytest.raises(Ended):
        copying.measure(Sequence(), "edges", 8, None)
    assert asked == [0, "made", "settings", 1]
