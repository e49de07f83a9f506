"""The desk: what goes on, and how it ends."""

import errno
import os

import pytest

from deepsim_jax import UserError
from deepsim_jax.editor import catalogue
from deepsim_jax.editor.desk import Desk


def test_a_closed_desk_has_ended_and_is_open_to_others(tmp_path, photo, waited):
    desk = Desk(tmp_path)
    workspace = desk.worker.submit(lambda: desk.catalogue.open_photo(photo, "a.png", None)).result()
    told = desk.describe(workspace)
    assert told["training"]["state"] == "none" and told["workspace"] == workspace.id
    assert desk.training(workspace) is desk.training(workspace)
    assert desk.close() and desk.closed and 0 < sum(waited) < 2
    again = Desk(tmp_path)
    read = again.worker.submit(lambda: again.get(workspace.id)).result()
    assert read.id == workspace.id and not again.catalogue.readonly
    again.delete(workspace.id)
    assert again.catalogue.described_workspaces() == []
    assert again.close()


def test_a_workspace_that_is_read_again_has_another_training(tmp_path, photo, waited):
    desk = Desk(tmp_path)
    workspace = desk.catalogue.open_photo(photo, "a.png", None)
    before = desk.training(workspace)
    desk.catalogue._open.clear()
    assert desk.progress(workspace.id).describe() == {"done": None, "total": None}, (
        "of one not read again"
    )
    again = desk.get(workspace.id)
    assert again is not workspace and desk.training(again) is not before
    assert desk.close()


def test_a_second_editor_neither_trains_nor_makes_films(tmp_path, photo, monkeypatch, waited):
    monkeypatch.setattr(catalogue, "OPEN", 1)
    first = Desk(tmp_path)
    ids = [first.catalogue.open_photo(photo, "a.png", None).id for _ in range(2)]
    second = Desk(tmp_path)
    looked_at = second.get(ids[0])
    assert "another editor" in second.describe(looked_at)["unsaved"]
    for do in (
        lambda: second.train(looked_at, None),
        lambda: second.begin_film(looked_at, documents=[1]),
    ):
        with pytest.raises(UserError, match="another editor"):
            do()
    assert {path.name for path in looked_at.folder.path.iterdir()} == {"state.json", "photo.png"}
    second.get(ids[1])
    assert not second.catalogue.is_open(ids[0]), "nothing of it is lost, so it need not stay"
    assert second.close() and first.close()


def test_what_could_not_be_saved_is_saved_at_the_end_if_there_is_space_again(
    tmp_path, photo, monkeypatch, waited
):
    def fsync(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    desk = Desk(tmp_path)
    workspace = desk.catalogue.open_photo(photo, "a.png", None)
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fsync)
        assert "No space left" in workspace.act(1, {"tool": "delete", "at": [60, 70]})[0]
        (told,) = desk.catalogue.unsaved
        assert told.startswith("a.png: not saved: ") and "No space left" in told
    assert desk.close() and not desk.catalogue.unsaved
    again = Desk(tmp_path)
    assert len(again.get(workspace.id).history.entries) == 2
    assert again.close()
