import json
import re

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate.columns import PICTURE_COLUMNS
from deepsim_jax.images import io as images
from deepsim_jax.reports import picture_table_page


@pytest.fixture
def found():
    rows = [
        {"key": key, "label": label, "figures": {"asvs": asvs}, "muted": muted}
        for key, label, asvs, muted in (
            ("a", "first <one>", 0.25, False),
            ("b", "second", 0.5, False),
            ("t", "true", 0.125, True),
        )
    ]
    return {
        "title": "Holes",
        "note": "Why.",
        "columns": ["asvs"],
        "absent": {"niqe": "Not there."},
        "pictures": [
            {
                "name": "cup",
                "about": "A cup.",
                "rows": rows,
                "strip": [["damaged", "damaged.png"], ["gone", "gone.png"]],
            },
            {"name": "face", "rows": rows},
        ],
        "averages": rows,
        "findings": ["First is better."],
        "settings": {"side": 96},
        "published": [
            {
                "title": "ASVS, printed",
                "columns": ["OpenCV", "NVIDIA"],
                "digits": 3,
                "rows": [["Movie", [0.005, None]]],
                "where": "the report",
                "note": "Other.",
            }
        ],
        "pending": [],
        "failed": {},
        "machine": {"cores": 2},
    }


def test_the_page_shows_all_that_is_known(tmp_path, found):
    images.write_png(tmp_path / "cup" / "damaged.png", np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "table.json").write_text(json.dumps(found))
    page = picture_table_page.write(tmp_path).read_text()
    for words in (
        "Mean over 2 pictures",
        "First is better.",
        "A cup.",
        "gone.png: not there",
        "side: 96",
        "first &lt;one&gt;",
        "Not ours: the report. Other.",
        "Not there.",
        "cores 2",
        PICTURE_COLUMNS["asvs"].label,
    ):
        assert words in page, words
    assert page.count("data:image/png") == 1
    # The best answer is bold; what is no answer cannot be the best.
    assert page.count("<strong>0.2500</strong>") == 3 and "<strong>0.1250" not in page
    # A printed figure is never marked as the best, and a missing one says so.
    assert re.search(r'0\.005</td>\s*<td class="number">–<sup>', page)


def test_refuses(tmp_path, found):
    with pytest.raises(UserError, match="no such file"):
        picture_table_page.write(tmp_path)
    for content, message in (
        ("{", "damaged"),
        ("[]", "damaged"),
        (json.dumps({**found, "columns": ["beauty"]}), "unknown column 'beauty'"),
    ):
        (tmp_path / "table.json").write_text(content)
        with pytest.raises(UserError, match=message):
            picture_table_page.write(tmp_path)
