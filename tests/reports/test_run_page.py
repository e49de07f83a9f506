"""The page of a run of a system that nobody knows."""

import json

import pytest

from deepsim_jax.reports.blocks import Heading
from deepsim_jax.reports.run_page import RunReport, write


@pytest.fixture
def report():
    return RunReport("Dummy on 3 stones", [Heading("Stones"), "Grey."], {"d": "hardness", "g": "weight"})


def log(workdir, rows):
    (workdir / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_page_shows_what_the_system_hands_over_and_the_losses(parse, report, tmp_path):
    log(tmp_path, [{"step": step, "d": 1 / step, "g": 2.0} for step in (1, 2, 3)])
    assert write(tmp_path, report) == tmp_path / "report.html"
    page = parse(tmp_path / "report.html")
    assert {tmp_path.name, "Dummy on 3 stones", "Stones", "Grey.", "Losses"} < set(page.texts)
    assert [alt for alt, *_ in page.images] == ["hardness (d) over step", "weight (g) over step"]
    assert b"hardness (d)" in page.images[0][2]


def test_losses_bear_gaps_zeros_and_absent_figures(parse, report, tmp_path):
    log(tmp_path, [{"step": step, "d": None if step == 4 else 0.5} for step in (2, 4, 6)])
    page = parse(write(tmp_path, report))
    ((alt, kind, svg),) = page.images
    assert (alt, kind) == ("hardness (d) over step", "svg+xml")
    assert b"nan" not in svg.lower() and b"None" not in svg
    log(tmp_path, [{"step": step, "g": 0.0} for step in (2, 4)])
    assert [alt for alt, *_ in parse(write(tmp_path, report)).images] == ["weight (g) over step"]


@pytest.mark.parametrize("rows", [None, [], [{"step": 1, "d": 0.5, "g": 1.0}]])
def test_a_run_that_has_hardly_begun_has_a_page_too(parse, report, tmp_path, rows):
    if rows is not None:
        log(tmp_path, rows)
    page = parse(write(tmp_path, report))
    assert "Stones" in page.texts and "Losses" not in page.texts and not page.images
