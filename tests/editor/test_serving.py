"""Starting and ending: loopback, a new token each time, ports, notebooks."""

import logging
import re
import socket
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import deepsim_jax
from deepsim_jax import UserError
from deepsim_jax.editor import serving
from deepsim_jax.images import io as image_io


@pytest.fixture
def serve(tmp_path):
    """Serves, and ends it."""
    servers = []

    def begin(workdir=tmp_path / "workdir", **options):
        servers.append(deepsim_jax.serve(workdir, **options))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


def test_it_listens_on_this_machine_alone_with_a_new_token_each_time(serve, tmp_path):
    first, second = serve(), serve(tmp_path / "other")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#token=[\w-]{43}", first.url)
    assert first.url.partition("#")[2] != second.url.partition("#")[2] and first.port != second.port
    hosts, origins, frames = serving._allowed("127.0.0.1", 1)
    assert hosts == {"127.0.0.1:1", "localhost:1", "[::1]:1"} and frames == ()
    assert origins == {f"http://{host}" for host in hosts}


def test_another_address_warns(serve, caplog):
    caplog.set_level(logging.WARNING, "deepsim_jax")
    serve(host="0.0.0.0")
    assert "others in your network can reach this server" in caplog.text
    hosts, _, _ = serving._allowed("0.0.0.0", 1)
    assert "0.0.0.0:1" not in hosts and f"{socket.gethostname()}:1" in hosts


def test_it_ends_within_two_seconds_and_others_may_have_the_folder(serve, waited):
    server = serve()
    assert server.stop() and 0 < sum(waited) <= 2
    server.wait()
    assert not serve()._desk.catalogue.readonly


def test_a_second_one_on_a_folder_may_only_look(serve, caplog):
    serve()
    assert serve()._desk.catalogue.readonly
    assert "here nothing is saved" in caplog.text


def test_ports_hosts_photos_and_folders_that_cannot_be_used_are_one_line(serve, tmp_path):
    server = serve()
    (tmp_path / "file").write_text("no picture")
    for options, words in (
        ({"port": server.port}, "choose another one"),
        ({"host": "no.such.host.invalid"}, "no such address"),
        ({"photo": tmp_path / "none.png"}, "no such file"),
        ({"photo": tmp_path / "file"}, "not an image"),
        ({"workdir": tmp_path / "file"}, "cannot be written"),
    ):
        with pytest.raises(UserError, match=words) as error:
            serve(**{"workdir": tmp_path / "another", **options})
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_photo_is_open_to_begin_with(serve, tmp_path, scene, client_of, picture_of, suffix, waited):
    import tifffile

    path = tmp_path / f"photo.{suffix}"
    image_io.write_png(path, scene) if suffix == "png" else tifffile.imwrite(path, scene)
    server = serve(photo=path)
    workspace = re.search(r"&workspace=(\w{16})$", server.url)[1]
    with client_of(server) as client:
        told = client.get(f"/api/workspaces/{workspace}").json()
        result = client.get(f"/api/workspaces/{workspace}/result").content
    assert told["name"] == path.name
    np.testing.assert_array_equal(picture_of(result), scene)
    assert server.stop() and serve(photo=path).url.endswith(f"&workspace={workspace}")


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(serving.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'deepsim_jax\[editor\]'"):
        serving.serve()


def test_notebooks_show_the_page(serve, monkeypatch, capsys):
    shown = []
    display = types.SimpleNamespace(
        display=shown.append, IFrame=lambda url, width, height: ("frame", url)
    )
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(display=display))
    server = serve()
    assert shown == [("frame", server.url)]
    assert "http://localhost:*" in serving._allowed("127.0.0.1", 1)[2]


def test_colab_shows_it_through_its_proxy(serve, monkeypatch, capsys, tmp_path):
    shown = []
    output = types.SimpleNamespace(
        eval_js=lambda script: f"https://1-{re.search('[0-9]+', script)[0]}-colab.example/",
        serve_kernel_port_as_iframe=lambda port, path, height: shown.append((port, path)),
    )
    colab = types.SimpleNamespace(output=output)
    monkeypatch.setitem(sys.modules, "google", types.SimpleNamespace(colab=colab))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    server = serve()
    path = server.url.partition(str(server.port))[2]
    assert shown == [(server.port, path)]
    assert f"https://1-{server.port}-colab.example{path}" in capsys.readouterr().out
    hosts, origins, frames = serving._allowed("127.0.0.1", 5)
    assert "1-5-colab.example" in hosts and "https://1-5-colab.example" in origins
    assert "https://colab.research.google.com" in frames


def test_the_server_imports_no_http_client(tmp_path):
    program = (
        "import sys, deepsim_jax; s = deepsim_jax.serve(sys.argv[1]); s.stop(); "
        "print(sorted({'httpx', 'requests', 'aiohttp', 'urllib3', 'websockets'} & set(sys.modules)))"
    )
    root = Path(deepsim_jax.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], cwd=root, text=True, capture_output=True
    )
    assert done.returncode == 0 and done.stdout.strip() == "[]", done.stdout + done.stderr
