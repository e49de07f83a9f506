import base64
import html.parser
import re

import cv2
import numpy as np
import pytest

from deepsim_jax import pages
from deepsim_jax.errors import UserError

HOSTILE = "<b a='1' b=\"2\">&amp;"
VOID = "meta", "img", "br"


class Tree(html.parser.HTMLParser):
    """The tags, texts and table cells of markup whose tags must be balanced."""

    def __init__(self, markup):
        super().__init__()
        self.open, self.tags, self.text, self.cells = [], [], [], []
        self.feed(markup)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.cells and ("td" in self.open or "th" in self.open):
            self.cells[-1][-1] += data


def bold(table):
    """(row, column) of the marked cells."""
    rows = re.findall(r"<tr.*?</tr>", table)[1:]
    return {(y, x) for y, row in enumerate(rows)
            for x, cell in enumerate(re.findall(r"<t[dh].*?</t[dh]>", row)) if "<strong>" in cell}


def lower_and_higher(cells, **options):
    headings = [pages.Heading("row"), pages.Heading("error", 2, True),
                pages.Heading("PSNR, dB", 1, False)]
    return pages.table(headings, [[f"row {n}", *row] for n, row in enumerate(cells)], **options)


def test_a_document_is_well_formed_and_escapes_what_is_not_its_own():
    parts = [HOSTILE, pages.heading(HOSTILE), pages.soft(HOSTILE), pages.warning(HOSTILE),
             pages.badge(HOSTILE), pages.bullets([HOSTILE]), pages.definitions([(HOSTILE, HOSTILE)]),
             pages.folded(HOSTILE, [HOSTILE]), pages.stacked(HOSTILE, HOSTILE),
             pages.missing_figure(HOSTILE, HOSTILE),
             pages.figure(np.zeros((16, 20, 3), np.uint8), HOSTILE),
             pages.table([pages.Heading(HOSTILE), pages.Heading(HOSTILE, 2, True, HOSTILE, HOSTILE)],
                         [[HOSTILE, 1.0], [HOSTILE, None], [HOSTILE, HOSTILE]])]
    page = pages.document(HOSTILE, parts, subtitle=HOSTILE)
    tree = Tree(page)
    assert "b" not in [tag for tag, _ in tree.tags]
    assert tree.text.count(HOSTILE) == 23 and "".join(tree.text).count(HOSTILE) == 26
    assert [attrs["alt"] for tag, attrs in tree.tags if tag == "img"] == [HOSTILE]
    assert not re.search(r"https?:|@import|url\(|<script|<link|href", page)


def test_a_figure_holds_the_picture_itself():
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    (_, attrs), = (t for t in Tree(pages.figure(picture, "a")).tags if t[0] == "img")
    kind, data = attrs["src"].split(",")
    assert kind == "data:image/png;base64"
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), 1)[..., ::-1]
    np.testing.assert_array_equal(shown, picture)


def test_large_pictures_are_shrunk_and_photographs_may_be_jpeg(scene):
    photo = cv2.resize(scene, (720, 600))
    assert "image/png" in pages.figure(photo, "a")
    small = pages.figure(photo, "a", longest=320, lossy=True)
    assert "image/jpeg" in small
    data = base64.b64decode(re.search(r"base64,([^']*)", small)[1])
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), 1)[..., ::-1]
    assert shown.shape == (267, 320, 3)
    expected = cv2.resize(photo, (320, 267), interpolation=cv2.INTER_AREA)
    assert np.abs(shown.astype(int) - expected).mean() < 3
    drawing = np.zeros((64, 64, 3), np.uint8)
    drawing[20] = 255
    assert "image/png" in pages.figure(drawing, "a", lossy=True)


def test_a_picture_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="none.png: no such file"):
        pages.figure(tmp_path / "none.png", "a")


@pytest.mark.parametrize("count, columns", [(1, 4), (4, 4), (6, 6), (8, 4), (15, 5)])
def test_figures_fill_their_rows(count, columns):
    row = pages.row_of_figures([pages.missing_figure("not there", str(n)) for n in range(count)])
    assert f"repeat({columns},1fr)" in row and row.count("<figure>") == count


def test_figures_have_the_digits_of_their_column():
    cells = Tree(lower_and_higher([(0.126, 31.25), (2, float("inf"))])).cells
    assert cells == [["row", "error\N{NO-BREAK SPACE}↓", "PSNR, dB\N{NO-BREAK SPACE}↑"],
                     ["row 0", "0.13", "31.2"], ["row 1", "2.00", "∞"]]


def test_the_best_is_marked_by_what_is_better():
    assert bold(lower_and_higher([(0.2, 30.0), (0.1, 20.0), (0.3, 25.0)])) == {(1, 1), (0, 2)}


def test_equals_at_the_shown_digits_are_both_marked_unless_all_are():
    assert bold(lower_and_higher([(0.101, 1.0), (0.099, 1.0), (0.2, 1.0)])) == {(0, 1), (1, 1)}
    assert bold(lower_and_higher([(0.1, 1.0)])) == set()


def test_overlapping_ranges_allow_no_claim():
    def of(*spans):
        return bold(lower_and_higher([(span, None) for span in spans]))

    assert of((0.1, 0.08, 0.12), (0.2, 0.18, 0.22)) == {(0, 1)}
    assert of((0.1, 0.08, 0.19), (0.2, 0.18, 0.22)) == set()
    assert of((0.1, 0.08, 0.19), (0.2, 0.18, 0.22), 0.5) == {(0, 1), (1, 1)}
    table = lower_and_higher([((0.1, 0.08, 0.12), 1.0), ((0.2, 0.18, 0.22), 1.0)])
    assert Tree(table).cells[1][1] == "0.100.08–0.12" and "range over the seeds" in table
    higher = lower_and_higher([(None, (30.0, 25.0, 35.0)), (None, (28.0, 27.0, 29.0)), (None, 10.0)])
    assert bold(higher) == {(0, 2), (1, 2)}


def test_some_rows_do_not_compete():
    assert bold(lower_and_higher([(0.1, 1.0), (0.2, 2.0), (0.3, 3.0)], competing=[1, 2])) == {
        (1, 1), (2, 2)}


def test_columns_without_a_direction_have_no_best():
    table = pages.table([pages.Heading("row"), pages.Heading("figure", 1)], [["a", 1.0], ["b", 2.0]])
    assert not bold(table) and "Bold" not in table and "better" not in table


def test_missing_figures_are_dashes_with_their_reason():
    headings = [pages.Heading("row"), pages.Heading("a", 2, True, "No weights."),
                pages.Heading("b", 2, True, "No weights."), pages.Heading("c", 2, True)]
    tree = Tree(pages.table(headings, [["x", None, None, 1.0], ["y", None, float("nan"), None]]))
    assert tree.cells[1:] == [["x", "–a", "–a", "1.00"], ["y", "–a", "–a", "–b"]]
    text = "".join(tree.text)
    assert text.endswith("a No weights.b Not measured.")


def test_groups_span_their_columns():
    headings = [pages.Heading("row"), pages.Heading("a", 2, group="ours"),
                pages.Heading("b", 2, group="ours"), pages.Heading("c", 2, group="theirs")]
    table = pages.table(headings, [["x", 1.0, 2.0, 3.0]], muted=[0])
    assert re.findall(r"<th colspan='(\d)'", table) == ["1", "2", "1"]
    assert Tree(table).cells[0] == ["", "ours", "theirs"]
    assert table.count("class='number first'") == 4 and "<tr class='muted'>" in table
