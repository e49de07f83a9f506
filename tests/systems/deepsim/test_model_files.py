"""Edited primitives and masks as files bring them to a model."""

import io
import logging

import numpy as np
import pytest
from PIL import Image

from deepsim_jax.errors import UserError


@pytest.fixture
def edited(trained):
    """A changed primitive, in colours that the network knows."""
    return trained.apply_recipe(
        {
            "size": [64, 53],
            "steps": [{"copy": {"polygon": [[8, 10], [30, 10], [30, 40], [8, 40]], "by": [28, 6]}}],
        }
    )


def test_a_lossy_or_layered_edit_frees_what_the_edit_changed(trained, edited, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    exact = trained.edit(edited, keep="auto")
    free = (exact != trained.photo).any(-1)
    # Only what was painted, on an empty layer.
    painted = (edited != trained.primitive).any(-1)
    layer = np.dstack([np.where(painted[..., None], edited, 0), np.uint8(painted * 255)])
    np.testing.assert_array_equal(trained.edit(layer, keep="auto"), exact)
    assert "the original drawing shows through" in caplog.text
    for quality in (75, 95):
        buffer = io.BytesIO()
        Image.fromarray(edited).save(buffer, "JPEG", quality=quality)
        lossy = trained.edit(np.asarray(Image.open(buffer)), keep="auto")
        assert abs((lossy != trained.photo).any(-1).mean() - free.mean()) < 0.06
    caplog.clear()
    trained.edit(255 - trained.primitive, keep="auto")
    (record,) = [r for r in caplog.records if "keep=auto" in r.message]
    assert record.levelno == logging.WARNING and "counts as changed" in record.message


def test_a_mask_in_a_file_is_not_taken_for_the_word_auto(trained, edited, caplog, tmp_path):
    little = np.zeros((53, 64), np.uint8)
    little[:5] = 255
    Image.fromarray(little).save(tmp_path / "keep.png")
    trained.edit(edited, keep=str(tmp_path / "keep.png"))
    assert "keep=auto" not in caplog.text


def test_a_keep_mask_of_all_or_nothing_is_refused(trained, edited):
    for level, words in ((0, "no pixel is kept"), (1, "every pixel is kept")):
        with pytest.raises(UserError, match=words):
            trained.edit(edited, keep=np.full((53, 64), level))
