"""The page, its files, and what there is to open, over a real connection."""

import json

import deepsim_jax
from deepsim_jax.editor import application


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
