import logging
import sys

import numpy as np
import pytest
import toys

from deepsim_jax.errors import UserError
from deepsim_jax.training import listeners
from deepsim_jax.training.listeners import Leg

EVENTS = [
    ("begin", 3, [Leg("", 9, 1.0)]),
    ("stage", 0),
    ("advance", 4),
    ("report", 4, {"d": 0.5}),
    ("saved", 4),
    ("preview", 4, [np.zeros((1, 1, 3), np.uint8)]),
    ("measured", 4, {"quality": 0.5}),
    ("close",),
]


def test_without_a_terminal_lines_tell_step_speed_and_losses(tmp_path, caplog, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # another test may be a notebook
    caplog.set_level(logging.INFO, "deepsim_jax")
    bar = listeners.Bar()
    bar.begin(4, [Leg("", 9, 1.0)])
    bar.stage(0)
    bar.advance(5)
    bar.report(5, {"d": 0.25, "rate": 1e-4})
    for step in (6, 7, 8):
        bar.advance(step)
    bar.report(8, {"d": 0.125, "rate": 1e-4})
    bar.close()
    first, second = caplog.messages
    assert first.startswith("step 5/9  compiled") and first.endswith("d 0.25")
    assert second.startswith("step 8/9") and "step/s" in second and "left" in second


class Clock:
    """Stands for `time`; each step takes so many seconds."""

    def __init__(self):
        self.now, self.step = 0.0, 0

    def monotonic(self):
        return self.now

    def run(self, bar, steps, seconds):
        for _ in range(steps):
            self.now += seconds
            self.step += 1
            bar.advance(self.step)


def test_the_time_left_knows_that_later_stages_are_slower(tmp_path, caplog, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(listeners, "time", clock := Clock())
    caplog.set_level(logging.INFO, "deepsim_jax")
    bar, clock.step = listeners.Bar(), 1
    bar.begin(1, [Leg("small", 5, 10.0), Leg("large", 20, 40.0), Leg("full", 1, 80.0)])
    bar.stage(0)
    clock.run(bar, 1, 30.0)  # with compilation
    clock.run(bar, 2, 1.0)
    bar.report(4, {"d": 0.25})
    clock.run(bar, 1, 1.0)
    bar.report(5, {"d": 0.25})
    bar.stage(1)
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
    monkeypatch.setattr(listeners, "time", clock := Clock())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = listeners.Bar()
    bar.begin(0, [Leg("small", 4, 1.0), Leg("large", 2, 4.0)])
    bar.stage(0)
    assert "? left" in capsys.readouterr().err
    clock.run(bar, 3, 2.0)
    bar.report(3, {"d": 0.25})
    bar.close()
    told = capsys.readouterr().err.split("\r")[-1]
    assert told.startswith("small:  50%") and "| 3/6 [" in told
    assert "00:18 left" in told and "d=0.25" in told


def test_tensorboard_gets_the_same_numbers(tmp_path):
    board = listeners.TensorBoard(tmp_path / "tensorboard")
    board.begin(0, [Leg("", 2, 1.0)])
    board.report(1, {"loss_of_d": 0.25})
    board.close()
    (file,) = (tmp_path / "tensorboard").iterdir()
    assert b"loss_of_d" in file.read_bytes()


def test_tensorboard_that_is_not_installed_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(UserError, match="train.tensorboard=True: install the extra, pip install"):
        listeners.TensorBoard(tmp_path)


def test_several_listeners_are_told_alike_and_all_closed():
    class Failing(listeners.Listener):
        def close(self):
            raise MemoryError

    before, after = toys.Events(), toys.Events()
    several = listeners.Listeners(before, Failing(), after)
    for name, *arguments in EVENTS[:-1]:
        getattr(several, name)(*arguments)
    with pytest.raises(MemoryError):
        several.close()
    assert before.all == after.all == EVENTS


def test_whoever_overrides_nothing_hears_nothing():
    class Deaf(listeners.Listener):
        pass

    for listener in (Deaf(), listeners.Listeners()):
        for name, *arguments in EVENTS:
            assert getattr(listener, name)(*arguments) is None
