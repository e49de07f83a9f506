"""The page of a table of trainings."""

import json

import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.systems.deepsim.evaluation import comparison
from deepsim_jax.systems.deepsim.study import table_page

HOSTILE = "<b a='1'>&amp;"
FIGURES = {"lpips_alex": 0.1, "ssim": 0.8, "psnr": 24.0}


def cell(key, sequence="face", *, worse=1.0, seeds=1, edges="given", **others):
    mean = {name: value * worse for name, value in FIGURES.items()}
    return {
        "key": key,
        "label": f"row {key}",
        "sequence": sequence,
        "primitive": "seg_edges",
        "edges_from": edges,
        "size": [150, 180],
        "steps": 420,
        "seeds": seeds,
        "frames": 3,
        "mean": mean,
        "spread": {k: [v * 0.9, v * 1.1] for k, v in mean.items()},
        "folders": [f"{sequence}/{key}/0"],
        **others,
    }


@pytest.fixture
def table(tmp_path, parse):
    """The content of a table of two rows on one sequence and a function to write it."""
    content = {
        "title": "Ours against another",
        "note": "A note.",
        "columns": list(FIGURES),
        "absent": {},
        "sequences": ["face"],
        "averages": [],
        "curves": [],
        "findings": [],
        "pending": [],
        "rows": [cell("ours"), cell("other", worse=1.5), cell("unchanged", worse=2.0)],
        "published": {
            "where": "A paper",
            "columns": ["lpips", "sifid"],
            "note": "A note.",
            "rows": {"ours": {"lpips": 0.216, "sifid": 0.1}, "other": {"lpips": 0.34}},
        },
        "strips": [],
        "machine": {"cores": 2},
    }

    def write():
        (tmp_path / "table.json").write_text(json.dumps(content))
        return parse(table_page.write(tmp_path))

    return content, write


def test_a_table_has_the_published_figures_beside_ours(table):
    page = table[1]()
    assert page.tables[0] == [
        ["", "measured here", "published, not ours"],
        ["", "Test primitive", "LPIPS (AlexNet) ↓", "SSIM ↑", "PSNR, dB ↑", "LPIPS", "SIFID"],
        ["row ours", "seg_edgesedges: given", "0.1000", "0.8000", "24.00", "0.216", "0.1"],
        ["row other", "seg_edgesedges: given", "0.1500", "1.2000", "36.00", "0.340", "–a"],
        ["row unchanged", "none", "0.2000", "1.6000", "48.00", "–a", "–a"],
    ]
    assert "Published: A paper." in page.text and page.text.count("A note.") == 1
    assert "size: 180×150 px, steps: 420, seeds: 1, frames: 3" in page.text
    assert "face/ours/0" in page.text and "face/unchanged/0" not in page.text


def test_what_differs_between_rows_has_a_column(table):
    content, write = table
    content["rows"][1].update(steps=800, seeds=3)
    page = write()
    assert [line[2:4] for line in page.tables[0][1:]] == [
        ["Steps", "Seeds"],
        ["420", "1"],
        ["800", "3"],
        ["", ""],
    ]
    assert page.tables[0][3][4] == "0.15000.1350–0.1650"


def test_rows_that_leak_do_not_compete_with_others(table):
    content, write = table
    content["rows"] = [
        cell("ours", edges="true frames"),
        cell("other", worse=1.5),
        cell("unchanged", worse=2.0, edges="true frames"),
    ]
    page = write()
    assert page.marked()[0] == "0.1500" and "left out when the best" in page.text
    content["rows"][1]["edges_from"] = "true frames"
    page = write()
    assert page.marked()[0] == "0.1000" and "left out" not in page.text
    assert page.text.count(comparison.LEAK) == 1


def test_averages_name_all_primitives_and_edges(table):
    content, write = table
    content["sequences"] = ["face", "phone"]
    content["rows"] += [cell("ours", "phone", edges="true frames"), cell("unchanged", "phone")]
    content["averages"] = [
        {"key": "ours", "label": "row ours", "sequences": 2, "mean": FIGURES},
        {"key": "unchanged", "label": "row unchanged", "sequences": 2, "mean": FIGURES},
    ]
    page = write()
    assert "Mean over 2 sequences" in page.text
    assert page.tables[0][2][:3] == ["row ours", "seg_edges leakedges: given / true frames", "0.1000"]
    assert page.tables[0][4] == ["row other", "", "–b", "–b", "–b", "0.340", "–a"]
    assert [len(line) for line in page.tables[1]] == [5] * 4  # no published figures on one sequence
    content["averages"][1].update(sequences=1, mean={"lpips_alex": 0.01})
    page = write()
    assert page.tables[0][3][2:4] == ["1", "0.0100"] and "lack sequences" in page.text


def test_unfinished_tables_have_a_page(table):
    content, write = table
    content.update(sequences=["face", "phone"], rows=[], columns=[], pending=["face/ours/0"])
    page = write()
    assert "Not finished: 1 training to come." in page.text and "face/ours/0" in page.texts
    assert page.text.count("Nothing is measured yet.") == 2
    assert page.tables == [
        [
            ["", "published, not ours"],
            ["", "LPIPS", "SIFID"],
            ["ours", "0.216", "0.1"],
            ["other", "0.340", "–a"],
        ]
    ]
    content.update(sequences=["face"], rows=[cell("ours")], columns=list(FIGURES))
    page = write()
    assert page.tables[0][3] == ["other", "", "–a", "–a", "–a", "0.340", "–b"]
    assert "Not measured." in page.text and page.marked() == []


def test_curves_have_a_line_per_seed_and_a_colour_per_row(table):
    content, write = table
    content["curves"] = [
        {
            "key": key,
            "label": f"row {key}",
            "sequence": "face",
            "seed": seed,
            "points": [
                {"step": step, "lpips_alex": 0.1 + seed / 100 - step / 1000} for step in (10, 20, 30)
            ],
        }
        for key in ("ours", "other")
        for seed in range(3)
    ]
    content["findings"] = ["face, 3 seeds: they overlap: no claim."]
    page = write()
    ((label, kind, svg),) = page.images  # the points say nothing of seconds
    assert label == "Held-out LPIPS (AlexNet), lower is better over step" and kind == "svg+xml"
    assert svg.count(b"stroke-opacity: 0.55") == 6 and svg.count(b"fill-opacity: 0.14") == 2
    keys = [attrs["stroke"] for tag, attrs in page.tags if tag == "line"]
    assert keys == ["var(--c0)", "var(--c1)"]
    assert "face, 3 seeds: they overlap: no claim." in page.texts and "Thin: each seed." in page.text


def test_names_are_escaped(table, tmp_path):
    content, write = table
    content.update(
        title=HOSTILE,
        note=HOSTILE,
        findings=[HOSTILE],
        pending=[HOSTILE],
        sequences=[HOSTILE],
        machine={HOSTILE: HOSTILE},
        rows=[cell(HOSTILE, HOSTILE, label=HOSTILE, primitive=HOSTILE, edges=HOSTILE)],
        strips=[{"title": HOSTILE, "pictures": [[HOSTILE, HOSTILE]]}],
    )
    content["published"].update(
        where=HOSTILE, note=HOSTILE, columns=[HOSTILE], rows={HOSTILE: {HOSTILE: 0.5}}
    )
    page = write()
    assert "b" not in [tag for tag, _ in page.tags] and page.text.count("&amp;") > 15


def test_unusable_results_are_refused(tmp_path, table):
    with pytest.raises(UserError, match="table.json: no such file"):
        table_page.write(tmp_path)
    (tmp_path / "table.json").write_text('{"title": ')
    with pytest.raises(UserError, match="table.json: damaged"):
        table_page.write(tmp_path)
    table[0]["columns"].append("beauty")
    with pytest.raises(UserError, match="unknown column 'beauty', known are lpips_alex, "):
        table[1]()
