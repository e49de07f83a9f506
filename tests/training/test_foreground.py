import dataclasses
import json
import logging
import os
import signal
import sys
import threading

import pytest
import toys
from toys import joint_run, same, saved

from deepsim_jax.training import foreground


def train(run, **options):
    return foreground.train(run, begun=lambda: None, **options)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_rest_follows_exactly(tmp_path, number):
    whole = toys.train(joint_run(tmp_path / "whole", ema=0.5))
    run, handler = joint_run(tmp_path / "run", ema=0.5), signal.getsignal(number)
    end = train(run, listener=toys.At(5, lambda: os.kill(os.getpid(), number)))
    assert not end.finished and end.step == 5 and saved(run) == [4, 5]
    assert signal.getsignal(number) is handler
    end = train(run)
    assert end.finished
    same(end.state, whole.state)
    rows, expected = (
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (run.workdir, whole.run.workdir)
    )
    assert rows[-1] == expected[-1]
    assert [row["step"] for row in rows] == [2, 4, 5, 6, 8, 9], "where it stopped, and once"


def test_the_log_tells_unless_there_is_another_listener(tmp_path, caplog, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # another test may be a notebook
    caplog.set_level(logging.INFO, "deepsim_jax")
    train(joint_run(tmp_path / "told"))
    assert "step 9/9" in caplog.text
    caplog.clear()
    events = toys.Events()
    train(joint_run(tmp_path / "silent"), listener=events)
    assert "step 9/9" not in caplog.text and events.named("advance")[-1] == [9]


def test_a_callable_stops_instead_of_signals(tmp_path):
    handler, during = signal.getsignal(signal.SIGINT), []

    def stop():
        during.append(signal.getsignal(signal.SIGINT))
        return len(during) == 2

    assert train(joint_run(tmp_path), stop=stop).step == 2
    assert during == [handler, handler]


def test_it_works_outside_of_the_main_thread(tmp_path):
    results = []
    thread = threading.Thread(target=lambda: results.append(train(joint_run(tmp_path))))
    thread.start()
    thread.join()
    assert results[0].finished


def test_tensorboard_is_written_whoever_listens(tmp_path):
    run = dataclasses.replace(joint_run(tmp_path), tensorboard=True)
    train(run, listener=toys.Events())
    (file,) = (tmp_path / "tensorboard").iterdir()
    assert b"contrast" in file.read_bytes()
