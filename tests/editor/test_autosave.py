"""What is saved: below its folder alone, atomically, and told where that fails."""

import errno
import os

import pytest

from deepsim_jax import UserError
from deepsim_jax.editor import autosave
from deepsim_jax.editor.history import Entry

STATE = {"name": "me", "position": 1}
ENTRIES = [Entry(1), Entry(2, ({"tool": "stroke", "points": [[1, 2.5]]},)), Entry(5, ({"tool": "fill"},))]


@pytest.fixture
def folder(tmp_path):
    return autosave.Folder(tmp_path / "editor" / "0123456789abcdef")


def files(folder):
    return {p.relative_to(folder.path).as_posix() for p in folder.path.rglob("*") if p.is_file()}


def test_what_is_saved_is_read_again(folder):
    folder.save(STATE, ENTRIES)
    assert folder.problem is None
    assert files(folder) == {"state.json", "actions/00000002.json", "actions/00000005.json"}
    state, entries = autosave.Folder(folder.path).read()
    assert entries == ENTRIES and state["name"] == "me" and state["position"] == 1


def test_an_action_is_written_once_and_deleted_with_its_document(folder):
    folder.save(STATE, ENTRIES)
    before = (folder.path / "actions" / "00000002.json").stat().st_mtime_ns
    folder.save(STATE, [*ENTRIES[:2], Entry(6, ({"tool": "line"},))], dropped=ENTRIES[2:])
    assert files(folder) == {"state.json", "actions/00000002.json", "actions/00000006.json"}
    assert (folder.path / "actions" / "00000002.json").stat().st_mtime_ns == before


def test_a_full_disk_is_told_and_made_up_for(folder, monkeypatch):
    folder.save(STATE, ENTRIES[:2])
    full = monkeypatch.context()
    with full as patch:

        def fsync(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(os, "fsync", fsync)
        folder.save(STATE, ENTRIES)
        assert "No space left" in folder.problem and "\n" not in folder.problem
        assert autosave.Folder(folder.path).read()[1] == ENTRIES[:2]
        with pytest.raises(UserError, match="No space left"):
            folder.write(folder.path / "photo.png", b"x")
    folder.save(STATE, ENTRIES)
    assert folder.problem is None and not folder.is_behind
    assert autosave.Folder(folder.path).read()[1] == ENTRIES
    assert not [name for name in files(folder) if name.endswith(".tmp")]


def test_nothing_is_written_elsewhere_or_by_a_second_editor(folder, tmp_path):
    for path in (tmp_path / "out.txt", folder.path / ".." / "out.txt"):
        with pytest.raises(AssertionError):
            folder.write(path, b"x")
    readonly = autosave.Folder(folder.path, readonly=True)
    assert "another editor" in readonly.problem and not readonly.is_behind
    readonly.save(STATE, ENTRIES)
    assert "another editor" in readonly.problem and readonly.is_behind and not folder.path.exists()
    for do in (lambda: readonly.write(folder.path / "a", b""), readonly.delete):
        with pytest.raises(UserError, match="another editor"):
            do()


def test_what_is_damaged_is_told_and_lost_actions_end_the_history(folder):
    folder.save(STATE, ENTRIES)
    (folder.path / "actions" / "00000002.json").write_text("{")
    assert autosave.Folder(folder.path).read()[1] == ENTRIES[:1]
    for text in ("", "{}", '{"version": 9, "documents": [1]}', '{"version": 1, "documents": []}'):
        (folder.path / "state.json").write_text(text)
        with pytest.raises(UserError, match="damaged"):
            autosave.Folder(folder.path).read()


def test_only_the_editors_own_folders_are_found(folder, tmp_path):
    assert autosave.found(tmp_path) == {}
    folder.save(STATE, ENTRIES)
    (tmp_path / "editor" / "notes").mkdir()
    (tmp_path / "editor" / "fedcba9876543210").mkdir()
    elsewhere = tmp_path / "elsewhere"
    autosave.Folder(elsewhere).save(STATE, ENTRIES)
    (tmp_path / "editor" / "aaaaaaaaaaaaaaaa").symlink_to(elsewhere)
    assert list(autosave.found(tmp_path)) == ["0123456789abcdef"]
    folder.delete()
    assert autosave.found(tmp_path) == {} and elsewhere.is_dir()
