"""How requests are answered: what the worker computes, as a response; errors as a status and a line."""

import abc
import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deepsim_jax.editor import messages, uploads
from deepsim_jax.editor.desk import Desk
from deepsim_jax.editor.worker import Bell, Busy, Superseded, Unwanted
from deepsim_jax.editor.workspaces import Edited, Workspace
from deepsim_jax.errors import UserError

POLL = 20.0
"""Seconds after which a long poll is answered, whatever happened."""

WORKSPACE = "/api/workspaces/{workspace}"
"""The address of a workspace, below which most others are."""

Handler = Callable[[Request], Awaitable[Response]]


class _Gone(Exception):
    """Whoever asked is gone."""


def answering(handler: Handler) -> Handler:
    """A handler whose errors become a status and a line."""

    @functools.wraps(handler)
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except _Gone:
            return Response(status_code=400)
        except Superseded as error:
            return messages.error(409, str(error), superseded=True)
        except Edited as error:
            return messages.error(409, str(error), edited=True, trained=error.trained)
        except (Busy, Unwanted) as error:
            return messages.error(429, str(error))
        except uploads.NoPicture as error:
            return messages.error(415, str(error))
        except uploads.TooLarge as error:
            return messages.error(413, str(error))
        except UserError as error:
            return messages.error(400, str(error))
        except LookupError as error:
            if type(error) is not LookupError:
                raise
            return messages.error(404, str(error))

    return answered


class Routes(abc.ABC):
    """Some of the editor's addresses, with what their handlers have in common.

    A handler takes a request and returns a response, or raises what `answering` tells.
    """

    def __init__(self, desk: Desk):
        """Of a desk's work."""
        self._desk = desk

    @abc.abstractmethod
    def table(self) -> list[tuple[str, str, Handler]]:
        """(method, path, handler) of each."""

    def routes(self) -> list[Route]:
        """The table as starlette takes it."""
        return [
            Route(path, answering(handler), methods=[method]) for method, path, handler in self.table()
        ]

    async def _with(self, request, do: Callable[[Workspace], Any], kind=None):
        """What is computed of a request's workspace."""
        id_ = request.path_params["workspace"]
        return await self._computed(request, lambda: do(self._desk.get(id_)), kind, of=id_)

    async def _computed(self, request, do: Callable[[], Any], kind=None, of=None):
        """What the worker makes of a workspace, or of none, as long as whoever asked is there."""
        waiting = self._desk.worker.submit(do, kind=kind, of=of)
        future = asyncio.wrap_future(waiting)
        future.add_done_callback(lambda done: done.cancelled() or done.exception())  # of those who left
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait({future, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not future.done():
                self._desk.worker.give_up(waiting)
                raise _Gone
            return future.result()
        finally:
            gone.cancel()

    async def _changes(self, request, bell: Bell, since: int):
        """Waits a while until a bell rings again; a count of a server before this one is told at once."""
        if bell.count != since or self._desk.closed:
            return
        loop, rung = asyncio.get_running_loop(), asyncio.Event()
        forget = bell.call_once(lambda: _wake(loop, rung))
        gone = asyncio.ensure_future(_disconnected(request))
        wait = asyncio.ensure_future(rung.wait())
        try:
            if bell.count == since:
                await asyncio.wait({wait, gone}, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
        finally:
            forget()
            gone.cancel()
            wait.cancel()


def _wake(loop, event):
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)


async def _disconnected(request):
    while (await request.receive())["type"] != "http.disconnect":
        pass
