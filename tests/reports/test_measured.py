"""Reading measured results, and what their pages share."""

import json

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate.columns import COLUMNS, PICTURE_COLUMNS
from deepsim_jax.images import io as images
from deepsim_jax.reports import measured, page


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "table.json: no such file"),
        ('{"rows": ', "table.json: damaged"),
        ("[]", "damaged"),
        ('{"columns": []}', "no columns or rows"),
        ('{"rows": []}', "no columns or rows"),
        ('{"columns": ["beauty"], "rows": []}', "unknown column 'beauty', known are lpips_alex, "),
        ('{"columns": [], "rows": [], "absent": {"beauty": ""}}', "unknown column 'beauty'"),
    ],
)
def test_unusable_results_are_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "table.json").write_text(content)
    with pytest.raises(UserError, match=message):
        measured.read(tmp_path / "table.json")


def test_results_may_have_other_columns_and_none_absent(tmp_path):
    content = {"columns": ["asvs"], "pictures": []}
    (tmp_path / "table.json").write_text(json.dumps(content))
    found = measured.read(tmp_path / "table.json", PICTURE_COLUMNS, needed="pictures")
    assert found == content | {"absent": {}}


def test_columns_stand_in_the_usual_order_with_their_reasons(parse):
    results = {"columns": ["psnr", "ssim"], "absent": {"lpips_alex": "No weights."}}
    assert measured.shown(results) == ["lpips_alex", "ssim", "psnr"]
    heads = measured.heads(results, group="here")
    assert [(head.label, head.absent, head.group) for head in heads] == [
        (COLUMNS["lpips_alex"].label, "No weights.", "here"),
        (COLUMNS["ssim"].label, "Not measured.", "here"),
        (COLUMNS["psnr"].label, "Not measured.", "here"),
    ]
    told = parse(page.render("a", measured.about_columns(results))).texts
    assert f"{COLUMNS['lpips_alex'].about} Absent here; the tables' notes say why." in told
    assert COLUMNS["ssim"].about in told


def test_a_strip_shrinks_its_pictures_and_names_those_that_are_gone(parse, tmp_path):
    images.write_png(tmp_path / "deep" / "a.png", np.zeros((100, 640, 3), np.uint8))
    row = measured.strip(tmp_path, [("first", "deep/a.png"), ("second", "deep/b.png")])
    found = parse(page.render("a", [row]))
    ((alt, kind, content),) = found.images
    assert (alt, kind) == ("first", "png") and content[16:24] == bytes([0, 0, 1, 64, 0, 0, 0, 50])
    assert "deep/b.png: not there" in found.texts


def test_things_are_counted():
    assert [measured.counted(n, "frame") for n in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
