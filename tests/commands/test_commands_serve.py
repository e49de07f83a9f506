"""The verb "serve": Ctrl-C ends it within two seconds, and nothing is lost."""

import concurrent.futures
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import types
import webbrowser
from pathlib import Path

import httpx
import pytest

import deepsim_jax
from deepsim_jax.commands import serve
from deepsim_jax.images import io as image_io

ROOT = Path(deepsim_jax.__file__).parents[1]
PATIENCE = 30
"""Seconds in which it ends on a busy machine, where two are promised for a quiet one."""

HANGING = """
import sys, time
from deepsim_jax import main
from deepsim_jax.editor import workspaces

act = workspaces.Workspace.act

def slowly(workspace, base, *actions):
    if actions[0]["tool"] == "keep":
        print("hanging", flush=True)
        time.sleep(600)
    return act(workspace, base, *actions)

workspaces.Workspace.act = slowly
sys.exit(main.main(sys.argv))
"""
"""The command, where protecting a part of the photo takes ten minutes."""


@pytest.fixture
def started(tmp_path, scene):
    """Starts the command; its process and the address that it prints."""
    processes = []
    image_io.write_png(tmp_path / "me.png", scene)

    def start(*flags, program=("-m", "deepsim_jax")):
        process = subprocess.Popen(
            [sys.executable, *program, *flags, f"--workdir={tmp_path / 'runs'}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        line = process.stdout.readline()
        found = re.search(r"edit at (http://127\.0\.0\.1:(\d+))/#token=([\w-]+)(\S*)", line)
        assert found, line + process.communicate()[1]
        return process, found

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def client(found):
    headers = {"Origin": found[1], "Authorization": f"Bearer {found[3]}"}
    return httpx.Client(base_url=found[1], headers=headers, timeout=600, trust_env=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "number, is_editing",
    [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGKILL, False)],
)
def test_however_it_ends_nothing_is_lost(started, tmp_path, number, is_editing):
    program = ("-c", HANGING) if is_editing else ("-m", "deepsim_jax")
    process, found = started("serve", f"--photo={tmp_path / 'me.png'}", program=program)
    address = f"/api/workspaces/{found[4].removeprefix('&workspace=')}"
    with client(found) as asked, concurrent.futures.ThreadPoolExecutor(1) as pool:
        action = {"tool": "delete", "at": [60, 70]}
        done = asked.post(f"{address}/actions", json={"base": 1, "action": action})
        assert done.status_code == 200, done.text
        result = asked.get(f"{address}/result").content
        if is_editing:
            action = {"tool": "keep", "points": [[20, 20]], "radius": 3}
            edit = pool.submit(asked.post, f"{address}/actions", json={"base": 2, "action": action})
            while process.stdout.readline() != "hanging\n":
                assert process.poll() is None
        begun = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=300)
        assert time.monotonic() - begun < PATIENCE
        assert not is_editing or edit.exception(300) or edit.result().status_code != 200
    assert found[3] not in out + err
    if number != signal.SIGKILL:
        assert process.returncode == 0 and "the same command shows everything" in err
    process, again = started("--mode=serve")
    assert again[3] != found[3]
    with client(again) as asked:
        told = asked.get(address).json()
        assert told["history"]["position"] == 1
        assert asked.get(f"{address}/result").content == result
    for file in (tmp_path / "runs").rglob("*"):
        assert not file.is_file() or found[3].encode() not in file.read_bytes()


@pytest.mark.slow
def test_what_was_acknowledged_outlives_a_kill_amid_edits(started, tmp_path):
    process, found = started("serve", f"--photo={tmp_path / 'me.png'}")
    address = f"/api/workspaces/{found[4].removeprefix('&workspace=')}"
    documents, acknowledged = [1], threading.Semaphore(0)

    def edit():
        with client(found) as asked, contextlib.suppress(httpx.TransportError):
            for number in range(10**6):
                action = {"tool": "keep", "points": [[20 + number % 90, 20 + number % 70]], "radius": 3}
                done = asked.post(f"{address}/actions", json={"base": documents[-1], "action": action})
                assert done.status_code == 200, done.text
                told = done.json()
                assert told["unsaved"] is None
                documents.append(told["history"]["documents"][-1]["id"])
                acknowledged.release()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        editing = pool.submit(edit)
        for _ in range(40):
            assert acknowledged.acquire(timeout=600)
        process.kill()
        editing.result(600)
    process.communicate(timeout=600)
    _, again = started("serve", f"--photo={tmp_path / 'me.png'}")
    assert again[4] == found[4]
    with client(again) as asked:
        told = asked.get(address).json()["history"]
        ids = [document["id"] for document in told["documents"]]
        assert len(documents) > 40 and ids[: len(documents)] == documents
        assert len(ids) <= len(documents) + 1, "the last one may have been saved unanswered"
        assert told["position"] == len(ids) - 1
        assert asked.get(f"{address}/result").status_code == 200


@pytest.mark.slow
def test_ctrl_c_saves_what_is_being_trained(started, tmp_path):
    process, found = started("serve")
    with client(found) as asked:
        address, content = "/api/workspaces", (tmp_path / "me.png").read_bytes()
        query, kind = "config=quickstart:tiny&name=me.png", {"Content-Type": "image/png"}
        opened = asked.post(f"{address}?{query}", content=content, headers=kind).json()
        address += f"/{opened['workspace']}/training"
        begin = {"do": "start", "values": {"train.steps": 100_000}}
        training = asked.post(address, json=begin).json()
        while training["step"] < 2:
            assert training["state"] == "running", training
            training = asked.get(f"{address}?since={training['since']}").json()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    told = re.search(r"^stopped; me\.png was being trained; its step (\d+) is saved; the same", err, re.M)
    assert process.returncode == 0 and told and int(told[1]) >= training["step"], err
    assert "saving what is being trained; Ctrl-C again ends at once\n" in err and "Traceback" not in err
    run = tmp_path / "runs" / "editor" / opened["workspace"] / "run"
    assert (run / "checkpoints" / told[1]).is_dir()


@pytest.mark.parametrize("unsaved", [[], ["me.jpg: not saved: No space left on device"]])
def test_what_is_not_saved_is_told_at_the_end(capsys, unsaved):
    server = types.SimpleNamespace(trainings=[], stop=lambda saving: True, unsaved=unsaved)
    serve._stop(server)
    told = capsys.readouterr().err
    assert ("every step is saved" in told) == ("everything as it was" in told) == (not unsaved)
    assert all(line in told for line in unsaved)


@pytest.mark.parametrize("second", [True, False])
def test_a_second_ctrl_c_and_what_does_not_end_are_ended_at_once(monkeypatch, capsys, second):
    class Ended(BaseException):
        pass

    def leave(code):
        raise Ended(code)

    def wait():
        raise KeyboardInterrupt

    def stop(saving):
        if second:
            signal.raise_signal(signal.SIGINT)
        return False

    server = types.SimpleNamespace(
        url="http://x", workdir="runs", trainings=[], unsaved=[], wait=wait, stop=stop
    )
    monkeypatch.setattr(serve.serving, "serve", lambda *args, **options: server)
    monkeypatch.setattr(os, "_exit", leave)
    before = signal.getsignal(signal.SIGINT)
    options = dict.fromkeys(("workdir", "photo", "host", "port", "open_browser"))
    with pytest.raises(Ended) as ended:
        serve.run(types.SimpleNamespace(**options))
    assert ended.value.args == ((130,) if second else (0,))
    assert signal.getsignal(signal.SIGINT) is before
    assert ("every step is saved" in capsys.readouterr().err) != second


def test_the_page_is_opened_where_that_is_wanted(call, monkeypatch, tmp_path):
    def wait(server):
        raise KeyboardInterrupt

    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(serve.serving.Server, "wait", wait)
    monkeypatch.setattr(serve, "SAVING", 600)
    for wanted in ("false", "true"):
        code, out, _ = call("serve", f"--workdir={tmp_path}", f"--open_browser={wanted}")
        assert code == 0
        assert opened == re.findall(r"edit at (http://\S+#token=\S+)", out) * (wanted == "true")


def test_its_flags_are_declared(call):
    code, out, _ = call("serve", "--help")
    assert code == 0
    for flag in ("--photo=PATH", "--port=N", "--host=TEXT", "--open_browser=true|false"):
        assert flag in out
    code, _, err = call("serve", "--port=70000")
    assert code == 2 and "port" in err
    code, _, err = call("serve", "--host=no.such.host.invalid")
    assert code == 2 and err.startswith("error: --host=no.such.host.invalid: no such address")
