"""Starting and ending the editor's server, for the command line, a program and a notebook."""

import contextlib
import importlib.util
import ipaddress
import logging
import pathlib
import secrets
import socket
import sys
import threading
import time
import urllib.parse
import webbrowser
from typing import TYPE_CHECKING, Any

from deepsim_jax.errors import UserError
from deepsim_jax.runtime.paths import user_path

if TYPE_CHECKING:
    from deepsim_jax.editor.desk import Desk
    from deepsim_jax.editor.training_jobs import TrainingJob

log = logging.getLogger("deepsim_jax")

PORT = 8765
"""Tried first where no port is asked for; then any that is free."""

WORKDIR = "deepsim_jax_edits"
"""Below the current folder, where none is named."""

HEIGHT = 900  # of the frame in a notebook, px
_NEEDED = ("starlette", "uvicorn")
_NOTEBOOKS = ("http://localhost:*", "http://127.0.0.1:*")
_COLAB = ("https://colab.research.google.com", "https://*.googleusercontent.com", "https://*.colab.dev")


class Server:
    """An editor that is being served.

    Attributes:
      url: the address to open, with the token in its fragment.
      workdir: where everything is saved.
    """

    def __init__(self, desk: "Desk", bound: socket.socket, access: Any, path: str):
        """Begins to serve in a thread; made by `serve`."""
        import uvicorn

        from deepsim_jax.editor.application import Application

        self.workdir, self._desk, self._path = desk.catalogue.workdir, desk, path
        host, self.port = bound.getsockname()[:2]
        host = "127.0.0.1" if ipaddress.ip_address(host).is_unspecified else host
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}{path}"
        config = uvicorn.Config(
            Application(desk, access).guarded,
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=30,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [bound]}, name="server", daemon=True
        )
        self._thread.start()
        end = time.monotonic() + 10
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise UserError("the editor could not be started; the lines above say why")
            time.sleep(0.01)

    def wait(self) -> None:
        """Returns when it is stopped; Ctrl-C raises KeyboardInterrupt, as ever."""
        while self._thread.is_alive():
            self._thread.join(0.2)

    @property
    def trainings(self) -> list["TrainingJob"]:
        """Those that are going on."""
        return self._desk.going_on

    @property
    def unsaved(self) -> list[str]:
        """What of the edits is not saved, and why, in a few words each."""
        return self._desk.catalogue.unsaved

    def stop(self, saving: float = 0.0) -> bool:
        """Ends it within two seconds; a training saves what it has.

        Args:
          saving: seconds for which a training that is amid a step is waited for beyond that.

        Returns:
          Whether all of it has ended; a training that is being compiled cannot be told.
        """
        self._server.should_exit = True
        ended = self._desk.close(saving=saving)
        self._thread.join(0.5)
        return ended and not self._thread.is_alive()

    def show(self) -> None:
        """Shows the page in the notebook that this runs in; elsewhere does nothing."""
        if "google.colab" in sys.modules:
            from google.colab import output

            print(_proxy(self.port) + self._path)
            output.serve_kernel_port_as_iframe(self.port, path=self._path, height=str(HEIGHT))
        elif "ipykernel" in sys.modules:
            from IPython import display

            display.display(display.IFrame(self.url, width="100%", height=HEIGHT))


def serve(
    workdir: str | pathlib.Path | None = None,
    *,
    photo: str | pathlib.Path | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    open_browser: bool = False,
) -> Server:
    """Serves the browser editor, and returns at once; in a notebook the page is shown.

    Args:
      workdir: a run, a folder of runs, or any folder, below which everything is saved; None:
        `deepsim_jax_edits` in the current one.
      photo: a photo's file that is opened to begin with, as it was left if it was opened before.
      host: the address to listen on. Another one than this machine's own lets others come in, who need
        the token, too.
      port: None: 8765, or where that is taken another one.
      open_browser: whether to open the page.

    Raises:
      UserError: the extra is not installed, the port is taken, or the folder or photo cannot be used.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(f"the editor needs {missing[0]}: pip install 'deepsim_jax[editor]'")
    from deepsim_jax.editor.desk import Desk
    from deepsim_jax.editor.guard import Access

    bound = _bind(host, port)
    try:
        desk = Desk(user_path(workdir or WORKDIR))
        with contextlib.ExitStack() as undo:
            undo.callback(desk.close)
            token = secrets.token_urlsafe(32)
            path = f"/#token={token}"
            opened = _opened(desk, photo)
            if opened:
                path += f"&workspace={opened}"
            hosts, origins, frames = _allowed(*bound.getsockname()[:2])
            access = Access(token, frozenset(hosts), frozenset(origins), frames)
            server = Server(desk, bound, access, path)
            undo.pop_all()
            desk.prepare()
    except BaseException:
        bound.close()
        raise
    if desk.catalogue.readonly:
        log.warning("%s: another editor has it; here nothing is saved", desk.catalogue.workdir)
    if not _is_loopback(host):
        log.warning(
            "others in your network can reach this server, as http://%s:%d; what they may do hangs on "
            "the token in the address, which nothing encrypts on its way",
            socket.gethostname(),
            server.port,
        )
    server.show()
    if open_browser:
        webbrowser.open(server.url)
    return server


def _opened(desk, photo) -> str | None:
    """The id of the workspace to begin with: of a photo that is named, or of a workdir that is a run."""
    from deepsim_jax.editor import uploads
    from deepsim_jax.images import io as image_io

    def open_photo():
        path = user_path(photo)
        picture, original = image_io.read_photo(path, name="photo")
        content = path.read_bytes()
        try:
            uploads.kind_of(content)
        except uploads.NoPicture:  # a TIFF and the like
            content = original.png(picture) if original else image_io.png_bytes(picture)
        return desk.catalogue.reopen_photo(content, path.name, None).id

    if photo is not None:
        return desk.worker.submit(open_photo).result()
    return desk.worker.submit(desk.catalogue.workspace_of_its_run).result()


def _bind(host: str, port: int | None) -> socket.socket:
    """A socket that listens; raises `UserError` where it cannot."""
    try:
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
    except OSError as error:
        raise UserError(f"--host={host}: no such address ({error.strerror})") from error
    for choice in (PORT, 0) if port is None else (port,):
        bound = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, choice))
            bound.listen(128)
        except (OSError, OverflowError) as error:
            bound.close()
            reason = getattr(error, "strerror", None) or str(error)
        else:
            return bound
    raise UserError(f"--port={port}: cannot be listened on at {host} ({reason}); choose another one")


def _allowed(host: str, port: int) -> tuple[set[str], set[str], tuple[str, ...]]:
    """(values of Host, values of Origin, who may show the page in a frame)."""
    names = {"localhost", "127.0.0.1", "[::1]"}
    found = {host} if not ipaddress.ip_address(host).is_unspecified else _own_addresses()
    names |= {f"[{name}]" if ":" in name else name for name in found}
    hosts = {f"{name}:{port}" for name in names}
    if port == 80:  # which browsers leave out
        hosts |= names
    origins = {f"http://{name}" for name in hosts}
    if "google.colab" in sys.modules:
        proxy = urllib.parse.urlsplit(_proxy(port))
        return hosts | {proxy.netloc}, origins | {f"https://{proxy.netloc}"}, _COLAB
    return hosts, origins, _NOTEBOOKS if "ipykernel" in sys.modules else ()


def _own_addresses() -> set[str]:
    found = {socket.gethostname()}
    with contextlib.suppress(OSError):
        found |= {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(socket.gethostbyname(host) if ":" not in host else host).is_loopback
    except (OSError, ValueError):
        return False


def _proxy(port: int) -> str:
    """The address under which Colab shows a port of its kernel."""
    from google.colab import output

    return str(output.eval_js(f"google.colab.kernel.proxyPort({port})")).rstrip("/")
