"""The desk: what goes on, and how it ends."""

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
    again = desk.get(workspace.id)
    assert again is not workspace and desk.training(again) is not before
    assert desk.close()
