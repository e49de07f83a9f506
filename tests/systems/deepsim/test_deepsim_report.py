"""The page of a run of DeepSIM."""

import re
import shutil

import cv2
import numpy as np
import pytest

from deepsim_jax import api
from deepsim_jax.images import io as images
from deepsim_jax.reports import pictures
from deepsim_jax.systems.deepsim import report

HOSTILE = "<b a='1' b=\"2\">&amp;"


@pytest.fixture
def run(tmp_path, trained):
    """A copy of the trained run."""
    return shutil.copytree(trained.workdir, tmp_path / "my run")


@pytest.fixture
def write(parse):
    """Writes the page of a run and reads it: the page, and its pictures (caption, pixels)."""

    def write(run):
        page = parse(api.write_report(run))
        shown = [
            (alt, cv2.imdecode(np.frombuffer(content, np.uint8), 1)[..., ::-1])
            for alt, kind, content in page.images
            if kind != "svg+xml"
        ]
        return page, shown

    return write


def test_an_edit_shows_all_four_pictures(run, trained, write):
    edited = trained.primitive[:, ::-1].copy()
    result = trained.edit(edited)
    report.keep_edit(run, "one", edited, result)
    page, shown = write(run)
    expected = [
        ("photo", trained.photo),
        ("its primitive", trained.primitive),
        ("edited primitive", edited),
        ("result", result),
    ]
    for (name, picture), (caption, pixels) in zip(expected, shown, strict=False):
        assert name == caption
        np.testing.assert_array_equal(picture, pixels)
    assert shown[4][0] == "primitive, generated from it, photo"
    assert "my run" in page.texts and "one" in page.texts
    assert "DeepSIM on a photo of 180×150 px, 6 of 6 steps" in page.texts
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", page.text)


def test_what_was_copied_is_shown_beside_and_what_the_photo_lacks(run, trained, write):
    edited = trained.primitive.copy()
    edited[6:9, 40:58] = 0
    copied = trained.copy(edited)
    report.keep_edit(run, "one", edited, trained.edit(edited), copied)
    _, shown = write(run)
    captions = [caption for caption, _ in shown]
    assert captions[2:6] == list(report.CAPTIONS.values())
    np.testing.assert_array_equal(shown[4][1], copied.picture)
    red = (shown[5][1] == [230, 30, 30]).all(-1)
    np.testing.assert_array_equal(red, copied.mismatch)
    assert 0 < red.mean() < 0.2


def test_the_page_needs_nothing_else(run, trained, write):
    report.keep_edit(run, "one", trained.primitive, trained.photo)
    page, _ = write(run)
    text = re.sub(r'base64,[^"]*', "", page.source)
    assert not re.search(r"https?:|//|@import|url\(|<script|<link", text)
    assert all("href" not in attrs for _, attrs in page.tags)
    assert [alt for alt, kind, _ in page.images if kind == "svg+xml"] == [
        "generator, adversarial (g_gan) over step",
        "generator, feature matching (g_features) over step",
        "generator, perceptual (g_perceptual) over step",
        "discriminator (d) over step",
    ]


def test_names_are_escaped(run, trained, write):
    hostile = run.rename(run.with_name(HOSTILE))
    report.keep_edit(hostile, HOSTILE + "../" * 40, trained.primitive, trained.photo)
    page, _ = write(hostile)
    assert page.texts.count(HOSTILE) == 2 and "b" not in [tag for tag, _ in page.tags]
    assert HOSTILE + "../" * 40 in page.texts
    (result,) = (hostile / "edits").glob("*.result.png")
    assert result.name.startswith("001-") and len(result.name) < 100


def test_later_edits_come_first_and_the_pair_once(run, trained, write):
    for name in ("one", "two", "one"):
        report.keep_edit(run, name, trained.primitive, trained.photo)
    page, shown = write(run)
    assert [text for text in page.texts if text in ("one", "two")] == ["one", "two", "one"]
    assert [name for name, _ in shown].count("photo") == 1 == page.classes("beside")


def test_edits_of_earlier_versions_are_shown(run, trained, write):
    for role in ("primitive", "result"):
        images.write_png(run / "edits" / f"001-old.{role}.png", trained.primitive)
    (run / "edits" / "7up-by hand.png").write_bytes(b"not ours")
    (run / "edits" / "sketch.result.png").write_bytes(b"not ours")
    report.keep_edit(run, "new", trained.primitive, trained.photo)
    page, shown = write(run)
    assert [text for text in page.texts if text in ("old", "new")] == ["new", "old"]
    assert [name for name, _ in shown].count("result") == 2


def test_pictures_of_edits_are_neither_decoded_nor_encoded_again(run, trained, parse, monkeypatch):
    large = np.repeat(np.repeat(trained.photo, 7, 0), 7, 1)
    for name in ("one", "two"):
        report.keep_edit(run, name, trained.primitive, large)
    monkeypatch.setattr(pictures, "encode", lambda *_, **__: pytest.fail("encoded"))
    monkeypatch.setattr(pictures.images, "read_image", lambda *_: pytest.fail("decoded"))
    held = [content for alt, _, content in parse(api.write_report(run)).images if alt == "result"]
    assert held == [
        (run / "edits" / f"{name}.result.preview.jpg").read_bytes() for name in ("002-two", "001-one")
    ]


def test_large_pictures_are_shrunk_on_the_page_only(run, trained, write):
    large = np.repeat(np.repeat(trained.photo, 10, 0), 10, 1)
    report.keep_edit(run, "large", trained.primitive, large)
    shown = dict(write(run)[1])["result"]
    assert shown.shape == (833, 1000, 3)
    close = np.abs(
        cv2.resize(shown, (180, 150), interpolation=cv2.INTER_AREA).astype(int) - trained.photo
    )
    assert close.mean() < 3
    assert images.read_image(run / "edits" / "001-large.result.png").shape == large.shape


def test_a_picture_that_was_deleted_is_named(run, trained, write):
    report.keep_edit(run, "one", trained.primitive, trained.photo)
    (run / "edits" / "001-one.result.png").unlink()
    assert "001-one.result.png: not there" in write(run)[0].texts


def test_a_run_without_edits_samples_or_metrics_has_a_page_too(run, write):
    shutil.rmtree(run / "samples")
    (run / "metrics.jsonl").unlink()
    page, shown = write(run)
    assert [name for name, _ in shown] == ["photo", "its primitive"] and len(page.images) == 2
    assert "0 of 6 steps" in page.text and "The training pair" in page.texts
