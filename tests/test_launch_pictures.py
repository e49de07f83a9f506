"""The scripts of `launch/` that make a figure of a paper."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from deepsim_jax import api, settings
from deepsim_jax.data import images
from deepsim_jax.errors import UserError

LAUNCH = Path(api.__file__).parents[2] / "launch"


def script(name):
    spec = importlib.util.spec_from_file_location(name, LAUNCH / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def places(sheet, picture):
    """The left edges at which a picture stands in a sheet's only row."""
    height, width = picture.shape[:2]
    return [left for left in range(sheet.shape[1] - width + 1)
            if (sheet[44: 44 + height, left: left + width] == picture).all()]


def test_deepsim_and_singan_paint_the_same_drawing(tmp_path, trained, untrained_pyramid, monkeypatch):
    picture = np.random.default_rng(0).integers(0, 256, (22, 28, 3), np.uint8)
    singan = api.SinganModel(untrained_pyramid(), picture)
    monkeypatch.setattr(api, "load", {"d": trained, "s": singan}.get)
    drawing = trained.primitive
    drawing[10:30, 10:40] = drawing[40, 50]
    images.write_png(tmp_path / "drawing.png", drawing)
    paint = script("paint_to_image")
    given = ["--deepsim=d", "--singan=s", f"--input={tmp_path / 'drawing.png'}",
             f"--output={tmp_path / 'strip.png'}", "--start_scales=2"]
    strip = images.read_image(paint.main(given))
    shown = [places(strip, one) for one in (picture, drawing, trained.edit(drawing))]
    assert all(len(place) == 1 for place in shown) and shown == sorted(shown)
    with pytest.raises(UserError, match="s: a run of the other system"):
        paint.main(["--deepsim=s", *given[1:]])
    with pytest.raises(UserError, match="--start_scales=a: whole numbers"):
        paint.main([*given, "--start_scales=a"])


def test_the_number_of_scales(tmp_path, untrained_pyramid, monkeypatch):
    seen = {}

    def train(image, *, config, workdir):
        seen[workdir.name] = (image, config.pyramid.keep)
        return api.SinganModel(untrained_pyramid(scales=config.pyramid.keep), None)

    monkeypatch.setattr(api, "train", train)
    config = tmp_path / "mine.py"
    config.write_text("from deepsim_jax import settings\n\n\ndef get_config(option=''):\n"
                      "    return settings.default('singan')\n")
    scales = script("number_of_scales")
    given = ["--image=me.png", f"--workdir={tmp_path}", f"--output={tmp_path / 'sheet.png'}",
             "--samples=2", f"--config={config}"]
    sheet = images.read_image(scales.main([*given, "--scales=1,3"]))
    assert seen == {"1-scales": ("me.png", 1), "3-scales": ("me.png", 3)}
    assert sheet.shape[0] == 22 + 12 + 6 + 22 + 22 + 6
    with pytest.raises(UserError, match="--scales=0,1: numbers of 1 or more"):
        scales.main([*given, "--scales=0,1"])
    with pytest.raises(UserError, match="a config of SinGAN is needed"):
        scales.main([*given, "--config=quickstart:tiny"])
    assert settings.default("singan").pyramid.keep == 0
