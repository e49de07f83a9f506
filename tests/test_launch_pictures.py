"""The scripts of `launch/` that make a figure of a paper."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from deepsim_jax import api, main, settings
from deepsim_jax.images import io as images
from deepsim_jax.systems.singan.model import SinganModel

LAUNCH = Path(api.__file__).parents[1] / "launch"


@pytest.fixture
def script(monkeypatch, capsys):
    """Calls a script in this process: its name and arguments -> (exit code, stdout, stderr)."""
    monkeypatch.syspath_prepend(LAUNCH)
    called = set()

    def run(name, *words):
        called.add(name)
        verb = importlib.import_module(name).VERB
        return main.main([f"{name}.py", *words], verb), *capsys.readouterr()

    yield run
    for name in called:
        sys.modules.pop(name)


def places(sheet, picture):
    """The left edges at which a picture stands in a sheet's only row."""
    height, width = picture.shape[:2]
    return [
        left
        for left in range(sheet.shape[1] - width + 1)
        if (sheet[44 : 44 + height, left : left + width] == picture).all()
    ]


@pytest.mark.slow
def test_deepsim_and_singan_paint_the_same_drawing(
    tmp_path, trained, untrained_pyramid, monkeypatch, script
):
    picture = np.random.default_rng(0).integers(0, 256, (22, 28, 3), np.uint8)
    singan = SinganModel(untrained_pyramid(), picture)
    monkeypatch.setattr(api, "load", {"d": trained, "s": singan}.get)
    drawing = trained.primitive
    drawing[10:30, 10:40] = drawing[40, 50]
    images.write_png(tmp_path / "drawing.png", drawing)
    given = [
        "--deepsim=d",
        "--singan=s",
        f"--input={tmp_path / 'drawing.png'}",
        f"--output={tmp_path / 'strip.png'}",
        "--start_scales=2",
    ]
    code, out, err = script("paint_to_image", *given)
    assert code == 0 and out.strip() == str(tmp_path / "strip.png"), err
    strip = images.read_image(tmp_path / "strip.png")
    shown = [places(strip, one) for one in (picture, drawing, trained.edit(drawing, engine="network"))]
    assert all(len(place) == 1 for place in shown) and shown == sorted(shown)
    code, _, err = script("paint_to_image", "--deepsim=s", *given[1:])
    assert code == 2 and "--deepsim=s: a run of DeepSIM is needed" in err
    code, _, err = script("paint_to_image", *given, "--start_scales=a")
    assert code == 2 and "--start_scales=a: whole numbers" in err


@pytest.mark.slow
def test_the_number_of_scales(tmp_path, untrained_pyramid, monkeypatch, script):
    seen = {}

    def train(image, *, config, workdir):
        seen[workdir.name] = (image, config.pyramid.keep)
        return SinganModel(untrained_pyramid(scales=config.pyramid.keep), None)

    monkeypatch.setattr(api, "train", train)
    config = tmp_path / "mine.py"
    config.write_text(
        "from deepsim_jax import settings\n\n\ndef get_config(option=''):\n"
        "    return settings.default('singan')\n"
    )
    given = [
        "--image=me.png",
        f"--workdir={tmp_path}",
        f"--output={tmp_path / 'sheet.png'}",
        "--samples=2",
        f"--config={config}",
    ]
    code, out, err = script("number_of_scales", *given, "--scales=1,3")
    assert code == 0 and out.strip() == str(tmp_path / "sheet.png"), err
    sheet = images.read_image(tmp_path / "sheet.png")
    assert seen == {"1-scales": ("me.png", 1), "3-scales": ("me.png", 3)}
    assert sheet.shape[0] == 22 + 12 + 6 + 22 + 22 + 6
    code, _, err = script("number_of_scales", *given, "--scales=0,1")
    assert code == 2 and "--scales=0,1: numbers of 1 or more" in err
    code, _, err = script("number_of_scales", *given, "--config=quickstart:tiny")
    assert code == 2 and "the config is for deepsim: one of SinGAN is needed" in err
    assert settings.default("singan").pyramid.keep == 0
