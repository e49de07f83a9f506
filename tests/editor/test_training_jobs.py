"""Trainings beside edits: begun, paused, continued, failed; the session then uses what is trained."""

import errno
import shutil
import threading
import time
import types

import numpy as np
import pytest

from deepsim_jax import UserError
from deepsim_jax.editor import training_jobs
from deepsim_jax.editor.catalogue import Catalogue
from deepsim_jax.editor.desk import Desk
from deepsim_jax.training import listeners

MOVE = {"tool": "move", "at": [20, 20], "by": [6, 3]}


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close(300)


def on(desk, do):
    return desk.worker.submit(do).result(300)


def until(job, states, seconds=600):
    end = time.monotonic() + seconds
    while job.describe()["state"] not in states:
        assert time.monotonic() < end, job.describe()
        time.sleep(0.02)
    return job.describe()


def test_what_a_run_had_before_it_was_continued_is_told_as_saved(desk, photo):
    workspace = on(desk, lambda: desk.catalogue.open_photo(photo, "a.png", "quickstart:tiny"))
    job = training_jobs.TrainingJob(workspace, desk.worker)
    legs = [listeners.Leg("", 2000, 1.0)]
    job.begin(0, legs)
    assert job.told == "a.png was being trained; nothing new of it was saved"
    job.begin(1000, legs)
    assert job.told == "a.png was being trained; its step 1000 is saved"


@pytest.mark.slow
def test_a_training_is_paused_continued_and_used(desk, photo, monkeypatch, waited):
    workspace = on(desk, lambda: desk.catalogue.open_photo(photo, "a.png", "quickstart:tiny"))
    on(desk, lambda: workspace.act(1, MOVE))
    copied = workspace.result(None, 0)[0]
    # However fast it trains and slow the rest is, the pause comes before the end.
    paused, advance = threading.Event(), training_jobs.TrainingJob.advance

    def held(job, step):
        advance(job, step)
        assert step < 3 or paused.wait(600)

    monkeypatch.setattr(training_jobs.TrainingJob, "advance", held)
    job = on(desk, lambda: desk.train(workspace, {"train.steps": 40}))
    with pytest.raises(UserError, match="already"):
        on(desk, lambda: desk.train(workspace, None))
    for do in (
        lambda: desk.delete(workspace.id),
        lambda: desk.change_opening(workspace, {"data.kind": "seg"}, discard=True),
    ):
        with pytest.raises(UserError, match="being trained"):
            on(desk, do)
    end = time.monotonic() + 600
    while job.describe()["step"] < 2:
        assert time.monotonic() < end, job.describe()
        time.sleep(0.01)
    on(desk, lambda: workspace.act(workspace.history.current.id, MOVE))  # edits go on meanwhile
    before = job.bell.count
    on(desk, job.pause)
    paused.set()
    told = until(job, ("paused",))
    assert 2 <= told["step"] < 40 and told["steps"] == 40 and told["since"] > before
    assert told["previews"] and job.read_preview(told["previews"][0])[:4] == b"RIFF"
    assert workspace.opened.step == told["step"] and not workspace.opened.finished
    assert workspace.result(None, 0)[0] != copied and len(workspace.history.entries) == 3
    with pytest.raises(UserError, match="not being trained"):
        on(desk, job.pause)
    on(desk, lambda: desk.train(workspace, None))
    told = until(job, ("finished",))
    assert (
        told["step"] == 40
        and workspace.opened.finished
        and np.isfinite(list(told["values"].values())).all()
    )
    with pytest.raises(LookupError):
        job.read_preview(1)
    assert desk.close(30)
    restored = Catalogue(desk.catalogue.workdir)
    again = restored.get(workspace.id)
    assert again.opened.finished and len(again.history.entries) == 3
    assert again.result(None, 0)[0] == workspace.result(None, 0)[0]
    restored.close()


@pytest.mark.slow
def test_a_disk_that_is_full_as_a_training_is_saved_is_told_and_it_goes_on_later(
    desk, photo, monkeypatch
):
    workspace = on(desk, lambda: desk.catalogue.open_photo(photo, "a.png", "quickstart:tiny"))
    on(desk, lambda: workspace.act(1, MOVE))
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=0))
        job = on(desk, lambda: desk.train(workspace, {"train.steps": 2}))
        told = until(job, ("failed",))
        assert "0 MiB free" in told["error"] and "\n" not in told["error"]
        assert "nothing new of it was saved (" in job.told
    assert len(workspace.history.entries) == 2 and workspace.opened.step is None
    on(desk, lambda: desk.train(workspace, None))
    told = until(job, ("finished",))
    assert told["step"] == workspace.opened.step == 2 and "its step 2 is saved" in job.told


def test_a_training_that_fails_says_so(desk, photo, monkeypatch):
    workspace = on(desk, lambda: desk.catalogue.open_photo(photo, "a.png", "quickstart:tiny"))
    full = OSError(errno.ENOSPC, "No space left on device"), "the training of a.png: No space left"
    for error, words in ((UserError("two\nlines"), "two lines"), (KeyError("x"), "KeyError"), full):

        def train_source(*args, raised=error, **options):
            raise raised

        monkeypatch.setattr(training_jobs.api, "train_source", train_source)
        job = on(desk, lambda: desk.train(workspace, None))
        told = until(job, ("failed",))
        assert told["error"].startswith(words)
    with pytest.raises(UserError, match="at least 0"):
        on(desk, lambda: desk.train(workspace, {"train.steps": -1}))
    with pytest.raises(UserError, match="can be changed here"):
        on(desk, lambda: desk.train(workspace, {"model.filters": 4}))


def test_a_training_that_ends_before_it_saved_anything_leaves_what_was(
    desk, trained, photo, monkeypatch, waited
):
    def train_source(*args, **options):
        raise UserError("no space")

    monkeypatch.setattr(training_jobs.api, "train_source", train_source)
    shutil.copytree(trained.workdir, desk.catalogue.workdir / "run")
    (run,) = desk.catalogue.runs()
    workspace = on(desk, lambda: desk.catalogue.open_run(run))
    on(desk, lambda: workspace.act(1, MOVE))
    job = on(desk, lambda: desk.train(workspace, {"seed": 3}))
    until(job, ("failed",))
    begun = workspace.folder.path / "run"
    assert workspace.begun == begun and workspace.run == desk.catalogue.workdir / "run"
    assert on(desk, lambda: job._plan(None)).config.seed == 3, "it is begun again as it was"
    untrained = on(desk, lambda: desk.catalogue.open_photo(photo, "a.png", "quickstart:tiny"))
    until(on(desk, lambda: desk.train(untrained, None)), ("failed",))
    second = Catalogue(desk.catalogue.workdir)
    told = training_jobs.TrainingJob(second.get(untrained.id), None).describe()
    assert second.readonly and told["state"] == "none", "elsewhere it may be going on"
    assert desk.close()

    def restored(workspace):
        catalogue = Catalogue(desk.catalogue.workdir)
        again = catalogue.get(workspace.id)
        catalogue.close()
        return again, training_jobs.TrainingJob(again, None).describe()

    again, told = restored(workspace)
    assert again.run == workspace.run and again.opened.step == 6 and len(again.history.entries) == 2
    assert told["state"] == "failed" and told["error"].endswith("the one before it is in use")
    again, told = restored(untrained)
    assert again.run is None and told["state"] == "failed" and told["error"] == training_jobs.ENDED
    shutil.copytree(trained.workdir, begun)
    again, told = restored(workspace)
    assert again.run == begun and again.begun is None and told["state"] == "finished"


def test_one_photo_is_trained_at_a_time(desk, photo, monkeypatch, waited):
    one, other = (
        on(desk, lambda: desk.catalogue.open_photo(photo, "a.png", "quickstart:tiny")) for _ in range(2)
    )

    def train_source(*args, listener, stop, **options):
        while not stop():
            time.sleep(0.01)
        raise UserError("stopped")

    monkeypatch.setattr(training_jobs.api, "train_source", train_source)
    job = on(desk, lambda: desk.train(one, None))
    with pytest.raises(UserError, match="another photo"):
        on(desk, lambda: desk.train(other, None))
    assert one.id in desk.catalogue.busy
    assert desk.close() and 0 < sum(waited) < 2
    assert job.describe()["state"] == "failed"


def test_a_run_goes_on_or_another_begins(desk, trained, photo, monkeypatch):
    shutil.copytree(trained.workdir, desk.catalogue.workdir / "run")
    (run,) = desk.catalogue.runs()
    workspace = on(desk, lambda: desk.catalogue.open_run(run))
    job = desk.training(workspace)
    assert job.describe()["state"] == "finished" and job.describe()["step"] == 6
    longer = on(desk, lambda: job._plan({"train.steps": 9}))
    assert longer.folder == desk.catalogue.workdir / "run" and longer.config.train.steps == 9
    other = on(desk, lambda: job._plan({"seed": 3}))
    assert other.folder == workspace.folder.path / "run" and other.config.seed == 3
    for same in (None, {}, {"seed": 0, "train.steps": 6}):
        with pytest.raises(UserError, match="finished; change .*: steps, steps of the coarse part, seed"):
            on(desk, lambda values=same: desk.train(workspace, values))
    assert job.describe()["state"] == "finished"
