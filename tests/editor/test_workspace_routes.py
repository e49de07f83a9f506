"""What docs/editor-protocol.md promises of workspaces, over a real connection."""

import errno
import os
import shutil

import numpy as np
import pytest

from deepsim_jax.images import io as image_io

MOVE = {"tool": "move", "at": [60, 70], "by": [12, 4]}


def test_a_workspace_is_told_whole(client, workspace, address):
    told = client.get(address).json()
    assert told["photo"] == {"size": [180, 150]} and told["name"] == "scene.png"
    assert told["canvas"]["size"] == [180, 150] and told["canvas"]["layers"][-1] == "keep"
    everything = dict.fromkeys(("draw", "region", "mismatch", "recipe", "film"), True)
    assert told["can"] == everything | {"photo": False}
    assert {tool["name"] for tool in told["tools"]} >= {"stroke", "line", "move", "warp", "keep"}
    assert told["opening"]["values"]["data.colors"] == 8 and told["unsaved"] is None
    assert told["training"]["state"] == "none" and not told["trained"]
    assert told["train_options"][0]["name"] == "train.steps"
    assert told["train_options"][0]["default"] == 950


def test_undo_redo_and_other_tabs(client, photo):
    workspace = client.opened(photo)
    address = f"/api/workspaces/{workspace['workspace']}"
    history = client.act(workspace, MOVE).json()["history"]
    assert history["position"] == 1 and history["documents"][1]["tool"] == "move"
    first, second = (document["id"] for document in history["documents"])
    assert client.post(f"{address}/position", json={"position": 0}).json()["history"]["position"] == 0
    assert client.post(f"{address}/position", json={"position": 5}).status_code == 404
    stale = client.post(f"{address}/actions", json={"base": second, "action": MOVE})
    assert stale.status_code == 409 and stale.json()["stale"]
    assert stale.json()["history"]["position"] == 0
    refused = client.post(f"{address}/actions", json={"base": first, "action": {"tool": "bend"}})
    assert refused.status_code == 400 and "no tool 'bend'" in refused.json()["error"]
    history = client.act(workspace, MOVE).json()["history"]
    assert [document["id"] for document in history["documents"]] == [first, second + 1]


def test_a_full_disk_is_told_with_every_change(client, photo, monkeypatch):
    workspace = client.opened(photo)
    address = f"/api/workspaces/{workspace['workspace']}"
    recipe = client.get(f"{address}/recipe").json()

    def answers():
        yield client.act(workspace, MOVE)
        yield client.post(f"{address}/actions", json={"base": 1, "action": MOVE})
        yield client.post(f"{address}/recipe", json=recipe)
        yield client.post(f"{address}/position", json={"position": 0})
        yield client.put(f"{address}/opening", json={"values": {"data.colors": 4}, "discard": True})

    def fsync(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        for answer in answers():
            told = answer.json()
            assert "No space left" in told["unsaved"] and told["history"], answer.url
        assert "No space left" in client.get(address).json()["unsaved"]
    assert client.get(address).json()["unsaved"] is None, "it is tried again with whatever is asked for"
    for answer in answers():
        assert answer.json()["unsaved"] is None, answer.url


def test_another_primitive(client, photo):
    workspace = client.opened(photo)
    address = f"/api/workspaces/{workspace['workspace']}"
    told = client.put(f"{address}/opening", json={"values": {"data.kind": "edges"}}).json()
    assert told["canvas"]["layers"] == ["edges", "keep"] and told["canvas"]["palette"] is None
    assert "stroke" not in [tool["name"] for tool in told["tools"]]
    client.act(workspace, {"tool": "line", "points": [[5, 5], [50, 50]]})
    asked = {"values": {"data.kind": "seg"}}
    refused = client.put(f"{address}/opening", json=asked)
    assert refused.status_code == 409 and refused.json()["edited"] and not refused.json()["trained"]
    told = client.put(f"{address}/opening", json={**asked, "discard": True}).json()
    assert len(told["history"]["documents"]) == 1 and told["opening"]["values"]["data.kind"] == "seg"
    assert client.delete(address).status_code == 200
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "content, kind, status",
    [
        (b"no picture", "image/png", 415),
        (b"<svg/>", "image/svg+xml", 415),
        (b"{}", "application/json", 400),
        (b'{"run": "../x"}', "application/json", 404),
        (b'{"example": "../x"}', "application/json", 404),
        (b'{"run": 3}', "application/json", 400),
        (b'{"from": {"workspace": "x", "document": 1}}', "application/json", 404),
        (b'{"a": NaN}', "application/json", 400),
    ],
)
def test_what_cannot_be_opened_is_a_status_and_a_line(client, content, kind, status):
    done = client.post("/api/workspaces", content=content, headers={"Content-Type": kind})
    assert done.status_code == status
    assert done.json()["error"] and "Traceback" not in done.text and "\n" not in done.text


def test_the_recipe_gives_the_same_picture_from_the_command_line(client, photo, tmp_path, call):
    workspace = client.opened(photo)
    address = f"/api/workspaces/{workspace['workspace']}"
    colour = workspace["canvas"]["palette"][-1]
    for action in (
        MOVE,
        {"tool": "stroke", "points": [[100, 20], [150, 35.5]], "radius": 6, "color": colour},
        {"tool": "warp", "from": [[120, 110]], "to": [[128, 105]], "reach": 40},
        {"tool": "restore", "points": [[130, 30]], "radius": 8},
        {"tool": "keep", "points": [[75, 60], [80, 70]], "radius": 5},
    ):
        assert client.act(workspace, action).status_code == 200
    (tmp_path / "scene.png").write_bytes(photo)
    (tmp_path / "edit.json").write_text(client.get(f"{address}/recipe").text)
    code, _, err = call(
        "edit",
        "--config=quickstart",
        f"--config.data.image={tmp_path / 'scene.png'}",
        f"--input={tmp_path / 'edit.json'}",
        f"--output={tmp_path / 'out.png'}",
        "--keep=auto",
    )
    assert code == 0, err
    assert (tmp_path / "out.png").read_bytes() == client.get(f"{address}/result").content
    other = client.opened(photo)
    told = client.post(
        f"/api/workspaces/{other['workspace']}/recipe",
        content=(tmp_path / "edit.json").read_bytes(),
        headers={"Content-Type": "application/json"},
    ).json()
    assert told["history"]["position"] == 5
    sent_again = client.post(
        f"/api/workspaces/{other['workspace']}/recipe?base=1",
        content=(tmp_path / "edit.json").read_bytes(),
        headers={"Content-Type": "application/json"},
    )
    assert sent_again.status_code == 409 and sent_again.json()["stale"]
    assert sent_again.json()["history"]["position"] == 5
    same = client.get(f"/api/workspaces/{other['workspace']}/result")
    assert same.content == (tmp_path / "out.png").read_bytes()


@pytest.mark.slow
def test_a_run_of_another_system_over_the_wire(client, served, trained_singan, scene, picture_of):
    shutil.copytree(trained_singan.workdir, served.workdir / "pyramid")
    (run,) = [one for one in client.get("/api/state").json()["runs"] if one["name"] == "pyramid"]
    workspace = client.post("/api/workspaces", json={"run": run["run"]}).json()
    address = f"/api/workspaces/{workspace['workspace']}"
    assert workspace["trained"] and workspace["training"]["state"] == "finished"
    assert not workspace["can"]["draw"] and workspace["opening"]["options"] == []
    assert client.act(workspace, {"tool": "sample", "count": 2, "seed": 3}).status_code == 200
    samples = [client.get(f"{address}/result?candidate={k}") for k in (0, 1)]
    assert samples[0].headers["candidates"] == "2" and samples[0].content != samples[1].content
    for sample, wanted in zip(samples, trained_singan.sample(2, seed=3), strict=True):
        np.testing.assert_array_equal(picture_of(sample.content), wanted)
    hole = np.zeros(scene.shape, np.uint8)
    hole[30:60, 40:80] = 255
    mask = client.post(
        f"{address}/pictures", content=image_io.png_bytes(hole), headers={"Content-Type": "image/png"}
    ).json()
    assert mask["size"] == [180, 150]
    assert client.act(workspace, {"tool": "inpaint", "mask": mask["picture"]}).status_code == 200
    filled = picture_of(client.get(f"{address}/result").content)
    np.testing.assert_array_equal(filled[hole[..., 0] == 0], scene[hole[..., 0] == 0])
    assert client.act(workspace, {"tool": "animate", "frames": 3, "seed": 1}).status_code == 200
    frame = client.post(f"{address}/preview", json={"sequence": 1, "candidate": 2})
    assert frame.headers["candidates"] == "3" and frame.headers["rate"] == "10"
    assert client.act(workspace, {"tool": "sample", "each_scale": True, "width": 1.5}).status_code == 200
    first = client.get(f"{address}/result")
    assert first.headers["candidates"] == "2" and picture_of(first.content).shape == (22, 39, 3)
    refused = client.act(workspace, {"tool": "inpaint", "mask": "../../photo"})
    assert refused.status_code == 400 and "was not sent" in refused.json()["error"]


def test_a_run_that_is_deleted_under_its_feet_is_told_in_words(client, served, trained):
    shutil.copytree(trained.workdir, served.workdir / "gone")
    (run,) = [one for one in client.get("/api/state").json()["runs"] if one["name"] == "gone"]
    workspace = client.post("/api/workspaces", json={"run": run["run"]}).json()
    shutil.rmtree(served.workdir / "gone")
    address = f"/api/workspaces/{workspace['workspace']}"
    assert client.act(workspace, {"tool": "keep", "points": [[20, 20]], "radius": 4}).status_code == 200
    assert client.get(f"{address}/result").status_code == 200  # it is in memory
    done = client.post(f"{address}/training", json={"do": "resume"})
    assert done.status_code == 400 and done.json()["error"]
    assert client.post("/api/workspaces", json={"run": run["run"]}).status_code == 404
    served._desk.catalogue._open.pop(workspace["workspace"])
    done = client.get(address)
    assert done.status_code == 400 and "gone" in done.json()["error"]
