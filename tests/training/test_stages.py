"""Runs of several stages: what is handed on, saved, told, and continued bit for bit."""

import dataclasses
import json
import logging
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct

from deepsim_jax.training import alternating, checkpoint, loop, progress, stages
from deepsim_jax.training import step as steps

LENGTH = 5


@struct.dataclass
class Left:
    """The generators of all stages, as arrays of growing size, and an empty thing for each."""

    generators: tuple
    nothing: tuple
    name: str = struct.field(pytree_node=False)


@dataclasses.dataclass(frozen=True)
class Task:
    """Stage k moves k + 2 numbers to what the last number of the stage before is, plus noise."""

    number: int

    def target(self, picture, earlier):
        return picture if earlier is None else picture + earlier.generators[-1][-1]

    def init(self, key, earlier):
        return jax.random.normal(key, (self.number + 2,)), jnp.float32(0)

    def carried(self, key, target):
        return {"drawn": jnp.float32(0), "key": jax.random.uniform(key), "nothing": {}}

    def frozen(self, earlier):
        return None if earlier is None else earlier.generators

    def draw(self, keys, frozen, carried):
        noise = jax.vmap(jax.random.normal)(keys)[0]
        return noise + (0 if frozen is None else frozen[0].sum()), {**carried, "drawn": noise}

    def judged(self, generator, draws, carried):
        return [generator.sum() + draws]

    def critic_loss(self, discriminator, judged, target):
        return (discriminator - judged) ** 2, {"d": discriminator}

    def generator_loss(self, generator, discriminator, draws, target, carried):
        return jnp.sum((generator - target) ** 2) + discriminator * draws, ({"g": draws}, carried)

    def finish(self, earlier, generator, discriminator, carried, target):
        before = ((), ()) if earlier is None else (earlier.generators, earlier.nothing)
        return Left((*before[0], generator), (*before[1], {}), f"{self.number + 1} stages")


def make(workdir, *, count=3, save=2, log=2, preview=0, ema=0.0, seen=None):
    updates = steps.Updates(optax.scale_by_adam(b1=0.5, b2=0.999), 0.1, 0.1, LENGTH, LENGTH, ema=ema)
    trained = tuple(
        stages.Alternating(task=Task(k), updates=updates, generator_updates=2, seed=1, number=k,
                           picture=jnp.float32(k), title=f"stage {k}", about={"scale": k})
        for k in range(count))
    return loop.Run(
        workdir=workdir, stages=trained, batch=1, device_count=1,
        cadence=loop.Cadence(log=log, save=save, preview=preview, keep=99),
        preview=lambda left: [np.full((8, 8, 3), len(left.generators), np.uint8)])


def train(run):
    return loop.train(run, begun=lambda: None)


def trees(end):
    return loop.to_trees(end.state, end.earlier)


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train(make(tmp_path_factory.mktemp("whole"), ema=0.5))


def test_what_happens_when(tmp_path):
    run = make(tmp_path, preview=4)
    end = train(run)
    assert end.finished and (end.step, end.index, run.steps) == (15, 2, 15)
    saved = checkpoint.Checkpoints(run.checkpoint_folder, read_only=True).steps()
    assert saved == [0, 2, 4, 5, 6, 8, 10, 12, 14, 15], "a stage's end is always saved"
    rows = progress.read_metrics(tmp_path / "metrics.jsonl")
    assert [(row["step"], row["scale"]) for row in rows] == [
        (2, 0), (4, 0), (5, 0), (6, 1), (8, 1), (10, 1), (12, 2), (14, 2), (15, 2)]
    pictures = sorted(path.stem for path in (tmp_path / "samples").iterdir())
    assert pictures == ["000004", "000005", "000008", "000010", "000012", "000015"]
    assert [g.shape for g in end.left.generators] == [(2,), (3,), (4,)] and end.left.name == "3 stages"


def test_the_next_stage_is_compiled_while_this_one_trains(tmp_path, monkeypatch):
    seen, prepare, advance = [], loop.devices.Compiled.prepare, progress.Progress.advance

    def prepared(compiled, state, *rest):
        seen.append(state.generator.shape)
        prepare(compiled, state, *rest)

    def advanced(bar, steps):
        seen.append(steps)
        advance(bar, steps)

    monkeypatch.setattr(loop.devices.Compiled, "prepare", prepared)
    monkeypatch.setattr(progress.Progress, "advance", advanced)
    assert train(make(tmp_path)).finished
    assert seen == [(2,), (3,), *[1] * LENGTH, (4,), *[1] * 2 * LENGTH]


def test_a_stopped_run_waits_for_the_compiler(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    stopped, compiled, compile_ = threading.Event(), [], loop.devices.Compiled._compile

    def slow(self, state, *rest):
        if compiled:  # the second stage's
            assert stopped.wait(60)
            time.sleep(0.2)
        compiled.append(compile_(self, state, *rest))
        return compiled[-1]

    def agreed(call, asked):
        stopped.set()
        return True

    monkeypatch.setattr(loop.devices.Compiled, "_compile", slow)
    monkeypatch.setattr(loop.devices, "stop_agreed", agreed)
    assert train(make(tmp_path)).step == 1
    assert len(compiled) == 2 and "waiting for the compiler" in caplog.text


def test_each_stage_stands_on_the_one_before(whole):
    """Against the stages' steps called one by one."""
    earlier = None
    for stage in whole.run.stages:
        state, step = stage.begin(earlier), jax.jit(stage.make_step(None))
        for _ in range(LENGTH):
            state, _ = step(state, jnp.arange(1), *stage.given(earlier))
        earlier = stage.leave(earlier, state)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), earlier, whole.left)
    same(whole.left.generators[-1], whole.state.ema)


@pytest.mark.parametrize("moment", [1, 3, 5, 6, 10, 14])
def test_a_killed_run_continues_bit_for_bit(tmp_path, whole, monkeypatch, moment):
    """Killed within a stage and at its end, off the grid of saving and on it."""
    run, advance, done = make(tmp_path, ema=0.5), progress.Progress.advance, []

    def killed(bar, steps):
        advance(bar, steps)
        done.append(1)
        if len(done) == moment + 1:
            raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(progress.Progress, "advance", killed)
        with pytest.raises(MemoryError):
            train(run)
    end = train(run)
    same(trees(end), trees(whole))
    text = (tmp_path / "metrics.jsonl").read_text()
    assert text == (whole.run.workdir / "metrics.jsonl").read_text()
    assert [json.loads(line)["step"] for line in text.splitlines()][-1] == 15


def test_saving_in_the_background_changes_nothing(tmp_path, whole, monkeypatch):
    monkeypatch.setattr(loop.jax, "default_backend", lambda: "gpu")
    run = make(tmp_path, ema=0.5)
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


def test_a_stop_is_within_a_stage_and_told(tmp_path, whole, monkeypatch):
    monkeypatch.setattr(loop.devices, "stop_agreed", lambda call, asked: call == 8)
    end = train(make(tmp_path, ema=0.5))
    assert (end.step, end.index, end.finished) == (8, 1, False)
    assert [g.shape for g in end.left.generators] == [(2,), (3,)]
    assert [g.shape for g in end.complete.generators] == [(2,)]
    monkeypatch.undo()
    same(trees(train(make(tmp_path, ema=0.5))), trees(whole))


def test_places_are_restored_and_know_what_is_complete(whole):
    saver = checkpoint.Checkpoints(whole.run.checkpoint_folder, read_only=True)
    for step, index, complete in [(0, 0, 1), (4, 0, 1), (5, 0, 1), (6, 1, 1), (10, 1, 2), (14, 2, 2),
                                  (15, 2, 3)]:
        place = loop.restore(whole.run, saver, step)
        assert (place.step, place.index) == (step, index)
        assert len(place.complete.generators) == complete and len(place.left.generators) == index + 1
        assert int(place.state.step) == step - 5 * index


def test_one_stage_alone_leaves_the_averaged_generator():
    class One:
        def init(self, key):
            return jnp.ones(2), jnp.zeros(1)

    for ema in (0.0, 0.5):
        updates = steps.Updates(optax.identity(), 0.1, 0.1, 4, 4, ema=ema)
        stage = stages.Simultaneous(task=One(), updates=updates, seed=0, pair=3, frozen=None)
        state = stage.begin()
        assert (stage.steps, stage.given()) == (4, (3, None)) and stage.title == ""
        assert stage.leave(None, state) is (state.ema if ema else state.generator)


def test_a_stages_step_is_that_of_networks_in_turns():
    stage = make(None).stages[1]
    left = Left((jnp.ones(2),), ({},), "one")
    state = stage.begin(left)
    data, frozen = stage.given(left)
    assert data == 2 and frozen is left.generators
    step = alternating.make_step(Task(1), stage.updates, seed=1, stage=1, generator_updates=2)
    expected, _ = jax.jit(step)(state, jnp.arange(1), data, frozen)
    same(jax.jit(stage.make_step(None))(state, jnp.arange(1), data, frozen)[0], expected)
