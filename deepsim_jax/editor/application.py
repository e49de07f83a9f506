"""The editor's routes (docs/editor-protocol.md): reads requests, lets others do it, tells the outcome."""

import asyncio
import functools
import pathlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from deepsim_jax.editor import asked_for, descriptions, history, messages, opening, uploads
from deepsim_jax.editor.desk import Desk
from deepsim_jax.editor.guard import Access, Guard, Limits
from deepsim_jax.editor.worker import Bell, Busy, Superseded
from deepsim_jax.editor.workspaces import Edited, Stale, Workspace
from deepsim_jax.errors import UserError
from deepsim_jax.images import collections as photos
from deepsim_jax.version import __version__

STATIC = pathlib.Path(__file__).parent / "static"
POLL = 20.0
"""Seconds after which a long poll is answered, whatever happened."""

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}

Handler = Callable[["Application", Request], Awaitable[Response]]


class _Gone(Exception):
    """Whoever asked is gone."""


def _answering(handler: Handler) -> Handler:
    """A handler whose errors become a status and a line."""

    @functools.wraps(handler)
    async def answered(self: "Application", request: Request) -> Response:
        try:
            return await handler(self, request)
        except _Gone:
            return Response(status_code=400)
        except Superseded as error:
            return messages.error(409, str(error), superseded=True)
        except Edited as error:
            return messages.error(409, str(error), edited=True)
        except Busy as error:
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


class Application:
    """The editor as an ASGI application, behind its guard."""

    def __init__(self, desk: Desk, access: Access, limits: Limits | None = None):
        """Serves a desk to those who have access."""
        self._desk, self._limits = desk, limits or Limits()
        self._server, self._static = secrets.token_hex(8), static_files()
        self._systems = descriptions.systems()
        of = "/api/workspaces/{workspace}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/", Application._page),
            ("GET", "/static/{name:path}", Application._file),
            ("GET", "/api/state", Application._state),
            ("POST", "/api/workspaces", Application._open),
            ("GET", of, Application._workspace),
            ("DELETE", of, Application._delete),
            ("POST", f"{of}/actions", Application._act),
            ("POST", f"{of}/position", Application._move),
            ("POST", f"{of}/pictures", Application._add_picture),
            ("PUT", f"{of}/opening", Application._change_opening),
            ("POST", f"{of}/preview", Application._preview),
            ("GET", f"{of}/photo", Application._photo),
            ("GET", f"{of}/drawing", Application._drawing),
            ("GET", f"{of}/layers/{{name}}", Application._layer),
            ("GET", f"{of}/thumbnail", Application._thumbnail),
            ("GET", f"{of}/region", Application._region),
            ("GET", f"{of}/mismatch", Application._mismatch),
            ("GET", f"{of}/changed", Application._changed),
            ("GET", f"{of}/result", Application._result),
            ("GET", f"{of}/recipe", Application._recipe),
            ("POST", f"{of}/recipe", Application._import_recipe),
            ("GET", f"{of}/training", Application._training),
            ("POST", f"{of}/training", Application._train),
            ("GET", f"{of}/training/preview", Application._training_preview),
            ("POST", f"{of}/film", Application._film),
            ("GET", "/api/jobs/{job}", Application._job),
            ("GET", "/api/jobs/{job}/result", Application._job_result),
            ("DELETE", "/api/jobs/{job}", Application._cancel),
        ]
        routes = [
            Route(path, functools.partial(_answering(handler), self), methods=[method])
            for method, path, handler in table
        ]
        router = Router(routes, redirect_slashes=False, default=messages.error(404, "no such page"))
        self.guarded = Guard(router, access, self._limits)

    async def _page(self, request):
        return self._file_of("index.html")

    async def _file(self, request):
        return self._file_of(request.path_params["name"])

    def _file_of(self, name):
        if name not in self._static:
            raise LookupError("no such page")
        content, kind = self._static[name]
        return Response(content, 200, media_type=kind)

    async def _state(self, request):
        catalogue = self._desk.catalogue

        def told():
            return {
                "protocol": 1,
                "version": __version__,
                "server": self._server,
                "workdir": catalogue.workdir.name,
                "readonly": catalogue.readonly,
                "systems": self._systems,
                "config": opening.default_config(),
                "examples": [
                    {"name": name, "title": name.replace("_", " ")} for name in photos.INSTALLED
                ],
                "runs": catalogue.described_runs(),
                "workspaces": catalogue.described_workspaces(),
                "limits": {
                    "body": self._limits.picture,
                    "pixels": uploads.PIXELS,
                    "documents": history.MOST_ENTRIES,
                },
            }

        return messages.answer(await self._computed(request, told))

    async def _open(self, request):
        config, name = request.query_params.get("config"), request.query_params.get("name", "photo")
        content, catalogue = await request.body(), self._desk.catalogue
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":

            def do():
                return catalogue.open_photo(content, name, config)

        else:
            asked = messages.read_object(content)
            config = asked_for.text(asked, "config", None)

            def do():
                if "run" in asked:
                    return catalogue.open_run(asked_for.text(asked, "run"))
                if "example" in asked:
                    return catalogue.open_example(asked_for.text(asked, "example"), config)
                if isinstance(asked.get("from"), dict):
                    of = asked["from"]
                    source = self._desk.get(asked_for.text(of, "workspace"))
                    id_ = asked_for.number(of, "document")
                    return catalogue.open_result(
                        source, id_, asked_for.number(of, "candidate", None), config
                    )
                raise UserError('one of "run", "example" and "from" is needed')

        def opened():
            workspace = do()
            self._desk.warm(workspace)
            return self._desk.describe(workspace)

        return messages.answer(await self._computed(request, opened))

    async def _workspace(self, request):
        return messages.answer(await self._with(request, self._desk.describe))

    async def _delete(self, request):
        id_ = request.path_params["workspace"]
        await self._computed(request, lambda: self._desk.delete(id_))
        return messages.answer({})

    async def _act(self, request):
        asked = messages.read_object(await request.body())
        base, actions = asked_for.number(asked, "base"), asked_for.actions(asked)
        if not actions:
            raise UserError("action: an object is needed")

        def do(workspace):
            try:
                doubts = workspace.act(base, *actions)
            except Stale as stale:
                words = str(stale)
                told = descriptions.history(workspace.history)
                return messages.error(409, words, stale=True, history=told)
            return messages.answer({**descriptions.moved(workspace), "doubts": doubts})

        return await self._with(request, do)

    async def _move(self, request):
        position = asked_for.number(messages.read_object(await request.body()), "position")

        def do(workspace):
            workspace.move(position)
            return descriptions.moved(workspace)

        return messages.answer(await self._with(request, do))

    async def _add_picture(self, request):
        content = await request.body()
        id_, size = await self._with(request, lambda workspace: workspace.add_picture(content))
        return messages.answer({"picture": id_, "size": list(size)})

    async def _change_opening(self, request):
        asked = messages.read_object(await request.body())
        values, discard = asked_for.object_of(asked, "values"), asked.get("discard") is True

        def do(workspace):
            self._desk.change_opening(workspace, values, discard=discard)
            return self._desk.describe(workspace)

        return messages.answer(await self._with(request, do))

    async def _preview(self, request):
        asked = messages.read_object(await request.body())
        id_, actions = asked_for.number(asked, "document", None), asked_for.actions(asked)
        candidate, sequence = (
            asked_for.number(asked, "candidate", None),
            asked_for.number(asked, "sequence", 0),
        )
        drawn = asked.get("show") == "drawing"
        kind = "preview", request.path_params["workspace"], asked_for.text(asked, "tab", "")[:64], drawn

        def do(workspace):
            if drawn:
                return messages.picture(
                    messages.png(workspace.drawing(id_, actions)), Sequence=str(sequence)
                )
            content, rendering = workspace.preview(id_, actions, candidate)
            headers = messages.rendering_headers(rendering)
            return messages.picture(content, "image/webp", Sequence=str(sequence), **headers)

        return await self._with(request, do, kind=kind)

    async def _photo(self, request):
        side = asked_for.query(request, "fit")

        def do(workspace, id_):
            photo = workspace.photo(id_)
            return messages.png(photo if side is None else messages.fitted(photo, side))

        return await self._shown(request, do)

    async def _drawing(self, request):
        return await self._shown(request, lambda one, id_: messages.png(one.drawing(id_)))

    async def _layer(self, request):
        name = request.path_params["name"]
        return await self._shown(request, lambda one, id_: messages.png(one.layer(id_, name)))

    async def _thumbnail(self, request):
        def do(one, id_):
            return messages.thumbnail(one.drawing(id_))

        return await self._shown(request, do, "image/webp")

    async def _region(self, request):
        point = asked_for.query(request, "x", float), asked_for.query(request, "y", float)
        id_ = asked_for.query(request, "document")
        if None in point:
            raise UserError("x and y are needed")

        def do(workspace):
            mask = workspace.region(id_, point)
            box = ",".join(map(str, descriptions.box(mask)))
            return messages.picture(messages.mask_png(mask), Box=box)

        return await self._with(request, do)

    async def _mismatch(self, request):
        def do(one, id_):
            return messages.png(one.mismatch(id_))

        return await self._shown(request, do, newest=True)

    async def _changed(self, request):
        def do(one, id_):
            return messages.mask_png(one.changed_pixels(id_))

        return await self._shown(request, do, newest=True)

    async def _result(self, request):
        id_, candidate = asked_for.query(request, "document"), asked_for.query(request, "candidate")

        def do(workspace):
            content, rendering = workspace.result(id_, candidate)
            entry = workspace.history.entries[workspace.history.index(id_)]
            headers = messages.rendering_headers(rendering)
            return messages.picture(content, Document=str(entry.id), **headers)

        return await self._with(request, do, kind=_line(request))

    async def _recipe(self, request):
        id_ = asked_for.query(request, "document")
        return messages.answer(await self._with(request, lambda workspace: workspace.recipe(id_)))

    async def _import_recipe(self, request):
        recipe = messages.read_object(await request.body())

        def do(workspace):
            workspace.import_recipe(recipe)
            return descriptions.moved(workspace)

        return messages.answer(await self._with(request, do))

    async def _training(self, request):
        since = asked_for.query(request, "since")
        job = await self._with(request, self._desk.training)
        if since is not None:
            await self._changes(request, job.bell, since)
        return messages.answer(job.describe())

    async def _train(self, request):
        asked = messages.read_object(await request.body())
        what, values = asked.get("do"), asked.get("values") or {}
        if what not in ("start", "pause", "resume") or not isinstance(values, dict):
            raise UserError('"do" is one of start, pause, resume; "values" an object')

        def do(workspace):
            if what == "pause":
                job = self._desk.training(workspace)
                job.pause()
            else:
                job = self._desk.train(workspace, values if what == "start" else None)
            return job.describe()

        return messages.answer(await self._with(request, do))

    async def _training_preview(self, request):
        step = asked_for.query(request, "step") or 0

        def do(workspace):
            return self._desk.training(workspace).read_preview(step)

        return messages.picture(await self._with(request, do), "image/webp")

    async def _film(self, request):
        asked = messages.read_object(await request.body())
        documents = asked.get("documents")
        if not isinstance(documents, list) or not all(isinstance(id_, int) for id_ in documents):
            raise UserError('"documents" is a list of ids')
        options = {
            "frames": asked_for.number(asked, "frames", 12),
            "rate": asked_for.number(asked, "rate", 12),
            "format": asked_for.text(asked, "format", "mp4"),
            "back": asked.get("back") is True,
        }

        def do(workspace):
            return self._desk.begin_film(workspace, documents=documents, **options).id

        return messages.answer({"job": await self._with(request, do)})

    async def _job(self, request):
        film, since = self._desk.film(request.path_params["job"]), asked_for.query(request, "since")
        if since is not None:
            await self._changes(request, film.bell, since)
        return messages.answer(film.describe())

    async def _job_result(self, request):
        film = self._desk.film(request.path_params["job"])
        if film.state != "finished" or not film.path.is_file():
            raise LookupError("it is not finished")
        return messages.picture(film.path.read_bytes(), film.type)

    async def _cancel(self, request):
        self._desk.film(request.path_params["job"]).cancel()
        return messages.answer({})

    async def _shown(self, request, make, kind="image/png", *, newest=False):
        """A picture of the document that is asked for."""
        id_ = asked_for.query(request, "document")

        def do(workspace):
            entry = workspace.history.entries[workspace.history.index(id_)]
            return messages.picture(make(workspace, entry.id), kind, Document=str(entry.id))

        return await self._with(request, do, kind=_line(request) if newest else None)

    async def _with(self, request, do: Callable[[Workspace], Any], kind=None):
        """What is computed of a request's workspace."""
        id_ = request.path_params["workspace"]
        return await self._computed(request, lambda: do(self._desk.get(id_)), kind)

    async def _computed(self, request, do: Callable[[], Any], kind=None):
        """What the worker makes, unless whoever asked is gone before it begins."""
        waiting = self._desk.worker.submit(do, kind=kind)
        future = asyncio.wrap_future(waiting)
        future.add_done_callback(lambda done: done.cancelled() or done.exception())  # of those who left
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait({future, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not future.done():
                waiting.cancel()
                raise _Gone
            return future.result()
        finally:
            gone.cancel()

    async def _changes(self, request, bell: Bell, since: int):
        """Waits until a bell has rung more often, for a while."""
        if bell.count > since or self._desk.closed:
            return
        loop, rung = asyncio.get_running_loop(), asyncio.Event()
        forget = bell.call_once(lambda: _wake(loop, rung))
        gone = asyncio.ensure_future(_disconnected(request))
        wait = asyncio.ensure_future(rung.wait())
        try:
            if bell.count <= since:
                await asyncio.wait({wait, gone}, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
        finally:
            forget()
            gone.cancel()
            wait.cancel()


def _line(request):
    """Of requests with this in common only the newest is answered."""
    return request.scope["path"], request.query_params.get("tab", "")[:64]


def _wake(loop, event):
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)


async def _disconnected(request):
    while (await request.receive())["type"] != "http.disconnect":
        pass


def static_files(folder: pathlib.Path = STATIC) -> dict[str, tuple[bytes, str]]:
    """Name -> (content, type) of the files that are served: all that lie there when the server starts."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), _TYPES[path.suffix])
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in _TYPES
    }
