"""The page of an evaluation."""

import json
import re

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate.columns import COLUMNS
from deepsim_jax.images import io as images
from deepsim_jax.systems.deepsim.evaluation import comparison, evaluation_page

NO_WEIGHTS = "Inception's weights are not on this machine."
FIGURES = {"lpips_alex": 0.1, "ssim": 0.8, "psnr": 24.0}


def frames(worse=1.0, names=("0001", "0002", "0003")):
    return [
        {"frame": name, **{key: value * worse * (1 + n / 10) for key, value in FIGURES.items()}}
        for n, name in enumerate(names)
    ]


def row(key, label, of):
    return {
        "key": key,
        "label": label,
        "frames": of,
        "mean": {key: float(np.mean([frame[key] for frame in of])) for key in FIGURES},
    }


@pytest.fixture
def evaluation(tmp_path, scene, parse):
    """The content of an evaluation, whose pictures are in the folder, and a function to write it."""
    for part in ("primitive", "result", "truth"):
        images.write_png(tmp_path / "pictures" / f"0002.{part}.png", scene)
    content = {
        "sequence": "face",
        "size": [150, 180],
        "train_frame": "0000",
        "steps": 420,
        "primitive": {"kind": "seg_edges", "edges_from": "given"},
        "columns": list(FIGURES),
        "absent": {"sifid_64": NO_WEIGHTS},
        "rows": [
            row("network", "trained network", frames()),
            row("unchanged", "frame 0000 unchanged", frames(1.5)),
        ],
        "heldout": [{"step": s, "seconds": s / 3, "lpips_alex": 1 / s} for s in (10, 20, 30)],
        "strips": [
            {
                "frame": "0002",
                "pictures": [
                    ["primitive", "pictures/0002.primitive.png"],
                    ["result", "pictures/0002.result.png"],
                    ["true frame", "pictures/0002.truth.png"],
                    ["error", "pictures/0002.error.png"],
                ],
            }
        ],
        "seconds": {"edit": 6.5, "metrics": 20.1, "frames": 3},
        "machine": {"cores": 2, "jax": "0.10"},
    }

    def write():
        (tmp_path / "evaluation.json").write_text(json.dumps(content))
        assert evaluation_page.write(tmp_path) == tmp_path / "report.html"
        return parse(tmp_path / "report.html")

    return content, write


def test_an_evaluation_says_what_was_measured_on_what(evaluation):
    page = evaluation[1]()
    assert "Trained on frame 0000 only, at 180×150 px; steps: 420." in page.text
    assert page.tables[0] == [
        ["", "Test primitive", "LPIPS (AlexNet) ↓", "SIFID-64 ↓", "SSIM ↑", "PSNR, dB ↑"],
        ["trained network", "seg_edgesedges: given", "0.1100", "–a", "0.8800", "26.40"],
        ["frame 0000 unchanged", "none", "0.1650", "–a", "1.3200", "39.60"],
    ]
    assert page.marked() == ["0.1100", "1.3200", "39.60"]
    assert page.text.count(NO_WEIGHTS) == 3 and COLUMNS["ssim"].about in page.text
    assert COLUMNS["rmse"].about not in page.text
    assert "edit 6.5, metrics 20.1, for 3 frames" in page.text and "cores 2, jax 0.10" in page.text


def test_an_evaluation_shows_pictures_plots_and_every_frame(evaluation):
    page = evaluation[1]()
    shown = [alt for alt, kind, _ in page.images if kind == "png"]
    assert shown == ["primitive", "result", "true frame"]
    assert "pictures/0002.error.png: not there" in page.text
    assert [alt for alt, kind, _ in page.images if kind == "svg+xml"] == [
        "LPIPS (AlexNet), lower is better over frame",
        "SSIM, higher is better over frame",
        "PSNR, dB, higher is better over frame",
        "Held-out LPIPS (AlexNet), lower is better over step",
        "Held-out LPIPS (AlexNet), lower is better over training time, seconds",
    ]
    assert page.tables[1][2] == ["0002", "0.1100", "–a", "0.8800", "26.40"]
    assert len(page.tables[2]) == 4
    assert not re.search(r"https?:|url\(|<script|<link|href", page.source)


def test_edges_from_the_true_frames_are_marked(evaluation):
    content, write = evaluation
    assert "leak" not in write().text
    content["primitive"]["edges_from"] = "true frames"
    page = write()
    assert page.tables[0][1][1] == "seg_edges leakedges: true frames" and comparison.LEAK in page.text


def test_an_evaluation_without_curves_or_pictures_and_with_named_frames(evaluation):
    content, write = evaluation
    content.update(
        heldout=[],
        strips=[],
        seconds={},
        rows=[row("network", "trained network", frames(names=("first", "then")))],
    )
    page = write()
    assert all(alt.endswith("over frame, in order") for alt, *_ in page.images) and page.images
    assert "During training" not in page.text
    assert page.marked() == []


def test_unusable_results_are_refused(evaluation, tmp_path):
    with pytest.raises(UserError, match="evaluation.json: no such file"):
        evaluation_page.write(tmp_path)
    content, write = evaluation
    content["absent"]["beauty"] = "Unknown."
    with pytest.raises(UserError, match="unknown column 'beauty', known are lpips_alex, "):
        write()
