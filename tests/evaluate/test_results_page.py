import html.parser
import json
import re

import numpy as np
import pytest

from deepsim_jax.data import images
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import results_page
from deepsim_jax.evaluate.columns import COLUMNS

NO_WEIGHTS = "Inception's weights are not on this machine."
HOSTILE = "<b a='1'>&amp;"
FIGURES = {"lpips_alex": 0.1, "ssim": 0.8, "psnr": 24.0}


class Page(html.parser.HTMLParser):
    """Tags, texts and tables ([row][cell] texts) of a page, whose tags must be balanced."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open, self.tags, self.texts, self.tables = [], [], [], []
        self.feed(self.source)
        assert not self.open
        self.text = " ".join(self.texts)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data.replace("\N{NO-BREAK SPACE}", " ")

    def marked(self):
        return re.findall(r"<strong>([^<]*)</strong>", self.source)


def frames(worse=1.0, names=("0001", "0002", "0003")):
    return [{"frame": name, **{key: value * worse * (1 + n / 10) for key, value in FIGURES.items()}}
            for n, name in enumerate(names)]


def row(key, label, of):
    return {"key": key, "label": label, "frames": of,
            "mean": {key: float(np.mean([frame[key] for frame in of])) for key in FIGURES}}


@pytest.fixture
def evaluation(tmp_path, scene):
    """The content of an evaluation, whose pictures are in the folder, and a function to write it."""
    for part in ("primitive", "result", "truth"):
        images.write_png(tmp_path / "pictures" / f"0002.{part}.png", scene)
    content = {
        "sequence": "face", "size": [150, 180], "train_frame": "0000", "steps": 420,
        "primitive": {"kind": "seg_edges", "edges_from": "given"},
        "columns": list(FIGURES), "absent": {"sifid_64": NO_WEIGHTS},
        "rows": [row("network", "trained network", frames()),
                 row("unchanged", "frame 0000 unchanged", frames(1.5))],
        "heldout": [{"step": s, "seconds": s / 3, "lpips_alex": 1 / s} for s in (10, 20, 30)],
        "strips": [{"frame": "0002", "pictures": [
            ["primitive", "pictures/0002.primitive.png"], ["result", "pictures/0002.result.png"],
            ["true frame", "pictures/0002.truth.png"], ["error", "pictures/0002.error.png"]]}],
        "seconds": {"edit": 6.5, "metrics": 20.1, "frames": 3}, "machine": {"cores": 2, "jax": "0.10"}}

    def write():
        (tmp_path / "evaluation.json").write_text(json.dumps(content))
        assert results_page.write_evaluation(tmp_path) == tmp_path / "report.html"
        return Page(tmp_path / "report.html")

    return content, write


def cell(key, sequence="face", *, worse=1.0, seeds=1, edges="given", **others):
    mean = {name: value * worse for name, value in FIGURES.items()}
    return {"key": key, "label": f"row {key}", "sequence": sequence, "primitive": "seg_edges",
            "edges_from": edges, "size": [150, 180], "steps": 420, "seeds": seeds, "frames": 3,
            "mean": mean, "spread": {k: [v * 0.9, v * 1.1] for k, v in mean.items()},
            "folders": [f"{sequence}/{key}/0"], **others}


@pytest.fixture
def table(tmp_path):
    """The content of a table of two rows on one sequence and a function to write it."""
    content = {
        "title": "Ours against another", "note": "A note.", "columns": list(FIGURES), "absent": {},
        "sequences": ["face"], "averages": [], "curves": [], "findings": [], "pending": [],
        "rows": [cell("ours"), cell("other", worse=1.5), cell("unchanged", worse=2.0)],
        "published": {"where": "A paper", "columns": ["lpips", "sifid"], "note": "A note.",
                      "rows": {"ours": {"lpips": 0.216, "sifid": 0.1}, "other": {"lpips": 0.34}}},
        "strips": [], "machine": {"cores": 2}}

    def write():
        (tmp_path / "table.json").write_text(json.dumps(content))
        return Page(results_page.write_table(tmp_path))

    return content, write


def test_an_evaluation_says_what_was_measured_on_what(evaluation):
    page = evaluation[1]()
    assert "Trained on frame 0000 only, at 180×150 px; steps: 420." in page.text
    assert page.tables[0] == [
        ["", "Test primitive", "LPIPS (AlexNet) ↓", "SIFID-64 ↓", "SSIM ↑", "PSNR, dB ↑"],
        ["trained network", "seg_edgesedges: given", "0.1100", "–a", "0.8800", "26.40"],
        ["frame 0000 unchanged", "none", "0.1650", "–a", "1.3200", "39.60"]]
    assert page.marked() == ["0.1100", "1.3200", "39.60"]
    assert page.text.count(NO_WEIGHTS) == 3 and COLUMNS["ssim"].about in page.text
    assert COLUMNS["rmse"].about not in page.text
    assert "edit 6.5, metrics 20.1, for 3 frames" in page.text and "cores 2, jax 0.10" in page.text


def test_an_evaluation_shows_pictures_plots_and_every_frame(evaluation):
    page = evaluation[1]()
    shown = [attrs for tag, attrs in page.tags if tag == "img"]
    assert [attrs["alt"] for attrs in shown] == ["primitive", "result", "true frame"]
    assert "pictures/0002.error.png: not there" in page.text
    plots = [attrs["aria-label"] for tag, attrs in page.tags if tag == "svg" and "role" in attrs]
    assert plots == ["LPIPS (AlexNet), lower is better over frame", "SSIM, higher is better over frame",
                     "PSNR, dB, higher is better over frame",
                     "Held-out LPIPS (AlexNet), lower is better over step",
                     "Held-out LPIPS (AlexNet), lower is better over training time, seconds"]
    assert page.tables[1][2] == ["0002", "0.1100", "–a", "0.8800", "26.40"]
    assert len(page.tables[2]) == 4
    assert not re.search(r"https?:|url\(|<script|<link|href", page.source)


def test_edges_from_the_true_frames_are_marked(evaluation):
    content, write = evaluation
    assert "leak" not in write().text
    content["primitive"]["edges_from"] = "true frames"
    page = write()
    assert page.tables[0][1][1] == "seg_edges leakedges: true frames" and results_page.LEAK in page.text


def test_an_evaluation_without_curves_or_pictures_and_with_named_frames(evaluation):
    content, write = evaluation
    content.update(heldout=[], strips=[], seconds={}, rows=[
        row("network", "trained network", frames(names=("first", "then")))])
    page = write()
    assert "frame, in order" in page.text and "During training" not in page.text
    assert page.marked() == []


def test_a_table_has_the_published_figures_beside_ours(table):
    page = table[1]()
    assert page.tables[0] == [
        ["", "measured here", "published, not ours"],
        ["", "Test primitive", "LPIPS (AlexNet) ↓", "SSIM ↑", "PSNR, dB ↑", "LPIPS", "SIFID"],
        ["row ours", "seg_edgesedges: given", "0.1000", "0.8000", "24.00", "0.216", "0.1"],
        ["row other", "seg_edgesedges: given", "0.1500", "1.2000", "36.00", "0.340", "–a"],
        ["row unchanged", "none", "0.2000", "1.6000", "48.00", "–a", "–a"]]
    assert "Published: A paper." in page.text and page.text.count("A note.") == 1
    assert "size: 180×150 px, steps: 420, seeds: 1, frames: 3" in page.text
    assert "face/ours/0" in page.text and "face/unchanged/0" not in page.text


def test_what_differs_between_rows_has_a_column(table):
    content, write = table
    content["rows"][1].update(steps=800, seeds=3)
    page = write()
    assert [line[2:4] for line in page.tables[0][1:]] == [
        ["Steps", "Seeds"], ["420", "1"], ["800", "3"], ["", ""]]
    assert page.tables[0][3][4] == "0.15000.1350–0.1650"


def test_rows_that_leak_do_not_compete_with_others(table):
    content, write = table
    content["rows"] = [cell("ours", edges="true frames"), cell("other", worse=1.5),
                       cell("unchanged", worse=2.0, edges="true frames")]
    page = write()
    assert page.marked()[0] == "0.1500" and "left out when the best" in page.text
    content["rows"][1]["edges_from"] = "true frames"
    page = write()
    assert page.marked()[0] == "0.1000" and "left out" not in page.text
    assert page.text.count(results_page.LEAK) == 1


def test_averages_name_all_primitives_and_edges(table):
    content, write = table
    content["sequences"] = ["face", "phone"]
    content["rows"] += [cell("ours", "phone", edges="true frames"), cell("unchanged", "phone")]
    content["averages"] = [
        {"key": "ours", "label": "row ours", "sequences": 2, "mean": FIGURES},
        {"key": "unchanged", "label": "row unchanged", "sequences": 2, "mean": FIGURES}]
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
    assert page.tables == [[["", "published, not ours"], ["", "LPIPS", "SIFID"],
                            ["ours", "0.216", "0.1"], ["other", "0.340", "–a"]]]
    content.update(sequences=["face"], rows=[cell("ours")], columns=list(FIGURES))
    page = write()
    assert page.tables[0][3] == ["other", "", "–a", "–a", "–a", "0.340", "–b"]
    assert "Not measured." in page.text and page.marked() == []


def test_curves_have_a_line_per_seed_and_a_colour_per_row(table):
    content, write = table
    content["curves"] = [
        {"key": key, "label": f"row {key}", "sequence": "face", "seed": seed, "points": [
            {"step": step, "lpips_alex": 0.1 + seed / 100 - step / 1000} for step in (10, 20, 30)]}
        for key in ("ours", "other") for seed in range(3)]
    content["findings"] = ["face, 3 seeds: they overlap: no claim."]
    page = write()
    assert page.source.count("<polyline class='seed'") == 6 and page.source.count("<polygon") == 2
    assert re.findall(r"<g style='--color:var\(--(\w+)\)'", page.source) == ["c0", "c1"]
    assert "face, 3 seeds: they overlap: no claim." in page.texts and "Thin: each seed." in page.text


def test_names_are_escaped(table, tmp_path):
    content, write = table
    content.update(title=HOSTILE, note=HOSTILE, findings=[HOSTILE], pending=[HOSTILE],
                   sequences=[HOSTILE], machine={HOSTILE: HOSTILE},
                   rows=[cell(HOSTILE, HOSTILE, label=HOSTILE, primitive=HOSTILE, edges=HOSTILE)],
                   strips=[{"title": HOSTILE, "pictures": [[HOSTILE, HOSTILE]]}])
    content["published"].update(where=HOSTILE, note=HOSTILE, columns=[HOSTILE],
                                rows={HOSTILE: {HOSTILE: 0.5}})
    page = write()
    assert "b" not in [tag for tag, _ in page.tags] and page.text.count("&amp;") > 15


def test_unusable_results_are_refused(tmp_path, table):
    with pytest.raises(UserError, match="evaluation.json: no such file"):
        results_page.write_evaluation(tmp_path)
    (tmp_path / "table.json").write_text('{"title": ')
    with pytest.raises(UserError, match="table.json: damaged"):
        results_page.write_table(tmp_path)
    table[0]["columns"].append("beauty")
    with pytest.raises(UserError, match="unknown column 'beauty', known are lpips_alex, "):
        table[1]()
