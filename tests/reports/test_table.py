"""Digits, marks, ranges and reasons in a table."""

import pytest

from deepsim_jax.reports import page
from deepsim_jax.reports.table import Cell, Column, Table, layout


def shown(cells, **options):
    """The layout of a table of an error, where lower is better, and a PSNR, where higher is."""
    columns = [Column("row"), Column("error", 2, True), Column("PSNR, dB", 1, False)]
    return layout(Table(columns, [[f"row {n}", *row] for n, row in enumerate(cells)], **options))


def bold(cells, **options):
    """(row, column) of the marked cells."""
    return {
        (y, x)
        for y, (_, _, row) in enumerate(shown(cells, **options)["rows"])
        for x, cell in enumerate(row, 1)
        if cell["strong"]
    }


def notes(found):
    return " ".join(f"{letter} {text}".strip() for letter, text in found["notes"])


def test_figures_have_the_digits_of_their_column(parse):
    columns = [Column("row"), Column("error", 2, True), Column("PSNR, dB", 1, False)]
    table = Table(
        columns, [["row 0", (0.126), 31.25], ["row 1", 2, float("inf")], ["row 2", 1, -float("inf")]]
    )
    assert parse(page.render("a", [table])).tables == [
        [
            ["row", "error ↓", "PSNR, dB ↑"],
            ["row 0", "0.13", "31.2"],
            ["row 1", "2.00", "∞"],
            ["row 2", "1.00", "−∞"],
        ]
    ]


def test_the_best_is_marked_by_what_is_better(parse):
    cells = [(0.2, 30.0), (0.1, 20.0), (0.3, 25.0)]
    assert bold(cells) == {(1, 1), (0, 2)}
    columns = [Column("row"), Column("error", 2, True), Column("PSNR, dB", 1, False)]
    found = parse(page.render("a", [Table(columns, [["x", *row] for row in cells])]))
    assert found.marked() == ["30.0", "0.10"]


def test_equals_at_the_shown_digits_are_both_marked_unless_all_are():
    assert bold([(0.101, 1.0), (0.099, 1.0), (0.2, 1.0)]) == {(0, 1), (1, 1)}
    assert bold([(0.1, 1.0)]) == set()


def test_overlapping_ranges_allow_no_claim(parse):
    def of(*spans):
        return bold([(span, None) for span in spans])

    assert of((0.1, 0.08, 0.12), (0.2, 0.18, 0.22)) == {(0, 1)}
    assert of((0.1, 0.08, 0.19), (0.2, 0.18, 0.22)) == set()
    assert of((0.1, 0.08, 0.19), (0.2, 0.18, 0.22), 0.5) == {(0, 1), (1, 1)}
    assert bold([(None, (30.0, 25.0, 35.0)), (None, (28.0, 27.0, 29.0)), (None, 10.0)]) == {
        (0, 2),
        (1, 2),
    }
    found = shown([((0.1, 0.08, 0.12), 1.0), ((0.2, 0.18, 0.22), 1.0)])
    assert "range over the seeds" in notes(found) and "nothing is bold where all do" in notes(found)
    table = Table([Column("row"), Column("error", 2, True)], [["x", (0.1, 0.08, 0.12)]])
    assert parse(page.render("a", [table])).tables[0][1] == ["x", "0.100.08–0.12"]


def test_some_rows_do_not_compete():
    assert bold([(0.1, 1.0), (0.2, 2.0), (0.3, 3.0)], competing=[1, 2]) == {(1, 1), (2, 2)}


def test_columns_without_a_direction_have_no_best():
    found = layout(Table([Column("row"), Column("figure", 1)], [["a", 1.0], ["b", 2.0]]))
    assert not any(cell["strong"] for *_, row in found["rows"] for cell in row) and not found["notes"]


@pytest.mark.parametrize("text", ["n/a", Cell("n/a", "mark", ("below",))])
def test_texts_do_not_compete(text):
    assert bold([(text, 1.0), (0.2, 2.0), (0.1, 3.0)]) == {(2, 1), (2, 2)}
    assert "seeds" not in notes(shown([(text, 1.0)]))


def test_missing_figures_are_dashes_with_their_reason(parse):
    columns = [
        Column("row"),
        Column("a", 2, True, "No weights."),
        Column("b", 2, True, "No weights."),
        Column("c", 2, True),
    ]
    table = Table(columns, [["x", None, None, 1.0], ["y", None, float("nan"), None]])
    found = parse(page.render("a", [table]))
    assert found.tables[0][1:] == [["x", "–a", "–a", "1.00"], ["y", "–a", "–a", "–b"]]
    assert notes(layout(table)).endswith("a No weights. b Not measured.")
    assert "a No weights. b Not measured." in found.text


def test_groups_span_their_columns(parse):
    columns = [
        Column("row"),
        Column("a", 2, group="ours"),
        Column("b", 2, group="ours"),
        Column("c", 2, group="theirs"),
    ]
    found = parse(page.render("a", [Table(columns, [["x", 1.0, 2.0, 3.0]], muted=[0])]))
    assert [attrs["colspan"] for _, attrs in found.tags if "colspan" in attrs] == ["1", "2", "1"]
    assert found.tables[0][0] == ["", "ours", "theirs"]
    assert (
        found.source.count('class="number first"') == 4 and found.source.count('<tr class="muted">') == 1
    )


def test_a_cell_of_several_lines(parse):
    table = Table([Column("row"), Column("kind")], [["x", Cell("seg", "leak", ("edges: given", "more"))]])
    found = parse(page.render("a", [table]))
    assert found.tables[0][1] == ["x", "seg leakedges: givenmore"]
    assert found.classes("badge") == 1 and found.classes("line") == 3
