"""The protocol, over a real connection: what docs/editor-protocol.md promises."""

import concurrent.futures
import json
import shutil
import socket
import threading
import time
import urllib.parse

import numpy as np
import pytest

import deepsim_jax
from deepsim_jax.editor import application
from deepsim_jax.images import io as image_io

MOVE = {"tool": "move", "at": [60, 70], "by": [12, 4]}


def test_the_state_tells_what_there_is(client, served, workspace):
    state = client.get("/api/state").json()
    assert state["protocol"] == 1 and state["version"] == deepsim_jax.__version__
    assert state["workdir"] == served.workdir.name and not state["readonly"] and state["runs"] == []
    assert workspace["workspace"] in [one["workspace"] for one in state["workspaces"]]
    assert state["limits"]["pixels"] == 50_000_000 and len(state["server"]) == 16
    assert str(served.workdir) not in json.dumps(state)


def test_the_page_and_its_files_are_served(client):
    page = client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    files = application.static_files()
    assert "index.html" in files
    for name, (content, kind) in files.items():
        done = client.get(f"/static/{name}")
        assert done.content == content and done.headers["content-type"] == kind
    for name in ("../guard.py", "%2e%2e/guard.py", "..%5cguard.py", "/etc/passwd", "a" * 300, "%00", ""):
        assert client.get(f"/static/{name}").status_code == 404, name


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


def test_pictures_of_documents(client, workspace, address, photo, picture_of):
    begin = workspace["history"]["documents"][0]["id"]
    assert client.act(workspace, MOVE).status_code == 200
    shapes = {
        "photo": (150, 180, 3),
        "photo?fit=90": (75, 90, 3),
        "drawing": (150, 180, 3),
        "layers/regions": (150, 180, 4),
        "layers/keep": (150, 180, 4),
        "thumbnail": (80, 96, 3),
        "region?x=60&y=70": (150, 180),
        "mismatch": (150, 180),
        "changed": (150, 180),
        "result": (150, 180, 3),
    }
    for name, shape in shapes.items():
        mark = "&" if "?" in name else "?"
        done = client.get(f"{address}/{name}{mark}document={begin}")
        assert done.status_code == 200 and picture_of(done.content).shape == shape, name
        assert done.headers.get("document", str(begin)) == str(begin)
    box = client.get(f"{address}/region?document={begin}&x=60&y=70").headers["box"]
    x, y, width, height = map(int, box.split(","))
    assert x < 60 < x + width and y < 70 < y + height
    result = client.get(f"{address}/result?document={begin}")
    assert result.content == photo and result.headers["candidates"] == "1"
    changed = client.get(f"{address}/result")
    assert changed.content != photo and int(changed.headers["document"]) > begin
    for name in ("layers/none", "drawing?document=99999", "result?candidate=5", "nothing"):
        assert client.get(f"{address}/{name}").status_code == 404, name
    for name in ("region", "region?x=1&y=nan", "drawing?document=x", "region?x=-5&y=3"):
        done = client.get(f"{address}/{name}")
        assert done.status_code == 400 and done.json()["error"], name


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


def test_previews_of_what_is_not_done_yet(client, workspace, address, picture_of):
    id_ = client.get(address).json()["history"]["documents"][0]["id"]
    asked = {"document": id_, "action": MOVE, "sequence": 7}
    done = client.post(f"{address}/preview", json=asked)
    assert done.headers["sequence"] == "7" and done.headers["content-type"] == "image/webp"
    assert float(done.headers["milliseconds"]) > 0
    assert json.loads(urllib.parse.unquote(done.headers["doubts"])) == []
    assert picture_of(done.content).shape == (150, 180, 3)
    drawn = client.post(f"{address}/preview", json={**asked, "show": "drawing"})
    plain = client.get(f"{address}/drawing?document={id_}")
    assert (picture_of(drawn.content) != picture_of(plain.content)).any()
    assert client.post(f"{address}/preview", json={**asked, "action": 3}).status_code == 400
    assert client.post(f"{address}/preview", json={"document": True}).status_code == 400


def test_a_hundred_posts_at_once_are_bounded_and_the_newest_wins(served, client_of, client, address):
    id_ = client.get(address).json()["history"]["documents"][0]["id"]

    def post(number):
        action = {**MOVE, "by": [number / 10, 1]}
        asked = {"document": id_, "action": action, "sequence": number}
        return client.post(f"{address}/preview", json=asked).status_code

    release = threading.Event()
    served._desk.worker.submit(lambda: release.wait(600))
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = [pool.submit(post, number) for number in range(100)]
        next(concurrent.futures.as_completed(answers))  # while the worker is held: none is done yet
        release.set()
        found = [answer.result() for answer in answers]
    assert set(found) <= {200, 409, 429} and 200 in found and 409 in found
    assert post(200) == 200


def test_whoever_hangs_up_frees_the_worker(served, client, address):
    begun, release, done = threading.Event(), threading.Event(), []
    served._desk.worker.submit(lambda: begun.set() or release.wait(600))
    assert begun.wait(600)
    head = (
        f"GET {address}/result HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Authorization: Bearer {client.token}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head.encode())
        line = served._desk.worker._line
        end = time.monotonic() + 300
        while not line and time.monotonic() < end:
            time.sleep(0.01)
        task = line[0]
    while not task.future.cancelled() and time.monotonic() < end:
        time.sleep(0.01)
    assert task.future.cancelled()
    release.set()
    served._desk.worker.submit(lambda: done.append(1)).result(300)
    assert done


def test_another_primitive(client, photo):
    workspace = client.opened(photo)
    address = f"/api/workspaces/{workspace['workspace']}"
    told = client.put(f"{address}/opening", json={"values": {"data.kind": "edges"}}).json()
    assert told["canvas"]["layers"] == ["edges", "keep"] and told["canvas"]["palette"] is None
    assert "stroke" not in [tool["name"] for tool in told["tools"]]
    client.act(workspace, {"tool": "line", "points": [[5, 5], [50, 50]]})
    asked = {"values": {"data.kind": "seg"}}
    refused = client.put(f"{address}/opening", json=asked)
    assert refused.status_code == 409 and refused.json()["edited"]
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


def test_long_polls_end_when_something_changes_or_after_a_while(client, address, monkeypatch):
    monkeypatch.setattr(application, "POLL", 0.2)
    assert client.get(f"{address}/training").json()["state"] == "none"
    begun = time.monotonic()
    assert client.get(f"{address}/training?since=0").json()["since"] == 0
    assert time.monotonic() - begun >= 0.2
    assert client.get(f"{address}/training/preview?step=1").status_code == 404
    for asked in ({"do": "dance"}, {"do": "pause"}, {"do": "start", "values": {"train.steps": "x"}}):
        assert client.post(f"{address}/training", json=asked).status_code == 400


def test_a_film_over_the_wire(client, workspace, address):
    client.act(workspace, MOVE)
    documents = client.get(address).json()["history"]["documents"]
    ids = [documents[0]["id"], documents[-1]["id"]]
    job = client.post(f"{address}/film", json={"documents": ids, "frames": 2, "format": "gif"}).json()[
        "job"
    ]
    told = client.get(f"/api/jobs/{job}").json()
    while told["state"] == "running":
        told = client.get(f"/api/jobs/{job}?since={told['since']}").json()
    assert told["state"] == "finished" and told["type"] == "image/gif"
    film = client.get(f"/api/jobs/{job}/result")
    assert film.content[:6] == b"GIF89a" and film.headers["content-type"] == "image/gif"
    assert client.delete(f"/api/jobs/{job}").status_code == 200
    for wrong in ({"documents": "x"}, {"documents": [99999, 1]}, {"documents": ids, "frames": 1.5}):
        assert client.post(f"{address}/film", json=wrong).status_code in (400, 404)
    assert client.get("/api/jobs/none").status_code == 404


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
