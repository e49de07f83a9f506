"""Who may ask what: every request is looked at here before anything of it is read.

A server on this machine can be reached by every page that the browser shows, directly and through names
that are bound to this machine later ("DNS rebinding"). So the Host, the Origin, the browser's own word
about where a request comes from, and a token have to be right, each by itself. Decisions are made on the
raw headers and on `scope["path"]`, never on an address that was put together from them.
"""

import asyncio
import dataclasses
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from deepsim_jax.editor import messages

log = logging.getLogger("deepsim_jax")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
READING = ("GET", "HEAD")


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a client may ask for at once.

    Attributes:
      json: bytes of a body of JSON.
      picture: bytes of a body with a picture.
      requests: that are answered at the same time.
      pause: seconds between two parts of a body.
      body: seconds until a body has to be there.
    """

    json: int = 4 * 2**20
    picture: int = 64 * 2**20
    requests: int = 64
    pause: float = 10.0
    body: float = 120.0


@dataclasses.dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
      token: 43 letters, new at each start.
      hosts: exactly these values of the header Host.
      origins: exactly these values of the header Origin.
      frames: who may show the page in a frame, for the Content-Security-Policy.
    """

    token: str = dataclasses.field(repr=False)
    hosts: frozenset[str]
    origins: frozenset[str]
    frames: tuple[str, ...] = ()

    @property
    def policy(self) -> str:
        """The Content-Security-Policy."""
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self' blob: data:",
                "media-src 'self' blob:",
                "connect-src 'self'",
                "font-src 'self'",
                "base-uri 'none'",
                "form-action 'none'",
                f"frame-ancestors {' '.join(self.frames) or chr(39) + 'none' + chr(39)}",
            )
        )


class Refused(Exception):
    """A request that is not answered: its status and a line."""

    def __init__(self, status: int, words: str):
        super().__init__(words)
        self.status = status


class Guard:
    """ASGI middleware around the application."""

    def __init__(self, app: App, access: Access, limits: Limits | None = None):
        """Lets through what `access` and `limits` allow."""
        self._app, self._access, self._limits = app, access, limits or Limits()
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or refuses in words."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._headers(scope["path"])]
            await send(message)

        try:
            self._check(scope)
            if self._running >= self._limits.requests:
                raise Refused(429, "too many requests at once; wait for the others")
            self._running += 1
            try:
                await self._app(scope, self._limited(scope, receive), sending)
            finally:
                self._running -= 1
        except Refused as refused:
            if not begun:
                await messages.error(refused.status, str(refused))(scope, receive, sending)
        except Exception as error:
            # A proxy may put its own page in the place of a 5xx, and the person shall read words.
            log.exception("editor: %s %s", scope["method"], scope["path"].split("?")[0])
            if not begun:
                reason = getattr(error, "strerror", None) or type(error).__name__
                words = f"something went wrong ({reason}); the terminal says more"
                await messages.error(400, words)(scope, receive, sending)

    def _check(self, scope):
        method, path = scope["method"], scope["path"]
        headers = scope["headers"]
        if _only(headers, b"host") not in self._access.hosts:
            raise Refused(421, "this address is not the editor's; open the one that it printed")
        if method not in METHODS:
            raise Refused(405, "no such method")
        origins = [value for name, value in headers if name == b"origin"]
        if (origins or method not in READING) and _only(headers, b"origin") not in self._access.origins:
            raise Refused(403, "a request of another page")
        if _comes_from_elsewhere(headers) and not self._is_visit(method, path, headers):
            raise Refused(403, "a request of another page")
        if is_below_api(path):
            given = (_only(headers, b"authorization") or "").encode("latin-1")
            if not hmac.compare_digest(given, f"Bearer {self._access.token}".encode()):
                raise Refused(401, "no or an old token; open the address that the editor printed")

    def _is_visit(self, method, path, headers):
        """Whether somebody follows a link to the page itself."""
        kinds = ("document", "iframe") if self._access.frames else ("document",)
        return (
            method == "GET"
            and path == "/"
            and _only(headers, b"sec-fetch-mode") == "navigate"
            and _only(headers, b"sec-fetch-dest") in kinds
        )

    def _headers(self, path):
        found = [
            (b"content-security-policy", self._access.policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cache-control", b"no-store" if is_below_api(path) else b"no-cache"),
        ]
        if not self._access.frames:
            found += [(b"x-frame-options", b"DENY"), (b"cross-origin-opener-policy", b"same-origin")]
        return found

    def _limited(self, scope, receive: Receive) -> Receive:
        """`receive`, which ends bodies that are too large or too slow."""
        most = self._most(scope)
        length = _only(scope["headers"], b"content-length")
        if length is not None and (not length.isdigit() or len(length) > 18 or int(length) > most):
            raise Refused(413, f"too large; at most {most // 2**20} MB are taken")
        got, end, complete = 0, time.monotonic() + self._limits.body, False

        async def receiving() -> Message:
            nonlocal got, complete
            if complete:
                return await receive()
            left = min(self._limits.pause, end - time.monotonic())
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.01))
            except TimeoutError as error:
                raise Refused(408, "the rest of it did not come") from error
            got += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if got > most:
                raise Refused(413, f"too large; at most {most // 2**20} MB are taken")
            return message

        return receiving

    def _most(self, scope):
        if scope["method"] in READING:
            return 0
        kind = (_only(scope["headers"], b"content-type") or "").partition(";")[0].strip().lower()
        takes_pictures = scope["path"] == "/api/workspaces" or scope["path"].endswith("/pictures")
        is_picture = takes_pictures and kind != "application/json"
        return self._limits.picture if is_picture else self._limits.json


def is_below_api(path: str) -> bool:
    """Whether a path needs the token."""
    return path == "/api" or path.startswith("/api/")


def _only(headers, name: bytes) -> str | None:
    """The value of a header that is there exactly once."""
    values = [value for key, value in headers if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def _comes_from_elsewhere(headers):
    return any(
        name == b"sec-fetch-site" and value not in (b"same-origin", b"none") for name, value in headers
    )
