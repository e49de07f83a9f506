"""A served editor, and a client that knows its token."""

import contextlib
import io
import threading

import httpx
import numpy as np
import pytest
from PIL import Image

import deepsim_jax
from deepsim_jax.images import io as image_io
from deepsim_jax.images import profiles


@pytest.fixture(scope="session")
def photo(scene):
    """The scene as the bytes of a PNG in Display P3."""
    profile = profiles.make("Display P3", profiles.DISPLAY_P3)
    return image_io.png_bytes(scene, profile=profile)


@contextlib.contextmanager
def _patience():
    # On a busy machine a thread that ends at once can take longer than any limit that suits a user.
    limits, join, here = [], threading.Thread.join, threading.get_ident()

    def wait(thread, timeout=None):
        if timeout is not None and threading.get_ident() == here:
            limits.append(timeout)
            timeout = max(timeout, 300)
        join(thread, timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "join", wait)
        yield limits


@pytest.fixture(scope="session")
def patience():
    """A context in which who waits for the end of a thread waits long; it yields the limits given, s."""
    return _patience


@pytest.fixture
def waited():
    """Who waits for the end of a thread waits long; the limits that were given, s."""
    with _patience() as limits:
        yield limits


class Client(httpx.Client):
    """Asks a served editor, as its page does."""

    def __init__(self, server, *, token=True):
        self.server = server
        self.token = server.url.partition("token=")[2].partition("&")[0]
        here = f"http://127.0.0.1:{server.port}"
        headers = {"Origin": here} | ({"Authorization": f"Bearer {self.token}"} if token else {})
        super().__init__(base_url=here, headers=headers, timeout=600, trust_env=False)

    def opened(self, photo, config="quickstart"):
        """A workspace of a photo, as the server tells it."""
        done = self.post(
            f"/api/workspaces?config={config}&name=scene.png",
            content=photo,
            headers={"Content-Type": "image/png"},
        )
        assert done.status_code == 200, done.text
        return done.json()

    def act(self, workspace, action):
        """Acts on the current document; the response."""
        of = f"/api/workspaces/{workspace['workspace']}"
        history = self.get(of).json()["history"]
        base = history["documents"][history["position"]]["id"]
        return self.post(f"{of}/actions", json={"base": base, "action": action})


@pytest.fixture(scope="session")
def client_of():
    """A server -> a client of it."""
    return Client


@pytest.fixture(scope="module")
def served(tmp_path_factory, patience):
    """A server on a folder of its own."""
    server = deepsim_jax.serve(tmp_path_factory.mktemp("served"))
    yield server
    with patience():
        assert server.stop()


@pytest.fixture(scope="module")
def client(served):
    with Client(served) as client:
        yield client


@pytest.fixture(scope="module")
def workspace(client, photo):
    """A workspace that tests may act in."""
    return client.opened(photo)


@pytest.fixture
def address(workspace):
    return f"/api/workspaces/{workspace['workspace']}"


@pytest.fixture(scope="session")
def picture_of():
    """The bytes of a picture -> its pixels."""
    return lambda content: np.asarray(Image.open(io.BytesIO(content)))


class Slow:
    """Lets pictures of a session have three parts, each of which is made when the test says so.

    Attributes:
      made: how many of the last one are.
      is_held: whether it is so for those that are begun from now on.
    """

    def __init__(self, session, held_quality):
        self.made, self._next, self._reached = 0, threading.Semaphore(0), threading.Semaphore(0)
        self.is_held = True

        def render_stepwise(session, document, quality, progress):
            if quality == held_quality and self.is_held:
                for part in (1, 2, 3):
                    self._reached.release()
                    assert self._next.acquire(timeout=300)
                    self.made = part
                    progress(part, 3)
            return session.render(document, quality)

        # A class of its own: which protocols a class has is asked once.
        session.__class__ = type("Slow", (type(session),), {"render_stepwise": render_stepwise})

    def reached(self):
        """Waits until the next part is begun."""
        assert self._reached.acquire(timeout=300)

    def go_on(self, parts=1):
        """Lets so many parts be made."""
        for _ in range(parts):
            self._next.release()


@pytest.fixture(scope="session")
def slowed():
    """slowed(session, quality) -> how its pictures of that quality are held up, see `Slow`."""
    return Slow
