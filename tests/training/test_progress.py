import json
import logging
import math
import sys

import numpy as np
import pytest

from deepsim_jax.data import images
from deepsim_jax.errors import UserError
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
        {"step": 20, "seconds": 12.0, "lpips_alex": 0.125}]


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


def test_without_a_terminal_lines_tell_step_speed_and_losses(tmp_path, caplog, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # another test may be a notebook
    caplog.set_level(logging.INFO, "deepsim_jax")
    bar = progress.Progress(tmp_path, start=4, stages=[(9, 1.0)], tensorboard=False)
    bar.advance(1)
    bar.report(5, {"d": 0.25, "rate": 1e-4})
    for _ in range(3):
        bar.advance(1)
    bar.report(8, {"d": 0.125, "rate": 1e-4})
    bar.close()
    first, second = caplog.messages
    assert first.startswith("step 5/9  compiled") and first.endswith("d 0.25")
    assert second.startswith("step 8/9") and "step/s" in second and "left" in second


class Clock:
    """Stands for `time`; each step takes so many seconds."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def run(self, bar, steps, seconds):
        for _ in range(steps):
            self.now += seconds
            bar.advance(1)


def test_the_time_left_knows_that_later_stages_are_slower(tmp_path, caplog, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(progress, "time", clock := Clock())
    caplog.set_level(logging.INFO, "deepsim_jax")
    bar = progress.Progress(tmp_path, start=1, stages=[(5, 10.0), (20, 40.0), (1, 80.0)],
                            tensorboard=False)
    bar.begin("small")
    clock.run(bar, 1, 30.0)  # with compilation
    clock.run(bar, 2, 1.0)
    bar.report(4, {"d": 0.25})
    clock.run(bar, 1, 1.0)
    bar.report(5, {"d": 0.25})
    bar.begin("large")
    clock.run(bar, 1, 30.0)
    clock.run(bar, 9, 4.0)
    bar.report(15, {"d": 0.25})
    bar.close()
    lines = [line for line in caplog.messages if line.startswith("step")]
    # One step of 1 s, 20 of 4 s and one of 8 s; the latter two; 10 of 4 s and one of 8 s.
    for line, left in zip(lines, ("01:29", "01:28", "00:48"), strict=True):
        assert f"step/s  {left} left" in line


def test_on_a_terminal_a_bar_says_the_same(tmp_path, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(progress, "time", clock := Clock())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = progress.Progress(tmp_path, start=0, stages=[(4, 1.0), (2, 4.0)], tensorboard=False)
    bar.begin("small")
    assert "? left" in capsys.readouterr().err
    clock.run(bar, 3, 2.0)
    bar.report(3, {"d": 0.25})
    bar.close()
    told = capsys.readouterr().err.split("\r")[-1]
    assert told.startswith("small:  50%") and "| 3/6 [" in told
    assert "00:18 left" in told and "d=0.25" in told


def test_tensorboard_gets_the_same_numbers(tmp_path):
    bar = progress.Progress(tmp_path, start=0, stages=[(2, 1.0)], tensorboard=True)
    bar.advance(1)
    bar.report(1, {"d": 0.25})
    bar.close()
    (file,) = (tmp_path / "tensorboard").iterdir()
    assert b"d" in file.read_bytes() and file.stat().st_size > 50


def test_previews_stand_side_by_side(tmp_path):
    pictures = [np.full((20, 30, 3), 40 * n, np.uint8) for n in range(3)]
    progress.save_preview(tmp_path / "a" / "p.png", pictures)
    row = images.read_image(tmp_path / "a" / "p.png")
    assert row.shape == (20, 98, 3) and row[0, [0, 34, 68], 0].tolist() == [0, 40, 80]
    assert (row[:, 30:34] == 255).all()
