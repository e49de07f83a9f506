"""Workspaces: what a session can do, with actions as they come over the wire."""

import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from deepsim_jax import UserError
from deepsim_jax.editor import autosave, uploads, workspaces
from deepsim_jax.editor.catalogue import Catalogue
from deepsim_jax.editor.workspaces import Edited, Stale, Workspace
from deepsim_jax.images import io as image_io

STROKE = {"tool": "stroke", "points": [[20, 20], [60, 40]], "radius": 5}
MOVE = {"tool": "move", "at": [60, 70], "by": [12, 4]}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    catalogue = Catalogue(tmp_path_factory.mktemp("workdir"))
    yield catalogue
    catalogue.close()


@pytest.fixture
def workspace(catalogue, photo):
    return catalogue.open_photo(photo, "scene.png", None)


def act(workspace, action):
    if action["tool"] == "stroke":
        action = {**action, "color": workspace.opened.session.canvas.palette[-1].tolist()}
    return workspace.act(workspace.history.current.id, action)


def again(workspace, catalogue):
    return Workspace.restore(workspace.id, autosave.Folder(workspace.folder.path), catalogue.workdir)


def test_edits_are_restored_with_their_history(workspace, catalogue):
    for action in (STROKE, MOVE, {"tool": "keep", "points": [[90, 90]], "radius": 9}):
        assert act(workspace, action) == []
    workspace.move(2)
    restored = again(workspace, catalogue)
    assert restored.history.position == 2 and restored.history.entries == workspace.history.entries
    for entry in workspace.history.entries:
        np.testing.assert_array_equal(restored.drawing(entry.id), workspace.drawing(entry.id))
    assert restored.result(None, 0)[0] == workspace.result(None, 0)[0]


def test_a_photo_that_a_tool_opens_gives_results_its_profile(catalogue, trained_igan, photo, picture_of):
    shutil.copytree(trained_igan.workdir, catalogue.workdir / "things")
    (run,) = catalogue.runs()
    workspace = catalogue.open_run(run)
    plain = Image.open(io.BytesIO(workspace.result(None, None)[0]))
    assert "icc_profile" not in plain.info
    id_, _ = workspace.add_picture(photo)
    act(workspace, {"tool": "open", "picture": id_})
    assert workspace.result(None, None)[0] == photo
    act(workspace, {"tool": "color", "points": [[90, 90], [200, 90]], "color": [250, 20, 20]})
    content, rendering = workspace.result(None, None)
    with Image.open(io.BytesIO(content)) as saved, Image.open(io.BytesIO(photo)) as was:
        assert saved.size == was.size and saved.info["icc_profile"] == was.info["icc_profile"]
    assert (picture_of(content) != rendering.image).any(), "its numbers are the profile's"
    assert again(workspace, catalogue).result(None, None)[0] == content
    with pytest.raises(UserError, match="a picture that was not sent"):
        act(workspace, {"tool": "open", "picture": "0" * 16})


def test_a_result_has_the_photos_profile_and_its_own_numbers(workspace, photo, picture_of):
    assert workspace.result(None, 0)[0] == photo
    act(workspace, MOVE)
    content, rendering = workspace.result(None, 0)
    mask = workspace.changed_pixels(None)
    assert mask.any() and not mask.all() and rendering.images[0].shape == mask.shape + (3,)
    np.testing.assert_array_equal(picture_of(content)[~mask], picture_of(photo)[~mask])
    with pytest.raises(LookupError):
        workspace.result(None, 1)


def test_a_provisional_action_leaves_no_trace(workspace, picture_of):
    before, plain = workspace.history.current, workspace.preview(None, (), 0)[0]
    shown = workspace.preview(None, [MOVE], 0)[0]
    assert (picture_of(shown) != picture_of(plain)).any()
    drawn = workspace.drawing(None, [MOVE])
    assert workspace.history.current is before and len(workspace.history.entries) == 1
    act(workspace, MOVE)
    np.testing.assert_array_equal(workspace.drawing(None), drawn)
    assert workspace.preview(None, (), 0)[0] == shown


def test_several_actions_are_one_document(workspace, catalogue):
    color = workspace.opened.session.canvas.palette[-1].tolist()
    strokes = [{**STROKE, "color": color, "radius": radius} for radius in (3, 5.5)]
    shown = workspace.drawing(None, strokes)
    workspace.act(workspace.history.current.id, *strokes)
    assert len(workspace.history.entries) == 2 and workspace.history.current.label == "stroke"
    np.testing.assert_array_equal(workspace.drawing(None), shown)
    np.testing.assert_array_equal(again(workspace, catalogue).drawing(None), shown)
    assert len(workspace.recipe(None)["steps"]) == 2
    with pytest.raises(UserError, match="no tool 'bend'"):
        workspace.act(workspace.history.current.id, MOVE, {"tool": "bend"})
    assert len(workspace.history.entries) == 2


def test_layers_regions_and_the_mismatch(workspace):
    canvas = workspace.opened.session.canvas
    assert canvas.layers == ("regions", "edges", "keep")
    begin = workspace.drawing(None)
    regions, edges = workspace.layer(None, "regions"), workspace.layer(None, "edges")
    composed = np.where(edges[..., 3:] > 0, edges, regions)[..., :3]
    np.testing.assert_array_equal(composed, begin)
    region = workspace.region(None, (60, 70))
    assert region[70, 60] and not region.all()
    act(workspace, {**STROKE, "radius": 12})
    assert workspace.mismatch(None).shape == canvas.size and workspace.mismatch(1).max() == 0
    for wrong in (lambda: workspace.layer(None, "plain"), lambda: workspace.drawing(99)):
        with pytest.raises(LookupError):
            wrong()
    with pytest.raises(UserError, match="outside"):
        workspace.region(None, (6000, 70))


def test_another_primitive_is_opened_only_where_nothing_is_lost(workspace, catalogue):
    workspace.change_opening({"data.kind": "seg", "data.colors": 4}, discard=False)
    assert workspace.opened.session.canvas.layers == ("regions", "keep")
    assert len(workspace.opened.session.canvas.palette) <= 4
    act(workspace, MOVE)
    with pytest.raises(Edited, match="discards what was edited") as error:
        workspace.change_opening({"data.kind": "edges"}, discard=False)
    assert not error.value.trained
    with pytest.raises(UserError, match="choose one of"):
        workspace.change_opening({"data.kind": "oil"}, discard=True)
    with pytest.raises(UserError, match="only data.kind"):
        workspace.change_opening({"model.filters": 1024}, discard=True)
    assert len(workspace.history.entries) == 2
    workspace.change_opening({"data.kind": "edges"}, discard=True)
    assert again(workspace, catalogue).opened.session.canvas.layers == ("edges", "keep")


def test_no_training_is_given_up_without_a_question(workspace, catalogue, trained):
    workspace.begun = workspace.folder.path / "run"
    workspace.change_opening({"data.colors": 6}, discard=False)  # it has saved nothing
    workspace.begun = workspace.folder.path / "run"
    shutil.copytree(trained.workdir, workspace.begun)
    with pytest.raises(Edited, match="discards the training$") as error:
        workspace.change_opening({"data.kind": "edges"}, discard=False)
    assert error.value.trained
    workspace.reopen()
    act(workspace, {"tool": "keep", "points": [[20, 20]], "radius": 4})
    with pytest.raises(Edited, match="the training and what was edited") as error:
        workspace.change_opening({"data.kind": "edges"}, discard=False)
    assert error.value.trained and workspace.opened.step == 6
    workspace.change_opening({"data.kind": "edges"}, discard=True)
    restored = again(workspace, catalogue)
    assert restored.opened.step is None and restored.run is None and restored.begun is None


def test_two_tabs_do_not_lose_each_others_edits(workspace):
    base = workspace.history.current.id
    workspace.act(base, MOVE)
    with pytest.raises(Stale):
        workspace.act(base, MOVE)
    assert len(workspace.history.entries) == 2


@pytest.mark.parametrize(
    "action, words",
    [
        ({"tool": "bend"}, "no tool 'bend'"),
        ({"tool": ["move"]}, "no tool"),
        ({}, "no tool"),
        ({**MOVE, "picture": "x"}, "move has no option 'picture'"),
        ({**MOVE, "__class__": 1}, "has no option"),
        ({"tool": "move", "at": "x", "by": [1, 1]}, "not understood"),
        ({"tool": "keep", "points": [[1, 1]], "radius": 1e9}, "positive"),
    ],
)
def test_what_is_not_understood_is_one_line_and_changes_nothing(workspace, action, words):
    with pytest.raises(UserError, match=words) as error:
        act(workspace, {"tool": None, **action})
    assert "\n" not in str(error.value) and len(workspace.history.entries) == 1


def test_a_recipe_goes_out_and_in(workspace, catalogue, photo):
    for action in (STROKE, MOVE):
        act(workspace, action)
    recipe = json.loads(json.dumps(workspace.recipe(None)))
    other = catalogue.open_photo(photo, "other.png", None)
    other.import_recipe(recipe)
    assert other.result(None, 0)[0] == workspace.result(None, 0)[0]
    half = {"size": [90, 75], "steps": [{"move": {"at": [30, 35], "by": [6, 2]}}]}
    other.move(0)
    other.import_recipe(half)
    # The pixel at (30, 35) of the smaller drawing covers those at 60, 61 and 70, 71.
    assert other.history.current.actions == ({"tool": "move", "at": [60.5, 70.5], "by": [12.0, 4.0]},)
    before = other.history.entries
    with pytest.raises(UserError, match="step 2"):
        other.import_recipe({**half, "steps": [*half["steps"], {"bend": {}}]})
    assert other.history.entries == before


def test_pictures_are_kept_once_and_only_those(workspace, catalogue, scene, monkeypatch):
    content = image_io.png_bytes(scene[:40, :50])
    id_, size = workspace.add_picture(content)
    assert size == (50, 40) and workspace.add_picture(content)[0] == id_
    assert len(list((workspace.folder.path / "pictures").iterdir())) == 1
    np.testing.assert_array_equal(workspace._picture(id_), scene[:40, :50])
    for wrong in ("../photo", "/etc/passwd", 3, None, id_ + "0"):
        with pytest.raises(UserError, match="was not sent"):
            workspace._picture(wrong)
    with pytest.raises(uploads.NoPicture):
        workspace.add_picture(b"no picture")
    monkeypatch.setattr(workspaces, "PICTURES", 1)
    with pytest.raises(UserError, match="the most"):
        workspace.add_picture(image_io.png_bytes(scene[:40, :60]))


@pytest.mark.parametrize(
    "key, value",
    [
        ("config", "/etc/mine.py"),
        ("config", "quickstart:../x"),
        ("photo", "../../photo.png"),
        ("photo", "/etc/hostname"),
        ("pictures", {"a": "../b.png"}),
        ("pictures", {"a": 3}),
    ],
)
def test_what_is_saved_names_no_program_and_no_file_elsewhere(workspace, catalogue, key, value):
    assert act(workspace, MOVE) == []
    path = workspace.folder.path / autosave.STATE
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(UserError, match="damaged"):
        again(workspace, catalogue)
