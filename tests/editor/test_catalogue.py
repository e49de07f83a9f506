"""What there is in a workdir: no name that a client sends becomes a path."""

import os
import shutil

import pytest

from deepsim_jax import UserError
from deepsim_jax.editor import catalogue as catalogues
from deepsim_jax.editor.catalogue import Catalogue
from deepsim_jax.images import io as image_io


@pytest.fixture
def catalogue(tmp_path):
    catalogue = Catalogue(tmp_path / "workdir")
    yield catalogue
    catalogue.close()


def test_a_second_editor_on_a_workdir_may_only_look(catalogue, photo):
    workspace = catalogue.open_photo(photo, "a.png", None)
    second = Catalogue(catalogue.workdir)
    assert second.readonly and not catalogue.readonly
    looked_at = second.get(workspace.id)
    assert looked_at.result(None, 0)[0] == photo
    doubts = looked_at.act(looked_at.history.current.id, {"tool": "delete", "at": [60, 70]})
    assert "another editor" in doubts[0]
    for do in (lambda: second.open_photo(photo, "b", None), lambda: second.delete(workspace.id)):
        with pytest.raises(UserError, match="another editor"):
            do()
    second.close()
    catalogue.close()
    third = Catalogue(catalogue.workdir)
    assert not third.readonly and len(third.get(workspace.id).history.entries) == 1
    third.close()


def test_workspaces_are_listed_read_again_and_deleted(catalogue, photo, monkeypatch):
    monkeypatch.setattr(catalogues, "OPEN", 1)
    first, second = (catalogue.open_photo(photo, name, None) for name in ("a.png", "b\n\0.png"))
    assert not catalogue.is_open(first.id) and catalogue.is_open(second.id)
    assert catalogue.has(first.id) and catalogue.has(second.id)
    assert {one["name"] for one in catalogue.described_workspaces()} == {"a.png", "b.png"}
    again = catalogue.get(first.id)
    assert again is not first and again.name == "a.png"
    catalogue.delete(first.id)
    with pytest.raises(LookupError):
        catalogue.get(first.id)
    with pytest.raises(LookupError):
        catalogue.delete(first.id)
    assert not first.folder.path.exists() and not catalogue.has(first.id)


def test_a_photo_that_cannot_be_used_leaves_nothing_behind(catalogue, photo):
    for content, config in ((photo[:200], None), (photo, "none"), (photo, "../quickstart"), (b"", None)):
        with pytest.raises(UserError):
            catalogue.open_photo(content, "a.png", config)
    left = [p.name for p in (catalogue.workdir / "editor").iterdir()]
    assert left == [".lock"]


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../run",
        "%2e%2e",
        "..\\run",
        "/etc/passwd",
        "D:run",
        "run\0",
        "run.",
        "a" * 300,
        "run",
        "0123456789abcdef",
    ],
)
def test_no_name_becomes_a_path(trained, tmp_path, name):
    shutil.copytree(trained.workdir, tmp_path / "run")
    catalogue = Catalogue(tmp_path)
    for do in (catalogue.get, catalogue.delete, catalogue.open_run):
        with pytest.raises(LookupError):
            do(name)
    with pytest.raises(LookupError):
        catalogue.open_example(name, None)
    with pytest.raises(UserError, match="choose one of"):
        catalogue.open_photo(b"", "a", name)
    assert len(catalogue.described_runs()) == 1
    catalogue.close()


def test_a_photo_that_was_opened_before_is_there_as_it_was_left(catalogue, photo, scene):
    older, newer = (catalogue.open_photo(photo, "a.png", None) for _ in range(2))
    catalogue.open_photo(photo, "a.png", "quickstart:tiny")
    os.utime(older.folder.path / "state.json", (1, 1))
    newer.act(1, {"tool": "delete", "at": [60, 70]})
    assert catalogue.reopen_photo(photo, "b.png", None) is newer
    (newer.folder.path / "state.json").write_text("{")
    assert catalogue.reopen_photo(photo, "b.png", None) is older
    other = catalogue.reopen_photo(image_io.png_bytes(scene[::-1]), "a.png", None)
    assert other not in (older, newer) and len(catalogue.described_workspaces()) == 4
    second = Catalogue(catalogue.workdir)
    assert second.reopen_photo(photo, "a.png", None).id == older.id
    second.close()


def test_a_run_that_is_the_workdir_is_opened_once(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained.workdir, run)
    catalogue = Catalogue(run)
    id_ = catalogue.workspace_of_its_run()
    assert catalogue.get(id_).opened.step == 6 and catalogue.workspace_of_its_run() == id_
    catalogue.close()
    restored = Catalogue(run)
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(UserError, match="no complete checkpoint"):
        restored.get(id_)
    restored.close()
    empty = Catalogue(tmp_path / "empty")
    assert empty.workspace_of_its_run() is None
    empty.close()


def test_examples_and_results_are_opened_as_photos(catalogue, photo):
    example = catalogue.open_example("chelsea", "quickstart")
    assert example.name == "chelsea" and example.opened.source.photo.shape == (300, 451, 3)
    first = catalogue.open_photo(photo, "a.png", None)
    first.act(1, {"tool": "delete", "at": [60, 70]})
    result = catalogue.open_result(first, None, 0, None)
    assert result.result(None, 0)[0] == first.result(None, 0)[0] and len(result.history.entries) == 1
