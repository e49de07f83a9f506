"""The page of a run."""

import json
import shutil

import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.reports import outputs
from deepsim_jax.systems.igan import report


@pytest.fixture
def run(tmp_path, trained_igan):
    """A copy of the trained run."""
    return shutil.copytree(trained_igan.workdir, tmp_path / "run")


def test_a_page_shows_samples_beside_what_is_nearest(run, parse, things):
    page = parse(report.write(run))
    assert "36 pictures of 16×16 px, 4 held out; 8 of 4 + 4 steps" in page.text
    captions = [caption for caption, _, _ in page.images]
    assert any("what is nearest to them" in caption for caption in captions)
    assert "after 3 steps" in captions and "after 8 steps" in captions
    assert "Against pictures that are held out" not in page.text
    outputs.keep_made(run, "transfer", things[0])
    assert "Transfer" in parse(report.write(run)).text or "transfer" in parse(report.write(run)).text


def test_what_was_measured_is_plotted(run, parse):
    rows = [{"step": s, "seconds": s, "frechet": 9.0 - s, "diversity": 0.5} for s in (2, 4)]
    rows.append({"step": 8, "seconds": 8, "rmse": 30.0})
    (run / "heldout.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = parse(report.write(run))
    assert "Against pictures that are held out" in page.text and "no published FID" in page.text


def test_a_damaged_collection_is_said(run):
    (run / "pair" / "collection.json").unlink()
    with pytest.raises(UserError, match="the collection is damaged"):
        report.write(run)
