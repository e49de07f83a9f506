"""The editor as an application (docs/editor-protocol.md): page, state, and the routes of all else."""

import pathlib
import secrets

from starlette.responses import Response
from starlette.routing import Router

from deepsim_jax.editor import descriptions, history, messages, opening, uploads
from deepsim_jax.editor.answering import Handler, Routes
from deepsim_jax.editor.desk import Desk
from deepsim_jax.editor.guard import Access, Guard, Limits
from deepsim_jax.editor.job_routes import JobRoutes
from deepsim_jax.editor.picture_routes import PictureRoutes
from deepsim_jax.editor.workspace_routes import WorkspaceRoutes
from deepsim_jax.images import collections as photos
from deepsim_jax.version import __version__

STATIC = pathlib.Path(__file__).parent / "static"

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


class Application:
    """The editor as an ASGI application, behind its guard."""

    def __init__(self, desk: Desk, access: Access, limits: Limits | None = None):
        """Serves a desk to those who have access."""
        limits = limits or Limits()
        parts = (PageRoutes(desk, limits), WorkspaceRoutes(desk), PictureRoutes(desk), JobRoutes(desk))
        router = Router(
            [route for part in parts for route in part.routes()],
            redirect_slashes=False,
            default=messages.error(404, "no such page"),
        )
        self.guarded = Guard(router, access, limits)


class PageRoutes(Routes):
    """The page, its files, and what there is to open."""

    def __init__(self, desk: Desk, limits: Limits):
        """Tells these limits; reads the files once."""
        super().__init__(desk)
        self._limits = limits
        self._server, self._static = secrets.token_hex(8), static_files()
        self._systems, self._config = descriptions.systems(), opening.default_config()

    def table(self) -> list[tuple[str, str, Handler]]:
        """(method, path, handler) of each."""
        return [
            ("GET", "/", self._page),
            ("GET", "/static/{name:path}", self._file),
            ("GET", "/api/state", self._state),
        ]

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
                "config": self._config,
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


def static_files(folder: pathlib.Path = STATIC) -> dict[str, tuple[bytes, str]]:
    """Name -> (content, type) of the files that are served: all that lie there when the server starts."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), _TYPES[path.suffix])
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in _TYPES
    }
