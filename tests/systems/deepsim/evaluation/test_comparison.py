"""What pages of evaluations and of tables share."""

from deepsim_jax.reports.table import Cell
from deepsim_jax.systems.deepsim.evaluation import comparison


def row(key="ours", edges="given"):
    return {"key": key, "primitive": "seg_edges", "edges_from": edges}


def test_a_row_says_what_was_drawn_and_from_what():
    assert comparison.primitive_cell(row("unchanged")) == "none"
    assert comparison.primitive_cell(row(edges="")) == "seg_edges"
    assert comparison.primitive_cell(row()) == Cell("seg_edges", "", ("edges: given",))
    leaking = comparison.primitive_cell(row(edges="given / true frames"))
    assert leaking == Cell("seg_edges", "leak", ("edges: given / true frames",))


def test_the_unchanged_frame_does_not_leak():
    rows = [row(), row("unchanged", "true frames"), row("other", "true frames")]
    assert [comparison.leaks(one) for one in rows] == [False, False, True]
    assert comparison.unchanged(rows) == [1]


def test_means_have_a_range_where_there_are_several_seeds():
    results = {"columns": ["ssim", "psnr"], "absent": {"lpips_alex": "Not there."}}
    measured = {"mean": {"ssim": 0.5, "psnr": 20.0}, "spread": {"ssim": [0.4, 0.6]}}
    assert comparison.means({**measured, "seeds": 1}, results) == [None, 0.5, 20.0]
    assert comparison.means({**measured, "seeds": 3}, results) == [None, (0.5, 0.4, 0.6), 20.0]


def test_curves_without_figures_have_no_heading():
    curve = {"label": "a", "color": 0, "lines": [[{"step": 1, "seconds": 2.0}]]}
    assert comparison.heldout_plots([curve], "title") == []
    curve["lines"] = [[{"step": 1, "ssim": 0.5}]]
    heading, row = comparison.heldout_plots([curve], "title")
    assert heading.text == "title"
    assert [plot.y_label for plot in row.plots] == ["Held-out SSIM, higher is better"]
