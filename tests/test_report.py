import base64
import html.parser
import json
import re
import shutil

import cv2
import numpy as np
import pytest

from deepsim_jax import report
from deepsim_jax.data import images

HOSTILE = "<b a='1' b=\"2\">&amp;"


class Page(html.parser.HTMLParser):
    """What a report holds: tags, pictures, captions and text."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.pictures, self.text = [], [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "img":
            kind, content = dict(attrs)["src"].split(",")
            assert kind == "data:image/png;base64"
            pixels = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), 1)
            self.pictures.append((dict(attrs)["alt"], pixels[..., ::-1]))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def run(tmp_path, trained):
    """A copy of the trained run."""
    return shutil.copytree(trained.workdir, tmp_path / "my run")


def test_an_edit_shows_all_four_pictures(run, trained):
    edited = trained.primitive[:, ::-1].copy()
    result = trained.edit(edited)
    report.add_edit(run, "one", edited, result)
    assert report.write(run) == run / "report.html"
    page = Page(run / "report.html")
    expected = [("photo", trained.photo), ("its primitive", trained.primitive),
                ("edited primitive", edited), ("result", result)]
    for (name, picture), (caption, shown) in zip(expected, page.pictures, strict=False):
        assert name == caption
        np.testing.assert_array_equal(picture, shown)
    assert page.pictures[4][0] == "primitive, generated from it, photo"
    text = " ".join(page.text)
    assert "my run" in text and "180×150 px, 6 of 6 steps" in text and "one" in page.text


def test_the_page_needs_nothing_else(run, trained):
    report.add_edit(run, "one", trained.primitive, trained.photo)
    page = Page(report.write(run))
    text = re.sub(r"base64,[^']*", "", page.source)
    assert not re.search(r"https?:|//|@import|url\(|<script|<link", text)
    assert all("href" not in attrs for _, attrs in page.tags)
    assert len([1 for tag, _ in page.tags if tag == "polyline"]) == 4
    assert {"generator, adversarial (g_gan)", "discriminator (d)", "step"} < set(page.text)


def test_names_are_escaped(run, trained):
    hostile = run.rename(run.with_name(HOSTILE))
    report.add_edit(hostile, HOSTILE + "../" * 40, trained.primitive, trained.photo)
    page = Page(report.write(hostile))
    assert page.text.count(HOSTILE) == 2 and "b" not in [tag for tag, _ in page.tags]
    (result,) = (hostile / "edits").glob("*.result.png")
    assert result.name.startswith("001-") and len(result.name) < 100


def test_later_edits_come_first_and_get_the_next_number(run, trained):
    for name in ("one", "two", "one"):
        report.add_edit(run, name, trained.primitive, trained.photo)
    (run / "edits" / "7up-by hand.png").write_bytes(b"not ours")
    (run / "edits" / "sketch.result.png").write_bytes(b"not ours")
    names = sorted(p.name for p in (run / "edits").glob("0*.result.png"))
    assert names == ["001-one.result.png", "002-two.result.png", "003-one.result.png"]
    titles = [t for t in Page(report.write(run)).text if t in ("one", "two")]
    assert titles == ["one", "two", "one"]
    shutil.rmtree(run / "edits")
    report.add_edit(run, "two", trained.primitive, trained.photo)
    assert (run / "edits" / "001-two.primitive.png").exists()


def test_large_pictures_are_shrunk_on_the_page_only(run, trained):
    large = np.repeat(np.repeat(trained.photo, 10, 0), 10, 1)
    report.add_edit(run, "large", trained.primitive, large)
    page = Page(report.write(run))
    shown = dict(page.pictures)["result"]
    assert shown.shape == (833, 1000, 3)
    close = np.abs(cv2.resize(shown, (180, 150), interpolation=cv2.INTER_AREA).astype(int)
                   - trained.photo)
    assert close.mean() < 3
    assert images.read_image(run / "edits" / "001-large.result.png").shape == large.shape


def test_a_run_without_edits_samples_or_metrics_has_a_page_too(run, trained):
    shutil.rmtree(run / "samples")
    (run / "metrics.jsonl").unlink()
    page = Page(report.write(run))
    assert [name for name, _ in page.pictures] == ["photo", "its primitive"]
    assert "0 of 6 steps" in " ".join(page.text) and "The training pair" in page.text
    assert "svg" not in [tag for tag, _ in page.tags]


def test_curves_bear_gaps_and_zeros(run):
    rows = [{"step": s, "d": None if s == 4 else 0.5, "g_gan": 0.0} for s in (2, 4, 6)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    lines = [attrs["points"] for tag, attrs in Page(report.write(run)).tags if tag == "polyline"]
    assert sorted(len(line.split()) for line in lines) == [2, 3]
    assert not any("nan" in line or "None" in line for line in lines)


def test_previews_belong_to_the_scale_that_was_in_training():
    rows = [{"step": step, "scale": scale} for step, scale in ((4, 0), (6, 0), (8, 1), (9, 1))]
    assert [report._scale_at(step, rows) for step in (3, 6, 7, 9, 10)] == [0, 0, 1, 1, 1]
