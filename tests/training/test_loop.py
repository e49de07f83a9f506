import json
import os
import signal
import threading

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from deepsim_jax.training import checkpoint, devices, loop, progress, stages
from deepsim_jax.training import step as steps


class Toy:
    """Two numbers that pull at each other; `spoil` turns a loss bad from a step on."""

    def __init__(self, spoil=lambda g: 0.0, contrast=1.0):
        self.spoil, self.contrast = spoil, contrast

    def init(self, key):
        return {"a": jnp.zeros(3)}, {"b": jnp.ones(2)}

    def batch(self, keys, pair):
        return jax.vmap(jax.random.uniform)(keys) * pair

    def losses(self, g, d, batch, frozen):
        g_loss = jnp.sum((g["a"] - 1) ** 2) + jnp.mean(batch) + self.spoil(g["a"])
        d_loss = jnp.sum((d["b"] - g["a"][:2]) ** 2)
        return (g_loss, d_loss), {"g": g_loss, "d": d_loss, "contrast": jnp.float32(self.contrast)}


def make(workdir, task=None, *, total=9, log=2, save=4, preview=0, keep=2, ema=0.0, rate=0.1,
         show=lambda params: [], measure=None, every=0, dispatch=1):
    stage = stages.Simultaneous(
        task=task or Toy(), seed=3, pair=jnp.float32(1), frozen=None,
        updates=steps.Updates(moments=optax.scale_by_adam(b1=0.5, b2=0.999), g_rate=rate,
                              d_rate=rate, steps=total, constant_steps=total, ema=ema))
    return loop.Run(
        workdir=workdir, stages=(stage,), batch=2, device_count=1,
        cadence=loop.Cadence(log=log, save=save, preview=preview, keep=keep, measure=every),
        preview=show, measure=measure, steps_per_dispatch=dispatch)


def train(run, begun=lambda: None):
    """(state, whether it is the last step's)."""
    end = loop.train(run, begun=begun)
    return end.state, end.finished


def logged(run):
    return [json.loads(line) for line in (run.workdir / "metrics.jsonl").read_text().splitlines()]


def saved(run):
    return checkpoint.Checkpoints(run.checkpoint_folder, read_only=True).steps()


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_what_happens_when(tmp_path):
    moments = []
    run = make(tmp_path, preview=3, keep=9, ema=0.9,
               show=lambda params: [np.full((16, 16, 3), int(params["a"].sum() > 0), np.uint8)] * 2)
    state, finished = train(run, begun=lambda: moments.append(saved(run)))
    assert finished and int(state.step) == 9
    assert moments == [[0]], "a run begins when, and only when, it can be loaded"
    assert saved(run) == [0, 4, 8, 9]
    assert [row["step"] for row in logged(run)] == [2, 4, 6, 8, 9]
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == [
        "000003.png", "000006.png", "000009.png"]
    assert state.best_generator is state.ema


def test_held_out_quality_is_of_the_moving_average_and_resumed_without_gap(tmp_path, monkeypatch):
    def measure(params):
        return {"quality": float(params["a"][0])}

    def rows(run):
        found = progress.read_metrics(run.workdir / "heldout.jsonl")
        return [(row["step"], row["quality"]) for row in found]

    whole = make(tmp_path / "whole", measure=measure, every=3, total=10, ema=0.5)
    state, _ = train(whole)
    assert [step for step, _ in rows(whole)] == [3, 6, 9, 10]
    assert rows(whole)[-1][1] == float(state.ema["a"][0]) != float(state.generator["a"][0])
    cut = make(tmp_path / "cut", measure=measure, every=3, total=10, ema=0.5)
    monkeypatch.setattr(progress.Progress, "advance", _stop_at(7))
    with pytest.raises(KeyboardInterrupt):
        train(cut)
    monkeypatch.undo()
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
        fail, run = True, make(tmp_path / str(total), measure=measure, every=4, total=total, save=4)
        with pytest.raises(KeyboardInterrupt):
            train(run)
        assert rows(run) == [] and saved(run)[-1] == 4
        fail = False
        train(run)
        assert rows(run) == expected


def _stop_at(step):
    def advance(bar, steps):
        bar._done += steps
        bar._first = bar._first or (bar._done, 0.0)
        if bar._done == step:
            raise KeyboardInterrupt

    return advance


def test_logged_figures_are_of_the_step_that_they_name(tmp_path):
    rare, often = (make(tmp_path / str(n), log=n) for n in (4, 1))
    for run in (rare, often):
        train(run)
    every = {row["step"]: row for row in logged(often)}
    assert list(every) == list(range(1, 10))
    assert logged(rare) == [every[4], every[8], every[9]]


def test_a_finished_run_is_loaded_and_an_extended_one_goes_on(tmp_path):
    run = make(tmp_path)
    state, _ = train(run)
    before = logged(run)
    again, finished = train(run)
    assert finished and logged(run) == before
    same(state, again)
    longer = make(tmp_path, total=12)
    state, finished = train(longer)
    assert finished and int(state.step) == 12 and saved(run) == [9, 12]
    assert logged(run)[:5] == before and [r["step"] for r in logged(run)[5:]] == [10, 12]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_rest_follows_exactly(tmp_path, monkeypatch, number):
    whole = make(tmp_path / "whole", ema=0.5)
    expected, _ = train(whole)
    run, advance = make(tmp_path / "run", ema=0.5), progress.Progress.advance

    def interrupted(bar, steps):
        advance(bar, steps)
        if bar._done == 5:
            os.kill(os.getpid(), number)

    handler = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(progress.Progress, "advance", interrupted)
        state, finished = train(run)
    assert not finished and int(state.step) == 5 and saved(run) == [4, 5]
    assert signal.getsignal(number) is handler
    state, finished = train(run)
    assert finished
    same(state, expected)
    assert logged(run)[-1] == logged(whole)[-1]
    assert [row["step"] for row in logged(run)] == [2, 4, 5, 6, 8, 9], "where it stopped, and once"


def test_processes_agree_on_an_end_by_the_steps_since_their_start(tmp_path, monkeypatch):
    def agreed(call, asked):
        calls.append(call)
        return call == 3

    monkeypatch.setattr(devices, "stop_agreed", agreed)
    run = make(tmp_path)
    for step in 3, 6:  # a process that has not called yet is taken for one at 0
        calls = []
        state, finished = train(run)
        assert calls == [1, 2, 3] and not finished and int(state.step) == step


def test_many_steps_per_dispatch_stop_where_something_happens_and_resume_exactly(tmp_path, monkeypatch):
    def run(name):
        return make(tmp_path / name, total=23, log=5, save=8, dispatch=6, ema=0.5)

    lengths, call = [], devices.Compiled.__call__

    def counted(compiled, state, data, frozen, steps):
        lengths.append(steps)
        return call(compiled, state, data, frozen, steps)

    monkeypatch.setattr(devices.Compiled, "__call__", counted)
    expected, finished = train(run("whole"))
    assert finished and lengths == [5, 3, 2, 5, 1, 4, 3]
    assert [row["step"] for row in logged(run("whole"))] == [5, 10, 15, 20, 23]
    assert saved(run("whole")) == [16, 23]
    with monkeypatch.context() as patch:
        patch.setattr(progress.Progress, "advance", _stop_at(20))
        with pytest.raises(KeyboardInterrupt):
            train(run("cut"))
    same(train(run("cut"))[0], expected)


def test_training_works_outside_of_the_main_thread(tmp_path):
    found = []
    thread = threading.Thread(
        target=lambda: found.append(train(make(tmp_path))))
    thread.start()
    thread.join()
    assert found[0][1]


@pytest.mark.parametrize("log, what", [(1, "^g not finite at step 6"),
                                       (50, "^a parameter is not finite at step 8")])
def test_a_loss_that_is_not_finite_stops_with_advice_and_the_last_good_state(tmp_path, log, what):
    task = Toy(spoil=lambda a: jnp.where(a[0] > 0.45, jnp.nan, 0.0) * a[0])
    run = make(tmp_path, task, log=log, total=20)
    with pytest.raises(loop.Diverged, match=f"{what}; the last good checkpoint is step 4; train in "
                       "a new folder with smaller optim.g_rate") as found:
        train(run)
    assert "\n" not in str(found.value) and saved(run) == [0, 4]
    kept = checkpoint.Checkpoints(run.checkpoint_folder, read_only=True).restore(
        4, loop.to_trees(jax.eval_shape(run.stages[0].begin)))
    assert np.isfinite(kept["generator"]["a"]).all()


def test_a_parameter_that_is_not_finite_is_never_saved(tmp_path):
    # The loss is finite, its gradient is not.
    task = Toy(spoil=lambda a: jnp.sum(jnp.sqrt(jnp.abs(a - a))))
    with pytest.raises(loop.Diverged, match="a parameter is not finite at step 1"):
        train(make(tmp_path, task, save=1, log=50))
    assert saved(make(tmp_path)) == [0]


@pytest.mark.parametrize("total, stops", [(loop.COLLAPSED_LOGS - 1, False),
                                         (loop.COLLAPSED_LOGS + 3, True)])
def test_flat_pictures_stop_a_run_after_a_while(tmp_path, total, stops):
    run = make(tmp_path, Toy(contrast=0.001), total=total, log=1, save=50)
    if not stops:
        assert train(run)[1]
        return
    with pytest.raises(loop.Diverged, match="flat pictures since 10 logs, now at step 10"):
        train(run)


def test_trees_hold_the_whole_state(tmp_path):
    for ema in (0.0, 0.9):
        state = make(tmp_path, ema=ema).stages[0].begin()
        same(loop.from_trees(loop.to_trees(state)), state)
