"""The page of a run of SinGAN."""

import shutil

import numpy as np
import pytest

from deepsim_jax import api
from deepsim_jax.images import io as images
from deepsim_jax.reports import outputs
from deepsim_jax.systems.singan import report


@pytest.fixture
def run(tmp_path, trained_singan):
    """A copy of the trained run."""
    return shutil.copytree(trained_singan.workdir, tmp_path / "run")


def test_what_was_made_the_photo_and_the_scales(run, parse, trained_singan):
    images.write_png(run / "made" / "001-sample.png", trained_singan.photo)  # of an earlier version
    outputs.keep_made(run, "retarget", np.zeros((40, 60, 3), np.uint8))
    page = parse(api.write_report(run))
    shown = [alt for alt, kind, _ in page.images if kind == "png"]
    assert shown[:3] == ["002-retarget, 60×40 px", "001-sample, 180×150 px", "photo"]
    assert [alt.partition(",")[0] for alt in shown[3:]] == ["scale 1", "scale 0"]
    assert all(", reconstruction " in alt and alt.endswith(" dB") for alt in shown[3:])
    plotted = [alt for alt, kind, _ in page.images if kind == "svg+xml"]
    assert plotted[0] == "reconstruction, dB (psnr) over step" and len(plotted) == 4
    assert "SinGAN on a photo of 180×150 px, 8 iterations, 4 for each scale" in page.texts


def test_a_run_that_has_just_begun_has_a_page_too(run, parse):
    shutil.rmtree(run / "samples")
    (run / "metrics.jsonl").unlink()
    page = parse(api.write_report(run))
    assert [alt for alt, *_ in page.images] == ["photo"] and "0 iterations" in page.text
    assert "The scales, finest first" not in page.texts


def test_previews_belong_to_the_scale_that_was_in_training():
    rows = [{"step": step, "scale": scale} for step, scale in ((4, 0), (6, 0), (8, 1), (9, 1))]
    assert [report._scale_at(step, rows) for step in (3, 6, 7, 9, 10)] == [0, 0, 1, 1, 1]
