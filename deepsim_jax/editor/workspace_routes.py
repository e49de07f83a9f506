"""The routes of workspaces: opened, changed step by step, deleted (docs/editor-protocol.md)."""

from deepsim_jax.editor import asked_for, descriptions, messages
from deepsim_jax.editor.answering import WORKSPACE, Handler, Routes
from deepsim_jax.editor.workspaces import Stale
from deepsim_jax.errors import UserError


class WorkspaceRoutes(Routes):
    """What is open, its history, and what is sent for it."""

    def table(self) -> list[tuple[str, str, Handler]]:
        """(method, path, handler) of each."""
        return [
            ("POST", "/api/workspaces", self._open),
            ("GET", WORKSPACE, self._workspace),
            ("DELETE", WORKSPACE, self._delete),
            ("POST", f"{WORKSPACE}/actions", self._act),
            ("POST", f"{WORKSPACE}/position", self._move),
            ("POST", f"{WORKSPACE}/pictures", self._add_picture),
            ("PUT", f"{WORKSPACE}/opening", self._change_opening),
            ("GET", f"{WORKSPACE}/recipe", self._recipe),
            ("POST", f"{WORKSPACE}/recipe", self._import_recipe),
        ]

    async def _open(self, request):
        config, name = request.query_params.get("config"), request.query_params.get("name", "photo")
        content, catalogue, of = await request.body(), self._desk.catalogue, None
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":

            def do():
                return catalogue.open_photo(content, name, config)

        else:
            asked = messages.read_object(content)
            config = asked_for.text(asked, "config", None)
            if isinstance(asked.get("from"), dict):
                of = asked_for.text(asked["from"], "workspace")

            def do():
                if "run" in asked:
                    return catalogue.open_run(asked_for.text(asked, "run"))
                if "example" in asked:
                    return catalogue.open_example(asked_for.text(asked, "example"), config)
                if of is not None:
                    source, wanted = self._desk.get(of), asked["from"]
                    id_ = asked_for.number(wanted, "document")
                    return catalogue.open_result(
                        source, id_, asked_for.number(wanted, "candidate", None), config
                    )
                raise UserError('one of "run", "example" and "from" is needed')

        def opened():
            workspace = do()
            self._desk.warm(workspace)
            return self._desk.describe(workspace)

        return messages.answer(await self._computed(request, opened, of=of))

    async def _workspace(self, request):
        return messages.answer(await self._with(request, self._desk.describe))

    async def _delete(self, request):
        id_ = request.path_params["workspace"]
        await self._computed(request, lambda: self._desk.delete(id_), of=id_)
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
                return _stale(workspace, stale)
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

    async def _recipe(self, request):
        id_ = asked_for.query(request, "document")
        return messages.answer(await self._with(request, lambda workspace: workspace.recipe(id_)))

    async def _import_recipe(self, request):
        recipe, base = messages.read_object(await request.body()), asked_for.query(request, "base")

        def do(workspace):
            try:
                workspace.import_recipe(recipe, base)
            except Stale as stale:
                return _stale(workspace, stale)
            return messages.answer(descriptions.moved(workspace))

        return await self._with(request, do)


def _stale(workspace, stale):
    return messages.error(409, str(stale), stale=True, **descriptions.moved(workspace))
