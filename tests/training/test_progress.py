import json
import math

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.training import progress


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_resumed_run_logs_each_step_once(tmp_path):
    path = tmp_path / "metrics.jsonl"
    metrics = progress.Metrics(path, start=0)
    for step in (2, 4, 6):
        metrics.write(step, {"d": step / 2})
    metrics.close()
    with open(path, "a") as file:
        file.write('{"step": 8, "d')  # killed in the middle of a line
    assert [row["step"] for row in progress.read_metrics(path)] == [2, 4, 6]
    metrics = progress.Metrics(path, start=4)
    metrics.write(6, {"d": 30.0})
    assert rows(path) == [{"step": 2, "d": 1.0}, {"step": 4, "d": 2.0}, {"step": 6, "d": 30.0}]
    metrics.close()


def test_the_clock_of_held_out_quality_stands_while_it_is_measured(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def slow(value):
        def measure():
            now[0] += 1000
            return {"lpips_alex": value}

        return measure

    held_out = progress.HeldOut(tmp_path / "heldout.jsonl", start=0)
    for step, value in ((10, 0.5), (20, 0.25)):
        now[0] += 7
        held_out.write(step, slow(value))
    held_out.close()
    resumed = progress.HeldOut(tmp_path / "heldout.jsonl", start=15)
    now[0] += 3
    resumed.mark(18)
    now[0] += 1
    resumed.mark(19)  # whose state is not written any more
    now[0] += 100  # lost by a kill
    resumed.close()
    resumed = progress.HeldOut(tmp_path / "heldout.jsonl", start=18)
    now[0] += 2
    resumed.write(20, slow(0.125))
    resumed.close()
    assert rows(tmp_path / "heldout.jsonl") == [
        {"step": 10, "seconds": 7.0, "lpips_alex": 0.5},
        {"step": 20, "seconds": 12.0, "lpips_alex": 0.125},
    ]


def test_numbers_that_json_does_not_have_are_null(tmp_path):
    metrics = progress.Metrics(tmp_path / "m.jsonl", start=0)
    metrics.write(1, {"d": math.nan, "g": math.inf, "x": 1.0})
    assert rows(tmp_path / "m.jsonl") == [{"step": 1, "d": None, "g": None, "x": 1.0}]
    metrics.close()


def test_a_full_disk_is_told_once(tmp_path):
    metrics = progress.Metrics(tmp_path / "m.jsonl", start=0)
    metrics._file.close()
    metrics._file = open("/dev/full", "w")
    with pytest.raises(UserError, match="m.jsonl: cannot be written .*space"):
        metrics.write(1, {"d": 1.0})
    metrics.close()


def test_no_file_has_no_rows(tmp_path):
    assert progress.read_metrics(tmp_path / "none.jsonl") == []


def test_previews_stand_side_by_side(tmp_path):
    pictures = [np.full((20, 30, 3), 40 * n, np.uint8) for n in range(3)]
    progress.save_preview(tmp_path / "a" / "p.png", pictures)
    row = images.read_image(tmp_path / "a" / "p.png")
    assert row.shape == (20, 98, 3) and row[0, [0, 34, 68], 0].tolist() == [0, 40, 80]
    assert (row[:, 30:34] == 255).all()


def test_a_record_has_held_out_quality_only_where_it_is_measured(tmp_path):
    for name, measured in (("a", True), ("b", False)):
        record = progress.Record(tmp_path / name, start=0, measured=measured)
        record.report(1, {"d": 0.5})
        record.saved(1)
        record.preview(1, [np.zeros((16, 16, 3), np.uint8)])
        if measured:
            assert record.last_measured == 0
            assert record.measure(1, lambda: {"quality": 0.25}) == {"quality": 0.25}
            assert record.last_measured == 1
        record.close()
        assert rows(tmp_path / name / "metrics.jsonl") == [{"step": 1, "d": 0.5}]
        assert (tmp_path / name / "samples" / "000001.png").is_file()
    assert [row["quality"] for row in rows(tmp_path / "a" / "heldout.jsonl")] == [0.25]
    assert [p.name for p in (tmp_path / "b").iterdir() if "heldout" in p.name] == []
