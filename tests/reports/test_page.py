"""Blocks on a page."""

import re

import jinja2
import numpy as np
import pytest

from deepsim_jax import version
from deepsim_jax.errors import UserError
from deepsim_jax.reports import blocks, page, plots
from deepsim_jax.reports.table import Cell, Column, Table

HOSTILE = "<b a='1' b=\"2\">&amp;{{ title }}"


def test_a_page_is_well_formed_and_escapes_what_is_not_its_own(parse):
    shown = page.render(
        HOSTILE,
        [
            HOSTILE,
            blocks.Heading(HOSTILE),
            blocks.Note(HOSTILE),
            blocks.Warn(HOSTILE),
            blocks.Bullets([HOSTILE]),
            blocks.Definitions([(HOSTILE, HOSTILE)]),
            blocks.Folded(HOSTILE, [HOSTILE]),
            blocks.Beside([HOSTILE], [HOSTILE]),
            blocks.MissingFigure(HOSTILE, HOSTILE),
            blocks.Figure(np.zeros((16, 20, 3), np.uint8), HOSTILE),
            plots.Plot([plots.Series(HOSTILE, [[(0, 1.0)]])], x_label=HOSTILE, y_label=HOSTILE),
            Table(
                [Column(HOSTILE), Column(HOSTILE, 2, True, HOSTILE, HOSTILE)],
                [
                    [HOSTILE, 1.0],
                    [HOSTILE, None],
                    [HOSTILE, HOSTILE],
                    [HOSTILE, Cell(HOSTILE, HOSTILE, (HOSTILE,))],
                ],
            ),
        ],
        subtitle=HOSTILE,
    )
    found = parse(shown)
    assert "b" not in [tag for tag, _ in found.tags]
    assert found.text.count(HOSTILE) == 3 + 15 + 12  # head, blocks, table
    assert [alt for alt, *_ in found.images] == [HOSTILE, f"{HOSTILE} over {HOSTILE}"]
    # Nothing is asked of another place.
    assert not re.search(r"https?:|@import|url\(|<script|<link|href", shown)
    assert f"deepsim_jax {version.__version__}" in found.texts


def test_a_page_says_how_it_is_read(parse):
    found = parse(page.render("a", ["b"]))
    assert found.source.startswith("<!doctype html>")
    assert ("html", {"lang": "en"}) in found.tags
    assert "width=device-width" in dict(found.tags)["meta"]["content"]
    assert found.texts.count("a") == 2 and [tag for tag, _ in found.tags].count("main") == 1


def test_colours_have_a_light_and_a_dark_form(parse):
    source = page.render("a", [])
    light, dark = source.split("@media (prefers-color-scheme: dark)", 1)
    for name, pair in plots.THEME.items():
        assert f"--{name}: {pair[0]};" in light and f"--{name}: {pair[1]};" in dark
    assert set(re.findall(r"var\((--\w+)\)", source)) - {"--columns"} <= set(
        re.findall(r"(--\w+):", light)
    )


def test_blocks_may_hold_blocks(parse):
    inner = blocks.Folded("inner", [blocks.Heading("deep", 3), "text"])
    found = parse(page.render("a", [blocks.Folded("outer", [inner]), blocks.Beside(["left"], [inner])]))
    assert [tag for tag, _ in found.tags].count("details") == 3
    assert found.texts.count("deep") == 2 and "left" in found.texts
    with pytest.raises(jinja2.UndefinedError, match="int"):
        page.render("a", [7])


def test_a_picture_that_is_not_there(parse, tmp_path):
    with pytest.raises(UserError, match="none.png: no such file"):
        page.render("a", [blocks.Figure(tmp_path / "none.png", "a")])
    told = [
        blocks.figure_or_reason(tmp_path / "none.png", "a"),
        blocks.figure_or_reason(tmp_path / "none.png", "b", "pictures/none.png"),
    ]
    found = parse(page.render("a", told))
    assert found.classes("missing") == 2
    assert {"none.png: not there", "pictures/none.png: not there"} < set(found.texts)


@pytest.mark.parametrize("count, columns", [(1, 4), (4, 4), (6, 6), (8, 4), (15, 5)])
def test_figures_fill_their_rows(parse, count, columns):
    row = blocks.FigureRow([blocks.MissingFigure("not there", str(n)) for n in range(count)])
    found = parse(page.render("a", [row]))
    (style,) = (attrs["style"] for _, attrs in found.tags if "style" in attrs)
    assert style == f"--columns: {columns}"
    assert [tag for tag, _ in found.tags].count("figure") == count
    assert blocks.FigureRow(row.figures, columns=2).columns == 2


def test_a_page_is_written(tmp_path):
    path = page.write(tmp_path / "deep" / "report.html", "title", ["naïve"])
    assert path == tmp_path / "deep" / "report.html" and "naïve" in path.read_text("utf-8")


def test_the_machine_in_words():
    (note,) = blocks.machine_note({"cores": 2, "devices": ["cpu 0", "cpu 1"]})
    assert note.text == "Machine: cores 2, devices cpu 0, cpu 1." and not blocks.machine_note({})
