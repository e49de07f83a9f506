"""The routes of pictures of documents: previews, drawings, results (docs/editor-protocol.md)."""

from starlette.responses import Response

from deepsim_jax.editor import asked_for, descriptions, messages
from deepsim_jax.editor.answering import WORKSPACE, Handler, Routes
from deepsim_jax.errors import UserError


class PictureRoutes(Routes):
    """What documents look like."""

    def table(self) -> list[tuple[str, str, Handler]]:
        """(method, path, handler) of each."""
        return [
            ("POST", f"{WORKSPACE}/preview", self._preview),
            ("GET", f"{WORKSPACE}/photo", self._photo),
            ("GET", f"{WORKSPACE}/drawing", self._drawing),
            ("GET", f"{WORKSPACE}/layers/{{name}}", self._layer),
            ("GET", f"{WORKSPACE}/thumbnail", self._thumbnail),
            ("GET", f"{WORKSPACE}/region", self._region),
            ("GET", f"{WORKSPACE}/mismatch", self._mismatch),
            ("GET", f"{WORKSPACE}/changed", self._changed),
            ("GET", f"{WORKSPACE}/result", self._result),
            ("GET", f"{WORKSPACE}/progress", self._progress),
        ]

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
            shown = one.thumbnail(id_)
            return None if shown is None else messages.thumbnail(shown)

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

    async def _progress(self, request):
        return messages.answer(self._desk.progress(request.path_params["workspace"]).describe())

    async def _shown(self, request, make, kind="image/png", *, newest=False):
        """A picture of the document that is asked for."""
        id_ = asked_for.query(request, "document")

        def do(workspace):
            entry = workspace.history.entries[workspace.history.index(id_)]
            content = make(workspace, entry.id)
            if content is None:
                return Response(status_code=204)
            return messages.picture(content, kind, Document=str(entry.id))

        return await self._with(request, do, kind=_line(request) if newest else None)


def _line(request):
    """Of requests with this in common only the newest is answered; None: in any case."""
    tab = request.query_params.get("tab")
    return None if tab is None else (request.scope["path"], tab[:64])
