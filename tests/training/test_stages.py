"""Runs of several stages: what is handed on, saved, told, and continued bit for bit."""

import json
import logging
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import toys
from toys import LENGTH, alternating_run, same, train

from deepsim_jax.training import alternating, checkpoint, loop, progress, stages
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps


def trees(end):
    return states.to_trees(end.state, end.previous)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train(alternating_run(tmp_path_factory.mktemp("whole"), ema=0.5))


def test_what_happens_when(tmp_path):
    run = alternating_run(tmp_path, preview=4)
    end = train(run)
    assert end.finished and (end.step, end.index, run.steps) == (15, 2, 15)
    saved = checkpoint.Checkpoints(run.checkpoint_folder, read_only=True).steps()
    assert saved == [0, 2, 4, 5, 6, 8, 10, 12, 14, 15], "a stage's end is always saved"
    rows = progress.read_metrics(tmp_path / "metrics.jsonl")
    assert [(row["step"], row["scale"]) for row in rows] == [
        (2, 0),
        (4, 0),
        (5, 0),
        (6, 1),
        (8, 1),
        (10, 1),
        (12, 2),
        (14, 2),
        (15, 2),
    ]
    pictures = sorted(path.stem for path in (tmp_path / "samples").iterdir())
    assert pictures == ["000004", "000005", "000008", "000010", "000012", "000015"]
    assert [g.shape for g in end.trained.generators] == [
        (2,),
        (3,),
        (4,),
    ] and end.trained.name == "3 stages"


def test_the_next_stage_is_compiled_while_this_one_trains(tmp_path, monkeypatch):
    seen, prepare = [], loop.devices.Compiled.prepare

    def prepared(compiled, state, *rest):
        seen.append(state.params["generator"].shape)
        prepare(compiled, state, *rest)

    class Advances(toys.Events):
        def advance(self, step):
            seen.append(step)

    monkeypatch.setattr(loop.devices.Compiled, "prepare", prepared)
    assert train(alternating_run(tmp_path), listener=Advances()).finished
    ends = LENGTH + 1, 3 * LENGTH + 1
    assert seen == [(2,), (3,), *range(1, ends[0]), (4,), *range(ends[0], ends[1])]


def test_a_stopped_run_waits_for_the_compiler(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    stopped, compiled, compile_ = threading.Event(), [], loop.devices.Compiled._compile

    def slow(self, state, *rest):
        if compiled:  # the second stage's
            assert stopped.wait(300)
            time.sleep(0.2)
        compiled.append(compile_(self, state, *rest))
        return compiled[-1]

    def agreed(call, asked):
        stopped.set()
        return True

    monkeypatch.setattr(loop.devices.Compiled, "_compile", slow)
    monkeypatch.setattr(loop.devices, "stop_agreed", agreed)
    assert train(alternating_run(tmp_path)).step == 1
    assert len(compiled) == 2 and "waiting for the compiler" in caplog.text


@pytest.mark.slow
def test_each_stage_stands_on_the_one_before(whole):
    """Against the stages' steps called one by one."""
    previous = None
    for stage in whole.run.stages:
        state, step = stage.begin(previous), jax.jit(stage.make_step(None))
        for _ in range(LENGTH):
            state, _ = step(state, jnp.arange(1), *stage.inputs(previous))
        previous = stage.export(previous, state)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), previous, whole.trained)
    same(whole.trained.generators[-1], whole.state.ema["generator"])


@pytest.mark.parametrize("moment", [1, 3, 5, 6, 10, 14])
def test_a_killed_run_continues_bit_for_bit(tmp_path, whole, moment):
    """Killed within a stage and at its end, off the grid of saving and on it."""
    run = alternating_run(tmp_path, ema=0.5)
    with pytest.raises(KeyboardInterrupt):
        train(run, listener=toys.At(moment + 1, toys.interrupt))
    end = train(run)
    same(trees(end), trees(whole))
    text = (tmp_path / "metrics.jsonl").read_text()
    assert text == (whole.run.workdir / "metrics.jsonl").read_text()
    assert [json.loads(line)["step"] for line in text.splitlines()][-1] == 15


def test_saving_in_the_background_changes_nothing(tmp_path, whole, monkeypatch):
    monkeypatch.setattr(loop.jax, "default_backend", lambda: "gpu")
    run = alternating_run(tmp_path, ema=0.5)
    same(trees(train(run)), trees(whole))
    saver = checkpoint.Checkpoints(run.checkpoint_folder, read_only=True)
    assert saver.steps() == [0, 2, 4, 5, 6, 8, 10, 12, 14, 15]
    for step in (4, 10, 14):
        kept = checkpoint.Checkpoints(whole.run.checkpoint_folder, read_only=True)
        same(trees(loop.restore(run, saver, step)), trees(loop.restore(whole.run, kept, step)))


def test_a_finished_run_is_only_read(whole):
    again = train(whole.run)
    assert again.finished
    same(trees(again), trees(whole))


def test_a_stop_is_within_a_stage_and_told(tmp_path, whole):
    events = toys.Events()
    run = alternating_run(tmp_path, ema=0.5)
    end = train(run, listener=events, stop=lambda: events.all[-1] == ("advance", 8))
    assert (end.step, end.index, end.finished) == (8, 1, False)
    assert [g.shape for g in end.trained.generators] == [(2,), (3,)]
    assert [g.shape for g in end.complete.generators] == [(2,)]
    assert events.named("begin") == [[0, [(f"stage {k}", LENGTH, 1.0) for k in range(3)]]]
    assert events.named("stage") == [[0], [1]] and events.named("saved")[-1] == [8]
    same(trees(train(alternating_run(tmp_path, ema=0.5))), trees(whole))


def test_one_stage_alone_leaves_the_averaged_generator():
    class One:
        def init(self, key):
            return {"generator": jnp.ones(2), "discriminator": jnp.zeros(1)}

    for ema in (0.0, 0.5):
        updates = steps.Updates(optax.identity(), 0.1, 0.1, 4, 4, ema=ema)
        stage = stages.JointStage(task=One(), updates=updates, seed=0, pair=3, frozen=None)
        state = stage.begin()
        assert (stage.steps, stage.inputs()) == (4, (3, None)) and stage.title == ""
        assert stage.export(None, state) is (state.ema if ema else state.params)["generator"]


def test_a_stages_step_is_that_of_networks_in_turns():
    stage = alternating_run(None).stages[1]
    left = toys.Exported((jnp.ones(2),), ({},), "one")
    state = stage.begin(left)
    data, frozen = stage.inputs(left)
    assert data == 2 and frozen is left.generators
    step = alternating.make_step(toys.Follow(1), stage.updates, seed=1, stage=1, generator_updates=2)
    expected, _ = jax.jit(step)(state, jnp.arange(1), data, frozen)
    same(jax.jit(stage.make_step(None))(state, jnp.arange(1), data, frozen)[0], expected)
