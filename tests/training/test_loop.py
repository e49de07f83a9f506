import json
import threading

import numpy as np
import pytest
import toys
from toys import joint_run, same, saved

from deepsim_jax.training import devices, progress


def logged(run):
    return [json.loads(line) for line in (run.workdir / "metrics.jsonl").read_text().splitlines()]


def train(run, **options):
    """(state, whether it is the last step's)."""
    end = toys.train(run, **options)
    return end.state, end.finished


def test_what_happens_when(tmp_path):
    moments = []
    run = joint_run(
        tmp_path,
        preview=3,
        keep=9,
        ema=0.9,
        show=lambda params: [np.full((16, 16, 3), int(params["a"].sum() > 0), np.uint8)] * 2,
    )
    state, finished = train(run, begun=lambda: moments.append(saved(run)))
    assert finished and int(state.step) == 9
    assert moments == [[0]], "a run begins when, and only when, it can be loaded"
    assert saved(run) == [0, 4, 8, 9]
    assert [row["step"] for row in logged(run)] == [2, 4, 6, 8, 9]
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == [
        "000003.png",
        "000006.png",
        "000009.png",
    ]
    assert state.best("generator") is state.ema["generator"]


@pytest.mark.slow
def test_held_out_quality_is_of_the_moving_average_and_resumed_without_gap(tmp_path):
    def measure(params):
        return {"quality": float(params["a"][0])}

    def rows(run):
        found = progress.read_metrics(run.workdir / "heldout.jsonl")
        return [(row["step"], row["quality"]) for row in found]

    whole = joint_run(tmp_path / "whole", measure=measure, every=3, total=10, ema=0.5)
    state, _ = train(whole)
    assert [step for step, _ in rows(whole)] == [3, 6, 9, 10]
    assert rows(whole)[-1][1] == float(state.ema["generator"]["a"][0])
    assert state.ema["generator"]["a"][0] != state.params["generator"]["a"][0]
    cut = joint_run(tmp_path / "cut", measure=measure, every=3, total=10, ema=0.5)
    with pytest.raises(KeyboardInterrupt):
        train(cut, listener=toys.At(7, toys.interrupt))
    train(cut)
    assert rows(cut) == rows(whole)
    seconds = [row["seconds"] for row in progress.read_metrics(cut.workdir / "heldout.jsonl")]
    assert seconds == sorted(seconds) and seconds[0] >= 0


def test_a_kill_between_saving_and_measuring_leaves_no_hole(tmp_path):
    def measure(params):
        if fail:
            raise KeyboardInterrupt
        return {"quality": float(params["a"][0])}

    def rows(run):
        return [row["step"] for row in progress.read_metrics(run.workdir / "heldout.jsonl")]

    for total, expected in ((4, [4]), (8, [4, 8])):
        fail, run = True, joint_run(tmp_path / str(total), measure=measure, every=4, total=total, save=4)
        with pytest.raises(KeyboardInterrupt):
            train(run)
        assert rows(run) == [] and saved(run)[-1] == 4
        fail = False
        train(run)
        assert rows(run) == expected


def test_logged_figures_are_of_the_step_that_they_name(tmp_path):
    rare, often = (joint_run(tmp_path / str(n), log=n) for n in (4, 1))
    for run in (rare, often):
        train(run)
    every = {row["step"]: row for row in logged(often)}
    assert list(every) == list(range(1, 10))
    assert logged(rare) == [every[4], every[8], every[9]]


def test_a_finished_run_is_loaded_and_an_extended_one_goes_on(tmp_path):
    run = joint_run(tmp_path)
    state, _ = train(run)
    before = logged(run)
    again, finished = train(run)
    assert finished and logged(run) == before
    same(state, again)
    longer = joint_run(tmp_path, total=12)
    state, finished = train(longer)
    assert finished and int(state.step) == 12 and saved(run) == [9, 12]
    assert logged(run)[:5] == before and [r["step"] for r in logged(run)[5:]] == [10, 12]


def test_processes_agree_on_an_end_by_the_steps_since_their_start(tmp_path, monkeypatch):
    def agreed(call, asked):
        calls.append(call)
        return call == 3

    monkeypatch.setattr(devices, "stop_agreed", agreed)
    run = joint_run(tmp_path)
    for step in 3, 6:  # a process that has not called yet is taken for one at 0
        calls = []
        state, finished = train(run)
        assert calls == [1, 2, 3] and not finished and int(state.step) == step


def test_many_steps_per_dispatch_stop_where_something_happens_and_resume_exactly(tmp_path, monkeypatch):
    def run(name):
        return joint_run(tmp_path / name, total=23, log=5, save=8, dispatch=6, ema=0.5)

    lengths, call = [], devices.Compiled.__call__

    def counted(compiled, state, data, frozen, steps):
        lengths.append(steps)
        return call(compiled, state, data, frozen, steps)

    monkeypatch.setattr(devices.Compiled, "__call__", counted)
    expected, finished = train(run("whole"))
    assert finished and lengths == [5, 3, 2, 5, 1, 4, 3]
    assert [row["step"] for row in logged(run("whole"))] == [5, 10, 15, 20, 23]
    assert saved(run("whole")) == [16, 23]
    with pytest.raises(KeyboardInterrupt):
        train(run("cut"), listener=toys.At(20, toys.interrupt))
    same(train(run("cut"))[0], expected)


def test_a_listener_hears_everything_in_order(tmp_path):
    events = toys.Events()
    picture = np.full((16, 16, 3), 9, np.uint8)
    run = joint_run(
        tmp_path,
        total=4,
        log=2,
        save=3,
        preview=4,
        show=lambda params: [picture],
        measure=lambda params: {"quality": 0.5},
        every=4,
    )
    train(run, listener=events)
    assert [event[:2] for event in events.all] == [
        ("begin", 0),
        ("stage", 0),
        ("advance", 1),
        ("advance", 2),
        ("advance", 3),
        ("report", 2),  # has arrived by now
        ("saved", 3),
        ("advance", 4),
        ("report", 4),
        ("saved", 4),
        ("preview", 4),
        ("measured", 4),
        ("close",),
    ]
    assert events.named("begin") == [[0, [("", 4, 1.0)]]]
    told = [{"step": step, **values} for step, values in events.named("report")]
    assert told == logged(run)
    assert events.named("measured") == [[4, {"quality": 0.5}]]
    np.testing.assert_array_equal(events.named("preview")[0][1], [picture])


def test_a_stop_is_asked_for_after_every_dispatch_and_saves(tmp_path):
    asked, run = [], joint_run(tmp_path, total=23, log=5, save=8, dispatch=6)

    def stop():
        asked.append(len(asked))
        return len(asked) == 3

    state, finished = train(run, stop=stop)
    assert (len(asked), int(state.step), finished) == (3, 10, False) and saved(run) == [8, 10]
    state, finished = train(run)
    assert finished
    same(state, train(joint_run(tmp_path / "whole", total=23, log=5, save=8, dispatch=6))[0])


def test_a_training_in_a_thread_is_stopped_by_what_it_tells_and_goes_on_exactly(tmp_path):
    expected, _ = train(joint_run(tmp_path / "whole", ema=0.5))
    run, events, results = joint_run(tmp_path / "run", ema=0.5), toys.Events(), []

    def stop():
        return len(events.named("advance")) == 5

    thread = threading.Thread(target=lambda: results.append(train(run, listener=events, stop=stop)))
    thread.start()
    thread.join()
    ((state, finished),) = results
    assert not finished and int(state.step) == 5 and saved(run) == [4, 5]
    assert events.named("saved") == [[4], [5]] and events.all[-1] == ("close",)
    state, finished = train(run)
    assert finished
    same(state, expected)
    assert logged(run)[-1] == logged(joint_run(tmp_path / "whole"))[-1]
    assert [row["step"] for row in logged(run)] == [2, 4, 5, 6, 8, 9], "where it stopped, and once"


def test_a_stop_is_passed_on_to_the_other_processes_once(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(devices, "pass_on_stop", lambda: calls.append("passed on"))
    monkeypatch.setattr(
        devices, "stop_agreed", lambda call, asked: calls.append((call, asked)) or call == 4
    )
    state, _ = train(joint_run(tmp_path), stop=lambda: len(calls) >= 1)
    assert calls == [(1, False), "passed on", (2, True), (3, True), (4, True)]
    assert int(state.step) == 4


def test_what_a_listener_raises_ends_the_training_and_closes_all(tmp_path):
    class Failing(toys.Events):
        def report(self, step, values):
            raise MemoryError

    failing, run = Failing(), joint_run(tmp_path)
    with pytest.raises(MemoryError):
        train(run, listener=failing)
    assert failing.all[-1] == ("close",) and saved(run) == [0]
    assert [row["step"] for row in logged(run)] == [2], "the folder's record comes first"
